package mmff

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/failure"
	"waybill/mail"
)

// source reads a tree of files, or one file.
type source struct {
	foldertree.Source

	loc  connector.Location
	form form
	now  clock
	file string // the one file in the directory, if only one is read
}

func (s *source) Capabilities() connector.Capabilities { return capabilities(s.loc, s.form) }

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	root, err := s.Root(ctx, user)
	if err != nil {
		return nil, err
	}
	return &sourceBox{
		SourceBox: foldertree.SourceBox{Format: s.Format, Root: root, Flat: s.file != ""},
		only:      s.file, form: s.form, now: s.now,
	}, nil
}

// sourceBox reads one user's tree.
type sourceBox struct {
	foldertree.SourceBox

	only string // the one file
	form form
	now  clock
}

// names lists the files of a folder, sorted.
func (b *sourceBox) names(ctx context.Context, dir string) ([]string, error) {
	if b.only != "" {
		return []string{b.only}, nil
	}
	names, err := files.Names(ctx, dir)
	if err != nil {
		return nil, err
	}
	kept := names[:0]
	for _, name := range names {
		if candidate(name) && !files.IsDir(filepath.Join(dir, name)) && b.Format.Message(ctx, dir, name) {
			kept = append(kept, name)
		}
	}
	return kept, files.Fail("list messages", dir, "mmff.list", ctx.Err())
}

// keyOf is a message's key: its file and where it begins there. Names that are
// too long for a key stand in it as a digest.
func keyOf(name string, number int, offset int64) string {
	place := fmt.Sprintf("@%d.%d", number, offset)
	if len(name)+len(place) > 255 {
		sum := sha256.Sum256([]byte(name))
		name = "~" + hex.EncodeToString(sum[:16])
	}
	return name + place
}

// Messages lists the files of a folder by their names, and the messages in each
// in their order.
func (b *sourceBox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		f, err := b.Folder(ctx, path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		names, err := b.names(ctx, f.Dir)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		noted := b.form.zoned
		for _, name := range names {
			if !b.messages(ctx, filepath.Join(f.Dir, name), name, &noted, yield) {
				return
			}
		}
	}
}

// messages lists one file; it returns false when the listing is to end.
func (b *sourceBox) messages(ctx context.Context, path, name string, noted *bool, yield func(mail.Message, error) bool) bool {
	f, err := openFile(ctx, path)
	switch {
	case err == nil:
	case failure.ClassOf(err) == failure.Vanished:
		return true
	case failure.ClassOf(err) == failure.Cancelled:
		yield(mail.Message{}, err)
		return false
	default:
		return yield(mail.Message{Key: keyOf(name, 1, 0), Size: -1}, err)
	}
	defer func() { _ = f.Close() }()
	r := f.reader(b.form)
	for {
		if err := ctx.Err(); err != nil {
			yield(mail.Message{}, files.Fail("list messages", path, "mmff.list", err))
			return false
		}
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return true
		}
		if m == nil {
			return yield(mail.Message{Key: keyOf(name, 0, f.Size()), Size: -1}, err)
		}
		out := mail.Message{Key: keyOf(name, m.Number, m.Offset), Size: -1}
		if err == nil {
			message, notes, contentErr := f.message(m, b.form)
			if err = contentErr; err == nil {
				out.Notes, out.InternalDate = notes, message.Date
				if !message.Date.IsZero() {
					out.Notes = append(out.Notes, mail.Note{Kind: noteDate, Text: "the format has no date of arrival; that of the message stands for it"})
					if !*noted {
						*noted = true
						out.Notes = append(out.Notes, mail.Note{Kind: noteZone, Text: "the dates of this folder name no zone and were read as UTC; zone= gives another"})
					}
				}
			}
		}
		if !yield(out, err) {
			return false
		}
	}
}

func (b *sourceBox) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	f, err := b.Folder(ctx, path)
	if err != nil {
		return nil, err
	}
	gone := failure.New(failure.Vanished, "open message", f.Dir+", message "+files.Printable(m.Key), "mmff.vanished", errors.New("there is no such message"))
	i := strings.LastIndexByte(m.Key, '@')
	if i < 0 {
		return nil, gone
	}
	first, second, _ := strings.Cut(m.Key[i+1:], ".")
	number, err1 := strconv.Atoi(first)
	offset, err2 := strconv.ParseInt(second, 10, 64)
	name := m.Key[:i]
	if err1 != nil || err2 != nil || !foldertree.Inside(name) || name[0] == '.' {
		return nil, gone
	}
	if name[0] == '~' {
		if name, err = b.long(ctx, f.Dir, m.Key, number, offset); err != nil {
			return nil, err
		}
	}
	from, err := openFile(ctx, filepath.Join(f.Dir, name))
	if err != nil {
		return nil, err
	}
	r, err := from.open(ctx, b.form, offset, number)
	if err != nil {
		_ = from.Close()
		return nil, err
	}
	return r, nil
}

// long finds the file whose name is too long for a key.
func (b *sourceBox) long(ctx context.Context, dir, key string, number int, offset int64) (string, error) {
	names, err := b.names(ctx, dir)
	if err != nil {
		return "", err
	}
	for _, name := range names {
		if keyOf(name, number, offset) == key {
			return name, nil
		}
	}
	return key[:strings.LastIndexByte(key, '@')], nil
}

// Census counts by reading the headers; without exact it is left unknown, unless
// the folder holds nothing.
func (b *sourceBox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	f, err := b.Folder(ctx, path)
	if err != nil {
		return connector.Census{}, err
	}
	names, err := b.names(ctx, f.Dir)
	if err != nil {
		return connector.Census{}, err
	}
	c := connector.Census{Messages: -1, Bytes: 0}
	paths := []string{f.Dir}
	for _, name := range names {
		p := filepath.Join(f.Dir, name)
		if info, err := files.Stat(p); err == nil {
			c.Bytes += info.Size
		}
		if len(paths) < 1000 {
			paths = append(paths, p)
		}
	}
	if len(names) < 1000 {
		// A file that grows changes its own time, and not that of its directory.
		c.State = files.State(b.now(), paths...)
	}
	if !exact && len(names) > 0 {
		return c, nil
	}
	c.Messages = 0
	for _, err := range b.Messages(ctx, path) {
		if failure.ClassOf(err) == failure.Cancelled && err != nil {
			return connector.Census{}, err
		}
		c.Messages++
	}
	return c, nil
}
