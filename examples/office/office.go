// Package office writes the mail of Harbour & Hale, an invented ship chandler
// and freight forwarder in Bremen and Hull, as it might have piled up from 1997
// to 2024: in Maildir, mbox, .eml files and the migration files of 1997's mail
// system. The texts are in text/*.txtar; everything that is written follows
// from them, byte for byte, so that two runs give the same tree.
package office

import (
	"embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed text/*.txtar
var texts embed.FS

// stampName marks a tree that Write made, and that it may therefore replace.
const stampName = ".generated"

// mailbox is one user's mail before it is written in some format.
type mailbox struct {
	user    string
	system  string
	folders map[string][]*letter // by mail.Path
	empty   []string             // folders without messages
}

// Write makes the tree dir and returns what a migration of it must report.
// Parent folders of dir are made; dir itself appears only when it is complete.
func Write(dir string) (*Expected, error) {
	if _, err := os.Stat(dir); err == nil {
		if _, err := os.Stat(filepath.Join(dir, stampName)); err != nil {
			return nil, fmt.Errorf("%s exists and was not written by this program; remove it or name another folder", dir)
		}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return nil, err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), ".harbour-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temporary)
	if err := os.Chmod(temporary, 0o755); err != nil {
		return nil, err
	}
	expected, err := writeAll(temporary)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(temporary, stampName), []byte("Written by examples/generate; it may be deleted.\n"), 0o644); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	return expected, os.Rename(temporary, dir)
}

func writeAll(dir string) (*Expected, error) {
	letters, err := load()
	if err != nil {
		return nil, err
	}
	boxes, err := distribute(letters)
	if err != nil {
		return nil, err
	}
	var e Expected
	for _, box := range boxes {
		var m Mailbox
		switch box.system {
		case "maildir":
			m, err = writeMaildir(filepath.Join(dir, "maildir", box.user), box)
		case "mbox", "mboxcl2", "mozilla":
			m, err = writeMbox(filepath.Join(dir, "mbox"), box)
		case "eml":
			m, err = writeEML(filepath.Join(dir, "eml", box.user), box)
		case "migfile":
			continue
		default:
			err = fmt.Errorf("no writer for %q", box.system)
		}
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", box.user, err)
		}
		e.Mailboxes = append(e.Mailboxes, m)
	}
	migrated, book, err := writeMigrationFiles(filepath.Join(dir, "migfile"), boxes)
	if err != nil {
		return nil, fmt.Errorf("write migration files: %w", err)
	}
	e.Mailboxes = append(e.Mailboxes, migrated...)
	e.Contacts, e.Lists = book.contacts, book.lists
	e.sum()
	return &e, nil
}

// staff says who has a mailbox, and in which format it was left behind.
var staff = []struct {
	user, system string
	empty        []string
}{
	{"ilse.brandt", "maildir", []string{"Vorlagen", "Archiv/1999", `Angebote 2005\/2006`}},
	{"jens.petersen", "maildir", []string{"Spam"}},
	{"tom.hale", "maildir", []string{"Board/2024/Q4", "Пожалуйста/Потом"}},
	{"bengt.lund", "mboxcl2", nil},
	{"greg.whitfield", "mbox", []string{"Templates"}},
	{"sabine.oltmanns", "mozilla", []string{"Trash"}},
	{"priya.nair", "eml", []string{"Customers/Nobody yet"}},
	{"HHarbour", "migfile", nil},
	{"MDunn", "migfile", nil},
	{"KLehrling", "migfile", nil},
	{publicFolders, "migfile", nil},
}

// publicFolders is the ID under which public folders appear.
const publicFolders = "Public Folders"

// distribute puts each letter where its places say, ordered by arrival.
func distribute(letters []*letter) ([]*mailbox, error) {
	var boxes []*mailbox
	byUser := map[string]*mailbox{}
	for _, s := range staff {
		box := &mailbox{user: s.user, system: s.system, folders: map[string][]*letter{}, empty: s.empty}
		boxes = append(boxes, box)
		byUser[s.user] = box
	}
	for _, l := range letters {
		box, ok := byUser[l.place.user]
		if !ok {
			return nil, fmt.Errorf("%s: nobody is called %q", l.name, l.place.user)
		}
		box.folders[l.place.folder] = append(box.folders[l.place.folder], l)
	}
	for _, box := range boxes {
		for _, in := range box.folders {
			slices.SortStableFunc(in, func(a, b *letter) int { return a.at.Compare(b.at) })
		}
	}
	return boxes, nil
}

// paths lists the mailbox's folders with messages, the inbox first.
func (b *mailbox) paths() []string {
	var paths []string
	for p := range b.folders {
		paths = append(paths, p)
	}
	slices.SortFunc(paths, func(a, c string) int {
		if (a == "INBOX") != (c == "INBOX") {
			if a == "INBOX" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, c)
	})
	return paths
}
