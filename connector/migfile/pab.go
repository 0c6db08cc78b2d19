package migfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"waybill/connector/migfile/canon"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/mail"
)

// maxPAB bounds the address book of one user, which is made in memory.
const maxPAB = 32 << 20

// pab makes a message of a personal address book: a readable text, and all
// entries and lists as vCards (RFC 2426) in an attachment. The Wizard attached a
// .PAB file to a message in the Inbox instead.
func (m *mailbox) pab(ctx context.Context, u *run) (*letter, error) {
	var readable, cards bytes.Buffer
	l := &letter{flags: mail.FlagSet{System: mail.Seen}}
	entries, lists := 0, 0
	readable.WriteString("This message holds your personal address book. Open the attachment to take the entries over.\r\n\r\n")
	err := u.scan(ctx, m.source.index, m.source.files, 0, func(rec mf.Record, err error) error {
		if rec.Start {
			return err
		}
		if err != nil {
			l.notes = append(l.notes, mail.Note{Kind: "pab-entry-broken", Text: err.Error()})
			return nil
		}
		if cards.Len()+readable.Len() > maxPAB {
			return failure.New(failure.TooLarge, "read address book", rec.Place.String(), "migfile.pab-size", nil).WithRemedy("take entries out of the section")
		}
		l.notes = append(l.notes, rec.Notes...)
		name := canon.Clean(rec.Field("Display-Name").Text())
		list, err := m.source.reader.value(rec, "Email-Address")
		if err != nil {
			return err
		}
		addresses := mf.List(list)
		switch class := strings.ToLower(strings.TrimSpace(rec.Field("Obj-class").Text())); class {
		case "entry":
			entries++
		case "dl":
			lists++
		default:
			l.notes = append(l.notes, mail.Note{Kind: "pab-entry-broken", Text: fmt.Sprintf("%s: %q is neither entry nor dl", rec.Place, class)})
			return nil
		}
		fmt.Fprintf(&readable, "%s: %s\r\n", name, strings.Join(addresses, "; "))
		if strings.EqualFold(strings.TrimSpace(rec.Field("Obj-class").Text()), "dl") {
			_, _ = cards.Write(mf.GroupCard(name, addresses, rec))
		} else {
			_, _ = cards.Write(mf.EntryCard(name, addresses, rec))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.notes = append(l.notes, mail.Note{Kind: notePAB, Text: fmt.Sprintf("a personal address book of %d entries and %d lists is kept as a message with vCards", entries, lists)})
	from, _ := canon.ToMIME(mf.Party{Name: m.person.user.Name}, nil)
	if a, ok := m.person.user.Address(directory.SMTP); ok {
		from, _ = canon.ToMIME(mf.Party{Name: m.person.user.Name, Type: a.Type, Value: a.Value}, nil)
	}
	body, attachment := readable.Bytes(), cards.Bytes()
	l.message = mime.Message{From: []mime.Address{from}, To: []mime.Address{from}, Subject: "Personal Address Book", Seed: u.place.String(),
		Root: &mime.Entity{Type: "multipart/mixed", Parts: []*mime.Entity{
			{Type: "text/plain", Text: true, Size: int64(len(body)), Open: inMemory(body)},
			{Type: "text/vcard", Text: true, Disposition: "attachment", Name: "Personal Address Book.vcf", Size: int64(len(attachment)), Open: inMemory(attachment)},
		}}}
	return l, nil
}

func inMemory(b []byte) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}
