package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// clock is a clock that tests turn.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func openAt(t testing.TB, path string, opt Options) *Ledger {
	t.Helper()
	l, err := Open(context.Background(), path, opt)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func openNew(t testing.TB) *Ledger {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "test.ledger"), Options{Command: "test"})
}

// working makes a mailbox with a folder and claims it.
func working(t testing.TB, l *Ledger, user string) (Mailbox, Lease, Folder) {
	t.Helper()
	ctx := context.Background()
	m, err := l.PutMailbox(ctx, Mailbox{User: user, Account: user, Action: "existing"})
	must(t, err)
	must(t, l.Enqueue(ctx, []int64{m.ID}))
	m, lease, ok, err := l.Claim(ctx)
	must(t, err)
	if !ok || m.User != user {
		t.Fatalf("claimed %q, %v; want %q", m.User, ok, user)
	}
	f, err := l.PutFolder(ctx, lease, Folder{Path: mail.Inbox, Target: mail.Inbox, Use: mail.UseInbox})
	must(t, err)
	return m, lease, f
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantClass(t testing.TB, err error, class failure.Class, rule string) {
	t.Helper()
	if err == nil || failure.ClassOf(err) != class || failure.RuleOf(err) != rule {
		t.Fatalf("got %v (%v, %s); want class %v, rule %s", err, failure.ClassOf(err), failure.RuleOf(err), class, rule)
	}
}

// fullRow is a row in which everything is set.
func fullRow(key string) Row {
	return Row{Key: key, State: Refused, Size: 1234, Digest: mail.Digest{1, 2, 3}, Fingerprint: mail.Digest{4},
		Date: time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC), Flags: mail.NewFlagSet(mail.Seen|mail.Flagged, "work", "Red Category", `qu"ote`),
		Target: "4711", Rule: "target.refused", Reason: "552 too large", Class: failure.TooLarge,
		Notes: []mail.Note{{Kind: "date-unknown", Text: "The date is that of the file."}, {Kind: "keyword-renamed", Text: "a b is a_b."}}}
}

func sameRow(a, b Row) bool {
	return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b)
}

func collect(t testing.TB, l *Ledger, folder int64, states ...State) []Row {
	t.Helper()
	var rows []Row
	for r, err := range l.Rows(context.Background(), folder, states...) {
		must(t, err)
		rows = append(rows, r)
	}
	return rows
}

func TestCheckpointKeepsEverythingOfARow(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	_, lease, f := working(t, l, "anna")
	odd := "caf\xe9:2,S\x00end"
	plain := Row{Key: odd, State: Delivered, Size: -1}
	negative := Row{Key: "old", State: Verified, Size: 5, Date: time.Date(1931, 1, 1, 0, 0, 0, 0, time.UTC)}
	must(t, l.Checkpoint(ctx, lease, Change{Folder: f.ID, Settled: []Row{fullRow("b"), plain, negative}}))

	want := []Row{fullRow("b"), plain, negative}
	got, err := l.Lookup(ctx, f.ID, []string{"b", "nothing", odd, "old", "b"})
	must(t, err)
	for i, w := range []Row{fullRow("b"), {Key: "nothing"}, plain, negative, fullRow("b")} {
		if !sameRow(got[i], w) {
			t.Errorf("lookup %d: got %+v\nwant %+v", i, got[i], w)
		}
	}
	rows := collect(t, l, f.ID)
	if !slices.EqualFunc(rows, want, sameRow) {
		t.Errorf("rows: got %+v\nwant %+v", rows, want)
	}
	if rows := collect(t, l, f.ID, Refused, Quarantined); len(rows) != 1 || rows[0].Key != "b" || len(rows[0].Notes) != 2 {
		t.Errorf("rows refused: got %+v", rows)
	}

	// Settling a row again replaces all of it.
	again := Row{Key: "b", State: Verified, Size: 1234, Target: "9"}
	must(t, l.Checkpoint(ctx, lease, Change{Folder: f.ID, Settled: []Row{fullRow("b"), again}}))
	got, err = l.Lookup(ctx, f.ID, []string{"b"})
	must(t, err)
	if !sameRow(got[0], again) {
		t.Errorf("after settling again: got %+v, want %+v", got[0], again)
	}
	counts, err := l.NoteCounts(ctx, 0)
	must(t, err)
	if len(counts) != 0 {
		t.Errorf("notes of a replaced row are counted: %v", counts)
	}
}

func TestCheckpointRefusesWhatCannotBe(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	_, lease, f := working(t, l, "anna")
	_, other, g := working(t, l, "berta")
	long := string(make([]byte, 256))
	for name, c := range map[string]struct {
		change Change
		rule   string
	}{
		"empty key":       {Change{Folder: f.ID, Settled: []Row{{State: Verified}}}, "ledger.key"},
		"long key":        {Change{Folder: f.ID, Settled: []Row{{Key: long, State: Verified}}}, "ledger.key"},
		"long target":     {Change{Folder: f.ID, Settled: []Row{{Key: "k", Target: long, State: Verified}}}, "ledger.key"},
		"no outcome":      {Change{Folder: f.ID, Settled: []Row{{Key: "k", State: Sent}}}, "ledger.state"},
		"long intent":     {Change{Folder: f.ID, Open: &Intent{Keys: []string{long}}}, "ledger.key"},
		"empty rekey":     {Change{Folder: f.ID, Rekey: []Rekey{{"a", ""}}}, "ledger.key"},
		"folder of other": {Change{Folder: g.ID, Settled: []Row{{Key: "k", State: Verified}}}, "ledger.folder"},
		"no such folder":  {Change{Folder: 99, Settled: []Row{{Key: "k", State: Verified}}}, "ledger.folder"},
	} {
		t.Run(name, func(t *testing.T) {
			good := Change{Folder: f.ID, Settled: []Row{{Key: "good", State: Verified}}}
			wantClass(t, l.Checkpoint(ctx, lease, good, c.change), failure.Internal, c.rule)
			if rows := collect(t, l, f.ID); len(rows) != 0 {
				t.Errorf("part of it was written: %v", rows)
			}
		})
	}
	if err := l.Checkpoint(ctx, Lease{other.Mailbox, other.Attempt + 1}, Change{Folder: g.ID}); !errors.Is(err, ErrFenced) {
		t.Errorf("got %v, want ErrFenced", err)
	}
}
