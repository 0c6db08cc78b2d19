package pst

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/internal/pstwrite"
)

// memory is a file in memory that counts what is read of it.
type memory struct {
	b    []byte
	read atomic.Int64
}

func (m *memory) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(m.b)) {
		return 0, io.EOF
	}
	n := copy(p, m.b[off:])
	m.read.Add(int64(n))
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) clone() *memory { return &memory{b: slices.Clone(m.b)} }

// fixture is a file with n messages in two folders; the first has a large
// attachment, the second an embedded message.
func fixture(t testing.TB, o pstwrite.Options, n int) (*memory, pstwrite.Layout, []NID) {
	t.Helper()
	m := &memory{}
	w, err := pstwrite.New(m, o)
	if err != nil {
		t.Fatal(err)
	}
	inbox, err := w.Folder(pstwrite.Root, "Inbox", "IPF.Note")
	if err != nil {
		t.Fatal(err)
	}
	deep, err := w.Folder(inbox, "Deep", "IPF.Note")
	if err != nil {
		t.Fatal(err)
	}
	var all []NID
	for i := range n {
		to := inbox
		if i%2 == 1 {
			to = deep
		}
		x := pstwrite.Message{
			Props:      []pstwrite.Prop{pstwrite.Text(mapi.MessageClass, "IPM.Note"), pstwrite.Text(mapi.Subject, fmt.Sprint("message ", i)), pstwrite.Text(mapi.Body, strings.Repeat("text ", 50*i))},
			Recipients: [][]pstwrite.Prop{{pstwrite.Int(mapi.RecipientType, 1), pstwrite.Text(mapi.DisplayName, "Anna"), pstwrite.Text(mapi.EmailAddress, "anna@example.org")}},
		}
		switch i {
		case 0:
			x.Attachments = []pstwrite.Attachment{{Props: []pstwrite.Prop{pstwrite.Text(mapi.AttachLongFilename, "large")}, Data: func() (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader(strings.Repeat("0123456789", 10000))), nil
			}}}
		case 1:
			x.Attachments = []pstwrite.Attachment{{Embedded: &pstwrite.Message{Props: []pstwrite.Prop{pstwrite.Text(mapi.Subject, "inner")}}}}
		}
		nid, err := w.Add(to, x)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, NID(nid))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return m, w.Layout(), all
}

// found is what could be read of a file.
type found struct {
	items   map[NID]bool
	errs    []error
	defects int
}

// survey reads all of a file, as far as possible. Whatever the file is, each error
// must say its class, place and rule, and each item come once.
func survey(ctx context.Context, t testing.TB, m *memory, o Options) (got found, opened bool) {
	got.items = map[NID]bool{}
	check := func(err error) {
		got.errs = append(got.errs, err)
		var e *failure.Error
		if !errors.As(err, &e) || e.Rule == "" || e.Where == "" {
			t.Errorf("an error without its rule or place: %v", err)
		} else if e.Class != failure.Malformed && e.Class != failure.TooLarge && e.Class != failure.Unsupported {
			t.Errorf("an error of class %v: %v", e.Class, err)
		}
	}
	f, err := Open(ctx, m, int64(len(m.b)), "test.pst", o)
	if err != nil {
		check(err)
		return got, false
	}
	folders, err := f.Folders(ctx)
	if err != nil {
		check(err)
	}
	for _, folder := range folders {
		if folder.Err != nil {
			check(folder.Err)
		}
		for item, err := range f.Items(ctx, folder.NID) {
			if err != nil {
				check(err)
				continue
			}
			if got.items[item.NID] {
				t.Errorf("%v comes twice", item.NID)
			}
			x, err := f.Message(ctx, item.NID)
			if err != nil {
				check(err)
				continue
			}
			got.items[item.NID] = true
			swallow(ctx, x, check, 0)
			got.defects += len(x.Defects())
		}
	}
	if _, err := f.Check(ctx); err != nil {
		t.Error(err)
	}
	return got, true
}

// swallow reads all of a message.
func swallow(ctx context.Context, m mapi.Message, check func(error), depth int) {
	read := func(p *mapi.Props) {
		for _, v := range p.All() {
			if v.Data == nil {
				continue
			}
			r, err := v.Data.Open()
			if err == nil {
				_, err = io.Copy(io.Discard, r)
				_ = r.Close()
			}
			if err != nil {
				check(err)
			}
		}
	}
	read(m.Props())
	recipients, err := m.Recipients(ctx)
	if err != nil {
		check(err)
	}
	for _, p := range recipients {
		read(p)
	}
	all, err := m.Attachments(ctx)
	if err != nil {
		check(err)
	}
	for _, a := range all {
		read(a.Props())
		inner, err := a.Message(ctx)
		if err != nil {
			check(err)
		}
		if inner != nil {
			swallow(ctx, inner, check, depth+1)
		}
	}
}

var damaged = []pstwrite.Options{{Encryption: pstwrite.Permute}, {Format: pstwrite.ANSI, Encryption: pstwrite.Cyclic}, {Format: pstwrite.Unicode4K}}

// TestFlippedBytes inverts one byte in every third block and in each page, in turn. No item but
// those in the damaged place may be lost, and none silently.
func TestFlippedBytes(t *testing.T) {
	for _, o := range damaged {
		whole, layout, all := fixture(t, o, 24)
		pages := layout.Pages()
		number := 0
		for r := range layout.Blocks() {
			if number++; number%3 != 0 {
				continue // a third shows it
			}
			m := whole.clone()
			if err := layout.Flip(m, r, r.Size/2); err != nil {
				t.Fatal(err)
			}
			got, opened := survey(t.Context(), t, m, Options{})
			if !opened {
				t.Errorf("one byte of a block keeps the file from being opened: %+v %v", r, got.errs)
			}
			if missing := len(all) - len(got.items); missing > 1 && !r.Packed || missing > 0 && len(got.errs) == 0 {
				t.Errorf("%d items are lost by one byte of %+v, with the errors %v", missing, r, got.errs)
			}
		}
		for _, r := range pages {
			m := whole.clone()
			if err := layout.Flip(m, r, 4); err != nil {
				t.Fatal(err)
			}
			got, _ := survey(t.Context(), t, m, Options{})
			if len(got.items) < len(all) && len(got.errs) == 0 {
				t.Errorf("items are lost without an error by one byte of %+v", r)
			}
		}
	}
}

// TestTruncated cuts the file at many places.
func TestTruncated(t *testing.T) {
	for _, o := range damaged {
		whole, _, all := fixture(t, o, 8)
		for cut := 0; cut < len(whole.b); cut += 30011 {
			m := &memory{b: whole.b[:cut:cut]}
			got, opened := survey(t.Context(), t, m, Options{Recover: cut%2 == 0})
			if len(got.items) < len(all) && len(got.errs) == 0 && opened {
				t.Errorf("cut to %d of %d bytes, %d items are lost without an error", cut, len(whole.b), len(all)-len(got.items))
			}
		}
	}
}

// TestAnyDamage overwrites any bytes anywhere. Reading ends, reads no more than a
// multiple of the file, and tells what it lost.
func TestAnyDamage(t *testing.T) {
	type sound struct {
		m   *memory
		all []NID
	}
	var files []sound
	for _, o := range damaged {
		m, _, all := fixture(t, o, 8)
		files = append(files, sound{m, all})
	}
	rapid.Check(t, func(r *rapid.T) {
		of := files[rapid.IntRange(0, len(files)-1).Draw(r, "file")]
		m := of.m.clone()
		for range rapid.IntRange(1, 12).Draw(r, "wounds") {
			at := rapid.IntRange(0, len(m.b)-8).Draw(r, "at")
			copy(m.b[at:], rapid.SliceOfN(rapid.Byte(), 1, 8).Draw(r, "bytes"))
		}
		_, _ = survey(context.Background(), t, m, Options{Recover: rapid.Bool().Draw(r, "recover")})
		if n := m.read.Load(); n > 400*int64(len(m.b)) {
			r.Fatalf("%d bytes were read of a file of %d", n, len(m.b))
		}
	})
}

// TestSample is the file that the others damage: nothing is wrong with it.
func TestSample(t *testing.T) {
	for _, o := range damaged {
		m, _, all := fixture(t, o, 24)
		got, _ := survey(t.Context(), t, m, Options{})
		if len(got.items) != len(all) || len(got.errs) > 0 || got.defects > 0 {
			t.Errorf("%+v", got)
		}
	}
}
