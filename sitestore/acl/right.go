// Package acl is the permission model of the mail site: rights, the roles that
// bundle them, the three separate security contexts, and what somebody may do
// in effect. It does no input or output.
package acl

import (
	"fmt"
	"strings"
)

// Rights is a set of rights (KB Q168753).
type Rights uint16

// The rights.
const (
	AddChild          Rights = 1 << iota // create objects below
	ModifyUser                           // change user-level attributes, for instance members of a list
	ModifyAdmin                          // change administrator-level attributes, for instance display names
	Delete                               // delete the object
	Logon                                // use administration programs with the servers of the site
	ModifyPermissions                    // change permissions of existing objects
	Replication                          // replicate directory data with other servers
	MailboxOwner                         // log on to the mailbox, read and write
	SendAs                               // send as the mailbox
	Search                               // see what a container holds (KB Q182902)

	// All is every right: what everybody has on an object that lost all its
	// permission entries.
	All = AddChild | ModifyUser | ModifyAdmin | Delete | Logon | ModifyPermissions | Replication | MailboxOwner | SendAs | Search
)

var rightNames = []struct {
	Right Rights
	Name  string
}{
	{AddChild, "Add Child"}, {ModifyUser, "Modify User Attributes"}, {ModifyAdmin, "Modify Admin Attributes"},
	{Delete, "Delete"}, {Logon, "Logon Rights"}, {ModifyPermissions, "Modify Permissions"},
	{Replication, "Replication"}, {MailboxOwner, "Mailbox Owner"}, {SendAs, "Send As"}, {Search, "Search"},
}

// Has reports whether every right of need is in r.
func (r Rights) Has(need Rights) bool { return r&need == need }

// Names lists the rights, in a fixed order.
func (r Rights) Names() []string {
	var names []string
	for _, n := range rightNames {
		if r&n.Right != 0 {
			names = append(names, n.Name)
		}
	}
	return names
}

// Single takes the set apart.
func (r Rights) Single() []Rights {
	var single []Rights
	for _, n := range rightNames {
		if r&n.Right != 0 {
			single = append(single, n.Right)
		}
	}
	return single
}

// String lists the names, or says that there are none.
func (r Rights) String() string {
	if r == 0 {
		return "no rights"
	}
	return strings.Join(r.Names(), ", ")
}

// ParseRights reads names of rights separated by commas, without regard to case.
func ParseRights(s string) (Rights, error) {
	var rights Rights
next:
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		for _, n := range rightNames {
			if strings.EqualFold(n.Name, part) {
				rights |= n.Right
				continue next
			}
		}
		return 0, fmt.Errorf("there is no right called %q; the rights are %s", part, strings.Join(All.Names(), ", "))
	}
	return rights, nil
}
