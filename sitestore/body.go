package sitestore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"io"
	"strings"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore/blob"
)

// known tells which bodies are stored already.
func (s *Store) known(ctx context.Context, digests []mail.Digest) (map[mail.Digest]bool, error) {
	known := map[mail.Digest]bool{}
	args := make([]any, atOnce)
	query := `SELECT digest FROM blob WHERE digest IN (?` + strings.Repeat(",?", atOnce-1) + `)`
	for len(digests) > 0 {
		n := min(atOnce, len(digests))
		for i := range args {
			args[i] = digests[min(i, n-1)][:]
		}
		var b []byte
		err := s.index.Rows(ctx, "look up bodies", query, func(r *sql.Rows) error {
			if err := r.Scan((*sql.RawBytes)(&b)); err != nil {
				return err
			}
			if len(b) == sha256.Size {
				known[mail.Digest(b)] = true
			}
			return nil
		}, args...)
		if err != nil {
			return nil, err
		}
		digests = digests[n:]
	}
	return known, nil
}

// maxCandidates is how many half-full segments are tried before a new one is
// begun.
const maxCandidates = 16

// acquireSegment gives a segment that nobody else is writing.
func (s *Store) acquireSegment(ctx context.Context) (*blob.Segment, error) {
	const op = "find a segment"
	if seg := s.blobs.Idle(); seg != nil {
		return seg, nil
	}
	var candidates []int64
	err := s.index.Rows(ctx, op, `SELECT id FROM segment WHERE committed < ? ORDER BY id DESC LIMIT ?`, func(r *sql.Rows) error {
		candidates = append(candidates, 0)
		return r.Scan(&candidates[len(candidates)-1])
	}, int64(blob.SegmentLimit), maxCandidates)
	if err != nil {
		return nil, err
	}
	for _, id := range candidates {
		seg, err := s.blobs.Acquire(id, func() (int64, error) { return s.committed(ctx, id) })
		if seg != nil {
			return seg, nil
		}
		if err != nil && failure.ClassOf(err) != failure.Malformed {
			return nil, err
		}
		// A damaged segment takes no more bodies; the check of the site tells.
	}
	for range maxCandidates {
		var id int64
		err := s.change(ctx, op, func(t *tx) (err error) {
			id, err = t.Insert(`INSERT INTO segment (committed) VALUES (0)`)
			return err
		})
		if err != nil {
			return nil, err
		}
		seg, err := s.blobs.Acquire(id, func() (int64, error) { return s.committed(ctx, id) })
		if seg != nil || err != nil {
			return seg, err
		}
		// Another process was quicker to lock the new segment.
	}
	return nil, failure.New(failure.Transient, op, s.path, "site.locked", nil).WithRemedy("run again")
}

func (s *Store) committed(ctx context.Context, id int64) (int64, error) {
	var end int64
	_, err := s.index.Row(ctx, "find a segment's end", `SELECT committed FROM segment WHERE id = ?`, []any{id}, &end)
	return end, err
}

// watched is a reader that ends with its context.
type watched struct {
	ctx context.Context
	r   io.Reader
}

func (w watched) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p)
}
