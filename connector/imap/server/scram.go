package server

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/text/secure/precis"

	"waybill/secret"
)

// maxIterations bounds the work that a server may put on us; 4096 is the least
// that RFC 7677 permits, and current servers use up to some hundred thousand.
const maxIterations = 5_000_000

// errServer means that the server does not know the password itself: whatever
// it is, it gets nothing more from us.
var errServer = errors.New("the server could not prove that it knows the password")

// scram logs on by SCRAM-SHA-256 (RFC 5802, RFC 7677), in which the password
// does not leave this machine and the server proves that it knows it too.
type scram struct {
	user, acting string
	password     secret.Value
	nonce        string
	step         int
	first        string // client-first-message-bare
	signature    []byte // what the server must send at the end
	verified     bool
}

func (s *scram) header() string {
	if s.acting == "" {
		return "n,,"
	}
	return "n,a=" + scramName(s.acting) + ","
}

// scramName escapes what separates fields (RFC 5802 5.1).
func scramName(name string) string {
	return strings.NewReplacer("=", "=3D", ",", "=2C").Replace(name)
}

func (s *scram) Start() (string, []byte, error) {
	if s.nonce == "" {
		s.nonce = rand.Text()
	}
	s.first = "n=" + scramName(s.user) + ",r=" + s.nonce
	return "SCRAM-SHA-256", []byte(s.header() + s.first), nil
}

func (s *scram) Next(challenge []byte) ([]byte, error) {
	s.step++
	switch s.step {
	case 1:
		return s.prove(string(challenge))
	case 2:
		return []byte{}, s.verify(string(challenge))
	}
	return nil, errors.New("the server goes on after the end of SCRAM")
}

// attributes reads "r=...,s=...,i=..." (RFC 5802 5).
func attributes(message string) (map[byte]string, error) {
	found := map[byte]string{}
	for field := range strings.SplitSeq(message, ",") {
		if len(field) < 2 || field[1] != '=' {
			return nil, errors.New("the server's SCRAM message is malformed")
		}
		if _, twice := found[field[0]]; twice {
			return nil, errors.New("the server's SCRAM message says a thing twice")
		}
		found[field[0]] = field[2:]
	}
	return found, nil
}

// prove answers the server's first message.
func (s *scram) prove(challenge string) ([]byte, error) {
	told, err := attributes(challenge)
	if err != nil {
		return nil, err
	}
	if _, ok := told['m']; ok {
		return nil, errors.New("the server wants a SCRAM extension that nobody knows")
	}
	salt, err := base64.StdEncoding.DecodeString(told['s'])
	iterations, wrong := strconv.Atoi(told['i'])
	if err != nil || len(salt) == 0 || wrong != nil || iterations < 1 || iterations > maxIterations {
		return nil, errors.New("the server's SCRAM message has no usable salt or count")
	}
	if !strings.HasPrefix(told['r'], s.nonce) || len(told['r']) == len(s.nonce) {
		return nil, errors.New("the server's SCRAM message belongs to another logon")
	}
	// SASLprep's successor where the password permits it, as it is otherwise.
	password := s.password.Reveal()
	if prepared, err := precis.OpaqueString.String(password); err == nil {
		password = prepared
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return nil, err
	}
	last := "c=" + base64.StdEncoding.EncodeToString([]byte(s.header())) + ",r=" + told['r']
	all := []byte(s.first + "," + challenge + "," + last)
	clientKey := mac(salted, []byte("Client Key"))
	storedKey := sha256.Sum256(clientKey)
	proof := mac(storedKey[:], all)
	for i := range proof {
		proof[i] ^= clientKey[i]
	}
	s.signature = mac(mac(salted, []byte("Server Key")), all)
	return []byte(last + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// verify checks the server's last message.
func (s *scram) verify(message string) error {
	told, err := attributes(message)
	if err != nil {
		return err
	}
	if reason, ok := told['e']; ok {
		return errors.New("the server ends SCRAM: " + printable(reason))
	}
	signature, err := base64.StdEncoding.DecodeString(told['v'])
	if err != nil || !hmac.Equal(signature, s.signature) || bytes.Equal(signature, nil) {
		return errServer
	}
	s.verified = true
	return nil
}

func mac(key, text []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write(text)
	return h.Sum(nil)
}
