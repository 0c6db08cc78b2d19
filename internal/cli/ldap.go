package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"waybill/engine"
	"waybill/event"
	"waybill/failure"
	"waybill/ldapdir"
	"waybill/ledger"
	"waybill/rights"
	"waybill/secret"
)

// directoryFlags name a directory in which accounts are made beside the target.
type directoryFlags struct {
	Directory         string `placeholder:"LDAP" help:"Make accounts, contacts and lists in this directory: ldap://HOST/BASE?schema=ad&bind=NAME&users=CONTAINER (docs/directories.md)."`
	DirectoryPassword string `name:"directory-password-from" placeholder:"PLACE" help:"Where the password for the directory is (env:WAYBILL_DIRECTORY_PASSWORD)."`
	DirectorySecrets  string `name:"directory-passwords" placeholder:"FILE" help:"Where passwords of new accounts are written; its owner alone may read it."`
}

// directoryOptions are the options for the directory that was named.
func (e *env) directoryOptions(f directoryFlags) (ldapdir.Options, error) {
	o, err := ldapdir.Parse(f.Directory)
	if err != nil {
		return o, err
	}
	o.TLSCA, o.TLSInsecure, o.PlainForced, o.Secrets = e.servers.TLSCA, e.servers.TLSInsecure, e.servers.PlainForced, f.DirectorySecrets
	place := f.DirectoryPassword
	if place == "" && os.Getenv("WAYBILL_DIRECTORY_PASSWORD") != "" {
		place = "env:WAYBILL_DIRECTORY_PASSWORD"
	}
	if place != "" {
		o.Password, err = secret.Parse(place)
	}
	return o, err
}

// ldapAccounts is a directory as the engine wants it.
type ldapAccounts struct{ *ldapdir.Directory }

func (d ldapAccounts) Prove(ctx context.Context, accounts, contacts, lists bool) ([]rights.Finding, error) {
	return d.Directory.Prove(ctx, ldapdir.Need{Accounts: accounts, Contacts: contacts, Lists: lists})
}

// useDirectory gives a migration its directory, where one is named. Without a
// ledger it can prove rights and not make anything. done closes it.
func (e *env) useDirectory(m *engine.Migration, f directoryFlags, book *ledger.Ledger) (done func() error, err error) {
	none := func() error { return nil }
	if f.Directory == "" {
		return none, nil
	}
	if m.Options.ProvisionCommand != "" {
		return none, failure.New(failure.Usage, "read the command line", "", "usage.arguments", errors.New("--directory and --provision-command both make the accounts")).WithRemedy("choose one")
	}
	o, err := e.directoryOptions(f)
	if err != nil {
		return none, err
	}
	var memory ldapdir.Memory // and not a nil *ledger.Ledger, which is a memory too
	if book != nil {
		memory = book
	}
	d, err := ldapdir.Open(e.ctx, o, memory, func(n ldapdir.Note) {
		if m.Events != nil {
			m.Events.Emit(event.Event{Code: event.DirectoryNoted, Key: n.ID, Detail: n.Text})
		}
	})
	if err != nil {
		return none, err
	}
	m.Directory = ldapAccounts{d}
	return d.Close, nil
}

type directoryCmd struct {
	Ls          directoryLsCmd          `cmd:"" help:"List the people, contacts and groups of a directory."`
	Preflight   directoryPreflightCmd   `cmd:"" help:"Prove the rights to make accounts, contacts and groups, and leave nothing behind."`
	Resolve     directoryResolveCmd     `cmd:"" help:"Find the SMTP address of an old Exchange name."`
	Deprovision directoryDeprovisionCmd `cmd:"" help:"Remove what a migration made in a directory, and nothing else."`
}

// open opens the directory that a command names, with a ledger or without.
func (e *env) openDirectory(f directoryFlags, book *ledger.Ledger) (*ldapdir.Directory, error) {
	if f.Directory == "" {
		return nil, failure.New(failure.Usage, "read the command line", "", "usage.arguments", errors.New("no directory is named")).WithRemedy("name it with --directory ldap://HOST/BASE?bind=NAME")
	}
	o, err := e.directoryOptions(f)
	if err != nil {
		return nil, err
	}
	var memory ldapdir.Memory
	if book != nil {
		memory = book
	}
	return ldapdir.Open(e.ctx, o, memory, func(n ldapdir.Note) {
		_, _ = fmt.Fprintf(e.stderr, "waybill: %s: %s\n", printable(n.ID), printable(n.Text))
	})
}

type directoryLsCmd struct{ directoryFlags }

func (c *directoryLsCmd) Run(e *env) error {
	c.DirectorySecrets = ""
	d, err := e.openDirectoryToRead(c.directoryFlags)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.Contents(e.ctx)
	if err != nil {
		return err
	}
	show := func(kind, id, name string, addresses []string, members int) {
		if e.json {
			e.emitJSON(map[string]any{"type": kind, "id": id, "name": name, "addresses": addresses, "members": members})
			return
		}
		line := fmt.Sprintf("%-8s %s", kind, printable(id))
		if name != "" && name != id {
			line += " (" + printable(name) + ")"
		}
		if len(addresses) > 0 {
			line += " " + printable(strings.Join(addresses, " "))
		}
		if kind == "list" {
			line += fmt.Sprintf(" %d members", members)
		}
		e.say("%s", line)
	}
	for _, u := range all.Users {
		show("user", u.ID, u.Name, texts(u.Addresses), 0)
	}
	for _, u := range all.Contacts {
		show("contact", u.ID, u.Name, texts(u.Addresses), 0)
	}
	for _, l := range all.Lists {
		show("list", l.ID, l.Name, texts(l.Addresses), len(l.Members))
	}
	for _, r := range all.Referrals {
		_, _ = fmt.Fprintln(e.stderr, "waybill: another server holds a part, and was not asked:", printable(r))
	}
	return nil
}

func texts[T fmt.Stringer](all []T) []string {
	out := make([]string, len(all))
	for i, a := range all {
		out[i] = a.String()
	}
	return out
}

// openDirectoryToRead opens a directory whose passwords do not matter.
func (e *env) openDirectoryToRead(f directoryFlags) (*ldapdir.Directory, error) {
	if f.Directory == "" {
		return e.openDirectory(f, nil)
	}
	o, err := e.directoryOptions(f)
	if err != nil {
		return nil, err
	}
	o.Policy, o.MustChange = ldapdir.NoPassword, false
	return ldapdir.Open(e.ctx, o, nil, nil)
}

type directoryResolveCmd struct {
	directoryFlags
	Names []string `arg:"" placeholder:"NAME" help:"Old names, such as /o=Org/ou=Site/cn=Recipients/cn=anna."`
}

func (c *directoryResolveCmd) Run(e *env) error {
	d, err := e.openDirectoryToRead(c.directoryFlags)
	if err != nil {
		return err
	}
	defer d.Close()
	missing := 0
	for _, name := range c.Names {
		address, ok := d.Resolve(e.ctx, name)
		if !ok {
			missing++
			address = "nobody, or more than one"
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "resolved", "name": name, "found": ok, "address": address})
			continue
		}
		e.say("%s: %s", printable(name), printable(address))
	}
	if missing > 0 {
		return codeError(exitExceptions)
	}
	return nil
}

type directoryPreflightCmd struct {
	directoryFlags
	Ledger string   `placeholder:"FILE" help:"The memory of the migration: what an interrupted preflight left is removed."`
	Kinds  []string `enum:"accounts,contacts,lists" default:"accounts,contacts,lists" help:"What is to be made (${default})."`
}

func (c *directoryPreflightCmd) Run(e *env) error {
	var book *ledger.Ledger
	if c.Ledger != "" {
		var err error
		if book, err = ledger.Open(e.ctx, c.Ledger, ledger.Options{}); err != nil {
			return err
		}
		defer book.Close()
	}
	d, err := e.openDirectory(c.directoryFlags, book)
	if err != nil {
		return err
	}
	defer d.Close()
	var need ldapdir.Need
	for _, k := range c.Kinds {
		need.Accounts, need.Contacts, need.Lists = need.Accounts || k == "accounts", need.Contacts || k == "contacts", need.Lists || k == "lists"
	}
	findings, err := d.Prove(e.ctx, need)
	refused := false
	for _, f := range findings {
		refused = refused || !f.OK
		if e.json {
			e.emitJSON(map[string]any{"type": "finding", "finding": f})
			continue
		}
		e.say("%s", printable(findingLine(f)))
	}
	if err == nil && refused {
		return failure.New(failure.Denied, "preflight", d.String(), "preflight.refused", engine.ErrRefused)
	}
	return err
}

type directoryDeprovisionCmd struct {
	directoryFlags
	Ledger string `default:"waybill.ledger" placeholder:"FILE" help:"The memory of the migration (${default})."`
	Yes    bool   `short:"y" help:"Remove what is listed. Without it nothing is changed."`
}

func (c *directoryDeprovisionCmd) Run(e *env) error {
	if _, err := os.Stat(c.Ledger); err != nil {
		return failure.New(failure.Usage, "open ledger", c.Ledger, "ledger.missing", err).WithRemedy("name the ledger with --ledger: without it nobody knows what the migration made")
	}
	book, err := ledger.Open(e.ctx, c.Ledger, ledger.Options{})
	if err != nil {
		return err
	}
	defer book.Close()
	d, err := e.openDirectory(c.directoryFlags, book)
	if err != nil {
		return err
	}
	defer d.Close()
	all, err := d.Made(e.ctx)
	if err != nil {
		return err
	}
	show := func(r ldapdir.Removal) {
		what := "would be removed"
		if c.Yes {
			what = "removed"
		}
		if r.Err != nil {
			what = "stays: " + r.Err.Error()
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "removal", "kind": r.Kind, "id": r.ID, "dn": r.DN, "outcome": what})
			return
		}
		e.say("%-8s %s: %s", r.Kind, printable(r.DN), printable(what))
	}
	if !c.Yes {
		for _, r := range all {
			show(r)
		}
		e.say("%d entries; nothing was changed. Run again with --yes to remove them.", len(all))
		return nil
	}
	return d.Remove(e.ctx, all, show)
}
