package mime

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"
)

// HeaderField is a header field to be written. Value is text: what is not ASCII
// is encoded (RFC 2047), long lines are folded, line breaks become spaces.
type HeaderField struct{ Name, Value string }

// Entity is one node of a message to be written: a leaf with a body, or, when it
// has Parts, a multipart.
type Entity struct {
	// Type is the media type: "text/plain", "image/png", "multipart/mixed".
	Type   string
	Params []Param
	// Disposition is "attachment", "inline" or empty; Name is the file name.
	Disposition string
	Name        string
	// ID is the Content-ID without its angle brackets.
	ID          string
	Description string
	// Fields are further header fields of the part.
	Fields []HeaderField

	// Parts makes a multipart of the entity; Open is then ignored.
	Parts []*Entity

	// Open gives the body from the start each time; nil is an empty body. It is
	// called when the body's turn comes, and the reader is closed behind it.
	Open func(ctx context.Context) (io.ReadCloser, error)
	// Size is the length in bytes of what Open gives, -1 when it is not known.
	// A body of another length is an error, never a message that looks whole.
	Size int64
	// Text says that the body is text in UTF-8: its line ends become CR LF, and
	// it is written as 7bit, quoted-printable or base64, as suits it. Anything
	// else is written as base64, byte for byte.
	Text bool
	// Charset names the encoding of a Text that is not in UTF-8. It has to be one in
	// which ASCII stands for itself.
	Charset string
	// Message says that the body is itself a message, to be written as it is
	// (message/rfc822 may not be encoded: RFC 2046 5.2.1).
	Message bool
}

// Message is a message to be written.
type Message struct {
	// Date is left out when it is zero.
	Date time.Time
	// ID is the Message-ID without angle brackets. Without one, it is made from
	// the other facts of the message, the same for the same facts.
	ID string
	// Seed goes into a made-up ID and the boundaries: something that tells this
	// message from others of the same content, such as its place in the source.
	Seed    string
	From    []Address
	To      []Address
	Cc      []Address
	Bcc     []Address // of the sender's own copy
	Subject string
	// Fields are further header fields.
	Fields []HeaderField
	// Lead is a header that is ready to be written: whole fields, each with its CR
	// LF, without those of MIME. When it is not empty, it stands for everything
	// above but Seed.
	Lead string
	Root *Entity
}

// Open gives the message's bytes. It reads the bodies as it goes; the caller
// closes it. Reading ends with an error when ctx ends.
func (m *Message) Open(ctx context.Context) io.ReadCloser {
	return &stream{ctx: ctx, segments: m.segments()}
}

// Header gives the part of the message in front of its body, with the empty line.
func (m *Message) Header() string { return m.segments()[0].text }

// facts digests all that is known of the message before its bodies are read.
func (m *Message) facts() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q %d %q", m.ID, m.Seed, m.From, m.To, m.Cc, m.Bcc, m.Date.Unix(), m.Subject)
	fmt.Fprintf(h, "%q", m.Fields)
	if m.Lead != "" {
		fmt.Fprintf(h, "%q", m.Lead)
	}
	var add func(e *Entity)
	add = func(e *Entity) {
		fmt.Fprintf(h, "(%q %q %q %q %q %q %q %d", e.Type, e.Params, e.Disposition, e.Name, e.ID, e.Description, e.Fields, e.Size)
		if e.Charset != "" {
			fmt.Fprintf(h, " %q", e.Charset)
		}
		for _, p := range e.Parts {
			add(p)
		}
		_, _ = io.WriteString(h, ")")
	}
	if m.Root != nil {
		add(m.Root)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// segment is a piece of the output: text, or a body.
type segment struct {
	text   string
	entity *Entity
}

func (m *Message) segments() []segment {
	facts := m.facts()
	var b strings.Builder
	if m.Lead != "" {
		b.WriteString(m.Lead)
	} else {
		m.writeFields(&b, facts)
	}
	writeRaw(&b, "MIME-Version", "1.0")
	s := &segmenter{facts: facts}
	root := m.Root
	if root == nil {
		root = &Entity{Type: "text/plain", Text: true}
	}
	s.out.WriteString(b.String())
	s.entity(root, "1")
	s.flush()
	return s.list
}

// writeFields writes the fields that are not those of MIME.
func (m *Message) writeFields(b *strings.Builder, facts string) {
	if !m.Date.IsZero() {
		writeRaw(b, "Date", m.Date.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	}
	writeAddresses(b, "From", m.From)
	writeAddresses(b, "To", m.To)
	writeAddresses(b, "Cc", m.Cc)
	writeAddresses(b, "Bcc", m.Bcc)
	writeRaw(b, "Subject", EncodeWords(oneLine(m.Subject)))
	id := m.ID
	if id == "" {
		id = facts[:32] + "@migrated.invalid"
	}
	writeRaw(b, "Message-ID", "<"+oneLine(id)+">")
	for _, f := range m.Fields {
		writeRaw(b, f.Name, EncodeWords(oneLine(f.Value)))
	}
}

// segmenter lays an entity and its parts out in order.
type segmenter struct {
	facts string
	out   strings.Builder
	list  []segment
}

func (s *segmenter) flush() {
	if s.out.Len() > 0 || len(s.list) == 0 {
		s.list = append(s.list, segment{text: s.out.String()})
		s.out.Reset()
	}
}

// entity writes e; path numbers it within the message ("1.2").
func (s *segmenter) entity(e *Entity, path string) {
	pieces := []string{e.Type}
	boundary := ""
	for _, p := range e.Params {
		pieces = append(pieces, formatParam(p)...)
	}
	switch {
	case len(e.Parts) > 0:
		// "=_" occurs in no encoded body (RFC 2045 6.7), and the digest in no other.
		boundary = "=_" + path + "_" + s.facts[:40]
		if len(boundary) > 70 {
			sum := sha256.Sum256([]byte(boundary))
			boundary = "=_" + hex.EncodeToString(sum[:20])
		}
		pieces = append(pieces, `boundary="`+boundary+`"`)
	case e.Text:
		pieces = append(pieces, formatParam(Param{"charset", cmp.Or(e.Charset, "utf-8")})...)
	}
	writePieces(&s.out, "Content-Type", pieces)
	if e.Disposition != "" {
		pieces = []string{e.Disposition}
		if e.Name != "" {
			pieces = append(pieces, formatParam(Param{"filename", e.Name})...)
		}
		writePieces(&s.out, "Content-Disposition", pieces)
	}
	if e.ID != "" {
		writeRaw(&s.out, "Content-ID", "<"+oneLine(e.ID)+">")
	}
	if e.Description != "" {
		writeRaw(&s.out, "Content-Description", EncodeWords(oneLine(e.Description)))
	}
	for _, f := range e.Fields {
		writeRaw(&s.out, f.Name, EncodeWords(oneLine(f.Value)))
	}
	if len(e.Parts) == 0 {
		// The body's segment writes the transfer encoding, which depends on what
		// is in the body, and the empty line.
		s.flush()
		s.list = append(s.list, segment{entity: e})
		return
	}
	s.out.WriteString("\r\n")
	for i, p := range e.Parts {
		s.out.WriteString("--" + boundary + "\r\n")
		s.entity(p, fmt.Sprintf("%s.%d", path, i+1))
		s.out.WriteString("\r\n")
	}
	s.out.WriteString("--" + boundary + "--\r\n")
}

// oneLine makes a header value of text: controls become spaces.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func writeAddresses(b *strings.Builder, name string, list []Address) {
	if len(list) == 0 {
		return
	}
	pieces := make([]string, len(list))
	for i, a := range list {
		a.Name, a.Addr = oneLine(a.Name), oneLine(a.Addr)
		pieces[i] = a.String()
	}
	writeRaw(b, name, strings.Join(pieces, ", "))
}

func writePieces(b *strings.Builder, name string, pieces []string) {
	writeRaw(b, name, strings.Join(pieces, "; "))
}

// FormatField writes one field whose value is ready, with the CR LF behind it:
// folded at spaces, so that unfolding gives the same value again (RFC 5322 2.2.3).
// value must be ASCII without controls.
func FormatField(name, value string) string {
	var b strings.Builder
	writeRaw(&b, name, value)
	return b.String()
}

// writeRaw writes a field whose value is ready, folded at spaces (RFC 5322
// 2.2.3). Unfolding gives the same value again.
func writeRaw(b *strings.Builder, name, value string) {
	b.WriteString(name + ":")
	column := len(name) + 1
	for first := true; value != "" || first; first = false {
		// A word with the white space in front of it.
		n := 0
		for n < len(value) && value[n] == ' ' {
			n++
		}
		for n < len(value) && value[n] != ' ' {
			n++
		}
		word := value[:n]
		value = value[n:]
		if first {
			word = " " + word
		}
		if !first && column+len(word) > 76 && strings.TrimLeft(word, " ") != "" {
			b.WriteString("\r\n")
			column = 0
		}
		b.WriteString(word)
		column += len(word)
	}
	b.WriteString("\r\n")
}
