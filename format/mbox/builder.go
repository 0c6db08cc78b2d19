package mbox

import (
	"bytes"
	"context"
	"fmt"

	"waybill/mail"
)

// builder collects one message line by line.
type builder struct {
	e *Entry
	r *Reader

	header bool // the header has not ended yet
	count  int  // lines so far
	blank  int64
	marked bool // the marker's own fields may follow
	bare   int  // unquoted "From " lines of the body
	deep   int  // lines quoted more than once
	cut    bool // a declared length reaches behind the end of the file
	last   line // without head
}

func (b *builder) previous() prior {
	switch {
	case b.count == 0:
		return afterFrom
	case b.blank > 0:
		return afterEmpty
	}
	return afterText
}

// line takes a line that is no separator. It reports true when a Content-Length
// told where the message ends; the reader then stands at the next From_ line.
func (b *builder) line(ctx context.Context, l line) (bool, error) {
	b.count++
	b.blank = 0
	if l.empty() {
		b.blank = l.n
	}
	b.last = line{off: l.off, n: l.n, eol: l.eol}
	if b.count == 1 {
		if m, ok := parseMarker(l.head); ok && l.eol == 1 && !b.r.s.cr {
			m.length = l.n
			b.e.Marker, b.marked = m, true
			return false, nil
		}
	}
	if b.marked {
		if b.e.Marker.fieldLine(l.head, l.n) {
			if b.header {
				b.e.Fields.add(l.head)
			}
			return false, nil
		}
		b.marked = false
	}
	if b.header {
		if b.e.Marker != nil {
			if err := b.evidence(l); err != nil {
				return false, err
			}
		}
		if !l.empty() {
			if l.end()-b.e.Start <= headerLimit {
				b.e.Fields.add(l.head)
			}
			return false, nil
		}
		b.header = false
		b.e.body = l.end()
		return b.declared(ctx, l.end())
	}
	return false, b.evidence(l)
}

// evidence counts what tells the dialects apart.
func (b *builder) evidence(l line) error {
	if len(l.head) < len(fromWord) {
		return nil
	}
	switch l.head[0] {
	case '>':
		marks, err := b.r.s.quoted(l)
		if err != nil {
			return err
		}
		if marks > 0 {
			b.e.Quoted++
		}
		if marks > 1 {
			b.deep++
		}
	case 'F':
		if bytes.HasPrefix(l.head, fromWord) {
			b.bare++
		}
	}
	return nil
}

// declared looks whether a From_ line or the end of the file stands where the
// Content-Length says the body ends. One or two line ends may come before it:
// one is the format's, and some programs do not count the body's last.
func (b *builder) declared(ctx context.Context, body int64) (bool, error) {
	n := b.e.Fields.length()
	if n < 0 || b.e.Marker != nil || b.r.mmdf {
		return false, nil
	}
	s := b.r.s
	end := body + n
	if end > s.size {
		b.cut = true
		return false, nil
	}
	at, gap, stop, err := b.skipLineEnds(end)
	if err != nil {
		return false, err
	}
	if stop {
		if at < s.size {
			if ok, err := b.fromLineAt(ctx, at); err != nil || !ok {
				b.lie(n)
				s.seek(body)
				return false, err
			}
		}
	} else {
		b.lie(n)
		return false, nil
	}
	// Look at the body all the same: it tells mboxcl from mboxcl2.
	s.seek(body)
	for s.pos < end {
		l, ok, err := s.next(ctx)
		if err != nil || !ok {
			return false, err
		}
		if err = b.evidence(l); err != nil {
			return false, err
		}
	}
	b.e.Declared = true
	b.e.Length = at - gap - b.e.Start
	b.e.End = at
	s.seek(at)
	if at < s.size {
		l, _, err := s.next(ctx)
		if err != nil {
			return false, err
		}
		b.r.await(l)
	}
	return true, nil
}

func (b *builder) lie(n int64) {
	b.note("mbox.content-length", fmt.Sprintf("Content-Length says %d bytes, and no message ends there; it was ignored", n))
}

// skipLineEnds steps over at most two line ends at off. gap is the length of the
// last one; stop reports whether "From " or the end of the file follows.
func (b *builder) skipLineEnds(off int64) (at, gap int64, stop bool, err error) {
	text, err := b.r.s.peek(off, 16)
	if err != nil {
		return 0, 0, false, err
	}
	i := 0
	for range 2 {
		switch rest := text[i:]; {
		case bytes.HasPrefix(rest, []byte("\r\n")):
			gap = 2
		case bytes.HasPrefix(rest, []byte("\n")), b.r.s.cr && bytes.HasPrefix(rest, []byte("\r")):
			gap = 1
		default:
			return off + int64(i), gap, len(rest) == 0 || bytes.HasPrefix(rest, fromWord), nil
		}
		i += int(gap)
	}
	rest := text[i:]
	return off + int64(i), gap, len(rest) == 0 || bytes.HasPrefix(rest, fromWord), nil
}

// fromLineAt judges the line at off as one that follows an empty line.
func (b *builder) fromLineAt(ctx context.Context, off int64) (bool, error) {
	b.r.s.seek(off)
	l, ok, err := b.r.s.next(ctx)
	if err != nil || !ok {
		return false, err
	}
	return b.r.separates(l, afterEmpty)
}

func (b *builder) note(kind, text string) {
	b.e.Notes = append(b.e.Notes, mail.Note{Kind: kind, Text: text})
}

// finish settles the message's length and what is odd about it.
func (b *builder) finish() {
	e, s := b.e, b.r.s
	if !e.Declared {
		e.Length = e.End - e.Start - b.blank
		if b.count > 0 && b.blank == 0 && e.End < s.size {
			b.note("mbox.no-empty-line", "no empty line stands before the From_ line that follows this message")
		}
	}
	if b.header {
		e.body = e.Start + e.Length
	}
	e.body = min(e.body, e.Start+e.Length)
	if e.Marker != nil {
		e.Marker.settle(e.Length, e.Quoted)
		if !e.Marker.Intact {
			b.note("mbox.rewritten", "another program rewrote this message after it was stored; it is given as it stands")
		}
	}
	atEnd := e.End == s.size && b.count > 0 && b.last.eol == 0 && !e.Declared
	switch {
	case b.cut && e.End == s.size:
		b.note("mbox.truncated", fmt.Sprintf("the file ends before the %d bytes of body that Content-Length promises", e.Fields.length()))
	case b.cut:
		b.lie(e.Fields.length())
	case b.header && atEnd:
		b.note("mbox.truncated", "the file ends in the middle of this message's header")
	}
	if e.Marker == nil && !e.dated && e.Sender != "-" {
		b.note("mbox.from-line", "the From_ line has no date that can be read")
	}
	if b.r.first && e.Marker == nil && e.Fields.internal() {
		e.Kind = Internal
	}
	e.cr = s.cr
	b.r.first = false
	e.Fields.seen, e.Fields.open = nil, nil
	b.r.stats.add(b)
}
