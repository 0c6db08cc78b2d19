package sitestore

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// Message is one message of a folder.
type Message struct {
	UID    uint32
	Digest mail.Digest
	Size   int64
	Flags  mail.FlagSet
	// Date is the internal date, to the second, with its zone; zero when it is
	// not known.
	Date   time.Time
	ModSeq int64
}

// row is a message as the table has it.
type row struct {
	Message
	digest   []byte
	flags    int64
	keywords int64
	date     sql.NullInt64
	zone     int
}

const messageColumns = `m.uid, m.digest, m.size, m.flags, m.keywords, m.date, m.zone, m.modseq`

func (r *row) into() []any {
	return []any{&r.UID, &r.digest, &r.Size, &r.flags, &r.keywords, &r.date, &r.zone, &r.ModSeq}
}

func (r *row) message(ctx context.Context, s *Store) (Message, error) {
	m := r.Message
	if len(r.digest) != len(m.Digest) {
		return m, failure.New(failure.Malformed, "read message", s.path, "site.damaged", errors.New("a digest in the index has a wrong length"))
	}
	copy(m.Digest[:], r.digest)
	words, err := s.keywordsOf(ctx, r.keywords)
	m.Flags = mail.FlagSet{System: mail.Flags(r.flags), Keywords: words}
	if r.date.Valid {
		m.Date = s.date(r.date.Int64, r.zone)
	}
	return m, err
}

// date puts an internal date together again.
func (s *Store) date(seconds int64, zone int) time.Time {
	t := time.Unix(seconds, 0).UTC()
	if zone < -maxZone || zone > maxZone || zone == 0 {
		return t
	}
	// There are few zones and many dates.
	at := &s.zones[zone+maxZone]
	loc := at.Load()
	if loc == nil {
		loc = time.FixedZone("", zone*60)
		at.Store(loc)
	}
	return t.In(loc)
}

// maxZone is the largest offset from UTC that is kept, in minutes.
const maxZone = 18 * 60

// Dates that can be kept.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
)

// EarliestDate and LatestDate bound the internal dates that a site keeps. The
// first second of year 1 is Go's zero time and stands for "not known".
func EarliestDate() time.Time { return earliest }

// LatestDate is the last second of year 9999.
func LatestDate() time.Time { return latest }

// dateColumns takes an internal date apart; seconds is nil when it is not known.
func dateColumns(t time.Time) (seconds any, zone int64) {
	if t.IsZero() {
		return nil, 0
	}
	if t.Before(earliest) {
		t = earliest
	}
	if t.After(latest) {
		t = latest
	}
	_, offset := t.Zone()
	if zone = int64(offset) / 60; zone < -maxZone || zone > maxZone {
		zone = 0
	}
	return t.Unix(), zone
}

// List gives up to limit messages of a folder whose UID is at least from, by
// UID.
func (m *Mailbox) List(ctx context.Context, folder mail.Path, from uint32, limit int) ([]Message, error) {
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return nil, err
	}
	return m.rows(ctx, "list messages", `SELECT `+messageColumns+` FROM message m WHERE m.folder = ? AND m.uid >= ? ORDER BY m.uid LIMIT ?`, id, int64(from), limit)
}

// Open gives a message and its body. A message that is not there is an error of
// class Vanished.
func (m *Mailbox) Open(ctx context.Context, folder mail.Path, uid uint32) (Message, io.ReadCloser, error) {
	const op = "open message"
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return Message{}, nil, err
	}
	r, found, err := m.find(ctx, id, uid)
	if err != nil {
		return Message{}, nil, err
	}
	if !found {
		return Message{}, nil, failure.New(failure.Vanished, op, m.whereUID(folder, uid), "site.no-such-message", nil)
	}
	msg, err := r.message(ctx, m.store)
	if err != nil {
		return msg, nil, err
	}
	if !r.segment.Valid {
		return msg, nil, failure.New(failure.Malformed, op, m.whereUID(folder, uid), "site.body-missing", errors.New("the index has no body for this message")).
			WithRemedy("restore the site from a backup")
	}
	loc := r.loc
	loc.Segment, loc.Size = r.segment.Int64, msg.Size
	body, err := m.store.blobs.Open(ctx, loc, msg.Digest)
	if err != nil {
		return msg, nil, failure.New(failure.ClassOf(err), op, m.whereUID(folder, uid), failure.RuleOf(err), err)
	}
	return msg, body, nil
}

// SetFlags replaces the flags and keywords of a message, provided they equal
// was; otherwise nothing changes and the error has class Conflict.
func (m *Mailbox) SetFlags(ctx context.Context, folder mail.Path, uid uint32, was, want mail.FlagSet) error {
	const op = "set flags"
	if err := m.writable(op); err != nil {
		return err
	}
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return err
	}
	fresh := map[int64]string{}
	err = m.store.change(ctx, op, func(t *tx) error {
		have, found, err := t.marks(id, uid)
		if err != nil {
			return err
		}
		if !found {
			return failure.New(failure.Vanished, op, m.whereUID(folder, uid), "site.no-such-message", nil)
		}
		if !have.Equal(was) {
			return failure.New(failure.Conflict, op, m.whereUID(folder, uid), "site.flags-changed",
				errors.New("the message is now marked ("+have.String()+")"))
		}
		modseq, err := t.nextModSeq(id)
		if err != nil {
			return err
		}
		return t.setMarks(id, uid, want, modseq, fresh)
	})
	m.store.changes.of(id).Add(1)
	if err == nil {
		m.store.remember(fresh)
	}
	return err
}

// Expunge takes messages out of a folder. One that is not there is an error of
// class Vanished, and then none is taken out.
func (m *Mailbox) Expunge(ctx context.Context, folder mail.Path, uids ...uint32) error {
	const op = "expunge"
	if err := m.writable(op); err != nil {
		return err
	}
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return err
	}
	defer m.store.changes.of(id).Add(1)
	return m.store.change(ctx, op, func(t *tx) error {
		gone, err := t.purge(id, uids)
		for i, uid := range uids {
			if err == nil && (i >= len(gone) || gone[i] != uid) {
				err = failure.New(failure.Vanished, op, m.whereUID(folder, uid), "site.no-such-message", nil)
			}
		}
		return err
	})
}
