package pst

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"waybill/connector/files"
	"waybill/failure"
)

// maxFiles bounds the files of one user, which are open at the same time.
const maxFiles = 200

// owner is a user, and the files that make up the mailbox.
type owner struct {
	id    string
	files []located
	err   error
}

// located is one file of a user. label tells it from the others of the user; the
// main file, whose folders are the mailbox itself, has none.
type located struct {
	path, label string
}

// owners finds the users and their files, in the order of the users' names.
func (s *source) owners(ctx context.Context) ([]owner, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("list users", s.loc.String(), "pst.users", err)
	}
	if s.file != "" {
		id, _ := files.UnescapeName(withoutEnding(filepath.Base(s.file)))
		return []owner{{id: id, files: []located{{path: s.file}}}}, nil
	}
	names, err := files.Names(ctx, s.dir)
	if err != nil {
		return nil, err
	}
	byID := map[string]*owner{}
	of := func(name string) *owner {
		id, _ := files.UnescapeName(name)
		if byID[id] == nil {
			byID[id] = &owner{id: id}
		}
		return byID[id]
	}
	for _, name := range names {
		path := filepath.Join(s.dir, name)
		switch {
		case name[0] == '.':
		case files.IsDir(path):
			inside, err := files.Names(ctx, path)
			if failure.ClassOf(err) == failure.Cancelled && err != nil {
				return nil, err
			}
			if err != nil {
				of(name).err = err
				continue
			}
			for _, n := range inside {
				if p := filepath.Join(path, n); isStore(n) && !files.IsDir(p) {
					o := of(name)
					o.files = append(o.files, located{path: p})
				}
			}
		case isStore(name):
			o := of(withoutEnding(name))
			o.files = append(o.files, located{path: path})
		}
	}
	owners := make([]owner, 0, len(byID))
	for _, o := range byID {
		o.label()
		if len(o.files) > maxFiles && o.err == nil {
			o.err = failure.New(failure.TooLarge, "list users", s.dir+", user "+o.id, "pst.files", fmt.Errorf("there are %d files, more than %d", len(o.files), maxFiles)).
				WithRemedy("put some of them into a directory of another name, and move them as another user's")
		}
		owners = append(owners, *o)
	}
	slices.SortFunc(owners, func(a, b owner) int { return cmp.Compare(a.id, b.id) })
	return owners, nil
}

// label gives each of several files a name of its own: the folder that its
// folders lie in. The one file that is called as its user is the mailbox itself.
func (o *owner) label() {
	if len(o.files) < 2 {
		return
	}
	slices.SortFunc(o.files, func(a, b located) int { return cmp.Compare(a.path, b.path) })
	count := map[string]int{}
	for i := range o.files {
		f := &o.files[i]
		f.label, _ = files.UnescapeName(withoutEnding(filepath.Base(f.path)))
		count[f.label]++
	}
	taken := map[string]bool{}
	for i := range o.files {
		f := &o.files[i]
		name := f.label
		switch {
		case count[name] == 1 && name == o.id:
			f.label = ""
			continue
		case count[name] > 1:
			name, _ = files.UnescapeName(filepath.Base(f.path))
		}
		f.label = name
		for n := 2; taken[f.label]; n++ {
			f.label = fmt.Sprintf("%s (%d)", name, n)
		}
		taken[f.label] = true
	}
}
