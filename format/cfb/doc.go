// Package cfb reads and writes compound files ([MS-CFB], also called OLE2 or
// structured storage): a small file system of storages and streams in one file.
//
// Reading needs little memory whatever the file's size: the directory, and a few
// sectors of the allocation table. Contents stream. Damage is met where it is: a
// broken stream fails when it is read, a broken directory is told by Defects, and
// everything else stays readable.
package cfb

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf16"

	"waybill/failure"
)

// Data is the contents of a stream.
type Data interface {
	// Size is the length in bytes as the file states it; -1 where it states more
	// than can be.
	Size() int64
	// Open reads from the start, as often as it is called. What is cut off or
	// broken ends with an error (cfb.truncated, cfb.chain, cfb.overlap).
	Open() (io.ReadCloser, error)
}

// Node is a storage or a stream.
type Node struct {
	Name string
	// Data are the contents of a stream; nil for a storage.
	Data Data
	// Children are what a storage holds.
	Children []*Node
	// CLSID, State, Created and Modified are kept as the file has them ([MS-CFB]
	// 2.6.1); the times are FILETIMEs.
	CLSID             [16]byte
	State             uint32
	Created, Modified uint64

	index map[string]*Node
}

// Child finds what a storage holds by its name, upper and lower case alike; nil
// where there is nothing of that name.
func (n *Node) Child(name string) *Node {
	if n.index != nil {
		return n.index[foldName(name)]
	}
	for _, c := range n.Children {
		if foldName(c.Name) == foldName(name) {
			return c
		}
	}
	return nil
}

// buildIndex makes Child fast. Of two children of one name the first counts.
func (n *Node) buildIndex() {
	n.index = make(map[string]*Node, len(n.Children))
	for _, c := range n.Children {
		if _, there := n.index[foldName(c.Name)]; !there {
			n.index[foldName(c.Name)] = c
		}
	}
}

// foldName makes names equal that the format takes for equal ([MS-CFB] 2.6.4).
func foldName(name string) string { return strings.ToUpper(name) }

// compareNames is the order of siblings: shorter names first, then by upper-case
// UTF-16 units ([MS-CFB] 2.6.4).
func compareNames(a, b string) int {
	x, y := utf16.Encode([]rune(foldName(a))), utf16.Encode([]rune(foldName(b)))
	if len(x) != len(y) {
		return len(x) - len(y)
	}
	for i := range x {
		if x[i] != y[i] {
			return int(x[i]) - int(y[i])
		}
	}
	return 0
}

// Sizes and marks of [MS-CFB] 2.1 and 2.2.
const (
	headerSize    = 512
	entrySize     = 128
	headerDIFAT   = 109
	miniShift     = 6
	miniCutoff    = 4096
	maxRegular    = 0xFFFFFFFA
	difatSector   = 0xFFFFFFFC
	fatSector     = 0xFFFFFFFD
	endOfChain    = 0xFFFFFFFE
	freeSector    = 0xFFFFFFFF
	noEntry       = 0xFFFFFFFF
	kindStorage   = 1
	kindStream    = 2
	kindRoot      = 5
	maxNameUnits  = 31
	directoryName = "Root Entry"
)

var signature = [8]byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}

func malformed(name string, offset int64, rule, format string, args ...any) *failure.Error {
	return failure.New(failure.Malformed, "read compound file", where(name, offset), rule, fmt.Errorf(format, args...))
}

func where(name string, offset int64) string { return fmt.Sprintf("%s offset %d", name, offset) }
