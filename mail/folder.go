package mail

import "strings"

// SpecialUse is the role of a folder (RFC 6154), without the backslash.
type SpecialUse string

// The roles that Waybill carries from system to system.
const (
	NoUse     SpecialUse = ""
	UseInbox  SpecialUse = "Inbox"
	UseSent   SpecialUse = "Sent"
	UseDrafts SpecialUse = "Drafts"
	UseTrash  SpecialUse = "Trash"
	UseJunk   SpecialUse = "Junk"
	UseOutbox SpecialUse = "Outbox"
	// UseArchive is \Archive.
	UseArchive SpecialUse = "Archive"
)

// Folder is one folder of a mailbox.
type Folder struct {
	Path       Path
	Use        SpecialUse
	Subscribed bool
	// Container says that the folder can only hold other folders
	// (\Noselect, RFC 9051 7.3.1). It has no messages and no census.
	Container bool
	Notes     []Note
}

// usualNames are names that mail programs give to folders with a role, in
// lower case. Only a folder at the top of a mailbox is looked up.
var usualNames = map[string]SpecialUse{
	"inbox": UseInbox,
	"sent":  UseSent, "sent items": UseSent, "sent messages": UseSent, "sent mail": UseSent,
	"gesendet": UseSent, "gesendete objekte": UseSent, "gesendete elemente": UseSent,
	"éléments envoyés": UseSent, "envoyés": UseSent, "enviados": UseSent, "elementos enviados": UseSent,
	"posta inviata": UseSent, "inviata": UseSent, "verzonden items": UseSent, "verzonden": UseSent,
	"drafts": UseDrafts, "entwürfe": UseDrafts, "brouillons": UseDrafts, "borradores": UseDrafts, "bozze": UseDrafts, "concepten": UseDrafts,
	"trash": UseTrash, "deleted items": UseTrash, "deleted messages": UseTrash, "papierkorb": UseTrash,
	"gelöschte objekte": UseTrash, "gelöschte elemente": UseTrash, "corbeille": UseTrash, "éléments supprimés": UseTrash,
	"elementos eliminados": UseTrash, "papelera": UseTrash, "posta eliminata": UseTrash, "cestino": UseTrash, "verwijderde items": UseTrash,
	"junk": UseJunk, "spam": UseJunk, "junk e-mail": UseJunk, "junk-e-mail": UseJunk, "junk email": UseJunk,
	"courrier indésirable": UseJunk, "correo no deseado": UseJunk, "ongewenste e-mail": UseJunk,
	"archive": UseArchive, "archiv": UseArchive, "archives": UseArchive, "archief": UseArchive,
	"outbox": UseOutbox, "postausgang": UseOutbox,
}

// GuessUse tells the role of a folder from its name, for systems that do not
// store roles. Nested folders never have one.
func GuessUse(p Path) SpecialUse {
	if names := p.Names(); len(names) == 1 {
		return usualNames[strings.ToLower(names[0])]
	}
	return NoUse
}
