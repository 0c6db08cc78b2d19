package pst

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ndb"
)

// NID is the number of a node: of a folder or an item.
type NID = ndb.NID

// Options change how a file is read.
type Options struct {
	// Recover searches the file for pages when its trees are broken, and lists
	// items whose folder is gone. The file is read once from end to end.
	Recover bool
	// CodePage is that of texts that are not in Unicode and whose item names
	// none; 0 is 1252.
	CodePage int
}

// File is an open PST or OST.
type File struct{}

// Info is what a file says of itself.
type Info struct{}

// Folder is one folder.
type Folder struct {
	NID, Parent NID
	// Name is the folder's own; Path leads to it from the root, which has none.
	Name string
	Path []string
	// ContainerClass says what it holds: "IPF.Note", "IPF.Contact"; often empty.
	ContainerClass string
	// Items, Unread and Associated are the counts that the file states.
	Items, Unread, Associated int
	// Search is a search folder: its items live in other folders.
	Search bool
	// Hidden is a folder that Outlook does not show, or that lies in one.
	Hidden bool
	// NonIPM lies outside of the tree that people see.
	NonIPM bool
	// Orphaned is a folder whose parent is gone.
	Orphaned bool
	// Unlisted is a folder that its parent's table does not name.
	Unlisted bool
	// Err tells why the folder's own properties could not be read.
	Err error
}

// Item is one item of a folder, as the folder's table describes it.
type Item struct {
	NID, Folder NID
	// Class is the message class: "IPM.Note", "IPM.Contact".
	Class   string
	Subject string
	// Associated is hidden data of the folder: views, rules, forms.
	Associated bool
	// Size is what the file states, in bytes.
	Size                           int64
	Submitted, Delivered, Modified time.Time
	// Flags are those of PidTagMessageFlags.
	Flags uint32
	// Unlisted is an item that lies in the folder but not in its table.
	Unlisted bool
	// Orphaned is an item whose folder is gone.
	Orphaned bool
}

var errNotYet = failure.New(failure.Unsupported, "read", "", "pst.format", errors.New("not read yet"))

// Open reads headers and the roots of the trees. name is for errors.
func Open(ctx context.Context, r io.ReaderAt, size int64, name string, o Options) (*File, error) {
	return nil, errNotYet
}

// Info tells about the file.
func (f *File) Info() Info { return Info{} }

// Folders lists the folders, parents before children, in a stable order.
func (f *File) Folders(ctx context.Context) ([]Folder, error) { return nil, errNotYet }

// Items lists the items of a folder. An error concerns one item, or the rest of
// the table; the listing goes on.
func (f *File) Items(ctx context.Context, folder NID) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {}
}

// Message opens an item.
func (f *File) Message(ctx context.Context, nid NID) (mapi.Message, error) { return nil, errNotYet }

// Names is the table of named properties.
func (f *File) Names() map[mapi.Name]mapi.ID { return nil }
