// Package dbxwrite writes folder files of Outlook Express for tests: whole ones,
// and ones with what deleting and damage leave behind. It is written from the
// descriptions that format/dbx cites, and shares no code with the reader.
package dbxwrite

import (
	"encoding/binary"
	"time"
)

// Message is one entry of a folder.
type Message struct {
	Index, Flags uint32
	Received     time.Time
	Text         string
	// NoText leaves out the text, as for a message that was never fetched;
	// Stranded leaves the entry out of the tree; Deleted gives up its text, too.
	NoText, Stranded, Deleted bool
}

// Folder is one entry of a list of folders.
type Folder struct {
	ID, Parent    uint32
	Name, File    string // in the code page of the file
	Account       string
	Count, Role   uint32
	WithoutParent bool // the root of all
}

const (
	header  = 0x24bc
	node    = 0x27c
	entries = 51
	piece   = 512
)

type file struct{ b []byte }

func (f *file) put(at int, v uint32) { binary.LittleEndian.PutUint32(f.b[at:], v) }

// add adds an object of n bytes that begins with its own offset.
func (f *file) add(n int) int {
	at := len(f.b)
	f.b = append(f.b, make([]byte, (n+3)&^3)...)
	f.put(at, uint32(at))
	return at
}

func start(kind uint32) *file {
	f := &file{b: make([]byte, header)}
	f.put(0, 0xfe12adcf)
	f.put(4, kind)
	copy(f.b[8:], "\x66\xe3\xd1\x11\x9a\x4e\x00\xc0\x4f\xa3\x09\xd4\x05\x00\x00\x00\x05\x00\x00\x00")
	return f
}

func (f *file) finish(values []int) []byte {
	f.put(0xc4, uint32(len(values)))
	if len(values) > 0 {
		f.put(0xe4, uint32(f.tree(values, 0)))
	}
	f.put(0x7c, uint32(len(f.b)))
	return f.b
}

// tree writes the nodes of a tree and returns its root.
func (f *file) tree(values []int, parent int) int {
	at := f.add(node)
	f.put(at+12, uint32(parent))
	if len(values) <= entries {
		f.b[at+0x11] = byte(len(values))
		for i, v := range values {
			f.put(at+0x18+12*i, uint32(v))
		}
		return at
	}
	// Each entry of the node stands between two children.
	n := min(entries, len(values)/2)
	f.b[at+0x11] = byte(n)
	rest := len(values) - n
	for i := range n + 1 {
		share := rest / (n + 1)
		if i < rest%(n+1) {
			share++
		}
		child := 0
		if share > 0 {
			child = f.tree(values[:share], at)
		}
		place := at + 8
		if i > 0 {
			place = at + 0x18 + 12*(i-1) + 4
		}
		f.put(place, uint32(child))
		f.put(map[bool]int{true: at + 0x14, false: place + 4}[i == 0], uint32(share))
		if values = values[share:]; i < n {
			f.put(at+0x18+12*i, uint32(values[0]))
			values = values[1:]
		}
	}
	return at
}

// value is one value of an indexed object.
type value struct {
	id     byte
	direct bool
	number uint32
	data   []byte
}

func (f *file) info(values []value) int {
	size := 12 + 4*len(values)
	for _, v := range values {
		size += len(v.data)
	}
	at := f.add(size)
	f.put(at+4, uint32(size-12))
	f.b[at+10] = byte(len(values))
	data := at + 12 + 4*len(values)
	off := 0
	for i, v := range values {
		e := uint32(v.id) | v.number<<8
		if v.direct {
			e |= 0x80
		} else {
			e = uint32(v.id) | uint32(off)<<8
			copy(f.b[data+off:], v.data)
			off += len(v.data)
		}
		f.put(at+12+4*i, e)
	}
	return at
}

func long(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }

func filetime(t time.Time) []byte {
	const to1601 = 11644473600
	return binary.LittleEndian.AppendUint64(nil, uint64(t.Unix()+to1601)*10_000_000)
}

// Messages writes the file of one folder. Texts are written in turns, so that
// the pieces of each lie apart.
func Messages(list []Message) []byte {
	f := start(0x6f74fdc5)
	first, last := make([]int, len(list)), make([]int, len(list))
	for n, more := 0, true; more; n += piece {
		more = false
		for i, m := range list {
			if m.NoText || n >= len(m.Text) && n > 0 {
				continue
			}
			at := f.add(16 + piece)
			f.put(at+4, piece)
			part := m.Text[min(n, len(m.Text)):min(n+piece, len(m.Text))]
			f.put(at+8, uint32(len(part)))
			copy(f.b[at+16:], part)
			if n == 0 {
				first[i] = at
			} else {
				f.put(last[i]+12, uint32(at))
			}
			last[i], more = at, true
		}
	}
	var values []int
	for i, m := range list {
		v := []value{{id: 0, direct: true, number: m.Index}, {id: 1, data: long(m.Flags)}, {id: 2, data: filetime(m.Received.Add(-time.Hour))}}
		if !m.NoText {
			v = append(v, value{id: 4, data: long(uint32(first[i]))})
		}
		v = append(v, value{id: 6, data: filetime(m.Received.Add(time.Hour))}, value{id: 8, data: []byte("subject\x00")},
			value{id: 0x11, direct: true, number: uint32(len(m.Text))}, value{id: 0x12, data: filetime(m.Received)})
		if m.Deleted {
			f.giveUp(first[i])
			continue
		}
		at := f.info(v)
		if !m.Stranded {
			values = append(values, at)
		}
	}
	return f.finish(values)
}

// giveUp makes the pieces of a text deleted objects.
func (f *file) giveUp(at int) {
	for at != 0 {
		next := int(binary.LittleEndian.Uint32(f.b[at+12:]))
		f.put(at+4, 0x1fc)
		f.put(at+8, 0x210)
		f.put(at+16, 0x01020304) // the next deleted object
		at = next
	}
}

// Folders writes a list of folders (Folders.dbx).
func Folders(list []Folder) []byte {
	f := start(0x6f74fdc6)
	var values []int
	for _, d := range list {
		parent := d.Parent
		if d.WithoutParent {
			parent = ^uint32(0)
		}
		v := []value{{id: 0, direct: true, number: d.ID}, {id: 1, data: long(parent)}, {id: 2, data: []byte(d.Name + "\x00")}}
		if d.File != "" {
			v = append(v, value{id: 3, data: []byte(d.File + "\x00")})
		}
		if d.Account != "" {
			v = append(v, value{id: 5, data: []byte(d.Account + "\x00")})
		}
		v = append(v, value{id: 7, direct: true, number: d.Count})
		if d.Role != 0 {
			v = append(v, value{id: 9, direct: true, number: d.Role})
		}
		values = append(values, f.info(v))
	}
	return f.finish(values)
}

// Version4 writes a .mbx file of Outlook Express 4.
func Version4(texts []string) []byte {
	f := &file{b: make([]byte, 0x54)}
	copy(f.b, "JMF6\x03\x00\x01\x00")
	f.put(8, uint32(len(texts)))
	f.put(12, uint32(len(texts)))
	for i, text := range texts {
		at := len(f.b)
		total := (16 + len(text) + 3) &^ 3
		f.b = append(f.b, make([]byte, total)...)
		f.put(at, 0x7f007f00)
		f.put(at+4, uint32(i+1))
		f.put(at+8, uint32(total))
		f.put(at+12, uint32(len(text)))
		copy(f.b[at+16:], text)
	}
	f.put(16, uint32(len(f.b)))
	return f.b
}
