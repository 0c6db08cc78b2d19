package sitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore/blob"
	"waybill/sitestore/index"
)

// Problem is something in a site that is not as it should be.
type Problem struct {
	Where string // account/folder UID n, segment and offset, or the index
	Rule  string
	Text  string
}

func (p Problem) String() string { return p.Where + " [" + p.Rule + "]: " + p.Text }

// Checked is how much a check has looked at.
type Checked struct {
	Folders, Messages, Bodies, Bytes int64
	Problems                         int64
}

// maxTraced bounds the damaged bodies whose messages are looked for, which
// takes a walk over all messages each.
const maxTraced = 50

// Check reads the whole site: the index is sound, the numbers of each folder
// are those of its messages, each message has a body, and each body has the
// length and the SHA-256 that it was stored with. Problems go to report; the
// error is for a check that could not be finished.
func (s *Store) Check(ctx context.Context, report func(Problem)) (Checked, error) {
	c := &check{store: s, ctx: ctx, out: report}
	for _, step := range []func() error{c.index, c.folders, c.messages, c.bodies} {
		if err := step(); err != nil {
			return c.Checked, err
		}
	}
	return c.Checked, nil
}

type check struct {
	Checked
	store  *Store
	ctx    context.Context
	out    func(Problem)
	traced int
}

const opCheck = "check site"

func (c *check) problem(where, rule, format string, args ...any) {
	c.Problems++
	c.out(Problem{Where: where, Rule: rule, Text: fmt.Sprintf(format, args...)})
}

// index has SQLite check its own file.
func (c *check) index() error {
	return c.store.index.Rows(c.ctx, opCheck, `PRAGMA quick_check(20)`, func(r *sql.Rows) error {
		var answer string
		err := r.Scan(&answer)
		if err == nil && answer != "ok" {
			c.problem(c.store.path, "site.damaged", "%s", answer)
		}
		return err
	})
}

// folders compares the numbers of each folder with its messages.
func (c *check) folders() error {
	return c.store.index.Rows(c.ctx, opCheck, `SELECT r.name, f.path, f.messages, f.bytes, f.uidnext, f.modseq,
		count(m.uid), coalesce(sum(m.size), 0), coalesce(max(m.uid), 0), coalesce(max(m.modseq), 0)
		FROM folder f LEFT JOIN recipient r ON r.id = f.recipient LEFT JOIN message m ON m.folder = f.id GROUP BY f.id`, func(r *sql.Rows) error {
		var name sql.NullString
		var path []byte
		var messages, size, next, modseq, isMessages, isSize, maxUID, maxModSeq int64
		if err := r.Scan(&name, &path, &messages, &size, &next, &modseq, &isMessages, &isSize, &maxUID, &maxModSeq); err != nil {
			return err
		}
		where := name.String + "/" + string(path)
		c.Folders++
		c.Messages += isMessages
		switch {
		case !name.Valid:
			c.problem(where, "site.folder-lost", "the folder belongs to nobody")
		case messages != isMessages || size != isSize:
			c.problem(where, "site.folder-count", "the folder says %d messages of %d bytes and holds %d of %d", messages, size, isMessages, isSize)
		case maxUID >= next:
			c.problem(where, "site.folder-uidnext", "UID %d is there, and UIDNEXT is %d", maxUID, next)
		case maxModSeq > modseq:
			c.problem(where, "site.folder-modseq", "MODSEQ %d is there, and HIGHESTMODSEQ is %d", maxModSeq, modseq)
		}
		return c.ctx.Err()
	})
}

// messages looks for messages without a body.
func (c *check) messages() error {
	return c.store.index.Rows(c.ctx, opCheck, `SELECT r.name, f.path, m.uid, m.size, b.size FROM message m
		LEFT JOIN folder f ON f.id = m.folder LEFT JOIN recipient r ON r.id = f.recipient
		LEFT JOIN blob b ON b.digest = m.digest
		WHERE b.digest IS NULL OR b.size <> m.size OR f.id IS NULL`, func(r *sql.Rows) error {
		var name sql.NullString
		var path []byte
		var uid, size int64
		var have sql.NullInt64
		if err := r.Scan(&name, &path, &uid, &size, &have); err != nil {
			return err
		}
		where := fmt.Sprintf("%s/%s UID %d", name.String, path, uid)
		switch {
		case !have.Valid:
			c.problem(where, "site.body-missing", "the index has no body for this message")
		case have.Int64 != size:
			c.problem(where, "site.body-size", "the message has %d bytes, its body %d", size, have.Int64)
		default:
			c.problem(where, "site.message-lost", "the message is in no folder")
		}
		return nil
	})
}

// bodies reads every body.
func (c *check) bodies() error {
	ends := map[int64]int64{}
	err := c.store.index.Rows(c.ctx, opCheck, `SELECT id, committed FROM segment`, func(r *sql.Rows) error {
		var id, end int64
		err := r.Scan(&id, &end)
		ends[id] = end
		return err
	})
	if err != nil {
		return err
	}
	after := []byte{}
	for {
		type body struct {
			digest []byte
			loc    blob.Location
		}
		var page []body
		err := c.store.index.Rows(c.ctx, opCheck, `SELECT digest, segment, place, stored, size, encoding FROM blob WHERE digest > ? ORDER BY digest LIMIT 1000`,
			func(r *sql.Rows) error {
				var b body
				err := r.Scan(&b.digest, &b.loc.Segment, &b.loc.Offset, &b.loc.Stored, &b.loc.Size, &b.loc.Encoding)
				page = append(page, b)
				return err
			}, after)
		if err != nil {
			return err
		}
		for _, b := range page {
			if err := c.body(b.digest, b.loc, ends[b.loc.Segment]); err != nil {
				return err
			}
			after = b.digest
		}
		if len(page) == 0 {
			return nil
		}
	}
}

func (c *check) body(digest []byte, loc blob.Location, end int64) error {
	if err := index.Ended(c.ctx, opCheck, c.store.path); err != nil {
		return err
	}
	c.Bodies++
	var d mail.Digest
	if len(digest) != len(d) {
		c.problem(loc.String(), "site.damaged", "a digest has %d bytes", len(digest))
		return nil
	}
	copy(d[:], digest)
	if loc.Offset+loc.Stored > end {
		c.problem(loc.String(), "site.body-place", "the body ends behind the segment's committed end %d", end)
	}
	r, err := c.store.blobs.Open(c.ctx, loc, d)
	if err == nil {
		var n int64
		n, err = io.Copy(io.Discard, r)
		c.Bytes += n
		err = errors.Join(err, r.Close())
	}
	if err == nil {
		return nil
	}
	if failure.ClassOf(err) == failure.Cancelled {
		return err
	}
	c.problem(loc.String(), failure.RuleOf(err), "%v", err)
	return c.trace(d)
}

// trace names the messages that a damaged body belongs to.
func (c *check) trace(d mail.Digest) error {
	if c.traced++; c.traced > maxTraced {
		return nil
	}
	return c.store.index.Rows(c.ctx, opCheck, `SELECT r.name, f.path, m.uid FROM message m JOIN folder f ON f.id = m.folder
		JOIN recipient r ON r.id = f.recipient WHERE m.digest = ? LIMIT 100`, func(r *sql.Rows) error {
		var name string
		var path []byte
		var uid int64
		if err := r.Scan(&name, &path, &uid); err != nil {
			return err
		}
		c.problem(fmt.Sprintf("%s/%s UID %d", name, path, uid), "site.body-damaged", "the body of this message is damaged")
		return nil
	}, d[:])
}
