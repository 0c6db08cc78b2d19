package pstwrite

import (
	"io"

	"waybill/failure"
)

// Writer writes one file. It is not safe for several goroutines at once.
type Writer struct {
	options Options
	out     io.WriterAt
}

// New begins a file in w, which must be empty.
func New(w io.WriterAt, o Options) (*Writer, error) {
	return &Writer{options: o, out: w}, nil
}

// Folder makes a folder in parent. containerClass is "IPF.Note" and the like;
// empty: none.
func (w *Writer) Folder(parent FolderID, name, containerClass string) (FolderID, error) {
	return 0, unsupported("folder")
}

// SearchFolder makes a search folder, without results, in SearchRoot.
func (w *Writer) SearchFolder(name string) (FolderID, error) { return 0, unsupported("search folder") }

// Add writes a message and returns its node.
func (w *Writer) Add(folder FolderID, m Message) (nid uint32, err error) {
	return 0, unsupported("message")
}

// Close writes what is left: tables, folders, the B-trees, the header.
func (w *Writer) Close() error { return unsupported("file") }

func unsupported(what string) error {
	return failure.New(failure.Unsupported, "write PST", what, "pstwrite.unfinished", nil)
}
