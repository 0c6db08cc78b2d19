package cli

import (
	"bufio"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/format/wizard"
)

// recipientsCmd writes the table that Exchange's Administrator program imports.
type recipientsCmd struct {
	From      string `required:"" placeholder:"SYSTEM" help:"The system whose directory is written, for instance site:old.site."`
	Out       string `short:"o" required:"" placeholder:"FILE" help:"The table to write; - for standard output."`
	Mode      string `enum:"create,modify,update,delete" default:"create" help:"What directory import is to do with each line (${default})."`
	Container string `default:"Recipients" placeholder:"PATH" help:"The container of the recipients, as Recipients/cn=Sales (${default})."`
	Server    string `name:"home-server" default:"~SERVER" placeholder:"NAME" help:"The home server of mailboxes (${default}: chosen at import)."`
	CodePage  int    `name:"codepage" default:"1252" placeholder:"N" help:"The code page of the table; 1200 is Unicode, 65001 UTF-8 (${default})."`
}

func (c *recipientsCmd) Run(e *env) error {
	source, err := e.openSource(c.From)
	if err != nil {
		return err
	}
	defer source.Close()
	list, faults, err := c.collect(e, source)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errors.Join(append(faults, failure.New(failure.Usage, "write directory table", c.From, "recipients.none", errors.New("the system has no recipients")))...)
	}
	replaced, err := c.write(e, list)
	if err != nil {
		return err
	}
	if replaced > 0 {
		e.warn("characters that the code page does not have became question marks; --codepage 1200 writes Unicode, which directory import takes as well")
	}
	if c.Out != "-" {
		e.say("%d recipients are in %s.", len(list), c.Out)
	}
	return errors.Join(faults...)
}

// collect makes recipients of users, contacts and lists.
func (c *recipientsCmd) collect(e *env, source connector.Source) (list []wizard.Recipient, faults []error, err error) {
	for u, err := range source.Users(e.ctx) {
		switch {
		case err != nil && u.ID == "":
			return nil, nil, err
		case err != nil:
			faults = append(faults, err)
		case u.Kind != directory.Public: // a tree of public folders is no recipient
			r := c.recipient(wizard.Mailbox, u.ID, u.Name, u.First, u.Last, u.Addresses, u.Attributes)
			if r.Server == "" {
				r.Server = c.Server
			}
			list = append(list, r)
		}
	}
	book, err := source.Book(e.ctx)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range book.Contacts {
		list = append(list, c.recipient(wizard.Remote, k.ID, k.Name, k.First, k.Last, k.Addresses, k.Attributes))
	}
	known := map[string]bool{}
	for _, r := range list {
		known[strings.ToLower(r.Name)] = true
	}
	for _, l := range book.Lists {
		known[strings.ToLower(l.ID)] = true
	}
	for _, l := range book.Lists {
		r := c.recipient(wizard.DL, l.ID, l.Name, "", "", l.Addresses, l.Attributes)
		for _, m := range l.Members {
			if !known[strings.ToLower(m)] {
				faults = append(faults, failure.New(failure.Unsupported, "write directory table", l.ID, "recipients.member",
					errors.New("the member "+m+" is no recipient of the table, and a list of Exchange holds no other")).WithRemedy("make a custom recipient of it, and add it to the list"))
				continue
			}
			// Without its container a member stays unresolved without a word (KB Q165319).
			r.Members = append(r.Members, strings.TrimSuffix(c.Container, "/")+"/cn="+m)
		}
		list = append(list, r)
	}
	return list, faults, nil
}

func (c *recipientsCmd) recipient(class, id, name, first, last string, addresses []directory.Address, attributes map[string]string) wizard.Recipient {
	r := wizard.Recipient{Class: class, Mode: c.Mode, Name: id, Display: name, Given: first, Surname: last, Attributes: map[string]string{}}
	if r.Display == "" {
		r.Display = id
	}
	types := map[string]bool{}
	for _, a := range addresses {
		// One primary address for each type, and one address for a custom recipient.
		switch {
		case a.Type == directory.Migrate, types[a.Type], class == wizard.Remote && len(r.Addresses) > 0:
			r.Proxies = append(r.Proxies, a.String())
		default:
			r.Addresses = append(r.Addresses, a.String())
			types[a.Type] = true
		}
	}
	for k, v := range attributes {
		switch {
		case strings.EqualFold(k, wizard.ColumnServer):
			r.Server = v
		case strings.EqualFold(k, wizard.ColumnContainer):
			r.Container = v
		case strings.EqualFold(k, wizard.ColumnAlias):
			r.Alias = v
		default:
			r.Attributes[k] = v
		}
	}
	return r
}

// write writes the table, whole or not at all.
func (c *recipientsCmd) write(e *env, list []wizard.Recipient) (replaced int, err error) {
	fault := func(err error) error {
		return failure.New(failure.ClassOf(err), "write directory table", c.Out, "recipients.write", err)
	}
	out := e.stdout
	var temp *os.File
	if c.Out != "-" {
		if temp, err = os.CreateTemp(filepath.Dir(c.Out), ".recipients-*"); err != nil {
			return 0, fault(err)
		}
		defer func() { _ = os.Remove(temp.Name()) }()
		out = temp
	}
	buffered := bufio.NewWriter(out)
	encoder, err := wizard.NewEncoder(buffered, c.CodePage)
	if err != nil {
		return 0, err
	}
	var further []string
	for _, r := range list {
		for name := range r.Attributes {
			if !slices.Contains(further, name) {
				further = append(further, name)
			}
		}
	}
	slices.Sort(further)
	table, err := wizard.NewDirectoryWriter(encoder, wizard.Standard(), further...)
	for i := 0; err == nil && i < len(list); i++ {
		_, err = table.Write(list[i])
	}
	if err = errors.Join(err, encoder.Close()); err == nil {
		err = buffered.Flush()
	}
	if temp != nil {
		if err = errors.Join(err, temp.Close()); err == nil {
			err = os.Rename(temp.Name(), c.Out)
		}
	}
	if err != nil {
		return 0, fault(err)
	}
	return encoder.Replaced(), nil
}
