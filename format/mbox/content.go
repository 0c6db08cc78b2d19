package mbox

import (
	"errors"
	"io"
)

// Raw reads the stored bytes of a message: what Content would give if nothing
// were unquoted, without the fields that Waybill added.
func Raw(r io.ReaderAt, e Entry) io.Reader {
	skip, tail := int64(0), int64(0)
	if e.Marker != nil {
		skip = e.Marker.prefix()
		if e.Marker.Intact && e.Marker.Newline {
			tail = 1
		}
	}
	return &section{r: r, off: e.Start + skip, left: e.Length - skip - tail}
}

// Content reads the message. With unquote set one ">" is taken from each quoted
// line of the body, as is right in an mboxrd file; messages that Waybill wrote
// are unquoted in any case. A file that became shorter than its entries say ends
// the reader with an error, never with io.EOF.
func Content(r io.ReaderAt, e Entry, unquote bool) io.Reader {
	raw := Raw(r, e)
	switch {
	case e.Quoted == 0:
		return raw
	case e.Marker != nil:
		return newUnquoter(raw, false)
	case unquote:
		head := e.body - e.Start
		return io.MultiReader(io.LimitReader(raw, head), newUnquoter(raw, e.cr))
	}
	return raw
}

// Size is how many bytes Content gives.
func (e Entry) Size(unquote bool) int64 {
	n := e.Length
	if e.Marker != nil {
		n -= e.Marker.prefix() + int64(e.Quoted)
		if e.Marker.Intact && e.Marker.Newline {
			n--
		}
		return n
	}
	if unquote {
		n -= int64(e.Quoted)
	}
	return n
}

// State returns the fields that tell the message's state: those that Waybill
// added to a message of its own, else those of the header.
func (e Entry) State() Fields {
	if e.Marker != nil && e.Marker.Intact {
		return e.Marker.state
	}
	return e.Fields
}

// section is like io.SectionReader, but takes an early end for an error.
type section struct {
	r    io.ReaderAt
	off  int64
	left int64
}

func (s *section) Read(p []byte) (int, error) {
	if s.left <= 0 {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := s.r.ReadAt(p[:min(int64(len(p)), s.left)], s.off)
	s.off += int64(n)
	s.left -= int64(n)
	if n > 0 {
		return n, nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errShort
	}
	return 0, readFailure("", s.off, err)
}
