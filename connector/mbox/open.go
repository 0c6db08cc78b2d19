package mbox

import (
	"context"
	"errors"
	"io"
	"os"

	"waybill/failure"
	format "waybill/format/mbox"
	"waybill/mail"
)

// Open finds the message by its key: at the offset where the listing saw it, as
// long as the file is the same or that very message still stands there, else by
// reading the file anew.
func (m *sourceMailbox) Open(ctx context.Context, path mail.Path, msg mail.Message) (io.ReadCloser, error) {
	f, err := m.folder(ctx, path)
	if err != nil {
		return nil, err
	}
	where := string(path) + ", " + msg.Key
	digest, _, ok := parseKey(msg.Key)
	if !ok || f.file == "" {
		return nil, gone(where)
	}
	file, id, err := statFile(f.file)
	if err != nil {
		return nil, err
	}
	e, err := m.find(ctx, f, file, id, msg.Key, digest)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	unquote := false
	if e.Quoted > 0 && e.Marker == nil {
		if unquote, _, err = m.unquotes(ctx, f, file, id); err != nil {
			_ = file.Close()
			return nil, err
		}
	}
	return &body{ctx: ctx, file: file, id: id, entry: e, digest: digest, where: f.file + ", " + msg.Key, r: format.Content(file, e, unquote)}, nil
}

func gone(where string) error {
	return failure.New(failure.Vanished, "open message", where, "mbox.no-message", errors.New("there is no such message"))
}

// find returns the entry of a key.
func (m *sourceMailbox) find(ctx context.Context, f *folder, file *os.File, id identity, key string, digest uint64) (format.Entry, error) {
	f.mu.Lock()
	off, known, cr := int64(0), false, false
	if f.index != nil {
		off, known = f.index.find(key)
		cr = f.index.cr
	}
	same := f.indexed == id
	f.mu.Unlock()
	if known && off < id.size {
		reader, _ := m.readers.Get().(*format.Reader)
		opt := format.Options{Name: f.file, From: off, CR: cr, Buffer: 32 << 10}
		if reader == nil {
			reader = format.NewReader(file, id.size, opt)
		} else {
			reader.Reset(file, id.size, opt)
		}
		e, err := reader.Next(ctx)
		m.readers.Put(reader)
		if failure.ClassOf(err) == failure.Cancelled && err != nil {
			return e, err
		}
		if err == nil && e.Kind == format.Message && e.Offset == off && same {
			return e, nil
		}
		if err == nil && e.Kind == format.Message && e.Offset == off {
			if found, err := newHasher().digest(file, e); err == nil && found == digest {
				return e, nil
			}
		}
	}
	if known && same {
		return format.Entry{}, failure.New(failure.Transient, "open message", f.file+", "+key, "mbox.changed",
			errors.New("the file changed and its time stamp did not"))
	}
	return m.search(ctx, f, file, id, key)
}

// search reads the whole file, for a message that is not where it was.
func (m *sourceMailbox) search(ctx context.Context, f *folder, file *os.File, id identity, key string) (format.Entry, error) {
	fresh := newIndex()
	h := newHasher()
	reader := format.NewReader(file, id.size, format.Options{Name: f.file})
	var found format.Entry
	ok := false
	for {
		e, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return e, err
		}
		if e.Kind != format.Message {
			continue
		}
		digest, err := h.digest(file, e)
		if err != nil {
			return e, err
		}
		if fresh.add(digest, e.Offset) == key {
			found, ok = e, true
		}
	}
	fresh.cr = reader.CR()
	f.share(fresh, id)
	if !ok {
		return found, gone(f.file + ", " + key)
	}
	return found, nil
}

// body reads one message. It ends with io.EOF only if the file did not change
// while it was read, or the message still stands where it was.
type body struct {
	ctx    context.Context
	file   *os.File
	id     identity
	entry  format.Entry
	digest uint64
	where  string
	r      io.Reader
}

func (b *body) Read(p []byte) (int, error) {
	if err := alive(b.ctx, "read message", b.where); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	if err == nil {
		return n, nil
	}
	if !errors.Is(err, io.EOF) {
		return n, failure.New(failure.ClassOf(err), "read message", b.where, failure.RuleOf(err), err)
	}
	fi, err := b.file.Stat()
	if err == nil && fi.ModTime().UnixNano() == b.id.modified {
		return n, io.EOF
	}
	// Mail that was appended meanwhile is no harm; a file that was rewritten in
	// place may have given bytes of two states.
	if now, err := newHasher().digest(b.file, b.entry); err == nil && now == b.digest {
		return n, io.EOF
	}
	return n, failure.New(failure.Transient, "read message", b.where, "mbox.changed", errors.New("the file changed while the message was read"))
}

func (b *body) Close() error { return b.file.Close() }
