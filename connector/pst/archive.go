package pst

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"waybill/connector/files"
	"waybill/failure"
	format "waybill/format/pst"
)

// headerSize is the length of the longest header ([MS-PST] 2.2.2.6).
const headerSize = 564

// archive is one open file of a mailbox.
type archive struct {
	located
	*format.File
	file *os.File
	// seen describes the file as it was when it was opened.
	seen os.FileInfo
	// users counts the handles that use it; its lender guards it.
	users int
}

// openArchive opens a file for reading.
func openArchive(ctx context.Context, at located, o options) (*archive, error) {
	file, err := files.OpenFile(at.path)
	if err != nil {
		return nil, files.Fail("open PST", at.path, "pst.open", err)
	}
	a := &archive{located: at, file: file}
	if a.seen, err = file.Stat(); err == nil && !a.seen.Mode().IsRegular() {
		err = files.NotRegular(at.path)
	}
	if err == nil {
		a.File, err = format.Open(ctx, file, a.seen.Size(), at.path, o.format())
	}
	if err != nil {
		_ = file.Close()
		return nil, files.Fail("open PST", at.path, "pst.open", err)
	}
	return a, nil
}

func (a *archive) close() error {
	return files.Fail("close PST", a.path, "pst.close", a.file.Close())
}

// changed is an error if the file is not any more what was opened.
func (a *archive) changed() error {
	now, err := a.file.Stat()
	if err != nil {
		return files.Fail("read PST", a.path, "pst.read", err)
	}
	if now.Size() == a.seen.Size() && now.ModTime().Equal(a.seen.ModTime()) {
		return nil
	}
	return failure.New(failure.Transient, "read PST", a.path, "pst.changed", errors.New("the file changed while it was read")).
		WithRemedy("close Outlook, or copy the file and read the copy")
}

// state is a word that differs whenever the file does; empty where that cannot be
// told.
func (a *archive) state(now time.Time, o options) string {
	times := files.State(now, a.path)
	if times == "" || a.changed() != nil {
		return ""
	}
	header := make([]byte, headerSize)
	n, err := a.file.ReadAt(header, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return ""
	}
	sum := sha256.Sum256(header[:n])
	return fmt.Sprintf("%s%x.%s", times, sum[:8], o.word)
}
