// Package emlx is the source for the files of Apple Mail: emlx:DIR with
// DIR/<user>/ as a copy of a user's Library/Mail (V2 to V10, with account folders
// in it, and *.mbox directories in those), or one such directory.
//
// A message is a file ending in .emlx: its length, the message, and a property
// list with marks and the date of arrival. Attachments of a .partial.emlx lie in
// files beside it and are put back. A message's key is the path of its file in its
// folder. The format is not published; the marks are as told in jwz, "emlx flags?"
// (2005), which Apple Mail's files agree with.
package emlx

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	"waybill/mail"
)

const (
	scheme     = "emlx"
	suffix     = ".emlx"
	partial    = ".partial.emlx"
	folderName = ".mbox"
	maxDepth   = 32
)

func hasSuffix(name, end string) bool {
	return len(name) > len(end) && name[0] != '.' && strings.EqualFold(name[len(name)-len(end):], end)
}

func isMessage(name string) bool { return hasSuffix(name, suffix) }

// version is the name of a directory with all accounts of a version of the program.
var version = regexp.MustCompile(`^V\d{1,2}$`)

// Source opens a directory of users' directories, or one user's directory. Option:
// user=NAME makes the directory that of one user.
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
			single = single || isDir && (hasSuffix(name, folderName) || version.MatchString(name)) || !isDir && isMessage(name)
		}
	}
	return &filesource.Source{System: filesource.System{
		Location: loc,
		Flags:    mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded,
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

// store is one user's directory.
type store struct{ root string }

func (s *store) Close() error { return nil }

// account is a directory with folders directly in it.
type account struct {
	name    string
	folders []found
}

// found is a directory with the messages of a folder.
type found struct {
	dir   string
	names []string
}

// Folders lists the folders of all accounts. Where there are several accounts, the
// folders of each lie in a folder called after its directory.
func (s *store) Folders(ctx context.Context) ([]filesource.Folder, error) {
	var accounts []account
	if err := findAccounts(ctx, s.root, filepath.Base(s.root), 0, &accounts); err != nil {
		return nil, err
	}
	var list []filesource.Folder
	for _, a := range accounts {
		for _, f := range a.folders {
			names := f.names
			if len(accounts) > 1 {
				names = append([]string{a.name}, names...)
			}
			use := mail.GuessUse(mail.NewPath(f.names...))
			c := &filesource.FolderFiles{System: scheme, Dir: f.dir, IsMessage: isMessage, OpenFile: openMessage, Size: size,
				List: func(ctx context.Context) ([]string, error) { return listMessages(ctx, f.dir) },
				Begin: func(context.Context) (filesource.Describe, error) {
					return describer{drafts: use == mail.UseDrafts}.describe, nil
				}}
			folder := mail.Folder{Path: mail.NewPath(names...)}
			if len(accounts) == 1 {
				folder.Use = use
			}
			list = append(list, filesource.Folder{Folder: folder, Contents: c})
		}
	}
	return list, nil
}

func deep(dir string) error {
	return failure.New(failure.TooLarge, "list folders", dir, "emlx.depth", fmt.Errorf("directories are nested more than %d deep", maxDepth)).
		WithRemedy("look for a symlink that leads back to a directory above it")
}

// findAccounts looks for directories that have folders or messages directly in them.
func findAccounts(ctx context.Context, dir, name string, depth int, list *[]account) error {
	if depth > maxDepth {
		return deep(dir)
	}
	names, err := files.Names(ctx, dir)
	if err != nil {
		return err
	}
	a := account{name: name}
	var below []string
	for _, n := range names {
		switch isDir := files.IsDir(filepath.Join(dir, n)); {
		case strings.HasPrefix(n, "."):
		case isDir && hasSuffix(n, folderName):
			if err := findFolders(ctx, filepath.Join(dir, n), []string{shown(n)}, depth+1, &a.folders); err != nil {
				return err
			}
		case isDir:
			below = append(below, n)
		case isMessage(n) && (len(a.folders) == 0 || a.folders[0].dir != dir):
			a.folders = append([]found{{dir: dir, names: []string{string(mail.Inbox)}}}, a.folders...)
		}
	}
	if len(a.folders) == 0 {
		for _, n := range below {
			next, _ := files.UnescapeName(n)
			if err := findAccounts(ctx, filepath.Join(dir, n), next, depth+1, list); err != nil {
				return err
			}
		}
		return nil
	}
	// Beside Name.mbox, Name/ holds the folders in it (Mac OS X 10.4 to 10.6).
	for _, n := range below {
		next, _ := files.UnescapeName(n)
		if err := findNested(ctx, filepath.Join(dir, n), []string{next}, depth+1, &a.folders); err != nil {
			return err
		}
	}
	*list = append(*list, a)
	return nil
}

// shown is the name of a folder without its ending.
func shown(name string) string {
	name, _ = files.UnescapeName(name[:len(name)-len(folderName)])
	return name
}

// findNested looks for folders in a directory that is itself none.
func findNested(ctx context.Context, dir string, names []string, depth int, list *[]found) error {
	if depth > maxDepth {
		return deep(dir)
	}
	all, err := files.Names(ctx, dir)
	if err != nil {
		return err
	}
	for _, n := range all {
		full := filepath.Join(dir, n)
		if strings.HasPrefix(n, ".") || !files.IsDir(full) {
			continue
		}
		inside := append(slices.Clone(names), strings.TrimSuffix(n, folderName))
		find := findNested
		if hasSuffix(n, folderName) {
			inside[len(inside)-1] = shown(n)
			find = findFolders
		}
		if err := find(ctx, full, inside, depth+1, list); err != nil {
			return err
		}
	}
	return nil
}

// findFolders lists a folder and those in it.
func findFolders(ctx context.Context, dir string, names []string, depth int, list *[]found) error {
	*list = append(*list, found{dir: dir, names: names})
	return walk(ctx, dir, depth, func(path string, isDir bool) (enter bool, err error) {
		if !isDir || !hasSuffix(filepath.Base(path), folderName) {
			return isDir, nil
		}
		return false, findFolders(ctx, path, append(slices.Clone(names), shown(filepath.Base(path))), depth+1, list)
	})
}

// walk calls each for everything in a folder's directory but what lies among
// attachments; it enters directories as each says.
func walk(ctx context.Context, dir string, depth int, each func(path string, isDir bool) (enter bool, err error)) error {
	if depth > maxDepth {
		return deep(dir)
	}
	names, err := files.Names(ctx, dir)
	if err != nil {
		if failure.ClassOf(err) == failure.Cancelled {
			return err
		}
		return nil // the folder is listed, and listing its messages tells why
	}
	for _, n := range names {
		path := filepath.Join(dir, n)
		isDir := files.IsDir(path)
		if strings.HasPrefix(n, ".") || isDir && n == attachmentsName {
			continue
		}
		enter, err := each(path, isDir)
		if err == nil && enter {
			err = walk(ctx, path, depth+1, each)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// listMessages lists the messages of a folder by their numbers. Where a message is
// there whole and in part, the whole one counts.
func listMessages(ctx context.Context, dir string) ([]string, error) {
	if _, err := files.Names(ctx, dir); err != nil {
		return nil, err
	}
	have := map[string]bool{}
	var keys []string
	err := walk(ctx, dir, 0, func(path string, isDir bool) (bool, error) {
		if isDir {
			return !hasSuffix(filepath.Base(path), folderName), nil
		}
		if isMessage(filepath.Base(path)) {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				return false, files.Fail("list messages", path, "emlx.list", err)
			}
			key := filepath.ToSlash(rel)
			have[key] = true
			keys = append(keys, key)
		}
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key string) bool {
		return hasSuffix(filepath.Base(key), partial) && have[key[:len(key)-len(partial)]+suffix]
	})
	slices.SortFunc(keys, func(a, b string) int {
		if na, nb := number(a), number(b); na != nb {
			if na < nb {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return keys, nil
}

// number is the number that a message's file is called after.
func number(key string) uint64 {
	name, _, _ := strings.Cut(filepath.Base(key), ".")
	n, err := strconv.ParseUint(name, 10, 63)
	if err != nil {
		return 1 << 63
	}
	return n
}
