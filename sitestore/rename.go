package sitestore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"waybill/failure"
	"waybill/mail"
)

// RenameFolder gives a folder, and with it all folders inside, another name;
// missing parents of the new name are made. Messages keep their UIDs and the
// folder its UIDVALIDITY. Renaming the inbox moves its messages into a new
// folder and leaves the inbox and the folders inside it (RFC 9051 6.3.6). A new
// name that is taken, or lies inside the folder, is an error of class Conflict.
func (m *Mailbox) RenameFolder(ctx context.Context, from, to mail.Path) error {
	const op = "rename folder"
	if err := m.writable(op); err != nil {
		return err
	}
	if err := CheckPath(to); err != nil {
		return err
	}
	to = mail.NewPath(to.Names()...)
	if strings.HasPrefix(string(to), string(from)+"/") && from != mail.Inbox {
		return failure.New(failure.Conflict, op, m.where(from), "site.folder-into-itself", errors.New("a folder cannot lie inside itself"))
	}
	defer m.forgetAll()
	return m.store.change(ctx, op, func(t *tx) error {
		var id, taken int64
		found, err := t.Get(`SELECT id FROM folder WHERE recipient = ? AND path = ?`, []any{m.recipient, []byte(from)}, &id)
		if err != nil {
			return err
		}
		if !found {
			return noFolder(op, m.where(from))
		}
		found, err = t.Get(`SELECT id FROM folder WHERE recipient = ? AND path = ?`, []any{m.recipient, []byte(to)}, &taken)
		if err != nil {
			return err
		}
		if found {
			return failure.New(failure.Conflict, op, m.where(to), "site.folder-exists", errors.New("the mailbox has a folder of that name"))
		}
		names := to.Names()
		for i := range names[:len(names)-1] {
			if err := t.createFolder(m.recipient, mail.Folder{Path: mail.NewPath(names[:i+1]...)}); err != nil {
				return err
			}
		}
		if from == mail.Inbox {
			return t.emptyInto(m, id, to)
		}
		return t.renameTree(op, m, from, to)
	})
}

// renameTree changes the paths of a folder and of those inside it.
func (t *tx) renameTree(op string, m *Mailbox, from, to mail.Path) error {
	first, end := within(from)
	var longest int64
	if _, err := t.Get(`SELECT coalesce(max(length(path)), 0) FROM folder WHERE recipient = ? AND (path = ? OR path >= ? AND path < ?)`,
		[]any{m.recipient, []byte(from), first, end}, &longest); err != nil {
		return err
	}
	if longest+int64(len(to)-len(from)) > maxPath {
		return failure.New(failure.TooLarge, op, m.where(from), "site.folder-long", fmt.Errorf("a path has at most %d bytes", maxPath))
	}
	return t.Exec(`UPDATE folder SET path = CAST(? || substr(path, ?) AS BLOB) WHERE recipient = ? AND (path = ? OR path >= ? AND path < ?)`,
		[]byte(to), int64(len(from)+1), m.recipient, []byte(from), first, end)
}

// emptyInto moves all messages of a folder into a new one.
func (t *tx) emptyInto(m *Mailbox, id int64, to mail.Path) error {
	if err := t.createFolder(m.recipient, mail.Folder{Path: to}); err != nil {
		return err
	}
	var target int64
	if _, err := t.Get(`SELECT id FROM folder WHERE recipient = ? AND path = ?`, []any{m.recipient, []byte(to)}, &target); err != nil {
		return err
	}
	m.store.changes.of(id).Add(1)
	m.store.changes.of(target).Add(1)
	if err := t.Exec(`UPDATE folder SET uidnext = old.uidnext, modseq = old.modseq, messages = old.messages, bytes = old.bytes
		FROM folder AS old WHERE folder.id = ? AND old.id = ?`, target, id); err != nil {
		return err
	}
	if err := t.Exec(`UPDATE message SET folder = ? WHERE folder = ?`, target, id); err != nil {
		return err
	}
	return t.Exec(`UPDATE folder SET messages = 0, bytes = 0, modseq = modseq + 1 WHERE id = ?`, id)
}

// Subscribe subscribes to a folder, or ends the subscription.
func (m *Mailbox) Subscribe(ctx context.Context, path mail.Path, subscribed bool) error {
	const op = "subscribe"
	if err := m.writable(op); err != nil {
		return err
	}
	return m.store.change(ctx, op, func(t *tx) error {
		n, err := t.Count(`UPDATE folder SET subscribed = ? WHERE recipient = ? AND path = ?`, subscribed, m.recipient, []byte(path))
		if err == nil && n == 0 {
			err = noFolder(op, m.where(path))
		}
		return err
	})
}

// forgetAll forgets the numbers of all folders.
func (m *Mailbox) forgetAll() {
	m.mu.Lock()
	clear(m.ids)
	m.mu.Unlock()
}
