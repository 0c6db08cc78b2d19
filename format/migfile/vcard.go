package migfile

import (
	"bytes"
	"strings"
)

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

// EntryCard makes a vCard (RFC 2426) of an entry of a PAB section.
func EntryCard(name string, addresses []string, rec Record) []byte {
	b := &bytes.Buffer{}
	v := func(column string) string { return trim(rec.Field(column).Text()) }
	b.WriteString("BEGIN:VCARD\r\nVERSION:3.0\r\n")
	property(b, "FN", name)
	first, last := v("First"), v("Last")
	if first+last == "" {
		last = name
	}
	b.WriteString("N:" + vcardText(last) + ";" + vcardText(first) + ";;;\r\n")
	for _, s := range addresses {
		kind, value, ok := strings.Cut(s, ":")
		if !ok && strings.Contains(s, "@") {
			kind, value, ok = "SMTP", s, true
		}
		ok = ok && isType(kind) && value != ""
		switch {
		case ok && strings.EqualFold(kind, "SMTP"):
			property(b, "EMAIL;TYPE=INTERNET", value)
		case ok:
			property(b, "EMAIL;TYPE="+strings.ToUpper(kind), value)
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
	return b.Bytes()
}

// GroupCard makes a vCard of a list of a PAB section, in the way in which address
// books of vCard 3.0 know lists.
func GroupCard(name string, members []string, rec Record) []byte {
	b := &bytes.Buffer{}
	b.WriteString("BEGIN:VCARD\r\nVERSION:3.0\r\n")
	property(b, "FN", name)
	b.WriteString("N:" + vcardText(name) + ";;;;\r\nX-ADDRESSBOOKSERVER-KIND:group\r\n")
	for _, s := range members {
		if len(s) > 5 && strings.EqualFold(s[:5], "SMTP:") {
			property(b, "X-ADDRESSBOOKSERVER-MEMBER", "mailto:"+s[5:])
		} else {
			property(b, "X-MEMBER", s)
		}
	}
	property(b, "NOTE", rec.Field("Note").Text())
	b.WriteString("END:VCARD\r\n")
	return b.Bytes()
}
