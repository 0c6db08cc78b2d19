package wizard

import "strings"

// Mode is what a control file migrates from.
type Mode string

// The modes (KB Q198957; Exchange has been there since Exchange 2000).
const (
	ModeFile       Mode = "FILE"
	ModeMSMail     Mode = "MSMAILPC"
	ModeCCMail     Mode = "CCMAIL"
	ModeCollabra   Mode = "COLLABRA"
	ModeNotes      Mode = "NOTES"
	ModeGroupWise  Mode = "GRPWISE"
	ModeGroupWise5 Mode = "GRPWISE5"
	ModeLDAP       Mode = "ADSI"
	ModeIMAP       Mode = "IMAP"
	ModeExchange   Mode = "EXCHANGE"
)

// parseMode reads a mode; LDAP is another word for ADSI.
func parseMode(s string) (Mode, bool) {
	switch m := Mode(strings.ToUpper(s)); m {
	case "LDAP":
		return ModeLDAP, true
	case ModeFile, ModeMSMail, ModeCCMail, ModeCollabra, ModeNotes, ModeGroupWise, ModeGroupWise5, ModeLDAP, ModeIMAP, ModeExchange:
		return m, true
	default:
		return m, false
	}
}

// form is what the value of a keyword looks like.
type form uint8

const (
	text form = iota
	truth
	moment
	word
	number
)

// keyword is one that a control file may hold.
type keyword struct {
	name  string
	form  form
	words []string // of a word
	// modes in which the Wizard wanted it; nil is all of them. In others it is
	// not needed (event 10008, KB Q197397).
	modes []Mode
}

var (
	extractors = []Mode{ModeMSMail, ModeCCMail, ModeCollabra, ModeNotes, ModeGroupWise, ModeGroupWise5, ModeLDAP, ModeIMAP, ModeExchange}
	mailModes  = []Mode{ModeMSMail, ModeCCMail, ModeNotes, ModeGroupWise, ModeGroupWise5, ModeIMAP, ModeExchange}
	public     = []Mode{ModeMSMail, ModeCCMail, ModeCollabra}
	scheduled  = []Mode{ModeMSMail, ModeNotes, ModeGroupWise, ModeGroupWise5}
	groupwise  = []Mode{ModeGroupWise, ModeGroupWise5}
)

// keywords are those of KB Q198957, Q263755 and Q274393, and of the help of
// Exchange 2000.
var keywords = []keyword{
	{name: "Mode"},
	{name: "Function", form: word, words: []string{"FULL", "EXTRACT", "IMPORT"}, modes: extractors},
	{name: "File"},
	{name: "Accounts"},
	{name: "Mailbox", form: truth},
	{name: "GWDomain", modes: groupwise},
	{name: "POName", modes: append([]Mode{ModeCCMail}, groupwise...)},
	{name: "GWUserGRPName", modes: groupwise},
	{name: "Postoffice", modes: []Mode{ModeMSMail, ModeCCMail, ModeNotes, ModeCollabra, ModeGroupWise, ModeGroupWise5, ModeLDAP}},
	{name: "Secure", form: truth, modes: []Mode{ModeLDAP, ModeIMAP}},
	{name: "Encrypted", form: truth, modes: []Mode{ModeLDAP, ModeIMAP}},
	{name: "Port", form: number, modes: []Mode{ModeLDAP, ModeIMAP}},
	{name: "Email", form: truth, modes: mailModes},
	{name: "Public", form: truth, modes: public},
	{name: "PAB", form: truth, modes: []Mode{ModeMSMail}},
	{name: "Schedule", form: truth, modes: scheduled},
	{name: "EmailStart", form: moment, modes: append([]Mode{ModeFile}, mailModes...)},
	{name: "EmailEnd", form: moment, modes: append([]Mode{ModeFile}, mailModes...)},
	{name: "SchdStart", form: moment, modes: scheduled},
	{name: "SchdEnd", form: moment, modes: scheduled},
	{name: "Phone", form: truth, modes: groupwise},
	{name: "Appointments", form: truth, modes: groupwise},
	{name: "Notes", form: truth, modes: groupwise},
	{name: "Tasks", form: truth, modes: append([]Mode{ModeNotes}, groupwise...)},
	{name: "GWRTF", form: truth, modes: groupwise},
	{name: "DocLinkConversion", form: word, words: []string{"URL", "OLE", "RTF"}, modes: []Mode{ModeNotes}},
	{name: "Notesini", modes: []Mode{ModeNotes}},
	{name: "Home-Server"},
	{name: "Container"},
	{name: "Template"},
	{name: "NTAccounts", form: word, words: []string{"RANDOM", "ALIAS", "NO"}},
	{name: "NTDomain"},
	{name: "DefFldPerms", form: word, words: []string{"None", "Author", "PubEditor"}, modes: append([]Mode{ModeFile}, public...)},
	{name: "FldOwner", modes: append([]Mode{ModeFile}, public...)},
	{name: "ImportDestination", form: word, words: []string{"SERVER", "PST"}},
	{name: "PSTPath"},
	{name: "Exch55", form: truth, modes: []Mode{ModeExchange}},
	{name: "RestrictSearchtoSid", form: truth, modes: []Mode{ModeExchange}},
	{name: "SubjectFile", modes: []Mode{ModeExchange}},
	{name: "ForcePwdChange", form: truth},
}

func findKeyword(name string) (keyword, bool) {
	for _, k := range keywords {
		if strings.EqualFold(k.name, name) {
			return k, true
		}
	}
	return keyword{}, false
}
