package dbx

import (
	"context"
	"errors"
	"slices"

	"waybill/format/mapi"
	"waybill/mail"
)

// Values of a folder's object ([oedbx] folder info).
const (
	folderID      = 0x00
	folderParent  = 0x01
	folderName    = 0x02
	folderFile    = 0x03
	folderAccount = 0x05
	folderCount   = 0x07
	folderRole    = 0x09
)

// localAccount is the account of the folders that are kept on this computer.
const localAccount = "LocalStore"

// maxName bounds names of folders and files.
const maxName = 1024

// Folder is an entry of Folders.dbx.
type Folder struct {
	ID, Parent uint32
	Name       string
	// File is the name of the folder's file; empty for accounts and for folders
	// that never had a message.
	File string
	Use  mail.SpecialUse
	// Account is set for the entries that stand for an account: "LocalStore" for
	// this computer, or the key of a server's.
	Account string
	// Messages is how many messages the folder has, as the list says.
	Messages int64
}

// roles are the folders that the program makes itself.
var roles = map[uint32]mail.SpecialUse{1: mail.UseInbox, 2: mail.UseOutbox, 3: mail.UseSent, 4: mail.UseTrash, 5: mail.UseDrafts}

// Folders reads the list of folders. Names are in the code page of the computer
// that wrote them. Entries that cannot be read are left out, and told by the
// error that comes with the others (class Malformed).
func (f *File) Folders(ctx context.Context, codePage int) ([]Folder, error) {
	if f.Kind != Folders {
		return nil, nil
	}
	var list []Folder
	var broken []error
	w, t := f.window(16<<10), f.tree()
	_, err := t.walk(ctx, f.root, 0, func(at int64) bool {
		i, err := f.info(w, at)
		if err != nil {
			if len(broken) < 100 {
				broken = append(broken, err)
			}
			return true
		}
		d := Folder{Name: mapi.DecodeText(i.text(folderName, maxName), codePage), File: mapi.DecodeText(i.text(folderFile, maxName), codePage),
			Account: string(i.text(folderAccount, maxName))}
		d.ID, _ = i.number(folderID)
		d.Parent, _ = i.number(folderParent)
		count, _ := i.number(folderCount)
		d.Messages = int64(count)
		if role, ok := i.number(folderRole); ok {
			d.Use = roles[role]
		}
		list = append(list, d)
		return true
	})
	if err != nil {
		return nil, err
	}
	if broken = append(broken, t.broken...); len(broken) > 0 || t.values < f.Stated {
		return list, f.malformed(f.root, "folders", "the list names %d folders, and %d can be read: %w", f.Stated, len(list), errors.Join(broken...))
	}
	return list, nil
}

// Place is where a folder lies among the others.
type Place struct {
	Folder
	// Names are those of the folders that it lies in, outermost first, and its own.
	// Folders of this computer lie at the top; those of a server lie in a folder
	// of the account's name.
	Names []string
}

// maxNested bounds how deep folders may lie.
const maxNested = 60

// Arrange finds the place of each folder that can hold messages, in the order of
// the list. A folder whose parents cannot be found, or lead in a circle, lies at
// the top.
func Arrange(list []Folder) []Place {
	byID := make(map[uint32]int, len(list))
	for i, d := range list {
		if _, twice := byID[d.ID]; !twice {
			byID[d.ID] = i
		}
	}
	var places []Place
	for i, d := range list {
		if d.Account != "" || d.File == "" {
			continue
		}
		names := []string{d.Name}
		at, hops := i, 0
		for {
			parent, ok := byID[list[at].Parent]
			if !ok || parent == at || hops > maxNested {
				break
			}
			hops++
			at = parent
			if a := list[at]; a.Account != "" {
				if a.Account != localAccount {
					names = append(names, a.Name)
				}
				break
			} else if a.Parent == ^uint32(0) {
				break // the root of all
			} else {
				names = append(names, a.Name)
			}
		}
		if hops > maxNested {
			names = names[:1]
		}
		p := Place{Folder: d, Names: make([]string, 0, len(names))}
		for _, name := range slices.Backward(names) {
			p.Names = append(p.Names, name)
		}
		places = append(places, p)
	}
	return places
}
