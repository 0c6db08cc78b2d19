package olm

import (
	"errors"
	"fmt"
	"io"

	"waybill/failure"
)

// textReader streams the text of one element of one message.
type textReader struct {
	s     *scanner
	from  io.ReadCloser
	email int // how many messages are in front
	name  string
	in    bool
	done  bool
	rest  []byte
}

// NewTextReader streams the text of the element called name of the nth message
// (counted from 0) of a document, in UTF-8 with line feeds as line ends. It closes
// r.
func NewTextReader(r io.ReadCloser, where string, nth int, name string) io.ReadCloser {
	return &textReader{s: newScanner(r, where), from: r, email: nth, name: name}
}

func (t *textReader) Close() error { return t.from.Close() }

func (t *textReader) Read(p []byte) (int, error) {
	for len(t.rest) == 0 {
		if t.done {
			return 0, io.EOF
		}
		tok, err := t.s.next()
		if errors.Is(err, io.EOF) {
			return 0, failure.New(failure.Transient, "read body", t.s.where, "olm.changed", fmt.Errorf("there is no %s any more", t.name))
		}
		if err != nil {
			return 0, err
		}
		depth := len(t.s.open)
		switch {
		case tok.kind == startTag && depth == 3 && t.email == 0 && tok.name == t.name:
			t.in = true
		case tok.kind == endTag && depth == 1 && tok.name == "email":
			t.email--
		case t.in && tok.kind == endTag && depth == 2:
			t.done = true
		case t.in && tok.kind == textRun:
			t.rest = tok.text
		}
	}
	n := copy(p, t.rest)
	t.rest = t.rest[n:]
	return n, nil
}

// CountItems counts the elements below the outermost one of a document (contacts,
// appointments, tasks, notes) and tells what the outermost is called.
func CountItems(r io.Reader, where string) (name string, n int64, err error) {
	s := newScanner(r, where)
	for {
		t, err := s.next()
		if errors.Is(err, io.EOF) {
			return name, n, nil
		}
		if err != nil {
			return name, n, err
		}
		if t.kind != startTag {
			continue
		}
		switch len(s.open) {
		case 1:
			name = t.name
		case 2:
			n++
		}
	}
}
