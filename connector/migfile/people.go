package migfile

import (
	"fmt"
	"slices"
	"strings"

	"waybill/connector/migfile/canon"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
)

// person is a user of the source with the sections that are his.
type person struct {
	user directory.User
	mail []*run
	pab  []*run
	err  error // why the mailbox cannot be told from another
}

// findPeople puts users and sections together. faults are errors that belong to
// no user, under an ID of their own.
func findPeople(x *index) (people map[string]*person, faults map[string]error) {
	people, faults = map[string]*person{}, map[string]error{}
	owners := map[string]*person{} // binding key to owner
	fault := func(id string, at mf.Place, err error) {
		if id == "" || people[id] != nil || faults[id] != nil {
			id = strings.TrimSpace(fmt.Sprintf("%s (%s line %d)", id, at.File, at.Line))
		}
		faults[id] = err
	}
	var mailboxes []*person
	for _, o := range x.objects {
		if o.class != "mailbox" {
			continue
		}
		if people[o.id] != nil {
			fault(o.id, o.place, failure.New(failure.Conflict, "read directory object", o.place.String(), "migfile.object-exists",
				fmt.Errorf("the object %s is in the files before", o.id)).WithRemedy("take one of the two lines out, or give it another Common-Name"))
			continue
		}
		p := &person{user: o.user()}
		people[o.id] = p
		mailboxes = append(mailboxes, p)
		if o.binding != "" {
			claim(owners, bindingKey(bindingType+":"+o.binding), p, o.place)
		}
		for _, a := range o.addresses {
			if a.Type == directory.Migrate {
				claim(owners, bindingKey(a.Value), p, o.place)
			}
		}
	}
	for _, p := range mailboxes { // any other address serves where no MIGRATE address does
		for _, a := range p.user.Addresses {
			if key := bindingKey(a.String()); owners[key] == nil {
				owners[key] = p
			}
		}
	}
	for _, b := range x.broken {
		fault(b.id, b.at, b.err)
	}
	used := map[string]bool{}
	for id := range people {
		used[strings.ToLower(id)] = true
	}
	for id := range faults {
		used[strings.ToLower(id)] = true
	}
	for _, u := range x.runs {
		key := bindingKey(u.owner)
		if mf.IsPublic(u.owner) {
			key = "public"
		}
		p := owners[key]
		if p == nil {
			p = &person{user: strangerOf(u.owner, used)}
			used[strings.ToLower(p.user.ID)] = true
			owners[key] = p
			people[p.user.ID] = p
		}
		if u.kind == mf.PAB {
			p.pab = append(p.pab, u)
		} else {
			p.mail = append(p.mail, u)
		}
	}
	return people, faults
}

// claim binds a section's address to a user. Two users with one address cannot
// be told apart, and neither gets the mail.
func claim(owners map[string]*person, key string, p *person, at mf.Place) {
	other := owners[key]
	if other == nil || other == p {
		owners[key] = p
		return
	}
	for _, q := range []*person{p, other} {
		if q.err == nil {
			q.err = failure.New(failure.Conflict, "open mailbox", at.String(), "migfile.binding-ambiguous",
				fmt.Errorf("%s and %s have the same address MIGRATE:%s", other.user.ID, p.user.ID, key)).
				WithRemedy("give the address to the one whose mail it is")
		}
	}
}

// strangerOf makes the user for an owner whom no DIRECTORY section names.
// used holds the IDs that are taken, in lower case.
func strangerOf(owner string, used map[string]bool) directory.User {
	if mf.IsPublic(owner) && !used[strings.ToLower(PublicID)] {
		return directory.User{ID: PublicID, Kind: directory.Public, Name: PublicID}
	}
	if len(owner) > 8 && strings.EqualFold(owner[:8], "MIGRATE:") {
		owner = owner[8:]
	}
	var u directory.User
	name := owner
	if a, err := directory.ParseAddress(owner); err == nil {
		u.Addresses = []directory.Address{a}
		name = userPart(a)
	}
	if name = canon.Clean(name); name == "" {
		name = "unknown"
	}
	u.ID = name
	for n := 2; used[strings.ToLower(u.ID)]; n++ {
		u.ID = fmt.Sprintf("%s-%d", name, n)
	}
	return u
}

// userPart is the part of an address that names the user.
func userPart(a directory.Address) string {
	v := a.Value
	switch a.Type {
	case directory.SMTP:
		if local, _, ok := canon.CutLast(v, '@'); ok {
			return local
		}
	case directory.X400:
		var given, surname string
		for _, part := range strings.FieldsFunc(v, func(r rune) bool { return r == '/' || r == ';' }) {
			name, value, _ := strings.Cut(part, "=")
			switch strings.ToUpper(strings.TrimSpace(name)) {
			case "G":
				given = value
			case "S":
				surname = value
			}
		}
		if surname != "" {
			return strings.TrimPrefix(given+"."+surname, ".")
		}
		return v
	case directory.CCMAIL:
		if i := strings.LastIndex(strings.ToUpper(v), " AT "); i > 0 {
			return v[:i]
		}
	}
	if open := strings.IndexByte(v, '('); open >= 0 && strings.HasSuffix(v, ")") && open < len(v)-2 {
		return v[open+1 : len(v)-1] // PROFS:SITE(USER)
	}
	if _, user, ok := canon.CutLast(v, '/'); ok && user != "" {
		return user // MS:NET/PO/USER
	}
	return v
}

// book collects contacts and lists.
func (x *index) book() directory.Book {
	var b directory.Book
	for _, o := range x.objects {
		switch o.class {
		case "remote":
			b.Contacts = append(b.Contacts, o.contact())
		case "dl":
			b.Lists = append(b.Lists, o.list())
		}
	}
	slices.SortStableFunc(b.Contacts, func(a, c directory.Contact) int { return strings.Compare(a.ID, c.ID) })
	slices.SortStableFunc(b.Lists, func(a, c directory.List) int { return strings.Compare(a.ID, c.ID) })
	return b
}

// resolver finds the SMTP address of a display name that only one object has.
func (x *index) resolver() func(string) (string, bool) {
	byName := map[string]string{}
	for _, o := range x.objects {
		if o.name == "" {
			continue
		}
		key := strings.ToLower(canon.Clean(o.name))
		if _, twice := byName[key]; twice {
			byName[key] = ""
			continue
		}
		byName[key] = ""
		for _, a := range o.addresses {
			if a.Type == directory.SMTP && canon.IsClean(a.Value) {
				byName[key] = a.Value
				break
			}
		}
	}
	return func(name string) (string, bool) {
		addr := byName[strings.ToLower(name)]
		return addr, addr != ""
	}
}
