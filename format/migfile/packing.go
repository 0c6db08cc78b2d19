package migfile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"waybill/failure"
	"waybill/mail"
)

// PackingList is a packing list: the code page of the other files, and their
// names in order.
type PackingList struct {
	CodePage CodePage
	// Comments are the lines before the number that begin with "!", without it.
	Comments []string
	Files    []string
	// Notes say what was passed over.
	Notes []mail.Note
}

// maxNames bounds the names in a packing list.
const maxNames = 2_000_000

// ReadPackingList reads a packing list; name is for errors. The list itself is
// read as UTF-8 where it is, else as windows-1252: it is written in the code
// page of the machine that made it, not in the one it names (KB Q156063).
func ReadPackingList(r io.Reader, name string) (PackingList, error) {
	var list PackingList
	br := bufio.NewReaderSize(r, 64<<10)
	head, _ := br.Peek(64 << 10)
	if len(head) == 64<<10 {
		head = head[:bytes.LastIndexByte(head, '\n')+1] // no character is cut in two
	}
	page := CodePage{Number: UTF8}
	if !utf8.Valid(head) {
		page, _ = NewCodePage(1252, name)
	}
	s := newScanner(br, name, page, 1, 0)
	found := false
	for {
		l, err := s.line()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return list, err
		}
		text := strings.Trim(strings.TrimPrefix(l.text, "\ufeff"), " \t\x1a")
		at := Place{name, l.number, l.off}
		switch {
		case text == "":
		case text[0] == '!':
			if !found {
				list.Comments = append(list.Comments, text[1:])
			}
		case !found:
			number, err := strconv.Atoi(strings.Trim(text, `,"`))
			if err != nil {
				return list, broken("read packing list", at, "migfile.packing-code-page", "the number of a code page is expected, not %.40q", text).
					WithRemedy("the first line that is no comment holds the number alone: 850, 1252 ...")
			}
			if list.CodePage, err = NewCodePage(number, at.String()); err != nil {
				return list, err
			}
			found = true
		default:
			for _, f := range splitRecord(text) {
				list.add(strings.TrimSpace(f.Text()), at)
			}
			if len(list.Files) > maxNames {
				return list, failure.New(failure.TooLarge, "read packing list", at.String(), "migfile.packing-names", nil)
			}
		}
	}
	if !found {
		return list, broken("read packing list", Place{File: name}, "migfile.packing-code-page", "the file does not name a code page").
			WithRemedy("write the number of the code page, alone, on the first line")
	}
	if len(list.Files) == 0 {
		return list, broken("read packing list", Place{File: name}, "migfile.packing-empty", "no primary file is named").
			WithRemedy("name every .pri and .sec file, one on a line, behind an empty line")
	}
	return list, nil
}

func (p *PackingList) add(value string, at Place) {
	if value == "" {
		return
	}
	base := value
	if i := strings.LastIndexAny(base, `\/:`); i >= 0 {
		base = base[i+1:]
		p.Notes = append(p.Notes, mail.Note{Kind: "packing-path", Text: fmt.Sprintf("%s: the path in %q was left out; files lie beside the packing list", at, value)})
	}
	switch strings.ToLower(extension(base)) {
	case ".pri", ".sec":
		p.Files = append(p.Files, base)
	default:
		p.Notes = append(p.Notes, mail.Note{Kind: "packing-unknown", Text: fmt.Sprintf("%s: %q is neither a .pri nor a .sec file", at, value)})
	}
}

func extension(name string) string {
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return name[i:]
	}
	return ""
}

// IsPrimary tells whether name is that of a primary file.
func IsPrimary(name string) bool { return strings.EqualFold(extension(name), ".pri") }

// WriteTo writes the packing list. Names must be plain.
func (p *PackingList) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	for _, c := range p.Comments {
		b.WriteString("!" + c + "\r\n")
	}
	fmt.Fprintf(&b, "%d\r\n\r\n", p.CodePage.Number)
	for _, f := range p.Files {
		b.WriteString(f + "\r\n")
	}
	return b.WriteTo(w)
}
