package sitestore

import (
	"context"
	"database/sql"
	"iter"
	"os"

	"waybill/directory"
	"waybill/sitestore/holder"
)

// Account is somebody with a mailbox, and how much is in it.
type Account struct {
	directory.User
	Folders  int64
	Messages int64
	Bytes    int64
}

// AccountSizes yields every account by directory name.
func (s *Store) AccountSizes(ctx context.Context) iter.Seq2[Account, error] {
	return func(yield func(Account, error) bool) {
		for u, err := range s.Accounts(ctx) {
			a := Account{User: u}
			if err == nil {
				_, err = s.index.Row(ctx, "measure mailbox", `SELECT count(*), coalesce(sum(messages), 0), coalesce(sum(bytes), 0) FROM folder
					WHERE recipient = (SELECT id FROM recipient WHERE name = ?)`, []any{u.ID}, &a.Folders, &a.Messages, &a.Bytes)
			}
			if !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// Description is a site in numbers.
type Description struct {
	Info
	Behaviour                          string
	Accounts, Contacts, Lists, Folders int64
	Messages                           int64
	MessageBytes                       int64 // of all messages together
	Bodies                             int64 // different ones
	BodyBytes                          int64 // of different bodies, as they were handed over
	StoredBytes                        int64 // of different bodies, as they are stored
	SegmentFiles                       int
	SegmentBytes                       int64 // on disk; more than StoredBytes after crashes
	IndexBytes                         int64 // of the SQLite file and its log
	Holders                            []holder.Process
}

// Shared is how many times over the bodies are used: 1 when no two messages
// are alike.
func (d Description) Shared() float64 { return ratio(d.MessageBytes, d.BodyBytes) }

// Compression is how many times smaller bodies are stored than they are.
func (d Description) Compression() float64 { return ratio(d.BodyBytes, d.StoredBytes) }

func ratio(a, b int64) float64 {
	if b == 0 {
		return 1
	}
	return float64(a) / float64(b)
}

// Describe counts what is in the site.
func (s *Store) Describe(ctx context.Context) (Description, error) {
	const op = "describe site"
	d := Description{Info: s.info, Holders: s.Holders()}
	var err error
	if d.Behaviour, err = s.Behaviour(ctx); err != nil {
		return d, err
	}
	err = s.index.Rows(ctx, op, `SELECT class, count(*) FROM recipient GROUP BY class`, func(r *sql.Rows) error {
		var class string
		var n int64
		if err := r.Scan(&class, &n); err != nil {
			return err
		}
		switch class {
		case classMailbox:
			d.Accounts = n
		case classContact:
			d.Contacts = n
		case classList:
			d.Lists = n
		}
		return nil
	})
	if err != nil {
		return d, err
	}
	if _, err := s.index.Row(ctx, op, `SELECT count(*), coalesce(sum(messages), 0), coalesce(sum(bytes), 0) FROM folder`, nil,
		&d.Folders, &d.Messages, &d.MessageBytes); err != nil {
		return d, err
	}
	if _, err := s.index.Row(ctx, op, `SELECT count(*), coalesce(sum(size), 0), coalesce(sum(stored), 0) FROM blob`, nil,
		&d.Bodies, &d.BodyBytes, &d.StoredBytes); err != nil {
		return d, err
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			d.IndexBytes += info.Size()
		}
	}
	d.SegmentFiles, d.SegmentBytes, err = s.blobs.Usage(ctx)
	return d, err
}
