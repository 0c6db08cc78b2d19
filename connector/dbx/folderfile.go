package dbx

import (
	"context"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	format "waybill/format/dbx"
	"waybill/mail"
)

// folderFile is the file of one folder.
type folderFile struct {
	path   string
	beside []string // files that the listing depends on, too

	mu      sync.Mutex
	index   map[string]format.Message // by key; only what Text needs
	indexed int64                     // size of the file then
}

// opened is an open file.
type opened struct {
	*format.File
	at *files.At
}

func (f *folderFile) open(ctx context.Context) (*opened, error) {
	at, err := files.OpenAt(ctx, f.path)
	if err != nil {
		return nil, err
	}
	file, err := format.Open(at, at.Size(), f.path)
	if err != nil {
		_ = at.Close()
		return nil, err
	}
	return &opened{File: file, at: at}, nil
}

func (f *folderFile) kind(ctx context.Context) (format.Kind, error) {
	o, err := f.open(ctx)
	if err != nil {
		return format.Other, err
	}
	defer func() { _ = o.at.Close() }()
	return o.Kind, nil
}

// notes tell what the form of the file cannot say.
func (f *folderFile) notes(ctx context.Context) []mail.Note {
	if kind, err := f.kind(ctx); err == nil && kind == format.Version4 {
		return []mail.Note{{Kind: "flags-unknown", Text: "Files of Outlook Express 4 do not say which messages were read, and keep deleted ones until they are compacted."}}
	}
	return nil
}

// keys gives every entry of a listing a key of its own.
type keys map[string]bool

func (k keys) of(m format.Message, err error) string {
	key := strconv.FormatUint(uint64(m.Index), 10)
	switch {
	case m.Lost > 0:
		return "lost-" + strconv.FormatInt(m.Lost, 10)
	case err != nil && m.Index == 0, k[key]:
		key = fmt.Sprintf("%s@%x", key, m.Offset)
	}
	for n := 2; k[key]; n++ {
		key = fmt.Sprintf("%s@%x-%d", strconv.FormatUint(uint64(m.Index), 10), m.Offset, n)
	}
	k[key] = true
	return key
}

// Messages lists the folder.
func (f *folderFile) Messages(ctx context.Context) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		o, err := f.open(ctx)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		defer func() { _ = o.at.Close() }()
		taken := keys{}
		index := map[string]format.Message{}
		f.share(index, o.at.Size())
		for m, err := range o.Messages(ctx) {
			if err != nil && m.Offset == 0 && m.Lost == 0 {
				yield(mail.Message{}, err)
				return
			}
			out := mail.Message{Key: taken.of(m, err), Size: m.Size, InternalDate: m.Date, Flags: m.Flags, Notes: m.Notes}
			if err == nil {
				err = f.date(ctx, o, m, &out)
			}
			if err == nil {
				f.mu.Lock()
				index[out.Key] = format.Message{Offset: m.Offset, First: m.First, Size: m.Size, Form: m.Form}
				f.mu.Unlock()
			}
			if !yield(out, err) {
				return
			}
		}
		if err := o.at.Unchanged(); err != nil {
			yield(mail.Message{}, err)
		}
	}
}

// date finds a date for a message whose folder does not know one.
func (f *folderFile) date(ctx context.Context, o *opened, m format.Message, out *mail.Message) error {
	if !out.InternalDate.IsZero() {
		return nil
	}
	info, err := files.Stat(f.path)
	if err != nil {
		return err
	}
	date, note, err := filesource.GuessDate(o.Text(ctx, m), info.ModTime)
	out.InternalDate, out.Notes = date, append(out.Notes, note)
	return err
}

func (f *folderFile) share(index map[string]format.Message, size int64) {
	f.mu.Lock()
	f.index, f.indexed = index, size
	f.mu.Unlock()
}

// find returns where the text of a key lies.
func (f *folderFile) find(ctx context.Context, o *opened, key string) (format.Message, error) {
	f.mu.Lock()
	m, ok := f.index[key]
	same := f.indexed == o.at.Size()
	f.mu.Unlock()
	if ok && same {
		return m, nil
	}
	taken := keys{}
	for m, err := range o.Messages(ctx) {
		if err != nil && m.Offset == 0 && m.Lost == 0 {
			return m, err
		}
		if taken.of(m, err) == key && m.Lost == 0 {
			return m, err
		}
	}
	return m, filesource.Gone(scheme, f.path, key)
}

// Open opens a message's text.
func (f *folderFile) Open(ctx context.Context, m mail.Message) (filesource.Body, error) {
	o, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	found, err := f.find(ctx, o, m.Key)
	if err != nil {
		_ = o.at.Close()
		return nil, err
	}
	return filesource.NewBody(ctx, o.Text(ctx, found), found.Size, o.at.Unchanged, o.at.Close), nil
}

// Census counts what the file says to have, or what is listed.
func (f *folderFile) Census(ctx context.Context, exact bool) (connector.Census, error) {
	o, err := f.open(ctx)
	if err != nil {
		return connector.Census{}, err
	}
	defer func() { _ = o.at.Close() }()
	c := connector.Census{Messages: o.Stated, Bytes: -1, State: files.State(time.Now(), append([]string{f.path}, f.beside...)...)}
	if most := o.at.Size() / 16; c.Messages > most {
		c.Messages = -1
	}
	if !exact {
		return c, nil
	}
	c.Messages, c.Bytes = 0, 0
	for m, err := range o.Messages(ctx) {
		if err != nil && m.Offset == 0 && m.Lost == 0 {
			return connector.Census{}, err
		}
		c.Messages++
		c.Bytes += max(m.Size, 0)
	}
	return c, nil
}

// missing is a folder that is listed and has no file.
type missing struct {
	path     string
	messages int64
}

func (m *missing) Census(context.Context, bool) (connector.Census, error) {
	if m.messages > 0 {
		return connector.Census{}, gone(m.path, m.messages)
	}
	return connector.Census{}, nil
}

func (m *missing) Messages(context.Context) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		if m.messages > 0 {
			yield(mail.Message{}, gone(m.path, m.messages))
		}
	}
}

func (m *missing) Open(_ context.Context, message mail.Message) (filesource.Body, error) {
	return nil, filesource.Gone(scheme, m.path, message.Key)
}
