package target

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/imap"
	"waybill/internal/counterpart"
	"waybill/mail"
)

// BenchmarkDeliver compares delivery, alone and with reading back beside it, with
// the bare protocol: MULTIAPPEND of a hundred messages, nothing checked.
func BenchmarkDeliver(b *testing.B) {
	body := "Subject: x\r\n\r\n" + strings.Repeat(strings.Repeat("0123456789", 7)+"\r\n", 350)
	const messages = 1000
	for _, format := range []string{"maildir", "mdbox"} {
		for _, way := range []string{"bare", "deliver", "deliver and read back"} {
			b.Run(format+" "+way, func(b *testing.B) {
				d := counterpart.NewDovecot(b, counterpart.DovecotOptions{Format: format})
				tg := openTarget(b, d.Location("anna"), server.Options{Password: given(b, "secret")})
				box := openBox(b, tg, "anna")
				b.SetBytes(messages * int64(len(body)))
				b.ReportAllocs()
				for n := 0; b.Loop(); n++ {
					folder := mail.NewPath(fmt.Sprintf("f%d", n))
					if err := box.CreateFolder(b.Context(), mail.Folder{Path: folder}); err != nil {
						b.Fatal(err)
					}
					switch way {
					case "bare":
						bare(b, box, folder, body, messages)
					default:
						throughTarget(b, box, folder, body, messages, way != "deliver")
					}
				}
				b.ReportMetric(float64(messages*b.N)/b.Elapsed().Seconds(), "msg/s")
			})
		}
	}
}

func bare(b *testing.B, box *targetBox, folder mail.Path, body string, n int) {
	l := box.writer
	x, err := l.enter(b.Context(), folder, false)
	if err != nil {
		b.Fatal(err)
	}
	for range n / 100 {
		items := make([]imap.AppendItem, 100)
		for i := range items {
			items[i] = imap.AppendItem{Size: int64(len(body)), Body: strings.NewReader(body), Date: delivered}
		}
		if _, err := x.Append(b.Context(), l.name, items, imap.Multi); err != nil {
			b.Fatal(err)
		}
	}
	l.next = 0
}

func throughTarget(b *testing.B, box *targetBox, folder mail.Path, body string, n int, back bool) {
	proofs := make(chan error, 1)
	proofs <- nil
	buf := make([]byte, 64<<10)
	items := make([]connector.Item, batchMessages)
	for i := range items {
		items[i] = itemOf(fmt.Sprint(i), body)
	}
	digest := box.t.NewDigest()
	for range n / batchMessages {
		_, receipts := deliver(b, box, folder, items...)
		if err := <-proofs; err != nil {
			b.Fatal(err)
		}
		if !back {
			proofs <- nil
			continue
		}
		ids := make([]string, len(receipts))
		for i, r := range receipts {
			ids[i] = r.ID
		}
		go func() {
			proofs <- func() error {
				ctx := context.Background()
				box.AnnounceStored(ctx, folder, ids)
				for _, id := range ids {
					_, r, err := box.Open(ctx, folder, id)
					if err != nil {
						return err
					}
					digest.Reset()
					if _, err := io.CopyBuffer(struct{ io.Writer }{digest}, struct{ io.Reader }{r}, buf); err != nil {
						return err
					}
					digest.Sum()
					if err := r.Close(); err != nil {
						return err
					}
				}
				return nil
			}()
		}()
	}
	if err := <-proofs; err != nil {
		b.Fatal(err)
	}
}
