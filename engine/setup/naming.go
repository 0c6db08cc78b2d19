package setup

import (
	"waybill/connector"
	"waybill/mail"
)

// Naming gives the folders of one mailbox their names in the target, each a
// different one.
type Naming struct {
	target connector.Target
	taken  map[mail.Path]mail.Path // stored -> source path
	fixed  map[mail.Path]mail.Path // source path -> stored, from earlier runs
	source map[mail.Path]bool      // all folders of the mailbox
	// There are the folders that the target's mailbox has already: one with a
	// role takes the mail of the source's folder with that role.
	There []mail.Folder
	moved map[mail.Path]mail.Path // folders that took another's place, by source path
}

// maxNameAttempts bounds how many other names a target is asked for.
const maxNameAttempts = 1000

// NewNaming begins with the folders that the source's mailbox has.
func NewNaming(target connector.Target, folders []mail.Folder) *Naming {
	n := &Naming{target: target, taken: map[mail.Path]mail.Path{}, fixed: map[mail.Path]mail.Path{}, source: map[mail.Path]bool{}, moved: map[mail.Path]mail.Path{}}
	for _, f := range folders {
		n.source[f.Path] = true
	}
	return n
}

// Name is the folder's name in the target: as it is stored there, as it is shown
// there, and what is worth telling of it.
func (n *Naming) Name(f mail.Folder) (stored mail.Path, shown string, notes []mail.Note) {
	if stored, ok := n.fixed[f.Path]; ok {
		return stored, string(stored), nil
	}
	if own, ok := n.roleFolder(f); ok {
		n.taken[own], n.moved[f.Path] = f.Path, own
		if own != f.Path {
			notes = []mail.Note{{Kind: "folder-special-use", Text: string(f.Path) + " goes to " + string(own) + ", which is the target's folder for " + string(f.Use)}}
		}
		return own, string(own), notes
	}
	path := n.relocated(f.Path)
	for attempt := range maxNameAttempts {
		stored, shown, notes = n.target.FolderName(path, attempt)
		if owner, taken := n.taken[stored]; !taken || owner == f.Path {
			break
		}
	}
	n.taken[stored] = f.Path
	return stored, shown, notes
}

// roleFolder finds the target's own folder for what f is used for: mail programs
// look for sent mail there, whatever the folder was called before. A folder
// that the source has under that very name keeps it.
func (n *Naming) roleFolder(f mail.Folder) (mail.Path, bool) {
	if f.Use == mail.NoUse || f.Use == mail.UseInbox {
		return "", false
	}
	for _, t := range n.There {
		if t.Use != f.Use || t.Container || t.Path == mail.Inbox {
			continue
		}
		if _, taken := n.taken[t.Path]; taken || t.Path != f.Path && n.source[t.Path] {
			continue
		}
		return t.Path, true
	}
	return "", false
}

// relocated is where a folder lies when one of its ancestors took the place of
// the target's own folder.
func (n *Naming) relocated(path mail.Path) mail.Path {
	parent := path.Parent()
	if parent == "" {
		return path
	}
	if own, ok := n.moved[parent]; ok {
		return own.Child(path.Name())
	}
	return n.relocated(parent).Child(path.Name())
}

// Fix keeps the name that an earlier run gave to path.
func (n *Naming) Fix(path, stored mail.Path) {
	n.taken[stored], n.fixed[path] = path, stored
	if path != stored {
		n.moved[path] = stored
	}
}
