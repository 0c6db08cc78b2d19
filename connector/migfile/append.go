package migfile

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"

	"waybill/connector"
	"waybill/connector/migfile/canon"
	"waybill/connector/migfile/journal"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

// longValue is the length in bytes from which a value of the header is kept in
// the secondary file: programs of the time read lines of limited length.
const longValue = 1000

// Append writes a batch, whole or not at all: the sizes of both files are in a
// journal before the first byte, and both are durable before it is removed. Items
// that fail are not part of the batch.
func (b *box) Append(ctx context.Context, folder mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	if _, err := b.parsePosition(folder, at); err != nil {
		return nil, err
	}
	if !storable(folder, b.target.page) {
		return nil, failure.New(failure.Usage, "append", b.where(folder, ""), "migfile.folder-name", errors.New("the files cannot hold this name"))
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	dir, name := b.target.dir, b.account.base
	if err := b.exists(ctx, folder); err != nil {
		return nil, err
	}
	pri, sec, err := b.sizes()
	if err != nil {
		return nil, err
	}
	if err := journal.Begin(dir, name, map[string]int64{name + ".pri": pri, name + ".sec": sec}); err != nil {
		return nil, err
	}
	receipts, err := b.write(ctx, folder, items, pri, sec)
	if err != nil {
		return nil, errors.Join(err, journal.Recover(dir, name))
	}
	if b.account.used != nil && !slices.Contains(b.account.used, folder) && slices.ContainsFunc(receipts, func(r connector.Receipt) bool { return r.Err == nil }) {
		b.account.used = append(b.account.used, folder)
	}
	return receipts, journal.End(dir, name)
}

// write appends to both files and makes them durable.
func (b *box) write(ctx context.Context, folder mail.Path, items []connector.Item, pri, sec int64) (receipts []connector.Receipt, err error) {
	primary, err := openAt(b.path(".pri"), pri)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, journal.Error("append", b.path(".pri"), primary.Close())) }()
	secondary, err := openAt(b.path(".sec"), sec)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, journal.Error("append", b.path(".sec"), secondary.Close())) }()

	rows, data := bufio.NewWriterSize(primary, 64<<10), bufio.NewWriterSize(secondary, 256<<10)
	out, err := mf.NewSecondaryWriter(data, sec, b.account.base+".sec", b.target.page)
	if err != nil {
		return nil, err
	}
	sp := canon.NewSpool(b.target.dir)
	defer sp.Reset()
	for _, item := range items {
		c, itemErr := b.read(ctx, item, sp)
		if ctx.Err() != nil {
			return nil, cancelled(ctx)
		}
		if itemErr != nil {
			receipts = append(receipts, connector.Receipt{Err: itemErr})
			continue
		}
		row, notes, err := b.record(out, folder, item, c, sp)
		if err != nil {
			return nil, err
		}
		if _, err := rows.Write(row); err != nil {
			return nil, journal.Error("append", b.path(".pri"), err)
		}
		receipts = append(receipts, connector.Receipt{ID: strconv.FormatInt(pri, 10), Notes: append(c.Notes, notes...)})
		pri += int64(len(row))
	}
	for _, f := range []struct {
		w *bufio.Writer
		f *os.File
	}{{data, secondary}, {rows, primary}} {
		err := f.w.Flush()
		if err == nil {
			err = f.f.Sync()
		}
		if err != nil {
			return nil, journal.Error("append", f.f.Name(), err)
		}
	}
	return receipts, nil
}

func openAt(path string, offset int64) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, journal.Error("append", path, err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, journal.Error("append", path, err)
	}
	return f, nil
}

// read takes an item's content into the spool.
func (b *box) read(ctx context.Context, item connector.Item, sp *canon.Spool) (*canon.Content, error) {
	sp.Reset()
	r, err := item.Open(ctx)
	if err != nil {
		return nil, err
	}
	x := &canon.Extractor{Page: b.target.page, Zone: b.target.zone, Spool: sp}
	c, err := x.Extract(ctx, r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	return c, err
}

// record writes the sections of a message and makes its row.
func (b *box) record(out *mf.SecondaryWriter, folder mail.Path, item connector.Item, c *canon.Content, sp *canon.Spool) ([]byte, []mail.Note, error) {
	var notes []mail.Note
	value := func(f mf.Field) (mf.Field, error) {
		text := f.Text()
		if len(text) <= longValue {
			return f, nil
		}
		encoded, _ := b.target.page.Encode(text)
		p, err := out.Add(mf.Piece{Type: mf.Other, Length: int64(len(encoded)), Last: true}, bytes.NewReader(encoded))
		return mf.NewPointer(p), err
	}
	var header []mf.Field
	for _, f := range []mf.Field{mf.NewList(one(c.Sender)), mf.NewList(c.To), mf.NewList(c.Cc), mf.NewList(c.Bcc), mf.NewField(c.Subject)} {
		f, err := value(f)
		if err != nil {
			return nil, nil, err
		}
		header = append(header, f)
	}
	pointer, err := out.Add(mf.Piece{Type: mf.Body, Length: c.Body.Size, Last: len(c.Attachments) == 0}, sp.Open(c.Body))
	if err != nil {
		return nil, nil, err
	}
	for i, a := range c.Attachments {
		p := mf.Piece{Type: mf.Attachment, Length: a.Data.Size, Last: i+1 == len(c.Attachments), Name: a.Name}
		if _, err := out.Add(p, sp.Open(a.Data)); err != nil {
			return nil, nil, err
		}
	}
	received := ""
	if !item.InternalDate.IsZero() {
		if received = mf.FormatStamp(item.InternalDate, b.target.zone); received == "" {
			notes = append(notes, mail.Note{Kind: noteNotKept, Text: "the date " + item.InternalDate.String() + " cannot be written with four digits of year"})
		}
	}
	fields := append([]mf.Field{mf.NewField(formatFolder(folder))}, header...)
	fields = append(fields, mf.NewWord(c.Sent), mf.NewWord(received), mf.NewWord(strconv.Itoa(c.Priority)),
		mf.NewBool(item.Flags.System&mail.Seen == 0), mf.NewBool(item.Flags.System&mail.Draft != 0), mf.NewPointer(pointer))
	row, _ := b.target.page.Row(fields...)
	if len(row) > mf.MaxLine {
		return nil, nil, failure.New(failure.Internal, "append", b.where(folder, item.Key), "migfile.line-length", nil)
	}
	return row, notes, nil
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}
