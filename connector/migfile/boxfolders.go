package migfile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"waybill/connector/migfile/journal"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

func (b *box) Folders(ctx context.Context) ([]mail.Folder, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	if err := b.readFolders(ctx); err != nil {
		return nil, err
	}
	return withParents(slices.Concat([]mail.Path{mail.Inbox}, b.account.used, b.account.fresh)), nil
}

// readFolders finds the folders that hold messages, unless they are known from
// before; b.account.mu is held.
func (b *box) readFolders(ctx context.Context) error {
	a := b.account
	if err := journal.Recover(b.target.dir, a.base); err != nil || a.used != nil {
		return err
	}
	seen, used := map[mail.Path]bool{}, []mail.Path{}
	a.fresh = nil
	comment := func(text string) {
		if p, ok := strings.CutPrefix(text, folderMade); ok {
			a.fresh = append(a.fresh, mail.Path(p))
		} else if p, ok := strings.CutPrefix(text, folderDropped); ok {
			a.fresh = slices.DeleteFunc(a.fresh, func(f mail.Path) bool { return f == mail.Path(p) })
		}
	}
	err := b.scanWith(ctx, 0, comment, func(_ mf.Record, p mail.Path) error {
		if !seen[p] {
			seen[p] = true
			used = append(used, p)
		}
		return nil
	})
	if err == nil {
		a.used = used
	}
	return err
}

// exists tells whether there is such a folder; b.account.mu is held.
func (b *box) exists(ctx context.Context, folder mail.Path) error {
	if err := b.readFolders(ctx); err != nil {
		return err
	}
	if folder == mail.Inbox || slices.Contains(b.account.used, folder) || slices.Contains(b.account.fresh, folder) {
		return nil
	}
	for _, p := range slices.Concat(b.account.used, b.account.fresh) {
		if strings.HasPrefix(string(p), string(folder)+"/") {
			return nil
		}
	}
	return failure.New(failure.Vanished, "open folder", b.where(folder, ""), "migfile.no-folder", nil)
}

func (b *box) CreateFolder(ctx context.Context, f mail.Folder) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	names := f.Path.Names()
	if slices.Contains(names, "") || !storable(f.Path, b.target.page) {
		return failure.New(failure.Usage, "create folder", b.where(f.Path, ""), "migfile.folder-name", fmt.Errorf("%q is no name that the files can hold", f.Path))
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	if err := b.readFolders(ctx); err != nil {
		return err
	}
	if slices.Contains(b.account.fresh, f.Path) || slices.Contains(b.account.used, f.Path) || f.Path == mail.Inbox {
		return nil
	}
	if err := b.remember(folderMade, f.Path); err != nil {
		return err
	}
	b.account.fresh = append(b.account.fresh, f.Path)
	return nil
}

// Empty folders are no part of the format; a target remembers those that it made
// in comments, until there is mail in them. Nobody else reads them.
const (
	folderMade    = "folder made: "
	folderDropped = "folder dropped: "
)

// remember writes a comment to the primary file; b.account.mu is held.
func (b *box) remember(what string, p mail.Path) error {
	pri, _, err := b.sizes()
	if err != nil {
		return err
	}
	name := b.account.base
	if err := journal.Begin(b.target.dir, name, map[string]int64{name + ".pri": pri}); err != nil {
		return err
	}
	f, err := openAt(b.path(".pri"), pri)
	if err == nil {
		line, _ := b.target.page.Encode("!" + what + string(p) + "\r\n")
		if _, err = f.Write(line); err == nil {
			err = f.Sync()
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return errors.Join(journal.Error("make folder", b.path(".pri"), err), journal.Recover(b.target.dir, name))
	}
	return journal.End(b.target.dir, name)
}

func (b *box) DeleteFolder(ctx context.Context, folder mail.Path) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	if err := b.exists(ctx, folder); err != nil {
		return err
	}
	if slices.Contains(b.account.used, folder) {
		return failure.New(failure.Conflict, "delete folder", b.where(folder, ""), "migfile.folder-full", errors.New("there are messages in it"))
	}
	if err := b.remember(folderDropped, folder); err != nil {
		return err
	}
	b.account.fresh = slices.DeleteFunc(b.account.fresh, func(p mail.Path) bool { return p == folder })
	return nil
}
