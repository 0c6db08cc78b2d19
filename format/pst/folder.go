package pst

import (
	"context"
	"errors"
	"slices"
	"strings"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ltp"
	"waybill/format/pst/ndb"
)

// maxPath bounds the names in a path; what lies deeper seems to lie at this depth.
const maxPath = 100

// Orphans is the number of a folder that no file has: with Options.Recover it
// holds the items whose folder is gone.
const Orphans NID = 0

// Folder is one folder.
type Folder struct {
	NID, Parent NID
	// Name is the folder's own; Path leads to it from the root, which has none.
	Name string
	Path []string
	// ContainerClass says what it holds: "IPF.Note", "IPF.Contact"; often empty.
	ContainerClass string
	// Role is what the store uses the folder for; often unknown.
	Role Role
	// Items, Unread and Associated are the counts that the file states.
	Items, Unread, Associated int
	// Search is a search folder: its items live in other folders.
	Search bool
	// Hidden is a folder that Outlook does not show, or that lies in one.
	Hidden bool
	// NonIPM lies outside of the tree that people see.
	NonIPM bool
	// Orphaned is a folder whose parent is gone, or that is its own ancestor.
	Orphaned bool
	// Unlisted is a folder that its parent's table does not name.
	Unlisted bool
	// Err tells why the folder's own properties could not be read.
	Err error
}

// Role is what a store uses a folder for.
type Role string

// The roles that a PST knows ([MS-OXOSFLD] 2.2.2, 2.2.3, 2.2.4).
const (
	Subtree  Role = "subtree" // above all that people see
	Inbox    Role = "inbox"
	Outbox   Role = "outbox"
	Deleted  Role = "deleted"
	Sent     Role = "sent"
	Drafts   Role = "drafts"
	Junk     Role = "junk"
	Calendar Role = "calendar"
	Contacts Role = "contacts"
	Journal  Role = "journal"
	Notes    Role = "notes"
	Tasks    Role = "tasks"
)

// storeRoles are properties of the message store, folderRoles of the root and of
// the inbox, that name folders by their entry IDs.
var (
	storeRoles = map[mapi.ID]Role{outboxEntry: Outbox, wastebasketEntry: Deleted, sentEntry: Sent}

	folderRoles = map[mapi.ID]Role{0x36D0: Calendar, 0x36D1: Contacts, 0x36D2: Journal, 0x36D3: Notes, 0x36D4: Tasks, 0x36D7: Drafts}
)

// Folders lists the folders, the root first and parents before children, in the
// order of their tables; what a parent's table does not name follows in the order
// of numbers, and folders without parents come last. Damage to a folder's own
// properties is in its Err.
func (f *File) Folders(ctx context.Context) ([]Folder, error) {
	c, err := f.count(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	known := f.folders
	f.mu.Unlock()
	if known != nil {
		return slices.Clone(known), nil
	}
	w := folderWalk{f: f, c: c, names: map[NID]row{}, children: map[NID][]NID{}, done: map[NID]bool{}, roles: map[NID]Role{}}
	all, err := w.walk(ctx)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.folders, f.paths = all, make(map[NID]string, len(all))
	for i := range all {
		f.paths[all[i].NID] = strings.Join(all[i].Path, "/")
	}
	return slices.Clone(all), nil
}

// row is what a hierarchy table says of a folder.
type row struct {
	name   string
	parent NID
}

// folderWalk puts the folders in order.
type folderWalk struct {
	f        *File
	c        *census
	names    map[NID]row
	children map[NID][]NID
	done     map[NID]bool
	roles    map[NID]Role
	all      []Folder
}

func (w *folderWalk) walk(ctx context.Context) ([]Folder, error) {
	// What the tables say comes first, so that their order holds.
	for _, n := range w.c.folders {
		if err := w.f.cancelled(ctx); err != nil {
			return nil, err
		}
		w.table(ctx, n.NID)
	}
	for _, n := range w.c.folders {
		// A folder that is listed lies where the table says, which agrees with
		// the tree, or the tree knows no parent, as some programs write it.
		if _, listed := w.names[n.NID]; !listed && n.Parent != n.NID {
			w.children[n.Parent] = append(w.children[n.Parent], n.NID)
		}
	}
	for id, role := range storeRoles {
		if nid := entryNode(w.f.store.Binary(id)); nid != 0 {
			w.roles[nid] = role
		}
	}
	w.roles[w.f.top] = Subtree
	if w.f.into != 0 {
		w.roles[w.f.into] = Inbox
	}
	w.below(ndb.RootFolder, Folder{}, ndb.RootFolder)
	for _, n := range w.c.folders {
		if !w.done[n.NID] && !w.c.isFolder(n.Parent) {
			w.below(n.NID, Folder{Orphaned: true}, n.Parent)
		}
	}
	for _, n := range w.c.folders { // what is left stands in a circle
		if !w.done[n.NID] {
			w.below(n.NID, Folder{Orphaned: true}, n.Parent)
		}
	}
	w.mark()
	if w.f.o.Recover && w.c.strays > 0 {
		orphans, err := w.f.orphans(ctx, w.c, w.all)
		if err != nil {
			return nil, err
		}
		if len(orphans) > 0 {
			w.all = append(w.all, Folder{NID: Orphans, Name: "Orphaned items", Path: []string{"Orphaned items"}, Orphaned: true, Items: len(orphans)})
		}
	}
	return w.all, nil
}

// table reads the hierarchy table of a folder ([MS-PST] 2.4.4.4).
func (w *folderWalk) table(ctx context.Context, nid NID) {
	t, err := w.f.table(nid.With(ndb.KindHierarchyTable), &w.f.db.Defects)
	if err != nil {
		w.f.db.Defects.AddError(err)
	}
	if t == nil || err != nil {
		return
	}
	for r, err := range t.Rows(ctx) {
		child := NID(r.ID)
		if err != nil {
			w.f.db.Defects.AddError(err)
			if child == 0 {
				return
			}
		}
		if k := child.Kind(); k != ndb.KindFolder && k != ndb.KindSearchFolder {
			continue
		}
		if _, twice := w.names[child]; twice || child == nid {
			continue
		}
		// Where table and tree disagree about a folder that both know, the tree
		// is right: moving a folder changes it first.
		if parent, there := w.c.parents[child]; there && parent != nid && w.c.isFolder(parent) {
			continue
		}
		w.names[child] = row{rowText(r, mapi.DisplayName, w.f.o.CodePage), nid}
		w.children[nid] = append(w.children[nid], child)
	}
}

// below adds a folder and all that lies in it, parents first. It needs no
// recursion: a chain of folders may be long.
func (w *folderWalk) below(start NID, like Folder, parent NID) {
	type step struct {
		nid, parent NID
		path        []string
		hidden      bool
	}
	todo := []step{{nid: start, parent: parent}}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if w.done[s.nid] {
			continue
		}
		w.done[s.nid] = true
		x := w.folder(s.nid, s.parent)
		x.Orphaned = like.Orphaned
		x.Hidden = x.Hidden || s.hidden
		if s.nid != ndb.RootFolder {
			x.Path = append(slices.Clip(s.path[:min(len(s.path), maxPath)]), x.Name)
		}
		w.all = append(w.all, x)
		children := w.children[s.nid]
		for _, child := range slices.Backward(children) {
			todo = append(todo, step{child, s.nid, x.Path, x.Hidden})
		}
	}
}

// folder reads one folder's own properties.
func (w *folderWalk) folder(nid, parent NID) Folder {
	x := Folder{NID: nid, Parent: parent, Search: nid.Kind() == ndb.KindSearchFolder}
	r, listed := w.names[nid]
	x.Name, x.Unlisted = r.name, !listed && nid != ndb.RootFolder
	p := mapi.NewProps(nil, w.f.o.CodePage)
	if x.Err = w.f.properties(nid, p, &w.f.db.Defects); x.Err != nil {
		if e, is := errors.AsType[*failure.Error](x.Err); is {
			e.Op = "read folder"
		}
	}
	if name := p.Text(mapi.DisplayName); name != "" {
		x.Name = name
	}
	x.ContainerClass = p.Text(containerClass)
	x.Items, x.Unread, x.Associated = count(p, contentCount), count(p, contentUnread), count(p, associatedCount)
	x.Hidden = p.Bool(attributeHidden)
	for id, role := range folderRoles {
		if at := entryNode(p.Binary(id)); at != 0 && w.roles[at] == "" {
			w.roles[at] = role
		}
	}
	if v, ok := p.Get(additionalEntries); ok && len(v.Many) > junkEntry {
		if at := entryNode(bytesOf(v.Many[junkEntry])); at != 0 && w.roles[at] == "" {
			w.roles[at] = Junk
		}
	}
	return x
}

// additionalEntries is PidTagAdditionalRenEntryIds, a list of entry IDs whose
// places have meanings; that of the folder for junk mail is junkEntry
// ([MS-OXOSFLD] 2.2.4).
const additionalEntries mapi.ID = 0x36D8

const junkEntry = 4

// bytesOf are the bytes of a short value; nil where it is long or something else.
func bytesOf(v mapi.Value) []byte {
	b, _ := v.Data.(mapi.Bytes)
	return b
}

// count is a number that a folder states.
func count(p *mapi.Props, id mapi.ID) int {
	n, _ := p.Int(id)
	return int(max(n, 0))
}

// mark sets roles, and what lies outside of the tree that people see.
func (w *folderWalk) mark() {
	subtree := w.f.top
	if !w.done[subtree] {
		subtree = 0
	}
	inside := map[NID]bool{subtree: true}
	for i := range w.all {
		x := &w.all[i]
		x.Role = w.roles[x.NID]
		inside[x.NID] = inside[x.NID] || inside[x.Parent] && x.NID != ndb.RootFolder
		x.NonIPM = subtree != 0 && !inside[x.NID] && !x.Orphaned
	}
}

// table opens the table of a node; nil without an error where there is no such
// node.
func (f *File) table(nid NID, d *Defects) (*ltp.Table, error) {
	n, found, err := f.db.Node(nid)
	if err != nil || !found {
		return nil, err
	}
	if n.Data == 0 {
		return nil, nil
	}
	return ltp.OpenTable(f.db, n, f.where(nid), d)
}

// rowText is a text in a row of a table.
func rowText(r ltp.Row, id mapi.ID, codePage int) string {
	v, ok := r.Value(id)
	if !ok {
		return ""
	}
	return mapi.NewProps(nil, codePage).Decode(v)
}
