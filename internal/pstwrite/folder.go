package pstwrite

import (
	"slices"

	"waybill/failure"
	"waybill/format/mapi"
)

// folder is what is known of a folder until the file is closed.
type folder struct {
	id         FolderID
	parent     FolderID
	name       string
	class      string
	search     bool
	count      int
	unread     int
	hidden     int
	children   []FolderID
	contents   *table
	associated *table
}

// Folder makes a folder in parent. containerClass is "IPF.Note" and the like;
// empty: none. Two folders may have the same name.
func (w *Writer) Folder(parent FolderID, name, containerClass string) (FolderID, error) {
	w.counters[typeFolder]++
	id := FolderID(w.counters[typeFolder]<<5 | typeFolder)
	return id, w.makeFolder(&folder{id: id, parent: parent, name: name, class: containerClass})
}

// SearchFolder makes a search folder, without results, in SearchRoot.
func (w *Writer) SearchFolder(name string) (FolderID, error) {
	w.counters[typeSearchFolder]++
	id := FolderID(w.counters[typeSearchFolder]<<5 | typeSearchFolder)
	return id, w.makeFolder(&folder{id: id, parent: SearchRoot, name: name, search: true})
}

func (w *Writer) makeFolder(f *folder) error {
	if f.id != StoreRoot {
		up := w.folders[f.parent]
		if up == nil || up.search {
			return failure.New(failure.Usage, "make folder", f.name, "pstwrite.parent", nil)
		}
		up.children = append(up.children, f.id)
	}
	w.folders[f.id] = f
	w.order = append(w.order, f.id)
	f.contents = newTable(w.blocks, contentsColumns())
	f.associated = newTable(w.blocks, associatedColumns())
	return nil
}

// props are the folder's own ([MS-PST] 2.4.4.1.1).
func (f *folder) props(e *encoder) ([]encoded, error) {
	list := []Prop{
		Text(mapi.DisplayName, f.name), Int(contentCount, f.count), Int(unreadCount, f.unread),
		Bool(subfolders, len(f.children) > 0),
	}
	if f.hidden > 0 {
		list = append(list, Int(0x3617, f.hidden))
	}
	if f.class != "" {
		list = append(list, Text(containerClass, f.class))
	}
	return e.all(list)
}

// all encodes properties that have no names.
func (e *encoder) all(list []Prop) ([]encoded, error) {
	out := make([]encoded, 0, len(list))
	for _, p := range list {
		one, err := e.encode(p, p.Tag.ID())
		if err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, nil
}

// finishFolders writes the folders and their tables ([MS-PST] 2.4.4).
func (w *Writer) finishFolders() error {
	for _, id := range w.order {
		f := w.folders[id]
		props, err := f.props(w.encoder)
		if err != nil {
			return err
		}
		if err = w.object(uint32(id), uint32(f.parent), props); err != nil {
			return err
		}
		base := uint32(id) &^ 0x1F
		if f.search {
			if err = w.finishSearch(base); err != nil {
				return err
			}
			continue
		}
		hierarchy := newTable(w.blocks, hierarchyColumns())
		for _, child := range f.children {
			props, err := w.folders[child].props(w.encoder)
			if err == nil {
				err = hierarchy.add(uint32(child), props)
			}
			if err != nil {
				return err
			}
		}
		for _, one := range []struct {
			kind uint32
			t    *table
		}{{typeHierarchy, hierarchy}, {typeContents, f.contents}, {typeAssocContents, f.associated}} {
			if err := w.table(base|one.kind, one.t); err != nil {
				return err
			}
		}
		f.contents, f.associated = nil, nil
	}
	return nil
}

// finishSearch writes what belongs to a search folder ([MS-PST] 2.4.8.6).
func (w *Writer) finishSearch(base uint32) error {
	w.nodes = append(w.nodes, node{id: base | typeSearchQueue})
	if err := w.object(base|typeSearchCriteria, 0, []encoded{{id: 0x660B, kind: mapi.TypeInt32}}); err != nil {
		return err
	}
	return w.table(base|typeSearchContents, newTable(w.blocks, searchColumns()))
}

// object writes a node with properties.
func (w *Writer) object(id, parent uint32, props []encoded) error {
	var beside nodes
	data, err := w.blocks.properties(props, &beside)
	if err != nil {
		return err
	}
	sub, err := w.blocks.subtree(beside.all)
	w.nodes = append(w.nodes, node{id: id, parent: parent, data: data, sub: sub})
	return err
}

// table writes a node with a table.
func (w *Writer) table(id uint32, t *table) error {
	data, sub, err := t.finish()
	w.nodes = append(w.nodes, node{id: id, data: data, sub: sub})
	return err
}

// finishTemplates writes the empty tables from which Outlook makes new ones
// ([MS-PST] 2.7.1).
func (w *Writer) finishTemplates() error {
	for _, one := range []struct {
		id      uint32
		columns []mapi.Tag
	}{
		{0x60D, hierarchyColumns()}, {0x60E, contentsColumns()}, {0x60F, associatedColumns()},
		{0x610, searchColumns()}, {0x671, attachmentColumns()}, {0x692, recipientColumns()},
	} {
		if err := w.table(one.id, newTable(w.blocks, one.columns)); err != nil {
			return err
		}
	}
	return nil
}

// clip shortens texts as tables keep them: 255 characters.
func clip(props []encoded) []encoded {
	out := slices.Clone(props)
	for i, p := range out {
		if most := map[mapi.Type]int{mapi.TypeUnicode: 510, mapi.TypeString8: 255}[p.kind]; most > 0 && len(p.bytes) > most {
			out[i].bytes = p.bytes[:most]
		}
	}
	return out
}
