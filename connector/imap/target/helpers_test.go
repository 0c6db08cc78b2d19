package target

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/mail"
)

// spoken counts what was said to a server.
type spoken struct {
	mu    sync.Mutex
	lines []string
}

func (s *spoken) trace(direction, line string) {
	if direction == "C" {
		s.mu.Lock()
		s.lines = append(s.lines, line)
		s.mu.Unlock()
	}
}

// commands counts those that contain the word, since the last call.
func (s *spoken) commands(word string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if strings.Contains(l, " "+word+" ") || strings.HasSuffix(l, " "+word) {
			n++
		}
	}
	s.lines = nil
	return n
}

func openTarget(t testing.TB, loc string, o server.Options) *target {
	t.Helper()
	made, err := Open(t.Context(), location(t, loc), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made.(*target)
}

func openBox(t testing.TB, tg *target, account string) *targetBox {
	t.Helper()
	box, err := tg.Mailbox(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return box.(*targetBox)
}

var delivered = time.Date(2003, 3, 9, 17, 4, 5, 0, time.FixedZone("", 3600))

func itemOf(key, body string, words ...string) connector.Item {
	return connector.Item{
		Message: mail.Message{Key: key, Size: int64(len(body)), InternalDate: delivered, Flags: mail.NewFlagSet(0, words...)},
		Open:    func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
	}
}

func letter(n int) string {
	return fmt.Sprintf("From: anna@example.org\r\nSubject: letter %d\r\n\r\n%s\r\n", n, strings.Repeat("a line of the letter\r\n", n%7))
}

// deliver appends and wants the batch as a whole to go well.
func deliver(t testing.TB, b *targetBox, folder mail.Path, items ...connector.Item) (connector.Position, []connector.Receipt) {
	t.Helper()
	at, err := b.Position(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := b.Append(t.Context(), folder, at, items)
	if err != nil {
		t.Fatal(err)
	}
	if len(receipts) != len(items) {
		t.Fatalf("%d receipts for %d items", len(receipts), len(items))
	}
	return at, receipts
}

func arrivals(t testing.TB, b *targetBox, folder mail.Path, since connector.Position) []connector.Stored {
	t.Helper()
	var list []connector.Stored
	for s, err := range b.Arrived(t.Context(), folder, since) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, s)
	}
	return list
}

func readBack(t testing.TB, b *targetBox, folder mail.Path, id string) string {
	t.Helper()
	_, r, err := b.Open(t.Context(), folder, id)
	if err != nil {
		t.Fatal(err)
	}
	var all bytes.Buffer
	if _, err := all.ReadFrom(r); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func kinds(notes []mail.Note) string {
	var list []string
	for _, n := range notes {
		list = append(list, n.Kind)
	}
	return strings.Join(list, " ")
}
