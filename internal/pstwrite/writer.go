package pstwrite

import (
	"cmp"
	"encoding/binary"
	"io"
	"slices"

	"waybill/failure"
	"waybill/format/mapi"
)

// Writer writes one file. It is not safe for several goroutines at once. After an
// error the file is of no use.
type Writer struct {
	options  Options
	g        geometry
	encoder  *encoder
	space    *space
	blocks   *blocks
	pages    *pages
	names    *names
	nodes    []node
	folders  map[FolderID]*folder
	order    []FolderID
	counters [32]uint32 // the last number of each type of node
	nodeRoot reference
	dataRoot reference
	closed   bool
}

// New begins a file in w, which must be empty.
func New(w io.WriterAt, o Options) (*Writer, error) {
	if o.Format == Unicode4K && o.Encryption != None {
		return nil, failure.New(failure.Unsupported, "write PST", "", "pstwrite.encryption", nil).
			WithRemedy("no encoded file with 4 kB pages is known")
	}
	e, err := newEncoder(o)
	if err != nil {
		return nil, err
	}
	g := geometryOf(o.Format)
	s, err := newSpace(g, w)
	if err != nil {
		return nil, err
	}
	out := &Writer{
		options: o, g: g, encoder: e, space: s, names: newNames(), folders: map[FolderID]*folder{},
		blocks: &blocks{g: g, space: s, cipher: newCipher(o.Encryption)},
		pages:  &pages{g: g, space: s, last: 0x100},
	}
	// Where counting begins: [MS-PST] 2.2.2.6, rgnid.
	for kind := range out.counters {
		out.counters[kind] = 0x400
	}
	out.counters[typeSearchFolder], out.counters[typeAssociated], out.counters[typeMessage] = 0x4000, 0x8000, 0x10000
	out.counters[typeFolder] = uint32(DeletedItems) >> 5
	for _, f := range []folder{
		{id: StoreRoot, parent: StoreRoot},
		{id: Root, parent: StoreRoot, name: "Top of Outlook data file"},
		{id: SearchRoot, parent: StoreRoot, name: "Search Root"},
		{id: DeletedItems, parent: Root, name: "Deleted Items", class: "IPF.Note"},
		{id: spamSearch, parent: StoreRoot, name: "SPAM Search Folder 2", search: true},
	} {
		if err := out.makeFolder(&f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// spamSearch is a search folder that every file has ([MS-PST] 2.7.1).
const spamSearch FolderID = 0x2223

// Close writes what is left: tables, folders, the B-trees, the header. It does
// not close what the file was written to.
func (w *Writer) Close() error {
	if w.closed {
		return failure.New(failure.Usage, "write PST", "", "pstwrite.closed", nil)
	}
	w.closed = true
	for _, step := range []func() error{
		w.finishFolders, w.finishStore, w.finishTemplates, w.finishTrees, w.space.leave, w.finishHeader,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// finishStore writes the message store and what is beside it ([MS-PST] 2.4.3).
func (w *Writer) finishStore() error {
	key := []byte("Waybill test PST")
	entry := func(id FolderID) []byte { // [MS-PST] 2.4.3.2
		return binary.LittleEndian.AppendUint32(append(make([]byte, 4, 24), key...), uint32(id))
	}
	password := 0
	if w.options.Password != "" {
		password = int(checksum(w.encoder.narrow(w.options.Password)))
	}
	props, err := w.encoder.all([]Prop{
		Binary(recordKey, key), Text(mapi.DisplayName, cmp.Or(w.options.StoreName, "Personal Folders")),
		Int(folderMask, 0x89), Binary(subtreeEntry, entry(Root)), Binary(wasteEntry, entry(DeletedItems)),
		Binary(finderEntry, entry(SearchRoot)), Int(passwordSum, password),
	})
	if err != nil {
		return err
	}
	if err = w.object(0x21, 0, props); err != nil {
		return err
	}
	if err = w.object(0x61, 0, w.names.props()); err != nil {
		return err
	}
	// Queue of searches, list of active ones, and the domain of searches ([MS-PST] 2.4.8).
	active, err := w.blocks.write(binary.LittleEndian.AppendUint32(nil, uint32(spamSearch)), 0)
	w.nodes = append(w.nodes, node{id: 0x1E1}, node{id: 0x201, data: active}, node{id: 0x261})
	return err
}

// finishTrees writes the B-trees of nodes and blocks ([MS-PST] 2.2.2.7.7).
func (w *Writer) finishTrees() (err error) {
	slices.SortFunc(w.nodes, func(x, y node) int { return cmp.Compare(x.id, y.id) })
	le := binary.LittleEndian
	width := 4 * w.g.id
	w.nodeRoot, err = w.pages.tree(pageNodes, width, func(yield func(uint64, []byte) bool) {
		for _, n := range w.nodes {
			e := w.g.putID(make([]byte, 0, width), uint64(n.id))
			e = w.g.putID(w.g.putID(e, uint64(n.data)), uint64(n.sub))
			e = le.AppendUint32(e, n.parent)
			if w.g.four && n.data != 0 {
				e = le.AppendUint32(e, 2) // what Outlook writes
			} else if w.g.wide {
				e = le.AppendUint32(e, 0)
			}
			if !yield(uint64(n.id), e) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	width = 3 * w.g.id
	w.dataRoot, err = w.pages.tree(pageBlocks, width, func(yield func(uint64, []byte) bool) {
		for n := uint32(1); n <= w.blocks.count; n++ {
			id, p := w.blocks.id(n), w.blocks.entry(n)
			e := w.g.putID(make([]byte, 0, width), uint64(id))
			e = le.AppendUint16(w.g.putID(e, uint64(p.at)*64), p.size)
			if w.g.four {
				e = le.AppendUint16(e, p.inflated)
			}
			e = le.AppendUint16(e, references)
			if !yield(uint64(id), append(e, make([]byte, width-len(e))...)) {
				return
			}
		}
	})
	return err
}
