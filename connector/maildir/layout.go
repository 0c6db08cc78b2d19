package maildir

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// Bounds on what a directory tree may ask of us.
const (
	maxDepth   = 64
	maxFolders = 200_000
)

// folder is a folder and where it lies.
type folder struct {
	mail.Folder
	// dir holds cur, new and tmp; empty for a container.
	dir string
	// raw is the name of the directory, or its path below the user's directory.
	raw string
}

// isMaildir reports whether dir holds messages. Version control drops empty
// directories, so one of cur and new is enough; tmp counts unless strict is set.
func isMaildir(dir string, strict bool) bool {
	return files.IsDir(filepath.Join(dir, "cur")) || files.IsDir(filepath.Join(dir, "new")) ||
		!strict && files.IsDir(filepath.Join(dir, "tmp"))
}

// userRoot finds a user's Maildir in the directory of that name: the directory
// itself, or Maildir/ in it where that is a home directory.
func userRoot(ctx context.Context, dir string) (string, error) {
	if isMaildir(dir, false) {
		return dir, nil
	}
	if home := filepath.Join(dir, "Maildir"); isMaildir(home, false) {
		return home, nil
	}
	// A mailbox whose inbox was dropped because it is empty still has folders.
	names, err := files.Names(ctx, dir)
	if err != nil {
		return "", err
	}
	for _, n := range names {
		if strings.HasPrefix(n, ".") && isMaildir(filepath.Join(dir, n), false) {
			return dir, nil
		}
	}
	return "", failure.New(failure.Vanished, "open mailbox", dir, "maildir.no-mailbox",
		fmt.Errorf("there is neither cur nor new in it, nor a Maildir below it")).
		WithRemedy("where users lie a level deeper, name that level: maildir:" + dir)
}

// layout is a user's Maildir with its folders.
type layout struct {
	root    string
	opt     options
	folders []folder
	byPath  map[mail.Path]int
}

// readLayout lists the folders below a user's Maildir.
func readLayout(ctx context.Context, root string, opt options) (*layout, error) {
	l := &layout{root: root, opt: opt, byPath: map[mail.Path]int{}}
	inbox := folder{dir: root, Folder: mail.Folder{Path: mail.Inbox, Use: mail.UseInbox}}
	if err := l.add([]string{string(mail.Inbox)}, inbox); err != nil {
		return nil, err
	}
	names, err := files.Names(ctx, root)
	if err != nil {
		return nil, err
	}
	if !opt.fs {
		for _, name := range names {
			if !strings.HasPrefix(name, ".") || strings.HasPrefix(name, ".waybill-") {
				continue
			}
			dir := filepath.Join(root, name)
			if !isMaildir(dir, false) && !isMarked(dir) {
				continue
			}
			if err := l.addPlus(name, dir); err != nil {
				return nil, err
			}
		}
	}
	if !opt.plus {
		if err := l.addTree(ctx, root, names, nil); err != nil {
			return nil, err
		}
	}
	l.addContainers()
	slices.SortFunc(l.folders, func(a, b folder) int { return a.Path.Compare(b.Path) })
	for i, f := range l.folders {
		l.byPath[f.Path] = i
	}
	l.subscribe(ctx)
	return l, nil
}

// isMarked reports whether a directory is a folder that lost its empty parts.
func isMarked(dir string) bool {
	info, err := files.Stat(filepath.Join(dir, "maildirfolder"))
	return err == nil && info.IsRegular()
}

// addPlus adds the folder in a directory of a Maildir++, ".Work.Old".
func (l *layout) addPlus(raw, dir string) error {
	parts := strings.Split(raw[1:], ".")
	f := folder{dir: dir, raw: raw}
	if slices.Contains(parts, "") {
		parts = []string{raw[1:]}
		f.Notes = append(f.Notes, mail.Note{Kind: "folder-name-odd", Text: fmt.Sprintf("The directory %q has an empty part in its name and is read as one name.", raw)})
	}
	names := make([]string, len(parts))
	for i, p := range parts {
		var notes []mail.Note
		names[i], notes = l.opt.decodeName(p)
		f.Notes = append(f.Notes, notes...)
	}
	return l.add(names, f)
}

// addTree adds folders that lie in each other as directories do.
func (l *layout) addTree(ctx context.Context, dir string, entries []string, above []string) error {
	if len(above) >= maxDepth {
		return failure.New(failure.TooLarge, "list folders", dir, "maildir.depth", fmt.Errorf("folders are nested more than %d deep", maxDepth)).
			WithRemedy("look for a symlink that leads back to a folder above it")
	}
	for _, name := range entries {
		switch name {
		case "cur", "new", "tmp":
			continue
		}
		below := filepath.Join(dir, name)
		if strings.HasPrefix(name, ".") || !files.IsDir(below) {
			continue
		}
		decoded, notes := l.opt.decodeName(name)
		names := append(slices.Clone(above), decoded)
		if isMaildir(below, false) {
			raw, err := filepath.Rel(l.root, below)
			if err != nil {
				raw = name
			}
			if err := l.add(names, folder{dir: below, raw: raw, Folder: mail.Folder{Notes: notes}}); err != nil {
				return err
			}
		}
		inside, err := files.Names(ctx, below)
		if err != nil {
			if failure.ClassOf(err) == failure.Cancelled {
				return err
			}
			// It is listed, so that its messages are missed aloud.
			if err := l.add(names, folder{dir: below, raw: name, Folder: mail.Folder{Notes: notes}}); err != nil {
				return err
			}
			continue
		}
		if err := l.addTree(ctx, below, inside, names); err != nil {
			return err
		}
	}
	return nil
}

// add puts a folder into the list under a path of its own.
func (l *layout) add(names []string, f folder) error {
	if len(l.folders) >= maxFolders {
		return failure.New(failure.TooLarge, "list folders", l.root, "maildir.folders", fmt.Errorf("more than %d folders", maxFolders))
	}
	f.Path = mail.NewPath(names...)
	if _, taken := l.byPath[f.Path]; taken {
		if l.folders[l.byPath[f.Path]].dir == f.dir {
			return nil
		}
		was, last := f.Path, names[len(names)-1]
		for n := 2; taken; n++ {
			names[len(names)-1] = fmt.Sprintf("%s (%d)", last, n)
			f.Path = mail.NewPath(names...)
			_, taken = l.byPath[f.Path]
		}
		f.Notes = append(f.Notes, mail.Note{Kind: "folder-name-clash", Text: fmt.Sprintf("Two directories stand for the folder %q; the one called %q is read as %q.", was, f.raw, f.Path)})
	}
	if f.Use == mail.NoUse {
		f.Use = mail.GuessUse(f.Path)
		if f.Use == mail.UseInbox {
			f.Use = mail.NoUse
		}
	}
	l.byPath[f.Path] = len(l.folders)
	l.folders = append(l.folders, f)
	return nil
}

// addContainers adds the folders that are there in the names of others only.
func (l *layout) addContainers() {
	for i := range len(l.folders) {
		for p := l.folders[i].Path.Parent(); p != ""; p = p.Parent() {
			if _, there := l.byPath[p]; there {
				break
			}
			l.byPath[p] = len(l.folders)
			l.folders = append(l.folders, folder{Folder: mail.Folder{Path: p, Container: true}})
		}
	}
}

// find returns the folder with that path.
func (l *layout) find(path mail.Path) (folder, error) {
	if i, ok := l.byPath[path]; ok {
		return l.folders[i], nil
	}
	return folder{}, failure.New(failure.Vanished, "open folder", l.root+", folder "+string(path), "maildir.no-folder",
		fmt.Errorf("there is no such folder"))
}

// list returns the folders as the contract wants them.
func (l *layout) list() []mail.Folder {
	list := make([]mail.Folder, len(l.folders))
	for i, f := range l.folders {
		list[i] = f.Folder
	}
	return list
}
