package msmail

import (
	"time"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
)

// User is somebody with a mailbox in this postoffice.
type User struct {
	ID      glb.ID // number of the mailbag
	Mailbox string // at most 10 characters, the last part of the MS address; empty when it could not be found
	Alias   string // the name that people see, at most 30 characters
	TID     uint32
	// Address is MS:NETWORK/POSTOFFICE/MAILBOX; its Value is empty when one of the
	// three is not known.
	Address Address
	// Special marks mailboxes that belong to the system and to nobody: ADMINSCH,
	// $SYSTEM, *SPECIAL, POSTMASTER.
	Special bool
	// MailboxFrom says where the mailbox name comes from: "ACCESS2.GLB",
	// "messages", or empty.
	MailboxFrom string
	Certainty   evidence.Certainty
}

// Address is a typed address, such as MS:NET/PO/ANNA or SMTP:anna@example.org.
type Address struct {
	Type  string // upper case (KB Q157712: types compare without case)
	Value string
}

// String is TYPE:value; empty for no address.
func (a Address) String() string {
	if a.Type == "" && a.Value == "" {
		return ""
	}
	return a.Type + ":" + a.Value
}

// Group is a distribution list of the postoffice, or of one user.
type Group struct {
	Alias   string
	TID     uint32
	Address Address // as MS address, where GROUP.GLB gives its short name
	Members []Member
}

// Member is one entry of a group or of a personal list.
type Member struct {
	Kind    MemberKind
	Alias   string
	TID     uint32
	User    glb.ID  // for LocalUser
	Address Address // empty when it could not be found
}

// MemberKind tells what an entry of an address list stands for.
type MemberKind uint8

// The kinds. 2 and 4 are documented alias types (KB Q107767).
const (
	UnknownMember MemberKind = iota
	LocalUser
	ExternalUser
	GroupList
)

func (k MemberKind) String() string {
	switch k {
	case LocalUser:
		return "user"
	case ExternalUser:
		return "external"
	case GroupList:
		return "group"
	default:
		return "unknown"
	}
}

// External is somebody outside the postoffice whom its lists know.
type External struct {
	Alias   string
	TID     uint32
	Address Address
	// List is the file that the entry stands in: ADMIN.NME, SMTP.NME,
	// 00000012.USR.
	List      string
	Certainty evidence.Certainty
}

// Network is a network or gateway that the postoffice knows.
type Network struct {
	Name        string
	Active      bool
	Kind        byte   // 0x10 MSMAIL, 0x64 FFAPI gateway; others are not published
	Extension   string // prefix of its .XTN file, empty for gateways without one
	Mailbag     string // prefix of its mailbag, for gateways
	Home        bool   // the postoffice's own network
	Postoffices []RemotePostoffice
}

// RemotePostoffice is an external postoffice, or a node of a gateway.
type RemotePostoffice struct {
	Name    string
	Active  bool
	Mailbag string
	// Indirect counts the postoffices that are reached through this one.
	Indirect int
}

// PersonalList is one user's own address list (DOS and Macintosh clients).
type PersonalList struct {
	Owner  glb.ID
	File   string
	Groups []Group
	// Entries are all entries of the list, groups included.
	Entries []Member
}

// Row is one line of a mailbag.
type Row struct {
	Mailbag glb.ID
	Index   int
	Offset  int64  // of the row in the .MBG file
	Sender  string // mailbox name, at most 10 characters
	Subject string // at most 40 characters; the whole one is in the message
	// Date has no zone in the file: it is the sender's local time (KB Q133192),
	// given here in Options.Zone. It is zero when the fields hold no date.
	Date  time.Time
	File  glb.ID // names the .MAI file
	Size  uint32 // hypothesis: size of the message in bytes
	State State
	Life  uint16 // hypothesis: hours of useful life
	named bool
}

// State says whether a row still counts.
type State uint8

// The states. Without a usable KEY file it is StateUnknown.
const (
	StateUnknown State = iota
	Live
	Deleted
)

func (s State) String() string {
	switch s {
	case Live:
		return "live"
	case Deleted:
		return "deleted"
	default:
		return "unknown"
	}
}

// Folder is a folder of the DOS and Macintosh clients, a shared or group folder,
// or a whole message store (MMF) of the Windows client.
type Folder struct {
	File    string // FOLDERS/PUB/00000003.FLD, MMF/00000012.MMF
	Index   string // the .IDX that lists it; empty when none does
	Name    string // empty when it could not be found
	Comment string
	Owner   glb.ID
	Owned   bool // Owner was found
	Kind    FolderKind
	Size    int64
	// Messages is how many messages were counted; -1 when they cannot be.
	Messages int
	Readable bool
	// Why says why the folder cannot be read, and WayRound what can be done.
	Why       string
	WayRound  string
	Certainty evidence.Certainty
}

// FolderKind is the kind of a folder.
type FolderKind uint8

// The kinds; 2 and 3 are the values in the file (KB Q95975).
const (
	UnknownFolder FolderKind = 0
	PrivateFolder FolderKind = 1
	GroupFolder   FolderKind = 2
	SharedFolder  FolderKind = 3
	MessageStore  FolderKind = 100 // an .MMF
)

func (k FolderKind) String() string {
	switch k {
	case PrivateFolder:
		return "private"
	case GroupFolder:
		return "group"
	case SharedFolder:
		return "shared"
	case MessageStore:
		return "message store"
	default:
		return "unknown"
	}
}

// Finding is a rule that the postoffice breaks.
type Finding struct {
	Rule      string // stable name: "msmail.access-step"
	File      string
	Offset    int64 // -1: the whole file
	Text      string
	Certainty evidence.Certainty
	EventID   string // the Migration Wizard's event for the same trouble; may be empty
	Article   string // Knowledge Base article: "Q168736"
}
