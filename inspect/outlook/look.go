package outlook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"waybill/connector"
	"waybill/failure"
	"waybill/format/tnef"
	"waybill/inspect"
)

// headSize is how much of a file's beginning tells what it is.
const headSize = 4096

// file is what is looked into.
type file struct {
	io.ReaderAt

	name    string // as it was given
	size    int64
	head    []byte
	recover bool
}

// Look tells what a file is and what it holds. what is the name of a file, or of
// a system in files (pst:FILE, pst:DIR). ok is false where it names nothing that
// this package knows.
//
// Errors are those of the file system (rule inspect.open), and those of the
// file's format where so little can be read that there is nothing to tell.
func Look(ctx context.Context, what string) (r *inspect.Report, ok bool, err error) {
	path, recovering := what, false
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && strings.Contains(what, ":") {
		loc, bad := connector.ParseLocation(what)
		if bad != nil || !known(loc.Scheme) {
			return nil, false, nil
		}
		if path, recovering = loc.Path, loc.Options.Has("recover"); loc.Scheme == "pst" {
			if found, err := os.Stat(path); err == nil && found.IsDir() {
				r, err = lookTree(ctx, what, path)
				return r, err == nil, err
			}
		}
		info, err = os.Stat(path)
	}
	switch {
	case err != nil:
		return nil, false, failure.New(failure.ClassOf(err), "inspect", path, "inspect.open", err)
	case info.IsDir(), !info.Mode().IsRegular():
		return nil, false, nil
	}
	return lookFile(ctx, path, what, recovering)
}

// known tells whether a system keeps its mail in files that this package knows.
func known(scheme string) bool {
	switch scheme {
	case "pst", "dbx", "msg", "eml", "mbox":
		return true
	}
	return false
}

// lookFile looks into one file.
func lookFile(ctx context.Context, path, name string, recovering bool) (*inspect.Report, bool, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, false, failure.New(failure.ClassOf(err), "inspect", name, "inspect.open", err)
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return nil, false, failure.New(failure.ClassOf(err), "inspect", name, "inspect.open", err)
	}
	f := file{ReaderAt: r, name: name, size: info.Size(), recover: recovering}
	f.head = make([]byte, min(headSize, f.size))
	if _, err := r.ReadAt(f.head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, false, failure.New(failure.ClassOf(err), "inspect", name, "inspect.read", err)
	}
	look := f.kind()
	if look == nil {
		return nil, false, nil
	}
	report, err := look(ctx, f)
	return report, err == nil, err
}

// kind finds who can tell about the file.
func (f file) kind() func(context.Context, file) (*inspect.Report, error) {
	begins := func(magic string) bool { return bytes.HasPrefix(f.head, []byte(magic)) }
	switch {
	case len(f.head) == 0:
		return empty
	case begins("!BDN"): // [MS-PST] 2.2.2.6
		return lookPST
	case begins("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"): // [MS-CFB] 2.2
		return lookCompound
	case tnef.Is(f.head):
		return lookTNEF
	case begins("\xCF\xAD\x12\xFE"):
		return lookExpress
	case begins("\x1F\x8B"), begins("PK\x03\x04"), begins("\xFD7zXZ\x00"), begins("7z\xBC\xAF"), begins("Rar!"):
		return packed
	case begins("From "), begins("\x01\x01\x01\x01\n"):
		return lookMbox
	case appleMail(f.head) > 0, isMessage(f.head):
		return lookMessage
	}
	return nil
}

// empty tells of a file without contents.
func empty(_ context.Context, f file) (*inspect.Report, error) {
	r := &inspect.Report{Title: f.name, Kind: "an empty file"}
	r.Find(inspect.Finding{Severity: inspect.Warning, Rule: "inspect.empty", Text: "there is nothing in it", Remedy: "look whether copying it was broken off"})
	return r, nil
}

// packed tells of an archive.
func packed(_ context.Context, f file) (*inspect.Report, error) {
	r := &inspect.Report{Title: f.name, Kind: "an archive (gzip, zip, xz, 7z or RAR)"}
	r.Fact("size", "%s", amount(f.size))
	r.Fact("waybill", "does not look into archives: unpack it, and look at what was in it")
	return r, nil
}
