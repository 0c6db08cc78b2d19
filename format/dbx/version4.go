package dbx

import (
	"context"
	"iter"

	"waybill/failure"
)

// Sizes and places of a .mbx file ([oembx]): a header, and entries one after the
// other, each with the size of the entry and of its text.
const (
	mbxHeader  = 0x54
	mbxCountAt = 8
	mbxEntry   = 0x10
	mbxMark    = 0x7f007f00
)

// messages4 reads a .mbx file from start to end. What is read and unread is in
// another file (.idx), of which too little is known.
func (f *File) messages4(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		w := f.window(windowSize)
		found := int64(0)
		var cause error
		for at := int64(mbxHeader); at+mbxEntry <= f.size; {
			if err := ctx.Err(); err != nil {
				yield(Message{}, f.fail(failure.Cancelled, "list messages", at, "list", err))
				return
			}
			b, err := w.bytes(at, mbxEntry)
			if err != nil {
				yield(Message{}, err)
				return
			}
			total, size := int64(u32(b, 8)), int64(u32(b, 12))
			if u32(b, 0) != mbxMark || total < mbxEntry || size > total-mbxEntry {
				if cause == nil {
					cause = f.malformed(at, "entry", "there is no entry where one should begin")
				}
				if at, err = f.nextEntry(ctx, w, at+1); err != nil {
					yield(Message{}, err)
					return
				}
				continue
			}
			m := Message{Index: u32(b, 4), Offset: at, First: at + mbxEntry, Size: size, Form: Plain}
			err = nil
			if m.First+size > f.size {
				m.Size = -1
				err = f.malformed(at, "truncated", "the text has %d bytes, and the file ends after %d", size, f.size-m.First)
			}
			found++
			if !yield(m, err) {
				return
			}
			// The size of an entry that ends behind the file leads nowhere.
			if m.Size >= 0 {
				at += total
			} else if at, err = f.nextEntry(ctx, w, m.First); err != nil {
				yield(Message{}, err)
				return
			}
		}
		f.lost(&tree{values: found, broken: broken(cause)}, yield)
	}
}

func broken(cause error) []error {
	if cause == nil {
		return nil
	}
	return []error{cause}
}

// nextEntry looks for the mark of the next entry.
func (f *File) nextEntry(ctx context.Context, w *window, at int64) (int64, error) {
	for ; at+mbxEntry <= f.size; at++ {
		if at%(1<<20) == 0 && ctx.Err() != nil {
			return 0, f.fail(failure.Cancelled, "list messages", at, "list", ctx.Err())
		}
		b, err := w.bytes(at, mbxEntry)
		if err != nil {
			return 0, err
		}
		if u32(b, 0) == mbxMark && int64(u32(b, 8)) >= mbxEntry && int64(u32(b, 12)) <= int64(u32(b, 8))-mbxEntry {
			return at, nil
		}
	}
	return f.size, nil
}
