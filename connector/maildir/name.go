package maildir

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"waybill/connector/files"
	"waybill/format/mutf7"
	"waybill/mail"
)

// maxDirName is the longest directory name that is made, as file systems have it.
const maxDirName = 255

// decodeName reads one name of a folder as it stands on disk.
func (o options) decodeName(raw string) (string, []mail.Note) {
	name := raw
	if !o.utf8 && (o.utf7 || strings.Contains(raw, "&")) {
		name, _ = mutf7.Decode(raw)
	}
	if !utf8.ValidString(name) {
		shown := files.Printable(strings.ReplaceAll(name, "%", "%25"))
		return shown, []mail.Note{{Kind: "folder-name-bytes", Text: fmt.Sprintf("The folder's name on disk, %q, is not UTF-8; each odd byte is written as %% and two digits.", raw)}}
	}
	return unescape(name), nil
}

// unescape reads Dovecot's listescape: "\" and two hexadecimal digits.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+2 < len(s) {
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// encodeName writes one name of a folder so that decodeName reads it again,
// whichever options it is read with.
func (o options) encodeName(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		switch {
		case r == '.' || r == '/' || r == '\\' || i == 0 && r == '~',
			r == utf8.RuneError && n == 1,
			// What would be taken for modified UTF-7, and what must not stand in
			// files that hold one name in a line.
			o.utf8 && (r == '&' || r < 0x20 || r >= 0x7f && r < 0xa0):
			for _, c := range []byte(name[i : i+n]) {
				fmt.Fprintf(&b, `\%02x`, c)
			}
		default:
			b.WriteString(name[i : i+n])
		}
		i += n
	}
	if o.utf8 {
		return b.String()
	}
	return mutf7.Encode(b.String())
}

// encodeDir is the name of a folder's directory in a Maildir++; the inbox is the
// user's directory itself, "".
func (o options) encodeDir(names []string) string {
	if len(names) == 1 && names[0] == string(mail.Inbox) {
		return ""
	}
	var b strings.Builder
	for _, n := range names {
		b.WriteByte('.')
		b.WriteString(o.encodeName(n))
	}
	return b.String()
}

// folderName finds a name for a folder that the layout can hold: every part has
// a name and all together are short enough.
func (o options) folderName(path mail.Path, attempt int) (stored mail.Path, dir string, notes []mail.Note) {
	names := path.Names()
	if len(names) == 0 {
		return "", "", nil
	}
	if attempt > 0 && path != mail.Inbox {
		names[len(names)-1] += fmt.Sprintf("~%d", attempt)
	}
	for i, n := range names {
		if n == "" {
			names[i] = files.Shorten("unnamed"+string(path), len("unnamed~")+16, func(s string) int { return len(s) })
		}
	}
	names = o.fit(names)
	stored = mail.NewPath(names...)
	if stored != path {
		notes = []mail.Note{{Kind: "folder-renamed", Text: fmt.Sprintf("The folder %q is called %q in the target.", path, stored)}}
	}
	return stored, o.encodeDir(names), notes
}

// fit shortens names until their directory's name is not too long. The digest
// that then ends the last name is of all names, so that different folders keep
// different names.
func (o options) fit(names []string) []string {
	if len(o.encodeDir(names)) <= maxDirName {
		return names
	}
	whole := string(mail.NewPath(names...))
	const least = 40 // bytes for the last name: some letters of it and the digest
	for len(names) > 1 && len(o.encodeDir(names[:len(names)-1]))+1+least > maxDirName {
		names = names[:len(names)-1]
	}
	parents, last := names[:len(names)-1], names[len(names)-1]
	room := maxDirName - 1
	if len(parents) > 0 {
		room -= len(o.encodeDir(parents))
	}
	// The digest must depend on the whole path, the letters on the last name.
	digest := files.Shorten(whole, 17, func(s string) int { return len(s) })
	short := last
	for len(o.encodeName(short+digest)) > room && short != "" {
		_, n := utf8.DecodeLastRuneInString(short)
		short = short[:len(short)-n]
	}
	return append(append([]string(nil), parents...), short+digest)
}
