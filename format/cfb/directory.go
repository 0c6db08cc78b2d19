package cfb

import (
	"encoding/binary"
	"unicode/utf16"

	"waybill/failure"
)

// entry is one of the directory ([MS-CFB] 2.6.1).
type entry struct {
	node               *Node
	kind               byte
	left, right, child uint32
}

// readDirectory reads all entries and hangs them together.
func (f *File) readDirectory(first uint32) error {
	sectors, err := f.chain(first)
	switch {
	case err != nil && len(sectors) == 0 && failure.ClassOf(err) != failure.Malformed:
		return err
	case err != nil:
		f.defect(err)
	}
	if len(sectors) == 0 {
		return malformed(f.name, 0x30, "cfb.directory", "there is no directory")
	}
	var entries []entry
	budget := f.size
	block := make([]byte, 1<<f.shift)
	for _, s := range sectors {
		if err := f.readSector(s, block); err != nil {
			if len(entries) == 0 {
				return err
			}
			f.defect(err)
			break
		}
		if len(entries) >= maxEntries {
			return failure.New(failure.TooLarge, "read compound file", where(f.name, f.offset(s)), "cfb.entries", nil)
		}
		for at := 0; at < len(block); at += entrySize {
			entries = append(entries, f.entry(block[at:at+entrySize], len(entries) == 0, &budget))
		}
	}
	if entries[0].node == nil {
		return malformed(f.name, f.offset(first), "cfb.directory", "the first entry is not the root")
	}
	f.Root = entries[0].node
	f.Root.Data = nil
	f.hang(entries)
	return nil
}

// entry decodes one entry; its node is nil where it is not in use.
func (f *File) entry(b []byte, root bool, budget *int64) entry {
	le := binary.LittleEndian
	e := entry{kind: b[0x42], left: le.Uint32(b[0x44:]), right: le.Uint32(b[0x48:]), child: le.Uint32(b[0x4C:])}
	if e.kind != kindStorage && e.kind != kindStream && e.kind != kindRoot || root != (e.kind == kindRoot) {
		return entry{}
	}
	n := &Node{CLSID: [16]byte(b[0x50:0x60]), State: le.Uint32(b[0x60:]), Created: le.Uint64(b[0x64:]), Modified: le.Uint64(b[0x6C:])}
	units := make([]uint16, 0, maxNameUnits)
	for i := 0; i < min(int(le.Uint16(b[0x40:])), 64)-1; i += 2 {
		u := le.Uint16(b[i:])
		if u == 0 {
			break
		}
		units = append(units, u)
	}
	n.Name = string(utf16.Decode(units))
	start, size := le.Uint32(b[0x74:]), int64(le.Uint32(b[0x78:]))
	if f.version4 {
		size |= int64(le.Uint32(b[0x7C:])) << 32 // version 3 may leave garbage here
	}
	e.node = n
	switch e.kind {
	case kindRoot:
		f.miniSize = size
		if start < maxRegular {
			var err error
			if f.miniStream, err = f.chain(start); err != nil {
				f.defect(err)
			}
		}
	case kindStream:
		s := &stream{file: f, name: n.Name, start: start, size: size}
		// No two streams share a sector, so all together are no longer than the
		// file. Otherwise a small file could make any number of long streams.
		s.allowed = max(min(size, *budget), 0)
		*budget -= s.allowed
		n.Data = s
	}
	return e
}

// hang makes a tree of the entries. Each is used once, so that links in a circle
// end; what nothing leads to is a defect.
func (f *File) hang(entries []entry) {
	type step struct {
		id     uint32
		parent *Node
	}
	seen := make([]bool, len(entries))
	seen[0] = true
	storages := []*Node{f.Root}
	todo := []step{{entries[0].child, f.Root}}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.id == noEntry {
			continue
		}
		if int64(s.id) >= int64(len(entries)) || seen[s.id] || entries[s.id].node == nil {
			f.defect(malformed(f.name, 0x30, "cfb.directory", "storage %.64q leads to entry %d, which is none or used twice", s.parent.Name, s.id))
			continue
		}
		e := entries[s.id]
		seen[s.id] = true
		s.parent.Children = append(s.parent.Children, e.node)
		todo = append(todo, step{e.right, s.parent}, step{e.left, s.parent})
		if e.kind == kindStorage {
			storages = append(storages, e.node)
			todo = append(todo, step{e.child, e.node})
		}
	}
	for _, s := range storages {
		s.buildIndex()
	}
	for id, e := range entries {
		if e.node != nil && !seen[id] {
			f.defect(malformed(f.name, 0x30, "cfb.orphan", "nothing leads to entry %d, %.64q", id, e.node.Name))
		}
	}
}
