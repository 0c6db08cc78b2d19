//go:build unix

package maildir

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/directory"
	"waybill/mail"
)

// BenchmarkRead lists a folder and reads every message once, as a run does.
func BenchmarkRead(b *testing.B) {
	const n = 5000
	dir := b.TempDir()
	cur := filepath.Join(dir, "anna", "cur")
	if err := os.MkdirAll(cur, 0o700); err != nil {
		b.Fatal(err)
	}
	body := []byte(strings.Repeat("A line of an ordinary message.\r\n", 120))
	for i := range n {
		name := fmt.Sprintf("%d.M%dP%d.host.example.org,S=%d:2,S", 1350506030+i, i, i, len(body))
		if err := os.WriteFile(filepath.Join(cur, name), body, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	ctx := context.Background()
	source, err := Source(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		box, err := source.Mailbox(ctx, "anna")
		if err != nil {
			b.Fatal(err)
		}
		for m, err := range box.Messages(ctx, mail.Inbox) {
			if err != nil {
				b.Fatal(err)
			}
			r, err := box.Open(ctx, mail.Inbox, m)
			if err != nil {
				b.Fatal(err)
			}
			for {
				if _, err := r.Read(buf); err == io.EOF {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
			_ = r.Close()
		}
		_ = box.Close()
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
}

// BenchmarkAppend delivers batches of small messages.
func BenchmarkAppend(b *testing.B) {
	const n = 500
	ctx := context.Background()
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	if err := target.CreateAccount(ctx, directory.User{ID: "anna"}); err != nil {
		b.Fatal(err)
	}
	box, err := target.Mailbox(ctx, "anna")
	if err != nil {
		b.Fatal(err)
	}
	batch := make([]sample, n)
	for i := range batch {
		batch[i] = sample{body: strings.Repeat(letterText(i), 30), date: samples()[0].date, flags: mail.NewFlagSet(mail.Seen)}
	}
	b.ReportAllocs()
	for b.Loop() {
		at, err := box.Position(ctx, mail.Inbox)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := box.Append(ctx, mail.Inbox, at, items(batch)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "messages/s")
}
