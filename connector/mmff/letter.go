package mmff

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"waybill/connector/migfile/canon"
	"waybill/failure"
	mf "waybill/format/migfile"
	format "waybill/format/mmff"
	"waybill/mail"
)

// form is how the text of files is to be taken.
type form struct {
	page  mf.CodePage
	zone  *time.Location
	zoned bool // the operator named the zone
}

// letter is what the format holds of a message.
type letter struct {
	message format.Message
	content *canon.Content
	notes   []mail.Note
}

// extract takes out of a message what the format holds of it. Text and
// attachments go into the spool, if there is one.
func (f form) extract(ctx context.Context, r io.Reader, spool *canon.Spool) (*letter, error) {
	x := &canon.Extractor{Page: f.page, Zone: f.zone, Spool: spool}
	c, err := x.Extract(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(c.Attachments) > format.MaxAttachments {
		return nil, failure.New(failure.TooLarge, "write message", "", "mmff.attachments", fmt.Errorf("more than %d attachments", format.MaxAttachments))
	}
	l := &letter{content: c}
	note := func(kind, text string) { l.notes = append(l.notes, mail.Note{Kind: kind, Text: text}) }
	names := 0
	take := func(list []string) []string {
		var kept []string
		for _, s := range list {
			a := addressOf(s)
			if p := mf.ParseParty(s); p.Name != "" && p.Type != "" {
				names++
			}
			if a.Value != "" {
				kept = append(kept, a.String())
			}
		}
		return kept
	}
	var sender string
	if from := take([]string{c.Sender}); len(from) > 0 {
		sender, l.message.From = from[0], format.ParseAddress(from[0])
	}
	if len(c.Cc) > 0 {
		note(noteCopies, "recipients of copies are recipients: the basic form has no other")
	}
	if len(c.Bcc) > 0 {
		note(noteBlind, "recipients of blind copies are left out: an import would show them to all")
	}
	to := take(append(append([]string{}, c.To...), c.Cc...))
	for _, s := range to {
		l.message.To = append(l.message.To, format.ParseAddress(s))
	}
	if names > 0 {
		note(noteNames, fmt.Sprintf("%d names beside addresses have no place in the format", names))
	}
	l.message.Subject = c.Subject
	if sent, ok := mf.ParseStamp(c.Sent, f.zone); ok && c.Sent != "" {
		l.message.SetSent(sent, f.zone)
		c.Sent = c.Sent[:12] + "00" // to the minute
		if again, ok := l.message.Sent(f.zone); ok {
			c.Sent = mf.FormatStamp(again, f.zone) // an hour that the zone has twice, or not at all
		}
	}
	l.message.SetImportance(c.Priority)
	l.message.Text.Size = c.Body.Size
	for _, a := range c.Attachments {
		l.message.Attachments = append(l.message.Attachments, format.Attachment{Name: a.Name, Content: format.Content{Size: a.Data.Size}})
	}
	// What the digest is taken of is what the file will say.
	c.Sender, c.To, c.Cc, c.Bcc = sender, to, nil, nil
	l.notes = append(c.Notes, l.notes...)
	return l, nil
}

// addressOf makes the address that stands for a party. One of whom only the name
// is known is written as a mailbox of that name, which it may even be.
func addressOf(text string) format.Address {
	p := mf.ParseParty(text)
	if p.Type == "" {
		p = mf.Party{Type: format.CSI, Value: p.Name}
	}
	p.Name = ""
	if p.Value = canon.Clean(strings.ReplaceAll(p.Value, "^0D", " ")); p.Value == "" {
		return format.Address{}
	}
	// Brackets that do not match would be taken apart in another way when the
	// message is read again.
	if again := mf.ParseParty(p.String()); again != p {
		p.Value = strings.NewReplacer("[", "(", "]", ")").Replace(p.Value)
	}
	return format.Address{Type: p.Type, Value: p.Value}
}

// write writes the message.
func (l *letter) write(w io.Writer, f form, spool *canon.Spool) error {
	data := make([]io.Reader, len(l.content.Attachments))
	for i, a := range l.content.Attachments {
		data[i] = spool.Open(a.Data)
	}
	return format.NewWriter(w, f.page).Write(&l.message, spool.Open(l.content.Body), data)
}

func (f form) fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	l, err := f.extract(ctx, message, nil)
	if err != nil {
		return mail.Digest{}, err
	}
	return l.content.Fingerprint(), nil
}
