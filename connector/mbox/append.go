package mbox

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	format "waybill/format/mbox"
	"waybill/mail"
)

// Position is the length of the file, and the file's identity.
func (m *targetMailbox) Position(ctx context.Context, folder mail.Path) (connector.Position, error) {
	b, err := m.open(ctx, folder, false)
	if err != nil {
		return "", err
	}
	defer b.close()
	return connector.Position(fmt.Sprintf("%d:%d", b.size, b.node)), nil
}

// at checks that a position still lies in the file.
func (b *box) at(p connector.Position) (int64, error) {
	size, node, ok := strings.Cut(string(p), ":")
	off, err := strconv.ParseInt(size, 10, 64)
	if !ok || err != nil || off < 0 {
		return 0, failure.New(failure.Usage, "find position", b.path, "mbox.position", fmt.Errorf("%q is no position in an mbox file", p))
	}
	if node != strconv.FormatUint(b.node, 10) || off > b.size {
		return 0, failure.New(failure.Conflict, "find position", b.path, "mbox.replaced",
			errors.New("the file was replaced or cut since the position was taken")).
			WithRemedy("let no mail program write to the target during the migration")
	}
	return off, nil
}

// Append writes the whole batch behind a rollback journal: after a crash, or when
// the disk is full, all of it is there or nothing.
func (m *targetMailbox) Append(ctx context.Context, folder mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	if err := alive(ctx, "append", m.where(folder)); err != nil || len(items) == 0 {
		return nil, err
	}
	b, err := m.open(ctx, folder, true)
	if err != nil {
		return nil, err
	}
	defer b.close()
	if _, err := b.at(at); err != nil {
		return nil, err
	}
	base := b.size
	if err := b.begin(); err != nil {
		return nil, err
	}
	receipts, err := b.write(ctx, items)
	if err == nil {
		err = alive(ctx, "append", m.where(folder))
	}
	if err == nil {
		err = b.commit()
	}
	if err != nil {
		// What fails here is cleared away by whoever opens the file next.
		return nil, errors.Join(err, b.rollback(base))
	}
	return receipts, nil
}

// write appends the items one after the other.
func (b *box) write(ctx context.Context, items []connector.Item) ([]connector.Receipt, error) {
	gap, err := b.gap()
	if err != nil {
		return nil, err
	}
	receipts := make([]connector.Receipt, len(items))
	for i, item := range items {
		if err := alive(ctx, "append", b.path); err != nil {
			return nil, err
		}
		start := b.size
		w, err := b.writeOne(ctx, gap, item)
		if err == nil {
			gap = ""
			b.size = w.End
			receipts[i].ID = formatID(w.From, w.Size)
			continue
		}
		// The item's own fault stays its own; what is wrong with the file is
		// everybody's.
		var fault *format.BodyError
		mine := errors.As(err, &fault) || failure.ClassOf(err) == failure.Unsupported
		if !mine || ctx.Err() != nil {
			if cerr := alive(ctx, "append", b.path); cerr != nil {
				return nil, cerr
			}
			return nil, files.Fail("append", b.path, "mbox.write", err)
		}
		if fault != nil {
			err = fault.Err
		}
		if failure.ClassOf(err) == failure.Internal {
			err = failure.New(failure.Transient, "read message", item.Key, "mbox.item", err)
		}
		receipts[i].Err = err
		if err := b.file.Truncate(start); err != nil {
			return nil, files.Fail("append", b.path, "mbox.write", err)
		}
	}
	return receipts, nil
}

func (b *box) writeOne(ctx context.Context, gap string, item connector.Item) (format.Written, error) {
	body, err := item.Open(ctx)
	if err != nil {
		return format.Written{}, &format.BodyError{Err: err}
	}
	defer func() { _ = body.Close() }()
	if gap != "" {
		if _, err := b.file.WriteAt([]byte(gap), b.size); err != nil {
			return format.Written{}, err
		}
	}
	return format.Append(b.file, b.size+int64(len(gap)), format.Envelope{Date: item.InternalDate, Flags: item.Flags},
		&guarded{ctx: ctx, r: body, where: item.Key})
}

// gap is what another program's last message needs behind it, for a From_ line
// to follow an empty line.
func (b *box) gap() (string, error) {
	if b.size == 0 {
		return "", nil
	}
	head := make([]byte, min(b.size, 8<<10))
	if _, err := b.file.ReadAt(head, 0); err != nil {
		return "", files.Fail("read mbox", b.path, "mbox.read", err)
	}
	text := strings.TrimLeft(strings.TrimPrefix(string(head), "\xef\xbb\xbf"), "\r\n")
	if text != "" && (!strings.HasPrefix(text, "From ") || !strings.Contains(text, "\n")) {
		return "", failure.New(failure.Conflict, "append", b.path, "mbox.other-format",
			errors.New("what is in the file already is no mbox with LF or CRLF lines, and would be spoilt")).
			WithRemedy("move the file away, or choose another account")
	}
	tail := make([]byte, min(b.size, 4))
	if _, err := b.file.ReadAt(tail, b.size-int64(len(tail))); err != nil {
		return "", files.Fail("read mbox", b.path, "mbox.read", err)
	}
	switch text := string(tail); {
	case strings.HasSuffix(text, "\n\n"), strings.HasSuffix(text, "\n\r\n"), text == "\n":
		return "", nil
	case strings.HasSuffix(text, "\n"):
		return "\n", nil
	}
	return "\n\n", nil
}

// An ID is the offset of the From_ line with the message's length, so that
// another message that comes to stand there later is not taken for this one.
func formatID(off, size int64) string { return fmt.Sprintf("%d+%d", off, size) }

func parseID(id string) (off, size int64, ok bool) {
	a, b, ok := strings.Cut(id, "+")
	off, err := strconv.ParseInt(a, 10, 64)
	size, err2 := strconv.ParseInt(b, 10, 64)
	return off, size, ok && err == nil && err2 == nil && off >= 0 && formatID(off, size) == id
}
