package dbx

import (
	"context"
	"errors"
	"io"
	"iter"

	"waybill/failure"
	"waybill/mail"
)

// Stranded looks through the whole file for texts that the tree does not lead to:
// those of messages that it has lost, and those that were deleted and are not yet
// overwritten. Flags and dates come along where the facts of a message are still
// found. Notes say what became of each: dbx.stranded, dbx.deleted (four bytes of
// each 512 are gone, and the end may hold older text), dbx.cut (the rest is
// missing). First tells them apart. The file is read three times.
func (f *File) Stranded(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		if f.Kind != Messages {
			return
		}
		s := &search{f: f, next: [2]*places{newPlaces(f.size, segmentSize), newPlaces(f.size, segmentSize)}, facts: map[int64]int64{}}
		if err := s.run(ctx, yield); err != nil {
			yield(Message{}, err)
		}
	}
}

// search is what is known while a file is looked through.
type search struct {
	f *File
	// used are the pieces of texts that are accounted for.
	used *places
	// next are the pieces that another leads to: live ones, and deleted ones.
	next [2]*places
	// facts are the offsets of messages' facts by where their texts begin.
	facts map[int64]int64
}

func (s *search) run(ctx context.Context, yield func(Message, error) bool) error {
	w, segments := s.f.window(16<<10), s.f.window(windowSize)
	// What the tree leads to is taken.
	own, err := s.f.owners(ctx, w)
	if err != nil {
		return err
	}
	s.used = own.used
	_, err = s.f.tree().walk(ctx, s.f.root, 0, func(at int64) bool {
		if m, err := s.f.message(w, at); err == nil {
			_, _ = s.f.measure(ctx, segments, m.First, own)
		}
		return ctx.Err() == nil
	})
	if err != nil {
		return err
	}
	if err := s.f.objects(ctx, func(at int64, b []byte) bool { s.learn(w, at, b); return true }); err != nil {
		return err
	}
	return s.f.objects(ctx, func(at int64, b []byte) bool {
		deleted := isDeleted(b, at)
		if !deleted && !isSegment(b, at) || s.used.has(at) || s.next[state(deleted)].has(at) {
			return true
		}
		m, err := s.collect(segments, at, deleted)
		if err != nil {
			yield(Message{}, err)
			return false
		}
		if m.Size == 0 {
			return true
		}
		if facts, ok := s.facts[at]; ok {
			if known, err := s.f.message(w, facts); err == nil {
				m.Index, m.Offset, m.Flags, m.Date = known.Index, known.Offset, known.Flags, known.Date
			}
		}
		return yield(m, nil)
	})
}

func state(deleted bool) int {
	if deleted {
		return 1
	}
	return 0
}

// learn takes note of what an object leads to.
func (s *search) learn(w *window, at int64, b []byte) {
	deleted := isDeleted(b, at)
	if deleted || isSegment(b, at) {
		if next := int64(u32(b, 12)); next != 0 && next < s.f.size && !s.used.has(at) {
			s.next[state(deleted)].mark(next)
		}
		return
	}
	m, err := s.f.message(w, at)
	if err == nil && m.First < s.f.size && !s.used.has(m.First) && int64(len(s.facts)) < s.f.size/segmentSize {
		s.facts[m.First] = at
	}
}

// collect walks along a stranded text as far as it goes.
func (s *search) collect(w *window, first int64, deleted bool) (Message, error) {
	m := Message{First: first}
	if deleted {
		m.Form = Deleted
		m.Notes = []mail.Note{{Kind: "dbx.deleted", Text: "The message was deleted. Four bytes of each 512 are lost (they are shown as ????), and its end may hold older text."}}
	} else {
		m.Notes = []mail.Note{{Kind: "dbx.stranded", Text: "The folder's tree does not lead to the message; it was found by looking through the whole file."}}
	}
	for at := first; at != 0; {
		piece, err := w.segment(at, deleted)
		if err != nil && failure.ClassOf(err) != failure.Malformed {
			return m, err
		}
		if err != nil || !s.used.mark(at) {
			m.Notes = append(m.Notes, mail.Note{Kind: "dbx.cut", Text: "The rest of the message is overwritten or belongs to another one."})
			break
		}
		size := len(piece.text)
		if deleted && piece.next == 0 {
			// Its length is gone; text has no zero bytes.
			for size > 0 && piece.text[size-1] == 0 {
				size--
			}
		}
		m.Size += int64(size)
		at = piece.next
	}
	return m, nil
}

// objects calls each for every place in the file that bears its own offset, with
// what follows there, as far as a piece of a text would; false ends the search.
func (f *File) objects(ctx context.Context, each func(at int64, b []byte) bool) error {
	const chunk = 1 << 20
	buf := make([]byte, chunk+segmentSize)
	for from := int64(headerSize); from < f.size; from += chunk {
		if err := ctx.Err(); err != nil {
			return f.fail(failure.Cancelled, "look for messages", from, "search", err)
		}
		n, err := f.r.ReadAt(buf[:min(int64(len(buf)), f.size-from)], from)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		for i := 0; i < chunk && i+infoHead <= n; i += 4 {
			if int64(u32(buf, i)) == from+int64(i) && !each(from+int64(i), buf[i:min(i+segmentSize, n)]) {
				return nil
			}
		}
	}
	return nil
}
