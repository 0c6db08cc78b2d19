package cli

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"waybill/connector"
	"waybill/connector/imap"
	"waybill/directory"
	"waybill/ledger"
	"waybill/secret"
)

// serverFlags are what servers need to be told beside their name. They belong to
// the program and not to one command, because every command may name a server.
type serverFlags struct {
	SourcePassword string   `name:"source-password-from" placeholder:"PLACE" help:"Where the source's password is: env:NAME, file:PATH, command:PROGRAM or keyring:SERVICE/ACCOUNT (env:WAYBILL_SOURCE_PASSWORD)."`
	TargetPassword string   `name:"target-password-from" placeholder:"PLACE" help:"Where the target's password is (env:WAYBILL_TARGET_PASSWORD)."`
	SourceOAuth    string   `name:"source-oauth" placeholder:"YAML" help:"How to get tokens for the source (docs/oauth2.md)."`
	TargetOAuth    string   `name:"target-oauth" placeholder:"YAML" help:"How to get tokens for the target."`
	TLSCA          string   `name:"tls-ca" placeholder:"PEM" help:"Trust these authorities instead of the system's."`
	TLSInsecure    bool     `name:"tls-insecure" help:"Trust any certificate: whoever sits in between can read and change everything."`
	PlainForced    bool     `name:"plain-forced" help:"Permit tls=none to another machine: passwords and mail go in the clear."`
	Connections    int      `name:"connections" placeholder:"N" help:"Connections to each server at most, over all mailboxes."`
	BytesPerSecond int64    `name:"bytes-per-second" placeholder:"N" help:"Traffic with each server at most."`
	BytesPerDay    int64    `name:"bytes-per-day" placeholder:"N" help:"Traffic with each server in 24 hours at most."`
	Repair         bool     `name:"repair" help:"Change messages that the target's server would refuse, as little as possible, with a note on each."`
	SharedSeen     bool     `name:"shared-seen" help:"Set sharedseen on the target's mailboxes, for good, so that what was read stays read."`
	Labels         string   `name:"labels" enum:",one,copies,folders" default:"" placeholder:"POLICY" help:"Gmail's labels: one copy in the first label's folder and the others as keywords (one), a copy for each (copies), or folders as the server shows them (folders)."`
	LabelOrder     []string `name:"label-order" placeholder:"LABEL,..." help:"Which label's folder comes first under --labels=one."`
	TraceServers   bool     `name:"trace-servers" help:"Show the conversation with servers, without passwords and message texts."`
}

// imapOptions are the options for one side.
func (e *env) imapOptions(target bool) (imap.Options, error) {
	f := e.servers
	o := imap.Options{Users: e.users, OAuth: f.SourceOAuth, TLSCA: f.TLSCA, TLSInsecure: f.TLSInsecure, PlainForced: f.PlainForced, Connections: f.Connections,
		BytesPerSecond: f.BytesPerSecond, BytesPerDay: f.BytesPerDay, Repair: f.Repair, SharedSeen: f.SharedSeen, Labels: f.Labels, LabelOrder: f.LabelOrder,
		Warn: func(text string) { _, _ = fmt.Fprintln(e.stderr, "waybill: warning:", printable(text)) }}
	place, fallback, side := f.SourcePassword, "WAYBILL_SOURCE_PASSWORD", "source"
	if target {
		place, fallback, side, o.OAuth = f.TargetPassword, "WAYBILL_TARGET_PASSWORD", "target", f.TargetOAuth
	}
	if place == "" && os.Getenv(fallback) != "" {
		place = "env:" + fallback
	}
	if f.TraceServers {
		o.Trace = func(direction, line string) {
			_, _ = fmt.Fprintf(e.stderr, "%s %s %s\n", side, direction, printable(line))
		}
	}
	if place == "" {
		return o, nil
	}
	var err error
	o.Password, err = secret.Parse(place)
	return o, err
}

func (e *env) imapSource(ctx context.Context, loc connector.Location) (connector.Source, error) {
	o, err := e.imapOptions(false)
	if err != nil {
		return nil, err
	}
	return imap.Source(ctx, loc, o)
}

func (e *env) imapTarget(ctx context.Context, loc connector.Location) (connector.Target, error) {
	o, err := e.imapOptions(true)
	if err != nil {
		return nil, err
	}
	return imap.Target(ctx, loc, o)
}

// userMap reads the operator's user map. Without one, two systems that each name
// one user of a server say by themselves who goes where.
func (e *env) userMap(pair pairFlags) (*directory.UserMap, error) {
	users, err := readUserMap(pair.Users)
	if err != nil || users != nil {
		return users, err
	}
	from, err := parseSystem(pair.From)
	if err != nil {
		return nil, err
	}
	to, err := parseSystem(pair.To)
	if err != nil {
		return nil, err
	}
	user, account := onlyUser(from), onlyUser(to)
	if user == "" || account == "" {
		return nil, nil
	}
	return &directory.UserMap{File: "the command line", Rows: []directory.MapRow{{Line: 1, User: user, Account: account, Action: string(directory.Existing)}}}, nil
}

// onlyUser is the one user whom a server's name concerns; "" when it is everybody.
func onlyUser(loc connector.Location) string {
	if loc.URL == nil || loc.URL.User == nil {
		return ""
	}
	if auth := loc.Options.Get("auth"); auth != "" && auth != "plain" && auth != "oauth2" {
		return "" // an administrator
	}
	return loc.URL.User.Username()
}

// expect says which users there are to a server that does not: those of a user
// map, or the one who was named.
func (e *env) expect(mapFile, user string) error {
	users, err := readUserMap(mapFile)
	if err == nil && users == nil && user != "" {
		users = &directory.UserMap{File: "the command line", Rows: []directory.MapRow{{Line: 1, User: user}}}
	}
	e.users = users
	return err
}

// labelsDocument is where the ledger keeps how labels were moved.
const labelsDocument = "labels"

// rememberLabels tells what it means when the policy for labels is another one
// than in the run before.
func (e *env) rememberLabels(book *ledger.Ledger, from string) error {
	loc, err := parseSystem(from)
	if err != nil || !strings.HasPrefix(loc.Scheme, "imap") {
		return err
	}
	now := cmp.Or(e.servers.Labels, "the provider's own")
	if len(e.servers.LabelOrder) > 0 {
		now += ", ordered " + strings.Join(e.servers.LabelOrder, ", ")
	}
	before, err := book.Document(e.ctx, labelsDocument)
	if err != nil || string(before) == now {
		return err
	}
	if len(before) > 0 {
		_, _ = fmt.Fprintf(e.stderr, "waybill: warning: the policy for labels was %q and is %q from now on: what lies in another folder under it is moved there as well, "+
			"and what was moved before stays where it is; \"waybill plan\" shows the folders, and with the earlier policy nothing changes\n", printable(string(before)), printable(now))
	}
	return book.PutDocument(e.ctx, labelsDocument, []byte(now))
}
