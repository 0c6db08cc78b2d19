package names

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode/utf8"

	"waybill/mail"
)

// standIn is written for a character that the server does not take.
const standIn = '_'

// Stored finds a name for a folder that the server takes: the path under which
// the folder will be listed, and the name as the server's own tools write it. A
// name that has to be changed gets "_" where something is missing, and a short
// digest of what it was, so that different folders keep different names. What
// lies in a folder follows it. Stored is the same for the same path and leaves
// its own result alone. Attempts above 0 give further names, for servers that
// ignore letter case. The inbox is always the inbox.
func (r Rules) Stored(path mail.Path, attempt int) (stored mail.Path, shown string, notes []mail.Note) {
	if path == mail.Inbox {
		return mail.Inbox, r.Inbox, nil
	}
	elements := path.Names()
	if len(elements) == 0 {
		elements = []string{""}
	}
	whole := elements
	if elements[0] == string(mail.Inbox) && len(elements) > 1 && (r.NoInboxFolders || r.NoInboxTwice && strings.EqualFold(elements[1], string(mail.Inbox))) {
		// "INBOX/Orders" must not become "Orders", which may exist too.
		elements = append([]string{mark("INBOX_"+elements[1], "INBOX/"+elements[1])}, elements[2:]...)
	}
	if r.Delimiter == "" && len(elements) > 1 {
		joined := strings.Join(elements, string(standIn))
		elements = []string{mark(joined, string(path))}
	}
	cleaned := make([]string, len(elements))
	for i, e := range elements {
		cleaned[i] = r.clean(e, i == 0)
	}
	if attempt > 0 {
		last := len(cleaned) - 1
		cleaned[last] = r.clean(cleaned[last]+fmt.Sprintf("~%d", attempt), last == 0)
	}
	cleaned = r.fit(cleaned, mail.NewPath(whole...), attempt)
	stored = mail.NewPath(cleaned...)
	shown, err := r.Encode(stored)
	if err != nil {
		// A server with a delimiter or prefix that no rule foresaw: a name of
		// letters and digits only.
		stored = mail.NewPath("folder-" + digest(string(path)+fmt.Sprint(attempt)))
		shown = r.Prefix + string(stored) + r.Suffix
	}
	if stored != path {
		notes = []mail.Note{{Kind: "folder-renamed", Text: fmt.Sprintf("The folder %q is called %q in the target.", path, stored)}}
	}
	return stored, shown, notes
}

// clean makes one name that the server takes. The result is its own result.
func (r Rules) clean(name string, top bool) string {
	changed := strings.Map(func(c rune) rune {
		if r.bad(c) {
			return standIn
		}
		return c
	}, name)
	if !utf8.ValidString(name) {
		changed = strings.ToValidUTF8(changed, string(standIn))
	}
	if r.Tilde && strings.HasPrefix(changed, "~") {
		changed = string(standIn) + changed[1:]
	}
	if r.Edges {
		changed = edges(changed)
	}
	if changed == "" {
		changed = unnamed
	}
	if changed != name || top && r.taken(name) || r.ofFiles(name) {
		changed = mark(changed, name)
	}
	return r.cut(changed, name, r.MaxName)
}

// bad reports whether a character cannot stand in a name: control characters,
// separators of lines, what cannot be encoded, what the server reserves.
func (r Rules) bad(c rune) bool {
	return c < 0x20 || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 || c == utf8.RuneError ||
		strings.ContainsRune(r.Reserved, c) || r.Delimiter != "" && strings.ContainsRune(r.Delimiter, c)
}

func (r Rules) taken(name string) bool {
	for _, t := range r.Taken {
		if head, ok := strings.CutSuffix(t, "*"); ok && len(name) >= len(head) && strings.EqualFold(head, name[:len(head)]) || strings.EqualFold(t, name) {
			return true
		}
	}
	return false
}

// ofFiles reports whether a file of the server may have that name.
func (r Rules) ofFiles(name string) bool {
	for _, f := range r.Files {
		if head, ok := strings.CutSuffix(f, "*"); f == name || ok && strings.HasPrefix(name, head) {
			return true
		}
	}
	return false
}

// edges replaces spaces and dots at both ends.
func edges(name string) string {
	trimmed := strings.Trim(name, " .\u00a0")
	if trimmed == name {
		return name
	}
	if trimmed == "" {
		return strings.Repeat(string(standIn), utf8.RuneCountInString(name))
	}
	start := strings.Index(name, trimmed)
	return strings.Repeat(string(standIn), utf8.RuneCountInString(name[:start])) + trimmed +
		strings.Repeat(string(standIn), utf8.RuneCountInString(name[start+len(trimmed):]))
}

// fit shortens a path until the server takes its length. The digest that then
// ends the last name is of the whole path.
func (r Rules) fit(elements []string, path mail.Path, attempt int) []string {
	if r.MaxPath <= 0 || r.pathLength(elements) <= r.MaxPath {
		return elements
	}
	const least = 40 // bytes for the last name: some letters of it and the digest
	// Delimiters are printable, so that lengths add up.
	last := elements[len(elements)-1]
	room := r.MaxPath - length(r.Prefix+r.Suffix)
	parents := 0
	for ; parents < len(elements)-1; parents++ {
		left := room - length(elements[parents]) - len(r.Delimiter)
		if left < least {
			break
		}
		room = left
	}
	if r.MaxName > 0 {
		room = min(room, r.MaxName)
	}
	original := string(path)
	if attempt > 0 {
		original += fmt.Sprintf("~%d", attempt)
	}
	return append(append([]string(nil), elements[:parents]...), shorten(last, original, max(room, 2*len(tail(original)))))
}

func (r Rules) pathLength(elements []string) int {
	return length(r.Prefix + strings.Join(elements, r.Delimiter) + r.Suffix)
}

// cut shortens one name; original is what its digest is of.
func (r Rules) cut(name, original string, limit int) string {
	if limit <= 0 || length(name) <= limit {
		return name
	}
	return shorten(name, original, limit)
}

// shorten cuts characters off until name and digest are no longer than limit.
func shorten(name, original string, limit int) string {
	// No character needs less than one byte, nor has more than four.
	for len(name) > utf8.UTFMax*limit {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	for name != "" && length(name+tail(original)) > limit {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return mark(name, original)
}

// mark adds a digest of the original to a name that was changed.
func mark(name, original string) string { return name + tail(original) }

func tail(original string) string { return "~" + digest(original) }

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:4])
}
