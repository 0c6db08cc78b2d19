package ldapdir

import (
	"context"
	"fmt"
	"strings"

	"waybill/failure"
	"waybill/ldapdir/people"
)

// template is an entry whose attributes new accounts get, as the Migration
// Wizard's template mailbox was.
type template struct {
	names   []string
	values  map[string][]string
	classes []string
}

// perAccount are auxiliary classes whose required attributes belong to one
// account only (RFC 2307), so that a template cannot give them.
var perAccount = map[string]bool{"posixaccount": true, "shadowaccount": true, "sambasamaccount": true, "krbprincipalaux": true}

// readTemplate reads the template once.
func (d *Directory) readTemplate(ctx context.Context) error {
	if d.o.Template == "" || d.template != nil {
		return nil
	}
	entry, err := d.s.Read(ctx, d.o.Template, "*")
	if err != nil {
		if failure.ClassOf(err) == failure.Vanished {
			return failure.New(failure.Usage, "read the template", d.o.Template, "ldap.template", err).WithRemedy("name an entry that is there and may be read with the option template")
		}
		return err
	}
	take, err := d.schema.Copied(ctx, d.s)
	if err != nil {
		return err
	}
	t := &template{values: map[string][]string{}}
	for _, a := range entry.Attributes {
		switch {
		case strings.EqualFold(a.Name, "objectClass"):
			if d.o.Schema == people.ActiveDirectory {
				continue // a class of Active Directory brings its auxiliary ones along
			}
			for _, class := range a.Values {
				if perAccount[strings.ToLower(class)] {
					d.note(d.o.Template, fmt.Sprintf("the template's class %s needs values that differ between accounts, and is not copied", class))
					continue
				}
				t.classes = append(t.classes, class)
			}
		case take(a.Name):
			t.names = append(t.names, a.Name)
			t.values[a.Name] = a.Values
		}
	}
	d.template = t
	return nil
}

// copyTemplate adds what the source says nothing of.
func (d *Directory) copyTemplate(ctx context.Context, a *people.Attributes) error {
	if err := d.readTemplate(ctx); err != nil || d.template == nil {
		return err
	}
	for _, class := range d.template.classes {
		if !people.ContainsFold(a.Get("objectClass"), class) {
			a.Add("objectClass", class)
		}
	}
	for _, name := range d.template.names {
		if !a.Has(name) {
			a.Add(name, d.template.values[name]...)
		}
	}
	return nil
}
