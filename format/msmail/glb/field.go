package glb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"waybill/failure"
)

// text is the content of a field up to its NUL. A field without NUL is text to
// its end.
func text(field []byte) string {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		field = field[:i]
	}
	return string(field)
}

// setText writes s and fills the field with NUL. A field that holds s already
// keeps its bytes, whatever lies behind the NUL. One byte is left for the NUL.
func setText(field []byte, what, s string) error {
	if len(s) >= len(field) || strings.IndexByte(s, 0) >= 0 {
		return failure.New(failure.TooLarge, "write "+what, fmt.Sprintf("%.60q", s), "msmail.field",
			fmt.Errorf("%d bytes, at most %d fit, and NUL does not", len(s), len(field)-1))
	}
	if text(field) == s {
		return nil
	}
	clear(field[copy(field, s):])
	return nil
}

func u16(b []byte) uint16       { return binary.LittleEndian.Uint16(b) }
func u32(b []byte) uint32       { return binary.LittleEndian.Uint32(b) }
func putU16(b []byte, n uint16) { binary.LittleEndian.PutUint16(b, n) }
func putU32(b []byte, n uint32) { binary.LittleEndian.PutUint32(b, n) }
