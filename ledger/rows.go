package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// rowColumns and rowJoins read messages together with their reasons and notes.
// A message with several notes comes several times, one after the other.
const (
	rowColumns = `m.folder, m.key, m.state, m.size, m.date, m.flags, k.words, m.digest, m.target, m.fingerprint,
	e.rule, e.reason, e.class, n.text, (SELECT name FROM note_kind WHERE note_kind.id = n.kind)`
	rowJoins = `
	LEFT JOIN keyword_set k ON k.id = m.keywords
	LEFT JOIN exception e ON e.folder = m.folder AND e.key = m.key
	LEFT JOIN note n ON n.folder = m.folder AND n.key = m.key`
)

// rowFields are where rowColumns go.
type rowFields struct {
	folder, state, size, flags             int64
	date                                   sql.NullInt64
	key, digest, target, fingerprint       sql.RawBytes
	words, rule, reason, class, text, kind sql.NullString
}

func (f *rowFields) into() []any {
	return []any{&f.folder, &f.key, &f.state, &f.size, &f.date, &f.flags, &f.words, &f.digest, &f.target, &f.fingerprint,
		&f.rule, &f.reason, &f.class, &f.text, &f.kind}
}

// same reports whether the columns are another note of the row that came before.
func (f *rowFields) same(folder int64, r *Row) bool {
	return f.text.Valid && folder == f.folder && string(f.key) == r.Key
}

func (f *rowFields) note() mail.Note { return mail.Note{Kind: f.kind.String, Text: f.text.String} }

func (f *rowFields) row() (Row, error) {
	r := Row{Key: string(f.key), State: State(f.state), Size: f.size, Target: string(f.target),
		Flags: mail.FlagSet{System: mail.Flags(f.flags)}}
	if f.date.Valid {
		r.Date = time.Unix(f.date.Int64, 0).UTC()
	}
	copy(r.Digest[:], f.digest)
	copy(r.Fingerprint[:], f.fingerprint)
	if f.rule.Valid {
		r.Rule, r.Reason, r.Class = f.rule.String, f.reason.String, failure.ParseClass(f.class.String)
	}
	if f.text.Valid {
		r.Notes = []mail.Note{f.note()}
	}
	if f.words.Valid {
		if err := json.Unmarshal([]byte(f.words.String), &r.Flags.Keywords); err != nil {
			return r, damaged("read row", fmt.Sprintf("folder %d, key %q", f.folder, r.Key), err)
		}
	}
	return r, nil
}

// gather calls yield for every message of a result that has rowColumns first,
// and then more. It stops when yield returns false.
func gather(rows *sql.Rows, more []any, before func(folder int64) error, yield func(folder int64, r Row) bool) error {
	defer rows.Close()
	var f rowFields
	into := append(f.into(), more...)
	var pending Row
	var folder int64
	have := false
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if have && f.same(folder, &pending) {
			pending.Notes = append(pending.Notes, f.note())
			continue
		}
		if have && !yield(folder, pending) {
			return nil
		}
		var err error
		if pending, err = f.row(); err != nil {
			return err
		}
		folder, have = f.folder, true
		if before != nil {
			if err := before(folder); err != nil {
				return err
			}
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if have {
		yield(folder, pending)
	}
	return nil
}

// lookupKeys is how many keys one statement looks up.
const lookupKeys = 100

var lookupQuery = `SELECT ` + rowColumns + ` FROM message m` + rowJoins + ` WHERE m.folder = ? AND m.key IN (` +
	strings.TrimSuffix(strings.Repeat(`?,`, lookupKeys), ",") + `) ORDER BY m.key, n.ord`

// Lookup returns the rows for keys, in the order of keys, with Notes; a key
// without a row gives a Row in state Planned.
func (l *Ledger) Lookup(ctx context.Context, folder int64, keys []string) ([]Row, error) {
	out := make([]Row, len(keys))
	at := make(map[string]int, len(keys))
	for i, k := range keys {
		out[i].Key = k
		if _, twice := at[k]; !twice {
			at[k] = i
		}
	}
	s, err := l.statement(ctx, lookupQuery)
	if err != nil {
		return nil, explain("look up messages", l.path, err)
	}
	args := make([]any, 1+lookupKeys)
	args[0] = folder
	for chunk := range slices.Chunk(keys, lookupKeys) {
		for i := range lookupKeys {
			args[1+i] = []byte(chunk[min(i, len(chunk)-1)])
		}
		rows, err := s.QueryContext(ctx, args...)
		if err == nil {
			err = gather(rows, nil, nil, func(_ int64, r Row) bool {
				if i, ok := at[r.Key]; ok {
					out[i] = r
				}
				return true
			})
		}
		if err != nil {
			return nil, explain("look up messages", l.path, err)
		}
	}
	for i, k := range keys { // a key that is asked for twice
		if first := at[k]; first != i {
			out[i] = out[first]
			out[i].Notes = slices.Clone(out[first].Notes)
		}
	}
	return out, nil
}

// Rows yields the rows of a folder in one of the states (all when none are
// given), ordered by key, with Notes, as they were at one moment. An error ends
// it. While it runs the log of the ledger cannot shrink, so it should not wait
// for ever.
func (l *Ledger) Rows(ctx context.Context, folder int64, states ...State) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		query := `SELECT ` + rowColumns + ` FROM message m` + rowJoins + ` WHERE m.folder = ?` + inStates(states) + ` ORDER BY m.key, n.ord`
		err := l.stream(ctx, query, []any{folder}, nil, nil, func(_ int64, r Row) bool { return yield(r, nil) })
		if err != nil {
			yield(Row{}, explain("read rows", fmt.Sprintf("%s, folder %d", l.path, folder), err))
		}
	}
}

// inStates is the condition that a message is in one of the states. There are
// few sets of states, so each may have its own statement.
func inStates(states []State) string {
	if len(states) == 0 {
		return ""
	}
	sorted := slices.Clone(states)
	slices.Sort(sorted)
	var b strings.Builder
	for _, s := range slices.Compact(sorted) {
		fmt.Fprintf(&b, ",%d", s)
	}
	return ` AND m.state IN (` + b.String()[1:] + `)`
}

func (l *Ledger) stream(ctx context.Context, query string, args, more []any, before func(int64) error, yield func(int64, Row) bool) error {
	s, err := l.statement(ctx, query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	return gather(rows, more, before, yield)
}

// exceptionsQuery walks mailboxes by user, their folders by path and those by
// key, each in the order of an index: the tables are joined as written.
func exceptionsQuery(all bool) string {
	condition := ``
	if !all {
		condition = fmt.Sprintf(` WHERE m.state <> %d`, Verified)
	}
	return `SELECT ` + rowColumns + `, b.username, b.account, f.path, f.target FROM mailbox b
	CROSS JOIN folder f ON f.mailbox = b.id
	CROSS JOIN message m ON m.folder = f.id` + rowJoins + condition + ` ORDER BY b.username, f.path, m.key, n.ord`
}

// Exceptions yields every message that has a row and is not Verified (every
// message, with all set), ordered by user, folder and key, as they were at one
// moment. An error ends it.
func (l *Ledger) Exceptions(ctx context.Context, all bool) iter.Seq2[Exception, error] {
	return func(yield func(Exception, error) bool) {
		var user, account, path, target string
		var x Exception
		before := func(int64) error {
			x = Exception{User: user, Account: account, Folder: mail.Path(path), Target: mail.Path(target)}
			return nil
		}
		err := l.stream(ctx, exceptionsQuery(all), nil, []any{&user, &account, &path, &target}, before, func(_ int64, r Row) bool {
			x.Row = r
			return yield(x, nil)
		})
		if err != nil {
			yield(Exception{}, explain("read exceptions", l.path, err))
		}
	}
}
