package migfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

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
		name := clean(rec.Field("Display-Name").Text())
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
			groupCard(&cards, name, addresses, rec)
		} else {
			entryCard(&cards, name, addresses, rec)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	l.notes = append(l.notes, mail.Note{Kind: notePAB, Text: fmt.Sprintf("a personal address book of %d entries and %d lists is kept as a message with vCards", entries, lists)})
	from, _ := toMIME(mf.Party{Name: m.person.user.Name}, nil)
	if a, ok := m.person.user.Address(directory.SMTP); ok {
		from, _ = toMIME(mf.Party{Name: m.person.user.Name, Type: a.Type, Value: a.Value}, nil)
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

func vcardText(s string) string {
	return strings.NewReplacer(`\`, `\\`, ";", `\;`, ",", `\,`, "\r\n", `\n`, "\n", `\n`).Replace(s)
}

// property writes one property of a vCard, folded (RFC 2426 2.6), unless it is empty.
func property(b *bytes.Buffer, name string, values ...string) {
	if strings.Join(values, "") == "" {
		return
	}
	for i, v := range values {
		values[i] = vcardText(v)
	}
	line := name + ":" + strings.Join(values, ";")
	for len(line) > 75 {
		n := 75
		for n > 60 && line[n]&0xC0 == 0x80 {
			n-- // between characters
		}
		b.WriteString(line[:n] + "\r\n")
		line = " " + line[n:]
	}
	b.WriteString(line + "\r\n")
}

func entryCard(b *bytes.Buffer, name string, addresses []string, rec mf.Record) {
	v := func(column string) string { return clean(rec.Field(column).Text()) }
	b.WriteString("BEGIN:VCARD\r\nVERSION:3.0\r\n")
	property(b, "FN", name)
	first, last := v("First"), v("Last")
	if first+last == "" {
		last = name
	}
	b.WriteString("N:" + vcardText(last) + ";" + vcardText(first) + ";;;\r\n")
	for _, s := range addresses {
		a, err := directory.ParseAddress(s)
		switch {
		case err == nil && a.Type == directory.SMTP:
			property(b, "EMAIL;TYPE=INTERNET", a.Value)
		case err == nil:
			property(b, "EMAIL;TYPE="+a.Type, a.Value)
		default:
			property(b, "X-ADDRESS", s)
		}
	}
	property(b, "ORG", v("Company"), v("Department"))
	property(b, "TITLE", v("Title"))
	property(b, "ADR;TYPE=WORK", "", v("Office"), v("Address"), v("City"), v("State"), v("Zip"), v("Country"))
	for _, t := range []struct{ kind, column string }{{"WORK,VOICE", "Bus-Num"}, {"WORK,VOICE", "Bus2-Num"}, {"WORK,FAX", "Fax-Num"}, {"HOME,VOICE", "Home-Num"},
		{"HOME,VOICE", "Home2-Num"}, {"CELL", "Mobile-Num"}, {"PAGER", "Pager-Num"}} {
		property(b, "TEL;TYPE="+t.kind, v(t.column))
	}
	property(b, "X-ASSISTANT", v("Assistant"))
	property(b, "X-ASSISTANT-PHONE", v("Assist-Num"))
	property(b, "NOTE", rec.Field("Note").Text())
	b.WriteString("END:VCARD\r\n")
}

// groupCard writes a list in the way that address books of vCard 3.0 know.
func groupCard(b *bytes.Buffer, name string, members []string, rec mf.Record) {
	b.WriteString("BEGIN:VCARD\r\nVERSION:3.0\r\n")
	property(b, "FN", name)
	b.WriteString("N:" + vcardText(name) + ";;;;\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n")
	for _, s := range members {
		if a, err := directory.ParseAddress(s); err == nil && a.Type == directory.SMTP {
			property(b, "X-ADDRESSBOOKSERVER-MEMBER", "mailto:"+a.Value)
		} else {
			property(b, "X-MEMBER", s)
		}
	}
	property(b, "NOTE", rec.Field("Note").Text())
	b.WriteString("END:VCARD\r\n")
}
