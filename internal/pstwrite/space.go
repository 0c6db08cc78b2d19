package pstwrite

import (
	"encoding/binary"
	"io"

	"waybill/failure"
)

// Kinds of pages ([MS-PST] 2.2.2.7.1).
const (
	pageBlocks   = 0x80 // B-tree of blocks
	pageNodes    = 0x81 // B-tree of nodes
	pageFreeMap  = 0x82
	pagePageMap  = 0x83
	pageAllocMap = 0x84
	pageFreePage = 0x85
	pageDensity  = 0x86
)

// space hands out room in the file from its start to its end, and keeps the
// allocation maps ([MS-PST] 2.2.2.7.2 to 2.2.2.7.6).
type space struct {
	g      geometry
	out    io.WriterAt
	region int64 // number of the current region
	next   int64 // first free byte
	bits   []byte
	free   int64  // bytes free in the whole file
	buffer []byte // written to the file at once
	start  int64  // where it belongs
}

func newSpace(g geometry, out io.WriterAt) (*space, error) {
	s := &space{g: g, out: out, buffer: make([]byte, 0, 1<<20)}
	return s, s.enter(0)
}

// enter begins a region with its maps.
func (s *space) enter(n int64) error {
	s.region, s.next = n, s.g.firstMap+n*s.g.region()
	s.bits = make([]byte, s.g.mapBytes)
	s.take(s.g.page) // the allocation map, written when the region is full
	if s.g.four {
		return nil
	}
	ones := make([]byte, s.g.mapStart+s.g.mapBytes)
	for i := s.g.mapStart; i < len(ones); i++ {
		ones[i] = 0xFF
	}
	// Page maps stand for 8 regions; the header holds the first 128 bytes of the
	// other two. All are deprecated, and "full" is what Outlook writes.
	due := []struct {
		kind byte
		is   bool
	}{
		{pagePageMap, n%8 == 0},
		{pageFreeMap, n >= 128 && (n-128)%496 == 0},
		{pageFreePage, n >= 8192 && (n-8192)%(496*64) == 0},
	}
	for _, d := range due {
		if !d.is {
			continue
		}
		at := s.take(s.g.page)
		if err := s.put(at, s.seal(append([]byte(nil), ones...), d.kind, at, uint64(at))); err != nil {
			return err
		}
	}
	return nil
}

// take marks size bytes as used.
func (s *space) take(size int) (at int64) {
	at = s.next
	first := (at - s.g.firstMap - s.region*s.g.region()) / int64(s.g.slot)
	for i := first; i < first+int64(size/s.g.slot); i++ {
		s.bits[i/8] |= 0x80 >> (i % 8)
	}
	s.next += int64(size)
	return at
}

// allocate finds room for size bytes at a multiple of align, which lies within
// one region.
func (s *space) allocate(size, align int) (int64, error) {
	end := s.g.firstMap + (s.region+1)*s.g.region()
	at := (s.next + int64(align) - 1) / int64(align) * int64(align)
	if at+int64(size) > end {
		if end+s.g.region() > s.g.maxEnd {
			return 0, failure.New(failure.TooLarge, "write PST", "", "pstwrite.size", nil).
				WithRemedy("this format holds no more; choose Unicode")
		}
		if err := s.leave(); err != nil {
			return 0, err
		}
		if err := s.enter(s.region + 1); err != nil {
			return 0, err
		}
		return s.allocate(size, align)
	}
	s.free += at - s.next
	s.next = at
	return s.take(size), nil
}

// leave writes the allocation map of the current region.
func (s *space) leave() error {
	start := s.g.firstMap + s.region*s.g.region()
	s.free += start + s.g.region() - s.next
	p := make([]byte, s.g.mapStart, s.g.page)
	p = s.seal(append(p, s.bits...), pageAllocMap, start, uint64(start))
	if err := s.flush(); err != nil {
		return err
	}
	return s.write(start, p)
}

// seal appends a page's trailer ([MS-PST] 2.2.2.7.1). Maps have no signature.
func (s *space) seal(p []byte, kind byte, at int64, id uint64) []byte {
	sum, sig := checksum(p), uint16(0)
	if kind < pageFreeMap || kind == pageDensity {
		sig = signature(at, id)
	}
	p = append(p, kind, kind)
	p = binary.LittleEndian.AppendUint16(p, sig)
	if s.g.wide {
		p = binary.LittleEndian.AppendUint32(p, sum)
		p = binary.LittleEndian.AppendUint64(p, id)
	} else {
		p = binary.LittleEndian.AppendUint32(p, uint32(id))
		p = binary.LittleEndian.AppendUint32(p, sum)
	}
	if s.g.four {
		p = binary.LittleEndian.AppendUint64(p, 1)
	}
	return p
}

// put writes what belongs at an offset; offsets only grow.
func (s *space) put(at int64, b []byte) error {
	gap := at - s.start - int64(len(s.buffer))
	if len(s.buffer) == 0 || gap < 0 || gap+int64(len(s.buffer)+len(b)) > int64(cap(s.buffer)) {
		if err := s.flush(); err != nil {
			return err
		}
		s.start, gap = at, 0
	}
	for ; gap > 0; gap-- {
		s.buffer = append(s.buffer, 0)
	}
	s.buffer = append(s.buffer, b...)
	return nil
}

// flush writes what was collected.
func (s *space) flush() error {
	if len(s.buffer) == 0 {
		return nil
	}
	err := s.write(s.start, s.buffer)
	s.buffer = s.buffer[:0]
	return err
}

func (s *space) write(at int64, b []byte) error {
	if _, err := s.out.WriteAt(b, at); err != nil {
		return failure.New(failure.ClassOf(err), "write PST", "", "pstwrite.write", err)
	}
	return nil
}
