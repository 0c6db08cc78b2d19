package olm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	format "waybill/format/olm"
	"waybill/mail"
)

// maxPerDocument bounds the messages of one document, which usually has one.
const maxPerDocument = 100_000

// folder is a filesource.Contents.
type folder struct {
	store *store
	dir   string
}

// errStop ends a walk from inside.
var errStop = errors.New("stop")

// found is a message of a document, or the number of items of one.
type found struct {
	entry
	key  string
	nth  int
	mail *format.Mail // nil for an item that is left out
	kind string
}

// keyOf is the key of the nth message of a document, counted from 0.
func (e entry) keyOf(nth int) string {
	if nth == 0 {
		return e.key
	}
	return fmt.Sprintf("%s#%d", e.key, nth+1)
}

// find is the inverse of keyOf.
func (c *contents) find(key string) (entry, int, bool) {
	if i, ok := c.byKey[key]; ok {
		return c.entries[i], 0, true
	}
	at := strings.LastIndexByte(key, '#')
	if at < 0 {
		return entry{}, 0, false
	}
	i, ok := c.byKey[key[:at]]
	n, err := strconv.Atoi(key[at+1:])
	if !ok || err != nil || n < 2 || n > maxPerDocument || c.entries[i].keyOf(n-1) != key {
		return entry{}, 0, false
	}
	return c.entries[i], n - 1, true
}

// inside calls f with what is in a document, until it returns false.
func (a *archive) inside(ctx context.Context, e entry, f func(found) bool) error {
	where := a.store.place.Path + ", entry " + files.Printable(e.Name)
	r, err := a.OpenEntry(e.File)
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	body := &interrupted{ctx: ctx, r: r, where: where}
	nth := 0
	if e.items {
		kind, n, err := format.CountItems(body, where)
		if err != nil {
			return err
		}
		if n > maxPerDocument {
			return failure.New(failure.TooLarge, "read document", where, "olm.messages", fmt.Errorf("it has more than %d items", maxPerDocument))
		}
		for ; nth < int(n) && f(found{entry: e, key: e.keyOf(nth), nth: nth, kind: kind}); nth++ {
		}
		return nil
	}
	var over error
	err = format.ReadMail(body, where, func(m *format.Mail) bool {
		if nth == maxPerDocument {
			over = failure.New(failure.TooLarge, "read document", where, "olm.messages", fmt.Errorf("it has more than %d messages", maxPerDocument))
			return false
		}
		ok := f(found{entry: e, key: e.keyOf(nth), nth: nth, mail: m})
		nth++
		return ok
	})
	switch {
	case err != nil:
		return err
	case over == nil && nth == 0:
		return failure.New(failure.Malformed, "read document", where, "olm.no-message", errors.New("there is no message in it"))
	}
	return over
}

// interrupted ends with an error when ctx ends.
type interrupted struct {
	ctx   context.Context
	r     io.Reader
	where string
}

func (i *interrupted) Read(p []byte) (int, error) {
	if err := i.ctx.Err(); err != nil {
		return 0, files.Fail("read document", i.where, "olm.read", err)
	}
	return i.r.Read(p)
}

// with calls f with the folder as it is now.
func (f *folder) with(ctx context.Context, do func(*archive, *contents) error) error {
	a, err := f.store.borrow(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = a.giveBack() }()
	c := a.folders[f.dir]
	if c == nil {
		return failure.New(failure.Vanished, "open folder", a.store.place.Path+", folder "+files.Printable(f.dir), "olm.no-folder", errors.New("there is no such folder any more"))
	}
	return do(a, c)
}

// Messages lists the folder.
func (f *folder) Messages(ctx context.Context) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		err := f.with(ctx, func(a *archive, c *contents) error {
			for _, e := range c.entries {
				n, stop := 0, false
				err := a.inside(ctx, e, func(m found) bool {
					n++
					stop = !yield(f.describe(a, m), nil)
					return !stop
				})
				if stop {
					return errStop
				}
				// What comes behind the damage of a document cannot be told apart.
				if err != nil && !yield(mail.Message{Key: e.keyOf(n), Size: -1}, err) {
					return errStop
				}
			}
			return a.unchanged()
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(mail.Message{}, err)
		}
	}
}

// describe tells of a message.
func (f *folder) describe(a *archive, m found) mail.Message {
	if m.mail == nil {
		return mail.Message{Key: m.key, Size: -1, LeftOut: &mail.Note{Kind: RuleLeft,
			Text: fmt.Sprintf("an item of %s is left out: only mail is read from archives of Outlook for Mac", files.Printable(m.kind))}}
	}
	l := convert(a, m)
	return mail.Message{Key: m.key, Size: -1, InternalDate: l.date, Flags: l.flags, Notes: l.notes}
}

// Open gives a message as Internet mail.
func (f *folder) Open(ctx context.Context, m mail.Message) (filesource.Body, error) {
	a, err := f.store.borrow(ctx)
	if err != nil {
		return nil, err
	}
	l, err := f.letter(ctx, a, m.Key)
	if err != nil {
		_ = a.giveBack()
		return nil, err
	}
	r := l.made.Open(ctx)
	return filesource.NewBody(ctx, r, -1, a.unchanged, func() error {
		err := r.Close()
		if back := a.giveBack(); err == nil {
			err = back
		}
		return err
	}), nil
}

// letter converts the message of a key.
func (f *folder) letter(ctx context.Context, a *archive, key string) (*letter, error) {
	where := a.store.place.Path + ", folder " + files.Printable(f.dir)
	c := a.folders[f.dir]
	if c == nil {
		return nil, filesource.Gone(scheme, where, key)
	}
	e, nth, ok := c.find(key)
	if !ok || e.items {
		return nil, filesource.Gone(scheme, where, key)
	}
	var l *letter
	err := a.inside(ctx, e, func(m found) bool {
		if m.nth == nth {
			l = convert(a, m)
		}
		return l == nil
	})
	if err == nil && l == nil {
		err = filesource.Gone(scheme, where, key)
	}
	if err == nil {
		err = l.err
	}
	return l, err
}

// Census counts; exact reads every document.
func (f *folder) Census(ctx context.Context, exact bool) (census connector.Census, err error) {
	err = f.with(ctx, func(a *archive, c *contents) error {
		census.State = files.State(time.Now(), a.store.place.Path)
		if census.State != "" {
			census.State += f.dir
		}
		census.Messages, census.Bytes = -1, -1
		if !exact {
			return nil
		}
		census.Messages, census.Bytes = 0, 0
		for _, e := range c.entries {
			n := int64(0)
			err := a.inside(ctx, e, func(m found) bool {
				n++
				if m.mail != nil {
					census.Bytes += size(a, m.mail)
				}
				return true
			})
			if err != nil && failure.ClassOf(err) == failure.Cancelled {
				return err
			}
			if err != nil {
				n++ // it is listed with an error
			}
			census.Messages += n
		}
		return nil
	})
	return census, err
}

// size is nearly how long a message will be.
func size(a *archive, m *format.Mail) int64 {
	n := int64(1000)
	for _, b := range m.Bodies {
		n += b.Size
	}
	for _, at := range m.Attachments {
		if f := a.Find(at.Entry); f != nil {
			n += int64(min(f.UncompressedSize64, 1<<40)) * 4 / 3
		}
	}
	return n
}
