package ledger

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// maxBytesPerRow is what a typical message may take on the disk, with all that
// belongs to it.
const maxBytesPerRow = 200

func TestBytesPerRow(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("writes many rows")
	}
	const rows = 100_000
	for name, order := range map[string]func() []int{
		"in order of arrival": func() []int {
			list := make([]int, rows)
			for i := range list {
				list[i] = i
			}
			return list
		},
		"in any order": func() []int { return rand.New(rand.NewPCG(1, 2)).Perm(rows / 3) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "size.ledger")
			l := openAt(t, path, Options{})
			_, lease, f := working(t, l, "anna")
			batch := make([]Row, 0, 500)
			numbers := order()
			for i, n := range numbers {
				batch = append(batch, typical(n))
				if len(batch) == cap(batch) || i == len(numbers)-1 {
					must(t, l.Checkpoint(context.Background(), lease, Change{Folder: f.ID, Settled: batch}))
					batch = batch[:0]
				}
			}
			must(t, l.Close())
			info, err := os.Stat(path)
			must(t, err)
			if wal, err := os.Stat(path + "-wal"); err == nil {
				t.Errorf("a log of %d bytes was left", wal.Size())
			}
			per := float64(info.Size()) / float64(len(numbers))
			t.Logf("%.1f bytes per row", per)
			if per > maxBytesPerRow {
				t.Errorf("%.1f bytes per row, at most %d", per, maxBytesPerRow)
			}
		})
	}
}

// TestNothingIsSorted makes sure that queries over all rows walk the tables in
// order, and hold nothing in memory.
func TestNothingIsSorted(t *testing.T) {
	ctx := context.Background()
	l := openNew(t)
	_, lease, f := working(t, l, "anna")
	fill(t, l, lease, f, 0, 100)
	for name, query := range map[string]string{
		"rows":           `SELECT ` + rowColumns + ` FROM message m` + rowJoins + ` WHERE m.folder = 1` + inStates([]State{Verified}) + ` ORDER BY m.key, n.ord`,
		"exceptions":     exceptionsQuery(false),
		"all messages":   exceptionsQuery(true),
		"tallies":        tallyQuery(false),
		"events":         `SELECT time FROM event ORDER BY id`,
		"events of run":  `SELECT time FROM event WHERE run = 1 ORDER BY id`,
		"oldest in line": `SELECT id, turn FROM mailbox WHERE state = 1 ORDER BY turn LIMIT 1`,
	} {
		rows, err := l.readers.QueryContext(ctx, `EXPLAIN QUERY PLAN `+query)
		must(t, err)
		must(t, drain(rows, func(rows *sql.Rows) error {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				return err
			}
			if strings.Contains(detail, "TEMP B-TREE") || strings.Contains(detail, "AUTOMATIC") {
				t.Errorf("%s: %s", name, detail)
			}
			return nil
		}))
	}
}
