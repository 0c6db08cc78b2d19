package migfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"waybill/connector/migfile/canon"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/mail"
)

// reader makes messages of the records of MAILMESSAGE sections.
type reader struct {
	files *files
	zone  *time.Location
	// resolve finds the address of a name in the directory; may be nil.
	resolve func(name string) (string, bool)
}

// letter is a record of a MAILMESSAGE section with everything that is read
// before its content: the message's header, and where the pieces lie.
type letter struct {
	sent, received time.Time
	flags          mail.FlagSet
	notes          []mail.Note
	message        mime.Message
	file           string // the secondary file
	pieces         []mf.Piece
}

// value is the text of a column, wherever it is kept.
func (r *reader) value(rec mf.Record, column string) (text string, err error) {
	f := rec.Field(column)
	p, ok := f.Pointer()
	if !ok {
		return f.Text(), nil
	}
	s, err := r.files.acquire(p.File)
	if err != nil {
		return "", at(err, rec.Place)
	}
	defer r.files.release(s)
	text, err = s.Value(p.Offset)
	return text, at(err, rec.Place)
}

// at adds the place of the record to an error in a secondary file.
func at(err error, place mf.Place) error {
	var e *failure.Error
	if !errors.As(err, &e) {
		return err
	}
	with := *e
	with.Where = place.String() + ", " + e.Where
	return &with
}

// letter reads everything of a record but the content.
func (r *reader) letter(rec mf.Record) (*letter, error) {
	l := &letter{notes: append([]mail.Note(nil), rec.Notes...)}
	note := func(kind, text string) { l.notes = append(l.notes, mail.Note{Kind: kind, Text: text}) }
	sender, err := r.value(rec, "Sender")
	if err != nil {
		return nil, err
	}
	if list := mf.List(sender); len(list) == 1 {
		sender = list[0]
	}
	from, notes := canon.ToMIME(mf.ParseParty(canon.Clean(sender)), r.resolve)
	l.message.From, l.notes = []mime.Address{from}, append(l.notes, notes...)
	for _, c := range []struct {
		name string
		list *[]mime.Address
	}{{"To", &l.message.To}, {"Cc", &l.message.Cc}, {"Bcc", &l.message.Bcc}} {
		text, err := r.value(rec, c.name)
		if err != nil {
			return nil, err
		}
		for _, s := range mf.List(text) {
			a, notes := canon.ToMIME(mf.ParseParty(canon.Clean(s)), r.resolve)
			*c.list, l.notes = append(*c.list, a), append(l.notes, notes...)
		}
	}
	subject, err := r.value(rec, "Subject")
	if err != nil {
		return nil, err
	}
	l.message.Subject = canon.Clean(subject)
	var ok [2]bool
	l.sent, ok[0] = mf.ParseStamp(rec.Field("Send-Date").Text(), r.zone)
	l.received, ok[1] = mf.ParseStamp(rec.Field("Received-Date").Text(), r.zone)
	for i, column := range []string{"Send-Date", "Received-Date"} {
		if !ok[i] {
			note(canon.NoteDate, fmt.Sprintf("%s: the %s %.60q is no date of the form YYYYMMDDHHMMSS and was left out", rec.Place, column, rec.Field(column).Text()))
		}
	}
	l.message.Date = l.sent
	if p := priority(rec.Field("Priority").Text()); p != 0 {
		l.message.Fields = priorityFields(p)
	}
	unread, known := rec.Field("Unread").Bool()
	if unsent, _ := rec.Field("Unsent").Bool(); unsent {
		l.flags.System |= mail.Draft
	}
	if known && !unread {
		l.flags.System |= mail.Seen
	} else if !known {
		note(noteUnread, "the file does not say whether the message was read; it is taken as unread")
	}
	l.message.Seed = rec.Place.String()
	if err := r.content(rec, l); err != nil {
		return nil, err
	}
	return l, nil
}

func priority(text string) int {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil || n < -1 || n > 1 {
		return 0
	}
	return n
}

func priorityFields(p int) []mime.HeaderField {
	if p > 0 {
		return []mime.HeaderField{{Name: "X-Priority", Value: "1"}, {Name: "Importance", Value: "high"}}
	}
	return []mime.HeaderField{{Name: "X-Priority", Value: "5"}, {Name: "Importance", Value: "low"}}
}

// content finds the pieces of a message and lays out its parts.
func (r *reader) content(rec mf.Record, l *letter) error {
	body := rec.Field("Body")
	p, ok := body.Pointer()
	switch {
	case !ok && (rec.Missing("Body") || strings.TrimSpace(body.Text()) != ""):
		return failure.New(failure.Malformed, "read message", rec.Place.String(), "migfile.body-pointer",
			fmt.Errorf("the record has no pointer to its body (%.60q)", body.Text())).
			WithRemedy("write #FILE.SEC(offset) into the column Body")
	case !ok: // a message of a header alone
		l.message.Root = &mime.Entity{Type: "text/plain", Text: true}
		return nil
	}
	s, err := r.files.acquire(p.File)
	if err != nil {
		return at(err, rec.Place)
	}
	defer r.files.release(s)
	if l.pieces, err = s.Chain(p.Offset); err != nil {
		return at(err, rec.Place)
	}
	if l.pieces[0].Type == mf.Other {
		return failure.New(failure.Malformed, "read message", rec.Place.String()+", "+l.pieces[0].At.String(), "migfile.offset",
			errors.New("the column Body leads to a section of type Other")).WithRemedy("correct the offset in the column Body")
	}
	l.file = p.File
	note := func(kind, text string) { l.notes = append(l.notes, mail.Note{Kind: kind, Text: text}) }
	text := &mime.Entity{Type: "text/plain", Text: true, Size: -1}
	parts := []*mime.Entity{text}
	for i, piece := range l.pieces {
		if piece.Type == mf.Body {
			text.Open = r.opener(p.File, func(s *secondary) (io.Reader, error) { return s.Text(piece), nil })
			continue
		}
		e := &mime.Entity{Disposition: "attachment", Name: canon.BaseName(piece.Name), Size: piece.Length}
		if e.Name != canon.Clean(piece.Name) {
			note(notePath, "the attachment was called "+piece.Name)
		}
		e.Open = r.opener(p.File, func(s *secondary) (io.Reader, error) { return s.Data(piece), nil })
		switch {
		case piece.Type == mf.Schedule:
			e.Type = "application/octet-stream"
			note(noteSchedule, "a calendar in the form of Schedule+ is kept as the attachment "+e.Name)
		case piece.Type == mf.Document:
			note(noteDocument, "a free document is kept as the attachment "+e.Name)
		case piece.Macbinary:
			data := io.NewSectionReader(s.f, piece.Data, piece.Length)
			if _, size, resource, ok := mf.DataFork(data, piece.Length); ok {
				e.Size = size
				e.Open = r.opener(p.File, func(s *secondary) (io.Reader, error) {
					fork, _, _, _ := mf.DataFork(io.NewSectionReader(s.f, piece.Data, piece.Length), piece.Length)
					return fork, nil
				})
				note(noteMacbinary, fmt.Sprintf("of the Macintosh file %s the data is kept, and %d bytes of resources are not", e.Name, resource))
			}
		}
		if e.Name == "" {
			e.Name = fmt.Sprintf("attachment-%d", i)
			note(noteName, fmt.Sprintf("%s: the attachment has no name (events 8048, 8059) and is called %s", piece.At, e.Name))
		}
		if e.Type == "" {
			e.Type = canon.TypeOf(e.Name)
		}
		if piece.Position > 0 {
			note(notePosition, fmt.Sprintf("the place of %s in the text (%d) is not kept", e.Name, piece.Position))
		}
		parts = append(parts, e)
	}
	if l.message.Root = text; len(parts) > 1 {
		l.message.Root = &mime.Entity{Type: "multipart/mixed", Parts: parts}
	}
	return nil
}

// opener opens a piece when its turn comes.
func (r *reader) opener(file string, data func(*secondary) (io.Reader, error)) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		s, err := r.files.acquire(file)
		if err != nil {
			return nil, err
		}
		from, err := data(s)
		if err != nil {
			r.files.release(s)
			return nil, err
		}
		return &borrowed{Reader: from, done: func() { r.files.release(s) }}, nil
	}
}

// borrowed is a reader that gives something back when it is closed.
type borrowed struct {
	io.Reader
	done func()
}

func (b *borrowed) Close() error {
	if b.done != nil {
		b.done()
		b.done = nil
	}
	return nil
}
