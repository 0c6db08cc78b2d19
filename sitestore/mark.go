package sitestore

import (
	"context"
	"database/sql"
	"strings"

	"waybill/mail"
)

// atOnce is how many UIDs are asked for in one query.
const atOnce = 100

// Messages gives those messages of a folder that have the UIDs, by UID. A UID
// that is not there is left out.
func (m *Mailbox) Messages(ctx context.Context, folder mail.Path, uids []uint32) ([]Message, error) {
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return nil, err
	}
	query := `SELECT ` + messageColumns + ` FROM message m WHERE m.folder = ? AND m.uid IN (?` + strings.Repeat(",?", atOnce-1) + `) ORDER BY m.uid`
	args := make([]any, 1+atOnce)
	args[0] = id
	messages := make([]Message, 0, len(uids))
	for len(uids) > 0 {
		n := min(atOnce, len(uids))
		for i := range atOnce {
			args[1+i] = int64(uids[min(i, n-1)])
		}
		more, err := m.rows(ctx, "read messages", query, args...)
		if err != nil {
			return nil, err
		}
		messages = append(messages, more...)
		uids = uids[n:]
	}
	return messages, nil
}

// Changed gives the messages of a folder that came or were marked since its
// HighestModSeq was since, by UID (RFC 7162 3.1.4).
func (m *Mailbox) Changed(ctx context.Context, folder mail.Path, since int64) ([]Message, error) {
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return nil, err
	}
	return m.rows(ctx, "list changes", `SELECT `+messageColumns+` FROM message m WHERE m.folder = ? AND m.modseq > ? ORDER BY m.uid`, id, since)
}

func (m *Mailbox) rows(ctx context.Context, op, query string, args ...any) ([]Message, error) {
	var rows []row
	err := m.store.index.Rows(ctx, op, query, func(r *sql.Rows) error {
		rows = append(rows, row{})
		return r.Scan(rows[len(rows)-1].into()...)
	}, args...)
	if err != nil {
		return nil, err
	}
	messages := make([]Message, len(rows))
	for i := range rows {
		if messages[i], err = rows[i].message(ctx, m.store); err != nil {
			return nil, err
		}
	}
	return messages, nil
}

// UIDs lists the UIDs of a folder's messages that carry all of the flags with,
// in ascending order; 0 lists all.
func (m *Mailbox) UIDs(ctx context.Context, folder mail.Path, with mail.Flags) ([]uint32, error) {
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return nil, err
	}
	var uids []uint32
	err = m.store.index.Rows(ctx, "list messages", `SELECT uid FROM message WHERE folder = ? AND flags & ? = ? ORDER BY uid`, func(r *sql.Rows) error {
		uids = append(uids, 0)
		return r.Scan(&uids[len(uids)-1])
	}, id, int64(with), int64(with))
	return uids, err
}

// Tally counts marks in a folder.
type Tally struct {
	Unseen, Deleted int64
	DeletedBytes    int64
	// FirstUnseen is the lowest UID without \Seen; 0: there is none.
	FirstUnseen uint32
}

// Tally counts the unread and the deleted messages of a folder.
func (m *Mailbox) Tally(ctx context.Context, folder mail.Path) (Tally, error) {
	var t Tally
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return t, err
	}
	_, err = m.store.index.Row(ctx, "count messages", `SELECT coalesce(sum(flags & ?1 = 0), 0), coalesce(sum(flags & ?2 <> 0), 0),
		coalesce(sum(iif(flags & ?2 <> 0, size, 0)), 0), coalesce(min(iif(flags & ?1 = 0, uid, NULL)), 0) FROM message WHERE folder = ?3`,
		[]any{int64(mail.Seen), int64(mail.Deleted), id}, &t.Unseen, &t.Deleted, &t.DeletedBytes, &t.FirstUnseen)
	return t, err
}

// KeywordsUsed lists the keywords that messages of a folder carry.
func (m *Mailbox) KeywordsUsed(ctx context.Context, folder mail.Path) ([]string, error) {
	id, err := m.folderID(ctx, folder)
	if err != nil {
		return nil, err
	}
	var sets []int64
	err = m.store.index.Rows(ctx, "list keywords", `SELECT DISTINCT keywords FROM message WHERE folder = ? AND keywords <> 0`, func(r *sql.Rows) error {
		sets = append(sets, 0)
		return r.Scan(&sets[len(sets)-1])
	}, id)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, set := range sets {
		words, err := m.store.keywordsOf(ctx, set)
		if err != nil {
			return nil, err
		}
		all = append(all, words...)
	}
	return mail.NewFlagSet(0, all...).Keywords, nil
}

// Marked is what Mark did to one message.
type Marked struct {
	UID     uint32
	Flags   mail.FlagSet
	Changed bool
}

// Mark gives messages the marks that the function makes of those they have, in
// one durable step. A UID that is not there is left out. The number is the
// folder's HighestModSeq of the step, 0 when nothing changed.
func (m *Mailbox) Mark(ctx context.Context, folder mail.Path, uids []uint32, marks func(have mail.FlagSet) mail.FlagSet) ([]Marked, int64, error) {
	const op = "set flags"
	if err := m.writable(op); err != nil {
		return nil, 0, err
	}
	id, err := m.folderID(ctx, folder)
	if err != nil || len(uids) == 0 {
		return nil, 0, err
	}
	var done []Marked
	var modseq int64
	fresh := map[int64]string{}
	err = m.store.change(ctx, op, func(t *tx) error {
		for _, uid := range uids {
			have, found, err := t.marks(id, uid)
			if err != nil {
				return err
			}
			if !found {
				continue
			}
			want := marks(have)
			if have.Equal(want) {
				done = append(done, Marked{UID: uid, Flags: have})
				continue
			}
			if modseq == 0 {
				if modseq, err = t.nextModSeq(id); err != nil {
					return err
				}
			}
			if err := t.setMarks(id, uid, want, modseq, fresh); err != nil {
				return err
			}
			done = append(done, Marked{UID: uid, Flags: want, Changed: true})
		}
		return nil
	})
	m.store.changes.of(id).Add(1)
	if err != nil {
		return nil, 0, err
	}
	m.store.remember(fresh)
	return done, modseq, nil
}

// marks reads the marks of a message.
func (t *tx) marks(folder int64, uid uint32) (set mail.FlagSet, found bool, err error) {
	var flags, keywords int64
	var joined []byte
	found, err = t.Get(`SELECT m.flags, m.keywords, coalesce(k.words, x'') FROM message m LEFT JOIN keyword_set k ON k.id = m.keywords
		WHERE m.folder = ? AND m.uid = ?`, []any{folder, int64(uid)}, &flags, &keywords, &joined)
	set = mail.FlagSet{System: mail.Flags(flags)}
	if keywords != 0 {
		set = mail.NewFlagSet(set.System, strings.Split(string(joined), "\x00")...)
	}
	return set, found, err
}

// setMarks gives a message other marks.
func (t *tx) setMarks(folder int64, uid uint32, want mail.FlagSet, modseq int64, fresh map[int64]string) error {
	set, err := t.keywordID(want, fresh)
	if err != nil {
		return err
	}
	return t.Exec(`UPDATE message SET flags = ?, keywords = ?, modseq = ? WHERE folder = ? AND uid = ?`, int64(want.System), set, modseq, folder, int64(uid))
}

// nextModSeq raises the HighestModSeq of a folder.
func (t *tx) nextModSeq(folder int64) (modseq int64, err error) {
	if err := t.Exec(`UPDATE folder SET modseq = modseq + 1 WHERE id = ?`, folder); err != nil {
		return 0, err
	}
	_, err = t.Get(`SELECT modseq FROM folder WHERE id = ?`, []any{folder}, &modseq)
	return modseq, err
}
