package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"waybill/failure"
	"waybill/mail"
)

const folderColumns = `folder.id, folder.mailbox, folder.path, folder.target, folder.special_use, folder.census,
	folder.complete, folder.found, folder.bytes, folder.error, folder.class`

// folderFields are where the columns of a folder go.
type folderFields struct {
	Folder
	path, target, use, class string
	complete                 int64
}

func (f *folderFields) into() []any {
	return []any{&f.ID, &f.Mailbox, &f.path, &f.target, &f.use, &f.Census, &f.complete, &f.Found, &f.FoundBytes, &f.Error, &f.class}
}

func (f *folderFields) folder() Folder {
	v := f.Folder
	v.Path, v.Target, v.Use = mail.Path(f.path), mail.Path(f.target), mail.SpecialUse(f.use)
	v.Complete, v.Class = f.complete != 0, failure.ParseClass(f.class)
	return v
}

// PutFolder adds or updates a folder (target path, use), found by the lease's
// mailbox and Path, under the lease, and returns it with its ID and recorded
// state. The target path of a folder that has rows or open intents never
// changes: the recorded one is returned.
func (l *Ledger) PutFolder(ctx context.Context, lease Lease, f Folder) (Folder, error) {
	if f.Mailbox != 0 && f.Mailbox != lease.Mailbox {
		return f, failure.New(failure.Internal, "put folder", l.where(lease), "ledger.folder",
			fmt.Errorf("folder %q belongs to mailbox %d", f.Path, f.Mailbox))
	}
	var out folderFields
	err := l.writeLater(ctx, "put folder", func(w *writer) error {
		if err := w.guard("put folder", lease); err != nil {
			return err
		}
		out = folderFields{}
		_, err := w.row(`INSERT INTO folder (mailbox, path, target, special_use) VALUES (?, ?, ?, ?)
			ON CONFLICT (mailbox, path) DO UPDATE SET special_use = excluded.special_use,
			target = CASE WHEN EXISTS (SELECT 1 FROM message WHERE message.folder = folder.id)
				OR EXISTS (SELECT 1 FROM intent WHERE intent.folder = folder.id)
				THEN folder.target ELSE excluded.target END
			RETURNING id, mailbox, path, target, special_use, census, complete, found, bytes, error, class`,
			[]any{lease.Mailbox, string(f.Path), string(f.Target), string(f.Use)}, out.into()...)
		return err
	})
	if err != nil {
		return f, err
	}
	return out.folder(), nil
}

// FailFolder records why a pass over a folder did not go through. What the last
// complete pass knew of the source does not hold any more.
func (l *Ledger) FailFolder(ctx context.Context, lease Lease, folder int64, class failure.Class, reason string) error {
	return l.writeLater(ctx, "record failure of folder", func(w *writer) error {
		if err := w.guard("record failure of folder", lease); err != nil {
			return err
		}
		res, err := w.exec(`UPDATE folder SET census = '', complete = 0, error = ?, class = ? WHERE id = ? AND mailbox = ?`,
			clean(reason), class.String(), folder, lease.Mailbox)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, failure.New(failure.Internal, "record failure of folder", fmt.Sprintf("folder %d", folder), "ledger.folder",
				fmt.Errorf("the folder does not belong to mailbox %d", lease.Mailbox)))
		}
		return nil
	})
}

// Folders lists the folders of a mailbox in the order of their making.
func (l *Ledger) Folders(ctx context.Context, mailbox int64) ([]Folder, error) {
	var list []Folder
	err := l.each(ctx, `SELECT `+folderColumns+` FROM folder WHERE mailbox = ? ORDER BY id`, []any{mailbox}, func(rows *sql.Rows) error {
		var f folderFields
		if err := rows.Scan(f.into()...); err != nil {
			return err
		}
		list = append(list, f.folder())
		return nil
	})
	return list, explain("list folders", l.path, err)
}
