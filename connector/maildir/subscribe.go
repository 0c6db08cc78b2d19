package maildir

import (
	"context"
	"io"
	"path/filepath"
	"strings"

	"waybill/connector/files"
	"waybill/mail"
)

// maxAside bounds the small files beside the messages.
const maxAside = 16 << 20

// readAside reads a small file whole; a missing one is empty.
func readAside(ctx context.Context, path string, limit int64) ([]byte, error) {
	r, err := files.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(io.LimitReader(r, limit))
}

// subscribe marks the folders that the user's mail program shows: Dovecot's
// subscriptions (both versions of the file) and Courier's courierimapsubscribed.
// Names of folders that are gone are left out.
func (l *layout) subscribe(ctx context.Context) {
	for _, file := range []string{"subscriptions", "courierimapsubscribed"} {
		text, err := readAside(ctx, filepath.Join(l.root, file), maxAside)
		if err != nil {
			continue
		}
		for path := range l.subscribed(string(text)) {
			if i, ok := l.byPath[path]; ok {
				l.folders[i].Subscribed = true
			}
		}
	}
}

func (l *layout) subscribed(text string) map[mail.Path]bool {
	byRaw := make(map[string]mail.Path, len(l.folders))
	for _, f := range l.folders {
		byRaw[strings.TrimPrefix(f.raw, ".")] = f.Path
	}
	paths := map[mail.Path]bool{}
	tabs := strings.HasPrefix(text, "V\t2\n") // Dovecot 2.2 and later: parts joined by tabs
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.TrimRight(line, "\r")
		if line == "" || tabs && line == "V\t2" {
			continue
		}
		parts := strings.FieldsFunc(line, func(r rune) bool { return !tabs && (r == '.' || r == '/') || tabs && r == '\t' })
		if len(parts) == 0 {
			continue
		}
		// Courier writes every folder below INBOX, and some programs do so here.
		for i := range min(2, len(parts)) {
			if i == 1 && !strings.EqualFold(parts[0], string(mail.Inbox)) {
				break
			}
			names := make([]string, 0, len(parts))
			for _, p := range parts[i:] {
				if tabs {
					p = untab(p)
				}
				name, _ := l.opt.decodeName(p)
				names = append(names, name)
			}
			path := mail.NewPath(names...)
			if _, ok := l.byPath[path]; !ok {
				path = byRaw[strings.Join(parts[i:], ".")]
			}
			if path != "" {
				paths[path] = true
				break
			}
		}
	}
	return paths
}

// untab reads Dovecot's str_tabescape.
func untab(s string) string {
	return strings.NewReplacer("\x011", "\x01", "\x01t", "\t", "\x01n", "\n", "\x01r", "\r", "\x010", "\x00").Replace(s)
}

// subscriptionLine is how Dovecot writes a folder into its first version of the
// file, which every version reads.
func (o options) subscriptionLine(path mail.Path) string {
	if path == mail.Inbox {
		return string(mail.Inbox)
	}
	return strings.TrimPrefix(o.encodeDir(path.Names()), ".")
}
