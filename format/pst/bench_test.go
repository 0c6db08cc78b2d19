package pst

import (
	"context"
	"io"
	"path/filepath"
	"testing"

	"waybill/format/mapi"
	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
)

// drain reads an item with all that it holds, and tells how many bytes that were.
func drain(ctx context.Context, b testing.TB, m mapi.Message) (n int64) {
	count := func(p *mapi.Props) {
		for _, v := range p.All() {
			if v.Data == nil {
				continue
			}
			if held, is := v.Data.(mapi.Bytes); is {
				n += int64(len(held))
				continue
			}
			r, err := v.Data.Open()
			if err != nil {
				b.Fatal(err)
			}
			k, err := io.Copy(io.Discard, r)
			if err != nil {
				b.Fatal(err)
			}
			n += k
			_ = r.Close()
		}
	}
	count(m.Props())
	recipients, err := m.Recipients(ctx)
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range recipients {
		count(p)
	}
	all, err := m.Attachments(ctx)
	if err != nil {
		b.Fatal(err)
	}
	for _, a := range all {
		inner, err := a.Message(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if inner != nil {
			n += drain(ctx, b, inner)
			continue
		}
		count(a.Props())
	}
	return n
}

// BenchmarkRead reads every item of the largest real file, with all properties,
// recipients and attachments; bytes are those of the file.
func BenchmarkRead(b *testing.B) {
	path := largest(b)
	for b.Loop() {
		readAll(b, path)
	}
}

// BenchmarkManyItems does the same with a generated file of small items.
func BenchmarkManyItems(b *testing.B) {
	path := filepath.Join(b.TempDir(), "many.pst")
	if _, err := sample.Write(path, sample.Options{Options: pstwrite.Options{Encryption: pstwrite.Permute}, Messages: 5000, Folders: 50, Bytes: 32 << 20}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		readAll(b, path)
	}
}

func readAll(b *testing.B, path string) {
	f, err := open(b, path, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(f.Info().Size)
	folders, err := f.Folders(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for _, folder := range folders {
		for item, err := range f.Items(b.Context(), folder.NID) {
			if err != nil {
				b.Fatal(err)
			}
			m, err := f.Message(b.Context(), item.NID)
			if err != nil {
				b.Fatal(err)
			}
			drain(b.Context(), b, m)
		}
	}
}
