package files

import (
	"os"

	"golang.org/x/sync/errgroup"
)

// parallelFlushes is how many files are flushed at the same time. A journaling
// file system commits what waits for it together, so that many small files cost
// little more than one; flushing the whole file system instead would wait for
// what others write as well.
const parallelFlushes = 32

// Flusher makes files durable while others are still being written. The zero
// value is not ready; NewFlusher makes one.
type Flusher struct{ group errgroup.Group }

// NewFlusher returns a Flusher. Wait must be called on it.
func NewFlusher() *Flusher {
	f := &Flusher{}
	f.group.SetLimit(parallelFlushes)
	return f
}

// Add flushes and closes a file, which is the Flusher's from then on. It waits
// while too many others are under way.
func (f *Flusher) Add(file *os.File, path string) {
	f.group.Go(func() error {
		err := file.Sync()
		if cerr := file.Close(); err == nil {
			err = cerr
		}
		return Fail("flush file", path, "file.flush", err)
	})
}

// Wait returns when all files are durable, or with an error of one that is not.
func (f *Flusher) Wait() error { return f.group.Wait() }
