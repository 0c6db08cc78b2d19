package msmail

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"waybill/connector/migfile/canon"
	"waybill/failure"
	"waybill/format/mime"
	"waybill/format/msmail"
	"waybill/mail"
)

// letter is an Internet message that is made of one of the postoffice.
type letter struct {
	date    time.Time
	flags   mail.FlagSet
	notes   []mail.Note
	message mime.Message
}

func (l *letter) note(kind, format string, args ...any) {
	l.notes = append(l.notes, mail.Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
}

func (l *letter) field(name, value string) {
	if value = canon.Clean(value); value != "" {
		l.message.Fields = append(l.message.Fields, mime.HeaderField{Name: name, Value: value})
	}
}

// letter makes a message, or tells why it cannot be made of what is proven. place
// is where the message lies.
func (s *source) letter(m *msmail.Message, place string) (*letter, error) {
	l := &letter{date: m.Date}
	if err := s.judge(m, l); err != nil {
		return nil, err
	}
	l.message.Seed = place
	l.message.Date = m.Date
	l.message.Subject = canon.Clean(m.Subject)
	if m.DateFrom == "mailbag" {
		l.note(noteDate, "the message has no date of its own; that of the mailbag stands for it")
	}
	s.addresses(m, l)
	l.priority(m.Priority)
	l.field("X-MS-Mail-Class", m.Header.Class)
	l.field("X-MS-Mail-Message-ID", m.Header.MessageID)
	l.field("X-MS-Mail-Parent-ID", m.Header.ParentID)
	l.field("X-MS-Mail-Conversation-ID", m.Header.ConversationID)
	if s.opt.seen {
		l.flags.System |= mail.Seen
	} else {
		l.note(noteUnread, "where a postoffice keeps whether a message was read was never published; it is taken as unread")
	}
	return l, s.content(m, l)
}

// judge decides whether a message is whole and proven.
func (s *source) judge(m *msmail.Message, l *letter) error {
	for _, d := range m.Defects {
		class, rule := failure.Malformed, d.Rule
		switch {
		case rule == "mai.key", rule == "mai.text":
			class = failure.Unsupported
		case rule == "mai.string" && s.opt.unproven:
			l.note(noteUnproven, "%s", d.Text)
			continue
		case strings.HasPrefix(rule, "mai."):
		case rule == "msmail.long-unproven":
			if s.opt.unproven {
				l.note(noteUnproven, "%s", d.Text)
				continue
			}
			class = failure.Unsupported
		case rule == "msmail.key-own":
			l.note(noteKey, "%s", d.Text)
			continue
		case rule == "msmail.subject":
			l.note(noteSubject, "%s", d.Text)
			continue
		default: // what is said of attachments is told with them
			continue
		}
		remedy := "the message's file is kept aside as it is; save the message from a client of the postoffice"
		if class == failure.Unsupported && rule == "msmail.long-unproven" {
			remedy = "unproven=deliver takes such texts all the same, with a note"
		}
		return failure.New(class, "read message", m.File, rule, fmt.Errorf("%s", d.Text)).WithRemedy(remedy)
	}
	return nil
}

// addresses writes sender and recipients, with one note of each kind.
func (s *source) addresses(m *msmail.Message, l *letter) {
	var kept []mail.Note
	for _, c := range []struct {
		from []msmail.Party
		to   *[]mime.Address
	}{{[]msmail.Party{m.From}, &l.message.From}, {m.To, &l.message.To}, {m.Cc, &l.message.Cc}, {m.Bcc, &l.message.Bcc}} {
		for _, p := range c.from {
			if p.Name == "" && p.Address.Value == "" {
				continue
			}
			a, notes := s.names.party(p)
			*c.to = append(*c.to, a)
			kept = append(kept, notes...)
		}
	}
	for _, kind := range []string{canon.NoteAddress, canon.NoteNoAddress} {
		var first string
		n := 0
		for _, k := range kept {
			if k.Kind == kind {
				if n++; n == 1 {
					first = k.Text
				}
			}
		}
		switch {
		case n > 1:
			l.note(kind, "%s; the same goes for %d more of this message", first, n-1)
		case n == 1:
			l.note(kind, "%s", first)
		}
	}
}

// priority carries what a client showed: 1 is low, 4, 5 and R are high (KB Q112915).
func (l *letter) priority(p string) {
	switch p = strings.ToUpper(strings.TrimSpace(p)); p {
	case "", "2", "3":
		return
	case "1":
		l.field("X-Priority", "5")
		l.field("Importance", "low")
	case "4", "5", "R":
		l.field("X-Priority", "1")
		l.field("Importance", "high")
	}
	l.field("X-MS-Mail-Priority", p)
	if p >= "A" {
		l.note(notePriority, "priority %s (R registered, C confirmation, F file transfer) is kept in the field X-MS-Mail-Priority", p)
	}
}

// content lays out text and attachments.
func (s *source) content(m *msmail.Message, l *letter) error {
	text := &mime.Entity{Type: "text/plain", Text: true, Size: -1, Open: m.Text}
	parts := []*mime.Entity{text}
	for i := range m.Attachments {
		e, err := s.attachment(&m.Attachments[i], i, l)
		if err != nil {
			return err
		}
		parts = append(parts, e)
	}
	if l.message.Root = text; len(parts) > 1 {
		l.message.Root = &mime.Entity{Type: "multipart/mixed", Parts: parts}
	}
	return nil
}

// attachment makes the part of one attachment. One that is gone leaves a line of
// text; one whose encryption is not proven sets the whole message aside, or with
// unproven=deliver comes as its raw bytes.
func (s *source) attachment(a *msmail.Attachment, n int, l *letter) (*mime.Entity, error) {
	name := canon.BaseName(a.Name)
	if name == "" {
		name = fmt.Sprintf("attachment-%d", n+1)
		l.note(noteName, "an attachment without a name is called %s", name)
	} else if name != canon.Clean(a.Name) {
		l.note(notePath, "the attachment was called %s", a.Name)
	}
	proof, err := a.Prove()
	switch {
	case err != nil:
		return nil, err
	case proof.Proven:
		e := &mime.Entity{Type: typeOf(name), Disposition: "attachment", Name: name, Size: proof.Actual, Open: a.Open}
		if a.Size > 0 {
			e.Size = a.Size // what is behind it is padding
		}
		if proof.Actual == 0 {
			e.Open = nil
		}
		return e, nil
	case proof.Actual <= 0:
		l.note(noteGone, "the attachment %s is lost: %s", name, proof.Why)
		line := "[The attachment " + name + " was lost in the postoffice: " + proof.Why + "]\r\n"
		return &mime.Entity{Type: "text/plain", Text: true, Size: int64(len(line)), Open: inMemory(line)}, nil
	case s.opt.unproven:
		l.note(noteUnproven, "the attachment %s comes as its encrypted bytes: %s", name, proof.Why)
		return &mime.Entity{Type: "application/octet-stream", Disposition: "attachment", Name: name + ".att", Size: proof.Actual, Open: a.Raw}, nil
	}
	return nil, failure.New(failure.Unsupported, "read attachment", a.File, "att.unproven", fmt.Errorf("%s: %s", name, proof.Why)).
		WithRemedy("the files of message and attachment are kept aside; unproven=deliver delivers the message with the attachment's raw bytes")
}

// typeOf is the media type of a file; WINMAIL.DAT is what Windows clients added
// for each other (KB Q126648).
func typeOf(name string) string {
	if strings.EqualFold(name, "WINMAIL.DAT") {
		return "application/ms-tnef"
	}
	return canon.TypeOf(name)
}

func inMemory(s string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}
