package mbox

import (
	"context"
	"errors"
	"io"
	"iter"
	netmail "net/mail"
	"os"
	"time"

	"waybill/failure"
	format "waybill/format/mbox"
	"waybill/mail"
)

// Messages reads the file from start to end and yields its messages in the order
// of the file.
func (m *sourceMailbox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		if err := m.list(ctx, path, yield); err != nil {
			yield(mail.Message{}, err)
		}
	}
}

func (m *sourceMailbox) list(ctx context.Context, path mail.Path, yield func(mail.Message, error) bool) error {
	f, err := m.folder(ctx, path)
	if err != nil || f.file == "" {
		return err
	}
	file, id, err := statFile(f.file)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	fresh := newIndex()
	h := newHasher()
	reader := format.NewReader(file, id.size, format.Options{Name: f.file})
	for {
		e, err := reader.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		switch e.Kind {
		case format.Internal:
			continue
		case format.Damaged:
			if !yield(mail.Message{Key: damagedKey, Size: e.Length}, e.Err) {
				return nil
			}
			continue
		}
		digest, err := h.digest(file, e)
		if err != nil {
			return err
		}
		f.mu.Lock()
		key := fresh.add(digest, e.Offset)
		fresh.cr = reader.CR()
		f.mu.Unlock()
		msg, err := m.describe(ctx, f, file, id, e)
		if err != nil {
			return err
		}
		msg.Key = key
		f.share(fresh, id)
		if !yield(msg, nil) {
			return nil
		}
	}
	if fi, err := file.Stat(); err == nil && fi.Size() < id.size {
		return failure.New(failure.Transient, "list messages", f.file, "mbox.changed",
			errors.New("the file became shorter while it was read")).WithRemedy("let no program compact the folder during the migration")
	}
	f.share(fresh, id)
	return nil
}

// share gives Open the index as far as it goes. An index that is being made is
// written under the folder's lock, and what it lacks Open finds by reading.
func (f *folder) share(x *index, id identity) {
	f.mu.Lock()
	f.index, f.indexed = x, id
	f.mu.Unlock()
}

// describe tells what is known of a message.
func (m *sourceMailbox) describe(ctx context.Context, f *folder, file *os.File, id identity, e format.Entry) (mail.Message, error) {
	msg := mail.Message{Notes: e.Notes}
	unquote := false
	if e.Quoted > 0 && e.Marker == nil {
		rd, dialect, err := m.unquotes(ctx, f, file, id)
		if err != nil {
			return msg, err
		}
		unquote = rd
		if !rd && dialect != format.MBoxCL2 && dialect != format.MMDF {
			msg.Notes = append(msg.Notes, mail.Note{Kind: "mbox.quoted-from",
				Text: "lines that begin with >From are kept as stored; the file does not tell whether the > was there before"})
		}
	}
	msg.Size = e.Size(unquote)
	var notes []mail.Note
	msg.Flags, notes = e.State().Flags()
	msg.Notes = append(msg.Notes, notes...)
	switch {
	case e.Marker != nil:
		msg.InternalDate = e.Marker.Date
	case !e.Date.IsZero():
		msg.InternalDate = e.Date
		if d := e.Date; !e.Zoned && m.source.zone != time.UTC {
			msg.InternalDate = time.Date(d.Year(), d.Month(), d.Day(), d.Hour(), d.Minute(), d.Second(), 0, m.source.zone)
		}
	default:
		if date, err := netmail.ParseDate(e.Fields.Date); err == nil {
			msg.InternalDate = date
			msg.Notes = append(msg.Notes, mail.Note{Kind: "date-guessed", Text: "the From_ line has no date; that of the header field Date was taken"})
		} else {
			msg.InternalDate = time.Unix(0, id.modified)
			msg.Notes = append(msg.Notes, mail.Note{Kind: "date-guessed", Text: "neither From_ line nor header has a date; that of the file was taken"})
		}
	}
	return msg, nil
}
