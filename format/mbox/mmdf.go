package mbox

import (
	"context"
	"io"
)

// isMMDF recognises the line of four ^A that stands before and after each message
// of an MMDF file.
func isMMDF(l line) bool {
	return l.n-l.eol == 4 && string(l.head) == "\x01\x01\x01\x01"
}

// mmdfMessage reads one message of an MMDF file. A From_ line may open it. The
// message ends at the next line of ^A; no line is quoted and nothing is stripped.
func (r *Reader) mmdfMessage(ctx context.Context) (Entry, error) {
	s := r.s
	e := Entry{Offset: r.lead}
	b := builder{e: &e, r: r, header: true}
	inside := false
	for {
		l, ok, err := s.next(ctx)
		if err != nil {
			return Entry{}, err
		}
		if !ok {
			r.have = false
			if !inside { // nothing but lines of ^A is left
				return Entry{}, io.EOF
			}
			e.End = s.size
			b.note("mbox.truncated", "the file ends without the line of ^A that closes this message")
			break
		}
		if isMMDF(l) {
			if !inside {
				continue
			}
			e.End = l.end()
			b.blank = l.n
			break
		}
		if !inside {
			inside = true
			e.Start = l.off
			e.From = l.off
			if isSep, err := r.separates(l, afterEmpty); err != nil {
				return Entry{}, err
			} else if isSep {
				e.FromLength, e.Start, e.FromLine = l.n, l.end(), ParseFromLine(l.head)
				continue
			}
			e.Sender = "-"
		}
		if _, err := b.line(ctx, l); err != nil {
			return Entry{}, err
		}
		b.blank = 0
	}
	r.lead = e.End
	b.finish()
	return e, nil
}
