package ndb

import (
	"errors"
	"fmt"
	"sync"

	"waybill/failure"
)

// maxDefects bounds what is kept of damage that repeats itself.
const maxDefects = 32

// Defects collects damage that did not keep anything from being read: wrong
// checksums, tables that do not fit together. The zero value is ready; all methods
// may be called on nil and by several goroutines.
type Defects struct {
	mu    sync.Mutex
	list  []*failure.Error
	count int
}

// Add notes a defect. One that was noted already, by rule and place, is not
// noted again.
func (d *Defects) Add(e *failure.Error) {
	if d == nil || e == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, old := range d.list {
		if old.Rule == e.Rule && old.Where == e.Where {
			return
		}
	}
	d.count++
	if len(d.list) < maxDefects {
		d.list = append(d.list, e)
	}
}

// AddError is Add for an error of any type.
func (d *Defects) AddError(err error) {
	if e, is := errors.AsType[*failure.Error](err); is {
		d.Add(e)
	}
}

// List gives the first defects, 32 at most.
func (d *Defects) List() []*failure.Error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]*failure.Error(nil), d.list...)
}

// Count is how many there are.
func (d *Defects) Count() int {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count
}

// Broken makes the error of a rule of the format that broke at an offset of the
// file. The offset is left out where it is negative.
func (f *File) Broken(op, rule string, offset int64, format string, args ...any) *failure.Error {
	where := f.name
	if offset >= 0 {
		where = fmt.Sprintf("%s:%d", f.name, offset)
	}
	return failure.New(failure.Malformed, op, where, rule, fmt.Errorf(format, args...))
}
