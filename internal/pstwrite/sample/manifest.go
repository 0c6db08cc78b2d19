package sample

import "time"

// Manifest is what a file holds, as its maker knows it.
type Manifest struct {
	Path    string
	Size    int64 // of the file, in bytes
	Folders []Folder
	Items   []Item // in the order of the file; none where Options.Each took them
	Total   Total
}

// Folder is one folder that users see.
type Folder struct {
	Path  []string // names from the top on
	Class string   // "IPF.Note" and the like
	Items int
}

// Total counts what was made.
type Total struct {
	Items, Attachments int
	Bytes              int64 // of attachments by value
	Classes            map[string]int
}

// Item is one item of a folder.
type Item struct {
	Folder      int // index into Manifest.Folders
	Node        uint32
	Class       string
	Subject     string
	MessageID   string // with its angle brackets; empty where the class has none
	From        string // "Name <address>"
	To, Cc      []string
	Sent        time.Time // zero where the class has none
	Delivered   time.Time
	Read        bool
	Categories  []string
	Body        string // "text", "html", "rtf"
	TextSHA256  string // hexadecimal, of the plain text in UTF-8 with CRLF
	RTFSHA256   string // hexadecimal, of the RTF as it is before compression; empty: none
	Attachments []Attachment
}

// Attachment is one attachment of an item.
type Attachment struct {
	Name     string
	Size     int64
	SHA256   string // hexadecimal; empty for an embedded message
	Inline   string // its Content-ID; empty where it is none of a page's pictures
	Embedded *Item  // an embedded message
}
