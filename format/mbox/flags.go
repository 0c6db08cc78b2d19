package mbox

import (
	"fmt"
	"strconv"
	"strings"

	"waybill/mail"
)

// Bits of X-Mozilla-Status and X-Mozilla-Status2, in hexadecimal (Mozilla's
// nsMsgMessageFlags).
const (
	mozillaRead      = 0x0001
	mozillaReplied   = 0x0002
	mozillaMarked    = 0x0004
	mozillaExpunged  = 0x0008
	mozillaForwarded = 0x1000

	mozillaIMAPDeleted = 0x00200000
)

// Flags reads the message's flags and keywords: Status (R), X-Status (A answered,
// F flagged, D deleted, T draft), X-Keywords, and Mozilla's fields. The notes
// tell of a message that a Mozilla program has thrown away and not yet taken out
// of the file.
func (f Fields) Flags() (mail.FlagSet, []mail.Note) {
	var system mail.Flags
	var notes []mail.Note
	letters := []struct {
		in     string
		letter string
		flag   mail.Flags
	}{
		{f.Status, "R", mail.Seen}, {f.XStatus, "A", mail.Answered}, {f.XStatus, "F", mail.Flagged},
		{f.XStatus, "D", mail.Deleted}, {f.XStatus, "T", mail.Draft},
	}
	for _, l := range letters {
		if strings.Contains(l.in, l.letter) {
			system |= l.flag
		}
	}
	one, _ := strconv.ParseUint(f.MozillaStatus, 16, 32)
	two, _ := strconv.ParseUint(f.MozillaStatus2, 16, 32)
	for _, b := range []struct {
		set  bool
		flag mail.Flags
	}{
		{one&mozillaRead != 0, mail.Seen}, {one&mozillaReplied != 0, mail.Answered}, {one&mozillaMarked != 0, mail.Flagged},
		{one&mozillaForwarded != 0, mail.Forwarded}, {one&mozillaExpunged != 0 || two&mozillaIMAPDeleted != 0, mail.Deleted},
	} {
		if b.set {
			system |= b.flag
		}
	}
	if one&mozillaExpunged != 0 {
		notes = append(notes, mail.Note{Kind: "mbox.expunged",
			Text: "the mail program has deleted this message and not yet compacted the folder; it is carried with the flag \\Deleted"})
	}
	var keywords []string
	for word := range strings.FieldsSeq(f.XKeywords + " " + f.MozillaKeys) {
		keywords = append(keywords, unescapeKeyword(word))
	}
	return mail.NewFlagSet(system, keywords...), notes
}

// keywordWidth is the room for keywords in a message that Waybill writes; one
// with more gets a longer line.
const keywordWidth = 120

// keywordLimit keeps the line of keywords shorter than what a reader looks at.
const keywordLimit = headSize - 100

// stateFields are the three header fields that Waybill adds. Padding stands
// before the value, where every reader of header fields drops it, so that flags
// can be changed later without moving a byte.
func stateFields(set mail.FlagSet, width int) (string, error) {
	status, xstatus := "O", ""
	if set.System&mail.Seen != 0 {
		status = "RO"
	}
	for _, l := range []struct {
		flag   mail.Flags
		letter string
	}{{mail.Answered, "A"}, {mail.Flagged, "F"}, {mail.Draft, "T"}, {mail.Deleted, "D"}} {
		if set.System&l.flag != 0 {
			xstatus += l.letter
		}
	}
	var words []string
	if set.System&mail.Forwarded != 0 {
		words = append(words, "$Forwarded")
	}
	for _, k := range set.Keywords {
		words = append(words, escapeKeyword(k))
	}
	keywords := strings.Join(words, " ")
	if width = min(width, keywordLimit); len(keywords) > width {
		return "", fmt.Errorf("the keywords need %d bytes and the message has room for %d", len(keywords), width)
	}
	return fmt.Sprintf("Status: %2s\nX-Status: %4s\nX-Keywords: %*s\n", status, xstatus, width, keywords), nil
}

func keywordRoom(set mail.FlagSet) int {
	n := len("$Forwarded")
	for _, k := range set.Keywords {
		n += 1 + len(escapeKeyword(k))
	}
	return max(keywordWidth, n)
}

// escapeKeyword writes bytes that would break a list of words as %XX. A "%" is
// not allowed in keywords (RFC 9051 9, list-wildcards), so nothing is confused.
func escapeKeyword(k string) string {
	var b strings.Builder
	for i := range len(k) {
		if c := k[i]; c <= ' ' || c >= 0x7f || c == '%' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func unescapeKeyword(w string) string {
	var b strings.Builder
	for i := 0; i < len(w); i++ {
		if w[i] == '%' && i+2 < len(w) {
			if n, err := strconv.ParseUint(w[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(w[i])
	}
	return b.String()
}
