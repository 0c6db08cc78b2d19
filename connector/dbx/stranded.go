package dbx

import (
	"context"
	"fmt"
	"iter"
	"path/filepath"
	"sync"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	format "waybill/format/dbx"
	"waybill/mail"
)

// strandedFolder has what is found by looking through all files of a user.
type strandedFolder struct {
	mu    sync.Mutex
	root  string
	files []*folderFile
	// found tells by key where a text lies; complete tells that it has all.
	found    map[string]stranded
	complete bool
}

// stranded is where a message was found.
type stranded struct {
	file    *folderFile
	size    int64 // of the file
	message format.Message
}

func (s *strandedFolder) set(root string, list []*folderFile) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.root, s.files = root, list
}

// each calls f for every message that is found; false ends the search.
func (s *strandedFolder) each(ctx context.Context, f func(o *opened, one stranded, key string) bool) error {
	s.mu.Lock()
	list, root := s.files, s.root
	if s.found == nil {
		s.found = map[string]stranded{}
	}
	s.mu.Unlock()
	for _, file := range list {
		o, err := file.open(ctx)
		if err != nil {
			if class := failure.ClassOf(err); class == failure.Malformed || class == failure.Vanished {
				continue // told by its own folder
			}
			return err
		}
		more, err := s.eachOf(ctx, o, file, name(root, file.path), f)
		_ = o.at.Close()
		if err != nil || !more {
			return err
		}
	}
	s.mu.Lock()
	s.complete = true
	s.mu.Unlock()
	return nil
}

// name tells a file from the others of its user.
func name(root, path string) string {
	rel, err := filepath.Rel(root, path)
	if err != nil || rel == "." {
		rel = filepath.Base(path)
	}
	if rel = filepath.ToSlash(rel); len(rel) > 200 {
		rel = files.Shorten(rel, 200, func(t string) int { return len(t) })
	}
	return rel
}

func (s *strandedFolder) eachOf(ctx context.Context, o *opened, file *folderFile, name string, f func(o *opened, one stranded, key string) bool) (more bool, err error) {
	for m, err := range o.Stranded(ctx) {
		if err != nil {
			return false, err
		}
		one, key := stranded{file: file, size: o.at.Size(), message: m}, fmt.Sprintf("%s@%x", name, m.First)
		s.mu.Lock()
		s.found[key] = stranded{file: file, size: one.size, message: format.Message{First: m.First, Size: m.Size, Form: m.Form}}
		s.mu.Unlock()
		if !f(o, one, key) {
			return false, nil
		}
	}
	return true, o.at.Unchanged()
}

func (s *strandedFolder) Messages(ctx context.Context) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		err := s.each(ctx, func(o *opened, one stranded, key string) bool {
			m := one.message
			out := mail.Message{Key: key, Size: m.Size, InternalDate: m.Date, Flags: m.Flags, Notes: m.Notes}
			return yield(out, one.file.date(ctx, o, m, &out))
		})
		if err != nil {
			yield(mail.Message{}, err)
		}
	}
}

func (s *strandedFolder) Open(ctx context.Context, m mail.Message) (filesource.Body, error) {
	one, ok, err := s.find(ctx, m.Key)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, filesource.Gone(scheme, s.root, m.Key)
	}
	o, err := one.file.open(ctx)
	if err != nil {
		return nil, err
	}
	if o.at.Size() != one.size {
		_ = o.at.Close()
		return nil, failure.New(failure.Transient, "open message", one.file.path, "dbx.changed", nil).WithRemedy("end Outlook Express while its files are read")
	}
	return filesource.NewBody(ctx, o.Text(ctx, one.message), one.message.Size, o.at.Unchanged, o.at.Close), nil
}

// find looks for a message among those that were listed, and looks through the
// files where none were.
func (s *strandedFolder) find(ctx context.Context, key string) (stranded, bool, error) {
	s.mu.Lock()
	one, ok := s.found[key]
	complete := s.complete
	s.mu.Unlock()
	if ok || complete {
		return one, ok, nil
	}
	err := s.each(ctx, func(_ *opened, found stranded, have string) bool {
		if have == key {
			one, ok = found, true
		}
		return true
	})
	return one, ok, err
}

func (s *strandedFolder) Census(ctx context.Context, exact bool) (connector.Census, error) {
	c := connector.Census{Messages: -1, Bytes: -1}
	if !exact {
		return c, nil
	}
	c.Messages, c.Bytes = 0, 0
	err := s.each(ctx, func(_ *opened, one stranded, _ string) bool {
		c.Messages++
		c.Bytes += one.message.Size
		return true
	})
	return c, err
}
