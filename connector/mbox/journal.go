package mbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"waybill/connector/files"
	"waybill/failure"
	format "waybill/format/mbox"
)

// A rollback journal stands beside a file while it is appended to. It says how
// long the file was. It is on disk before the first byte is appended, and goes
// when all bytes are on disk; whoever finds one cuts the file back.
const journalForm = "waybill mbox journal 1\nlength %d\nend\n"

func journalName(file string) string { return "." + file + ".waybill" }

// parseJournal reads a journal; one that was cut off is none.
func parseJournal(text []byte) (length int64, ok bool) {
	n, _ := fmt.Sscanf(string(text), "waybill mbox journal 1\nlength %d\nend", &length)
	return length, n == 1 && length >= 0 && fmt.Sprintf(journalForm, length) == string(text)
}

func (b *box) journal() string { return journalName(b.name) }

func (b *box) hasJournal() (bool, error) {
	_, err := b.dir.Lstat(b.journal())
	if failure.ClassOf(err) == failure.Vanished {
		return false, nil
	}
	return err == nil, err
}

// begin writes the journal.
func (b *box) begin() error {
	f, err := b.dir.Create(b.journal())
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, journalForm, b.size)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return files.Fail("write journal", b.dir.Join(b.journal()), "mbox.journal", err)
	}
	return b.dir.Sync()
}

// commit makes what was appended durable, and only then lets the journal go.
func (b *box) commit() error {
	if err := b.file.Sync(); err != nil {
		return files.Fail("flush mbox", b.path, "mbox.write", err)
	}
	return b.end()
}

func (b *box) end() error {
	if err := b.dir.Remove(b.journal()); err != nil {
		return err
	}
	return b.dir.Sync()
}

// rollback cuts the file back to its length before the append.
func (b *box) rollback(length int64) error {
	if err := b.file.Truncate(length); err != nil {
		return files.Fail("cut back mbox", b.path, "mbox.write", err)
	}
	return b.commit()
}

// recover cuts off what an append that did not end has left, if it did. The file
// is locked: nobody is at it now.
func (b *box) recover(ctx context.Context) error {
	text, err := os.ReadFile(b.dir.Join(b.journal()))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return files.Fail("read journal", b.dir.Join(b.journal()), "mbox.journal", err)
	}
	if err := b.stat(); err != nil {
		return err
	}
	length, ok := parseJournal(text)
	if !ok || length > b.size {
		return b.end() // the journal was cut off itself, so nothing had been appended
	}
	foreign, err := b.strangers(ctx, length)
	if err != nil {
		return err
	}
	if foreign {
		return failure.New(failure.Conflict, "clear away a cut append", b.path, "mbox.foreign-mail",
			fmt.Errorf("another program delivered mail behind byte %d after an append of ours was cut off there", length)).
			WithRemedy("move the mail that is not ours out of the file, and run again")
	}
	return b.rollback(length)
}

// strangers reports whether mail that we did not write stands behind an offset.
func (b *box) strangers(ctx context.Context, from int64) (bool, error) {
	r := format.NewReader(b.file, b.size, format.Options{Name: b.path, From: from})
	for {
		e, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		// A message of ours that was cut in its first line has no marker yet, but
		// our sender, and nothing behind it.
		if e.Kind == format.Message && e.Marker == nil && !e.Date.IsZero() && (e.Sender != format.NoSender || e.End < b.size) {
			return true, nil
		}
	}
}
