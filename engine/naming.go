package engine

import (
	"waybill/connector"
	"waybill/mail"
)

// naming gives the folders of one mailbox their names in the target, each a
// different one.
type naming struct {
	target connector.Target
	taken  map[mail.Path]mail.Path // stored -> source path
}

// maxNameAttempts bounds how many other names a target is asked for.
const maxNameAttempts = 1000

func newNaming(target connector.Target) *naming {
	return &naming{target: target, taken: map[mail.Path]mail.Path{}}
}

func (n *naming) name(path mail.Path) (stored mail.Path, shown string, notes []mail.Note) {
	for attempt := range maxNameAttempts {
		stored, shown, notes = n.target.FolderName(path, attempt)
		if owner, taken := n.taken[stored]; !taken || owner == path {
			break
		}
	}
	n.taken[stored] = path
	return stored, shown, notes
}

// reserve keeps a name that is already in use for path.
func (n *naming) reserve(path, stored mail.Path) { n.taken[stored] = path }
