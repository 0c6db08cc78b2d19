package mai

import (
	"bytes"
	"strings"
	"time"

	"waybill/format/msmail/glb"
)

// Message is what an envelope says in clear. Text is in the code page.
type Message struct {
	From, To, Cc, Bcc []Party
	Subject           string
	// Clock is the date as it stands there, without a zone; ok in HasDate.
	Clock    time.Time
	HasDate  bool
	Priority string
	Files    []NamedFile
	// Explained and Strange count the strings that make sense with the key, and
	// those that do not. What is strange is not in the lists above.
	Explained, Strange int
}

// NamedFile is what a message says of an attachment.
type NamedFile struct {
	ID      glb.ID // names the .ATT file
	HasID   bool
	Name    string
	Clock   time.Time
	HasDate bool
	Size    int64 // -1 when not stated
	Offset  int64
}

// Decode decrypts an envelope. Nothing is guessed: a string that makes no sense is
// counted and left out.
func (e *Envelope) Decode(c *Cipher) Message {
	var m Message
	m.From = m.parties(c, e.From)
	m.To = m.parties(c, e.To)
	m.Cc = m.parties(c, e.Cc)
	m.Bcc = m.parties(c, e.Bcc)
	if e.Subject != nil {
		plain := trimNUL(c.Decrypt(e.Subject))
		if printable(plain) || Plausible(plain) && len(plain) > 8 {
			m.Explained++
			m.Subject = string(plain)
		} else {
			m.Strange++
		}
	}
	for _, d := range e.Dates {
		if at, ok := readDate(c, d); ok && !m.HasDate {
			m.Clock, m.HasDate = at, true
		}
	}
	m.Priority = e.priority(c)
	for i := range e.Files {
		if f := m.file(c, &e.Files[i]); f.HasID || !e.Files[i].Vendor {
			m.Files = append(m.Files, f)
		}
	}
	return m
}

func (m *Message) parties(c *Cipher, list [][]byte) []Party {
	var parties []Party
	for _, b := range list {
		p, ok := ParseParty(c.Decrypt(b))
		if !ok {
			m.Strange++
			continue
		}
		m.Explained++
		parties = append(parties, p)
	}
	return parties
}

// priority is a digit or a letter (KB Q104280: 1 to 5, R, C, F, T are reserved).
// That it is in the Precedence field is a hypothesis.
func (e *Envelope) priority(c *Cipher) string {
	if len(e.Precedence) == 0 {
		return ""
	}
	if e.PrecedenceNumber {
		if n := e.Precedence[0]; n >= 1 && n <= 9 {
			return string('0' + rune(n))
		}
		return ""
	}
	for _, b := range [][]byte{c.Decrypt(e.Precedence), e.Precedence} {
		b = trimNUL(b)
		if len(b) == 1 && (b[0] >= '1' && b[0] <= '9' || b[0] >= 'A' && b[0] <= 'Z') {
			return string(rune(b[0]))
		}
	}
	return ""
}

func (m *Message) file(c *Cipher, f *File) NamedFile {
	n := NamedFile{Size: f.Number, Offset: f.Offset}
	for _, b := range f.Strings {
		plain := trimNUL(c.Decrypt(b))
		if !printable(plain) || len(plain) == 0 {
			m.Strange++
			continue
		}
		m.Explained++
		id, digits := glb.ParseID(string(plain))
		at, isDate := ParseDate(string(plain))
		switch {
		case digits && !n.HasID:
			n.ID, n.HasID = id, true
		case isDate && !n.HasDate:
			n.Clock, n.HasDate = at, true
		case n.Name == "":
			n.Name = string(plain)
		}
	}
	for _, d := range f.Dates {
		if at, ok := readDate(c, d); ok && !n.HasDate {
			n.Clock, n.HasDate = at, true
		}
	}
	return n
}

func trimNUL(b []byte) []byte { return bytes.TrimRight(b, "\x00") }

func readDate(c *Cipher, b []byte) (time.Time, bool) {
	if at, ok := ParseDate(string(trimNUL(c.Decrypt(b)))); ok {
		return at, true
	}
	return ParseDate(string(trimNUL(b)))
}

// ParseDate reads a date in one of the forms that the standard (ANSI X3.30 and
// X3.43: 19950704, 19950704-0905, 19950704-090507) or textual headers
// (1995-07-04 09:05) have. A zone behind it is not read: what these programs wrote
// is local time (KB Q133192).
func ParseDate(s string) (time.Time, bool) {
	s = strings.TrimSpace(s)
	if len(s) < 8 || len(s) > 40 {
		return time.Time{}, false
	}
	for _, form := range []string{"20060102150405", "20060102-150405", "20060102T150405", "2006-01-02 15:04:05", "200601021504", "20060102-1504", "2006-01-02 15:04", "20060102", "2006-01-02"} {
		if len(s) < len(form) {
			continue
		}
		at, err := time.Parse(form, s[:len(form)])
		rest := s[min(len(form), len(s)):]
		if err != nil || at.Year() < 1980 || at.Year() > 2107 || rest != "" && !strings.ContainsAny(rest[:1], ".Z+- ") {
			continue
		}
		return at, true
	}
	return time.Time{}, false
}
