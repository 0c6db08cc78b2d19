package rewrite

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"waybill/mail"
)

// keptPrefix begins the name of a field that holds the former text of another.
const keptPrefix = "X-Waybill-Original-"

// maxLine is the longest line of a header without its end (RFC 5322 2.1.1).
const maxLine = 998

// fieldNames are the fields with addresses of people, as they are written.
func fieldNames() []string {
	return []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc",
		"Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc", "Resent-Bcc",
		"Disposition-Notification-To", "Return-Receipt-To"}
}

// nameOf gives the proper name of a field with addresses; empty for any other.
func nameOf(name []byte) string {
	for _, known := range fieldNames() {
		if len(known) == len(name) && bytes.EqualFold([]byte(known), name) {
			return known
		}
	}
	return ""
}

// field is one field of a header, as it is written.
type field struct {
	name  []byte // without blanks
	whole []byte // with line ends
	value int    // where the value begins in whole
}

// cutField takes the field off that a header begins with; ok is false at the empty
// line, and where no field begins.
func cutField(header []byte) (f field, rest []byte, ok bool) {
	end := lineEnd(header)
	colon := bytes.IndexByte(header[:end], ':')
	if colon <= 0 {
		return f, header, false
	}
	f.name = bytes.TrimRight(header[:colon], " \t")
	for _, c := range f.name {
		if c <= ' ' || c == 0x7f {
			return f, header, false
		}
	}
	for end < len(header) && (header[end] == ' ' || header[end] == '\t') {
		end += lineEnd(header[end:])
	}
	f.whole, f.value = header[:end], colon+1
	return f, header[end:], len(f.name) > 0
}

// lineEnd is the place behind the first line end.
func lineEnd(b []byte) int {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return i + 1
	}
	return len(b)
}

// outcome is what became of the addresses of one message.
type outcome struct {
	fields    []string // that changed, each name once
	replaced  int
	unknown   tally
	protected tally // fields that are signed
}

// tally counts, and keeps a few examples.
type tally struct {
	count int
	some  []string
}

func (t *tally) add(text string) {
	t.count++
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "..."
	}
	if len(t.some) < 3 && !slices.Contains(t.some, text) {
		t.some = append(t.some, text)
	}
}

func (t *tally) String() string {
	text := strings.Join(t.some, ", ")
	if t.count > len(t.some) {
		text += ", ..."
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, text)
}

// notes says what became of a message.
func (o *outcome) notes() []mail.Note {
	var notes []mail.Note
	if o.replaced > 0 {
		notes = append(notes, mail.Note{Kind: NoteRewritten, Text: fmt.Sprintf("old addresses in %s became Internet addresses (%d); the fields are kept as %s...", strings.Join(o.fields, ", "), o.replaced, keptPrefix)})
	}
	if o.unknown.count > 0 {
		notes = append(notes, mail.Note{Kind: NoteUnknown, Text: "nobody has an Internet address for " + o.unknown.String()})
	}
	if o.protected.count > 0 {
		notes = append(notes, mail.Note{Kind: NoteSigned, Text: "a signature covers " + o.protected.String() + ", which therefore keeps its old addresses"})
	}
	return notes
}

// rewriteHeader replaces the old addresses in a header, which may have the
// beginning of a body behind it. Where nothing is replaced it returns what it got.
func rewriteHeader(header []byte, t Table) ([]byte, outcome) {
	var o outcome
	var out []byte
	rest := header
	if bytes.HasPrefix(rest, []byte("From ")) || bytes.HasPrefix(rest, []byte(">From ")) {
		rest = rest[lineEnd(rest):] // the separator line of an mbox file
	}
	signed := signatures{header: rest}
	done := 0 // how much of header is in out
	for {
		f, after, ok := cutField(rest)
		if !ok {
			break
		}
		at := len(header) - len(rest)
		rest = after
		name := nameOf(f.name)
		if name == "" {
			continue
		}
		value := f.whole[f.value:]
		changed, n, unknown := replace(value, t)
		for _, old := range unknown {
			o.unknown.add(old)
		}
		if n == 0 {
			continue
		}
		if signed.cover(name) {
			o.protected.add(name)
			continue
		}
		if len(o.fields) == 0 || o.fields[len(o.fields)-1] != name {
			o.fields = append(o.fields, name)
		}
		o.replaced += n
		out = append(append(out, header[done:at+f.value]...), changed...)
		out = keep(out, name, value)
		done = len(header) - len(rest)
	}
	if done == 0 {
		return header, o
	}
	return append(out, header[done:]...), o
}

// keep writes the former value of a field behind the field.
func keep(out []byte, name string, value []byte) []byte {
	end := "\n"
	if bytes.HasSuffix(value, []byte("\r\n")) || !bytes.HasSuffix(value, []byte("\n")) {
		end = "\r\n"
	}
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, end...) // a header that ends with this field, cut off
	}
	out = append(append(append(out, keptPrefix...), name...), ':')
	if first := bytes.TrimRight(value[:lineEnd(value)], "\r\n"); len(keptPrefix)+len(name)+1+len(first) > maxLine && len(first) <= maxLine {
		if bytes.HasPrefix(first, []byte(" ")) || bytes.HasPrefix(first, []byte("\t")) {
			out = append(out, end...)
		}
	}
	out = append(out, value...)
	if !bytes.HasSuffix(value, []byte("\n")) {
		out = append(out, end...)
	}
	return out
}

// replace puts Internet addresses into the value of a field. It returns the value
// unchanged when n is 0.
func replace(value []byte, t Table) (changed []byte, n int, unknown []string) {
	done, behind := 0, 0
	for _, s := range addresses(value) {
		if s.from < behind {
			continue // overlaps one that was found
		}
		old, ok := recognize(string(value[s.from:min(s.to, s.from+maxOld+1)]))
		if !ok {
			continue
		}
		behind = s.to
		smtp, known := t.Find(old)
		if !known {
			unknown = append(unknown, old.String())
			continue
		}
		changed = append(append(changed, value[done:s.from]...), smtp...)
		done = s.to
		n++
	}
	if n == 0 {
		return value, 0, unknown
	}
	return append(changed, value[done:]...), n, unknown
}
