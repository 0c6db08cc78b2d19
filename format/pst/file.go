package pst

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ltp"
	"waybill/format/pst/ndb"
)

// NID is the number of a node: of a folder or an item.
type NID = ndb.NID

// Defects is damage that did not keep anything from being read.
type Defects = ndb.Defects

// Options change how a file is read.
type Options struct {
	// Recover searches the file for pages when its trees are broken, and lists
	// items whose folder is gone. A broken file is read once from end to end.
	Recover bool
	// CodePage is that of texts that are not in Unicode and whose item names
	// none; 0 is found out from the items, and 1252 where they do not tell.
	CodePage int
}

// File is an open PST or OST. Its methods may be called by several goroutines.
type File struct {
	db    *ndb.File
	o     Options
	store *mapi.Props
	names map[mapi.Name]mapi.ID
	// into is the inbox, top the folder above all that people see; 0 where the
	// file does not tell.
	into, top NID

	mu      sync.Mutex
	census  *census
	folders []Folder
	paths   map[NID]string
}

// Info is what a file says of itself.
type Info struct {
	// Format is ANSI, Unicode or Unicode4K; Version is its number in the file.
	Format        ndb.Format
	Version       uint16
	ClientVersion uint16
	// Client is "SM" for a PST, "SO" for an OST, "AB" for an address book.
	Client     string
	Encryption ndb.Encryption
	// Size is the file's length; StatedSize what it should be, 0 if not stated.
	Size, StatedSize int64
	// Password says that Outlook asks for a password. It protects nothing: only
	// its checksum is stored, and no data depends on it ([MS-PST] 4.2).
	Password bool
	// AllocationMapValid says that the program that wrote the file ended well.
	AllocationMapValid bool
	// Name is the display name of the store.
	Name string
	// Subtree is the folder above all that people see; 0 where the file names
	// none.
	Subtree NID
	// CodePage is that of texts which are not in Unicode and name none.
	CodePage int
	// Defects are those of header and trees that were met so far.
	Defects []*failure.Error
}

// Properties of the message store and of folders ([MS-OXPROPS] 2).
const (
	subtreeEntry     mapi.ID = 0x35E0 // PidTagIpmSubTreeEntryId
	outboxEntry      mapi.ID = 0x35E2
	wastebasketEntry mapi.ID = 0x35E3
	sentEntry        mapi.ID = 0x35E4

	contentCount    mapi.ID = 0x3602
	contentUnread   mapi.ID = 0x3603
	containerClass  mapi.ID = 0x3613
	associatedCount mapi.ID = 0x3617
	attributeHidden mapi.ID = 0x10F4
	password        mapi.ID = 0x67FF // PidTagPstPassword
)

// Open reads the header, the roots of the trees, the message store and the names
// of properties. name is for errors. The file is only read.
//
// It is an error if the file is no PST or OST, or if one of its trees has no
// readable root and Recover is not asked for. Less damage is told by Info, Check
// and the listings.
func Open(ctx context.Context, r io.ReaderAt, size int64, name string, o Options) (*File, error) {
	db, err := ndb.Open(ctx, r, size, name, o.Recover)
	if err != nil {
		return nil, err
	}
	f := &File{db: db, o: o}
	if o.CodePage == 0 {
		f.o.CodePage = 1252
		if db.Format == ndb.ANSI {
			f.o.CodePage = f.guessPage(ctx)
		}
	}
	f.store = mapi.NewProps(nil, f.o.CodePage)
	if err := f.properties(ndb.MessageStore, f.store, &db.Defects); err != nil {
		if cause := db.Roots(); cause != nil && !o.Recover {
			return nil, failure.New(failure.Malformed, "open PST", name, "pst.trees", cause).
				WithRemedy("a search of the file may find what it holds: recover=1")
		}
		db.Defects.AddError(err)
	}
	if f.names, err = f.readNames(); err != nil {
		db.Defects.AddError(err)
	}
	f.into = f.inbox(ctx)
	f.top = f.subtree()
	if err := f.cancelled(ctx); err != nil {
		return nil, err
	}
	return f, nil
}

// subtree finds the folder above all that people see: the store of a PST names
// it, and in an OST it is the one that the inbox lies in.
func (f *File) subtree() NID {
	if top := entryNode(f.store.Binary(subtreeEntry)); top != 0 {
		return top
	}
	if f.into == 0 {
		return 0
	}
	n, found, err := f.db.Node(f.into)
	if err != nil || !found || n.Parent == ndb.RootFolder || n.Parent.Kind() != ndb.KindFolder {
		return 0
	}
	return n.Parent
}

// properties reads the properties of a node of the file.
func (f *File) properties(nid NID, p *mapi.Props, d *Defects) error {
	n, err := f.node(nid)
	if err != nil {
		return err
	}
	return ltp.Properties(f.db, n, f.where(nid), p, d)
}

// node finds a node that must be there.
func (f *File) node(nid NID) (ndb.Node, error) {
	n, found, err := f.db.Node(nid)
	switch {
	case err != nil:
		return n, failure.New(failure.Malformed, "find node", f.where(nid), "pst.tree", err).
			WithRemedy("a search of the file may find it: recover=1")
	case !found:
		return n, failure.New(failure.Malformed, "find node", f.where(nid), "pst.node-missing", errors.New("the file has no such node"))
	}
	return n, nil
}

// where names a node for errors.
func (f *File) where(nid NID) string { return fmt.Sprintf("%s %v", f.db.Name(), nid) }

// Info tells about the file.
func (f *File) Info() Info {
	h := f.db.Header
	i := Info{
		Format: h.Format, Version: h.Version, ClientVersion: h.ClientVersion, Client: h.Client, Encryption: h.Encryption,
		Size: f.db.Size(), StatedSize: h.StatedSize, AllocationMapValid: h.AllocationMap != 0,
		Name: f.store.Text(mapi.DisplayName), Subtree: f.top,
		CodePage: f.o.CodePage, Defects: f.db.Defects.List(),
	}
	// Offline folders have -1 here and no password.
	sum, _ := f.store.Int(password)
	i.Password = sum != 0 && sum != -1
	return i
}

// Store are the properties of the message store.
func (f *File) Store() *mapi.Props { return f.store }

// Names is the table of named properties ([MS-PST] 2.4.7). It must not be changed.
func (f *File) Names() map[mapi.Name]mapi.ID { return f.names }

// entryNode takes the node out of an entry ID ([MS-PST] 2.4.3.2); 0 where it has
// none.
func entryNode(b []byte) NID {
	if len(b) != 24 {
		return 0
	}
	return NID(b[20]) | NID(b[21])<<8 | NID(b[22])<<16 | NID(b[23])<<24
}

// cancelled is the error of a context that is done.
func (f *File) cancelled(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, "read PST", f.db.Name(), "cancelled", err)
	}
	return nil
}
