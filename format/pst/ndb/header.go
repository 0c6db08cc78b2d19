package ndb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"waybill/failure"
)

// Format is one of the three layouts of the file.
type Format uint8

// The formats.
const (
	// ANSI is that of Outlook 97 to 2002: numbers of 32 bits, 2 GB at most.
	ANSI Format = iota
	// Unicode is that of Outlook 2003 and later.
	Unicode
	// Unicode4K is that of OST files since Outlook 2013: pages of 4 kB, blocks
	// of 64 kB that may be compressed. No specification describes it.
	Unicode4K
)

func (f Format) String() string {
	switch f {
	case ANSI:
		return "ANSI"
	case Unicode:
		return "Unicode"
	default:
		return "Unicode with 4K pages"
	}
}

// Header is the beginning of the file ([MS-PST] 2.2.2.6).
type Header struct {
	Format Format
	// Version is 14 or 15 for ANSI, 23 for Unicode, 36 for Unicode4K.
	Version       uint16
	ClientVersion uint16
	// Client is "SM" for a PST, "SO" for an OST, "AB" for an address book.
	Client     string
	Encryption Encryption
	// StatedSize is how long the file should be; 0 is not known.
	StatedSize int64
	// AllocationMap is the state of the map of used blocks: 0 is "not valid",
	// which the program that wrote the file should mend, and costs nothing here.
	AllocationMap uint8

	nodeRoot, blockRoot ref
}

// ref is where something is: its number and its offset ([MS-PST] 2.2.2.4).
type ref struct {
	id     BID
	offset int64
}

// layout holds the sizes of a format.
type layout struct {
	pageSize int
	meta     int // where a page of a tree tells its counts
	trailer  int // where a page's trailer begins
	ref      int // size of a ref
	id       int // size of a BID
	node     int // size of a leaf entry of the tree of nodes
	block    int // size of a leaf entry of the tree of blocks

	blockTrailer int
	blockAlign   int
	maxBlock     int // the largest data of one block
	sub          int // where the entries of a block of subnodes begin
}

var layouts = [...]layout{
	ANSI: {pageSize: 512, meta: 496, trailer: 500, ref: 8, id: 4, node: 16, block: 12,
		blockTrailer: 12, blockAlign: 64, maxBlock: 8192 - 12, sub: 4},
	Unicode: {pageSize: 512, meta: 488, trailer: 496, ref: 16, id: 8, node: 32, block: 24,
		blockTrailer: 16, blockAlign: 64, maxBlock: 8192 - 16, sub: 8},
	Unicode4K: {pageSize: 4096, meta: 4056, trailer: 4072, ref: 16, id: 8, node: 32, block: 24,
		blockTrailer: 24, blockAlign: 512, maxBlock: 65536 - 24, sub: 8},
}

// headerSize is what is read of the header; nothing of use stands behind.
const headerSize = 564

// readHeader reads and checks the header.
func (f *File) readHeader() error {
	var b [headerSize]byte
	n, err := f.r.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return f.readFailure(0, err)
	}
	if n < 4 || !bytes.Equal(b[:4], []byte("!BDN")) {
		return f.Broken("open PST", "pst.magic", 0, "the file does not begin with !BDN but with %q; this is no PST or OST", b[:min(n, 8)]).
			WithRemedy("look at the file with waybill inspect; a mailbox of another format has another prefix")
	}
	if n < headerSize {
		return f.Broken("open PST", "pst.truncated", int64(n), "the file ends inside of its header")
	}
	le := binary.LittleEndian
	f.Client = string(b[8:10])
	f.Version, f.ClientVersion = le.Uint16(b[10:]), le.Uint16(b[12:])
	switch {
	case f.Version == 14 || f.Version == 15:
		f.ansiHeader(b[:])
	case f.Version >= 20:
		f.unicodeHeader(b[:])
	default:
		return failure.New(failure.Unsupported, "open PST", f.name, "pst.version", fmt.Errorf("format version %d is not known", f.Version))
	}
	if f.Encryption == EDPCrypted {
		return failure.New(failure.Unsupported, "open PST", f.name, "pst.protected", errors.New("the file is encrypted by Windows Information Protection")).
			WithRemedy("let Outlook export it on a computer of the organisation that owns the key")
	}
	if f.Encryption > Cyclic {
		return failure.New(failure.Unsupported, "open PST", f.name, "pst.encryption", fmt.Errorf("encryption %d is not known", f.Encryption))
	}
	return nil
}

// headerSum compares a checksum of the header.
func (f *File) headerSum(what string, b []byte, want uint32) {
	if got := checksum(b); got != want {
		f.Defects.Add(f.Broken("open PST", "pst.crc", 0, "the %s checksum of the header is %08X, not %08X", what, got, want))
	}
}

func (f *File) ansiHeader(b []byte) {
	le := binary.LittleEndian
	f.Format, f.lay = ANSI, layouts[ANSI]
	f.headerSum("partial", b[8:8+471], le.Uint32(b[4:]))
	f.StatedSize = int64(le.Uint32(b[168:]))
	f.nodeRoot = ref{BID(le.Uint32(b[184:])), int64(le.Uint32(b[188:]))}
	f.blockRoot = ref{BID(le.Uint32(b[192:])), int64(le.Uint32(b[196:]))}
	f.AllocationMap = b[200]
	f.Encryption = Encryption(b[461])
}

func (f *File) unicodeHeader(b []byte) {
	le := binary.LittleEndian
	f.Format = Unicode
	f.headerSum("partial", b[8:8+471], le.Uint32(b[4:]))
	f.headerSum("full", b[8:8+516], le.Uint32(b[524:]))
	f.StatedSize = int64(le.Uint64(b[184:]))
	f.nodeRoot = ref{BID(le.Uint64(b[216:])), int64(le.Uint64(b[224:]))}
	f.blockRoot = ref{BID(le.Uint64(b[232:])), int64(le.Uint64(b[240:]))}
	f.AllocationMap = b[248]
	f.Encryption = Encryption(b[513])
	// Version 36 has pages of 4 kB. Later numbers say nothing about the size of
	// pages, so the trailers of the roots decide.
	if f.Version >= 36 {
		f.Format = Unicode4K
		if f.looksLike(Unicode) && !f.looksLike(Unicode4K) {
			f.Format = Unicode
		}
	}
	f.lay = layouts[f.Format]
}

// looksLike tells whether a root's page has a trailer where this format has it.
func (f *File) looksLike(format Format) bool {
	at := int64(layouts[format].trailer)
	for _, root := range []struct {
		ref
		kind byte
	}{{f.nodeRoot, nodePage}, {f.blockRoot, blockPage}} {
		var b [2]byte
		if root.offset < 0 || root.offset > f.size-at-2 {
			continue
		}
		if _, err := f.r.ReadAt(b[:], root.offset+at); err == nil && b[0] == root.kind && b[1] == root.kind {
			return true
		}
	}
	return false
}

// readFailure is the error of the file system.
func (f *File) readFailure(offset int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return f.Broken("read PST", "pst.truncated", offset, "the file ends before what should be here")
	}
	return failure.New(failure.ClassOf(err), "read PST", fmt.Sprintf("%s:%d", f.name, offset), "pst.read", err)
}
