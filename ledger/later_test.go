package ledger

import (
	"context"
	"testing"

	"waybill/mail"
)

// What a run rests on waits for the disk, also after something that does not.
func TestDurableWritesWaitForTheDisk(t *testing.T) {
	l := openNew(t)
	level := func(later bool) (level int) {
		t.Helper()
		must(t, l.writer.do(t.Context(), later, func(w *writer) error {
			return w.conn.QueryRowContext(context.Background(), `PRAGMA synchronous`).Scan(&level)
		}))
		return level
	}
	const normal, full = 1, 2
	for i, c := range []struct {
		later bool
		want  int
	}{{false, full}, {true, normal}, {true, normal}, {false, full}, {false, full}} {
		if got := level(c.later); got != c.want {
			t.Errorf("write %d (later %v) ran at level %d, want %d", i, c.later, got, c.want)
		}
	}
}

// A checkpoint with an intent waits for the disk; one with outcomes alone does not.
func TestIntentsWaitForTheDisk(t *testing.T) {
	l := openNew(t)
	box, err := l.PutMailbox(t.Context(), Mailbox{User: "anna", Account: "anna"})
	must(t, err)
	must(t, l.Enqueue(t.Context(), []int64{box.ID}))
	_, lease, _, err := l.Claim(t.Context())
	must(t, err)
	folder, err := l.PutFolder(t.Context(), lease, Folder{Path: mail.Inbox, Target: mail.Inbox})
	must(t, err)
	for _, c := range []struct {
		change Change
		want   bool
	}{
		{Change{Open: &Intent{Seq: 1, Position: "1", Keys: []string{"a"}}}, true},
		{Change{Settled: []Row{{Key: "a", State: Verified}}, Close: []int64{1}}, false},
		{Change{Settled: []Row{{Key: "b", State: Quarantined}}, Open: &Intent{Seq: 2, Position: "2", Keys: []string{"c"}}}, true},
		{Change{Complete: &Complete{Found: 1}}, false},
	} {
		c.change.Folder = folder.ID
		must(t, l.Checkpoint(t.Context(), lease, c.change))
		if l.writer.waits != c.want {
			t.Errorf("%+v: waited for the disk is %v, want %v", c.change, l.writer.waits, c.want)
		}
	}
}

func TestAnyArrived(t *testing.T) {
	l := openNew(t)
	box, err := l.PutMailbox(t.Context(), Mailbox{User: "anna", Account: "anna"})
	must(t, err)
	must(t, l.Enqueue(t.Context(), []int64{box.ID}))
	_, lease, _, err := l.Claim(t.Context())
	must(t, err)
	folder, err := l.PutFolder(t.Context(), lease, Folder{Path: mail.Inbox, Target: mail.Inbox})
	must(t, err)
	for _, c := range []struct {
		state State
		want  bool
	}{{Quarantined, false}, {Refused, false}, {Skipped, false}, {Delivered, true}, {Verified, true}} {
		must(t, l.Checkpoint(t.Context(), lease, Change{Folder: folder.ID, Settled: []Row{{Key: "k", State: c.state}}}))
		got, err := l.AnyArrived(t.Context(), box.ID)
		must(t, err)
		if got != c.want {
			t.Errorf("with one message %v: arrived is %v", c.state, got)
		}
	}
	if got, err := l.AnyArrived(t.Context(), box.ID+1); err != nil || got {
		t.Errorf("another mailbox: %v, %v", got, err)
	}
}
