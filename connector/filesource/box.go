package filesource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// Bounds on what files may ask of us.
const (
	maxFolders = 200_000
	maxNames   = 64 // how deep folders may be nested
)

// box is a connector.SourceMailbox over a Store.
type box struct {
	system string
	place  Place
	store  Store

	mu      sync.Mutex
	folders []Folder
	byPath  map[mail.Path]int
}

func (b *box) rule(name string) string { return b.system + "." + name }

func (b *box) Close() error { return b.store.Close() }

// Folders lists the folders anew.
func (b *box) Folders(ctx context.Context) ([]mail.Folder, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("list folders", b.place.Path, b.rule("folders"), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.list(ctx); err != nil {
		return nil, err
	}
	list := make([]mail.Folder, len(b.folders))
	for i, f := range b.folders {
		list[i] = f.Folder
		list[i].Container = f.Contents == nil
	}
	return list, nil
}

// list reads the folders. It is called with the lock held.
func (b *box) list(ctx context.Context) error {
	list, err := b.store.Folders(ctx)
	if err != nil {
		return err
	}
	if len(list) > maxFolders {
		return failure.New(failure.TooLarge, "list folders", b.place.Path, b.rule("folders"), fmt.Errorf("more than %d folders", maxFolders))
	}
	b.folders = arrange(list)
	b.byPath = make(map[mail.Path]int, len(b.folders))
	for i, f := range b.folders {
		b.byPath[f.Path] = i
	}
	return nil
}

func (b *box) folder(ctx context.Context, path mail.Path) (Folder, error) {
	where := b.place.Path + ", folder " + string(path)
	if err := ctx.Err(); err != nil {
		return Folder{}, files.Fail("open folder", where, b.rule("folder"), err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byPath == nil {
		if err := b.list(ctx); err != nil {
			return Folder{}, err
		}
	}
	if i, ok := b.byPath[path]; ok {
		return b.folders[i], nil
	}
	return Folder{}, failure.New(failure.Vanished, "open folder", where, b.rule("no-folder"), errors.New("there is no such folder"))
}

func (b *box) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	f, err := b.folder(ctx, path)
	if err != nil || f.Contents == nil {
		return connector.Census{}, err
	}
	return f.Contents.Census(ctx, exact)
}

func (b *box) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		f, err := b.folder(ctx, path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		if f.Contents == nil {
			return
		}
		for m, err := range f.Contents.Messages(ctx) {
			if cancelled := ctx.Err(); cancelled != nil {
				yield(mail.Message{}, files.Fail("list messages", b.place.Path+", folder "+string(path), b.rule("list"), cancelled))
				return
			}
			if err != nil && failure.ClassOf(err) == failure.Cancelled {
				m.Key = ""
			}
			if !yield(m, err) || err != nil && m.Key == "" {
				return
			}
		}
	}
}

func (b *box) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	f, err := b.folder(ctx, path)
	if err != nil {
		return nil, err
	}
	if f.Contents == nil {
		return nil, Gone(b.system, b.place.Path+", folder "+string(path), m.Key)
	}
	body, err := f.Contents.Open(ctx, m)
	if err != nil {
		return nil, err
	}
	return body, nil
}

// Gone is the error of opening a message that is not there.
func Gone(system, where, key string) error {
	return failure.New(failure.Vanished, "open message", where+", message "+files.Printable(key), system+".vanished", errors.New("there is no such message"))
}

// arrange gives every folder a path of its own, adds containers that are missing
// above folders, and sorts.
func arrange(list []Folder) []Folder {
	taken := make(map[mail.Path]bool, len(list))
	var all []Folder
	for _, f := range list {
		names := f.Path.Names()
		if len(names) == 0 {
			names = []string{"unnamed"}
		}
		if len(names) > maxNames {
			names = append(names[:maxNames-1], names[len(names)-1])
			f.Notes = append(slices.Clone(f.Notes), mail.Note{Kind: "folder-depth", Text: fmt.Sprintf("The folder lies more than %d folders deep; it is moved up.", maxNames)})
		}
		for i, n := range names {
			if n == "" {
				names[i] = "unnamed"
			}
		}
		was := mail.NewPath(names...)
		f.Path = was
		for n, last := 2, names[len(names)-1]; taken[f.Path]; n++ {
			names[len(names)-1] = fmt.Sprintf("%s (%d)", last, n)
			f.Path = mail.NewPath(names...)
		}
		if f.Path != was {
			f.Notes = append(slices.Clone(f.Notes), mail.Note{Kind: "folder-name-clash", Text: fmt.Sprintf("Two folders are called %q; one is read as %q.", was, f.Path)})
		}
		if f.Use == mail.NoUse {
			f.Use = mail.GuessUse(f.Path)
		}
		taken[f.Path] = true
		all = append(all, f)
	}
	for _, f := range all {
		for at := f.Path.Parent(); at != "" && !taken[at]; at = at.Parent() {
			taken[at] = true
			all = append(all, Folder{Folder: mail.Folder{Path: at, Use: mail.GuessUse(at)}})
		}
	}
	slices.SortFunc(all, func(a, b Folder) int { return a.Path.Compare(b.Path) })
	once(all)
	return all
}

// once leaves each role to the first folder that has it.
func once(list []Folder) {
	have := map[mail.SpecialUse]bool{}
	for i := range list {
		if u := list[i].Use; u != mail.NoUse && have[u] {
			list[i].Use = mail.NoUse
		}
		have[list[i].Use] = true
	}
}
