package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

type lsCmd struct {
	System string `arg:"" optional:"" help:"For instance maildir:/srv/mail; without it the known systems are listed."`
	User   string `arg:"" optional:"" help:"List this user's folders."`
	Folder string `arg:"" optional:"" help:"List this folder's messages."`
	Book   bool   `help:"List contacts and distribution lists instead of users."`
	Users  string `placeholder:"CSV" help:"User map, for servers that tell nobody who their users are."`
}

func (c *lsCmd) Run(e *env) error {
	if c.System == "" {
		return e.listSystems()
	}
	if err := e.expect(c.Users, c.User); err != nil {
		return err
	}
	source, err := e.openSource(c.System)
	if err != nil {
		return err
	}
	defer source.Close()
	switch {
	case c.Book:
		return e.listBook(source)
	case c.User == "":
		return e.listUsers(source)
	}
	box, err := source.Mailbox(e.ctx, c.User)
	if err != nil {
		return err
	}
	defer box.Close()
	if c.Folder == "" {
		return e.listFolders(box)
	}
	return e.listMessages(box, mail.Path(c.Folder))
}

func (e *env) table(header string) *tabwriter.Writer {
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	if e.json {
		return tabwriter.NewWriter(io.Discard, 0, 8, 2, ' ', 0)
	}
	_, _ = fmt.Fprintln(w, header)
	return w
}

func (e *env) listSystems() error {
	w := e.table("SYSTEM\tUSE\tWHAT IT IS")
	for _, s := range e.systems.sorted() {
		var uses []string
		if s.source != nil {
			uses = append(uses, "source")
		}
		if s.target != nil {
			uses = append(uses, "target")
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "system", "scheme": s.scheme, "form": s.form, "use": uses, "about": s.about})
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\n", s.form, strings.Join(uses, ", "), s.about)
	}
	return w.Flush()
}

func (e *env) listUsers(source connector.Source) error {
	w := e.table("USER\tKIND\tNAME\tADDRESS")
	var faults []error
	for u, err := range source.Users(e.ctx) {
		if err != nil {
			if u.ID == "" {
				return err
			}
			faults = append(faults, err)
			continue
		}
		var addresses []string
		for _, a := range u.Addresses {
			addresses = append(addresses, a.String())
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "user", "user": u.ID, "kind": u.Kind, "name": u.Name, "addresses": addresses, "attributes": u.Attributes})
		}
		kind := "person"
		if u.Kind == directory.Public {
			kind = "public folders"
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(u.ID), kind, printable(u.Name), printable(strings.Join(addresses, " ")))
	}
	return errors.Join(append(faults, w.Flush())...)
}

func (e *env) listBook(source connector.Source) error {
	book, err := source.Book(e.ctx)
	if err != nil {
		return err
	}
	w := e.table("ENTRY\tKIND\tNAME\tADDRESSES OR MEMBERS")
	for _, c := range book.Contacts {
		var addresses []string
		for _, a := range c.Addresses {
			addresses = append(addresses, a.String())
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "contact", "id": c.ID, "name": c.Name, "addresses": addresses})
		}
		_, _ = fmt.Fprintf(w, "%s\tcontact\t%s\t%s\n", printable(c.ID), printable(c.Name), printable(strings.Join(addresses, " ")))
	}
	for _, l := range book.Lists {
		if e.json {
			e.emitJSON(map[string]any{"type": "list", "id": l.ID, "name": l.Name, "members": l.Members})
		}
		_, _ = fmt.Fprintf(w, "%s\tlist\t%s\t%s\n", printable(l.ID), printable(l.Name), printable(strings.Join(l.Members, " ")))
	}
	return w.Flush()
}

func (e *env) listFolders(box connector.SourceMailbox) error {
	folders, err := box.Folders(e.ctx)
	if err != nil {
		return err
	}
	w := e.table("FOLDER\tUSE\tMESSAGES\tSIZE\tREMARK")
	var faults []error
	for _, f := range folders {
		census := connector.Census{}
		remark := ""
		if f.Container {
			remark = "holds folders only"
		} else if census, err = box.Census(e.ctx, f.Path, true); err != nil {
			faults = append(faults, err)
			census, remark = connector.Census{Messages: -1, Bytes: -1}, "cannot be read"
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "folder", "folder": f.Path, "use": f.Use, "messages": census.Messages, "bytes": census.Bytes, "container": f.Container, "subscribed": f.Subscribed})
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", printable(string(f.Path)), f.Use, count(census.Messages), size(census.Bytes), remark)
	}
	return errors.Join(append(faults, w.Flush())...)
}

func (e *env) listMessages(box connector.SourceMailbox, folder mail.Path) error {
	w := e.table("KEY\tDATE\tSIZE\tFLAGS")
	var faults []error
	for m, err := range box.Messages(e.ctx, folder) {
		if err != nil {
			if m.Key == "" {
				return errors.Join(err, w.Flush())
			}
			faults = append(faults, err)
			continue
		}
		date := "unknown"
		if !m.InternalDate.IsZero() {
			date = m.InternalDate.Format(time.RFC3339)
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "message", "key": m.Key, "date": date, "size": m.Size, "flags": m.Flags.Strings(), "notes": m.Notes})
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", printable(m.Key), date, size(m.Size), printable(m.Flags.String()))
	}
	return errors.Join(append(faults, w.Flush())...)
}

type catCmd struct {
	System string `arg:"" help:"For instance maildir:/srv/mail."`
	User   string `arg:"" help:"The user."`
	Folder string `arg:"" help:"The folder, as \"waybill ls\" shows it."`
	Key    string `arg:"" help:"The message's key, as \"waybill ls\" shows it."`
	Users  string `placeholder:"CSV" help:"User map, for servers where users log on with passwords of their own."`
}

func (c *catCmd) Run(e *env) error {
	if err := e.expect(c.Users, c.User); err != nil {
		return err
	}
	source, err := e.openSource(c.System)
	if err != nil {
		return err
	}
	defer source.Close()
	box, err := source.Mailbox(e.ctx, c.User)
	if err != nil {
		return err
	}
	defer box.Close()
	for m, err := range box.Messages(e.ctx, mail.Path(c.Folder)) {
		if err != nil && m.Key == "" {
			return err
		}
		if m.Key != c.Key {
			continue
		}
		if err != nil {
			return err
		}
		r, err := box.Open(e.ctx, mail.Path(c.Folder), m)
		if err != nil {
			return err
		}
		out := e.stdout
		if e.json {
			out = pieces{e}
		}
		_, err = io.Copy(out, r)
		return errors.Join(err, r.Close())
	}
	return failure.New(failure.Usage, "cat", c.Folder+" "+c.Key, "usage.key", errors.New("the folder has no message with this key")).
		WithRemedy(fmt.Sprintf("list them with: waybill ls %s %s %q", c.System, c.User, c.Folder))
}

// pieces prints what is written to it as JSON lines, a piece in each.
type pieces struct{ e *env }

func (p pieces) Write(b []byte) (int, error) {
	p.e.emitJSON(map[string]any{"type": "piece", "base64": b}) // encoding/json writes bytes as base64
	return len(b), nil
}
