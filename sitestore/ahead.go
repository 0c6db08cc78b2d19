package sitestore

import (
	"context"
	"database/sql"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"waybill/sitestore/blob"
)

// Messages are mostly opened one after the other: when a delivery is read back,
// and when a folder is copied. Asking the index for a whole stretch at once
// costs a fraction of asking for each.
const (
	aheadRows = 100
	// aheadAge bounds how old an answer may be, for systems whose files tell
	// of changes late.
	aheadAge = 50 * time.Millisecond
)

// located is a message with the place of its body.
type located struct {
	row
	segment sql.NullInt64
	loc     blob.Location
}

// ahead is a stretch of a folder that was read in advance.
type ahead struct {
	mu     sync.Mutex
	folder int64
	last   uint32 // opened last
	rows   []located
	stamp  stamp
}

// stamp is a moment in the life of a site. Equal stamps mean that the folder
// was not changed in between: not by this process, which counts its changes,
// nor by others, whose changes touch the write-ahead log.
type stamp struct {
	changes  uint64
	logSize  int64
	logTime  time.Time
	readTime time.Time
}

// changeCounts counts changes of this process; folders share a few counters.
type changeCounts [64]atomic.Uint64

func (c *changeCounts) of(folder int64) *atomic.Uint64 {
	return &c[uint64(folder)%uint64(len(c))]
}

func (s *Store) stamp(folder int64) stamp {
	st := stamp{changes: s.changes.of(folder).Load(), readTime: time.Now()}
	if info, err := os.Stat(s.path + "-wal"); err == nil {
		st.logSize, st.logTime = info.Size(), info.ModTime()
	}
	return st
}

func (a stamp) stillHolds(now stamp) bool {
	return a.changes == now.changes && a.logSize == now.logSize && a.logTime.Equal(now.logTime) &&
		now.readTime.Sub(a.readTime) < aheadAge
}

// find gives a message and the place of its body; found is false when the
// folder has no such message.
func (m *Mailbox) find(ctx context.Context, folder int64, uid uint32) (r located, found bool, err error) {
	a := &m.ahead
	a.mu.Lock()
	defer a.mu.Unlock()
	now := m.store.stamp(folder)
	if a.folder == folder && len(a.rows) > 0 && a.stamp.stillHolds(now) {
		first, last := a.rows[0].UID, a.rows[len(a.rows)-1].UID
		if uid >= first && uid <= last {
			for i := range a.rows {
				if a.rows[i].UID == uid {
					a.last = uid
					return a.rows[i], true, nil
				}
			}
			return r, false, nil
		}
	}
	limit := 1
	if a.folder == folder && uid > a.last && uid-a.last <= 2 {
		limit = aheadRows
	}
	a.folder, a.last, a.rows, a.stamp = folder, uid, a.rows[:0], now
	err = m.store.index.Rows(ctx, "open message", `SELECT `+messageColumns+`, b.segment, coalesce(b.place, 0), coalesce(b.stored, 0),
		coalesce(b.encoding, 0) FROM message m LEFT JOIN blob b ON b.digest = m.digest
		WHERE m.folder = ? AND m.uid >= ? ORDER BY m.uid LIMIT ?`, func(rows *sql.Rows) error {
		a.rows = append(a.rows, located{})
		l := &a.rows[len(a.rows)-1]
		return rows.Scan(append(l.into(), &l.segment, &l.loc.Offset, &l.loc.Stored, &l.loc.Encoding)...)
	}, folder, int64(uid), limit)
	if err != nil || len(a.rows) == 0 || a.rows[0].UID != uid {
		a.rows = a.rows[:0]
		return r, false, err
	}
	return a.rows[0], true, nil
}
