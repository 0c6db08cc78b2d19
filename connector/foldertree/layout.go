package foldertree

import (
	"context"
	"errors"
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

// Folder is a folder and where it lies.
type Folder struct {
	mail.Folder

	Dir string
	// parts are the elements of Dir below the user's directory.
	parts []string
}

// layout is a user's directory with its folders.
type layout struct {
	format  *Format
	root    string
	folders []Folder
	byPath  map[mail.Path]int
}

// inboxOnly is the layout of a directory whose directories are not looked at.
func inboxOnly(format *Format, root string) *layout {
	return &layout{format: format, root: root, byPath: map[mail.Path]int{mail.Inbox: 0},
		folders: []Folder{{Dir: root, Folder: mail.Folder{Path: mail.Inbox, Use: mail.UseInbox}}}}
}

func readLayout(ctx context.Context, format *Format, root string) (*layout, error) {
	l := inboxOnly(format, root)
	if err := l.walk(ctx, 0, nil, nil); err != nil {
		return nil, err
	}
	slices.SortFunc(l.folders, func(a, b Folder) int { return a.Path.Compare(b.Path) })
	for i, f := range l.folders {
		l.byPath[f.Path] = i
	}
	return l, nil
}

// walk looks at what lies in a folder's directory: message files are counted,
// directories become folders inside it.
func (l *layout) walk(ctx context.Context, at int, names, parts []string) error {
	dir := filepath.Join(append([]string{l.root}, parts...)...)
	if len(parts) > maxDepth {
		return failure.New(failure.TooLarge, "list folders", dir, l.format.rule("depth"), fmt.Errorf("folders are nested more than %d deep", maxDepth)).
			WithRemedy("look for a symlink that leads back to a folder above it")
	}
	entries, err := files.Names(ctx, dir)
	if err != nil {
		if failure.ClassOf(err) == failure.Cancelled || at == 0 && len(parts) == 0 {
			return err
		}
		return nil // the folder is listed, and Messages tells why it cannot be read
	}
	ignored := 0
	var below []string
	for _, name := range entries {
		switch {
		case strings.HasPrefix(name, "."):
		case files.IsDir(filepath.Join(dir, name)):
			below = append(below, name)
		case !l.format.Message(ctx, dir, name):
			ignored++
		}
	}
	if ignored > 0 {
		f := &l.folders[at]
		f.Notes = append(f.Notes, mail.Note{Kind: "files-ignored", Text: fmt.Sprintf("%d files in %s %s and are left out.", ignored, dir, l.format.Unlike)})
	}
	for _, name := range below {
		decoded, _ := files.UnescapeName(name)
		if decoded == "" {
			decoded = name
		}
		inside, insideParts := append(slices.Clone(names), decoded), append(slices.Clone(parts), name)
		child, err := l.add(ctx, inside, insideParts)
		if err != nil {
			return err
		}
		if err := l.walk(ctx, child, l.folders[child].Path.Names(), insideParts); err != nil {
			return err
		}
	}
	return nil
}

// add puts a directory into the list under a path of its own.
func (l *layout) add(ctx context.Context, names, parts []string) (int, error) {
	if len(l.folders) >= maxFolders {
		return 0, failure.New(failure.TooLarge, "list folders", l.root, l.format.rule("folders"), fmt.Errorf("more than %d folders", maxFolders))
	}
	f := Folder{Dir: filepath.Join(append([]string{l.root}, parts...)...), parts: parts}
	f.Path = mail.NewPath(names...)
	if f.Path == mail.Inbox {
		// A directory called INBOX may hold the inbox's folders, or the inbox itself.
		inside, err := l.hasMessages(ctx, f.Dir)
		if err != nil || !inside {
			return 0, err
		}
		beside, err := l.hasMessages(ctx, l.root)
		if err != nil {
			return 0, err
		}
		if !beside && l.folders[0].Dir == l.root {
			l.folders[0].Dir, l.folders[0].parts = f.Dir, f.parts
			return 0, nil
		}
	}
	if _, taken := l.byPath[f.Path]; taken {
		was, last := f.Path, names[len(names)-1]
		for n := 2; taken; n++ {
			names[len(names)-1] = fmt.Sprintf("%s (%d)", last, n)
			f.Path = mail.NewPath(names...)
			_, taken = l.byPath[f.Path]
		}
		f.Notes = append(f.Notes, mail.Note{Kind: "folder-name-clash", Text: fmt.Sprintf("Two directories stand for the folder %q; %s is read as %q.", was, f.Dir, f.Path)})
	}
	f.Use = mail.GuessUse(f.Path)
	l.byPath[f.Path] = len(l.folders)
	l.folders = append(l.folders, f)
	return len(l.folders) - 1, nil
}

// hasMessages is careful: a file that only may hold messages counts.
func (l *layout) hasMessages(ctx context.Context, dir string) (bool, error) {
	names, err := files.Names(ctx, dir)
	if err != nil {
		if failure.ClassOf(err) == failure.Cancelled {
			return false, err
		}
		return true, nil // what cannot be read is not taken for empty
	}
	for _, name := range names {
		if l.format.Candidate(name) && !files.IsDir(filepath.Join(dir, name)) {
			return true, nil
		}
	}
	return false, nil
}

func (l *layout) find(path mail.Path) (Folder, error) {
	if i, ok := l.byPath[path]; ok {
		return l.folders[i], nil
	}
	return Folder{}, failure.New(failure.Vanished, "open folder", l.root+", folder "+string(path), l.format.rule("no-folder"), errors.New("there is no such folder"))
}

func (l *layout) list() []mail.Folder {
	list := make([]mail.Folder, len(l.folders))
	for i, f := range l.folders {
		list[i] = f.Folder
	}
	return list
}
