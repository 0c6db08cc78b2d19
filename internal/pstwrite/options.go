package pstwrite

import (
	"io"

	"waybill/format/mapi"
)

// Format is the layout of a file ([MS-PST] 2.2.2.6, wVer).
type Format uint8

// The formats.
const (
	Unicode   Format = iota // wVer 23: Outlook 2003 and later; texts in UTF-16
	ANSI                    // wVer 14: Outlook 97 to 2002; texts in a code page, at most 2 GB
	Unicode4K               // wVer 36: OST files of Outlook 2013, with compressed blocks
)

// Encryption is how data blocks are encoded ([MS-PST] 2.2.2.6, bCryptMethod).
type Encryption uint8

// The encodings. None of them needs a key.
const (
	None    Encryption = iota
	Permute            // "compressible"
	Cyclic             // "high"
)

// Options say what kind of file is written.
type Options struct {
	Format     Format
	Encryption Encryption
	// StoreName is the display name of the store; empty: "Personal Folders".
	StoreName string
	// CodePage is that of texts of TypeString8, and of all texts of an ANSI file;
	// 0 is 1252. Characters that it lacks become question marks.
	CodePage int
	// Password is kept as a checksum only ([MS-PST] 4.2); empty: none.
	Password string
}

// FolderID is the node of a folder ([MS-PST] 2.4.1).
type FolderID uint32

// The folders that every file has.
const (
	StoreRoot    FolderID = 0x122  // the root of all, which users do not see
	Root         FolderID = 0x8022 // the IPM subtree: parent of the folders that users see
	SearchRoot   FolderID = 0x8042 // parent of search folders
	DeletedItems FolderID = 0x8062 // in Root
)

// Message is an item of any class. Properties that [MS-PST] 2.4.5.1 requires and
// that are missing are added: class, flags, size, times, change and search keys.
type Message struct {
	Props       []Prop
	Recipients  [][]Prop
	Attachments []Attachment
	// Associated items are hidden: views, rules, settings ([MS-PST] 2.4.4.6).
	Associated bool
}

// Attachment is one attachment; at most one of Data, Embedded and Storage is set.
// AttachMethod and AttachSize are added where they are missing.
type Attachment struct {
	Props    []Prop
	Data     func() (io.ReadCloser, error) // by value: the bytes, of any length
	Embedded *Message                      // a message of its own
	Storage  func() (io.ReadCloser, error) // an OLE object, as the bytes of its storage
}

// Prop is a property. Where Name is set the property is a named one: the ID of Tag
// does not matter, and the writer gives it an ID in the file's name map.
type Prop struct {
	Tag  mapi.Tag
	Name mapi.Name
	// Value is, by the type of Tag:
	//
	//	Int16, Int32, Int64, Error, Currency: any integer
	//	Float32, Float64, AppTime:            float64
	//	Bool:                                 bool
	//	Time:                                 time.Time, or the FILETIME as uint64
	//	Unicode, String8:                     string, or mapi.Data in the form of the file
	//	Binary, ServerID, Object:             []byte or mapi.Data
	//	GUID:                                 mapi.GUID
	//	types with Multi:                     a slice of these; []string, [][]byte, []int, ...
	Value any
}
