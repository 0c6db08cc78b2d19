package migfile

import (
	"fmt"
	"io"
	"strings"

	"waybill/failure"
)

// Row writes a line of a primary file, its line end included, and counts the
// characters that the code page does not have. Line breaks inside values, which
// a primary file may not hold, become spaces.
func (c CodePage) Row(fields ...Field) (b []byte, replaced int) {
	raws := make([]string, len(fields))
	for i, f := range fields {
		raws[i] = strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ").Replace(f.raw)
	}
	text := strings.Join(raws, ",")
	if strings.HasPrefix(text, "!") || strings.HasSuffix(text, `\\`) {
		text += "," // cannot be: such values are quoted
	}
	b, replaced = c.Encode(text)
	return append(b, '\r', '\n'), replaced
}

// Header writes the line with the names of the columns.
func (c CodePage) Header(names []string) []byte {
	fields := make([]Field, len(names))
	for i, n := range names {
		fields[i] = NewField(n)
	}
	b, _ := c.Row(fields...)
	return b
}

// Heading writes the heading of a section, with an empty line in front, and the
// names of its columns.
func (c CodePage) Heading(kind Kind, owner string, columns []string) []byte {
	b := []byte("\r\n" + string(kind))
	if kind != Directory {
		address, _ := c.Encode(quote(owner))
		b = append(append(b, ','), address...)
	}
	return append(append(b, '\r', '\n'), c.Header(columns)...)
}

// NewPointer makes the field that leads to a section.
func NewPointer(p Pointer) Field { return bare(p.String()) }

// NewWord makes a field of a number or of TRUE or FALSE.
func NewWord(word string) Field { return bare(word) }

// NewBool makes a field TRUE or FALSE.
func NewBool(b bool) Field {
	if b {
		return bare("TRUE")
	}
	return bare("FALSE")
}

// Bool reads TRUE or FALSE in any letter case; set is false for anything else.
func (f Field) Bool() (value, set bool) {
	switch text := strings.TrimSpace(f.Text()); {
	case strings.EqualFold(text, "TRUE"), text == "1":
		return true, true
	case strings.EqualFold(text, "FALSE"), text == "0":
		return false, true
	}
	return false, false
}

// Escape writes a value for a DIRECTORY section, where a backslash begins an
// escape: it is doubled, and line breaks are \r and \n.
func Escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "\r", `\r`, "\n", `\n`).Replace(s)
}

// Unescape reads a value of a DIRECTORY section. odd tells that a backslash
// stands before a character that it should not stand before; both are kept.
func Unescape(s string) (value string, odd bool) {
	if !strings.Contains(s, `\`) {
		return s, false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b.WriteByte(s[i])
			continue
		}
		if i++; i == len(s) {
			b.WriteByte('\\')
			return b.String(), true
		}
		switch s[i] {
		case '\\':
			b.WriteByte('\\')
		case 'r':
			b.WriteByte('\r')
		case 'n':
			b.WriteByte('\n')
		default:
			b.WriteByte('\\')
			b.WriteByte(s[i])
			odd = true
		}
	}
	return b.String(), odd
}

// SecondaryWriter writes the sections of a secondary file behind one another.
type SecondaryWriter struct {
	w    io.Writer
	off  int64
	name string
	page CodePage
}

// NewSecondaryWriter writes to w, which stands at offset; at offset 0 the heading
// is written first. name is for errors and pointers.
func NewSecondaryWriter(w io.Writer, offset int64, name string, page CodePage) (*SecondaryWriter, error) {
	s := &SecondaryWriter{w: w, off: offset, name: name, page: page}
	if offset > 0 {
		return s, nil
	}
	return s, s.write([]byte(SecondaryHeading + "\r\n"))
}

func (s *SecondaryWriter) write(b []byte) error {
	n, err := s.w.Write(b)
	s.off += int64(n)
	if err != nil {
		return failure.New(failure.ClassOf(err), "write secondary file", s.name, "migfile.write", err)
	}
	return nil
}

// Add writes a section of type, length, last and name as in p, with the bytes
// of data, and gives the pointer to it. Data of another length than p.Length is
// an error; the file is then to be cut off where it was before.
func (s *SecondaryWriter) Add(p Piece, data io.Reader) (Pointer, error) {
	at := Pointer{File: s.name, Offset: s.off}
	position := ""
	if p.Type == Attachment || p.Type == Schedule {
		position = "-1"
	}
	row, _ := s.page.Row(bare(p.Type), bare(fmt.Sprint(p.Length)), bare(""), NewBool(p.Last), NewField(p.Name), bare(position), bare(""))
	if err := s.write(row); err != nil {
		return at, err
	}
	n, err := io.Copy(s.w, data)
	s.off += n
	if err != nil {
		return at, failure.New(failure.ClassOf(err), "write secondary file", s.name, "migfile.write", err)
	}
	if n != p.Length {
		return at, failure.New(failure.Internal, "write secondary file", Place{File: s.name, Offset: at.Offset}.String(), "migfile.length", fmt.Errorf("%d bytes were announced and %d came", p.Length, n))
	}
	return at, s.write([]byte("\r\n"))
}

// Offset is where the next section will begin.
func (s *SecondaryWriter) Offset() int64 { return s.off }
