package maildir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"waybill/failure"
	"waybill/mail"
)

// letters are the flags of a Maildir in the order in which they stand in a name
// (https://cr.yp.to/proto/maildir.html).
var letters = []struct {
	letter byte
	flag   mail.Flags
}{{'D', mail.Draft}, {'F', mail.Flagged}, {'P', mail.Forwarded}, {'R', mail.Answered}, {'S', mail.Seen}, {'T', mail.Deleted}}

const (
	keywordsFile = "dovecot-keywords"
	maxKeywords  = 26
	forwarded    = "$Forwarded"
)

// splitName takes a file's name apart: the base that never changes, and the
// flags. Where a file system has no ":" programs write ";" or "!".
func splitName(name string) (base, flags string, marked bool) {
	i := strings.LastIndex(name, "2,")
	if i < 1 || strings.IndexByte(":;!", name[i-1]) < 0 {
		return name, "", false
	}
	if name[i-1] != ':' && strings.ContainsFunc(name[i+2:], func(r rune) bool { return !isLetter(r) }) {
		return name, "", false
	}
	return name[:i-1], name[i+2:], true
}

func isLetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// hintedSize is the size in a name's ",S=": what Dovecot and Courier say that
// the message has when it is not compressed.
func hintedSize(base string) (int64, bool) {
	_, rest, ok := strings.Cut(base, ",S=")
	if !ok {
		return 0, false
	}
	digits, _, _ := strings.Cut(rest, ",")
	n, err := strconv.ParseInt(digits, 10, 64)
	return n, err == nil && n >= 0
}

// keywords are the names behind the lower-case letters of one folder.
type keywords [maxKeywords]string

// readKeywords reads dovecot-keywords: lines of a number and a name. A folder
// without that file has no names.
func readKeywords(ctx context.Context, dir string) (*keywords, error) {
	text, err := readAside(ctx, filepath.Join(dir, keywordsFile), 1<<20)
	if err != nil && failure.ClassOf(err) != failure.Vanished {
		return &keywords{}, err
	}
	return parseKeywords(text), nil
}

func parseKeywords(text []byte) *keywords {
	k := &keywords{}
	for line := range bytes.Lines(text) {
		number, name, ok := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
		n, err := strconv.Atoi(number)
		if ok && err == nil && n >= 0 && n < maxKeywords && name != "" {
			k[n] = name
		}
	}
	return k
}

func (k *keywords) write(w io.Writer) error {
	for i, name := range k {
		if name == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "%d %s\n", i, name); err != nil {
			return err
		}
	}
	return nil
}

func (k *keywords) index(name string) int {
	return slices.IndexFunc(k[:], func(have string) bool { return have != "" && strings.EqualFold(have, name) })
}

// assign finds a letter for a keyword. The last free letter is kept for
// $Forwarded, which Dovecot shows only when it is a keyword.
func (k *keywords) assign(name string) (letter byte, added, ok bool) {
	if i := k.index(name); i >= 0 {
		return 'a' + byte(i), false, true
	}
	free := slices.Index(k[:], "")
	if free < 0 {
		return 0, false, false
	}
	if !strings.EqualFold(name, forwarded) && k.index(forwarded) < 0 && slices.Index(k[free+1:], "") < 0 {
		return 0, false, false
	}
	k[free] = name
	return 'a' + byte(free), true, true
}

// flagSet reads the letters of a name.
func (k *keywords) flagSet(text string) (mail.FlagSet, []mail.Note) {
	var system mail.Flags
	var names []string
	var notes []mail.Note
next:
	for _, c := range []byte(text) {
		for _, l := range letters {
			if l.letter == c {
				system |= l.flag
				continue next
			}
		}
		switch {
		case c >= 'a' && c <= 'z' && k[c-'a'] != "":
			names = append(names, k[c-'a'])
		case c >= 'a' && c <= 'z':
			names = append(names, "maildir-"+string(c))
			notes = append(notes, mail.Note{Kind: "keyword-unnamed", Text: fmt.Sprintf("The letter %q marks the message and %s does not name it; it is carried as the keyword maildir-%c.", c, keywordsFile, c)})
		case c == 'Z': // compressed
		default:
			notes = append(notes, mail.Note{Kind: "flag-unknown", Text: fmt.Sprintf("The mark %q in the message's file name has no known meaning and is left out.", c)})
		}
	}
	return mail.NewFlagSet(system, names...), notes
}

// systemLetters are the letters of the system flags, in their order.
func systemLetters(system mail.Flags) []byte {
	var out []byte
	for _, l := range letters {
		if system&l.flag != 0 {
			out = append(out, l.letter)
		}
	}
	return out
}

// encode writes flags as letters. Keywords that find no letter are notes; added
// tells that dovecot-keywords must be written before the name is used.
func (k *keywords) encode(set mail.FlagSet) (text string, added bool, notes []mail.Note) {
	out := systemLetters(set.System)
	names := set.Keywords
	if set.System&mail.Forwarded != 0 {
		// Maildir has P for it, and Dovecot knows the keyword alone.
		names = append([]string{forwarded}, names...)
	}
	for _, name := range names {
		if why := unfit(name); why != nil {
			notes = append(notes, mail.Note{Kind: "keyword-dropped", Text: fmt.Sprintf("The keyword %.80q is left out: %v.", name, why)})
			continue
		}
		letter, fresh, ok := k.assign(name)
		if !ok {
			if name != forwarded {
				notes = append(notes, mail.Note{Kind: "keyword-dropped", Text: fmt.Sprintf("The keyword %.80q is left out: the folder has %d others, and no letter is left.", name, maxKeywords-1)})
			}
			continue
		}
		added = added || fresh
		out = append(out, letter)
	}
	slices.Sort(out)
	return string(slices.Compact(out)), added, notes
}

// unfit tells why a keyword cannot stand in dovecot-keywords, or could not be
// told to a mail program (RFC 9051 9, flag-keyword is an atom).
func unfit(name string) error {
	switch {
	case len(name) > 255:
		return errors.New("it is longer than 255 bytes")
	case strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`(){%*"\]`, r)
	}):
		return errors.New("it holds a character that no keyword may hold")
	}
	return nil
}
