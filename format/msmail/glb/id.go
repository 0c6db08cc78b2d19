// Package glb reads and writes the records of a Microsoft Mail postoffice's
// directory files: GLB, NME, XTN, NETPO, USR, GRP, MEM. Each record is an array of
// bytes with methods for the fields that are known, so that what is not known
// stays as it was, byte for byte.
//
// Text in records is in the postoffice's DOS code page and is neither decoded nor
// encoded here. Integers are little-endian (KB Q104423, Q122852, Q119563).
//
// Each fact is marked: documented (an article states it), derived (read off a
// published dump), or hypothesis. Fields whose place is a hypothesis are found by
// Locate functions, which test the postoffice's own records.
package glb

import (
	"fmt"
	"strconv"
)

// ID is the number that names a mailbag, a message, an attachment or a folder.
type ID uint32

// String is the number as it stands in names of files: 8 hexadecimal digits
// (KB Q87388, documented).
func (id ID) String() string { return fmt.Sprintf("%08X", uint32(id)) }

// ParseID reads 8 hexadecimal digits in either case (lower case occurs: KB
// Q124041).
func ParseID(s string) (ID, bool) {
	if len(s) != 8 {
		return 0, false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'F') && (c < 'a' || c > 'f') {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(s, 16, 32)
	return ID(n), err == nil
}
