package maildir

import (
	"context"
	"errors"
	"strings"
	"sync"

	"waybill/connector/files"
	"waybill/failure"
)

// finder finds the file of a message in one folder, whatever its flags have
// become since it was listed. It may be used from several goroutines.
type finder struct {
	dir string

	mu    sync.Mutex
	index *index
	// recent are names that were written just now and are not in the index; when
	// they become too many they are older, and what was older is let go.
	recent, older map[string]string
}

// maxRecent bounds recent and older. It is several batches, so that what is read
// back after its delivery is never looked for by listing the folder.
const maxRecent = 4096

func (f *finder) setIndex(x *index) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.index = x
}

func (f *finder) remember(key, name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.recent == nil || len(f.recent) >= maxRecent {
		f.recent, f.older = make(map[string]string), f.recent
	}
	f.recent[key] = name
}

func (f *finder) forget(key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.recent, key)
	delete(f.older, key)
}

// known is where the message was when somebody last looked; guess is asked when
// nobody did.
func (f *finder) known(key string, guess func() string) (fileName, *index, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, names := range []map[string]string{f.recent, f.older} {
		if name, ok := names[key]; ok {
			return fileName{name: name}, f.index, true
		}
	}
	if f.index != nil {
		file, ok := f.index.find(key)
		return file, f.index, ok
	}
	if guess == nil || strings.Contains(key, "/") {
		return fileName{}, nil, false
	}
	return fileName{name: guess()}, nil, true
}

// relist reads the folder again, unless somebody else did since seen was current.
func (f *finder) relist(ctx context.Context, seen *index) (*index, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.index != nil && f.index != seen {
		return f.index, nil
	}
	x, err := readIndex(ctx, f.dir)
	if err != nil {
		return nil, err
	}
	f.index, f.recent, f.older = x, nil, nil
	return x, nil
}

// locate calls use with the place of the message until use does not find it
// vanished: first where it is known to be, then after looking again. A mail
// program may rename it at any time, so that is done more than once.
func (f *finder) locate(ctx context.Context, key string, guess func() string, use func(fileName) error) error {
	file, seen, ok := f.known(key, guess)
	if ok {
		if err := use(file); failure.ClassOf(err) != failure.Vanished || err == nil {
			return err
		}
	}
	for range 3 {
		x, err := f.relist(ctx, seen)
		if err != nil {
			return err
		}
		seen = x
		file, ok := x.find(key)
		if !ok {
			// An index that another goroutine made may be older than the file.
			continue
		}
		if err := use(file); failure.ClassOf(err) != failure.Vanished || err == nil {
			return err
		}
	}
	return failure.New(failure.Vanished, "open message", f.dir+", message "+key, "maildir.vanished",
		errors.New("there is no file of that name, whatever its flags"))
}

// open opens the message's file.
func (f *finder) open(ctx context.Context, key string, guess func() string) (r *files.Reader, file fileName, err error) {
	err = f.locate(ctx, key, guess, func(at fileName) error {
		file = at
		r, err = files.Open(ctx, at.path(f.dir))
		return err
	})
	return r, file, err
}
