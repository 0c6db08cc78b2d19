// Package migfile reads and writes the migration files of the Exchange Migration
// Wizard as a mail system: migfile:FILE names a packing list (.pkl), with its
// primary and secondary files beside it.
//
// # Options
//
//	zone=Europe/Berlin   the zone of the dates in the files, which name none (default UTC)
//	codepage=1252        of a target: the code page of new files (default 65001)
//
// # Users of a source
//
// A mailbox in a DIRECTORY section is a user; its Common-Name is the ID. The
// owner of a MAILMESSAGE or PAB section is the user with a MIGRATE address of
// the same value, or else the one with that address, compared without letter
// case. An owner whom no DIRECTORY section names is a user as well: the ID is
// the user's part of the address (USER of PROFS:SITE(USER), of MS:NET/PO/USER,
// of SMTP:user@domain), and a second one of that name gets "-2" behind it, in
// the order of the files. PublicMessages is one user of Kind directory.Public
// with the ID "Public Folders".
//
// # What a target keeps
//
// Migration files hold the meaning of a message, not its bytes: sender,
// recipients, subject, date, priority, a text, and attachments. Fingerprint
// digests just these. Notes tell what was left out.
package migfile

import (
	"time"

	"waybill/connector"
	"waybill/failure"
)

// PublicID is the ID of the user who stands for the public folders.
const PublicID = "Public Folders"

// Notes that the connector makes.
const (
	noteZone      = "date-zone-assumed"
	noteUnread    = "unread-unknown"
	noteSchedule  = "schedule-as-attachment"
	noteDocument  = "document-as-attachment"
	noteMacbinary = "macbinary-data-fork"
	noteName      = "attachment-name-made"
	notePath      = "attachment-path"
	notePosition  = "attachment-position"
	notePAB       = "pab-as-vcard"
	noteNotKept   = "date-not-kept"
	noteFolder    = "folder-renamed"
)

// zoneOf reads the option zone.
func zoneOf(loc connector.Location) (*time.Location, bool, error) {
	name := loc.Options.Get("zone")
	if name == "" {
		return time.UTC, false, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, false, failure.New(failure.Usage, "open", loc.String(), "usage.zone", err).WithRemedy("name a zone as Europe/Berlin or UTC")
	}
	return zone, true, nil
}

// base is the name of a migration file without its extension.
func base(name string) string {
	if n := len(name); n > 4 {
		return name[:n-4]
	}
	return name
}
