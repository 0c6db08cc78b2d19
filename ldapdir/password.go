package ldapdir

import (
	"bytes"
	"crypto/rand"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"runtime"
	"strings"

	"waybill/failure"
	"waybill/secret"
)

// Kinds of characters in passwords that are made up: what every keyboard has, and
// nobody mistakes for another one. The Migration Wizard drew from all characters,
// and some of its passwords could not be typed (KB Q160153).
const (
	capitals   = "ABCDEFGHJKLMNPQRSTUVWXYZ"
	smalls     = "abcdefghijkmnpqrstuvwxyz"
	digits     = "23456789"
	marks      = "-+=."
	randomSize = 20
)

// randomPassword makes up a password of all four kinds, about 110 bits.
func randomPassword() (secret.Value, error) {
	letters := []byte{}
	draw := func(from string) error {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(from))))
		if err == nil {
			letters = append(letters, from[n.Int64()])
		}
		return err
	}
	kinds := []string{capitals, smalls, digits, marks}
	for len(letters) < randomSize {
		from := capitals + smalls + digits
		if len(letters) < len(kinds) {
			from = kinds[len(letters)]
		}
		if err := draw(from); err != nil {
			return secret.Value{}, failure.New(failure.Internal, "make up a password", "", "ldap.random", err)
		}
	}
	// Shuffled, but with a letter first: some programs take a mark for a switch.
	for i := len(letters) - 1; i > 1; i-- {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(i)))
		if err != nil {
			return secret.Value{}, failure.New(failure.Internal, "make up a password", "", "ldap.random", err)
		}
		j := 1 + int(n.Int64())
		letters[i], letters[j] = letters[j], letters[i]
	}
	return secret.Of(string(letters)), nil
}

// aliasPassword is the account's name, padded with "x" to the length that the
// directory asks for (KB Q200004). padded says that it had to be.
func aliasPassword(id string, least int) (password secret.Value, padded bool) {
	name, _, _ := strings.Cut(id, "@")
	if n := least - len([]rune(name)); n > 0 {
		return secret.Of(name + strings.Repeat("x", n)), true
	}
	return secret.Of(name), false
}

// secretsFile remembers passwords that were made up: CSV, account and password,
// one to a line, appended and never changed.
type secretsFile struct {
	path  string
	known map[string]secret.Value
}

const maxSecrets = 64 << 20

func (s *secretsFile) fail(rule string, err error) *failure.Error {
	class := failure.ClassOf(err)
	if class == failure.Internal || class == failure.Vanished {
		class = failure.Usage
	}
	return failure.New(class, "keep passwords", s.path, rule, err)
}

// openSecrets reads what an earlier run left, and refuses a file that others
// may read.
func openSecrets(path string) (*secretsFile, error) {
	s := &secretsFile{path: path, known: map[string]secret.Value{}}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, s.fail("ldap.secrets", err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, s.fail("ldap.secrets", err)
	case !info.Mode().IsRegular():
		return nil, s.fail("ldap.secrets", errors.New("it is no ordinary file"))
	case info.Mode().Perm()&0o077 != 0 && runtime.GOOS != "windows":
		return nil, s.fail("ldap.secrets-mode", fmt.Errorf("others than its owner may read or write it (mode %04o)", info.Mode().Perm())).WithRemedy("chmod 600 " + path)
	case info.Size() > maxSecrets:
		return nil, s.fail("ldap.secrets", errors.New("it is too large for a list of passwords"))
	}
	all, err := io.ReadAll(io.LimitReader(f, maxSecrets))
	if err != nil {
		return nil, s.fail("ldap.secrets", err)
	}
	whole := all[:bytes.LastIndexByte(all, '\n')+1]
	if len(whole) < len(all) {
		// The line was not finished when the machine stopped, so its account was
		// not made either.
		if err := f.Truncate(int64(len(whole))); err != nil {
			return nil, s.fail("ldap.secrets", err)
		}
	}
	rows := csv.NewReader(bytes.NewReader(whole))
	rows.FieldsPerRecord = 2
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			// The error's words would hold a password.
			line := 0
			if where, ok := errors.AsType[*csv.ParseError](err); ok {
				line = where.StartLine
			}
			return nil, failure.New(failure.Malformed, "keep passwords", fmt.Sprintf("%s:%d", path, line), "ldap.secrets-line", errors.New("a line is not account,password")).
				WithRemedy("name another file")
		}
		s.known[row[0]] = secret.Of(row[1])
	}
}

// keep writes an account's password down, on the disk before it returns.
func (s *secretsFile) keep(id string, v secret.Value) error {
	var line bytes.Buffer
	w := csv.NewWriter(&line)
	if err := w.Write([]string{id, v.Reveal()}); err != nil {
		return s.fail("ldap.secrets", err)
	}
	w.Flush()
	f, err := os.OpenFile(s.path, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return s.fail("ldap.secrets", err)
	}
	_, err = f.Write(line.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return s.fail("ldap.secrets", err)
	}
	s.known[id] = v
	return nil
}
