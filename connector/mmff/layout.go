package mmff

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

// folder is a folder and where it lies.
type folder struct {
	mail.Folder
	dir string
	// parts are the elements of dir below the user's directory.
	parts []string
}

// layout is a user's directory with its folders.
type layout struct {
	root    string
	folders []folder
	byPath  map[mail.Path]int
}

func readLayout(ctx context.Context, root string) (*layout, error) {
	l := &layout{root: root, byPath: map[mail.Path]int{}}
	l.byPath[mail.Inbox] = 0
	l.folders = append(l.folders, folder{dir: root, Folder: mail.Folder{Path: mail.Inbox, Use: mail.UseInbox}})
	if err := l.walk(ctx, 0, nil, nil); err != nil {
		return nil, err
	}
	slices.SortFunc(l.folders, func(a, b folder) int { return a.Path.Compare(b.Path) })
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
		return failure.New(failure.TooLarge, "list folders", dir, "mmff.depth", fmt.Errorf("folders are nested more than %d deep", maxDepth)).
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
		case !isMMFF(ctx, filepath.Join(dir, name)):
			ignored++
		}
	}
	if ignored > 0 {
		f := &l.folders[at]
		f.Notes = append(f.Notes, mail.Note{Kind: "files-ignored", Text: fmt.Sprintf("%d files in %s do not begin with VERSION: and are left out.", ignored, dir)})
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
		return 0, failure.New(failure.TooLarge, "list folders", l.root, "mmff.folders", fmt.Errorf("more than %d folders", maxFolders))
	}
	f := folder{dir: filepath.Join(append([]string{l.root}, parts...)...), parts: parts}
	f.Path = mail.NewPath(names...)
	if f.Path == mail.Inbox {
		// A directory called INBOX may hold the inbox's folders, or the inbox itself.
		inside, err := hasMessages(ctx, f.dir)
		if err != nil || !inside {
			return 0, err
		}
		beside, err := hasMessages(ctx, l.root)
		if err != nil {
			return 0, err
		}
		if !beside && l.folders[0].dir == l.root {
			l.folders[0].dir, l.folders[0].parts = f.dir, f.parts
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
		f.Notes = append(f.Notes, mail.Note{Kind: "folder-name-clash", Text: fmt.Sprintf("Two directories stand for the folder %q; %s is read as %q.", was, f.dir, f.Path)})
	}
	f.Use = mail.GuessUse(f.Path)
	l.byPath[f.Path] = len(l.folders)
	l.folders = append(l.folders, f)
	return len(l.folders) - 1, nil
}

func hasMessages(ctx context.Context, dir string) (bool, error) {
	names, err := files.Names(ctx, dir)
	if err != nil {
		if failure.ClassOf(err) == failure.Cancelled {
			return false, err
		}
		return true, nil // what cannot be read is not taken for empty
	}
	for _, name := range names {
		if candidate(name) && !files.IsDir(filepath.Join(dir, name)) {
			return true, nil
		}
	}
	return false, nil
}

func (l *layout) find(path mail.Path) (folder, error) {
	if i, ok := l.byPath[path]; ok {
		return l.folders[i], nil
	}
	return folder{}, failure.New(failure.Vanished, "open folder", l.root+", folder "+string(path), "mmff.no-folder", errors.New("there is no such folder"))
}

func (l *layout) list() []mail.Folder {
	list := make([]mail.Folder, len(l.folders))
	for i, f := range l.folders {
		list[i] = f.Folder
	}
	return list
}

// folderName finds a name for a folder that a tree of directories can hold.
func folderName(path mail.Path, attempt int) (stored mail.Path, shown string, notes []mail.Note) {
	names := path.Names()
	if len(names) == 0 {
		return "", "", nil
	}
	if path == mail.Inbox {
		return path, string(path), nil
	}
	if attempt > 0 {
		names[len(names)-1] += fmt.Sprintf("~%d", attempt)
	}
	for i, n := range names {
		if n == "" {
			names[i] = files.Shorten("unnamed"+string(path), len("unnamed~")+16, func(s string) int { return len(s) })
		}
		if element, ok := files.EscapeName(names[i]); !ok {
			names[i], _ = files.UnescapeName(element)
		}
	}
	stored = mail.NewPath(names...)
	if stored != path {
		notes = []mail.Note{{Kind: "folder-renamed", Text: fmt.Sprintf("The folder %q is called %q in the target.", path, stored)}}
	}
	return stored, strings.Join(elements(names), "/"), notes
}

// elements are the path elements of a folder's names.
func elements(names []string) []string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i], _ = files.EscapeName(n)
	}
	return parts
}
