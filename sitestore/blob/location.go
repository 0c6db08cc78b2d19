// Package blob keeps message bodies in append-only segment files, compressed
// one by one, and reads them back by place.
//
// Every body is one zstd frame, or stored as it is where that is no shorter.
// Short bodies, whose number is what costs, are compressed in one piece; long
// ones stream.
//
// The package knows nothing of what is current: which ranges of a segment are
// in use, and up to where it is committed, is in the index of whoever calls.
// Whatever lies behind the committed end is a leftover of a crash and is cut
// off when the segment is next acquired for writing.
package blob

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"waybill/failure"
)

// Digest is the SHA-256 of a body as it was handed over.
type Digest = [sha256.Size]byte

// Encoding says how a body is stored.
type Encoding uint8

// The encodings.
const (
	Raw  Encoding = 0 // as it is: compression would not have made it smaller
	Zstd Encoding = 1 // one zstd frame (RFC 8878)
)

// Location is the place of one body.
type Location struct {
	Segment int64 // number of the segment file
	Offset  int64 // in bytes, from the start of that file
	Stored  int64 // length in the file
	Size    int64 // length of the body
	Encoding
}

// String is a place as errors name it.
func (l Location) String() string {
	return fmt.Sprintf("%s at %d", segmentName(l.Segment), l.Offset)
}

const (
	// SegmentLimit is the length from which on a segment takes no further
	// bodies. One body may go beyond it.
	SegmentLimit = 2 << 30
	// SmallBody is the length up to which a body is compressed and read in one
	// piece; longer ones stream.
	SmallBody = 1 << 20
	// headerSize is the length of magic, which begins each segment.
	headerSize = int64(len(magic))
	magic      = "WAYBILL SEG 1\r\n\x00"
)

func segmentName(id int64) string { return fmt.Sprintf("%08d.seg", id) }

func (d *Dir) segmentPath(id int64) string { return filepath.Join(d.path, segmentName(id)) }

func damaged(where, rule string, err error) error {
	return failure.New(failure.Malformed, "read message body", where, rule, err).
		WithRemedy(`run "waybill site check" on the site, and restore the segment file from a backup`)
}
