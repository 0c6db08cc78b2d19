package pst

import (
	"io"
	"testing"

	"waybill/connector"
	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
	"waybill/mail"
)

// BenchmarkRead lists and reads a whole mailbox, as the engine does: some hundred
// messages are listed, then opened.
func BenchmarkRead(b *testing.B) {
	dir := b.TempDir()
	o := sample.Options{Options: pstwrite.Options{Encryption: pstwrite.Permute}, Owner: "anna", Messages: 3000, Folders: 20, Bytes: 128 << 20, BasicPlane: true}
	m, err := sample.Write(dir+"/anna.pst", o)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(m.Size)
	for b.Loop() {
		source, err := Source(b.Context(), location(dir))
		if err != nil {
			b.Fatal(err)
		}
		box, err := source.Mailbox(b.Context(), "anna")
		if err != nil {
			b.Fatal(err)
		}
		readMailbox(b, box)
		_ = box.Close()
	}
}

func readMailbox(b *testing.B, box connector.SourceMailbox) {
	folders, err := box.Folders(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 256<<10)
	for _, f := range folders {
		var batch []mail.Message
		flush := func() {
			for _, m := range batch {
				r, err := box.Open(b.Context(), f.Path, m)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, buf); err != nil {
					b.Fatal(err)
				}
				_ = r.Close()
			}
			batch = batch[:0]
		}
		for m, err := range box.Messages(b.Context(), f.Path) {
			if err != nil {
				b.Fatal(err)
			}
			if batch = append(batch, m); len(batch) == 500 {
				flush()
			}
		}
		flush()
	}
}
