package foldertree

import (
	"fmt"
	"strings"

	"waybill/connector/files"
	"waybill/mail"
)

// folderName finds a name for a folder that a tree of directories can hold.
func folderName(path mail.Path, attempt int) (stored mail.Path, shown string, notes []mail.Note) {
	names := path.Names()
	if len(names) == 0 {
		return "", "", nil
	}
	if path == mail.Inbox {
		return path, string(path), nil
	}
	if attempt > 0 {
		names[len(names)-1] += fmt.Sprintf("~%d", attempt)
	}
	for i, n := range names {
		if n == "" {
			names[i] = files.Shorten("unnamed"+string(path), len("unnamed~")+16, func(s string) int { return len(s) })
		}
		if element, ok := files.EscapeName(names[i]); !ok {
			names[i], _ = files.UnescapeName(element)
		}
	}
	stored = mail.NewPath(names...)
	if stored != path {
		notes = []mail.Note{{Kind: "folder-renamed", Text: fmt.Sprintf("The folder %q is called %q in the target.", path, stored)}}
	}
	return stored, strings.Join(elements(names), "/"), notes
}

// elements are the path elements of a folder's names.
func elements(names []string) []string {
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i], _ = files.EscapeName(n)
	}
	return parts
}
