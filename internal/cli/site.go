package cli

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"waybill/directory"
	"waybill/failure"
	"waybill/sitestore"
	"waybill/sitestore/acl"
)

// siteCmd makes and administers an embedded mail site. It works on the file
// itself: whoever may write the file may do everything; roles bind operators who
// come through a connector.
type siteCmd struct {
	Create siteCreateCmd `cmd:"" help:"Make an empty site."`
	Show   siteShowCmd   `cmd:"" help:"Show accounts, contacts, lists and sizes."`
	Add    siteAddCmd    `cmd:"" help:"Add an account."`
	Remove siteRemoveCmd `cmd:"" help:"Remove an account with its mailbox."`
	Grant  siteGrantCmd  `cmd:"" help:"Grant a role on organization, site, configuration or a mailbox."`
	Revoke siteRevokeCmd `cmd:"" help:"Take a role back."`
	Rights siteRightsCmd `cmd:"" help:"Show who holds which role, or what one operator may effectively do and why."`
	Behave siteBehaveCmd `cmd:"" help:"Make the site act as another system did: q255888, or normal."`
	Check  siteCheckCmd  `cmd:"" help:"Read everything and compare every message with its digest."`
}

func (e *env) withSite(path string, readOnly bool, f func(*sitestore.Store) error) error {
	s, err := sitestore.Open(e.ctx, sitePath(path), sitestore.Options{ReadOnly: readOnly, Command: "waybill " + strings.Join(e.args, " ")})
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

// sitePath takes site:FILE as well as FILE.
func sitePath(path string) string { return filepath.Clean(strings.TrimPrefix(path, "site:")) }

// done tells that a change was made.
func (e *env) done(action, format string, args ...any) {
	if e.json {
		e.emitJSON(map[string]any{"type": "done", "action": action, "text": fmt.Sprintf(format, args...)})
		return
	}
	e.say(format, args...)
}

type siteCreateCmd struct {
	File         string `arg:"" help:"The site's file."`
	Organization string `default:"Organization" help:"The organization's name (${default})."`
	Site         string `default:"Site" help:"The site's name (${default})."`
	Operator     string `default:"administrator" help:"Who holds Permissions Admin on all three levels (${default})."`
}

func (c *siteCreateCmd) Run(e *env) error {
	s, err := sitestore.Create(e.ctx, sitePath(c.File), sitestore.CreateOptions{Organization: c.Organization, Site: c.Site, Operator: c.Operator, Command: "waybill site create"})
	if err != nil {
		return err
	}
	e.done("create", "%s: site %s of organization %s is made; %s holds Permissions Admin on organization, site and configuration.", c.File, c.Site, c.Organization, c.Operator)
	return s.Close()
}

type siteAddCmd struct {
	File    string   `arg:"" help:"The site's file."`
	Account string   `arg:"" help:"The account's directory name."`
	Name    string   `help:"Display name."`
	Address []string `help:"Addresses, primary first: anna@example.org, or TYPE:value."`
	Public  bool     `help:"A tree of public folders instead of a person's mailbox."`
}

func (c *siteAddCmd) Run(e *env) error {
	u := directory.User{ID: c.Account, Name: c.Name}
	if c.Public {
		u.Kind = directory.Public
	}
	for _, text := range c.Address {
		a, err := directory.ParseAddress(text)
		if err != nil {
			return failure.New(failure.Usage, "add account", c.Account, "usage.address", err)
		}
		u.Addresses = append(u.Addresses, a)
	}
	return e.withSite(c.File, false, func(s *sitestore.Store) error {
		if err := s.AddAccount(e.ctx, u); err != nil {
			return err
		}
		e.done("add", "account %s is made", c.Account)
		return e.tellHeld(s, c.File, c.Account)
	})
}

type siteRemoveCmd struct {
	File    string `arg:"" help:"The site's file."`
	Account string `arg:"" help:"The account's directory name."`
	Yes     bool   `help:"Say that the mailbox with all its mail is to be deleted."`
}

func (c *siteRemoveCmd) Run(e *env) error {
	if !c.Yes {
		return failure.New(failure.Usage, "remove account", c.Account, "usage.confirm", errors.New("the mailbox would be deleted with all its mail")).WithRemedy("add --yes if that is meant")
	}
	return e.withSite(c.File, false, func(s *sitestore.Store) error {
		if err := s.RemoveAccount(e.ctx, c.Account); err != nil {
			return err
		}
		e.done("remove", "account %s is removed", c.Account)
		return e.tellHeld(s, c.File, c.Account)
	})
}

// tellHeld tells which roles a name holds that an account had, or has from now
// on. Roles belong to names: without a word, whoever is called so next would
// inherit them (KB Q173680).
func (e *env) tellHeld(s *sitestore.Store, file, name string) error {
	entries, err := s.Entries(e.ctx)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if strings.EqualFold(entry.Principal, name) {
			e.done("held", "%s holds %s on %s; to take it back: waybill site revoke %s --to %s --role %q --on %q", name, entry.Role, entry.Object, file, name, entry.Role, entry.Object)
		}
	}
	return nil
}

// roleFlags name a role, its holder and its place.
type roleFlags struct {
	File string `arg:"" help:"The site's file."`
	To   string `required:"" placeholder:"NAME" help:"The operator."`
	Role string `required:"" placeholder:"ROLE" help:"Admin, \"Permissions Admin\", \"Service Account Admin\", User, \"Send As\", \"View Only Admin\", Search, Custom, or \"Top Level Folders\"."`
	On   string `required:"" placeholder:"LEVEL" help:"organization, site, configuration, server, store, container:NAME or mailbox:ACCOUNT."`
}

type siteGrantCmd struct {
	roleFlags
	Rights string `help:"For the role Custom: rights, joined by commas."`
}

func (c *siteGrantCmd) Run(e *env) error {
	var rights acl.Rights
	if c.Rights != "" {
		var err error
		if rights, err = acl.ParseRights(c.Rights); err != nil {
			return failure.New(failure.Usage, "grant role", c.On, "usage.rights", err)
		}
	}
	return e.withSite(c.File, false, func(s *sitestore.Store) error {
		if err := s.Grant(e.ctx, c.To, c.Role, c.On, rights); err != nil {
			return err
		}
		e.done("grant", "%s holds %s on %s", c.To, c.Role, c.On)
		return nil
	})
}

type siteRevokeCmd struct {
	roleFlags
}

func (c *siteRevokeCmd) Run(e *env) error {
	return e.withSite(c.File, false, func(s *sitestore.Store) error {
		if err := s.Revoke(e.ctx, c.To, c.Role, c.On); err != nil {
			return err
		}
		e.done("revoke", "%s does not hold %s on %s any more", c.To, c.Role, c.On)
		return nil
	})
}

type siteRightsCmd struct {
	File string `arg:"" help:"The site's file."`
	For  string `placeholder:"NAME" help:"What this operator may effectively do."`
	On   string `placeholder:"LEVEL" help:"Only on this object: organization, site, configuration, mailbox:ACCOUNT ..."`
}

func (c *siteRightsCmd) Run(e *env) error {
	return e.withSite(c.File, true, func(s *sitestore.Store) error {
		if c.For == "" {
			return e.showEntries(s)
		}
		objects := []string{c.On}
		if c.On == "" {
			objects = []string{"organization", "site", "configuration"}
		}
		w := e.table("OBJECT\tRIGHT\tFROM")
		for _, on := range objects {
			dn, err := s.ObjectDN(e.ctx, on)
			if err != nil {
				return err
			}
			held, err := s.Effective(e.ctx, c.For, dn)
			if err != nil {
				return err
			}
			if held.Rights == 0 {
				_, _ = fmt.Fprintf(w, "%s\tnone\t\n", dn)
				if e.json {
					e.emitJSON(map[string]any{"type": "right", "operator": c.For, "object": dn, "right": nil})
				}
			}
			for _, right := range held.Rights.Single() {
				var from []string
				for _, origin := range held.Why(right) {
					from = append(from, origin.String())
				}
				if e.json {
					e.emitJSON(map[string]any{"type": "right", "operator": c.For, "object": dn, "right": right.String(), "from": from})
				}
				_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", dn, right, strings.Join(from, "; "))
			}
		}
		return w.Flush()
	})
}

func (e *env) showEntries(s *sitestore.Store) error {
	entries, err := s.Entries(e.ctx)
	if err != nil {
		return err
	}
	w := e.table("OBJECT\tOPERATOR\tROLE\tRIGHTS")
	for _, entry := range entries {
		if e.json {
			e.emitJSON(map[string]any{"type": "entry", "object": entry.Object, "operator": entry.Principal, "role": entry.Role, "rights": entry.Rights.Names()})
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", entry.Object, printable(entry.Principal), entry.Role, entry.Rights)
	}
	return w.Flush()
}

type siteBehaveCmd struct {
	File string `arg:"" help:"The site's file."`
	As   string `arg:"" enum:"normal,q255888" help:"normal, or q255888: an operator with Service Account Admin may append to one mailbox at a time only."`
}

func (c *siteBehaveCmd) Run(e *env) error {
	return e.withSite(c.File, false, func(s *sitestore.Store) error {
		as := c.As
		if as == "normal" {
			as = ""
		}
		if err := s.SetBehaviour(e.ctx, as); err != nil {
			return err
		}
		e.done("behave", "the site now acts as: %s", c.As)
		return nil
	})
}
