package olm

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"waybill/failure"
)

// Bounds on an archive.
const (
	maxEntries = 1_000_000
	// maxEntry bounds an entry after unpacking.
	maxEntry = 4 << 30
	// maxRatio is more than deflate can reach (1032 to 1): an archive whose entries
	// say more overlap, or lie.
	maxRatio = 1100
)

// Archive is an open archive. It may be used from several goroutines.
type Archive struct {
	Entries []*zip.File
	byName  map[string]*zip.File
	where   string
}

// signatures counts entries as a zip directory is read, before they take memory.
type signatures struct {
	r     io.ReaderAt
	where string
	end   int64
	tail  []byte
	n     int
	off   bool // the directory is read; what is read from now on is not counted
}

// entrySignature begins an entry of the directory (APPNOTE.TXT 4.3.12).
var entrySignature = []byte("PK\x01\x02")

func (s *signatures) ReadAt(p []byte, off int64) (int, error) {
	n, err := s.r.ReadAt(p, off)
	if s.off {
		return n, err
	}
	if off != s.end {
		s.tail = nil
	}
	seen := slices.Concat(s.tail, p[:n])
	if s.n += bytes.Count(seen, entrySignature); s.n > maxEntries {
		return 0, failure.New(failure.TooLarge, "open archive", s.where, "olm.entries", fmt.Errorf("it has more than %d entries", maxEntries)).
			WithRemedy("export the mail in several archives")
	}
	s.tail = bytes.Clone(seen[max(0, len(seen)-len(entrySignature)+1):])
	s.end = off + int64(n)
	return n, err
}

// Open reads the directory of an archive of size bytes. Errors are those of r, or
// of the rules olm.zip, olm.entries and olm.bomb.
func Open(r io.ReaderAt, size int64, where string) (*Archive, error) {
	counter := &signatures{r: r, where: where}
	z, err := zip.NewReader(counter, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, zipError("open archive", where, err)
	}
	counter.off = true
	a := &Archive{Entries: z.File, byName: make(map[string]*zip.File, len(z.File)), where: where}
	var sum uint64
	for _, f := range a.Entries {
		sum += min(f.UncompressedSize64, 1<<50)
		if _, twice := a.byName[f.Name]; !twice {
			a.byName[f.Name] = f
		}
	}
	if sum > uint64(size)*maxRatio+1<<20 {
		return nil, failure.New(failure.TooLarge, "open archive", where, "olm.bomb", fmt.Errorf("%d bytes claim to hold %d", size, sum)).
			WithRemedy("it was made to fill disks; export the mail anew")
	}
	return a, nil
}

// Find finds an entry by the name that a message has for it; nil for none.
func (a *Archive) Find(name string) *zip.File {
	if f := a.byName[name]; f != nil {
		return f
	}
	return a.byName[strings.TrimLeft(name, "/")]
}

// OpenEntry gives the bytes of an entry. Reading ends with an error where they are
// not what the directory says (rules olm.crc, olm.entry).
func (a *Archive) OpenEntry(f *zip.File) (io.ReadCloser, error) {
	where := a.where + ", entry " + strings.ToValidUTF8(f.Name, "\uFFFD")
	switch {
	case f.Flags&1 != 0:
		return nil, failure.New(failure.Unsupported, "open entry", where, "olm.encrypted", errors.New("it is encrypted")).
			WithRemedy("unpack the archive, and pack it again without a password")
	case f.UncompressedSize64 > maxEntry:
		return nil, failure.New(failure.TooLarge, "open entry", where, "olm.entry-size", fmt.Errorf("it claims %d bytes", f.UncompressedSize64))
	}
	r, err := f.Open()
	if err != nil {
		return nil, zipError("open entry", where, err)
	}
	return &entry{r: r, left: int64(f.UncompressedSize64), where: where}, nil
}

// entry reads an entry up to the size that it claims.
type entry struct {
	r     io.ReadCloser
	left  int64
	where string
}

func (e *entry) Close() error { return e.r.Close() }

func (e *entry) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if e.left -= int64(n); e.left < 0 {
		return 0, failure.New(failure.Malformed, "read entry", e.where, "olm.entry", errors.New("it is longer than the directory says"))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = zipError("read entry", e.where, err)
	}
	return n, err
}

// zipError gives an error of the zip reader its class. Those of the file below
// have theirs already, or are the system's.
func zipError(op, where string, err error) error {
	var known *failure.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, zip.ErrChecksum):
		return failure.New(failure.Malformed, op, where, "olm.crc", err)
	case errors.Is(err, zip.ErrAlgorithm):
		return failure.New(failure.Unsupported, op, where, "olm.method", err)
	case failure.ClassOf(err) != failure.Internal:
		return failure.New(failure.ClassOf(err), op, where, "olm.read", err)
	}
	return failure.New(failure.Malformed, op, where, "olm.zip", err).WithRemedy("if it is a copy, copy it again")
}
