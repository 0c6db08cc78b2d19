package migfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"waybill/format/imcea"
	mf "waybill/format/migfile"
	"waybill/mail"
)

// parseFolder reads the column Folder: names with "\" between them. An empty
// column is the inbox.
func parseFolder(text string) mail.Path {
	var names []string
	for n := range strings.SplitSeq(text, `\`) {
		if n != "" {
			names = append(names, n)
		}
	}
	if len(names) == 0 {
		return mail.Inbox
	}
	return mail.NewPath(names...)
}

// formatFolder is the inverse of parseFolder.
func formatFolder(p mail.Path) string {
	names := p.Names()
	if len(names) > 0 && names[0] == string(mail.Inbox) {
		names[0] = "Inbox"
	}
	return strings.Join(names, `\`)
}

// useOf tells the role of a folder. The files know four names, in English
// whatever the client's language (Exchange 2000 help, "Mail Message Section").
func useOf(p mail.Path) mail.SpecialUse {
	switch strings.ToLower(string(p)) {
	case "inbox":
		return mail.UseInbox
	case "deleted items":
		return mail.UseTrash
	case "outbox":
		return mail.UseOutbox
	case "sent items":
		return mail.UseSent
	}
	return mail.NoUse
}

// folderName makes names that the column Folder can hold. Which character stands
// for a "\" inside a name is not documented, so it is written as %5C, as are
// controls and characters that the code page lacks; "%" followed by two
// hexadecimal digits is written %25 to keep names apart.
func folderName(p mail.Path, attempt int, page mf.CodePage) (stored mail.Path, shown string, notes []mail.Note) {
	names := p.Names()
	changed := false
	for i, n := range names {
		if i == 0 && n == string(mail.Inbox) {
			continue
		}
		names[i] = escapeName(n, page)
		changed = changed || names[i] != n
	}
	if attempt > 0 && len(names) > 0 {
		names[len(names)-1] += fmt.Sprintf(" (%d)", attempt+1)
		changed = true
	}
	stored = mail.NewPath(names...)
	shown = formatFolder(stored)
	if changed {
		notes = []mail.Note{{Kind: noteFolder, Text: fmt.Sprintf("the folder %s is called %s", p, shown)}}
	}
	return stored, shown, notes
}

func escapeName(name string, page mf.CodePage) string {
	var b strings.Builder
	for i := 0; i < len(name); {
		r, size := utf8.DecodeRuneInString(name[i:])
		char := name[i : i+size]
		fits := r != utf8.RuneError || size > 1
		if fits && r >= utf8.RuneSelf {
			bytes, replaced := page.Encode(char)
			fits = replaced == 0 && page.Decode(bytes) == char
		}
		switch {
		case !fits, r < ' ', r == 0x7f, r == '\\',
			r == '%' && i+2 < len(name) && imcea.Hex(name[i+1]) >= 0 && imcea.Hex(name[i+2]) >= 0:
			for _, c := range []byte(char) {
				fmt.Fprintf(&b, "%%%02X", c)
			}
		default:
			b.WriteString(char)
		}
		i += size
	}
	return b.String()
}

// storable tells whether a folder's path is the same after writing and reading.
func storable(p mail.Path, page mf.CodePage) bool {
	b, replaced := page.Encode(formatFolder(p))
	return p != "" && replaced == 0 && parseFolder(page.Decode(b)) == p && !strings.ContainsAny(string(p), "\r\n")
}
