package people

import (
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"waybill/directory"
	"waybill/failure"
)

// Kind is what an entry is to us.
type Kind string

// The kinds of entries.
const (
	Account Kind = "account"
	Contact Kind = "contact"
	Group   Kind = "group"
)

// Facts are what the source says of an entry.
type Facts struct {
	Kind       Kind
	ID         string
	Name       string
	First      string
	Last       string
	Addresses  []directory.Address
	Attributes map[string]string
}

// AccountFacts are those of a user.
func AccountFacts(u directory.User) Facts {
	return Facts{Account, u.ID, u.Name, u.First, u.Last, u.Addresses, u.Attributes}
}

// ContactFacts are those of a contact.
func ContactFacts(c directory.Contact) Facts {
	return Facts{Contact, c.ID, c.Name, c.First, c.Last, c.Addresses, c.Attributes}
}

// GroupFacts are those of a list.
func GroupFacts(l directory.List) Facts {
	return Facts{Kind: Group, ID: l.ID, Name: l.Name, Addresses: l.Addresses, Attributes: l.Attributes}
}

// MaxID bounds a name: more than any directory takes for one (X.520 gives common
// names 64 characters, Active Directory too).
const MaxID = 256

// Check refuses names that cannot be names of entries.
func (f Facts) Check() error {
	what := ""
	switch {
	case strings.TrimSpace(f.ID) == "":
		what = "it is empty"
	case len(f.ID) > MaxID:
		what = fmt.Sprintf("it is longer than %d bytes", MaxID)
	case !utf8.ValidString(f.ID):
		what = "it is not UTF-8"
	case strings.ContainsFunc(f.ID, unicode.IsControl):
		what = "it holds a control character"
	}
	if what == "" {
		return nil
	}
	return failure.New(failure.Unsupported, "create "+string(f.Kind), fmt.Sprintf("%.80q", f.ID), "ldap.name", errors.New("the name cannot be one of a directory: "+what)).
		WithRemedy("name another account in the user map")
}

// display is what people see: the display name, or what comes nearest.
func (f Facts) display() string {
	switch {
	case f.Name != "":
		return f.Name
	case f.First != "" && f.Last != "":
		return f.First + " " + f.Last
	case f.Last != "":
		return f.Last
	}
	return f.ID
}

// surname is required of persons by RFC 4519 3.12.
func (f Facts) surname() string {
	if f.Last != "" {
		return f.Last
	}
	return f.display()
}

// smtp lists the SMTP addresses, the primary one first, each once.
func (f Facts) smtp() (all []string) {
	seen := map[string]bool{}
	for _, a := range f.Addresses {
		if key := a.Key(); a.Type == directory.SMTP && !seen[key] {
			seen[key] = true
			all = append(all, a.Value)
		}
	}
	return all
}

// others lists addresses of other types, each once. The Exchange form EX becomes
// X500: under that name a directory keeps it, so that replies to old mail arrive.
func (f Facts) others() (all []directory.Address) {
	seen := map[string]bool{}
	for _, a := range f.Addresses {
		if a.Type == directory.EX {
			a.Type = X500
		}
		if key := a.Key(); a.Type != directory.SMTP && a.Value != "" && !seen[key] {
			seen[key] = true
			all = append(all, a)
		}
	}
	return all
}

// X500 is the address type of a legacy distinguished name that is no longer the
// entry's own ([MS-OXOABK] 2.2.3.23 has them among the proxy addresses).
const X500 = "X500"

// Attributes are an entry's, in the order in which they were set.
type Attributes struct {
	Names  []string
	values map[string][]string // by name without case
}

// NewAttributes has none.
func NewAttributes() *Attributes { return &Attributes{values: map[string][]string{}} }

// Add adds values, leaving out empty ones and those that are there.
func (a *Attributes) Add(name string, values ...string) {
	key := strings.ToLower(name)
	for _, v := range values {
		if v == "" || len(v) > MaxValue || slices.Contains(a.values[key], v) {
			continue
		}
		if len(a.values[key]) == 0 {
			a.Names = append(a.Names, name)
		}
		a.values[key] = append(a.values[key], v)
	}
}

// Set replaces what is there.
func (a *Attributes) Set(name string, values ...string) {
	a.Remove(name)
	a.Add(name, values...)
}

// Remove takes all values away.
func (a *Attributes) Remove(name string) {
	key := strings.ToLower(name)
	delete(a.values, key)
	for i, n := range a.Names {
		if strings.ToLower(n) == key {
			a.Names = append(a.Names[:i:i], a.Names[i+1:]...)
			return
		}
	}
}

// Get gives the values, Has tells whether there are any.
func (a *Attributes) Get(name string) []string { return a.values[strings.ToLower(name)] }
func (a *Attributes) Has(name string) bool     { return len(a.Get(name)) > 0 }

// further sets the source's other properties under the names of the directory.
// untold are those for which it has none.
func (a *Attributes) further(source map[string]string, table map[string]string) (untold []string) {
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
		case !a.Has(target):
			a.Add(target, value)
		}
	}
	return untold
}
