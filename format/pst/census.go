package pst

import (
	"context"
	"errors"
	"slices"

	"waybill/failure"
	"waybill/format/pst/ndb"
)

// maxFolders bounds the folders of a file, which are in memory all together.
const maxFolders = 1 << 17

// census is what the tree of nodes says of folders and items. Its size depends on
// the number of folders, not on that of items.
type census struct {
	folders []ndb.Node // in the order of their numbers
	parents map[NID]NID
	// items and associated count the messages by the folder that they name.
	items, associated map[NID]int
	// strays counts messages that name a folder which is not there.
	strays int
	// broken says that parts of the tree could not be read.
	broken []error
}

// count makes the census, once.
func (f *File) count(ctx context.Context) (*census, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.census != nil {
		return f.census, nil
	}
	c := &census{parents: map[NID]NID{}, items: map[NID]int{}, associated: map[NID]int{}}
	tooMany := false
	err := f.db.Nodes(ctx, func(n ndb.Node) bool {
		switch n.NID.Kind() {
		case ndb.KindFolder, ndb.KindSearchFolder:
			c.folders = append(c.folders, n)
			c.parents[n.NID] = n.Parent
		case ndb.KindMessage:
			c.items[n.Parent]++
		case ndb.KindAssociated:
			c.associated[n.Parent]++
		default:
		}
		tooMany = len(c.folders)+len(c.items)+len(c.associated) > maxFolders
		return !tooMany
	}, func(err error) {
		if len(c.broken) < 16 {
			c.broken = append(c.broken, err)
		}
		f.db.Defects.AddError(err)
	})
	if err != nil {
		return nil, err
	}
	if tooMany {
		return nil, failure.New(failure.TooLarge, "list folders", f.db.Name(), "pst.folders", errors.New("there are more than 131072 folders"))
	}
	for _, m := range []map[NID]int{c.items, c.associated} {
		for parent, n := range m {
			if _, is := c.parents[parent]; !is {
				c.strays += n
			}
		}
	}
	f.census = c
	return c, nil
}

// isFolder tells whether there is a folder of that number.
func (c *census) isFolder(nid NID) bool {
	_, is := c.parents[nid]
	return is
}

// orphans lists the messages whose folder is not there and that no table of one
// of the folders names.
func (f *File) orphans(ctx context.Context, c *census, folders []Folder) ([]NID, error) {
	if c.strays == 0 {
		return nil, nil
	}
	var strays, parents []NID
	err := f.db.Nodes(ctx, func(n ndb.Node) bool {
		if k := n.NID.Kind(); (k == ndb.KindMessage || k == ndb.KindAssociated) && !c.isFolder(n.Parent) {
			strays, parents = append(strays, n.NID), append(parents, n.Parent)
		}
		return len(strays) < maxFolders
	}, func(error) {})
	if err != nil {
		return nil, err
	}
	listed := make([]bool, len(strays))
	for _, folder := range folders {
		if folder.NID == Orphans {
			continue
		}
		for _, kind := range tablesOf(folder.NID) {
			t, err := f.table(folder.NID.With(kind), &Defects{})
			if err != nil || t == nil {
				continue
			}
			for row, err := range t.Rows(ctx) {
				if err := f.cancelled(ctx); err != nil {
					return nil, err
				}
				if i, is := slices.BinarySearch(strays, NID(row.ID)); err == nil && is {
					listed[i] = true
				}
			}
		}
	}
	inside := make(map[NID]bool, len(folders))
	for _, folder := range folders {
		inside[folder.NID] = true
	}
	var orphans []NID
	for i, nid := range strays {
		if !listed[i] && !inside[parents[i]] {
			orphans = append(orphans, nid)
		}
	}
	return orphans, nil
}
