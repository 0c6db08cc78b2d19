package sitestore

import (
	"context"
	"errors"
	"math"

	"waybill/failure"
	"waybill/mail"
)

// Pair is where a message was and where it is now.
type Pair struct{ From, To uint32 }

// Transfer copies messages of a folder into another one of the mailbox, or
// moves them (RFC 6851), in one durable step, with their dates and marks. A UID
// that is not there is left out. It gives the UIDVALIDITY of the folder to
// which they went.
func (m *Mailbox) Transfer(ctx context.Context, from mail.Path, uids []uint32, to mail.Path, move bool) (validity uint32, pairs []Pair, err error) {
	const op = "copy messages"
	if err := m.writable(op); err != nil {
		return 0, nil, err
	}
	source, err := m.Folder(ctx, from)
	if err != nil {
		return 0, nil, err
	}
	target, err := m.Folder(ctx, to)
	if err != nil {
		return 0, nil, err
	}
	if target.Container {
		return 0, nil, failure.New(failure.Unsupported, op, m.where(to), "site.folder-container", errors.New("the folder holds folders only"))
	}
	if err := m.checkTrap(ctx, op); err != nil {
		return 0, nil, err
	}
	defer m.store.changes.of(source.ID).Add(1)
	defer m.store.changes.of(target.ID).Add(1)
	err = m.store.change(ctx, op, func(t *tx) error {
		pairs, err = t.copyRows(op, m.where(to), source.ID, target.ID, uids)
		if err != nil || !move {
			return err
		}
		moved := make([]uint32, len(pairs))
		for i, p := range pairs {
			moved[i] = p.From
		}
		_, err = t.purge(source.ID, moved)
		return err
	})
	return target.UIDValidity, pairs, err
}

func (t *tx) copyRows(op, where string, source, target int64, uids []uint32) ([]Pair, error) {
	var next, modseq, count, total int64
	found, err := t.Get(`SELECT uidnext, modseq + 1 FROM folder WHERE id = ?`, []any{target}, &next, &modseq)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, noFolder(op, where)
	case next+int64(len(uids)) > math.MaxUint32:
		return nil, failure.New(failure.Full, op, where, "site.uids-used-up", errors.New("every UID of the folder was given out"))
	}
	var pairs []Pair
	first := next
	for _, uid := range uids {
		if source == target && int64(uid) >= first {
			continue // was not there before: it may be one of the copies
		}
		n, err := t.Count(`INSERT INTO message (folder, uid, digest, size, flags, keywords, date, zone, modseq)
			SELECT ?, ?, digest, size, flags, keywords, date, zone, ? FROM message WHERE folder = ? AND uid = ?`, target, next, modseq, source, int64(uid))
		if err != nil {
			return nil, err
		}
		if n == 0 {
			continue
		}
		var size int64
		if _, err := t.Get(`SELECT size FROM message WHERE folder = ? AND uid = ?`, []any{target, next}, &size); err != nil {
			return nil, err
		}
		pairs = append(pairs, Pair{From: uid, To: uint32(next)})
		next++
		count++
		total += size
	}
	if count == 0 {
		return nil, nil
	}
	return pairs, t.Exec(`UPDATE folder SET uidnext = ?, modseq = ?, messages = messages + ?, bytes = bytes + ? WHERE id = ?`, next, modseq, count, total, target)
}

// Purge takes messages out of a folder in one durable step and tells which.
// Unlike for Expunge it is no error when one is gone already.
func (m *Mailbox) Purge(ctx context.Context, folder mail.Path, uids []uint32) (gone []uint32, err error) {
	const op = "expunge"
	if err := m.writable(op); err != nil {
		return nil, err
	}
	id, err := m.folderID(ctx, folder)
	if err != nil || len(uids) == 0 {
		return nil, err
	}
	defer m.store.changes.of(id).Add(1)
	err = m.store.change(ctx, op, func(t *tx) error {
		gone, err = t.purge(id, uids)
		return err
	})
	return gone, err
}

func (t *tx) purge(folder int64, uids []uint32) (gone []uint32, err error) {
	var total int64
	for _, uid := range uids {
		var size int64
		found, err := t.Get(`SELECT size FROM message WHERE folder = ? AND uid = ?`, []any{folder, int64(uid)}, &size)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if err := t.Exec(`DELETE FROM message WHERE folder = ? AND uid = ?`, folder, int64(uid)); err != nil {
			return nil, err
		}
		gone = append(gone, uid)
		total += size
	}
	if len(gone) == 0 {
		return nil, nil
	}
	return gone, t.Exec(`UPDATE folder SET messages = messages - ?, bytes = bytes - ?, modseq = modseq + 1 WHERE id = ?`, int64(len(gone)), total, folder)
}

// within is the range of paths of folders inside a folder. Paths compare as
// bytes, so that what begins with the path and a "/" is a range.
func within(path mail.Path) (first, end []byte) {
	return []byte(path + "/"), []byte(path + "0")
}
