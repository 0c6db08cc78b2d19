package pstwrite

import (
	"encoding/binary"
	"iter"
)

// pages writes the B-trees of pages ([MS-PST] 2.2.2.7.7).
type pages struct {
	g     geometry
	space *space
	last  uint64 // the last page's identifier
	made  []Region
}

// reference is a page or block and its place (BREF).
type reference struct {
	id uint64
	at int64
}

// child is what a branch says of a page below it.
type child struct {
	key uint64
	ref reference
}

// tree writes a B-tree of sorted entries: each is the key and the whole entry.
// One level after the other is filled from the left.
func (p *pages) tree(kind byte, size int, entries iter.Seq2[uint64, []byte]) (reference, error) {
	level, err := p.level(kind, 0, size, entries)
	for n := byte(1); err == nil && len(level) > 1; n++ {
		below := level
		width := 3 * p.g.id
		level, err = p.level(kind, n, width, func(yield func(uint64, []byte) bool) {
			for _, c := range below {
				e := p.g.putID(make([]byte, 0, width), c.key)
				e = p.g.putID(p.g.putID(e, c.ref.id), uint64(c.ref.at))
				if !yield(c.key, e) {
					return
				}
			}
		})
	}
	if err != nil {
		return reference{}, err
	}
	return level[0].ref, nil
}

// level writes the pages of one level.
func (p *pages) level(kind, level byte, size int, entries iter.Seq2[uint64, []byte]) ([]child, error) {
	var all []child
	most := p.g.entries / size
	body, count, first := make([]byte, 0, p.g.page), 0, uint64(0)
	flush := func() error {
		ref, err := p.page(kind, level, size, count, body)
		all = append(all, child{first, ref})
		body, count = body[:0], 0
		return err
	}
	for key, e := range entries {
		if count == 0 {
			first = key
		}
		body, count = append(body, e...), count+1
		if count == most {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if count > 0 || len(all) == 0 {
		if err := flush(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// page writes one page.
func (p *pages) page(kind, level byte, size, count int, entries []byte) (reference, error) {
	at, err := p.space.allocate(p.g.page, p.g.page)
	if err != nil {
		return reference{}, err
	}
	p.last++
	body := make([]byte, p.g.entries, p.g.page)
	copy(body, entries)
	most := p.g.entries / size
	if p.g.four {
		body = binary.LittleEndian.AppendUint16(body, uint16(count))
		body = binary.LittleEndian.AppendUint16(body, uint16(most))
		body = append(body, byte(size), level)
		body = append(body, make([]byte, 10)...)
	} else {
		body = append(body, byte(count), byte(most), byte(size), level)
		if p.g.wide {
			body = append(body, 0, 0, 0, 0)
		}
	}
	p.made = append(p.made, Region{Kind: kindOf(kind), Level: int(level), Offset: at, Size: p.g.page, Room: p.g.page, ID: p.last})
	return reference{p.last, at}, p.space.put(at, p.space.seal(body, kind, at, p.last))
}
