package answer

import "strings"

// ID adds what a server says of itself (RFC 2971 3.2), keys in lower case, at most
// 1,000.
func (r *Reader) ID(id map[string]string) error {
	key, isKey := "", true
	return r.List(func() error {
		value, _, err := r.String()
		if isKey {
			key = strings.ToLower(string(value))
		} else if len(id) < maxPairs {
			id[key] = Clean(value)
		}
		isKey = !isKey
		return err
	})
}

// Namespace is one prefix under which folders live (RFC 2342).
type Namespace struct {
	Prefix    string // Unicode, with its trailing delimiter: "INBOX."
	Delimiter string // "" when names are flat
}

// Namespaces are a user's own folders, those of other users, and shared ones.
type Namespaces struct{ Personal, Others, Shared []Namespace }

// Namespaces reads the three lists behind NAMESPACE.
func (r *Reader) Namespaces(n *Namespaces) error {
	for _, list := range []*[]Namespace{&n.Personal, &n.Others, &n.Shared} {
		if err := r.List(func() error { return r.oneNamespace(list) }); err != nil {
			return err
		}
	}
	return nil
}

func (r *Reader) oneNamespace(list *[]Namespace) error {
	if !r.Take('(') {
		return r.Wrong("a namespace")
	}
	r.Space()
	prefix, _, err := r.String()
	if err != nil {
		return err
	}
	var n Namespace
	n.Prefix, _ = r.Name(prefix)
	r.Space()
	delimiter, _, err := r.String()
	if err != nil {
		return err
	}
	n.Delimiter = string(delimiter)
	*list = append(*list, n)
	for r.More() && !r.Take(')') { // extensions
		if err := r.SkipValue(); err != nil {
			return err
		}
	}
	return nil
}
