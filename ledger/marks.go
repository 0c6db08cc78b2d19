package ledger

import (
	"context"
	"database/sql"
	"iter"
	"strings"

	"waybill/mail"
)

// Noted yields the rows of a mailbox that carry a note of one of the kinds, with
// the folder they are in, ordered by folder and key. It looks at notes only, so
// it costs little where few rows have any. An error ends it.
func (l *Ledger) Noted(ctx context.Context, mailbox int64, kinds ...string) iter.Seq2[FolderRow, error] {
	return func(yield func(FolderRow, error) bool) {
		args := []any{mailbox}
		for _, k := range kinds {
			args = append(args, k)
		}
		query := `SELECT ` + rowColumns + ` FROM (SELECT DISTINCT folder, key FROM note
			WHERE folder IN (SELECT id FROM folder WHERE mailbox = ?)
			AND kind IN (SELECT id FROM note_kind WHERE name IN (?` + strings.Repeat(`,?`, len(kinds)-1) + `))) marked
			CROSS JOIN message m ON m.folder = marked.folder AND m.key = marked.key` + rowJoins + ` ORDER BY m.folder, m.key, n.ord`
		err := l.stream(ctx, query, args, nil, nil, func(folder int64, r Row) bool { return yield(FolderRow{folder, r}, nil) })
		if err != nil {
			yield(FolderRow{}, explain("read marked messages", l.path, err))
		}
	}
}

// FolderRow is a row and the folder it is in.
type FolderRow struct {
	Folder int64
	Row    Row
}

// Content is where a message lies and what it is.
type Content struct {
	Folder int64
	Key    string
	Digest mail.Digest
}

// Contents calls each with every Verified message of a mailbox, until it returns
// false.
func (l *Ledger) Contents(ctx context.Context, mailbox int64, each func(Content) bool) error {
	s, err := l.statement(ctx, `SELECT m.folder, m.key, m.digest FROM folder CROSS JOIN message m ON m.folder = folder.id
		WHERE folder.mailbox = ? AND m.state = 3 AND m.digest IS NOT NULL`)
	if err != nil {
		return explain("read contents", l.path, err)
	}
	rows, err := s.QueryContext(ctx, mailbox)
	if err != nil {
		return explain("read contents", l.path, err)
	}
	defer rows.Close()
	var key, digest sql.RawBytes
	for rows.Next() {
		var c Content
		if err := rows.Scan(&c.Folder, &key, &digest); err != nil {
			return explain("read contents", l.path, err)
		}
		c.Key = string(key)
		copy(c.Digest[:], digest)
		if !each(c) {
			break
		}
	}
	return explain("read contents", l.path, rows.Err())
}

// Listed counts the messages of a folder and their bytes, without those that
// carry a note of one of the kinds or are skipped by one of the rules.
func (l *Ledger) Listed(ctx context.Context, folder int64, kinds, rules []string) (messages, bytes int64, err error) {
	const sum = `SELECT count(*), coalesce(sum(max(size, 0)), 0) FROM message WHERE folder = ?`
	args := []any{folder, folder}
	without := sum + ` AND key IN (SELECT key FROM note WHERE folder = ? AND kind IN (SELECT id FROM note_kind WHERE name IN (''` + strings.Repeat(`,?`, len(kinds)) + `))
		UNION SELECT key FROM exception WHERE folder = ? AND rule IN (''` + strings.Repeat(`,?`, len(rules)) + `))`
	for _, k := range kinds {
		args = append(args, k)
	}
	args = append(args, folder)
	for _, r := range rules {
		args = append(args, r)
	}
	var out, outBytes int64
	err = l.each(ctx, sum, args[:1], func(rows *sql.Rows) error { return rows.Scan(&messages, &bytes) })
	if err == nil {
		err = l.each(ctx, without, args, func(rows *sql.Rows) error { return rows.Scan(&out, &outBytes) })
	}
	return messages - out, bytes - outBytes, explain("count messages", l.path, err)
}

// CountNoted counts, for each folder, the messages with a note of the kind.
func (l *Ledger) CountNoted(ctx context.Context, kind string) (map[int64]int64, error) {
	return l.countBy(ctx, `SELECT folder, count(DISTINCT key) FROM note WHERE kind = (SELECT id FROM note_kind WHERE name = ?) GROUP BY folder`, kind)
}

// CountRuled counts, for each folder, the messages that are not verified because
// of the rule.
func (l *Ledger) CountRuled(ctx context.Context, rule string) (map[int64]int64, error) {
	return l.countBy(ctx, `SELECT folder, count(*) FROM exception WHERE rule = ? GROUP BY folder`, rule)
}

func (l *Ledger) countBy(ctx context.Context, query, what string) (map[int64]int64, error) {
	counts := map[int64]int64{}
	err := l.each(ctx, query, []any{what}, func(rows *sql.Rows) error {
		var folder, n int64
		if err := rows.Scan(&folder, &n); err != nil {
			return err
		}
		counts[folder] = n
		return nil
	})
	return counts, explain("count messages", l.path, err)
}
