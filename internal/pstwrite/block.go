package pstwrite

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"io"

	"waybill/failure"
)

// blockID tells a block apart ([MS-PST] 2.2.2.2): bit 1 marks what is made of
// references and not of data, and the rest counts up.
type blockID uint64

const internal blockID = 2

// placed is where a block is. It is kept for every block of the file, so it is small.
type placed struct {
	at       uint32 // offset in units of 64 bytes
	size     uint16
	inflated uint16
	internal bool
}

// blocks writes blocks and remembers their places, in the order of their IDs.
type blocks struct {
	g      geometry
	space  *space
	cipher *cipher
	chunks [][]placed
	count  uint32
	zip    *zlib.Writer
	packed bytes.Buffer
	whole  []byte // the block that is being written
	part   []byte // the part of a value that was read last
}

const chunk = 1 << 16

// entry returns the place of a block.
func (b *blocks) entry(n uint32) placed { return b.chunks[(n-1)/chunk][(n-1)%chunk] }

// id makes the identifier of the block with number n.
func (b *blocks) id(n uint32) blockID {
	id := blockID(n) << 2
	if b.entry(n).internal {
		id |= internal
	}
	return id
}

// write writes one block. content is changed where the file is encoded.
func (b *blocks) write(content []byte, kind blockID) (blockID, error) {
	id := blockID(b.count+1)<<2 | kind
	full := len(content)
	if full == 0 || full > b.g.most() {
		return 0, failure.New(failure.Internal, "write PST", "", "pstwrite.block", nil)
	}
	if kind != internal {
		if b.g.four {
			content = b.squeeze(content)
		}
		b.cipher.encode(content, uint64(id))
	}
	room := b.g.footprint(len(content))
	at, err := b.space.allocate(room, b.g.slot)
	if err != nil {
		return 0, err
	}
	b.whole = append(b.whole[:0], content...)
	b.whole = append(b.whole, make([]byte, room-b.g.trailer-len(content))...)
	b.whole = b.trailer(b.whole, content, full, at, id)
	if err = b.space.put(at, b.whole); err != nil {
		return 0, err
	}
	if b.count%chunk == 0 {
		b.chunks = append(b.chunks, make([]placed, 0, chunk))
	}
	last := &b.chunks[len(b.chunks)-1]
	*last = append(*last, placed{at: uint32(at / 64), size: uint16(len(content)), inflated: uint16(full), internal: kind == internal})
	b.count++
	return id, nil
}

// trailer appends a block's trailer ([MS-PST] 2.2.2.8.1).
func (b *blocks) trailer(whole, content []byte, full int, at int64, id blockID) []byte {
	le := binary.LittleEndian
	whole = le.AppendUint16(whole, uint16(len(content)))
	whole = le.AppendUint16(whole, signature(at, uint64(id)))
	if !b.g.wide {
		return le.AppendUint32(le.AppendUint32(whole, uint32(id)), checksum(content))
	}
	whole = le.AppendUint64(le.AppendUint32(whole, checksum(content)), uint64(id))
	if b.g.four {
		whole = le.AppendUint16(whole, references)
		whole = le.AppendUint16(whole, uint16(full))
		whole = le.AppendUint32(whole, 0)
	}
	return whole
}

// references is the count of a block that one other thing refers to: Outlook
// counts the B-tree's entry too.
const references = 2

// squeeze compresses content where that makes it smaller.
func (b *blocks) squeeze(content []byte) []byte {
	b.packed.Reset()
	if b.zip == nil {
		b.zip = zlib.NewWriter(&b.packed)
	} else {
		b.zip.Reset(&b.packed)
	}
	_, _ = b.zip.Write(content)
	_ = b.zip.Close()
	if b.packed.Len() >= len(content) {
		return content
	}
	return b.packed.Bytes()
}

// stream writes a value of any length as a data tree ([MS-PST] 2.2.2.8.3.2).
func (b *blocks) stream(r io.Reader) (id blockID, size int64, err error) {
	var ids []blockID
	if b.part == nil {
		b.part = make([]byte, b.g.most())
	}
	for {
		n, err := io.ReadFull(r, b.part)
		if n > 0 {
			one, err := b.write(b.part[:n], 0)
			if err != nil {
				return 0, 0, err
			}
			ids, size = append(ids, one), size+int64(n)
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return 0, 0, failure.New(failure.ClassOf(err), "write PST", "value", "pstwrite.read", err)
		}
	}
	id, err = b.join(ids, size)
	return id, size, err
}

// join makes one data tree of data blocks; all but the last must be full. Without
// blocks there is no tree, and the identifier is 0.
func (b *blocks) join(ids []blockID, size int64) (blockID, error) {
	if size > 1<<32-1 {
		return 0, failure.New(failure.TooLarge, "write PST", "value", "pstwrite.value", nil)
	}
	switch len(ids) {
	case 0:
		return 0, nil
	case 1:
		return ids[0], nil
	}
	most := (b.g.most() - 8) / b.g.id
	if len(ids) <= most {
		return b.arrayBlock(1, ids, size)
	}
	var upper []blockID
	left := size
	for len(ids) > 0 {
		n := min(most, len(ids))
		part := min(left, int64(n)*int64(b.g.most()))
		id, err := b.arrayBlock(1, ids[:n], part)
		if err != nil {
			return 0, err
		}
		upper, ids, left = append(upper, id), ids[n:], left-part
	}
	if len(upper) > most {
		return 0, failure.New(failure.TooLarge, "write PST", "value", "pstwrite.value", nil)
	}
	return b.arrayBlock(2, upper, size)
}

// arrayBlock writes an XBLOCK (level 1) or XXBLOCK ([MS-PST] 2.2.2.8.3.2).
func (b *blocks) arrayBlock(level byte, ids []blockID, size int64) (blockID, error) {
	p := make([]byte, 0, 8+len(ids)*b.g.id)
	p = append(p, 1, level)
	p = binary.LittleEndian.AppendUint16(p, uint16(len(ids)))
	p = binary.LittleEndian.AppendUint32(p, uint32(size))
	for _, id := range ids {
		p = b.g.putID(p, uint64(id))
	}
	return b.write(p, internal)
}
