package rtf

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// unwrap looks for \fromhtml1 or \fromtext among the first tokens ([MS-OXRTFEX]
// 2.2.3.1).
func unwrap(r io.Reader, o Options) (io.Reader, Kind, error) {
	in := bufio.NewReaderSize(&sticky{r: r}, 4096)
	head, err := in.Peek(1024)
	if err := checkHeader(head, err); err != nil {
		return nil, KindRTF, err
	}
	switch kind := recognize(head); kind {
	case KindHTML, KindText:
		return newDecoder(in, kind, kind == KindHTML, o), kind, nil
	default:
		return in, KindRTF, nil
	}
}

func newText(r io.Reader, o Options) io.Reader {
	return &textReader{in: bufio.NewReaderSize(&sticky{r: r}, 4096), options: o}
}

// textReader looks at the header when it is first read.
type textReader struct {
	in      *bufio.Reader
	options Options
	d       *decoder
	err     error
}

func (t *textReader) Read(p []byte) (int, error) {
	if t.d == nil && t.err == nil {
		head, err := t.in.Peek(1024)
		if t.err = checkHeader(head, err); t.err == nil {
			t.d = newDecoder(t.in, KindRTF, false, t.options)
		}
	}
	if t.err != nil {
		return 0, t.err
	}
	return t.d.Read(p)
}

func checkHeader(head []byte, err error) error {
	if bytes.HasPrefix(head, []byte(`{\rtf`)) {
		return nil
	}
	if len(head) == 0 && err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return malformed("rtf.header", at(0), errors.New(`RTF begins with {\rtf`))
}

// recognize looks through the first tokens. The specification says ten; a few
// more do no harm, as the font table, the first group, ends the search.
func recognize(head []byte) Kind {
	l := lexer{in: bufio.NewReaderSize(bytes.NewReader(head), 16)}
	for range 20 {
		t, err := l.next()
		switch {
		case err != nil || t.kind == tokenOpen && l.offset > 1:
			return KindRTF
		case t.kind == tokenWord && t.word == "fromhtml":
			return KindHTML
		case t.kind == tokenWord && t.word == "fromtext":
			return KindText
		}
	}
	return KindRTF
}

// sticky gives an error again whenever it is read on.
type sticky struct {
	r   io.Reader
	err error
}

func (s *sticky) Read(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.r.Read(p)
	s.err = err
	return n, err
}
