package migfile

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"waybill/failure"
)

// The types of sections of a secondary file.
const (
	Body       = "Body"
	Attachment = "Attachment"
	Schedule   = "Schedule"
	Document   = "Document"
	Other      = "Other"
)

// SecondaryHeading is the first line of a secondary file, without its line end.
const SecondaryHeading = "Type,Length,Encoding,Islast,Name,Position,Format"

// Limits of a secondary file.
const (
	maxDescriptor = 64 << 10
	// MaxChain is the largest number of sections of one message.
	MaxChain = 10000
	// MaxOther is the longest header value that is kept in a section of its own.
	MaxOther = 16 << 20
)

// Piece is a section of a secondary file: a body, an attachment, a long value.
type Piece struct {
	Type   string
	Length int64
	// Last tells that no further section belongs to the same message.
	Last bool
	// Name is the file name; empty when none is given.
	Name string
	// Position is where the icon stands in the body; -1 when no place is given.
	Position int64
	// Macbinary tells that the data is in MacBinary format.
	Macbinary bool
	// At is the descriptor's place, Data the offset of the data.
	At   Place
	Data int64

	next int64
}

// Secondary reads a secondary file. It may be used by several goroutines.
type Secondary struct {
	r    io.ReaderAt
	size int64
	name string
	page CodePage
}

// NewSecondary reads a secondary file of size bytes; name is for places.
func NewSecondary(r io.ReaderAt, size int64, name string, page CodePage) *Secondary {
	return &Secondary{r: r, size: size, name: name, page: page}
}

// Chain reads the descriptors of the sections that belong together, the first
// of them at offset.
func (s *Secondary) Chain(offset int64) ([]Piece, error) {
	var chain []Piece
	for {
		p, err := s.piece(offset)
		if err != nil {
			return nil, err
		}
		if len(chain) > 0 && (p.Type == Body || p.Type == Other) {
			return nil, broken("read section", p.At, "migfile.chain", "a %s follows a section that says it is not the last of its message (event 8005)", p.Type).
				WithRemedy("set Islast of the section before to TRUE, or put the missing attachment in")
		}
		chain = append(chain, p)
		if p.Last {
			return chain, nil
		}
		if len(chain) >= MaxChain {
			return nil, failure.New(failure.TooLarge, "read section", p.At.String(), "migfile.chain", errors.New("a message has more than 10,000 sections"))
		}
		if offset, err = s.skipLineEnds(p); err != nil {
			return nil, err
		}
	}
}

// piece reads the descriptor at offset and checks every value in it.
func (s *Secondary) piece(offset int64) (Piece, error) {
	at := Place{File: s.name, Offset: offset}
	wrong := func(format string, args ...any) (Piece, error) {
		return Piece{}, broken("read section", at, "migfile.offset", format, args...).
			WithRemedy("the offset counts every CR and LF; a transfer that alters line ends or code page makes offsets wrong: copy the files again, in binary mode (events 8048, 8054)")
	}
	if offset < 0 || offset >= s.size {
		return wrong("the offset lies outside the file of %d bytes", s.size)
	}
	start := max(0, offset-1)
	buf := make([]byte, min(512, s.size-start))
	for {
		if n, err := s.r.ReadAt(buf, start); err != nil && !(errors.Is(err, io.EOF) && n == len(buf)) {
			return Piece{}, failure.New(failure.ClassOf(err), "read section", at.String(), "migfile.read", err)
		}
		if bytes.ContainsAny(buf[offset-start:], "\r\n") || start+int64(len(buf)) >= s.size || len(buf) >= maxDescriptor {
			break
		}
		buf = make([]byte, min(int64(len(buf))*8, maxDescriptor, s.size-start))
	}
	if start < offset {
		if buf[0] != '\n' && buf[0] != '\r' {
			return wrong("no line begins at this offset")
		}
		buf = buf[1:]
	}
	end := bytes.IndexAny(buf, "\r\n")
	if end < 0 {
		return wrong("no section descriptor is found here")
	}
	data := offset + int64(end) + 1
	if buf[end] == '\r' && end+1 < len(buf) && buf[end+1] == '\n' {
		data++
	}
	text := s.page.Decode(buf[:end])
	fields := splitRecord(text)
	p := Piece{Type: sectionType(fields[0].Text()), At: at, Data: data, Position: -1}
	if p.Type == "" || len(fields) < 2 {
		return wrong("no section descriptor is found here, but %.60q", text)
	}
	value := func(i int) string {
		if i < len(fields) {
			return trim(fields[i].Text())
		}
		return ""
	}
	length, err := strconv.ParseInt(value(1), 10, 64)
	if err != nil || length < 0 {
		return Piece{}, broken("read section", at, "migfile.length", "the length %.40q is no number of bytes (event 8054)", value(1))
	}
	if length > s.size-data {
		return Piece{}, broken("read section", at, "migfile.length", "the section has %d bytes and the file only %d more (event 8054)", length, s.size-data).
			WithRemedy("the file was cut off, or the length is wrong: extract it again")
	}
	p.Length = length
	switch last := value(3); {
	case strings.EqualFold(last, "TRUE"), last == "1":
		p.Last = true
	case strings.EqualFold(last, "FALSE"), last == "0":
	case last == "" && (p.Type == Other || p.Type == Document):
		p.Last = true
	default:
		return Piece{}, broken("read section", at, "migfile.islast", "Islast is neither TRUE nor FALSE but %.40q (event 8005)", last)
	}
	p.Name = value(4)
	if n, err := strconv.ParseInt(value(5), 10, 64); err == nil && n >= -1 {
		p.Position = n
	}
	p.Macbinary = strings.EqualFold(value(6), "Macbinary")
	p.next = data + length
	return p, nil
}

func sectionType(s string) string {
	for _, t := range []string{Body, Attachment, Schedule, Document, Other} {
		if strings.EqualFold(trim(s), t) {
			return t
		}
	}
	return ""
}

// skipLineEnds finds the descriptor behind p: there is one empty line between,
// and in real files more or none.
func (s *Secondary) skipLineEnds(p Piece) (int64, error) {
	var buf [16]byte
	n, err := s.r.ReadAt(buf[:], p.next)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, failure.New(failure.ClassOf(err), "read section", Place{File: s.name, Offset: p.next}.String(), "migfile.read", err)
	}
	i := 0
	for i < n && (buf[i] == '\r' || buf[i] == '\n') {
		i++
	}
	if i == n {
		return 0, broken("read section", Place{File: s.name, Offset: p.next}, "migfile.chain", "the section at byte %d says that another belongs to it, and none follows (event 8005)", p.At.Offset).
			WithRemedy("the length of the section is wrong, or the file was cut off")
	}
	return p.next + int64(i), nil // that a line begins there is checked with the descriptor
}

// Data reads the section's bytes.
func (s *Secondary) Data(p Piece) io.Reader { return io.NewSectionReader(s.r, p.Data, p.Length) }

// Text reads the section's bytes as text in UTF-8.
func (s *Secondary) Text(p Piece) io.Reader { return s.page.NewReader(s.Data(p)) }

// Value reads the long value of a section of type Other.
func (s *Secondary) Value(offset int64) (string, error) {
	chain, err := s.Chain(offset)
	if err != nil {
		return "", err
	}
	p := chain[0]
	if p.Type != Other || len(chain) > 1 {
		return "", broken("read section", p.At, "migfile.other", "a value of the primary file leads to a section of type %s, not Other", p.Type)
	}
	if p.Length > MaxOther {
		return "", failure.New(failure.TooLarge, "read section", p.At.String(), "migfile.other", errors.New("the value is longer than 16 MB"))
	}
	b, err := io.ReadAll(s.Data(p))
	if err != nil {
		return "", failure.New(failure.ClassOf(err), "read section", p.At.String(), "migfile.read", err)
	}
	return s.page.Decode(b), nil
}
