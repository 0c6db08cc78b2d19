package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"waybill/failure"
)

// TestGroupCommit holds the writer until many checkpoints wait, one of them
// under a lost lease and one that breaks a rule: these two fail alone.
func TestGroupCommit(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	const workers = 6
	leases := make([]Lease, workers)
	folders := make([]Folder, workers)
	for i := range workers {
		_, leases[i], folders[i] = working(t, l, fmt.Sprintf("user%d", i))
	}
	must(t, l.Cancel(ctx, leases[2].Mailbox))
	commits := committed(t, l)
	release := holdWriter(l)
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for i := range workers {
		change := Change{Folder: folders[i].ID, Settled: []Row{fullRow("a"), {Key: "b", State: Verified}}}
		if i == 4 {
			change.Rekey = []Rekey{{"x", "y"}, {"x", "z"}}
		}
		wg.Go(func() { errs[i] = l.Checkpoint(ctx, leases[i], change) })
	}
	release(workers)
	wg.Wait()
	for i, err := range errs {
		want := 2
		switch i {
		case 2:
			if !errors.Is(err, ErrFenced) {
				t.Errorf("cancelled worker: %v", err)
			}
			want = 0
		case 4:
			wantClass(t, err, failure.Conflict, "ledger.rekey")
			want = 0
		default:
			must(t, err)
		}
		if got := len(collect(t, l, folders[i].ID)); got != want {
			t.Errorf("worker %d has %d rows, want %d", i, got, want)
		}
	}
	if n := committed(t, l) - commits; n != 1 {
		t.Errorf("%d transactions for %d checkpoints that waited together", n, workers)
	}
	if l.BlockedTime() <= 0 {
		t.Error("nobody has waited")
	}
}

// committed counts the transactions that were committed since Open.
func committed(t *testing.T, l *Ledger) (n int) {
	t.Helper()
	_ = l.writer.do(context.Background(), false, func(w *writer) error {
		n = w.commits
		return errors.New("nothing to write")
	})
	return n
}

// TestReadWhileWriting has iterators, whose consumers read and write in the
// middle of them, run beside checkpoints.
func TestReadWhileWriting(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	const workers = 12 // more than connections are kept
	var wg sync.WaitGroup
	for i := range workers {
		_, lease, f := working(t, l, fmt.Sprintf("user%02d", i))
		keys := fill(t, l, lease, f, 0, 60)
		wg.Go(func() {
			n := 0
			for r, err := range l.Rows(ctx, f.ID, Verified) {
				if err != nil || r.Key != keys[n] {
					t.Errorf("row %d: %q, %v", n, r.Key, err)
					return
				}
				n++
				r.State, r.Reason = Refused, "changed meanwhile"
				if err := l.Checkpoint(ctx, lease, Change{Folder: f.ID, Settled: []Row{r}}); err != nil {
					t.Error(err)
				}
				if got, err := l.Lookup(ctx, f.ID, []string{r.Key}); err != nil || got[0].State != Refused {
					t.Errorf("lookup inside of an iterator: %+v, %v", got, err)
				}
			}
			if n != len(keys) {
				t.Errorf("the iterator saw %d of %d rows that were there when it began", n, len(keys))
			}
		})
	}
	wg.Wait()
	n := 0
	var last Exception
	for x, err := range l.Exceptions(ctx, false) {
		must(t, err)
		if n > 0 && (x.User < last.User || x.User == last.User && x.Row.Key <= last.Row.Key) || x.Account != x.User || x.Folder != "INBOX" {
			t.Fatalf("%+v after %+v", x, last)
		}
		last = x
		n++
	}
	if n != workers*60 {
		t.Errorf("%d exceptions", n)
	}
	for range l.Exceptions(ctx, true) {
		break // an iterator may be left early
	}
}

func TestCancelledContext(t *testing.T) {
	l := openNew(t)
	_, lease, f := working(t, l, "anna")
	fill(t, l, lease, f, 0, 10)
	change := Change{Folder: f.ID, Settled: []Row{{Key: "late", State: Verified}}}

	ctx, cancel := context.WithCancel(context.Background())
	release := holdWriter(l)
	result := make(chan error, 1)
	go func() { result <- l.Checkpoint(ctx, lease, change) }()
	for len(l.writer.tasks) < 1 {
		runtime.Gosched()
	}
	cancel()
	wantClass(t, <-result, failure.Cancelled, "cancelled")
	release(1)
	wantClass(t, l.Checkpoint(ctx, lease, change), failure.Cancelled, "cancelled")
	if rows := collect(t, l, f.ID); len(rows) != 10 {
		t.Errorf("a cancelled checkpoint was written: %d rows", len(rows))
	}
	var err error
	for _, err = range l.Rows(ctx, f.ID) {
	}
	wantClass(t, err, failure.Cancelled, "cancelled")
	_, err = l.Tallies(ctx, 0)
	wantClass(t, err, failure.Cancelled, "cancelled")
	must(t, l.Checkpoint(context.Background(), lease, change))
}

// TestCloseWaits closes while checkpoints are under way: each is written and
// acknowledged, or refused and not written.
func TestCloseWaits(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx := context.Background()
	l := openNew(t)
	path := l.path
	_, lease, f := working(t, l, "anna")
	var mu sync.Mutex
	written := map[string]bool{}
	var wg sync.WaitGroup
	started := make(chan struct{}, 1000)
	for i := range 4 {
		wg.Go(func() {
			for n := range 200 {
				key := fmt.Sprintf("%d-%03d", i, n)
				err := l.Checkpoint(ctx, lease, Change{Folder: f.ID, Settled: []Row{{Key: key, State: Verified}}})
				if err != nil {
					if failure.RuleOf(err) != "ledger.closed" {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				written[key] = true
				mu.Unlock()
				started <- struct{}{}
			}
		})
	}
	for range 20 {
		<-started
	}
	must(t, l.Close())
	wg.Wait()
	r := openAt(t, path, Options{ReadOnly: true})
	rows := collect(t, r, f.ID)
	if len(rows) != len(written) || len(rows) < 20 {
		t.Errorf("%d rows, %d were acknowledged", len(rows), len(written))
	}
	for _, row := range rows {
		if !written[row.Key] {
			t.Errorf("%s was written and not acknowledged", row.Key)
		}
	}
	must(t, r.Close())
}
