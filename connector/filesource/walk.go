package filesource

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// maxDepth is how deep directories may be nested.
const maxDepth = 64

// Tree tells which directories of a tree are folders.
type Tree struct {
	System string
	// Root is the path of the directory itself; empty where it is no folder.
	Root mail.Path
	// IsMessage reports whether a file's name is that of a message.
	IsMessage func(name string) bool
	// Ignore reports whether an entry belongs to the mail program and is neither
	// message nor folder. Names that begin with a dot are left out always.
	Ignore func(name string) bool
}

// Dir is a directory that is a folder.
type Dir struct {
	mail.Folder
	Path string
	// Messages is how many files in it have names of messages.
	Messages int
}

// Walk lists the directories below root as folders. A directory that cannot be
// read is listed all the same.
func (t Tree) Walk(ctx context.Context, root string) ([]Dir, error) {
	var list []Dir
	err := t.walk(ctx, root, t.Root.Names(), 0, &list)
	return list, err
}

func (t Tree) walk(ctx context.Context, dir string, names []string, depth int, list *[]Dir) error {
	if err := ctx.Err(); err != nil {
		return files.Fail("list folders", dir, t.System+".folders", err)
	}
	if depth > maxDepth {
		return failure.New(failure.TooLarge, "list folders", dir, t.System+".depth", fmt.Errorf("directories are nested more than %d deep", maxDepth)).
			WithRemedy("look for a symlink that leads back to a directory above it")
	}
	if len(*list) > maxFolders {
		return failure.New(failure.TooLarge, "list folders", dir, t.System+".folders", fmt.Errorf("more than %d folders", maxFolders))
	}
	entries, err := files.Names(ctx, dir)
	if err != nil && (failure.ClassOf(err) == failure.Cancelled || depth == 0) {
		return err
	}
	self := Dir{Path: dir}
	self.Folder.Path = mail.NewPath(names...)
	var below []string
	ignored := 0
	for _, name := range entries {
		switch {
		case strings.HasPrefix(name, "."), t.Ignore != nil && t.Ignore(name):
		case files.IsDir(filepath.Join(dir, name)):
			below = append(below, name)
		case t.IsMessage(name):
			self.Messages++
		default:
			ignored++
		}
	}
	if ignored > 0 {
		self.Notes = append(self.Notes, mail.Note{Kind: "files-ignored", Text: fmt.Sprintf("%d files in %s are no messages by their names and are left out.", ignored, dir)})
	}
	if len(names) > 0 {
		*list = append(*list, self)
	}
	if depth == 0 && t.Root != "" {
		names = nil // what lies beside the inbox's messages are folders beside the inbox
	}
	for _, name := range below {
		shown, _ := files.UnescapeName(name)
		if shown == "" {
			shown = name
		}
		if err := t.walk(ctx, filepath.Join(dir, name), append(slices.Clip(names), shown), depth+1, list); err != nil {
			return err
		}
	}
	return nil
}

// Directory checks that a location is a directory, and returns it.
func Directory(ctx context.Context, loc connector.Location) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", files.Fail("open", loc.String(), loc.Scheme+".open", err)
	}
	dir := filepath.Clean(loc.Path)
	if loc.URL != nil || !files.IsDir(dir) {
		return "", failure.New(failure.Vanished, "open", loc.String(), loc.Scheme+".no-directory", errors.New("it is not a directory")).
			WithRemedy("name the directory that holds one directory for each user, or one user's")
	}
	return dir, nil
}

// OneUser is the place of a path that is one user's mailbox: of the user that
// the option "user" names, or else of the one that the path is called after.
func OneUser(loc connector.Location, path string) Place {
	id := loc.Options.Get("user")
	if id == "" {
		full, err := filepath.Abs(path)
		if err != nil {
			full = path
		}
		id, _ = files.UnescapeName(filepath.Base(full))
		if !files.IsDir(path) {
			id = strings.TrimSuffix(id, filepath.Ext(id))
		}
	}
	if id == "" || id == string(filepath.Separator) {
		id = "mail"
	}
	return Place{ID: id, Path: path}
}

// UserDirectories are the places of a directory that holds one directory for
// each user.
func UserDirectories(ctx context.Context, loc connector.Location, dir string) ([]Place, error) {
	list, err := files.Accounts{Dir: dir, System: loc.Scheme}.List(ctx)
	places := make([]Place, len(list))
	for i, u := range list {
		places[i] = Place{ID: u.ID, Path: filepath.Join(dir, u.Name)}
	}
	return places, err
}
