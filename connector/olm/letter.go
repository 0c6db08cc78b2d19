package olm

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"waybill/connector/files"
	"waybill/failure"
	"waybill/format/mime"
	"waybill/format/mutf7"
	format "waybill/format/olm"
	"waybill/mail"
)

// maxAttached bounds the attachments of one message together, in bytes.
const maxAttached = 4 << 30

// maxNotes bounds what is said of one message.
const maxNotes = 100

// letter is a message being made of what the archive has.
type letter struct {
	a     *archive
	found found
	made  *mime.Message
	date  time.Time
	flags mail.FlagSet
	notes []mail.Note
	err   error
}

func (l *letter) note(kind, format string, args ...any) {
	if len(l.notes) < maxNotes {
		l.notes = append(l.notes, mail.Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
}

// convert makes Internet mail of a message.
func convert(a *archive, f found) *letter {
	l := &letter{a: a, found: f}
	m := f.mail
	l.marks()
	sent := l.dates()
	// The place in the archive, which does not depend on where the archive lies.
	l.made = &mime.Message{Seed: f.Name + "\x00" + f.key}
	l.made.Lead = l.header(sent)
	l.made.Root = l.root()
	if m.Cut > 0 {
		l.note("fields-cut", "%d texts or elements of the message were too long or too many and are cut.", m.Cut)
	}
	return l
}

// dates finds the date of arrival, and returns when the message was sent.
func (l *letter) dates() time.Time {
	m := l.found.mail
	sent := m.Sent
	// Outlook writes the time of the export for mail that has no Date field.
	if !sent.IsZero() && sent.Equal(m.Modified) && !m.Received.IsZero() && sent.Sub(m.Received) > 24*time.Hour {
		sent = m.Received
		l.note("date-from-arrival", "The message has no time of sending; the time of arrival stands for it.")
	}
	if sent.IsZero() {
		sent = m.Received
	}
	for _, t := range []time.Time{m.Received, sent, m.Modified} {
		if !t.IsZero() {
			l.date = t
			return sent
		}
	}
	l.date = time.Unix(l.a.info.ModTime.Unix(), 0).UTC()
	l.note("date-from-file", "The message has no date; the time of the archive stands for it.")
	return sent
}

func (l *letter) marks() {
	m := l.found.mail
	var f mail.Flags
	if m.Read {
		f |= mail.Seen
	}
	if m.FlagStatus > 0 && !m.Completed {
		f |= mail.Flagged
	}
	if m.Outgoing && !m.WasSent {
		f |= mail.Draft
	}
	var words []string
	for _, category := range m.Categories {
		word := keyword(category)
		if word != category {
			l.note("keyword-renamed", "The category %s is the keyword %s.", category, word)
		}
		words = append(words, word)
	}
	l.flags = mail.NewFlagSet(f, words...)
}

// keyword spells a category as an atom that every IMAP server takes (RFC 9051 9,
// flag-keyword): in modified UTF-7, with "_" for what an atom cannot hold.
func keyword(category string) string {
	word := strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`(){%*"\]`, r) {
			return '_'
		}
		return r
	}, mutf7.Encode(strings.ReplaceAll(category, `\`, "_")))
	return word[:min(len(word), 200)] // some servers know no longer keywords
}

// body is an entity of the text of an element.
func (l *letter) body(element, media string) *mime.Entity {
	a, f := l.a, l.found
	where := a.store.place.Path + ", entry " + files.Printable(f.Name)
	return &mime.Entity{Type: media, Text: true, Size: f.mail.Bodies[element].Size,
		Open: func(context.Context) (io.ReadCloser, error) {
			r, err := a.OpenEntry(f.File)
			if err != nil {
				return nil, err
			}
			return format.NewTextReader(r, where, f.nth, element), nil
		}}
}

// root puts bodies and attachments together.
func (l *letter) root() *mime.Entity {
	m := l.found.mail
	text, haveText := m.Bodies[format.TextBody]
	html, haveHTML := m.Bodies[format.HTMLBody]
	_, haveSource := m.Bodies[format.Source]
	asHTML := ""
	switch {
	case haveHTML && haveText && html.Digest == text.Digest:
		// Outlook writes the one body that there is twice.
		if haveHTML, haveText = html.Tagged && m.HasHTML, !html.Tagged || !m.HasHTML; haveHTML {
			asHTML = format.HTMLBody
		}
	case haveHTML:
		asHTML = format.HTMLBody
	case haveText && m.HasHTML && text.Tagged:
		asHTML, haveText = format.TextBody, false // Outlook 2011
	}
	inline, attached := l.attachments(asHTML != "")
	var forms []*mime.Entity
	switch {
	case haveText:
		forms = append(forms, l.body(format.TextBody, "text/plain"))
	case asHTML == "" && haveSource:
		forms = append(forms, l.body(format.Source, "text/plain"))
		l.note("source-as-text", "The archive has only the source of the message, which is kept as text.")
	}
	if asHTML != "" {
		e := l.body(asHTML, "text/html")
		if len(inline) > 0 {
			e = &mime.Entity{Type: "multipart/related", Params: []mime.Param{{Name: "type", Value: "text/html"}}, Parts: append([]*mime.Entity{e}, inline...)}
		}
		forms = append(forms, e)
	}
	var parts []*mime.Entity
	switch len(forms) {
	case 0:
	case 1:
		parts = forms
	default:
		parts = []*mime.Entity{{Type: "multipart/alternative", Parts: forms}}
	}
	parts = append(parts, attached...)
	switch len(parts) {
	case 0:
		return nil
	case 1:
		if len(attached) == 0 {
			return parts[0]
		}
	}
	return &mime.Entity{Type: "multipart/mixed", Parts: parts}
}

// attachments are the pictures of the HTML, and the others.
func (l *letter) attachments(html bool) (inline, attached []*mime.Entity) {
	total := uint64(0)
	add := func(at format.Attachment) {
		name := at.Name
		if name == "" {
			name = "attachment"
		}
		f := l.a.Find(at.Entry)
		if f == nil || strings.HasSuffix(f.Name, "/") {
			l.note("attachment-missing", "The attachment %s is not in the archive.", files.Printable(name))
			text := "The attachment " + name + " is not in the archive.\n"
			attached = append(attached, &mime.Entity{Type: "text/plain", Text: true, Size: int64(len(text)),
				Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }})
			return
		}
		total += f.UncompressedSize64
		e := &mime.Entity{Type: media(at.Type), Name: name, Disposition: "attachment", Size: int64(min(f.UncompressedSize64, 1<<62)),
			ID:   id(at.ContentID),
			Open: func(context.Context) (io.ReadCloser, error) { return l.a.OpenEntry(f) }}
		if html && e.ID != "" && strings.HasPrefix(e.Type, "image/") {
			e.Disposition = "inline"
			inline = append(inline, e)
			return
		}
		attached = append(attached, e)
	}
	m := l.found.mail
	for _, at := range m.Attachments {
		add(at)
	}
	if m.Meeting != "" {
		add(format.Attachment{Name: "meeting.ics", Type: "text/calendar", Entry: m.Meeting})
	}
	if total > maxAttached {
		l.err = failure.New(failure.TooLarge, "open message", l.a.store.place.Path+", entry "+files.Printable(l.found.Name), "olm.attachments",
			fmt.Errorf("its attachments have %d bytes, more than %d", total, int64(maxAttached)))
	}
	return inline, attached
}

// media is a media type that may be written as it is. Messages in messages may
// not be encoded (RFC 2046 5.2.1), and nothing vouches for the bytes, so they are
// files.
func media(s string) string {
	kind, sub, ok := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "/")
	token := func(s string) bool {
		return s != "" && len(s) < 100 && !strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$&-^_.+", r)
		})
	}
	if !ok || !token(kind) || !token(sub) || kind == "multipart" || kind == "message" {
		return "application/octet-stream"
	}
	return kind + "/" + sub
}
