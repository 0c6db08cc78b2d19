package ledger

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// maxKey is how long a message's key or ID may be, in bytes.
const maxKey = 255

// Checkpoint writes changes under the lease, all or none, and returns when they
// are durable. Within a change the order is: rows are given new keys, rows are
// settled, intents are closed, the new intent is opened, the pass is completed.
// A key that is settled twice keeps the last outcome. Closing an intent that is
// not open, and opening one that is open with the same content, is no error.
func (l *Ledger) Checkpoint(ctx context.Context, lease Lease, changes ...Change) error {
	begun := time.Now()
	defer func() { l.blocked.Add(int64(time.Since(begun))) }()

	prepared := make([]change, len(changes))
	later := true
	for i, c := range changes {
		// An intent has to be on the disk before anything is sent. Outcomes may
		// follow: an intent that a loss of power leaves open is looked into.
		later = later && c.Open == nil
		var err error
		if prepared[i], err = l.prepare(c); err != nil {
			return err
		}
	}
	return l.writeTask(ctx, "checkpoint", later, func(w *writer) error {
		if err := w.guard("checkpoint", lease); err != nil {
			return err
		}
		for _, c := range prepared {
			if err := w.apply(lease, c); err != nil {
				return err
			}
		}
		return nil
	})
}

// change is a Change that was checked, with its rows in order of their keys.
type change struct {
	Change
	rows   []Row
	intent []byte // the new intent's keys
}

// prepare does outside of the transaction what needs no table.
func (l *Ledger) prepare(c Change) (change, error) {
	p := change{Change: c}
	fail := func(key, rule, text string) (change, error) {
		return p, failure.New(failure.Internal, "checkpoint", fmt.Sprintf("folder %d, key %q", c.Folder, key), rule, errors.New(text))
	}
	badKey := func(k string) bool { return k == "" || len(k) > maxKey }
	for i := range c.Settled {
		switch r := &c.Settled[i]; {
		case badKey(r.Key):
			return fail(r.Key, "ledger.key", "a key has 1 to 255 bytes")
		case len(r.Target) > maxKey:
			return fail(r.Key, "ledger.key", "an ID in the target has at most 255 bytes")
		case r.State < Delivered || r.State > Skipped:
			return fail(r.Key, "ledger.state", "a row has an outcome, not "+r.State.String())
		}
	}
	for _, r := range c.Rekey {
		if badKey(r.Old) || badKey(r.New) {
			return fail(r.Old, "ledger.key", "a key has 1 to 255 bytes")
		}
	}
	p.rows = inKeyOrder(c.Settled)
	if c.Open == nil {
		return p, nil
	}
	for _, k := range c.Open.Keys {
		if badKey(k) {
			return fail(k, "ledger.key", "a key has 1 to 255 bytes")
		}
	}
	p.intent = l.keys.encode(c.Open.Keys)
	return p, nil
}

// inKeyOrder sorts a copy of rows by key, keeping the last of equal keys.
// Neighbours in the table are then written one after the other.
func inKeyOrder(rows []Row) []Row {
	sorted := slices.Clone(rows)
	slices.SortStableFunc(sorted, func(a, b Row) int { return strings.Compare(a.Key, b.Key) })
	kept := sorted[:0]
	for i, r := range sorted {
		if i+1 < len(sorted) && sorted[i+1].Key == r.Key {
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// apply writes one change.
func (w *writer) apply(lease Lease, c change) error {
	facts, err := w.folder(lease, c.Folder)
	if err != nil {
		return err
	}
	if len(c.Rekey) > 0 {
		if err := w.rekey(c.Folder, c.Rekey); err != nil {
			return err
		}
	}
	if err := w.settle(c.Folder, facts, c.rows); err != nil {
		return err
	}
	for _, seq := range c.Close {
		if _, err := w.exec(`DELETE FROM intent WHERE folder = ? AND seq = ?`, c.Folder, seq); err != nil {
			return err
		}
	}
	if c.Open != nil {
		if err := w.open(c.Folder, *c.Open, c.intent); err != nil {
			return err
		}
	}
	if c.Complete != nil {
		_, err = w.exec(`UPDATE folder SET census = ?, complete = 1, found = ?, bytes = ?, error = '', class = ? WHERE id = ?`,
			c.Complete.Census, c.Complete.Found, c.Complete.FoundBytes, failure.Internal.String(), c.Folder)
	}
	return err
}

// folder finds what is known of a folder, which must belong to the lease's mailbox.
func (w *writer) folder(lease Lease, id int64) (folderFacts, error) {
	facts, ok := w.known.folders[id]
	if !ok {
		found, err := w.row(`SELECT mailbox,
			EXISTS (SELECT 1 FROM exception WHERE exception.folder = folder.id),
			EXISTS (SELECT 1 FROM note WHERE note.folder = folder.id) FROM folder WHERE id = ?`,
			[]any{id}, &facts.mailbox, &facts.exceptions, &facts.notes)
		if err != nil {
			return facts, err
		}
		if found {
			if len(w.known.folders) >= maxKnown {
				clear(w.known.folders)
			}
			w.known.folders[id] = facts
		}
	}
	if facts.mailbox != lease.Mailbox {
		return facts, failure.New(failure.Internal, "checkpoint", fmt.Sprintf("folder %d", id), "ledger.folder",
			fmt.Errorf("the folder does not belong to mailbox %d", lease.Mailbox))
	}
	return facts, nil
}

// open records a new intent.
func (w *writer) open(folder int64, in Intent, keys []byte) error {
	var position string
	var have []byte
	found, err := w.row(`SELECT position, keys FROM intent WHERE folder = ? AND seq = ?`, []any{folder, in.Seq}, &position, &have)
	switch {
	case err != nil:
		return err
	case found && position == in.Position && bytes.Equal(have, keys):
		return nil
	case found:
		return failure.New(failure.Conflict, "checkpoint", fmt.Sprintf("folder %d, intent %d", folder, in.Seq), "ledger.intent",
			errors.New("another intent with this number is open"))
	}
	_, err = w.exec(`INSERT INTO intent (folder, seq, position, keys) VALUES (?, ?, ?, ?)`, folder, in.Seq, in.Position, keys)
	return err
}

// The number of rows in one statement: many share its cost, one takes the rest.
const manyRows = 50

var (
	upsertOne  = upsert(1)
	upsertMany = upsert(manyRows)
)

func upsert(rows int) string {
	return `INSERT INTO message (folder, key, state, size, date, flags, keywords, digest, target, fingerprint) VALUES ` +
		strings.TrimSuffix(strings.Repeat(`(?,?,?,?,?,?,?,?,?,?),`, rows), ",") + ` ON CONFLICT (folder, key) DO UPDATE SET
		state = excluded.state, size = excluded.size, date = excluded.date, flags = excluded.flags,
		keywords = excluded.keywords, digest = excluded.digest, target = excluded.target, fingerprint = excluded.fingerprint`
}

// settle writes rows, which are in order of their keys and have none twice.
func (w *writer) settle(folder int64, facts folderFacts, rows []Row) error {
	for i := range rows {
		if err := w.settleAside(folder, &facts, &rows[i]); err != nil {
			return err
		}
	}
	args := make([]any, 0, min(len(rows), manyRows)*10)
	for len(rows) > 0 {
		n, query := manyRows, upsertMany
		if len(rows) < n {
			n, query = 1, upsertOne
		}
		args = args[:0]
		for i := range rows[:n] {
			r := &rows[i]
			set, err := w.keywordSet(r.Flags.Keywords)
			if err != nil {
				return err
			}
			args = append(args, folder, []byte(r.Key), int64(r.State), r.Size, seconds(r.Date), int64(r.Flags.System),
				set, digest(&r.Digest), blob(r.Target), digest(&r.Fingerprint))
		}
		if _, err := w.exec(query, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// settleAside writes what few rows have: a reason and notes.
func (w *writer) settleAside(folder int64, facts *folderFacts, r *Row) error {
	key := []byte(r.Key)
	if facts.exceptions {
		if _, err := w.exec(`DELETE FROM exception WHERE folder = ? AND key = ?`, folder, key); err != nil {
			return err
		}
	}
	if facts.notes {
		if _, err := w.exec(`DELETE FROM note WHERE folder = ? AND key = ?`, folder, key); err != nil {
			return err
		}
	}
	if r.State != Verified && (r.Rule != "" || r.Reason != "" || r.Class != failure.Internal) {
		facts.exceptions = true
		if _, err := w.exec(`INSERT INTO exception (folder, key, rule, reason, class) VALUES (?, ?, ?, ?, ?)`,
			folder, key, r.Rule, clean(r.Reason), r.Class.String()); err != nil {
			return err
		}
	}
	for i, n := range r.Notes {
		facts.notes = true
		kind, err := w.intern(w.known.kinds, "note_kind", "name", n.Kind)
		if err != nil {
			return err
		}
		if _, err := w.exec(`INSERT INTO note (folder, key, ord, kind, text) VALUES (?, ?, ?, ?, ?)`,
			folder, key, int64(i), kind, clean(n.Text)); err != nil {
			return err
		}
	}
	if w.known.folders[folder] != *facts {
		w.known.folders[folder] = *facts
	}
	return nil
}

// keywordSet gives the number of a set of keywords, nil for none.
func (w *writer) keywordSet(words []string) (any, error) {
	if len(words) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(words)
	if err != nil {
		return nil, err
	}
	return w.intern(w.known.words, "keyword_set", "words", string(text))
}

// clean makes a text that somebody else wrote fit for every database.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\u2400")
}

func seconds(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.Unix()
}

func digest(d *mail.Digest) any {
	if d.IsZero() {
		return nil
	}
	return d[:]
}

func blob(s string) any {
	if s == "" {
		return nil
	}
	return []byte(s)
}
