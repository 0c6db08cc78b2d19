package msg

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/internal/corpus"
)

// counts are what a walk over a message meets.
type counts struct {
	messages, props, recipients, attachments, embedded, objects, named int
	bytes                                                              int64
}

// walk reads all of a message. Defects are told to report.
func walk(ctx context.Context, m mapi.Message, c *counts, report func(error)) {
	c.messages++
	readAll(m.Props(), c, report)
	if own, is := m.(*Message); is {
		for _, err := range own.Defects() {
			report(err)
		}
	}
	recipients, err := m.Recipients(ctx)
	if err != nil {
		report(err)
	}
	for _, p := range recipients {
		c.recipients++
		readAll(p, c, report)
	}
	attachments, err := m.Attachments(ctx)
	if err != nil {
		report(err)
	}
	for _, a := range attachments {
		c.attachments++
		readAll(a.Props(), c, report)
		embedded, err := a.Message(ctx)
		if err != nil {
			report(err)
		}
		if embedded != nil {
			c.embedded++
			walk(ctx, embedded, c, report)
		}
		object, err := a.Storage(ctx)
		if err != nil {
			report(err)
		}
		if object != nil {
			c.objects++
			drain(object, c, report)
		}
	}
}

func readAll(p *mapi.Props, c *counts, report func(error)) {
	for _, v := range p.All() {
		c.props++
		drain(v.Data, c, report)
		for _, one := range v.Many {
			drain(one.Data, c, report)
		}
	}
	for range p.Names() {
		c.named++
	}
}

func drain(d mapi.Data, c *counts, report func(error)) {
	if d == nil {
		return
	}
	r, err := d.Open()
	if err != nil {
		report(err)
		return
	}
	defer r.Close()
	n, err := io.Copy(io.Discard, r)
	c.bytes += n
	if err != nil {
		report(err)
	} else if d.Size() >= 0 && n != d.Size() {
		report(fmt.Errorf("stated %d bytes, %d came", d.Size(), n))
	}
}

// samples calls f for each .msg file of the collection.
func samples(t *testing.T, f func(name, path string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("hundreds of files")
	}
	dir := corpus.Dir(t, "msg")
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			name, _ := filepath.Rel(dir, path)
			f(name, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func open(t *testing.T, path string) (*Message, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	st, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return Open(f, st.Size(), filepath.Base(path))
}

func TestRealMessages(t *testing.T) {
	var c counts
	files, refused := 0, 0
	defects := map[string]int{}
	samples(t, func(name, path string) {
		files++
		m, err := open(t, path)
		if err != nil {
			refused++
			t.Logf("%s: %v", name, err)
			return
		}
		walk(t.Context(), m, &c, func(err error) {
			defects[failure.RuleOf(err)]++
			t.Logf("%s: %v", name, err)
		})
	})
	t.Logf("%d files, %d refused, %+v, defects %v", files, refused, c, defects)
}
