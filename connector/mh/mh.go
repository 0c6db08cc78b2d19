// Package mh is the source for mail kept in MH folders, by nmh, MH-E, Sylpheed,
// Claws Mail and others: mh:DIR with DIR/<user>/<folder>/<number>, or a directory
// of one user, which has a folder called inbox, or messages, directly in it.
//
// Each message is a file whose name is its number; directories are folders. Marks
// come from the file .mh_sequences of a folder (nmh, mh-sequence(5)): a message is
// read unless it is in "unseen", "replied" and "flagged" are marks, and all other
// sequences but "cur" become keywords. Where Sylpheed or Claws Mail keep marks in
// a file of their own, that is read instead. A message's key is its number.
package mh

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/mail"
)

const scheme = "mh"

// isMessage reports whether a name is the number of a message.
func isMessage(name string) bool {
	_, ok := number(name)
	return ok
}

func number(name string) (uint32, bool) {
	if name == "" || name[0] < '1' || name[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(name, 10, 32)
	return uint32(n), err == nil
}

// isDeleted reports whether a name is that of a message which was removed: MH
// puts a comma or a "#" before its number.
func isDeleted(name string) bool {
	return len(name) > 1 && (name[0] == ',' || name[0] == '#') && isMessage(name[1:])
}

// Source opens a directory of users' directories, or one user's directory.
// Option: user=NAME makes the directory that of one user.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := loc.RejectOptions("user"); err != nil {
		return nil, err
	}
	dir, err := filesource.Directory(ctx, loc)
	if err != nil {
		return nil, err
	}
	single := loc.Options.Get("user") != ""
	if !single {
		names, err := files.Names(ctx, dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			isDir := files.IsDir(filepath.Join(dir, name))
			single = single || isMessage(name) && !isDir || strings.EqualFold(name, "inbox") && isDir
		}
	}
	return &filesource.Source{System: filesource.System{
		Location: loc,
		Flags:    mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Forwarded,
		Keywords: true,
		Places: func(ctx context.Context) ([]filesource.Place, error) {
			if single {
				return []filesource.Place{filesource.OneUser(loc, dir)}, nil
			}
			return filesource.UserDirectories(ctx, loc, dir)
		},
		Open: func(_ context.Context, p filesource.Place) (filesource.Store, error) {
			return &store{root: p.Path}, nil
		},
	}}, nil
}

// roles are names that these programs give to folders, and others do not.
var roles = map[mail.Path]mail.SpecialUse{"draft": mail.UseDrafts, "queue": mail.UseOutbox}

// store is one user's tree of folders.
type store struct{ root string }

func (s *store) Close() error { return nil }

// Folders are the directories. The user's directory itself is the inbox where it
// has messages.
func (s *store) Folders(ctx context.Context) ([]filesource.Folder, error) {
	names, err := numbers(ctx, s.root)
	if err != nil {
		return nil, err
	}
	tree := filesource.Tree{System: scheme, IsMessage: isMessage, Ignore: isDeleted}
	if len(names) > 0 {
		tree.Root = mail.Inbox
	}
	dirs, err := tree.Walk(ctx, s.root)
	if err != nil {
		return nil, err
	}
	list := make([]filesource.Folder, len(dirs))
	for i, d := range dirs {
		f := folder{dir: d.Path}
		d.Notes = append(d.Notes, f.notes()...)
		d.Use = roles[d.Folder.Path]
		list[i] = filesource.Folder{Folder: d.Folder, Contents: &filesource.FolderFiles{
			System: scheme, Dir: d.Path, IsMessage: isMessage, Begin: f.begin, OpenFile: open,
			List:   func(ctx context.Context) ([]string, error) { return numbers(ctx, d.Path) },
			Beside: f.beside(),
		}}
	}
	return list, nil
}

// numbers lists the messages of a directory by their numbers.
func numbers(ctx context.Context, dir string) ([]string, error) {
	all, err := files.Names(ctx, dir)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, name := range all {
		if isMessage(name) && !files.IsDir(filepath.Join(dir, name)) {
			kept = append(kept, name)
		}
	}
	slices.SortFunc(kept, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return kept, nil
}

// open opens a message's file.
func open(ctx context.Context, path string) (filesource.Body, error) {
	r, err := files.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return r, nil
}
