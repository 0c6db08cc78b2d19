package mbox

import (
	"context"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector/files"
	"waybill/mail"
)

// maxDepth bounds how deep folders are looked for, against circles of symlinks
// and hostile trees.
const maxDepth = 64

// node is one folder of a mailbox.
type node struct {
	path mail.Path
	file string // empty for a container
	// dir is the directory of its subfolders; empty when there is none.
	dir   string
	notes []mail.Note
}

// tree finds the folders below a user's directory.
type tree struct {
	ctx     context.Context
	nodes   map[mail.Path]*node
	ignored []string
}

// scanTree lists the folders of a mailbox whose directory is dir and whose inbox
// may be a file of its own; either may be empty. Parents come before children.
func scanTree(ctx context.Context, dir, inbox string) ([]node, error) {
	t := &tree{ctx: ctx, nodes: map[mail.Path]*node{}}
	if inbox != "" {
		t.nodes[mail.Inbox] = &node{path: mail.Inbox, file: inbox}
	}
	if dir != "" {
		if err := t.scan(dir, "", 0); err != nil {
			return nil, err
		}
	}
	list := make([]node, 0, len(t.nodes))
	for _, n := range t.nodes {
		list = append(list, *n)
	}
	// The inbox first; else by name, each folder directly before its children.
	slices.SortFunc(list, func(a, b node) int {
		x, y := a.path.Names(), b.path.Names()
		if x[0] != y[0] && (x[0] == string(mail.Inbox) || y[0] == string(mail.Inbox)) {
			if x[0] == string(mail.Inbox) {
				return -1
			}
			return 1
		}
		return slices.Compare(x, y)
	})
	if len(t.ignored) > 0 && len(list) > 0 {
		slices.Sort(t.ignored)
		for _, name := range t.ignored {
			list[0].notes = append(list[0].notes, mail.Note{Kind: "mbox.ignored-file", Text: name + " is no mbox file and was left out"})
		}
	}
	return list, nil
}

func (t *tree) scan(dir string, parent mail.Path, depth int) error {
	if depth > maxDepth {
		t.ignored = append(t.ignored, dir)
		return nil
	}
	s, err := files.OpenScan(dir)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	var names []string
	if err = s.Each(t.ctx, func(name []byte) error { names = append(names, string(name)); return nil }); err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		if err := t.entry(s, dir, name, parent, depth); err != nil {
			return err
		}
	}
	return nil
}

// entry takes one name of a directory.
func (t *tree) entry(s *files.Scan, dir, name string, parent mail.Path, depth int) error {
	if name[0] == '.' {
		return nil // hidden: settings, locks and journals of mail programs
	}
	path := filepath.Join(dir, name)
	info, err := s.Stat(name)
	switch {
	case err != nil:
		t.ignored = append(t.ignored, path) // a dangling symlink
	case info.IsRegular():
		if base, ok := folderFile(t.ctx, path, name, info.Size); ok {
			t.add(parent, nameOf(base)).put(t, path)
		} else {
			t.ignored = append(t.ignored, path)
		}
	case info.IsDir():
		lower := strings.ToLower(name)
		switch {
		case strings.HasSuffix(lower, ".mozmsgs"):
			t.ignored = append(t.ignored, path)
		case strings.HasSuffix(lower, suffix) && isRegular(filepath.Join(path, "mbox")):
			// An export of Apple Mail: Name.mbox/mbox with a table of contents.
			t.add(parent, nameOf(name[:len(name)-len(suffix)])).put(t, filepath.Join(path, "mbox"))
		default:
			base := name
			if strings.HasSuffix(lower, ".sbd") {
				base = name[:len(name)-len(".sbd")]
			}
			n := t.add(parent, nameOf(base))
			if n.dir == "" {
				n.dir = path
			}
			// A directory that cannot be read hides its folders, which must not
			// look like a mailbox without them.
			return t.scan(path, n.path, depth+1)
		}
	default:
		t.ignored = append(t.ignored, path)
	}
	return nil
}

// add finds or makes the node of a folder.
func (t *tree) add(parent mail.Path, name string) *node {
	path := parent.Child(name)
	n := t.nodes[path]
	if n == nil {
		n = &node{path: path}
		t.nodes[path] = n
	}
	return n
}

// put gives a folder its file. Two files may claim one name (INBOX.mbox and
// Inbox); the second becomes a folder with a name of its own.
func (n *node) put(t *tree, file string) {
	if n.file == "" {
		n.file = file
		return
	}
	names := n.path.Names()
	names[len(names)-1] += " (" + files.Printable(filepath.Base(file)) + ")"
	other := mail.NewPath(names...)
	if t.nodes[other] != nil {
		t.ignored = append(t.ignored, file)
		return
	}
	t.nodes[other] = &node{path: other, file: file, notes: []mail.Note{{Kind: "folder-renamed",
		Text: file + " and " + n.file + " have the same name; this is the former"}}}
}

// folderFile tells whether a file is a folder, and its name without ending. One
// without ".mbox" is a folder when it begins as mbox files do; an empty one when
// its name has no ending at all, as Mozilla programs name them.
func folderFile(ctx context.Context, path, name string, size int64) (base string, ok bool) {
	if lower := strings.ToLower(name); strings.HasSuffix(lower, suffix) && len(name) > len(suffix) {
		return name[:len(name)-len(suffix)], true
	}
	if i := besideAt(name); i >= 0 {
		return "", false
	}
	if size == 0 {
		return name, !strings.Contains(name, ".")
	}
	return name, beginsLikeMbox(ctx, path)
}

func isRegular(path string) bool {
	info, err := files.Stat(path)
	return err == nil && info.IsRegular()
}

func beginsLikeMbox(ctx context.Context, path string) bool {
	r, err := files.Open(ctx, path)
	if err != nil {
		return false
	}
	defer func() { _ = r.Close() }()
	start := make([]byte, 16)
	n, _ := r.Read(start)
	text := strings.TrimLeft(strings.TrimPrefix(string(start[:n]), "\xef\xbb\xbf"), "\r\n")
	return strings.HasPrefix(text, "From ") || strings.HasPrefix(text, "\x01\x01\x01\x01\n") || strings.HasPrefix(text, "\x01\x01\x01\x01\r\n")
}
