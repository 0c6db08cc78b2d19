package eml

import (
	"context"
	"io"
	"iter"
	"path/filepath"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/failure"
	"waybill/mail"
)

// source reads a tree of message files.
type source struct {
	foldertree.Source

	loc connector.Location
	now clock
}

func (s *source) Capabilities() connector.Capabilities { return capabilities(s.loc) }

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	root, err := s.Root(ctx, user)
	if err != nil {
		return nil, err
	}
	return &sourceBox{SourceBox: foldertree.SourceBox{Format: s.Format, Root: root}, now: s.now}, nil
}

// sourceBox reads one user's tree.
type sourceBox struct {
	foldertree.SourceBox

	now clock
}

// messageNames lists the message files of a folder, sorted. What is a directory
// is a folder, whatever its name.
func messageNames(ctx context.Context, dir string) ([]string, error) {
	names, err := files.Names(ctx, dir)
	if err != nil {
		return nil, err
	}
	kept := names[:0]
	for _, name := range names {
		if isMessage(name) {
			kept = append(kept, name)
		}
	}
	return kept, nil
}

// Messages lists a folder by the names of its files.
func (b *sourceBox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		f, err := b.Folder(ctx, path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		known, err := readFacts(ctx, f.Dir)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		names, err := messageNames(ctx, f.Dir)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		buf := make([]byte, maxHeader)
		for _, name := range names {
			m, err := b.message(ctx, f.Dir, name, known, buf)
			switch {
			case err == nil && m.Key == "": // a directory
				continue
			case failure.ClassOf(err) == failure.Vanished && err != nil:
				continue
			case failure.ClassOf(err) == failure.Cancelled && err != nil:
				yield(mail.Message{}, err)
				return
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (b *sourceBox) message(ctx context.Context, dir, name string, known *facts, buf []byte) (mail.Message, error) {
	m := mail.Message{Key: name, Size: -1}
	if err := ctx.Err(); err != nil {
		return m, files.Fail("list messages", dir, "eml.list", err)
	}
	path := filepath.Join(dir, name)
	info, err := files.Stat(path)
	if err != nil {
		return m, err
	}
	if info.IsDir() {
		return mail.Message{}, nil
	}
	if !info.IsRegular() {
		return m, files.NotRegular(path)
	}
	m.Size = info.Size
	var ok bool
	if m.InternalDate, m.Flags, ok = known.get(name); ok {
		return m, nil
	}
	r, err := files.Open(ctx, path)
	if err != nil {
		return m, err
	}
	defer func() { _ = r.Close() }()
	header, err := readHeader(r, buf)
	if err != nil {
		return m, err
	}
	if m.InternalDate, ok = headerDate(header); ok {
		m.Notes = []mail.Note{{Kind: "date-from-header", Text: "The message file has no date of arrival; the Date field of its header stands for it."}}
		return m, nil
	}
	m.InternalDate = time.Unix(info.ModTime.Unix(), 0).UTC()
	m.Notes = []mail.Note{{Kind: "date-from-file", Text: "The message file has no date of arrival and no readable Date field; the time of the file stands for it."}}
	return m, nil
}

func (b *sourceBox) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	f, err := b.Folder(ctx, path)
	if err != nil {
		return nil, err
	}
	r, err := openMessage(ctx, f.Dir, m.Key)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Census counts names; sizes are asked for only when it must be exact.
func (b *sourceBox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	f, err := b.Folder(ctx, path)
	if err != nil {
		return connector.Census{}, err
	}
	c := connector.Census{State: b.state(f.Dir), Bytes: -1}
	names, err := messageNames(ctx, f.Dir)
	if err != nil {
		return connector.Census{}, err
	}
	if !exact {
		c.Messages = int64(len(names))
		return c, nil
	}
	c.Bytes = 0
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return connector.Census{}, files.Fail("count messages", f.Dir, "eml.census", err)
		}
		info, err := files.Stat(filepath.Join(f.Dir, name))
		switch {
		case err != nil && failure.ClassOf(err) == failure.Vanished, err == nil && info.IsDir():
			continue
		case err == nil && info.IsRegular():
			c.Bytes += info.Size
		}
		c.Messages++
	}
	return c, nil
}

// state is a word for the times of the folder's directory and sidecar. A file
// that is added, removed or replaced changes the directory; flags change the
// sidecar.
func (b *sourceBox) state(dir string) string {
	return files.State(b.now(), dir, filepath.Join(dir, sidecarName))
}
