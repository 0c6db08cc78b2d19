package acl

import (
	"fmt"
	"slices"
	"strings"
)

// Level is a kind of object that permissions are given on. The first three are
// the roots of the three security contexts.
type Level string

// The levels.
const (
	Organization  Level = "organization"
	Site          Level = "site"
	Configuration Level = "configuration"
	// Object is any single object below one of the three: a recipients
	// container, a mailbox, a server, a store.
	Object Level = "object"
)

// Levels are the three contexts in the order in which they are shown.
func Levels() []Level { return []Level{Organization, Site, Configuration} }

// Role is a named bundle of rights.
type Role string

// The roles (KB Q168753, Q182902).
const (
	Admin               Role = "Admin"
	PermissionsAdmin    Role = "Permissions Admin"
	ServiceAccountAdmin Role = "Service Account Admin"
	User                Role = "User"
	SendAsRole          Role = "Send As"
	ViewOnlyAdmin       Role = "View Only Admin"
	SearchRole          Role = "Search"
	// Custom is any mix of rights.
	Custom Role = "Custom"
)

// Roles lists all roles in the order of the table.
func Roles() []Role {
	return []Role{Admin, PermissionsAdmin, ServiceAccountAdmin, User, SendAsRole, ViewOnlyAdmin, SearchRole, Custom}
}

const (
	admin       = AddChild | ModifyUser | ModifyAdmin | Delete
	permissions = admin | ModifyPermissions
	service     = permissions | Replication
)

// table is KB Q168753: what each role holds at each level. A role without an
// entry is not offered there. The column for single objects is what the site's
// column means on a mailbox: without rights that only make sense on a
// container or on the site itself.
var table = map[Role]map[Level]Rights{
	Admin: {Organization: admin, Site: admin | Logon, Configuration: admin, Object: admin},
	PermissionsAdmin: {Organization: permissions, Site: permissions | Logon, Configuration: permissions,
		Object: permissions},
	ServiceAccountAdmin: {Organization: service, Site: service | Logon | SendAs | MailboxOwner, Configuration: service},
	User: {Organization: ModifyUser, Site: ModifyUser | SendAs | MailboxOwner, Configuration: ModifyUser,
		Object: ModifyUser | SendAs | MailboxOwner},
	SendAsRole:    {Site: SendAs, Configuration: SendAs, Object: SendAs},
	ViewOnlyAdmin: {Site: Logon},
	SearchRole:    {Organization: Search},
}

// RightsOf tells what role holds at level; offered is false where the role
// cannot be given. Custom is offered everywhere and holds what is ticked.
func RightsOf(role Role, level Level) (rights Rights, offered bool) {
	if role == Custom {
		return 0, true
	}
	rights, offered = table[role][level]
	return rights, offered
}

// Prescribed is what administering every mailbox's store needs at a level: the
// rights of Permissions Admin (KB Q255888).
func Prescribed(level Level) Rights { return table[PermissionsAdmin][level] }

// ParseRole reads the name of a role without regard to case; hyphens may stand
// for spaces.
func ParseRole(s string) (Role, error) {
	name := strings.ReplaceAll(strings.TrimSpace(s), "-", " ")
	roles := Roles()
	i := slices.IndexFunc(roles, func(r Role) bool { return strings.EqualFold(string(r), name) })
	if i < 0 {
		names := make([]string, len(roles))
		for i, r := range roles {
			names[i] = string(r)
		}
		return "", fmt.Errorf("there is no role called %q; the roles are %s", s, strings.Join(names, ", "))
	}
	return roles[i], nil
}
