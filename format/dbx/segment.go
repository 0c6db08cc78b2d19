package dbx

import (
	"context"
	"fmt"
	"io"

	"waybill/failure"
)

// segment is one piece of a text ([oedbx] message).
type segment struct {
	at   int64
	text []byte
	next int64
}

// segment reads the piece at an offset. Its bytes are good until the window
// moves.
func (w *window) segment(at int64, deleted bool) (segment, error) {
	b, err := w.bytes(at, segmentSize)
	if err != nil {
		return segment{}, err
	}
	if deleted {
		if !isDeleted(b, at) {
			return segment{}, w.f.malformed(at, "segment", "there is no deleted piece of a text")
		}
		return segment{at: at, text: b[segmentHead:], next: int64(u32(b, 12))}, nil
	}
	if !isSegment(b, at) {
		return segment{}, w.f.malformed(at, "segment", "there is no piece of a text")
	}
	return segment{at: at, text: b[segmentHead : segmentHead+u32(b, 8)], next: int64(u32(b, 12))}, nil
}

// isSegment tells whether a piece of a text begins with b.
func isSegment(b []byte, at int64) bool {
	return len(b) >= segmentSize && int64(u32(b, 0)) == at && u32(b, 4) == segmentText && u32(b, 8) <= segmentText
}

// isDeleted tells whether a piece of a deleted text begins with b. Such a piece
// has lost its length and its first four bytes, which lead to the next deleted
// object; the offset of the piece that followed it stays ([oedbx] deleted).
func isDeleted(b []byte, at int64) bool {
	return len(b) >= segmentSize && int64(u32(b, 0)) == at && u32(b, 4) == segmentSize-deletedHead && u32(b, 8) == segmentSize
}

// deletedHead is the length of the header that a deleted object gets.
const deletedHead = 0x14

// owners tells which pieces of texts belong to messages: heads are the first ones
// of all messages of the tree, used are those that were walked over.
type owners struct{ heads, used *places }

// owners reads where all messages begin.
func (f *File) owners(ctx context.Context, w *window) (owners, error) {
	o := owners{heads: newPlaces(f.size, segmentSize), used: newPlaces(f.size, segmentSize)}
	_, err := f.tree().walk(ctx, f.root, 0, func(at int64) bool {
		if m, err := f.message(w, at); err == nil && m.First < f.size {
			o.heads.mark(m.First)
		}
		return true
	})
	return o, err
}

// measure walks along a text and returns its length. The pieces of a text that is
// broken stay nobody's.
func (f *File) measure(ctx context.Context, w *window, first int64, o owners) (int64, error) {
	size, n := int64(0), 0
	var err error
	for at := first; at != 0 && err == nil; {
		var s segment
		if s, err = w.segment(at, false); err != nil {
			break
		}
		switch {
		case n%1024 == 0 && ctx.Err() != nil:
			err = f.fail(failure.Cancelled, "read message", at, "segment", ctx.Err())
		case at != first && o.heads.has(at), !o.used.mark(at):
			err = f.malformed(at, "shared", "the piece belongs to another message, or to this one twice")
		default:
			size += int64(len(s.text))
			at = s.next
			n++
		}
	}
	if err == nil {
		return size, nil
	}
	for at := first; n > 0; n-- {
		s, again := w.segment(at, false)
		if again != nil {
			break
		}
		o.used.clear(at)
		at = s.next
	}
	return -1, err
}

// Text reads a message's text, from the start each time: the bytes as they came
// from the network, with CR LF. Reading ends with an error when ctx ends, or at a
// broken piece (dbx.segment). Of a deleted message the four bytes that each piece
// has lost are given as question marks.
func (f *File) Text(ctx context.Context, m Message) io.Reader {
	if m.Form == Plain {
		return &plain{ctx: ctx, f: f, r: io.NewSectionReader(f.r, m.First, m.Size), left: m.Size}
	}
	return &text{ctx: ctx, w: f.window(min(windowSize, max(segmentSize, int((m.Size/segmentText+2)*segmentSize)))), next: m.First, left: f.size/segmentSize + 1, size: m.Size, deleted: m.Form == Deleted}
}

// text reads a chain of pieces.
type text struct {
	ctx     context.Context
	w       *window
	next    int64
	piece   []byte
	left    int64 // how many pieces the file can have
	size    int64 // how many bytes are still to come; -1: not known
	deleted bool
}

func (t *text) Read(p []byte) (int, error) {
	f := t.w.f
	if err := t.ctx.Err(); err != nil {
		return 0, f.fail(failure.Cancelled, "read message", t.next, "segment", err)
	}
	done := 0
	for done < len(p) {
		if len(t.piece) == 0 {
			if t.next == 0 || t.size == 0 {
				break
			}
			if t.left--; t.left < 0 {
				return done, f.malformed(t.next, "segment", "the pieces of a text lead in a circle")
			}
			s, err := t.w.segment(t.next, t.deleted)
			if err != nil {
				return done, err
			}
			t.piece, t.next = s.text, s.next
			if t.deleted {
				copy(t.piece, "????")
			}
			if t.size >= 0 && int64(len(t.piece)) > t.size {
				t.piece = t.piece[:t.size]
			}
		}
		n := copy(p[done:], t.piece)
		t.piece = t.piece[n:]
		if t.size >= 0 {
			t.size -= int64(n)
		}
		done += n
	}
	if done == 0 && len(p) > 0 {
		if t.size > 0 {
			return 0, f.fail(failure.Transient, "read message", 0, "changed", fmt.Errorf("%d bytes are missing that were there", t.size))
		}
		return 0, io.EOF
	}
	return done, nil
}

// plain reads a text that lies in one piece.
type plain struct {
	ctx  context.Context
	f    *File
	r    io.Reader
	left int64
}

func (p *plain) Read(b []byte) (int, error) {
	if err := p.ctx.Err(); err != nil {
		return 0, p.f.fail(failure.Cancelled, "read message", 0, "text", err)
	}
	n, err := p.r.Read(b)
	p.left -= int64(n)
	if err == io.EOF && p.left > 0 {
		return n, p.f.fail(failure.Transient, "read message", 0, "changed", fmt.Errorf("%d bytes are missing that were there", p.left))
	}
	return n, err
}
