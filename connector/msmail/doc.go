// Package msmail reads a postoffice of Microsoft Mail for PC Networks as a source:
// msmail:DIR, where DIR holds GLB, MBG, MAI and the others. Nothing is ever written
// there; a copy that can only be read will do.
//
// A user's ID is the mailbox name (the last part of the MS address). Mailboxes of
// the system (ADMINSCH, $SYSTEM) are listed when mail lies in them. Mail in a
// mailbag that belongs to nobody is an error of its own, or with orphans=yes a user
// who is called like the mailbag.
//
// INBOX holds the rows of the mailbag that are not deleted; a message's key there is
// the number of its MAI file, which stays when the mailbag is compressed. The user's
// own folders on the postoffice lie beside it; shared and group folders belong to
// the user "Public Folders". Personal address lists become a message with vCards in
// the folder Contacts.
//
// What cannot be proven is set aside, each item with its reason: a message whose
// strings make no sense, an attachment whose encryption did not show itself, a folder
// or message store that cannot be read. KeepAside copies their raw files.
//
// Census.State is empty: a row can stay while its MAI file changes.
package msmail

import (
	"fmt"
	"strconv"
	"time"

	"waybill/connector"
	"waybill/failure"
)

const scheme = "msmail"

// PublicID is the user to whom shared and group folders belong.
const PublicID = "Public Folders"

// Kinds of notes.
const (
	noteZone       = "date-zone-assumed"
	noteDate       = "date-from-mailbag"
	noteUnread     = "unread-unknown"
	noteDeleted    = "deleted-rows-left-out"
	noteState      = "deleted-unknown"
	noteGone       = "attachment-missing"
	noteUnproven   = "unproven-content"
	noteKey        = "key-of-its-own"
	noteSubject    = "subject-differs"
	notePriority   = "priority-kept-in-header"
	noteName       = "attachment-name-made"
	notePath       = "attachment-path"
	noteList       = "pab-as-vcard"
	notePermission = "folder-rights-not-kept"
)

// options are what the operator says of a postoffice.
type options struct {
	zone     *time.Location
	zoned    bool // the operator named the zone
	codePage int
	network  string
	post     string
	domain   string
	seen     bool
	orphans  bool
	unproven bool // deliver what is not proven, with a note
}

// maxDomain is the length of a domain name (RFC 1035 2.3.4).
const maxDomain = 253

func optionsOf(loc connector.Location) (o options, err error) {
	if err := loc.RejectOptions("zone", "codepage", "network", "postoffice", "domain", "seen", "orphans", "unproven"); err != nil {
		return o, err
	}
	wrong := func(rule, remedy string, err error) error {
		return failure.New(failure.Usage, "open", loc.String(), rule, err).WithRemedy(remedy)
	}
	o.zone = time.UTC
	if name := loc.Options.Get("zone"); name != "" {
		if o.zone, err = time.LoadLocation(name); err != nil {
			return o, wrong("usage.zone", "name a zone as Europe/Berlin or UTC", err)
		}
		o.zoned = true
	}
	if page := loc.Options.Get("codepage"); page != "" {
		if o.codePage, err = strconv.Atoi(page); err != nil || o.codePage <= 0 {
			return o, wrong("usage.codepage", "name a code page of MS-DOS: 437, 850, 852, 866, 932 ...", fmt.Errorf("%.20q is no number of a code page", page))
		}
	}
	o.network, o.post, o.domain = loc.Options.Get("network"), loc.Options.Get("postoffice"), loc.Options.Get("domain")
	if o.domain != "" && !isDomain(o.domain) {
		return o, wrong("usage.domain", "name the domain of the users' new addresses: domain=example.org", fmt.Errorf("%.60q is no domain", o.domain))
	}
	for _, flag := range []struct {
		name   string
		yes    string
		no     string
		result *bool
	}{{"seen", "yes", "no", &o.seen}, {"orphans", "yes", "no", &o.orphans}, {"unproven", "deliver", "quarantine", &o.unproven}} {
		switch loc.Options.Get(flag.name) {
		case flag.yes:
			*flag.result = true
		case "", flag.no:
		default:
			return o, wrong("usage."+flag.name, flag.name+"="+flag.yes+" or "+flag.name+"="+flag.no, fmt.Errorf("%.20q is neither", loc.Options.Get(flag.name)))
		}
	}
	return o, nil
}

// isDomain accepts letters, digits, hyphens and dots (RFC 5321 4.1.2), and
// anything beyond ASCII (RFC 6531 3.3).
func isDomain(s string) bool {
	if len(s) > maxDomain || s[0] == '.' || s[len(s)-1] == '.' {
		return false
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.', r >= 0xA0:
		default:
			return false
		}
	}
	return true
}
