package eml

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/failure"
	"waybill/mail"
)

// keeper writes the files of one folder, and knows what its sidecar says.
type keeper struct {
	dir string

	mu    sync.Mutex
	facts *facts
	size  int64     // of the sidecar when it was read
	time  time.Time // of its last change then
}

func newKeeper(dir string) *keeper { return &keeper{dir: dir} }

// Pack begins a batch.
func (k *keeper) Pack() foldertree.Packer { return &packer{buf: make([]byte, 256<<10)} }

// Describe writes the lines of a batch's messages.
func (k *keeper) Describe(ctx context.Context, d *files.Dir, names []string, items []connector.Item) error {
	lines := make([]line, len(names))
	for i, name := range names {
		lines[i] = newLine(name, items[i].InternalDate, items[i].Flags)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, err := k.read(ctx); err != nil {
		return err
	}
	return k.write(d, lines)
}

// Stored describes a message that is there.
func (k *keeper) Stored(ctx context.Context, id string, info files.Info) (connector.Stored, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stored(ctx, id, info)
}

// stored is Stored for a caller who holds k.mu.
func (k *keeper) stored(ctx context.Context, id string, info files.Info) (connector.Stored, error) {
	fs, err := k.read(ctx)
	if err != nil {
		return connector.Stored{}, err
	}
	date, set, ok := fs.get(id)
	if !ok {
		date = time.Unix(info.ModTime.Unix(), 0).UTC()
	}
	return connector.Stored{ID: id, Size: info.Size, InternalDate: date, Flags: set}, nil
}

// read returns the folder's facts, read again when its sidecar changed. The
// caller holds k.mu.
func (k *keeper) read(ctx context.Context) (*facts, error) {
	info, err := files.Stat(filepath.Join(k.dir, sidecarName))
	if err != nil && failure.ClassOf(err) != failure.Vanished {
		return nil, err
	}
	if k.facts != nil && info.Size == k.size && info.ModTime.Equal(k.time) {
		return k.facts, nil
	}
	fs, err := readFacts(ctx, k.dir)
	if err != nil {
		return nil, err
	}
	k.facts, k.size, k.time = fs, info.Size, info.ModTime
	return fs, nil
}

// write adds lines to the sidecar and to what is known. The caller holds k.mu
// and has called read.
func (k *keeper) write(d *files.Dir, lines []line) error {
	if err := appendLines(d, k.facts.whole, lines); err != nil {
		k.facts = nil
		return err
	}
	k.facts.whole = true
	for _, l := range lines {
		k.facts.set(l)
	}
	info, err := files.Stat(filepath.Join(k.dir, sidecarName))
	k.size, k.time = info.Size, info.ModTime
	return err
}

// packer writes messages as they come.
type packer struct{ buf []byte }

func (p *packer) Close() {}

func (p *packer) Open(ctx context.Context, item connector.Item) (foldertree.Parcel, error) {
	body, err := openItem(ctx, item)
	if err != nil {
		return nil, err
	}
	return &parcel{opened: body, buf: p.buf}, nil
}

// parcel is an item on its way to its file.
type parcel struct {
	*opened

	buf []byte
}

func (p *parcel) Ending() string     { return p.ending }
func (p *parcel) Notes() []mail.Note { return nil }

func (p *parcel) Write(ctx context.Context, f *os.File) error {
	_, err := files.CopyBuffer(ctx, f, p, p.buf)
	var werr *files.WriteError
	if err != nil && !errors.As(err, &werr) {
		return &foldertree.ReadError{Err: err}
	}
	return err
}
