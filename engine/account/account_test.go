package account

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/internal/scratch"
	"waybill/ledger"
	"waybill/mail"
	"waybill/report"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), path, ledger.Options{Command: "test"})
	must(t, err)
	return l
}

// counted is what a test put into one folder.
type counted struct {
	states [7]int64
	bytes  int64
	found  int64 // by the listing; -1: there was none
}

// fill puts random rows into a folder, some of them still on their way.
func fill(t testing.TB, rt *rapid.T, l *ledger.Ledger, lease ledger.Lease, name string) counted {
	ctx := context.Background()
	f, err := l.PutFolder(ctx, lease, ledger.Folder{Path: mail.Path(name), Target: mail.Path(name)})
	must(t, err)
	want := counted{found: -1}
	change := ledger.Change{Folder: f.ID}
	rows := rapid.IntRange(0, 6).Draw(rt, "rows")
	for i := range rows {
		r := ledger.Row{Key: fmt.Sprint(i), State: ledger.State(rapid.IntRange(int(ledger.Delivered), int(ledger.Skipped)).Draw(rt, "state")),
			Size: rapid.Int64Range(-1, 1<<40).Draw(rt, "size")}
		want.states[r.State]++
		want.bytes += max(r.Size, 0)
		change.Settled = append(change.Settled, r)
	}
	if sent := rapid.IntRange(0, 3).Draw(rt, "sent"); sent > 0 {
		change.Open = &ledger.Intent{Seq: 1, Position: "p"}
		for i := range sent {
			change.Open.Keys = append(change.Open.Keys, fmt.Sprint("sent", i))
			want.states[ledger.Sent]++
		}
		if rows > 0 { // a key that has its row already is not counted twice
			change.Open.Keys = append(change.Open.Keys, "0")
		}
	}
	if rapid.Bool().Draw(rt, "listed") {
		want.found = rapid.Int64Range(0, 12).Draw(rt, "found")
		change.Complete = &ledger.Complete{Found: want.found}
	}
	must(t, l.Checkpoint(ctx, lease, change))
	return want
}

// TestArithmetic is the sum that every folder of a waybill keeps, whatever the
// ledger holds, and that nothing is called moved which is not.
func TestArithmetic(t *testing.T) {
	ctx, dir, n := context.Background(), scratch.Dir(t), 0
	// Making the tables takes longest, so that it is done once.
	empty := filepath.Join(dir, "empty")
	must(t, open(t, empty).Close())
	blank, err := os.ReadFile(empty)
	must(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n))
		must(t, os.WriteFile(path, blank, 0o600))
		l := open(t, path)
		defer func() { _ = os.Remove(path) }()
		defer func() { _ = l.Close() }()
		want := map[string]counted{}
		for user := range rapid.IntRange(1, 2).Draw(rt, "users") {
			b, err := l.PutMailbox(ctx, ledger.Mailbox{User: fmt.Sprint("user", user), Account: fmt.Sprint("user", user),
				Action: rapid.SampledFrom([]string{"create", "existing", "skip", "conflict"}).Draw(rt, "action")})
			must(t, err)
			must(t, l.Enqueue(ctx, []int64{b.ID}))
			_, lease, _, err := l.Claim(ctx)
			must(t, err)
			for folder := range rapid.IntRange(0, 3).Draw(rt, "folders") {
				want[fmt.Sprintf("%s/f%d", b.User, folder)] = fill(t, rt, l, lease, fmt.Sprint("f", folder))
			}
			must(t, l.Finish(ctx, lease, rapid.SampledFrom([]ledger.JobState{ledger.Done, ledger.Failed}).Draw(rt, "end"), failure.Internal, ""))
		}
		w, err := Make(ctx, l, "test", time.Now())
		must(t, err)
		var totals report.Count
		folders := 0
		for _, b := range w.Mailboxes {
			var sum report.Count
			whole := true
			for _, f := range b.Folders {
				folders++
				put := want[b.User+"/"+f.Path]
				checkCount(rt, f.Count, put)
				whole = whole && put.found >= 0 && f.Count.Open == 0
				sum = add(sum, f.Count)
			}
			if sum != b.Count {
				rt.Fatalf("%s: folders add up to %+v, the mailbox says %+v", b.User, sum, b.Count)
			}
			totals = add(totals, sum)
			if !whole && (b.State == "complete" || b.State == "exceptions") || b.State == "complete" && sum.Verified+sum.Skipped != sum.Found ||
				b.Action == "conflict" && b.State != "incomplete" {
				rt.Fatalf("%s is %s with %+v", b.User, b.State, b)
			}
		}
		if totals != w.Totals || folders != len(want) {
			rt.Fatalf("%d of %d folders add up to %+v, the waybill says %+v", folders, len(want), totals, w.Totals)
		}
		lines := int64(0)
		for _, err := range Lines(ctx, l, true) {
			must(t, err)
			lines++
		}
		if rows := totals.Delivered + totals.Quarantined + totals.Refused + totals.Skipped; lines != rows {
			rt.Fatalf("%d lines for %d messages that have an outcome", lines, rows)
		}
	})
}

func checkCount(rt *rapid.T, c report.Count, put counted) {
	rows := int64(0)
	for _, n := range put.states {
		rows += n
	}
	switch {
	case c.Found != c.Verified+c.Quarantined+c.Refused+c.Skipped+c.Open:
		rt.Fatalf("does not add up: %+v", c)
	case c.Found != max(rows, put.found), c.Open < put.states[ledger.Sent]+put.states[ledger.Delivered], c.Bytes != put.bytes:
		rt.Fatalf("%+v, and the ledger was given %+v", c, put)
	case c.Verified != put.states[ledger.Verified], c.Quarantined != put.states[ledger.Quarantined], c.Refused != put.states[ledger.Refused],
		c.Skipped != put.states[ledger.Skipped], c.Delivered != c.Verified+put.states[ledger.Delivered]:
		rt.Fatalf("%+v, and the ledger was given %+v", c, put)
	}
}

// A ledger that a killed run left has no documents, and its waybill is written
// all the same.
func TestResumedLedger(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(scratch.Dir(t), "test.ledger")
	l := open(t, path)
	first, _, err := l.BeginRun(ctx, "first")
	must(t, err)
	b, err := l.PutMailbox(ctx, ledger.Mailbox{User: "anna", Account: "anna", Action: "create"})
	must(t, err)
	must(t, l.Enqueue(ctx, []int64{b.ID}))
	_, lease, _, err := l.Claim(ctx)
	must(t, err)
	f, err := l.PutFolder(ctx, lease, ledger.Folder{Path: mail.Inbox, Target: mail.Inbox})
	must(t, err)
	must(t, l.Checkpoint(ctx, lease, ledger.Change{Folder: f.ID, Settled: []ledger.Row{{Key: "1", State: ledger.Verified, Size: 10}},
		Open: &ledger.Intent{Seq: 1, Position: "p", Keys: []string{"2"}}}))
	must(t, l.Close()) // killed: the run has no end

	l = open(t, path)
	w, err := Make(ctx, l, "test", time.Now())
	must(t, err)
	if w.Run.ID != first.ID || !w.Run.Ended.IsZero() || len(w.Runs) != 1 || w.Mailboxes[0].State != "incomplete" || w.Totals.Open != 1 || w.Totals.Verified != 1 {
		t.Errorf("after the first run: %+v", w)
	}
	second, previous, err := l.BeginRun(ctx, "second")
	must(t, err)
	if previous == nil || previous.ID != first.ID {
		t.Errorf("the run before is %+v", previous)
	}
	must(t, l.Enqueue(ctx, []int64{b.ID}))
	_, lease, _, err = l.Claim(ctx)
	must(t, err)
	must(t, l.Checkpoint(ctx, lease, ledger.Change{Folder: f.ID, Settled: []ledger.Row{{Key: "2", State: ledger.Verified, Size: 5}}, Close: []int64{1},
		Complete: &ledger.Complete{Found: 2}}))
	must(t, l.Finish(ctx, lease, ledger.Done, failure.Internal, ""))
	must(t, l.EndRun(ctx, second.ID, 0))
	must(t, l.Close())

	l = open(t, path)
	defer l.Close()
	w, err = Make(ctx, l, "test", time.Now())
	must(t, err)
	if w.Run.ID != second.ID || w.Run.Ended.IsZero() || len(w.Runs) != 2 || !w.Runs[0].Ended.IsZero() || w.Mailboxes[0].State != "complete" {
		t.Errorf("after the second run: %+v", w)
	}
	if w.Totals.Found != 2 || w.Totals.Verified != 2 || w.Totals.Open != 0 || w.Totals.VerifiedBytes != 15 {
		t.Errorf("totals are %+v", w.Totals)
	}
}

func TestDocuments(t *testing.T) {
	ctx := context.Background()
	for _, name := range []string{documentFindings, documentDirectory, documentSystems, documentResult} {
		l := open(t, filepath.Join(scratch.Dir(t), "test.ledger"))
		if w, err := Make(ctx, l, "test", time.Now()); err != nil || w.ExitCode() == 0 {
			t.Errorf("an empty ledger: %v; it must not prove anything", err)
		}
		must(t, l.PutDocument(ctx, name, []byte("{not json")))
		if _, err := Make(ctx, l, "test", time.Now()); failure.ClassOf(err) != failure.Malformed || failure.RuleOf(err) != "ledger.document" {
			t.Errorf("document %s is broken: %v", name, err)
		}
		must(t, l.Close())
	}
}
