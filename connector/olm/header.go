package olm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"waybill/connector/files"
	"waybill/format/mime"
)

// header writes the fields of a message.
func (l *letter) header(sent time.Time) string {
	m := l.found.mail
	var b strings.Builder
	add := func(name, value string) {
		if value != "" {
			b.WriteString(mime.FormatField(name, value))
		}
	}
	text := func(s string) string { return mime.EncodeWords(strings.TrimSpace(oneLine(s))) }
	if !sent.IsZero() {
		add("Date", sent.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	}
	from, sender := l.addresses(m.From), l.addresses(m.Sender)
	switch {
	case len(sender) == 0:
	case len(from) == 0:
		from, sender = sender[:1], nil
	case sender[0].Addr == "" || strings.EqualFold(sender[0].Addr, from[0].Addr):
		sender = nil
	}
	add("From", join(from))
	add("Sender", join(sender[:min(len(sender), 1)]))
	add("Reply-To", join(l.addresses(m.ReplyTo)))
	add("To", join(l.addresses(m.To)))
	add("Cc", join(l.addresses(m.Cc)))
	add("Bcc", join(l.addresses(m.Bcc)))
	b.WriteString(mime.FormatField("Subject", text(m.Subject)))
	message := id(m.MessageID)
	if message == "" {
		// The same for the same message of the same archive.
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", l.made.Seed, m.Subject, m.From, m.To, sent.Unix()))
		message = hex.EncodeToString(sum[:16]) + "@migrated.invalid"
		l.note("message-id-made", "The message has no usable Message-ID; one was made.")
	}
	add("Message-ID", "<"+message+">")
	add("In-Reply-To", ids(m.InReplyTo))
	add("References", ids(m.References))
	if m.Priority > 0 && m.Priority < 6 && m.Priority != 3 {
		add("X-Priority", strconv.Itoa(m.Priority))
	}
	add("Thread-Topic", text(m.ThreadTopic))
	add("Thread-Index", text(m.ThreadIndex))
	return b.String()
}

// oneLine makes controls spaces.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

func join(list []mime.Address) string {
	written := make([]string, len(list))
	for i, a := range list {
		written[i] = a.String()
	}
	return strings.Join(written, ", ")
}

// addresses makes a field's addresses of those in the archive, which may be names
// of an Exchange directory.
func (l *letter) addresses(list []mime.Address) []mime.Address {
	made := make([]mime.Address, 0, len(list))
	for _, a := range list {
		if !isAddress(a.Addr) {
			if a.Addr != "" {
				l.note("address-unresolved", "%q is no Internet address; only the name is kept.", files.Printable(a.Addr))
			}
			if a.Name == "" {
				a.Name = a.Addr
			}
			a.Addr = ""
		}
		if a.Name = strings.TrimSpace(oneLine(a.Name)); a.Name != "" || a.Addr != "" {
			made = append(made, a)
		}
	}
	return made
}

// isAddress tells whether an address can be written between < and >.
func isAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= 320 && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || strings.ContainsRune(`<>,;:()"\`, r)
	})
}

// id is a Message-ID or Content-ID without its brackets; empty for what is none.
func id(s string) string {
	s = strings.Trim(s, "<> \t\r\n")
	if len(s) > 900 || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '<' || r == '>' }) {
		return ""
	}
	return s
}

// ids is a list of Message-IDs for a header field.
func ids(s string) string {
	var list []string
	for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == '<' || r == '>' || r == ',' }) {
		if word = id(word); word != "" {
			list = append(list, "<"+word+">")
		}
	}
	return strings.Join(list, " ")
}
