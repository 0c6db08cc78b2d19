package sitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// Bounds of folder names.
const (
	maxPath  = 16 << 10 // bytes
	maxDepth = 200
)

// Folder is a folder of a mailbox with its numbers (RFC 9051 2.3.1, RFC 7162).
type Folder struct {
	mail.Folder
	ID            int64
	UIDValidity   uint32
	UIDNext       uint32
	HighestModSeq int64
	Messages      int64
	Bytes         int64
}

const folderColumns = `id, path, special, subscribed, container, uidvalidity, uidnext, modseq, messages, bytes`

func (f *Folder) scan(scan func(...any) error) error {
	var path []byte
	err := scan(&f.ID, &path, &f.Use, &f.Subscribed, &f.Container, &f.UIDValidity, &f.UIDNext, &f.HighestModSeq, &f.Messages, &f.Bytes)
	f.Path = mail.Path(path)
	return err
}

// Folders lists every folder: the inbox first, parents before children, the
// rest by name.
func (m *Mailbox) Folders(ctx context.Context) ([]Folder, error) {
	var folders []Folder
	err := m.store.index.Rows(ctx, "list folders", `SELECT `+folderColumns+` FROM folder WHERE recipient = ?`, func(r *sql.Rows) error {
		var f Folder
		err := f.scan(r.Scan)
		folders = append(folders, f)
		return err
	}, m.recipient)
	if err != nil {
		return nil, err
	}
	type named struct {
		names  []string
		folder Folder
	}
	order := make([]named, len(folders))
	for i, f := range folders {
		order[i] = named{f.Path.Names(), f}
	}
	slices.SortFunc(order, func(a, b named) int {
		if inbox := isInbox(b.names) - isInbox(a.names); inbox != 0 {
			return inbox
		}
		return slices.Compare(a.names, b.names)
	})
	for i, n := range order {
		folders[i] = n.folder
	}
	return folders, nil
}

func isInbox(names []string) int {
	if len(names) > 0 && names[0] == string(mail.Inbox) {
		return 1
	}
	return 0
}

// Folder finds a folder; one that is not there is an error of class Vanished.
func (m *Mailbox) Folder(ctx context.Context, path mail.Path) (Folder, error) {
	var f Folder
	found := false
	err := m.store.index.Rows(ctx, "find folder", `SELECT `+folderColumns+` FROM folder WHERE recipient = ? AND path = ?`, func(r *sql.Rows) error {
		found = true
		return f.scan(r.Scan)
	}, m.recipient, []byte(path))
	if err != nil {
		return f, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !found {
		delete(m.ids, path)
		return f, noFolder("find folder", m.where(path))
	}
	m.ids[path] = f.ID
	return f, nil
}

func noFolder(op, where string) error {
	return failure.New(failure.Vanished, op, where, "site.no-such-folder", errors.New("the mailbox has no folder of that name"))
}

// CheckPath says whether a folder can have this path.
func CheckPath(path mail.Path) error {
	const op = "create folder"
	names := path.Names()
	switch {
	case len(names) == 0:
		return failure.New(failure.Usage, op, string(path), "site.folder-name", errors.New("a folder needs a name"))
	case len(path) > maxPath:
		return failure.New(failure.TooLarge, op, string(path[:64])+"...", "site.folder-long", fmt.Errorf("a path has at most %d bytes", maxPath))
	case len(names) > maxDepth:
		return failure.New(failure.TooLarge, op, string(path), "site.folder-deep", fmt.Errorf("folders nest at most %d deep", maxDepth))
	}
	return nil
}

// CreateFolder makes a folder and its missing parents. One that exists is left
// as it is, except that a container becomes a folder that can hold messages
// when that is asked for.
func (m *Mailbox) CreateFolder(ctx context.Context, f mail.Folder) error {
	if err := m.writable("create folder"); err != nil {
		return err
	}
	if err := CheckPath(f.Path); err != nil {
		return err
	}
	f.Path = mail.NewPath(f.Path.Names()...)
	return m.store.change(ctx, "create folder", func(t *tx) error {
		if err := t.mailboxIsThere("create folder", m); err != nil {
			return err
		}
		names := f.Path.Names()
		for i := range names[:len(names)-1] {
			if err := t.createFolder(m.recipient, mail.Folder{Path: mail.NewPath(names[:i+1]...)}); err != nil {
				return err
			}
		}
		return t.createFolder(m.recipient, f)
	})
}

func (t *tx) mailboxIsThere(op string, m *Mailbox) error {
	var one int
	found, err := t.Get(`SELECT 1 FROM recipient WHERE id = ?`, []any{m.recipient}, &one)
	if err == nil && !found {
		err = noRecipient(op, m.account)
	}
	return err
}

func (t *tx) createFolder(recipient int64, f mail.Folder) error {
	var id int64
	var container bool
	found, err := t.Get(`SELECT id, container FROM folder WHERE recipient = ? AND path = ?`, []any{recipient, []byte(f.Path)}, &id, &container)
	if err != nil {
		return err
	}
	if found {
		if container && !f.Container {
			return t.Exec(`UPDATE folder SET container = 0 WHERE id = ?`, id)
		}
		return nil
	}
	validity, err := t.nextValidity()
	if err != nil {
		return err
	}
	return t.Exec(`INSERT INTO folder (recipient, path, special, subscribed, container, uidvalidity, uidnext, modseq, messages, bytes)
		VALUES (?, ?, ?, ?, ?, ?, 1, 1, 0, 0)`, recipient, []byte(f.Path), string(f.Use), f.Subscribed, f.Container, validity)
}

// nextValidity draws a UIDVALIDITY that no folder of this site had before. It
// follows the clock, so that a site made anew at the same place has others too.
func (t *tx) nextValidity() (int64, error) {
	var next int64
	if _, err := t.Get(`SELECT next_validity FROM site`, nil, &next); err != nil {
		return 0, err
	}
	next = max(next, min(time.Now().Unix(), math.MaxUint32/2))
	if next >= math.MaxUint32 {
		return 0, failure.New(failure.Full, "create folder", t.s.path, "site.validities-used-up", errors.New("every UIDVALIDITY was given out"))
	}
	return next, t.Exec(`UPDATE site SET next_validity = ?`, next+1)
}

// DeleteFolder removes an empty folder. A folder that holds messages or
// folders, and the inbox, are errors of class Conflict.
func (m *Mailbox) DeleteFolder(ctx context.Context, path mail.Path) error {
	return m.deleteFolder(ctx, path, true)
}

// RemoveFolder removes a folder with all its messages. One that holds folders
// stays as a container for them (RFC 9051 6.3.5); a container that holds
// folders, and the inbox, are errors of class Conflict.
func (m *Mailbox) RemoveFolder(ctx context.Context, path mail.Path) error {
	return m.deleteFolder(ctx, path, false)
}

func (m *Mailbox) deleteFolder(ctx context.Context, path mail.Path, empty bool) error {
	const op = "delete folder"
	if err := m.writable(op); err != nil {
		return err
	}
	conflict := func(rule, text string) error {
		return failure.New(failure.Conflict, op, m.where(path), rule, errors.New(text))
	}
	if path == mail.Inbox {
		return conflict("site.folder-inbox", "the inbox stays as long as the mailbox")
	}
	return m.store.change(ctx, op, func(t *tx) error {
		var id, messages, below int64
		var container bool
		found, err := t.Get(`SELECT id, messages, container FROM folder WHERE recipient = ? AND path = ?`, []any{m.recipient, []byte(path)}, &id, &messages, &container)
		if err != nil {
			return err
		}
		if !found {
			return noFolder(op, m.where(path))
		}
		if messages > 0 && empty {
			return conflict("site.folder-not-empty", fmt.Sprintf("the folder holds %d messages", messages))
		}
		first, end := within(path)
		if _, err := t.Get(`SELECT count(*) FROM folder WHERE recipient = ? AND path >= ? AND path < ?`, []any{m.recipient, first, end}, &below); err != nil {
			return err
		}
		if below > 0 && (empty || container) {
			return conflict("site.folder-has-folders", fmt.Sprintf("the folder holds %d folders", below))
		}
		m.forget(path)
		m.store.changes.of(id).Add(1)
		if err := t.Exec(`DELETE FROM message WHERE folder = ?`, id); err != nil {
			return err
		}
		if below > 0 {
			return t.Exec(`UPDATE folder SET container = 1, messages = 0, bytes = 0, modseq = modseq + 1 WHERE id = ?`, id)
		}
		return t.Exec(`DELETE FROM folder WHERE id = ?`, id)
	})
}
