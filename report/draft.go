package report

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"waybill/failure"
)

// draft is a set of files that appear in their directory together or, when
// something fails, not at all.
type draft struct {
	dir   string
	files []draftFile
}

type draftFile struct {
	name string // in the directory
	temp string // full path of the file beside it; empty: name is to be removed
}

func newDraft(dir string) (*draft, error) {
	// Waybills name people and subjects of failures: they are for the operator's eyes.
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, failed("make the directory of the waybill", dir, err)
	}
	return &draft{dir: dir}, nil
}

// write makes one file. What fill returns may be an error of the stream that
// feeds it; its class is kept.
func (d *draft) write(name string, fill func(io.Writer) error) error {
	f, err := os.CreateTemp(d.dir, "."+name+".*")
	if err != nil {
		return failed("write the waybill", filepath.Join(d.dir, name), err)
	}
	d.files = append(d.files, draftFile{name, f.Name()})
	out := bufio.NewWriterSize(f, 1<<16)
	err = fill(out)
	if err == nil {
		err = out.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return failed("write the waybill", filepath.Join(d.dir, name), err)
	}
	return nil
}

// remove makes commit take away a file of an earlier waybill.
func (d *draft) remove(name string) { d.files = append(d.files, draftFile{name: name}) }

// commit puts the files in their places, in the order in which they were written.
func (d *draft) commit() error {
	for len(d.files) > 0 {
		f := d.files[0]
		path := filepath.Join(d.dir, f.name)
		var err error
		if f.temp == "" {
			if err = os.Remove(path); errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
		} else {
			err = os.Rename(f.temp, path)
		}
		if err != nil {
			return failed("put the waybill in its place", path, err)
		}
		d.files = d.files[1:]
	}
	dir, err := os.Open(d.dir)
	if err != nil {
		return failed("put the waybill in its place", d.dir, err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return failed("put the waybill in its place", d.dir, err)
	}
	return nil
}

// discard removes what commit did not put in its place.
func (d *draft) discard() {
	for _, f := range d.files {
		if f.temp != "" {
			_ = os.Remove(f.temp)
		}
	}
}

func failed(op, where string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return cancelled(where, err)
	}
	e := failure.New(failure.ClassOf(err), op, where, "report.write", err)
	switch e.Class {
	case failure.Full:
		return e.WithRemedy("make space and run \"waybill report\"; nothing of the migration is lost")
	case failure.Denied:
		return e.WithRemedy("choose a directory that may be written to, with --report")
	}
	return e
}

func cancelled(where string, err error) error {
	return failure.New(failure.Cancelled, "write the waybill", where, "report.cancelled", err).
		WithRemedy("run \"waybill report\" to write it later")
}

// malformed is an error about a file that Read or ReadMessages cannot take.
func malformed(where, rule, format string, args ...any) error {
	return failure.New(failure.Malformed, "read the waybill", where, rule, fmt.Errorf(format, args...)).
		WithRemedy("write it anew from the ledger with \"waybill report\"")
}
