package wizard

import "strings"

// Names of columns, as Waybill writes them. Directory import knew most by two
// names, that of the directory and that of the Administrator program (KB
// Q155594, Q236300).
const (
	ColumnClass       = "Obj-Class"
	ColumnMode        = "Mode"
	ColumnName        = "Common-Name"
	ColumnDisplay     = "Display-Name"
	ColumnAlias       = "Mail-Nickname"
	ColumnGiven       = "Given-Name"
	ColumnSurname     = "Surname"
	ColumnServer      = "Home-Server"
	ColumnAddresses   = "E-mail Addresses"
	ColumnAddress     = "E-mail Address"
	ColumnProxies     = "Secondary-Proxy-Addresses"
	ColumnMembers     = "Members"
	ColumnMemberOf    = "Member Of"
	ColumnContainer   = "Obj-Container"
	ColumnAccount     = "Assoc-NT-Account"
	ColumnSFSUser     = "SFS_UserName"
	ColumnSFSFullName = "SFS_FullName"
	ColumnMigrate     = "MigrateUser"
	ColumnComment     = "Comment"
)

// labels lead from other names of a column to the one above.
var labels = map[string]string{
	"directory name": ColumnName, "display name": ColumnDisplay, "alias name": ColumnAlias, "alias": ColumnAlias,
	"first name": ColumnGiven, "last name": ColumnSurname, "home server": ColumnServer,
	"e-mail-addresses": ColumnAddresses, "e-mail-address": ColumnAddress, "proxy-addresses": ColumnAddresses,
	"secondary proxy addresses": ColumnProxies, "member-of": ColumnMemberOf, "is-member-of-dl": ColumnMemberOf,
	"container": ColumnContainer, "primary windows nt account": ColumnAccount, "obj class": ColumnClass, "object class": ColumnClass,
	"sfs-username": ColumnSFSUser, "sfs-fullname": ColumnSFSFullName,
}

// columnKey is a column's name for comparing.
func columnKey(name string) string {
	key := strings.ToLower(strings.Join(strings.Fields(strings.ReplaceAll(name, "_", "-")), " "))
	if other, ok := labels[key]; ok {
		return strings.ReplaceAll(strings.ToLower(other), "_", "-")
	}
	return key
}

// ServerChosen stands in the column Home-Server for the server that is chosen
// when the files are imported (KB Q150438).
const ServerChosen = "~SERVER"

// Words that are no values (KB Q152727, Q152854, Q184536).
const (
	clearWord  = "~DEL"
	removeWord = "~DEL<"
)
