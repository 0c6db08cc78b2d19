// Package journal appends to several files at once, whole or not at all, and
// replaces files as a whole.
package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"waybill/failure"
)

// A journal makes an append to several files atomic: before the first byte is
// written it holds their sizes, durably, and it is removed when all bytes are
// durable. A journal that is found later means that the append was cut off, and
// the files are cut back to those sizes.

// Suffix marks journals, which lie beside the packing list.
const Suffix = ".journal"

// Error gives an error of the operating system its class and place.
func Error(op, where string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*failure.Error](err); ok {
		return err
	}
	return failure.New(failure.ClassOf(err), op, where, "migfile.write", err)
}

// Begin records the sizes of files, by their names in dir.
func Begin(dir, name string, sizes map[string]int64) error {
	var b bytes.Buffer
	for file, size := range sizes {
		fmt.Fprintf(&b, "%d %s\n", size, file)
	}
	b.WriteString("end\n")
	return WriteFile(filepath.Join(dir, name+Suffix), b.Bytes())
}

// End removes the journal: what was appended stays.
func End(dir, name string) error {
	if err := os.Remove(filepath.Join(dir, name+Suffix)); err != nil {
		return Error("end journal", filepath.Join(dir, name), err)
	}
	return syncDir(dir)
}

// Recover undoes the append that a journal speaks of, if there is one.
func Recover(dir, name string) error {
	path := filepath.Join(dir, name+Suffix)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return Error("read journal", path, err)
	}
	damaged := failure.New(failure.Malformed, "read journal", path, "migfile.journal", errors.New("the journal is damaged")).
		WithRemedy("the files beside it may hold half an append; write them anew")
	if !strings.HasSuffix(string(b), "end\n") {
		return damaged
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		var size int64
		digits, file, ok := strings.Cut(line, " ")
		if !ok {
			continue
		}
		if _, err := fmt.Sscanf(digits, "%d", &size); err != nil || file != filepath.Base(file) {
			return damaged
		}
		if err := Truncate(filepath.Join(dir, file), size); err != nil {
			return Error("undo append", filepath.Join(dir, file), err)
		}
	}
	return End(dir, name)
}

// Truncate cuts a file to at most size bytes, durably.
func Truncate(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() > size {
		if err := f.Truncate(size); err != nil {
			return err
		}
	}
	return f.Sync()
}

// WriteFile replaces a file as a whole: it is there before or after, never in part.
func WriteFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".waybill-*")
	if err != nil {
		return Error("write file", path, err)
	}
	defer func() { _ = os.Remove(f.Name()) }() // does nothing once it is renamed
	_, err = f.Write(b)
	if err == nil {
		err = f.Chmod(0o640)
	}
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return Error("write file", path, err)
	}
	return syncDir(filepath.Dir(path))
}
