package wizard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// ANSI is the code page that is assumed of text without a mark: that of Western
// Windows.
const ANSI = 1252

// Place is a line of a file.
type Place struct {
	File string
	Line int // from 1
}

func (p Place) String() string { return fmt.Sprintf("%s line %d", p.File, p.Line) }

// broken makes the error for text that breaks a rule.
func broken(op string, p Place, rule, remedy, format string, args ...any) *failure.Error {
	return failure.New(failure.Malformed, op, p.String(), rule, fmt.Errorf(format, args...)).WithRemedy(remedy)
}

// lines reads physical lines as text. Unicode is known by its byte order mark or
// by the zero bytes of its first character; in a file without either each line
// that is UTF-8 is taken for that, and any other for the code page.
type lines struct {
	br     *bufio.Reader
	page   mf.CodePage
	file   string
	number int
	wide   int // 0: bytes; 1: UTF-16, low byte first; 2: high byte first
	begun  bool
	queue  []string // lines that were read too far, the next first
}

func newLines(file string, r io.Reader, page mf.CodePage) *lines {
	return &lines{br: bufio.NewReaderSize(r, 64<<10), page: page, file: file}
}

func (l *lines) place() Place { return Place{l.file, l.number} }

// mark looks for a byte order mark.
func (l *lines) mark() {
	l.begun = true
	head, _ := l.br.Peek(4)
	skip := 0
	switch {
	case bytes.HasPrefix(head, []byte{0xef, 0xbb, 0xbf}):
		skip = 3
	case bytes.HasPrefix(head, []byte{0xff, 0xfe}):
		l.wide, skip = 1, 2
	case bytes.HasPrefix(head, []byte{0xfe, 0xff}):
		l.wide, skip = 2, 2
	case len(head) >= 4 && head[0] != 0 && head[1] == 0 && head[3] == 0:
		l.wide = 1
	case len(head) >= 4 && head[0] == 0 && head[1] != 0 && head[2] == 0:
		l.wide = 2
	}
	_, _ = l.br.Discard(skip)
}

// next reads one line without its end, which is CR LF, LF or CR. io.EOF ends
// the file; a line that is too long is an error and is passed over.
func (l *lines) next() (string, error) {
	if !l.begun {
		l.mark()
	}
	l.number++
	if len(l.queue) > 0 {
		text := l.queue[0]
		l.queue = l.queue[1:]
		return text, nil
	}
	var raw []byte
	any, tooLong := false, false
	width := 1
	if l.wide != 0 {
		width = 2
	}
	for {
		unit, err := l.unit(width)
		if err != nil {
			if errors.Is(err, io.EOF) && any {
				break
			}
			if errors.Is(err, io.EOF) {
				return "", io.EOF
			}
			return "", failure.New(failure.ClassOf(err), "read text", l.place().String(), "wizard.read", err)
		}
		any = true
		c := l.value(unit[:width])
		if c == '\n' {
			break
		}
		if c == '\r' {
			if again, _ := l.br.Peek(width); len(again) == width && l.value(again) == '\n' {
				_, _ = l.br.Discard(width)
			}
			break
		}
		if len(raw) > maxLine {
			tooLong = true
			continue
		}
		raw = append(raw, unit[:width]...)
	}
	if tooLong {
		return "", failure.New(failure.TooLarge, "read text", l.place().String(), "wizard.line-length", nil).
			WithRemedy(fmt.Sprintf("a line may have %d bytes", maxLine))
	}
	return l.decode(raw), nil
}

// back gives lines back, to be read again one by one.
func (l *lines) back(texts []string) {
	l.number -= len(texts)
	l.queue = append(texts, l.queue...)
}

func (l *lines) unit(width int) (unit [2]byte, err error) {
	if unit[0], err = l.br.ReadByte(); err != nil || width == 1 {
		return unit, err
	}
	if unit[1], err = l.br.ReadByte(); errors.Is(err, io.EOF) {
		err = nil // half a character at the very end
	}
	return unit, err
}

// value is a character of UTF-16, or a byte.
func (l *lines) value(unit []byte) int {
	switch l.wide {
	case 1:
		return int(unit[0]) | int(unit[1])<<8
	case 2:
		return int(unit[1]) | int(unit[0])<<8
	}
	return int(unit[0])
}

func (l *lines) decode(raw []byte) string {
	if l.wide == 0 {
		if utf8.Valid(raw) {
			return string(raw)
		}
		return l.page.Decode(raw)
	}
	units := make([]uint16, 0, len(raw)/2)
	for i := 0; i+1 < len(raw); i += 2 {
		units = append(units, uint16(l.value(raw[i:i+2])))
	}
	return string(utf16.Decode(units))
}
