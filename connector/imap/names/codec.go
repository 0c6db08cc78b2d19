package names

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"waybill/failure"
	"waybill/format/mutf7"
	"waybill/mail"
)

// Decode reads a name as LIST told it. Where every folder lies in the inbox for
// the server ("INBOX.Sent") its path is that of a folder at the top ("Sent"),
// because that is what the owner means; a folder called INBOX in there is
// "INBOX/INBOX". Notes say what had to be guessed. Two odd names may have one
// path: whoever lists a mailbox gives the second another one.
func (r Rules) Decode(name string) (mail.Path, []mail.Note) {
	var notes []mail.Note
	if !utf8.ValidString(name) {
		shown := printable(name)
		notes = append(notes, mail.Note{Kind: "folder-name-bytes",
			Text: fmt.Sprintf("The folder's name on the server, %q, is not UTF-8; each odd byte is written as %% and two digits.", name)})
		name = shown
	}
	if r.isInbox(name) {
		return mail.Inbox, notes
	}
	rest, within := name, false
	if r.Prefix != "" && len(name) > len(r.Prefix) && r.hasPrefix(name) {
		rest, within = name[len(r.Prefix):], true
		if s, ok := strings.CutSuffix(rest, r.Suffix); ok && s != "" {
			rest = s
		}
	}
	elements, odd := r.split(rest)
	if odd {
		notes = append(notes, mail.Note{Kind: "folder-name-empty", Text: fmt.Sprintf("The folder's name on the server, %q, has a level without a name.", name)})
	}
	if within && strings.EqualFold(elements[0], string(mail.Inbox)) {
		if r.below() {
			return mail.NewPath(append([]string{string(mail.Inbox)}, elements...)...), notes
		}
		// A folder "mail/INBOX" that is not the inbox.
		elements[0] += "~" + strings.TrimSuffix(r.Prefix, r.Delimiter)
		notes = append(notes, mail.Note{Kind: "folder-renamed", Text: fmt.Sprintf("The folder %q is not the inbox and is called %q.", name, elements[0])})
	}
	return mail.NewPath(elements...), notes
}

// Encode writes the name under which a folder is addressed. A path that would
// be read back as another one is an error of class Unsupported: Stored gives
// one that is not.
func (r Rules) Encode(path mail.Path) (string, error) {
	if path == mail.Inbox {
		return r.Inbox, nil
	}
	elements := path.Names()
	if r.below() && len(elements) > 1 && elements[0] == string(mail.Inbox) {
		if !strings.EqualFold(elements[1], string(mail.Inbox)) {
			return "", unsupported(path, "folders of this server cannot lie in the inbox")
		}
		elements = elements[1:]
	}
	if len(elements) == 0 {
		return "", unsupported(path, "a folder needs a name")
	}
	for _, e := range elements {
		switch {
		case e == "":
			return "", unsupported(path, "a level of it has no name")
		case r.Delimiter != "" && strings.Contains(e, r.Delimiter):
			return "", unsupported(path, fmt.Sprintf("%q separates folders on this server", r.Delimiter))
		case r.Delimiter == "" && len(elements) > 1:
			return "", unsupported(path, "this server has no folders in folders")
		case strings.ContainsAny(e, "\x00\r\n"):
			return "", unsupported(path, "it holds a line end or NUL")
		case !utf8.ValidString(e):
			return "", unsupported(path, "it is not UTF-8")
		}
	}
	name := r.Prefix + strings.Join(elements, r.Delimiter) + r.Suffix
	if back, _ := r.Decode(name); back != path {
		return "", unsupported(path, fmt.Sprintf("the server's %q is %q", name, back))
	}
	return name, nil
}

func unsupported(path mail.Path, why string) error {
	return failure.New(failure.Unsupported, "name folder", string(path), "imap.folder-name", fmt.Errorf("the folder cannot be named on this server: %s", why))
}

func (r Rules) isInbox(name string) bool {
	if r.Inbox == "INBOX" {
		return strings.EqualFold(name, r.Inbox)
	}
	return name == r.Inbox
}

// hasPrefix compares INBOX without case, anything else with it.
func (r Rules) hasPrefix(name string) bool {
	head := name[:len(r.Prefix)]
	return head == r.Prefix || r.Inbox == "INBOX" && r.below() && strings.EqualFold(head, r.Prefix)
}

// split takes a name apart. A delimiter at the end, as some servers add to
// folders that hold folders only, is left out; odd says that a level without a
// name got one.
func (r Rules) split(name string) (elements []string, odd bool) {
	if r.Delimiter == "" {
		elements = []string{name}
	} else {
		elements = strings.Split(name, r.Delimiter)
	}
	if n := len(elements); n > 1 && elements[n-1] == "" {
		elements = elements[:n-1]
	}
	for i, e := range elements {
		if e == "" {
			elements[i], odd = unnamed, true
		}
	}
	return elements, odd
}

const unnamed = "unnamed"

const upperHex = "0123456789ABCDEF"

// printable writes bytes that are not UTF-8, and the "%" beside them, as "%" and
// two digits.
func printable(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && n == 1 || c == '%' {
			b.Write([]byte{'%', upperHex[s[i]>>4], upperHex[s[i]&15]})
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}

// length counts what the server stores.
func length(name string) int { return len(mutf7.Encode(name)) }
