package olm

import (
	"archive/zip"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	"waybill/mail"
)

const (
	messagesDir    = "com.microsoft.__Messages"
	attachmentsDir = "com.microsoft.__Attachments"
	local          = "Local" // what was kept on the computer
	maxFolders     = 100_000
	maxLevels      = 256
	maxKey         = 200
)

// root is an account of an archive: "Local", or "Accounts/anna@example.org".
type root string

// contents are what lies in one directory of the archive.
type contents struct {
	root    root
	names   []string // of the folder, below the root
	entries []entry
	byKey   map[string]int
	ignored int
}

// entry is a document: messages, or items of another kind.
type entry struct {
	*zip.File
	key   string
	items bool
}

// split takes the name of an entry apart. ok is false for what is in no folder.
func split(name string) (dir string, at root, names []string, file string, ok bool) {
	parts := strings.Split(name, "/")
	file = parts[len(parts)-1]
	parts = parts[:len(parts)-1]
	first := 1
	if len(parts) > 0 && parts[0] == "Accounts" {
		first = 2
	}
	if len(parts) <= first || len(parts) > maxLevels || slices.Contains(parts, attachmentsDir) {
		return "", "", nil, "", false
	}
	dir = strings.Join(parts, "/")
	at = root(strings.Join(parts[:first], "/"))
	names = parts[first:]
	if names[0] == messagesDir {
		names = names[1:]
	}
	return dir, at, names, file, true
}

// index finds the folders and what is in them.
func (a *archive) index(ctx context.Context) error {
	a.folders = map[string]*contents{}
	roots := map[root]bool{}
	for _, f := range a.Entries {
		if err := ctx.Err(); err != nil {
			return files.Fail("open archive", a.store.place.Path, "olm.open", err)
		}
		dir, at, names, file, ok := split(f.Name)
		if !ok {
			continue
		}
		c := a.folders[dir]
		if c == nil {
			if len(a.folders) == maxFolders {
				return failure.New(failure.TooLarge, "open archive", a.store.place.Path, "olm.folders", fmt.Errorf("it has more than %d folders", maxFolders))
			}
			c = &contents{root: at, names: names}
			a.folders[dir] = c
			roots[at] = true
		}
		switch {
		case file == "":
		case !strings.HasSuffix(strings.ToLower(file), ".xml"):
			c.ignored++
		default:
			c.entries = append(c.entries, entry{File: f, items: !strings.Contains("/"+dir+"/", "/"+messagesDir+"/")})
		}
	}
	for _, c := range a.folders {
		c.sort()
	}
	a.roots = slices.Sorted(maps.Keys(roots))
	return nil
}

// sort puts documents in the order of their numbers, and gives each its key.
func (c *contents) sort() {
	slices.SortStableFunc(c.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(len(a.Name), len(b.Name)), cmp.Compare(a.Name, b.Name))
	})
	c.byKey = make(map[string]int, len(c.entries))
	for i := range c.entries {
		e := &c.entries[i]
		name := files.Printable(e.Name[strings.LastIndexByte(e.Name, '/')+1:])
		if e.key = name; len(name) > maxKey {
			e.key = files.Shorten(name, maxKey, func(s string) int { return len(s) })
		}
		for n, base := 2, e.key; ; n++ {
			if _, taken := c.byKey[e.key]; !taken {
				break
			}
			e.key = fmt.Sprintf("%s (%d)", base, n)
		}
		c.byKey[e.key] = i
	}
}

// above are the names of the folder that an account's folders lie in: none for
// the only account.
func (a *archive) above(at root) []string {
	accounts := 0
	for _, r := range a.roots {
		if r != local {
			accounts++
		}
	}
	switch {
	case len(a.roots) == 1, at != local && accounts == 1:
		return nil
	case at == local:
		return []string{"On My Computer"} // as Outlook shows it
	}
	return []string{strings.TrimPrefix(string(at), "Accounts/")}
}

// list describes the folders.
func (a *archive) list() []filesource.Folder {
	var all []filesource.Folder
	for _, dir := range slices.Sorted(maps.Keys(a.folders)) {
		c := a.folders[dir]
		names := slices.Concat(a.above(c.root), c.names)
		if len(names) == 0 && len(c.entries) == 0 {
			continue
		}
		for i, name := range names {
			names[i] = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD")
		}
		if len(names) == 0 {
			names = []string{"Messages"}
		}
		f := filesource.Folder{Folder: mail.Folder{Path: mail.NewPath(names...), Subscribed: true}, Contents: &folder{store: a.store, dir: dir}}
		if c.ignored > 0 {
			f.Notes = append(f.Notes, mail.Note{Kind: "files-ignored", Text: fmt.Sprintf("%d files in %s are no documents by their names and are left out.", c.ignored, files.Printable(dir))})
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		all = append(all, filesource.Folder{Folder: mail.Folder{Path: mail.Inbox, Use: mail.UseInbox, Subscribed: true}})
	}
	return all
}
