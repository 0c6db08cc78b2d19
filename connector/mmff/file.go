package mmff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waybill/connector/files"
	"waybill/connector/migfile/canon"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	format "waybill/format/mmff"
	"waybill/mail"
)

// file is one file with messages, open for reading.
type file struct {
	*files.At

	path string
}

// openFile opens a regular file.
func openFile(ctx context.Context, path string) (*file, error) {
	at, err := files.OpenAt(ctx, path)
	if err != nil {
		return nil, err
	}
	return &file{At: at, path: path}, nil
}

func (f *file) reader(form form) *format.Reader {
	return format.NewReader(f, f.Size(), f.path, form.page)
}

// open gives the message at an offset. The file is closed with the reader.
func (f *file) open(ctx context.Context, form form, offset int64, number int) (io.ReadCloser, error) {
	r := f.reader(form)
	r.At(offset, number)
	m, err := r.Next()
	switch {
	case errors.Is(err, io.EOF) || m != nil && m.Offset != offset && offset > 0:
		return nil, failure.New(failure.Vanished, "open message", fmt.Sprintf("%s byte %d", f.path, offset), "mmff.vanished", errors.New("no message begins here any more"))
	case err != nil:
		return nil, err
	}
	message, _, err := f.message(m, form)
	if err != nil {
		return nil, err
	}
	return &openMessage{ReadCloser: message.Open(ctx), file: f}, nil
}

// openMessage closes the file with the message.
type openMessage struct {
	io.ReadCloser
	file *file
}

func (o *openMessage) Close() error { return errors.Join(o.ReadCloser.Close(), o.file.Close()) }

// message makes a message of a header in the file.
func (f *file) message(m *format.Message, form form) (*mime.Message, []mail.Note, error) {
	notes := append([]mail.Note(nil), m.Notes...)
	note := func(kind, text string) { notes = append(notes, mail.Note{Kind: kind, Text: text}) }
	address := func(a format.Address) mime.Address {
		out, more := canon.ToMIME(mf.Party{Type: a.Type, Value: canon.Clean(a.Value)}, nil)
		notes = append(notes, more...)
		return out
	}
	out := &mime.Message{Subject: canon.Clean(m.Subject), Seed: fmt.Sprintf("%s %d", filepath.Base(f.path), m.Offset)}
	if m.From.Value != "" {
		out.From = []mime.Address{address(m.From)}
	}
	for _, a := range m.To {
		if a.Value != "" {
			out.To = append(out.To, address(a))
		}
	}
	for _, a := range m.Cc {
		out.Cc = append(out.Cc, address(a))
	}
	var ok bool
	if out.Date, ok = m.Sent(form.zone); !ok {
		out.Date = time.Time{}
		note(canon.NoteDate, "the message has no date that can be read")
	}
	switch m.Importance() {
	case 1:
		out.Fields = []mime.HeaderField{{Name: "X-Priority", Value: "1"}, {Name: "Importance", Value: "high"}}
	case -1:
		out.Fields = []mime.HeaderField{{Name: "X-Priority", Value: "5"}, {Name: "Importance", Value: "low"}}
	}
	if n := m.HeaderLines(); n > 0 {
		note(noteHeader, fmt.Sprintf("the first %d lines of the text are a header that a gateway wrote", n))
	}
	open, _, err := f.content(m.Text)
	if err != nil {
		return nil, nil, err
	}
	text := &mime.Entity{Type: "text/plain", Text: true, Size: -1, Open: func(ctx context.Context) (io.ReadCloser, error) {
		r, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{form.page.NewReader(r), r}, nil
	}}
	out.Root = text
	if len(m.Attachments) == 0 {
		return out, notes, nil
	}
	parts := []*mime.Entity{text}
	for i, a := range m.Attachments {
		e := &mime.Entity{Disposition: "attachment", Name: canon.BaseName(a.Name)}
		if e.Name == "" {
			e.Name = fmt.Sprintf("attachment-%d", i+1)
		}
		if a.File != "" {
			note(noteExternal, "the attachment "+e.Name+" lies in a file of its own")
		}
		e.Type = canon.TypeOf(e.Name)
		if e.Open, e.Size, err = f.content(a.Content); err != nil {
			return nil, nil, err
		}
		parts = append(parts, e)
	}
	out.Root = &mime.Entity{Type: "multipart/mixed", Parts: parts}
	return out, notes, nil
}

// content finds what opens a text or an attachment, and its size.
func (f *file) content(c format.Content) (open func(context.Context) (io.ReadCloser, error), size int64, err error) {
	if c.File == "" {
		return func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(f, c.Offset, c.Size)), nil
		}, c.Size, nil
	}
	path, err := f.beside(c.File)
	if err != nil {
		return nil, 0, err
	}
	info, err := files.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if !info.IsRegular() {
		return nil, 0, files.NotRegular(path)
	}
	return func(ctx context.Context) (io.ReadCloser, error) { return files.Open(ctx, path) }, info.Size, nil
}

// beside finds a file that a header names: only its last name counts, in any
// letter case, and only what lies beside the file with the header.
func (f *file) beside(name string) (string, error) {
	last := name[strings.LastIndexAny(name, `/\:`)+1:]
	dir := filepath.Dir(f.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", files.Fail("open attachment", dir, "mmff.external", err)
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), last) && last != "" && e.Type().IsRegular() {
			return filepath.Join(dir, e.Name()), nil
		}
	}
	return "", failure.New(failure.Malformed, "open attachment", f.path, "mmff.external", fmt.Errorf("the file %.80q is named and is not there", name)).
		WithRemedy("copy it beside the file with the message")
}
