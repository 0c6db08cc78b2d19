package maildir

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"strings"
	"sync"
	"time"

	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// sourceBox reads one user's Maildir.
type sourceBox struct {
	root string
	opt  options

	mu     sync.Mutex
	layout *layout
	// finders of the folders that were used last, newest first: the engine opens
	// messages of one folder while it lists the next.
	finders []*finder
}

const maxFinders = 2

func (b *sourceBox) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finders = nil
	return nil
}

func (b *sourceBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	l, err := readLayout(ctx, b.root, b.opt)
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
		return folder{}, files.Fail("open folder", string(path), "maildir.folder", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.layout == nil {
		l, err := readLayout(ctx, b.root, b.opt)
		if err != nil {
			return folder{}, err
		}
		b.layout = l
	}
	f, err := b.layout.find(path)
	if err == nil && f.Container {
		err = failure.New(failure.Usage, "open folder", b.root+", folder "+string(path), "maildir.container",
			errors.New("it only holds other folders"))
	}
	return f, err
}

func (b *sourceBox) finder(dir string) *finder {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.finders {
		if f.dir == dir {
			return f
		}
	}
	f := &finder{dir: dir}
	b.finders = append([]*finder{f}, b.finders...)
	if len(b.finders) > maxFinders {
		b.finders = b.finders[:maxFinders]
	}
	return f
}

// Messages lists a folder by the time in the messages' names, then by their
// names: the order in which they were delivered.
func (b *sourceBox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		f, err := b.folder(ctx, path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		if err := b.list(ctx, f, yield); err != nil {
			yield(mail.Message{}, err)
		}
	}
}

// Larger implements connector.LargeFinder: sizes stand in the names of files, or
// are the files' own.
func (b *sourceBox) Larger(ctx context.Context, path mail.Path, than int64) (n int64, err error) {
	for m, err := range b.Messages(ctx, path) {
		if err != nil && m.Key == "" {
			return n, err
		}
		if m.Size > than {
			n++
		}
	}
	return n, nil
}

// list yields the messages of a folder; the error ends the listing.
func (b *sourceBox) list(ctx context.Context, f folder, yield func(mail.Message, error) bool) error {
	kw, err := readKeywords(ctx, f.dir)
	if err != nil {
		return err
	}
	x, err := readIndex(ctx, f.dir)
	if err != nil {
		return err
	}
	finder := b.finder(f.dir)
	finder.setIndex(x)
	known := map[string]marks{}
	x.each(func(key string, file fileName) bool {
		if err = ctx.Err(); err != nil {
			err = files.Fail("list messages", f.dir, "maildir.list", err)
			return false
		}
		m, merr := b.message(ctx, finder, kw, known, key, file)
		if merr != nil && failure.ClassOf(merr) == failure.Vanished {
			return true // removed since its name was read
		}
		if merr != nil && failure.ClassOf(merr) == failure.Cancelled {
			err = merr
			return false
		}
		return yield(m, merr)
	})
	return err
}

// marks are the flags behind the letters of a name.
type marks struct {
	set   mail.FlagSet
	notes []mail.Note
}

// message describes one message of a listing.
func (b *sourceBox) message(ctx context.Context, finder *finder, kw *keywords, known map[string]marks, key string, file fileName) (mail.Message, error) {
	if len(key) > maxDirName {
		return mail.Message{Key: key[:maxDirName]}, failure.New(failure.Malformed, "list message", file.path(finder.dir), "maildir.long-name",
			errors.New("a message of the same name is there already, and this one's whole name is too long")).WithRemedy("give the file a shorter name")
	}
	m := mail.Message{Key: key, Size: -1}
	info, err := files.Stat(file.path(finder.dir))
	if failure.ClassOf(err) == failure.Vanished && err != nil {
		err = finder.locate(ctx, key, nil, func(at fileName) error {
			file = at
			info, err = files.Stat(at.path(finder.dir))
			return err
		})
	}
	if failure.ClassOf(err) == failure.Vanished && err != nil {
		// A link whose file is gone is there and cannot be read; it did not vanish.
		if link, lerr := os.Readlink(file.path(finder.dir)); lerr == nil {
			err = failure.New(failure.Malformed, "list message", file.path(finder.dir), "maildir.dangling-link",
				fmt.Errorf("it is a symbolic link to %q, which is not there", link)).WithRemedy("bring the linked file back, or remove the link")
		}
	}
	if err != nil {
		return m, err
	}
	if !info.IsRegular() {
		return m, files.NotRegular(file.path(finder.dir))
	}
	base, letters, _ := splitName(file.name)
	marked, ok := known[letters]
	if !ok {
		marked.set, marked.notes = kw.flagSet(letters)
		if len(known) < 4096 { // bounded: there are 2^32 sets of letters
			known[letters] = marked
		}
	}
	m.Flags, m.Notes = marked.set, marked.notes
	m.InternalDate = time.Unix(info.ModTime.Unix(), 0).UTC()
	if !b.mayBeCompressed(base, letters, info.Size) {
		m.Size = info.Size
	}
	return m, nil
}

// mayBeCompressed reports whether the file may hold other bytes than the
// message. Dovecot writes the message's size into the name and compresses what
// lies below; some programs add a Z.
func (b *sourceBox) mayBeCompressed(base, letters string, size int64) bool {
	hint, ok := hintedSize(base)
	return b.opt.compressed || ok && hint != size || strings.Contains(letters, "Z")
}

func (b *sourceBox) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	f, err := b.folder(ctx, path)
	if err != nil {
		return nil, err
	}
	r, file, err := b.finder(f.dir).open(ctx, m.Key, func() string {
		return m.Key + ":2," + string(systemLetters(m.Flags.System))
	})
	if err != nil {
		return nil, err
	}
	base, letters, _ := splitName(file.name)
	if b.mayBeCompressed(base, letters, r.Size()) {
		return decompress(r, file.path(f.dir))
	}
	if _, _, ours := parseName(base); ours {
		return r, nil
	}
	_, hinted := hintedSize(base)
	return &plain{Reader: r, path: file.path(f.dir), hinted: hinted}, nil
}
