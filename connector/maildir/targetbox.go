package maildir

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// targetBox writes one account's Maildir.
type targetBox struct {
	root *files.Dir
	opt  options

	mu      sync.Mutex
	shelves map[mail.Path]*shelf
}

// shelf is a folder that is being written.
type shelf struct {
	finder
	// parts are the elements of the folder's directory below the root.
	parts []string
	path  mail.Path

	order files.Order

	kwMu sync.Mutex
	kw   *keywords
	kwAt time.Time
}

// maxShelves bounds what is remembered of folders that were written earlier.
const maxShelves = 8

func (b *targetBox) Close() error { return b.root.Close() }

func (b *targetBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	l, err := readLayout(ctx, b.root.Path(), b.opt)
	if err != nil {
		return nil, err
	}
	return l.list(), nil
}

// shelf finds a folder that is there.
func (b *targetBox) shelf(ctx context.Context, path mail.Path) (*shelf, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open folder", string(path), "maildir.folder", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s, ok := b.shelves[path]; ok {
		return s, nil
	}
	raw := b.opt.encodeDir(path.Names())
	dir := filepath.Join(b.root.Path(), raw)
	if path == "" || !isMaildir(dir, false) {
		// Folders that others made may have names that we would write otherwise.
		l, err := readLayout(ctx, b.root.Path(), b.opt)
		if err != nil {
			return nil, err
		}
		f, err := l.find(path)
		if err == nil && f.Container {
			err = failure.New(failure.Vanished, "open folder", b.root.Path()+", folder "+string(path), "maildir.container", errors.New("it only holds other folders"))
		}
		if err != nil {
			return nil, err
		}
		raw, dir = f.raw, f.dir
	}
	s := &shelf{finder: finder{dir: dir}, path: path}
	if raw != "" {
		s.parts = strings.Split(raw, string(filepath.Separator))
	}
	if len(b.shelves) >= maxShelves {
		clear(b.shelves)
	}
	b.shelves[path] = s
	return s, nil
}

// CreateFolder makes the folder and those above it. A folder that only holds
// others becomes an ordinary one: a Maildir has no such difference.
func (b *targetBox) CreateFolder(ctx context.Context, f mail.Folder) error {
	if err := ctx.Err(); err != nil {
		return files.Fail("create folder", string(f.Path), "maildir.create-folder", err)
	}
	names := f.Path.Names()
	if len(names) == 0 || slices.Contains(names, "") {
		return failure.New(failure.Usage, "create folder", b.root.Path(), "maildir.folder-name", errors.New("a folder needs a name"))
	}
	if _, err := b.shelf(ctx, f.Path); err != nil {
		if failure.ClassOf(err) != failure.Vanished {
			return err
		}
		for n := 1; n <= len(names); n++ {
			if n == 1 && names[0] == string(mail.Inbox) {
				continue
			}
			if err := b.makeFolder(b.opt.encodeDir(names[:n])); err != nil {
				return err
			}
		}
		if err := b.root.Sync(); err != nil {
			return err
		}
	} else if f.Path != mail.Inbox {
		return nil
	}
	if f.Subscribed {
		return b.subscribe(ctx, f.Path, true)
	}
	return nil
}

func (b *targetBox) makeFolder(raw string) error {
	if len(raw) > maxDirName {
		return failure.New(failure.TooLarge, "create folder", b.root.Join(raw[:40]+"..."), "maildir.folder-name",
			errors.New("the directory's name would be longer than 255 bytes"))
	}
	if _, err := b.root.Mkdir(raw); err != nil {
		return err
	}
	d, err := b.root.Open(raw)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	mark, err := d.Append("maildirfolder") // marks a folder to delivery agents (Maildir++)
	if err != nil {
		return err
	}
	if err := mark.Close(); err != nil {
		return files.Fail("create folder", d.Path(), "maildir.create-folder", err)
	}
	return makeParts(d)
}

// subscribe adds a folder to the user's subscriptions, or takes it out.
func (b *targetBox) subscribe(ctx context.Context, path mail.Path, wanted bool) error {
	const file = "subscriptions"
	text, err := readAside(ctx, b.root.Join(file), maxAside)
	if err != nil && failure.ClassOf(err) != failure.Vanished {
		return err
	}
	line := b.opt.subscriptionLine(path)
	if bytes.HasPrefix(text, []byte("V\t2\n")) {
		line = strings.ReplaceAll(line, ".", "\t")
	}
	var lines []string
	there := false
	for l := range strings.Lines(string(text)) {
		l = strings.TrimSuffix(l, "\n")
		if l == line {
			there = true
			if !wanted {
				continue
			}
		}
		lines = append(lines, l)
	}
	if there == wanted {
		return nil
	}
	if wanted {
		lines = append(lines, line)
	}
	return b.root.WriteFile(file, func(w io.Writer) error {
		for _, l := range lines {
			if _, err := io.WriteString(w, l+"\n"); err != nil {
				return err
			}
		}
		return nil
	})
}

func (b *targetBox) DeleteFolder(ctx context.Context, path mail.Path) error {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return err
	}
	if path == mail.Inbox {
		return failure.New(failure.Usage, "delete folder", s.dir, "maildir.inbox", errors.New("a mailbox keeps its inbox"))
	}
	x, err := readIndex(ctx, s.dir)
	if err != nil {
		return err
	}
	if len(x.entries) > 0 {
		return failure.New(failure.Conflict, "delete folder", s.dir, "maildir.not-empty", errors.New("there are messages in it"))
	}
	if err := b.root.RemoveAll(filepath.Join(s.parts...)); err != nil {
		return err
	}
	b.mu.Lock()
	delete(b.shelves, path)
	b.mu.Unlock()
	if err := b.subscribe(ctx, path, false); err != nil {
		return err
	}
	return b.root.Sync()
}

// keywords returns the folder's keywords, read again when the file changed.
func (s *shelf) keywords(ctx context.Context) (*keywords, error) {
	s.kwMu.Lock()
	defer s.kwMu.Unlock()
	info, err := files.Stat(filepath.Join(s.dir, keywordsFile))
	if err != nil && failure.ClassOf(err) != failure.Vanished {
		return nil, err
	}
	if s.kw != nil && info.ChangeTime.Equal(s.kwAt) && time.Since(info.ChangeTime) > files.Youth {
		return s.kw, nil
	}
	kw, err := readKeywords(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	s.kw, s.kwAt = kw, info.ChangeTime
	return kw, nil
}

// stored describes a message that is there.
func (s *shelf) stored(ctx context.Context, key, name string, size int64, modTime time.Time) (connector.Stored, error) {
	_, text, _ := splitName(name)
	kw := &keywords{}
	if strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' }) {
		var err error
		if kw, err = s.keywords(ctx); err != nil {
			return connector.Stored{}, err
		}
	}
	set, _ := kw.flagSet(text)
	return connector.Stored{ID: key, Size: size, InternalDate: time.Unix(modTime.Unix(), 0).UTC(), Flags: set}, nil
}

// Open reads a message back. A file that is compressed by what runs on the
// target comes as its owner sees it.
func (b *targetBox) Open(ctx context.Context, path mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	s, err := b.shelf(ctx, path)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	r, file, err := s.open(ctx, id, nil)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	stored, err := s.stored(ctx, id, file.name, r.Size(), r.ModTime())
	if err != nil {
		_ = r.Close()
		return stored, nil, err
	}
	base, letters, _ := splitName(file.name)
	if hint, ok := hintedSize(base); ok && hint != r.Size() || strings.Contains(letters, "Z") {
		stored.Size = -1
		body, err := decompress(r, file.path(s.dir))
		return stored, body, err
	}
	return stored, r, nil
}
