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
