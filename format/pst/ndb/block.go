package ndb

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"io"
)

// Block is where a block is and how long ([MS-PST] 2.2.2.7.7.3).
type Block struct {
	ID     BID
	Offset int64
	// Stored is the length in the file; Length that of the data, which is longer
	// for a compressed block.
	Stored, Length int
	// References is how often the file says the block is used.
	References int
}

// blockAt decodes entry i of a leaf page.
func (f *File) blockAt(p *page, i int) Block {
	b, le := p.data[i*p.entry:], binary.LittleEndian
	var k Block
	if f.Format == ANSI {
		k = Block{ID: BID(le.Uint32(b)), Offset: int64(le.Uint32(b[4:])), Stored: int(le.Uint16(b[8:])), References: int(le.Uint16(b[10:]))}
	} else {
		k = Block{ID: BID(le.Uint64(b)), Offset: int64(le.Uint64(b[8:])), Stored: int(le.Uint16(b[16:])), References: int(le.Uint16(b[18:]))}
	}
	k.Length = k.Stored
	if f.Format == Unicode4K {
		k.Length, k.References = k.References, int(le.Uint16(b[20:]))
		if k.Length == 0 {
			k.Length = k.Stored
		}
	}
	return k
}

// Block finds a block.
func (f *File) Block(id BID) (Block, error) {
	p, i, found, err := f.lookup(blockPage, uint64(id.plain()))
	if err != nil {
		return Block{}, err
	}
	if !found {
		return Block{}, f.Broken("find block", "pst.block-missing", -1, "%v is not in the tree of blocks", id)
	}
	return f.blockAt(p, i), nil
}

// Blocks walks over all blocks, until visit returns false; see Nodes.
func (f *File) Blocks(ctx context.Context, visit func(Block) bool, broken func(error)) error {
	return f.leavesOrSalvage(ctx, blockPage, func(p *page) bool {
		for i := range p.count {
			if !visit(f.blockAt(p, i)) {
				return false
			}
		}
		return true
	}, broken)
}

// MaxBlock is the largest data of a block in any format.
const MaxBlock = 65536

// Read reads a block's data, decrypted and decompressed, into into or, where that
// is too small, into memory of its own. A wrong checksum alone is noted in d and
// the data given.
func (f *File) Read(k Block, into []byte, d *Defects) ([]byte, error) {
	b, err := f.stored(k, into, d)
	if err != nil {
		return nil, err
	}
	if k.ID.Internal() {
		return f.inflate(k, b)
	}
	if f.Format == Unicode4K && k.Length != k.Stored {
		if b, err = f.inflate(k, b); err != nil {
			return nil, err
		}
	}
	f.Encryption.decrypt(b, k.ID)
	return b, nil
}

// stored reads a block as it is in the file, compared with its trailer.
func (f *File) stored(k Block, into []byte, d *Defects) ([]byte, error) {
	if k.Stored <= 0 || k.Stored > f.lay.maxBlock || k.Length > MaxBlock {
		return nil, f.Broken("read block", "pst.block", k.Offset, "%v has an impossible length of %d", k.ID, k.Stored)
	}
	total := (k.Stored + f.lay.blockTrailer + f.lay.blockAlign - 1) / f.lay.blockAlign * f.lay.blockAlign
	if k.Offset <= 0 || k.Offset > f.size-int64(total) {
		return nil, f.Broken("read block", "pst.truncated", k.Offset, "%v with %d bytes lies outside of the file of %d bytes", k.ID, total, f.size)
	}
	if cap(into) < total {
		into = make([]byte, total)
	}
	b := into[:total]
	if _, err := f.r.ReadAt(b, k.Offset); err != nil {
		return nil, f.readFailure(k.Offset, err)
	}
	if err := f.checkBlock(k, b, d); err != nil {
		return nil, err
	}
	return b[:k.Stored], nil
}

// checkBlock compares a block with its trailer ([MS-PST] 2.2.2.8.1). Data with a
// wrong checksum is given with a defect if the trailer still names this block;
// another block's data is an error.
func (f *File) checkBlock(k Block, b []byte, d *Defects) error {
	le := binary.LittleEndian
	t := b[len(b)-f.lay.blockTrailer:]
	length, sig := int(le.Uint16(t)), le.Uint16(t[2:])
	var sum uint32
	var id BID
	if f.Format == ANSI {
		id, sum = BID(le.Uint32(t[4:])), le.Uint32(t[8:])
	} else {
		sum, id = le.Uint32(t[4:]), BID(le.Uint64(t[8:]))
	}
	named := id.plain() == k.ID.plain() && length == k.Stored
	sound := checksum(b[:k.Stored]) == sum
	switch {
	case named && sound:
		if sig != signature(k.Offset, k.ID) && sig != 0 {
			d.Add(f.Broken("read block", "pst.signature", k.Offset, "the signature of %v is wrong", k.ID))
		}
		return nil
	case named:
		d.Add(f.Broken("read block", "pst.crc", k.Offset, "the checksum of %v is wrong", k.ID))
		return nil
	case sound && length == k.Stored && id == 0:
		d.Add(f.Broken("read block", "pst.block-id", k.Offset, "%v does not tell its number", k.ID))
		return nil
	default:
		return f.Broken("read block", "pst.block", k.Offset, "here is %v with %d bytes, and not %v with %d", id, length, k.ID, k.Stored)
	}
}

// inflate decompresses a block of a file with 4K pages, whose length says that it
// is longer than it is stored; other blocks are what they are.
func (f *File) inflate(k Block, b []byte) ([]byte, error) {
	if f.Format != Unicode4K || k.Length == k.Stored {
		return b, nil
	}
	z, err := f.inflater(b)
	if err != nil {
		return nil, f.Broken("decompress block", "pst.compression", k.Offset, "%v: %v", k.ID, err)
	}
	defer f.inflaters.Put(z)
	out := make([]byte, k.Length)
	if _, err := io.ReadFull(z, out); err != nil {
		return nil, f.Broken("decompress block", "pst.compression", k.Offset, "%v: %v", k.ID, err)
	}
	return out, nil
}

// inflater lends a decompressor, whose tables are large.
func (f *File) inflater(b []byte) (io.ReadCloser, error) {
	z, is := f.inflaters.Get().(io.ReadCloser)
	if !is {
		return zlib.NewReader(bytes.NewReader(b))
	}
	if err := z.(zlib.Resetter).Reset(bytes.NewReader(b), nil); err != nil {
		return nil, err
	}
	return z, nil
}
