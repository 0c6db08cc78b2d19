package office

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"waybill/mail"
)

// writeEML writes a mailbox as somebody exports it from a mail program: one
// file for each message, called by date and subject.
func writeEML(dir string, box *mailbox) (Mailbox, error) {
	m := Mailbox{User: box.user}
	for _, p := range append(box.paths(), box.empty...) {
		at := dir
		if p != "INBOX" {
			at = filepath.Join(append([]string{dir}, mail.Path(p).Names()...)...)
		}
		if err := os.MkdirAll(at, 0o755); err != nil {
			return m, err
		}
		f := Folder{Path: p}
		for i, l := range box.folders[p] {
			f.add(l.raw)
			name := fmt.Sprintf("%s %03d %s.eml", l.at.UTC().Format("2006-01-02 1504"), i+1, plain(l.fields["subject"]))
			if err := writeDated(filepath.Join(at, name), l.raw, l.at); err != nil {
				return m, err
			}
		}
		m.Folders = append(m.Folders, f)
	}
	return m, nil
}

// plain makes a subject fit for a file's name, as export functions do.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
			return '_'
		}
		return r
	}, s)
	letters := []rune(s)
	return strings.TrimSpace(string(letters[:min(len(letters), 40)]))
}
