package pst

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ltp"
	"waybill/format/pst/ndb"
)

// Item is one item of a folder, as the folder's table describes it.
type Item struct {
	NID, Folder NID
	// Class is the message class: "IPM.Note", "IPM.Contact".
	Class   string
	Subject string
	// Associated is hidden data of the folder: views, rules, forms.
	Associated bool
	// Size is what the file states, in bytes.
	Size int64
	// Submitted, Delivered and Modified are zero where the file has none.
	Submitted, Delivered, Modified time.Time
	// Flags are those of PidTagMessageFlags.
	Flags uint32
	// Unlisted is an item that lies in the folder but not in its table.
	Unlisted bool
	// Orphaned is an item whose folder is gone.
	Orphaned bool
}

// tablesOf are the tables of a folder's items. A search folder has references
// only, which stand in a table of another kind and are no items of its own.
func tablesOf(folder NID) []ndb.Kind {
	if folder.Kind() == ndb.KindSearchFolder {
		return nil
	}
	return []ndb.Kind{ndb.KindContentsTable, ndb.KindAssociatedTable}
}

// Items lists the items of a folder in the order of their numbers, associated
// ones after the others; then what lies in the folder but is not in its tables.
// Each item comes once, and one that the tree of nodes puts into another folder
// comes there.
//
// An error comes with an Item that has the folder and, if it concerns one item,
// its number; the listing goes on behind it. Search folders have no items.
func (f *File) Items(ctx context.Context, folder NID) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		c, err := f.count(ctx)
		if err != nil {
			yield(Item{Folder: folder}, err)
			return
		}
		l := listing{f: f, c: c, folder: folder, yield: yield}
		if folder == Orphans {
			l.orphans(ctx)
			return
		}
		for _, kind := range tablesOf(folder) {
			if !l.table(ctx, kind) {
				return
			}
		}
	}
}

// listing is one listing of a folder.
type listing struct {
	f      *File
	c      *census
	folder NID
	yield  func(Item, error) bool
}

// where names an item for errors.
func (l *listing) where(nid NID) string {
	l.f.mu.Lock()
	path := l.f.paths[l.folder]
	l.f.mu.Unlock()
	if path == "" {
		path = l.folder.String()
	}
	if nid == 0 {
		return fmt.Sprintf("%s folder %s", l.f.db.Name(), path)
	}
	return fmt.Sprintf("%s folder %s %v", l.f.db.Name(), path, nid)
}

// fail yields an error of an item, or, with number 0, of a table.
func (l *listing) fail(nid NID, associated bool, rule string, err error) bool {
	e := failure.New(failure.Malformed, "list items", l.where(nid), rule, err)
	return l.yield(Item{NID: nid, Folder: l.folder, Associated: associated}, e)
}

// table lists one table, and what the tree of nodes knows beyond it.
func (l *listing) table(ctx context.Context, kind ndb.Kind) bool {
	want, itemKind := l.c.items[l.folder], ndb.KindMessage
	if kind == ndb.KindAssociatedTable {
		want, itemKind = l.c.associated[l.folder], ndb.KindAssociated
	}
	associated := itemKind == ndb.KindAssociated
	t, err := l.f.table(l.folder.With(kind), &l.f.db.Defects)
	whole := err == nil
	if err != nil && !l.fail(0, associated, "pst.contents", err) {
		return false
	}
	var seen nodeSet // what lies here
	var rows nodeSet
	if t != nil && err == nil {
		for row, err := range t.Rows(ctx) {
			nid := NID(row.ID)
			switch {
			case err != nil && failure.ClassOf(err) == failure.Cancelled:
				l.yield(Item{Folder: l.folder}, err)
				return false
			case err != nil && nid == 0:
				whole = false
				if !l.fail(0, associated, "pst.contents", err) {
					return false
				}
				continue
			}
			if !rows.add(nid) {
				l.f.db.Defects.Add(failure.New(failure.Malformed, "list items", l.where(nid), "pst.row", errors.New("the folder's table names an item twice")))
				continue
			}
			// A row that cannot be read costs no item: the node has it all.
			mine, ok := l.row(row, nid, associated, err)
			if mine {
				seen.add(nid)
			}
			if !ok {
				return false
			}
		}
	}
	if len(seen.list) == want && len(l.c.broken) == 0 {
		return true
	}
	return l.rest(ctx, itemKind, &seen, whole)
}

// nodeSet is a set of nodes that takes four bytes for each, as long as they come
// in order.
type nodeSet struct {
	list []NID
	set  map[NID]bool // all, once some came in no order
}

// has tells whether a node is in the set.
func (s *nodeSet) has(nid NID) bool {
	if s.set != nil {
		return s.set[nid]
	}
	_, is := slices.BinarySearch(s.list, nid)
	return is
}

// add tells whether a node is new.
func (s *nodeSet) add(nid NID) bool {
	if n := len(s.list); s.set == nil && n > 0 && nid <= s.list[n-1] {
		s.set = make(map[NID]bool, n)
		for _, old := range s.list {
			s.set[old] = true
		}
	}
	if s.set != nil {
		if s.set[nid] {
			return false
		}
		s.set[nid] = true
	}
	s.list = append(s.list, nid)
	return true
}

// row yields one row's item. mine says that the tree of nodes has it in this
// folder.
func (l *listing) row(row ltp.Row, nid NID, associated bool, broken error) (mine, ok bool) {
	n, found, err := l.f.db.Node(nid)
	switch {
	case err != nil:
		return false, l.fail(nid, associated, "pst.tree", err)
	case !found:
		return false, l.fail(nid, associated, "pst.item-missing", errors.New("the folder's table names an item that the file does not have"))
	}
	mine = n.Parent == l.folder
	if !mine && l.c.isFolder(n.Parent) {
		return false, true // it comes with its own folder
	}
	if broken != nil {
		return mine, l.read(nid, Item{Associated: associated})
	}
	return mine, l.yield(l.item(row, nid, associated), nil)
}

// item makes an item of a row.
func (l *listing) item(row ltp.Row, nid NID, associated bool) Item {
	p := row.Props(nil, l.f.o.CodePage, listed...)
	x := itemOf(p)
	x.NID, x.Folder, x.Associated = nid, l.folder, associated
	return x
}

// listed are the properties that describe an item in a table.
var listed = []mapi.ID{mapi.MessageClass, mapi.Subject, mapi.MessageSize, mapi.MessageFlags, mapi.ClientSubmitTime,
	mapi.MessageDeliveryTime, mapi.LastModificationTime}

// itemOf takes what describes an item out of its properties.
func itemOf(p *mapi.Props) Item {
	fixSubject(p)
	x := Item{Class: p.Text(mapi.MessageClass), Subject: p.Text(mapi.Subject)}
	x.Size, _ = p.Int(mapi.MessageSize)
	flags, _ := p.Int(mapi.MessageFlags)
	x.Flags = uint32(flags)
	x.Submitted, _ = p.Time(mapi.ClientSubmitTime)
	x.Delivered, _ = p.Time(mapi.MessageDeliveryTime)
	x.Modified, _ = p.Time(mapi.LastModificationTime)
	return x
}

// read yields an item that is described by its own properties only.
func (l *listing) read(nid NID, like Item) bool {
	m, err := l.f.open(nid)
	if err != nil {
		return l.fail(nid, like.Associated, failure.RuleOf(err), err)
	}
	x := itemOf(m.props)
	x.NID, x.Folder, x.Associated, x.Unlisted, x.Orphaned = nid, l.folder, like.Associated, like.Unlisted, like.Orphaned
	return l.yield(x, nil)
}

// rest lists what the tree of nodes has in the folder and the table has not.
func (l *listing) rest(ctx context.Context, kind ndb.Kind, seen *nodeSet, whole bool) bool {
	more := true
	err := l.f.db.Nodes(ctx, func(n ndb.Node) bool {
		if n.Parent != l.folder || n.NID.Kind() != kind {
			return true
		}
		if !seen.has(n.NID) {
			more = l.read(n.NID, Item{Associated: kind == ndb.KindAssociated, Unlisted: whole})
		}
		return more
	}, func(error) {})
	if err != nil {
		l.yield(Item{Folder: l.folder}, err)
		return false
	}
	return more
}

// orphans lists items whose folder is gone.
func (l *listing) orphans(ctx context.Context) {
	folders, err := l.f.Folders(ctx)
	if err != nil {
		l.yield(Item{}, err)
		return
	}
	all, err := l.f.orphans(ctx, l.c, folders)
	if err != nil {
		l.yield(Item{}, err)
		return
	}
	for _, nid := range all {
		if err := l.f.cancelled(ctx); err != nil {
			l.yield(Item{}, err)
			return
		}
		if !l.read(nid, Item{Orphaned: true, Associated: nid.Kind() == ndb.KindAssociated}) {
			return
		}
	}
}
