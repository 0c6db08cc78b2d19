//go:build !linux

package files

// CanFlushAll tells whether FlushAll works here.
func CanFlushAll() bool { return false }

// FlushAll makes everything that was written to the file system of d durable.
// Without CanFlushAll it flushes the directory alone.
func (d *Dir) FlushAll() error { return d.Sync() }
