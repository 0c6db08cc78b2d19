package target

import (
	"bytes"
	"errors"
	"io"
	"os"
	"sync"

	"waybill/failure"
)

// spillAt is the length from which a message goes to a file.
const spillAt = 256 << 10

// parcel holds messages as they will be sent, small ones one behind the other in
// memory, large ones each in a file that has no name.
type parcel struct {
	memory []byte
	slots  []slot
	open   slot
}

// slot is one message of a parcel.
type slot struct {
	from, to int      // in memory
	file     *os.File // nil: in memory
	size     int64
}

// begin starts a message.
func (p *parcel) begin() { p.open = slot{from: len(p.memory), to: len(p.memory)} }

// Write adds to the message. The error is that of the file.
func (p *parcel) Write(b []byte) (int, error) {
	o := &p.open
	if o.file == nil && o.size+int64(len(b)) > spillAt {
		file, err := namelessFile()
		if err == nil {
			o.file = file
			_, err = file.Write(p.memory[o.from:])
			p.memory = p.memory[:o.from]
		}
		if err != nil {
			return 0, spillError(err)
		}
	}
	o.size += int64(len(b))
	if o.file != nil {
		n, err := o.file.Write(b)
		return n, spillError(err)
	}
	p.memory = append(p.memory, b...)
	o.to = len(p.memory)
	return len(b), nil
}

// keep ends the message and returns its number.
func (p *parcel) keep() int {
	p.slots = append(p.slots, p.open)
	p.open = slot{}
	return len(p.slots) - 1
}

// forget takes the message away that was begun last.
func (p *parcel) forget() {
	if p.open.file != nil {
		_ = p.open.file.Close() // nothing in it matters
	} else {
		p.memory = p.memory[:p.open.from]
	}
	p.open = slot{}
}

// reader reads message i from its start.
func (p *parcel) reader(i int) io.Reader {
	s := p.slots[i]
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return bytes.NewReader(p.memory[s.from:s.to])
}

func (p *parcel) reset() error {
	var errs []error
	for _, s := range p.slots {
		if s.file != nil {
			errs = append(errs, s.file.Close())
		}
	}
	if p.open.file != nil {
		errs = append(errs, p.open.file.Close())
	}
	p.memory, p.slots, p.open = p.memory[:0], p.slots[:0], slot{}
	return errors.Join(errs...)
}

// namelessFile is gone when it is closed, whatever happens to the program.
func namelessFile() (*os.File, error) {
	f, err := os.CreateTemp("", "waybill-message-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func spillError(err error) error {
	if err == nil {
		return nil
	}
	return failure.New(failure.Transient, "keep a large message for a moment", os.TempDir(), "imap.spool", err).
		WithRemedy("make room in the folder for temporary files, or name another one in TMPDIR")
}

// parcelPool keeps parcels and buffers for further use.
type parcelPool struct{ parcels, buffers sync.Pool }

func newParcelPool() *parcelPool {
	p := &parcelPool{}
	p.parcels.New = func() any { return &parcel{} }
	p.buffers.New = func() any { b := make([]byte, 64<<10); return &b }
	return p
}

func (p *parcelPool) get() *parcel { return p.parcels.Get().(*parcel) }

func (p *parcelPool) put(x *parcel) error {
	err := x.reset()
	p.parcels.Put(x)
	return err
}

func (p *parcelPool) buffer() *[]byte    { return p.buffers.Get().(*[]byte) }
func (p *parcelPool) giveBack(b *[]byte) { p.buffers.Put(b) }
