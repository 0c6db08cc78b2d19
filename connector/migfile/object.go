package migfile

import (
	"fmt"
	"strings"

	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
)

// object is a line of a DIRECTORY section: a mailbox, a custom recipient or a
// distribution list.
type object struct {
	class      string // "mailbox", "remote", "dl"
	id         string
	name       string
	first      string
	last       string
	addresses  []directory.Address
	members    []string
	attributes map[string]string
	// binding is the number of a mailbox in files that Waybill wrote.
	binding string
	place   mf.Place
	end     int64
}

// bindingType is the type of the address that binds an account to the pair of
// files that Waybill writes for it: MIGRATE:WAYBILL:00000001.
const bindingType = "WAYBILL"

// column finds a value under any of the names that a column has.
func column(rec mf.Record, names ...string) mf.Field {
	for _, n := range names {
		if f := rec.Field(n); f.Text() != "" {
			return f
		}
	}
	return mf.Field{}
}

func text(f mf.Field) string {
	s, _ := mf.Unescape(f.Text())
	return strings.Trim(s, " ")
}

// coreColumns are the columns that do not become attributes, in lower case.
func isCore(name string) bool {
	switch strings.ToLower(name) {
	case "obj-class", "mode", "common-name", "directory name", "display-name", "display name", "given-name", "first name", "surname", "last name",
		"e-mail addresses", "e-mail address", "secondary-proxy-addresses", "members":
		return true
	}
	return false
}

// readObject reads a line of a DIRECTORY section.
func readObject(rec mf.Record) (object, error) {
	o := object{place: rec.Place, end: rec.End, attributes: map[string]string{}}
	o.class = strings.ToLower(strings.TrimSpace(rec.Field("Obj-class").Text()))
	o.id = text(column(rec, "Common-Name", "Directory Name"))
	bad := func(rule, remedy, format string, args ...any) (object, error) {
		return o, failure.New(failure.Malformed, "read directory object", rec.Place.String(), rule, fmt.Errorf(format, args...)).WithRemedy(remedy)
	}
	switch o.class {
	case "mailbox", "remote", "dl":
	default:
		return bad("migfile.obj-class", "the class is mailbox, remote or dl", "the class of the object is %.40q", o.class)
	}
	if o.id == "" {
		return bad("migfile.common-name", "write the directory name into the column Common-Name (event 225)", "the object has no directory name")
	}
	switch mode := strings.ToLower(strings.TrimSpace(rec.Field("Mode").Text())); mode {
	case "", "create", "modify", "update":
	default:
		return bad("migfile.mode", "the mode of a migration file is create", "the mode of %s is %.40q", o.id, mode)
	}
	o.name = text(column(rec, "Display-Name", "Display Name"))
	o.first = text(column(rec, "Given-Name", "First Name"))
	o.last = text(column(rec, "Surname", "Last Name"))
	for _, name := range []string{"E-mail Addresses", "E-mail Address", "Secondary-Proxy-Addresses"} {
		for _, v := range rec.Field(name).Values() {
			v, _ = mf.Unescape(v)
			a, err := directory.ParseAddress(v)
			if err != nil {
				return bad("migfile.address", "write addresses as TYPE:value, joined by %", "%w", err)
			}
			if n, ours := strings.CutPrefix(strings.ToUpper(a.Value), bindingType+":"); ours && a.Type == directory.Migrate {
				o.binding = n
				continue
			}
			o.addresses = append(o.addresses, a)
		}
	}
	for _, v := range rec.Field("Members").Values() {
		v, _ = mf.Unescape(v)
		o.members = append(o.members, memberName(v))
	}
	for _, c := range rec.Section.Columns {
		if v := text(rec.Field(c)); v != "" && !isCore(c) && !(strings.EqualFold(c, "Home-Server") && strings.EqualFold(v, "~server")) {
			o.attributes[c] = v
		}
	}
	return o, nil
}

// memberName takes the directory name out of <container>/cn=<name>. Anything
// else stays as it is given.
func memberName(v string) string {
	if rest, ok := strings.CutPrefix(v, memberPrefix); ok {
		return rest
	}
	if i := strings.LastIndex(strings.ToLower(v), "/cn="); i >= 0 {
		return v[i+4:]
	}
	return v
}

const memberPrefix = "Recipients/cn="

func (o object) attributesOrNil() map[string]string {
	if len(o.attributes) == 0 {
		return nil
	}
	return o.attributes
}

func (o object) user() directory.User {
	return directory.User{ID: o.id, Name: o.name, First: o.first, Last: o.last, Addresses: o.addresses, Attributes: o.attributesOrNil()}
}

func (o object) contact() directory.Contact {
	return directory.Contact{ID: o.id, Name: o.name, First: o.first, Last: o.last, Addresses: o.addresses, Attributes: o.attributesOrNil()}
}

func (o object) list() directory.List {
	return directory.List{ID: o.id, Name: o.name, Addresses: o.addresses, Members: o.members, Attributes: o.attributesOrNil()}
}

// bindingKey is an address as a section's heading repeats it: without the word
// MIGRATE, compared without letter case.
func bindingKey(owner string) string {
	key := strings.ToLower(strings.TrimSpace(owner))
	return strings.TrimPrefix(key, "migrate:")
}
