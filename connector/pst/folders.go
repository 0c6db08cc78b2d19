package pst

import (
	"context"
	"fmt"
	"strings"

	format "waybill/format/pst"
	"waybill/format/pst/ndb"
	"waybill/mail"
)

// recovered is the folder for what has lost its place in the file.
const recovered = "Recovered"

// maxDepth bounds the levels of folders; what lies deeper becomes a sibling of
// the folder at that level.
const maxDepth = 100

// folder is a folder of the mailbox and its place in a file. Without a file it
// is there only for the folders in it.
type folder struct {
	mail.Folder
	from *archive
	at   format.Folder
}

// uses are the roles that folders of other mail systems have, too.
func useOf(r format.Role) mail.SpecialUse {
	switch r {
	case format.Inbox:
		return mail.UseInbox
	case format.Outbox:
		return mail.UseOutbox
	case format.Deleted:
		return mail.UseTrash
	case format.Sent:
		return mail.UseSent
	case format.Drafts:
		return mail.UseDrafts
	case format.Junk:
		return mail.UseJunk
	default:
		return mail.NoUse
	}
}

// tree puts the folders of all files of a mailbox into one.
type tree struct {
	o       options
	folders []folder
	byPath  map[mail.Path]int
	used    map[mail.SpecialUse]bool
	notes   []mail.Note // of what is left out
}

func readTree(ctx context.Context, archives []*archive, o options) (*tree, error) {
	t := &tree{o: o, byPath: map[mail.Path]int{}, used: map[mail.SpecialUse]bool{}}
	all := make([][]format.Folder, len(archives))
	for i, a := range archives {
		var err error
		if all[i], err = a.Folders(ctx); err != nil {
			return nil, err
		}
		for _, x := range all[i] {
			if a.label == "" && x.Role == format.Inbox {
				t.used[mail.UseInbox] = true // nothing else is called INBOX
			}
		}
	}
	for i, a := range archives {
		if err := t.graft(ctx, a, all[i]); err != nil {
			return nil, err
		}
	}
	t.guess()
	if len(t.folders) == 0 {
		t.add("", string(mail.Inbox), folder{})
	}
	t.folders[0].Notes = append(t.folders[0].Notes, t.notes...)
	return t, nil
}

// graft adds the folders of one file.
func (t *tree) graft(ctx context.Context, a *archive, all []format.Folder) error {
	top := mail.Path("")
	if a.label != "" {
		top = t.add("", a.label, folder{})
	}
	wanted, err := t.wanted(ctx, a, all)
	if err != nil {
		return err
	}
	paths := map[format.NID]mail.Path{}
	for i, x := range all {
		n := wanted[i]
		root := x.NID == ndb.RootFolder || x.Role == format.Subtree
		switch {
		case n < 0 || root && n == 0:
			paths[x.NID] = top
			continue
		case root:
			paths[x.NID] = top // its folders stand beside what lies in it
			t.add(top, x.Name, t.folder(a, x))
			continue
		}
		parent, known := paths[x.Parent]
		if x.Orphaned && !known || x.NID == format.Orphans {
			parent = top.Child(recovered)
			if _, there := t.byPath[parent]; !there {
				f := folder{Folder: mail.Folder{Subscribed: true}}
				if x.NID == format.Orphans {
					f = t.folder(a, x)
				}
				parent = t.add(top, recovered, f)
				if x.NID == format.Orphans {
					continue
				}
			} else if x.NID == format.Orphans {
				if i := t.byPath[parent]; t.folders[i].from == nil {
					t.folders[i].from, t.folders[i].at = a, x
					continue
				}
			}
		}
		if len(parent.Names()) >= maxDepth {
			parent = parent.Parent()
		}
		f := t.folder(a, x)
		if use := useOf(x.Role); a.label == "" && use != mail.NoUse && (use == mail.UseInbox || !t.used[use]) {
			t.used[use], f.Use = true, use
		}
		paths[x.NID] = t.add(parent, x.Name, f)
	}
	return nil
}

// wanted tells for each folder whether it belongs to the mailbox: the number of
// its items where that matters, or -1 when it does not.
func (t *tree) wanted(ctx context.Context, a *archive, all []format.Folder) ([]int, error) {
	n := make([]int, len(all))
	below := map[format.NID]bool{} // folders that have something in a folder inside
	for i := len(all) - 1; i >= 0; i-- {
		x := all[i]
		if x.Search {
			n[i] = -1
			t.note("search-folder", "The search folder %q of %s is left out: what it shows lies in other folders.", x.Name, a.path)
			continue
		}
		n[i] = x.Items
		root := x.NID == ndb.RootFolder || x.Role == format.Subtree
		if x.Hidden || x.NonIPM || root {
			var err error
			if n[i], err = countItems(ctx, a, x.NID); err != nil {
				return nil, err
			}
		}
		switch {
		case root:
		case x.NonIPM && !t.o.outside:
			if n[i] > 0 {
				t.note("folder-outside", "%d items in %q of %s are left out, because Outlook does not show that folder; outside=take brings them.",
					n[i], strings.Join(x.Path, "/"), a.path)
			}
			n[i] = -1
		case (x.Hidden || x.NonIPM) && n[i] == 0 && !below[x.NID]:
			n[i] = -1
		}
		if n[i] >= 0 {
			below[x.Parent] = true
		}
	}
	return n, nil
}

// countItems counts what a folder holds beside hidden data.
func countItems(ctx context.Context, a *archive, nid format.NID) (n int, err error) {
	for item, err := range a.Items(ctx, nid) {
		if cancelled(ctx) != nil {
			return 0, cancelled(ctx)
		}
		if !item.Associated && (err == nil || item.NID != 0) {
			n++
		}
	}
	return n, nil
}

func (t *tree) note(kind, format string, args ...any) {
	if len(t.notes) < 1000 {
		t.notes = append(t.notes, mail.Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
}

// folder describes a folder of a file.
func (t *tree) folder(a *archive, x format.Folder) folder {
	f := folder{Folder: mail.Folder{Subscribed: true}, from: a, at: x}
	say := func(kind, format string, args ...any) {
		f.Notes = append(f.Notes, mail.Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	if class := x.ContainerClass; class != "" && !strings.EqualFold(class, "IPF.Note") && !strings.HasPrefix(strings.ToUpper(class), "IPF.NOTE.") {
		say("folder-class", "The folder is of the class %s.", class)
	}
	if x.Associated > 0 {
		say("hidden-items", "%d hidden items (views, rules, forms) are left out.", x.Associated)
	}
	if x.Err != nil {
		say("folder-damaged", "The folder's own properties cannot be read: %v", x.Err)
	}
	if x.Unlisted {
		say("folder-unlisted", "The folder is not in its parent's table of folders.")
	}
	return f
}

// add appends a folder under a path of its own.
func (t *tree) add(parent mail.Path, name string, f folder) mail.Path {
	// A name that is not UTF-8 would be another one elsewhere.
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "\uFFFD"), "\x00", "\uFFFD")
	if strings.TrimSpace(name) == "" {
		name = "(unnamed)"
	}
	f.Path = parent.Child(name)
	if f.Use == mail.UseInbox {
		f.Path = mail.Inbox
	}
	free := func() bool {
		_, taken := t.byPath[f.Path]
		return !taken && (f.Path != mail.Inbox || f.Use == mail.UseInbox || !t.used[mail.UseInbox])
	}
	for n := 2; !free(); n++ {
		f.Path = parent.Child(fmt.Sprintf("%s (%d)", name, n))
	}
	t.byPath[f.Path] = len(t.folders)
	t.folders = append(t.folders, f)
	return f.Path
}

// guess gives roles by name where the file names no folder for them.
func (t *tree) guess() {
	for i := range t.folders {
		f := &t.folders[i]
		use := mail.GuessUse(f.Path)
		if f.from == nil || f.from.label != "" || f.Use != mail.NoUse || use == mail.NoUse || t.used[use] {
			continue
		}
		t.used[use], f.Use = true, use
	}
}

// cancelled is the error of a context that is done.
func cancelled(ctx context.Context) error { return fail("read PST", "", ctx.Err()) }
