package ldapdir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/ldapdir/people"
	"waybill/rights"
	"waybill/secret"
)

// Need says which kinds of entries a migration will make.
type Need struct{ Accounts, Contacts, Lists bool }

func (n Need) kinds() (all []people.Kind) {
	if n.Accounts {
		all = append(all, people.Account)
	}
	if n.Contacts {
		all = append(all, people.Contact)
	}
	if n.Lists {
		all = append(all, people.Group)
	}
	return all
}

// canaryMemory is the kind under which the memory has canaries.
const canaryMemory = "directory canary"

// Prove proves the rights by doing: in each container it makes an entry of each
// class with all attributes that a migration sets, reads it back, logs on with its
// password, changes a group's members, and removes everything. Where the
// directory can tell beforehand that a right is missing it is asked, and nothing
// is made. The error is for cancellation and a broken connection or memory.
func (d *Directory) Prove(ctx context.Context, need Need) ([]rights.Finding, error) {
	if err := d.sweep(ctx); err != nil {
		return nil, err
	}
	p := &proof{Directory: d}
	defer p.removeAll()
	for _, k := range need.kinds() {
		if err := p.kind(ctx, k); err != nil {
			if class := failure.ClassOf(err); class == failure.Cancelled || class == failure.Transient || class == failure.Internal {
				return p.findings, err
			}
			p.fault("make a canary", d.schema.Container(k), err)
		}
	}
	p.removeAll()
	return p.findings, ctx.Err()
}

// sweep removes canaries that an interrupted run left: those in the memory, and
// only where the marker says that they are ours.
func (d *Directory) sweep(ctx context.Context) error {
	if d.memory == nil {
		return nil
	}
	left, err := d.memory.Provisioned(ctx, canaryMemory)
	if err != nil {
		return err
	}
	for id, state := range left {
		if state == removed {
			continue
		}
		for _, k := range []people.Kind{people.Group, people.Contact, people.Account} {
			e, err := d.find(ctx, k, id)
			if err == nil && e != nil {
				err = d.remove(ctx, e.DN)
			}
			if err != nil {
				return err
			}
		}
		if err := d.memory.SetProvisioned(ctx, canaryMemory, id, removed); err != nil {
			return err
		}
	}
	return nil
}

// proof is one proving of rights.
type proof struct {
	*Directory
	findings []rights.Finding
	canaries []canary
}

type canary struct {
	kind people.Kind
	id   string
	dn   string
}

func (p *proof) ok(action, where string) {
	p.findings = append(p.findings, rights.Finding{Action: action, Identity: p.o.Bind, Where: where, OK: true})
}

func (p *proof) fault(action, where string, err error) {
	if found := rights.From(err); len(found) > 0 {
		p.findings = append(p.findings, found...)
		return
	}
	p.findings = append(p.findings, rights.Finding{Action: action, Identity: p.o.Bind, Where: where, Detail: err.Error(), Event: string(event.RightMissing), Grant: grantOf(err)})
}

// grantOf is the way out that an error names.
func grantOf(err error) string {
	if e, ok := err.(*failure.Error); ok { //nolint:errorlint // the outermost one's words
		return e.Remedy
	}
	return ""
}

// kind proves all that is needed for one kind of entries.
func (p *proof) kind(ctx context.Context, k people.Kind) error {
	container := p.schema.Container(k)
	class := p.schema.Class(k)
	if p.o.Schema == people.ActiveDirectory {
		allowed, told, err := p.effective(ctx, container, "allowedChildClassesEffective")
		if err != nil {
			return p.container(container, err)
		}
		if told && !people.ContainsFold(allowed, class) || !told && len(allowed) == 0 {
			// The attribute is left out where there is nothing to tell: no class at all.
			p.findings = append(p.findings, p.refusal(ctx, "create "+class, k, container, "the directory says that this identity may create "+orNothing(allowed)+" here"))
			return nil
		}
	} else if _, err := p.s.Read(ctx, container, "objectClass"); err != nil {
		return p.container(container, err)
	}
	p.ok("see the container for "+string(k)+"s", container)
	c, a, v, err := p.make(ctx, k)
	if err != nil {
		return err
	}
	p.ok("create "+class, container)
	if err := p.readBack(ctx, c, a); err != nil {
		return err
	}
	if k == people.Account && !v.IsZero() {
		if err := p.logsOn(ctx, c.dn, v); err != nil {
			p.fault("log on with a new account's password", container, err)
			return nil
		}
		p.ok("log on with a new account's password", container)
	}
	if k == people.Group {
		return p.change(ctx, c)
	}
	return nil
}

func (p *proof) container(dn string, err error) error {
	if failure.ClassOf(err) != failure.Vanished {
		return err
	}
	return failure.New(failure.Usage, "look at the container", dn, "ldap.container", err).
		WithRemedy("make the container, or name another one with the options users, contacts and groups; it may also be there and not be shown to this identity")
}

// make adds a canary with everything that entries of its kind may get.
func (p *proof) make(ctx context.Context, k people.Kind) (c canary, a *people.Attributes, v secret.Value, err error) {
	raw := make([]byte, 4)
	if _, err := rand.Read(raw); err != nil {
		return c, nil, v, failure.New(failure.Internal, "make a token", "", "ldap.random", err)
	}
	c = canary{kind: k, id: "wbcanary-" + hex.EncodeToString(raw)} // a logon name has 20 characters
	host := c.id + ".invalid"                                      // RFC 2606 2: nobody's
	f := people.Facts{Kind: k, ID: c.id, Name: "Waybill canary " + c.id, First: "Waybill", Last: "Canary",
		Addresses: []directory.Address{{Type: directory.SMTP, Value: "canary@" + host}, {Type: directory.SMTP, Value: "second@" + host},
			{Type: directory.EX, Value: "/o=Waybill/ou=Canary/cn=" + c.id}},
		Attributes: map[string]string{"Title": "Canary"}}
	if k == people.Group {
		f.First, f.Last, f.Attributes = "", "", nil
	}
	if c.dn, a, _, err = p.schema.Entry(f); err != nil {
		return c, nil, v, err
	}
	if k == people.Account {
		if err := p.copyTemplate(ctx, a); err != nil {
			return c, nil, v, err
		}
	}
	a.Set(p.o.Marker, p.mark(k, c.id))
	p.known(c.id, a)
	if k == people.Account && p.o.Policy != NoPassword {
		if v, err = p.canaryPassword(c.id); err != nil {
			return c, nil, v, err
		}
		if p.o.Schema == people.ActiveDirectory {
			a.Set("unicodePwd", people.QuotedPassword(v.Reveal()))
			a.Set("userAccountControl", people.NormalAccount)
			if p.o.MustChange {
				a.Set("pwdLastSet", "0")
			}
		}
	}
	if p.memory != nil {
		if err := p.memory.SetProvisioned(ctx, canaryMemory, c.id, intended); err != nil {
			return c, nil, v, err
		}
	}
	p.canaries = append(p.canaries, c)
	if err := p.add(ctx, f, c.dn, p.mark(k, c.id), a); err != nil {
		return c, nil, v, err
	}
	if k == people.Account && p.o.Policy != NoPassword && p.o.Schema != people.ActiveDirectory {
		err = p.setPassword(ctx, c.dn, v)
	}
	return c, a, v, err
}

// canaryPassword follows the policy, and is written nowhere.
func (p *proof) canaryPassword(id string) (secret.Value, error) {
	if p.o.Policy == AliasPassword {
		// As long as the shortest that an account may get: its name is padded to that.
		v, _ := aliasPassword(id[:1], p.o.MinPassword)
		return v, nil
	}
	return randomPassword()
}

// readBack compares what the directory keeps with what it was given.
func (p *proof) readBack(ctx context.Context, c canary, a *people.Attributes) error {
	names := make([]string, 0, len(a.Names))
	for _, name := range a.Names {
		if !strings.EqualFold(name, "unicodePwd") && !strings.EqualFold(name, "objectClass") {
			names = append(names, name)
		}
	}
	e, err := p.s.Read(ctx, c.dn, names...)
	if err != nil {
		return err
	}
	for _, name := range names {
		have := e.GetEqualFoldAttributeValues(name)
		for _, want := range a.Get(name) {
			if !people.ContainsFold(have, want) && !sameDNs(have, want) {
				p.findings = append(p.findings, rights.Finding{Action: "read back " + name, Identity: p.o.Bind, Where: p.schema.Container(c.kind),
					Detail: fmt.Sprintf("given %q, found %q", want, have), Event: string(event.CanaryDiffers), Grant: "let this identity read the attribute"})
			}
		}
	}
	p.ok(fmt.Sprintf("set and read back %d attributes", len(names)), p.schema.Container(c.kind))
	return nil
}

func sameDNs(have []string, want string) bool {
	for _, h := range have {
		if sameDN(h, want) {
			return true
		}
	}
	return false
}

// change adds a member to a group that is there, as lists in lists need it.
func (p *proof) change(ctx context.Context, c canary) error {
	other := p.schema.Container(people.Group) // any entry will do
	if p.canaries[0].dn != c.dn {
		other = p.canaries[0].dn
	}
	if err := p.addPart(ctx, c.dn, []string{other}); err != nil {
		return err
	}
	p.ok("add a member to a group", p.schema.Container(people.Group))
	return nil
}

// removeAll removes the canaries, also after a cancellation. What stays is a
// finding, and in the memory for the next run.
func (p *proof) removeAll() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	canaries := p.canaries
	p.canaries = nil
	for _, c := range slices.Backward(canaries) {
		e, err := p.find(ctx, c.kind, c.id) // and not by its name alone
		if err == nil && e != nil {
			err = p.explain(p.remove(ctx, e.DN), c.kind, e.DN)
		}
		if err != nil {
			p.fault("remove a canary", c.dn, err)
			continue
		}
		if p.memory != nil {
			_ = p.memory.SetProvisioned(ctx, canaryMemory, c.id, removed)
		}
	}
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	if len(names) > 8 {
		names = append(names[:8:8], "...")
	}
	return strings.Join(names, ", ")
}
