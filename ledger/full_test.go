package ledger

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"waybill/failure"
)

// setPageLimit makes the disk look full to SQLite from a number of pages on.
func setPageLimit(t *testing.T, l *Ledger, pages int) {
	t.Helper()
	must(t, l.writer.do(context.Background(), false, func(w *writer) error {
		_, err := w.conn.ExecContext(context.Background(), fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
		return err
	}))
}

func pageCount(t *testing.T, l *Ledger) (n int) {
	t.Helper()
	must(t, l.readers.QueryRow(`PRAGMA page_count`).Scan(&n))
	return n
}

// fillUntilFull settles rows until it fails, and returns how many were acknowledged.
func fillUntilFull(t *testing.T, l *Ledger, lease Lease, f Folder, from int) int {
	t.Helper()
	for n := from; n < from+200_000; n += 100 {
		rows := make([]Row, 100)
		for i := range rows {
			rows[i] = typical(n + i)
		}
		if err := l.Checkpoint(context.Background(), lease, Change{Folder: f.ID, Settled: rows, Close: []int64{int64(n)},
			Open: &Intent{Seq: int64(n + 100), Keys: []string{"next"}}}); err != nil {
			wantClass(t, err, failure.Full, "ledger.full")
			return n
		}
	}
	t.Fatal("the disk was never full")
	return 0
}

func wantWhole(t *testing.T, l *Ledger, f Folder, rows int) {
	t.Helper()
	must(t, l.Check(context.Background()))
	if got := len(collect(t, l, f.ID)); got != rows {
		t.Fatalf("%d rows, and %d were acknowledged", got, rows)
	}
	intents, err := l.Intents(context.Background(), f.ID)
	must(t, err)
	if rows > 0 && (len(intents) != 1 || intents[0].Seq != int64(rows)) {
		t.Fatalf("intents %v after %d rows", intents, rows)
	}
}

func TestFullByLimit(t *testing.T) {
	l := openNew(t)
	_, lease, f := working(t, l, "anna")
	setPageLimit(t, l, pageCount(t, l)+60)
	n := fillUntilFull(t, l, lease, f, 0)
	wantWhole(t, l, f, n)
	// A small write may still find room, and finishing a job must.
	must(t, l.Finish(context.Background(), lease, Failed, failure.Full, "no space"))
	setPageLimit(t, l, 1<<30)
	_, lease, _ = working(t, l, "anna")
	fill(t, l, lease, f, n, 100)
	if got := len(collect(t, l, f.ID)); got != n+100 {
		t.Errorf("after space came back: %d rows, want %d", got, n+100)
	}
}

// TestFullFailsAlone has a large write fill the disk while small ones wait with
// it for the same transaction.
func TestFullFailsAlone(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	_, big, f := working(t, l, "big")
	_, small, g := working(t, l, "small")
	setPageLimit(t, l, pageCount(t, l)+10)
	release := holdWriter(l)
	var wg sync.WaitGroup
	var bigErr, smallErr error
	rows := make([]Row, 5000)
	for i := range rows {
		rows[i] = typical(i)
	}
	wg.Go(func() { bigErr = l.Checkpoint(ctx, big, Change{Folder: f.ID, Settled: rows}) })
	wg.Go(func() { smallErr = l.Checkpoint(ctx, small, Change{Folder: g.ID, Settled: rows[:3]}) })
	release(2)
	wg.Wait()
	wantClass(t, bigErr, failure.Full, "ledger.full")
	must(t, smallErr)
	if a, b := len(collect(t, l, f.ID)), len(collect(t, l, g.ID)); a != 0 || b != 3 {
		t.Errorf("%d rows of the large write and %d of the small one", a, b)
	}
}

// holdWriter stops the writer; release lets it go on once a number of writes wait.
func holdWriter(l *Ledger) (release func(waiting int)) {
	held, free := make(chan struct{}), make(chan struct{})
	go func() {
		_ = l.writer.do(context.Background(), false, func(*writer) error {
			close(held)
			<-free
			return errors.New("nothing to write")
		})
	}()
	<-held
	return func(waiting int) {
		for len(l.writer.tasks) < waiting {
			runtime.Gosched()
		}
		close(free)
	}
}

// TestFullDisk fills a real file system and makes it larger again.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, "size=1m")
	l := openAt(t, filepath.Join(dir, "full.ledger"), Options{})
	_, lease, f := working(t, l, "anna")
	n := fillUntilFull(t, l, lease, f, 0)
	wantWhole(t, l, f, n)
	resizeDisk(t, dir, "size=3m")
	n = fillUntilFull(t, l, lease, f, n)
	wantWhole(t, l, f, n)
	resizeDisk(t, dir, "size=40m")
	fill(t, l, lease, f, n, 100)
	must(t, l.Close())
	r := openAt(t, filepath.Join(dir, "full.ledger"), Options{ReadOnly: true})
	must(t, r.Check(context.Background()))
	if got := len(collect(t, r, f.ID)); got != n+100 {
		t.Errorf("after space came back: %d rows, want %d", got, n+100)
	}
	must(t, r.Close())
}
