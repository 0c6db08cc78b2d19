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
	"sync"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// source reads a tree of files.
type source struct {
	loc  connector.Location
	dir  string
	form form
	now  clock
	// single is set when the directory is itself one user's, or file names the
	// one file.
	single bool
	file   string
}

func (s *source) Capabilities() connector.Capabilities { return capabilities(s.loc, s.form) }
func (s *source) Close() error                         { return nil }
func (s *source) accounts() files.Accounts             { return files.Accounts{Dir: s.dir, System: scheme} }

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	return directory.Book{}, files.Fail("read directory", s.dir, "mmff.book", ctx.Err())
}

func (s *source) singleID() string {
	if s.file != "" {
		return strings.TrimSuffix(s.file, filepath.Ext(s.file))
	}
	dir, err := filepath.Abs(s.dir)
	if err != nil {
		dir = s.dir
	}
	id, _ := files.UnescapeName(filepath.Base(dir))
	return id
}

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	if !s.single {
		return s.accounts().Users(ctx, func(files.UserDir) error { return nil })
	}
	return func(yield func(directory.User, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(directory.User{}, files.Fail("list users", s.dir, "mmff.users", err))
			return
		}
		yield(directory.User{ID: s.singleID()}, nil)
	}
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open mailbox", user, "mmff.mailbox", err)
	}
	root := s.dir
	if !s.single {
		name, err := s.accounts().Find(ctx, user)
		if err != nil {
			return nil, err
		}
		root = filepath.Join(s.dir, name)
	} else if user != s.singleID() {
		return nil, failure.New(failure.Vanished, "open mailbox", s.dir+", user "+files.Printable(user), "mmff.no-user", errors.New("the messages are those of "+s.singleID()))
	}
	return &sourceBox{root: root, only: s.file, form: s.form, now: s.now}, nil
}

// sourceBox reads one user's tree.
type sourceBox struct {
	root string
	only string // the one file
	form form
	now  clock

	mu     sync.Mutex
	layout *layout
}

func (b *sourceBox) Close() error { return nil }

func (b *sourceBox) read(ctx context.Context) (*layout, error) {
	if b.only != "" {
		l := &layout{root: b.root, byPath: map[mail.Path]int{mail.Inbox: 0}}
		l.folders = []folder{{dir: b.root, Folder: mail.Folder{Path: mail.Inbox, Use: mail.UseInbox}}}
		return l, files.Fail("list folders", b.root, "mmff.folders", ctx.Err())
	}
	return readLayout(ctx, b.root)
}

func (b *sourceBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	l, err := b.read(ctx)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.layout = l
	return l.list(), nil
}

func (b *sourceBox) folder(ctx context.Context, path mail.Path) (folder, error) {
	if err := ctx.Err(); err != nil {
		return folder{}, files.Fail("open folder", string(path), "mmff.folder", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.layout == nil {
		l, err := b.read(ctx)
		if err != nil {
			return folder{}, err
		}
		b.layout = l
	}
	return b.layout.find(path)
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
		path := filepath.Join(dir, name)
		if candidate(name) && !files.IsDir(path) && isMMFF(ctx, path) {
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
		f, err := b.folder(ctx, path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		names, err := b.names(ctx, f.dir)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		noted := b.form.zoned
		for _, name := range names {
			if !b.messages(ctx, filepath.Join(f.dir, name), name, &noted, yield) {
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
			return yield(mail.Message{Key: keyOf(name, 0, f.size), Size: -1}, err)
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
	f, err := b.folder(ctx, path)
	if err != nil {
		return nil, err
	}
	gone := failure.New(failure.Vanished, "open message", f.dir+", message "+files.Printable(m.Key), "mmff.vanished", errors.New("there is no such message"))
	i := strings.LastIndexByte(m.Key, '@')
	if i < 0 {
		return nil, gone
	}
	first, second, _ := strings.Cut(m.Key[i+1:], ".")
	number, err1 := strconv.Atoi(first)
	offset, err2 := strconv.ParseInt(second, 10, 64)
	name := m.Key[:i]
	if err1 != nil || err2 != nil || name == "" || strings.ContainsAny(name, "/\\\x00") || name[0] == '.' {
		return nil, gone
	}
	if name[0] == '~' {
		if name, err = b.long(ctx, f.dir, m.Key, number, offset); err != nil {
			return nil, err
		}
	}
	from, err := openFile(ctx, filepath.Join(f.dir, name))
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
	f, err := b.folder(ctx, path)
	if err != nil {
		return connector.Census{}, err
	}
	names, err := b.names(ctx, f.dir)
	if err != nil {
		return connector.Census{}, err
	}
	c := connector.Census{Messages: -1, Bytes: 0}
	paths := []string{f.dir}
	for _, name := range names {
		p := filepath.Join(f.dir, name)
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
