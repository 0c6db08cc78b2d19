package office

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"waybill/mail"
)

// writeMaildir writes a Maildir++ as Dovecot leaves it behind.
func writeMaildir(dir string, box *mailbox) (Mailbox, error) {
	m := Mailbox{User: box.user}
	made := map[string]bool{}
	var subscribed []string
	for _, p := range append(box.paths(), box.empty...) {
		at := maildirFolder(dir, p)
		if made[p] {
			continue
		}
		made[p] = true
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(at, sub), 0o700); err != nil {
				return m, err
			}
		}
		if p != "INBOX" {
			if err := os.WriteFile(filepath.Join(at, "maildirfolder"), nil, 0o600); err != nil {
				return m, err
			}
			subscribed = append(subscribed, strings.TrimPrefix(filepath.Base(at), "."))
		}
		f, err := fillMaildir(at, p, box.folders[p])
		if err != nil {
			return m, err
		}
		m.Folders = append(m.Folders, f)
	}
	if err := os.WriteFile(filepath.Join(dir, "subscriptions"), []byte(strings.Join(subscribed, "\n")+"\n"), 0o600); err != nil {
		return m, err
	}
	return m, breakMaildir(dir, box.user, &m)
}

// maildirFolder is the directory of a folder: names in modified UTF-7 (RFC
// 3501 5.1.3), joined by dots; a dot, slash or tilde in a name as Dovecot's
// listescape plug-in writes it.
func maildirFolder(dir, path string) string {
	if path == "INBOX" {
		return dir
	}
	var b strings.Builder
	for _, name := range mail.Path(path).Names() {
		b.WriteByte('.')
		for _, r := range []string{".", "/"} {
			name = strings.ReplaceAll(name, r, fmt.Sprintf(`\%02x`, r[0]))
		}
		b.WriteString(modifiedUTF7(name))
	}
	return filepath.Join(dir, b.String())
}

func modifiedUTF7(s string) string {
	encoding := base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,").WithPadding(base64.NoPadding)
	var b strings.Builder
	var other []rune
	flush := func() {
		if len(other) == 0 {
			return
		}
		var units []byte
		for _, u := range utf16.Encode(other) {
			units = append(units, byte(u>>8), byte(u))
		}
		b.WriteString("&" + encoding.EncodeToString(units) + "-")
		other = nil
	}
	for _, r := range s {
		switch {
		case r < ' ' || r > '~':
			other = append(other, r)
		case r == '&':
			flush()
			b.WriteString("&-")
		default:
			flush()
			b.WriteRune(r)
		}
	}
	flush()
	return b.String()
}

func fillMaildir(dir, path string, letters []*letter) (Folder, error) {
	f := Folder{Path: path}
	var keywords []string
	for i, l := range letters {
		f.add(l.raw)
		name := fmt.Sprintf("%d.M%06dP%d.kogge,S=%d,W=%d", l.at.Unix(), (number(l.name)+uint64(i))%1000000, 400+number(path)%20000,
			len(l.raw), len(l.raw)+bytes.Count(l.raw, []byte("\n")))
		at := filepath.Join(dir, "new", name)
		if l.place.flags != "new" {
			flags := strings.Split(l.place.flags, "")
			for _, k := range l.place.keywords {
				if !slices.Contains(keywords, k) {
					keywords = append(keywords, k)
				}
				flags = append(flags, string(rune('a'+slices.Index(keywords, k))))
			}
			slices.Sort(flags)
			at = filepath.Join(dir, "cur", name+":2,"+strings.Join(flags, ""))
		}
		if err := writeDated(at, l.raw, l.at); err != nil {
			return f, err
		}
	}
	if len(keywords) == 0 {
		return f, nil
	}
	var b strings.Builder
	for i, k := range keywords {
		fmt.Fprintf(&b, "%d %s\n", i, k)
	}
	return f, os.WriteFile(filepath.Join(dir, "dovecot-keywords"), []byte(b.String()), 0o600)
}

// breakMaildir adds an entry that leads nowhere and one that is no file: an
// administrator once moved mail to another disk and left links behind.
func breakMaildir(dir, user string, m *Mailbox) error {
	if user != "jens.petersen" {
		return nil
	}
	i := slices.IndexFunc(m.Folders, func(f Folder) bool { return f.Path == "INBOX" })
	if err := os.Symlink("/mnt/disk2/mail/jens/1086300000.M1P900.kogge", filepath.Join(dir, "cur", "1086300000.M1P900.kogge,S=2301:2,S")); err != nil {
		return err
	}
	m.quarantine(&m.Folders[i], "entry of cur/ is a symbolic link whose file is gone")
	if err := os.Mkdir(filepath.Join(dir, "cur", "1086300001.M2P900.kogge,S=1977:2,"), 0o700); err != nil {
		return err
	}
	m.quarantine(&m.Folders[i], "entry of cur/ is a directory with the name of a message")
	return nil
}

// writeDated writes a file whose time of change is at.
func writeDated(path string, content []byte, at time.Time) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return err
	}
	return os.Chtimes(path, at, at)
}
