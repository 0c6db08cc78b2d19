package ledger

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill/mail"
)

// typical is a row as a migration from Dovecot's Maildir to IMAP leaves it.
func typical(i int) Row {
	r := Row{Key: maildirKey(i), State: Verified, Size: int64(2000 + i%50_000), Target: fmt.Sprint(100_000 + i),
		Date: time.Unix(int64(1_200_000_000+i*37), 0).UTC(), Flags: mail.FlagSet{System: mail.Seen}}
	for j := range r.Digest {
		r.Digest[j] = byte(i >> (j % 4 * 8) * (j + 3))
	}
	return r
}

// maildirKey is a name of 60 characters as Dovecot gives it.
func maildirKey(i int) string {
	return fmt.Sprintf("%d.M%06dP%05d.mail1.example.org,S=%06d,W=%06d", 1_200_000_000+i*37, i*7919%1_000_000, i%32768, 2000+i, 2000+i)[:60]
}

func BenchmarkCheckpoint(b *testing.B) {
	for _, size := range []int{50, 500} {
		b.Run(fmt.Sprintf("rows=%d", size), func(b *testing.B) {
			l := openNew(b)
			_, lease, f := working(b, l, "anna")
			ctx := context.Background()
			rows := make([]Row, size)
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				b.StopTimer()
				for i := range rows {
					rows[i] = typical(n)
					n++
				}
				b.StartTimer()
				must(b, l.Checkpoint(ctx, lease, Change{Folder: f.ID, Settled: rows}))
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkCheckpointMany(b *testing.B) {
	const workers, size = 8, 100
	l := openNew(b)
	ctx := context.Background()
	leases := make([]Lease, workers)
	folders := make([]Folder, workers)
	for i := range workers {
		_, leases[i], folders[i] = working(b, l, fmt.Sprintf("user%d", i))
	}
	var left, done atomic.Int64
	left.Store(int64(b.N))
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			rows := make([]Row, size)
			for n := 0; left.Add(-1) >= 0; n += size {
				for j := range rows {
					rows[j] = typical(n + j)
				}
				if err := l.Checkpoint(ctx, leases[i], Change{Folder: folders[i].ID, Settled: rows}); err != nil {
					b.Error(err)
					return
				}
				done.Add(size)
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(done.Load())/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkLookup(b *testing.B) {
	l := openNew(b)
	_, lease, f := working(b, l, "anna")
	ctx := context.Background()
	keys := fill(b, l, lease, f, 0, 10_000)
	i := 0
	for b.Loop() {
		_, err := l.Lookup(ctx, f.ID, keys[i:i+500])
		must(b, err)
		i = (i + 500) % (len(keys) - 500)
	}
	b.ReportMetric(float64(b.N)*500/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkTallies(b *testing.B) {
	l := openNew(b)
	_, lease, f := working(b, l, "anna")
	fill(b, l, lease, f, 0, 200_000)
	for b.Loop() {
		_, err := l.Tallies(context.Background(), 0)
		must(b, err)
	}
	b.ReportMetric(float64(b.N)*200_000/b.Elapsed().Seconds(), "rows/s")
}

// fill settles typical rows and returns their keys.
func fill(t testing.TB, l *Ledger, lease Lease, f Folder, from, n int) []string {
	t.Helper()
	var keys []string
	var rows []Row
	for i := range n {
		rows = append(rows, typical(from+i))
		keys = append(keys, rows[len(rows)-1].Key)
		if len(rows) == 500 || i == n-1 {
			must(t, l.Checkpoint(context.Background(), lease, Change{Folder: f.ID, Settled: rows}))
			rows = rows[:0]
		}
	}
	return keys
}
