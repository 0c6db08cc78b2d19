package importtext

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"waybill/failure"
	"waybill/format/msmail/dos"
)

// Reader reads entries. A line that breaks a rule costs that line and no other:
// Next gives its error once, and may be called again.
type Reader struct {
	r       *bufio.Reader
	name    string
	page    dos.CodePage
	number  int
	group   string
	pending string // a line that was read ahead
	have    bool
	err     error
	lost    error
}

// NewReader reads the text in r, which is in that code page; name is for errors.
func NewReader(r io.Reader, name string, page dos.CodePage) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, maxLine), name: name, page: page}
}

// Next gives the next entry, and io.EOF behind the last. Errors of class Malformed
// and TooLarge (rules "import.line", "import.long-line") concern one line.
func (r *Reader) Next() (Entry, error) {
	for {
		text, err := r.line()
		if err != nil {
			return Entry{}, err
		}
		e, err := r.entry(text)
		if err != nil || e.Operation != 0 {
			if err == nil {
				r.rest(&e)
			}
			return e, err
		}
	}
}

// line gives the next line, decoded, without its end.
func (r *Reader) line() (string, error) {
	if r.have {
		r.have = false
		return r.pending, nil
	}
	if r.lost != nil {
		err := r.lost
		r.lost = nil
		return "", err
	}
	if r.err != nil {
		return "", r.err
	}
	b, err := r.r.ReadSlice('\n')
	long := false
	for errors.Is(err, bufio.ErrBufferFull) {
		long = true
		_, err = r.r.ReadSlice('\n')
	}
	if err != nil {
		if r.err = err; !errors.Is(err, io.EOF) {
			r.err = failure.New(failure.ClassOf(err), "read address list", r.place(), "import.read", err)
		}
		if len(b) == 0 && !long {
			return "", r.err
		}
	}
	r.number++
	if long {
		return "", failure.New(failure.TooLarge, "read address list", r.place(), "import.long-line", fmt.Errorf("a line of more than %d bytes", maxLine))
	}
	return strings.TrimRight(r.page.Decode(string(b)), "\r\n\x1a"), nil
}

func (r *Reader) place() string { return fmt.Sprintf("%s line %d", r.name, r.number) }

func (r *Reader) broken(format string, args ...any) error {
	return failure.New(failure.Malformed, "read address list", r.place(), "import.line", fmt.Errorf(format, args...))
}

// entry understands a first line; an entry without operation is to be skipped.
func (r *Reader) entry(text string) (Entry, error) {
	e := Entry{Line: r.number}
	if strings.TrimSpace(text) == "" || text[0] == '#' || text[0] == '[' {
		return e, nil
	}
	text = strings.TrimLeft(text, "0123456789") // the number of a dir-sync line (KB Q106623)
	if len(text) > 2 && text[0] == ' ' && e.Line > 0 && strings.IndexByte("ADMRTGP", text[1]) >= 0 && text[2] == ' ' {
		text = text[1:]
	}
	if len(text) < 2 || text[1] != ' ' && text[1] != '\t' {
		if strings.Contains(text, "=") { // the head of a dir-sync message
			return e, nil
		}
		return e, r.broken("a letter of ADMRTGP and a blank are expected, not %.40q", text)
	}
	op, rest := Operation(text[0]), text[2:]
	var ok bool
	switch op {
	case Add, Delete, Modify:
		e.Name, ok = parseName(rest)
		e.Of = r.group
	case Group, DeleteGroup:
		e.Name, ok = parseName(rest)
		r.group = ""
		if op == Group {
			r.group = e.Address()
		}
	case Replace, DefineTemplate:
		ok = e.setAddress(strings.TrimSpace(rest))
		r.group = ""
	default:
		return e, r.broken("a letter of ADMRTGP is expected, not %.40q", text)
	}
	if !ok {
		return e, r.broken("no address with a type in %.80q", text)
	}
	e.Operation = op
	return e, nil
}

// rest reads the lines that belong to an entry. A bad one among them is told after
// the entry.
func (r *Reader) rest(e *Entry) {
	for {
		text, err := r.line()
		if err != nil {
			if !errors.Is(err, r.err) || r.err == nil { // one line; the entry itself is whole
				r.lost = err
			}
			return
		}
		switch {
		case text != "" && text[0] == '#':
			continue
		case text != "" && text[0] == '-':
			if d, ok := parseDatum(text[1:]); ok && len(e.Data) < maxTemplateData {
				e.Data = append(e.Data, d)
				continue
			}
			r.lost = r.broken("template data is -prompt/value, not %.80q", text)
			return
		case e.Operation == Modify && e.New == nil && len(e.Data) == 0 && strings.HasPrefix(text, " "):
			if n, ok := parseName(strings.TrimLeft(text, " ")); ok {
				e.New = &n
				continue
			}
		case e.Operation == DefineTemplate && strings.HasPrefix(text, " "):
			if f, ok := ParseTemplateField(text[1:]); ok && len(e.Fields) < maxTemplateData {
				e.Fields = append(e.Fields, f)
				continue
			}
		}
		r.pending, r.have = text, true
		return
	}
}
