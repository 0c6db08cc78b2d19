package ldapdir

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"waybill/directory"
	"waybill/failure"
)

// kind is what an entry is to us.
type kind string

const (
	account kind = "account"
	contact kind = "contact"
	group   kind = "group"
)

// facts are what the source says of an entry.
type facts struct {
	kind       kind
	id         string
	name       string
	first      string
	last       string
	addresses  []directory.Address
	attributes map[string]string
}

func accountFacts(u directory.User) facts {
	return facts{account, u.ID, u.Name, u.First, u.Last, u.Addresses, u.Attributes}
}

func contactFacts(c directory.Contact) facts {
	return facts{contact, c.ID, c.Name, c.First, c.Last, c.Addresses, c.Attributes}
}

func groupFacts(l directory.List) facts {
	return facts{kind: group, id: l.ID, name: l.Name, addresses: l.Addresses, attributes: l.Attributes}
}

// maxID bounds a name: more than any directory takes for one (X.520 gives common
// names 64 characters, Active Directory too).
const maxID = 256

// check refuses names that cannot be names of entries.
func (f facts) check() error {
	what := ""
	switch {
	case strings.TrimSpace(f.id) == "":
		what = "it is empty"
	case len(f.id) > maxID:
		what = fmt.Sprintf("it is longer than %d bytes", maxID)
	case !utf8.ValidString(f.id):
		what = "it is not UTF-8"
	case strings.ContainsFunc(f.id, unicode.IsControl):
		what = "it holds a control character"
	}
	if what == "" {
		return nil
	}
	return failure.New(failure.Unsupported, "create "+string(f.kind), fmt.Sprintf("%.80q", f.id), "ldap.name", errors.New("the name cannot be one of a directory: "+what)).
		WithRemedy("name another account in the user map")
}

// display is what people see: the display name, or what comes nearest.
func (f facts) display() string {
	switch {
	case f.name != "":
		return f.name
	case f.first != "" && f.last != "":
		return f.first + " " + f.last
	case f.last != "":
		return f.last
	}
	return f.id
}

// surname is required of persons by RFC 4519 3.12.
func (f facts) surname() string {
	if f.last != "" {
		return f.last
	}
	return f.display()
}

// smtp lists the SMTP addresses, the primary one first, each once.
func (f facts) smtp() (all []string) {
	seen := map[string]bool{}
	for _, a := range f.addresses {
		if key := a.Key(); a.Type == directory.SMTP && !seen[key] {
			seen[key] = true
			all = append(all, a.Value)
		}
	}
	return all
}

// others lists addresses of other types, each once. The Exchange form EX becomes
// X500: under that name a directory keeps it, so that replies to old mail arrive.
func (f facts) others() (all []directory.Address) {
	seen := map[string]bool{}
	for _, a := range f.addresses {
		if a.Type == directory.EX {
			a.Type = x500
		}
		if key := a.Key(); a.Type != directory.SMTP && a.Value != "" && !seen[key] {
			seen[key] = true
			all = append(all, a)
		}
	}
	return all
}

// x500 is the address type of a legacy distinguished name that is no longer the
// entry's own ([MS-OXOABK] 2.2.3.23 has them among the proxy addresses).
const x500 = "X500"

// attributes are an entry's, in the order in which they were set.
type attributes struct {
	names  []string
	values map[string][]string // by name without case
}

func newAttributes() *attributes { return &attributes{values: map[string][]string{}} }

// add adds values, leaving out empty ones and those that are there.
func (a *attributes) add(name string, values ...string) {
	key := strings.ToLower(name)
	for _, v := range values {
		if v == "" || len(v) > maxValue || contains(a.values[key], v) {
			continue
		}
		if len(a.values[key]) == 0 {
			a.names = append(a.names, name)
		}
		a.values[key] = append(a.values[key], v)
	}
}

// set replaces what is there.
func (a *attributes) set(name string, values ...string) {
	a.remove(name)
	a.add(name, values...)
}

func (a *attributes) remove(name string) {
	key := strings.ToLower(name)
	delete(a.values, key)
	for i, n := range a.names {
		if strings.ToLower(n) == key {
			a.names = append(a.names[:i:i], a.names[i+1:]...)
			return
		}
	}
}

func (a *attributes) get(name string) []string { return a.values[strings.ToLower(name)] }
func (a *attributes) has(name string) bool     { return len(a.get(name)) > 0 }

func contains(values []string, v string) bool {
	for _, have := range values {
		if have == v {
			return true
		}
	}
	return false
}

// further sets the source's other properties under the names of the directory.
// untold are those for which it has none.
func (a *attributes) further(source map[string]string, table map[string]string) (untold []string) {
	names := make([]string, 0, len(source))
	for name := range source {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		value := strings.TrimSpace(source[name])
		target, ok := table[strings.ToLower(name)]
		switch {
		case value == "":
		case !ok:
			untold = append(untold, name)
		case !a.has(target):
			a.add(target, value)
		}
	}
	return untold
}
