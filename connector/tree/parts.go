package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/failure"
)

// kind is one system that may be in a tree, under its own name.
type kind struct {
	scheme string
	// list is the extension of the files in the folder that are systems each;
	// empty when the folder itself is the system.
	list string
	// with are extensions of files that belong to those.
	with []string
}

// kinds lists what may be in a tree, in the order in which folders of the same
// name are read.
func kinds() []kind {
	return []kind{
		{scheme: "maildir"},
		{scheme: "mbox"},
		{scheme: "eml"},
		{scheme: "migfile", list: ".pkl", with: []string{".pri", ".sec"}},
	}
}

// place is a system that was found in a tree.
type place struct {
	name     string // "maildir", "migfile/berlin.pkl"
	location connector.Location
}

// maxName bounds a place's name, because it is part of every key.
const maxName = 64

// find lists the systems in dir. Whatever it does not understand is an error:
// mail that is overlooked would be mail that is lost.
func find(dir string) ([]place, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "read directory", dir, "tree.directory", err).
			WithRemedy("tree:DIR wants a directory with " + known())
	}
	var places []place
	for _, k := range kinds() {
		i := slices.IndexFunc(entries, func(e fs.DirEntry) bool { return e.Name() == k.scheme })
		if i < 0 {
			continue
		}
		found, err := k.find(filepath.Join(dir, k.scheme))
		if err != nil {
			return nil, err
		}
		places = append(places, found...)
	}
	for _, e := range entries {
		if !ignored(e.Name()) && !slices.ContainsFunc(kinds(), func(k kind) bool { return k.scheme == e.Name() }) {
			return nil, unknown(filepath.Join(dir, e.Name()), known())
		}
	}
	if len(places) == 0 {
		return nil, failure.New(failure.Usage, "look for mail systems", dir, "tree.empty", nil).WithRemedy("it holds none of " + known())
	}
	return places, nil
}

// find lists the systems of one kind.
func (k kind) find(path string) ([]place, error) {
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = &fs.PathError{Op: "open", Path: path, Err: errors.New("not a directory")}
		return nil, failure.New(failure.Malformed, "look for mail systems", path, "tree.no-directory", err)
	}
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "look for mail systems", path, "tree.directory", err)
	}
	if k.list == "" {
		return []place{{k.scheme, connector.Location{Scheme: k.scheme, Path: path}}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "read directory", path, "tree.directory", err)
	}
	var places []place
	for _, e := range entries {
		extension := strings.ToLower(filepath.Ext(e.Name()))
		file := filepath.Join(path, e.Name())
		switch {
		case ignored(e.Name()):
		case extension == k.list:
			places = append(places, place{shorten(k.scheme + "/" + e.Name()), connector.Location{Scheme: k.scheme, Path: file}})
		case !slices.Contains(k.with, extension) || e.IsDir():
			return nil, unknown(file, "*"+k.list+" and *"+strings.Join(k.with, ", *"))
		}
	}
	if len(places) == 0 {
		return nil, failure.New(failure.Vanished, "look for mail systems", path, "tree.empty", nil).WithRemedy("it holds no *" + k.list)
	}
	return places, nil
}

// ignored are files that are for people, and hidden ones.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasPrefix(name, "README")
}

func known() string {
	var names []string
	for _, k := range kinds() {
		name := k.scheme + "/"
		if k.list != "" {
			name += "*" + k.list
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

func unknown(path, names string) error {
	return failure.New(failure.Usage, "look for mail systems", path, "tree.unknown", errors.New("no mail system has this name")).
		WithRemedy(fmt.Sprintf("known are %s; rename it, or take it out", names))
}

// shorten keeps a long name recognisable and unique.
func shorten(name string) string {
	if len(name) <= maxName {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return strings.ToValidUTF8(name[:maxName-17], "") + "~" + hex.EncodeToString(sum[:8])
}
