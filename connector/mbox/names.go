package mbox

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"waybill/connector/files"
	"waybill/mail"
)

const suffix = ".mbox"

// beside are the endings of files and directories that mail programs keep beside
// mbox files, or that mean something to us. A folder's name with such an ending
// is written so that it cannot be taken for one.
var beside = []string{suffix, ".sbd", ".msf", ".dat", ".mozmsgs", ".lock", ".sqlite", ".html", ".json", ".toc", ".idx", ".index"}

// elementOf writes a name as a path element. ok is false when the name had to be
// shortened; the element is then that of another name, which nameOf gives.
func elementOf(name string) (element string, ok bool) {
	element, ok = files.EscapeName(name)
	if i := besideAt(element); i >= 0 {
		element = element[:i] + "%2E" + element[i+1:]
	}
	return element, ok
}

// besideAt returns where the dot of a telling ending stands, -1 without one.
func besideAt(element string) int {
	lower := strings.ToLower(element)
	for _, end := range beside {
		if strings.HasSuffix(lower, end) && len(lower) > len(end) {
			return len(element) - len(end)
		}
	}
	return -1
}

// nameOf is the inverse of elementOf. Elements that others made are names as
// they stand.
func nameOf(element string) string {
	if i := strings.LastIndex(element, "%2E"); i > 0 {
		plain := element[:i] + "." + element[i+len("%2E"):]
		if name, ok := files.UnescapeName(plain); ok && besideAt(plain) == i {
			return name
		}
	}
	name, _ := files.UnescapeName(element)
	return name
}

// storedName tells how a folder will be called: its path in the target, and the
// path of its file within the account.
func storedName(path mail.Path, attempt int) (stored mail.Path, file string, notes []mail.Note) {
	names := path.Names()
	elements := make([]string, len(names))
	changed := false
	for i, name := range names {
		wanted := name
		if attempt > 0 && i == len(names)-1 {
			sum := sha256.Sum256([]byte(string(path) + "\x00" + strconv.Itoa(attempt)))
			wanted += "~" + hex.EncodeToString(sum[:4])
			changed = true
		}
		element, ok := elementOf(wanted)
		elements[i], names[i] = element, nameOf(element)
		changed = changed || !ok || names[i] != name
	}
	stored = mail.NewPath(names...)
	if changed {
		notes = append(notes, mail.Note{Kind: "folder-renamed", Text: "the folder " + string(path) + " is called " + string(stored)})
	}
	if len(elements) > 0 && stored == mail.Inbox {
		elements[0] = string(mail.Inbox)
	}
	return stored, strings.Join(elements, "/") + suffix, notes
}
