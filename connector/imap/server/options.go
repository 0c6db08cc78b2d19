// Package server logs on to IMAP servers, each mailbox in the way that the
// operator chose, and keeps to the limits of the server and of the operator:
// connections, bytes per second and bytes per day.
package server

import (
	"waybill/directory"
	"waybill/secret"
)

// Side is the side of a migration on which a server stands.
type Side int

// The sides.
const (
	SourceSide Side = iota
	TargetSide
)

func (s Side) String() string {
	if s == TargetSide {
		return "target"
	}
	return "source"
}

// Auth is a way to log on so that somebody's mailbox can be worked on.
type Auth int

// The ways. Plain is the user's own password; Proxy an administrator who names
// the user as authorisation identity (RFC 4616); DovecotMaster a master user who
// logs on as "user*master"; ACLAdmin an administrator who works on "user/name"
// with rights that were granted (RFC 4314); OAuth2 a token for the user.
const (
	Plain Auth = iota
	Proxy
	DovecotMaster
	ACLAdmin
	OAuth2
)

var authNames = [...]string{"plain", "proxy", "dovecot-master", "acl-admin", "oauth2"}

// String is the word after auth= in a location.
func (a Auth) String() string {
	if a >= 0 && int(a) < len(authNames) {
		return authNames[a]
	}
	return "plain"
}

// Options are what the operator says beside the system's name: nothing of it
// belongs in a ledger or a report.
type Options struct {
	// Users is the operator's user map; nil when there is none. An IMAP server
	// tells nobody who its users are, unless an administrator asks Cyrus; so the
	// map, or the name in the location, says whose mailboxes there are.
	Users *directory.UserMap
	// Password is where the password of the location's user comes from.
	Password secret.Ref
	// OAuth names a YAML file with the token service; empty: none.
	OAuth string
	// TLSCA names a PEM file with the authorities to trust instead of the
	// system's; TLSInsecure trusts anybody.
	TLSCA       string
	TLSInsecure bool
	// PlainForced permits tls=none to a host that is not this machine.
	PlainForced bool
	// Connections bounds the connections to the server; 0 leaves it to what is
	// known of the provider.
	Connections int
	// BytesPerSecond and BytesPerDay bound the traffic; 0: no bound of ours.
	BytesPerSecond, BytesPerDay int64
	// Repair permits a target to change messages that the server would refuse.
	Repair bool
	// SharedSeen permits setting Cyrus' sharedseen annotation on mailboxes that
	// are filled by an administrator, which changes them for good.
	SharedSeen bool
	// Labels is the policy for Gmail's labels: "one", "copies" or "folders"; empty
	// leaves it to what is known of the provider. LabelOrder is the priority
	// list of "one".
	Labels     string
	LabelOrder []string
	// Trace gets every line that is sent and received, secrets left out; nil: no.
	Trace func(direction, line string)
	// Warn is told what the operator should hear at once.
	Warn func(text string)
}
