package ndb

import "fmt"

// NID is the number of a node; its lowest five bits say what it is ([MS-PST] 2.2.2.1).
type NID uint32

// Kind is the type of a node, its NID's lowest five bits.
type Kind uint8

// The kinds of nodes that the messaging layer asks for ([MS-PST] 2.2.2.1).
const (
	KindHeap            Kind = 0x00
	KindInternal        Kind = 0x01
	KindFolder          Kind = 0x02
	KindSearchFolder    Kind = 0x03
	KindMessage         Kind = 0x04
	KindAttachment      Kind = 0x05
	KindAssociated      Kind = 0x08
	KindHierarchyTable  Kind = 0x0D
	KindContentsTable   Kind = 0x0E
	KindAssociatedTable Kind = 0x0F
	KindSearchContents  Kind = 0x10
	KindAttachmentTable Kind = 0x11
	KindRecipientTable  Kind = 0x12
)

// Nodes that have a number of their own ([MS-PST] 2.4.1, 2.4.8).
const (
	MessageStore    NID = 0x21
	NameToIDMap     NID = 0x61
	RootFolder      NID = 0x122
	AttachmentTable NID = 0x671
	RecipientTable  NID = 0x692
)

// Kind tells what the node is.
func (n NID) Kind() Kind { return Kind(n & 0x1F) }

// With is the node of another kind that belongs to the same object: a folder's
// contents table, for instance.
func (n NID) With(k Kind) NID { return n&^0x1F | NID(k) }

func (n NID) String() string { return fmt.Sprintf("node 0x%X", uint32(n)) }

// BID is the number of a block. Its lowest bit means nothing ([MS-PST] 2.2.2.2).
type BID uint64

// Internal tells that a block holds references and not data; it is not encrypted.
func (b BID) Internal() bool { return b&2 != 0 }

// plain is the number without the bit that means nothing.
func (b BID) plain() BID { return b &^ 1 }

func (b BID) String() string { return fmt.Sprintf("block 0x%X", uint64(b)) }

// Node is an object of the file: where its data and its subnodes are.
type Node struct {
	NID NID
	// Data is the block or tree of blocks with the node's data; 0 for none.
	Data BID
	// Sub is the block of the node's subnodes; 0 for none.
	Sub BID
	// Parent is the folder that a folder or message lies in; 0 for others.
	Parent NID
}
