package answer

import (
	"strings"

	"waybill/imap/wire"
)

// ACLEntry is one line of an access control list (RFC 4314).
type ACLEntry struct{ Identifier, Rights string }

// MyRights reads "folder rights" (RFC 4314 3.8).
func (r *Reader) MyRights() (string, error) {
	if _, err := r.Text(); err != nil {
		return "", err
	}
	if !r.More() {
		return "", nil // no rights at all
	}
	return r.Text()
}

// ACL adds the entries of "folder who rights who rights" (RFC 4314 3.6).
func (r *Reader) ACL(entries *[]ACLEntry) error {
	if _, err := r.Text(); err != nil {
		return err
	}
	for r.More() && len(*entries) < wire.MaxElements {
		who, err := r.Text()
		if err != nil {
			return err
		}
		rights, err := r.Text()
		if err != nil {
			return err
		}
		*entries = append(*entries, ACLEntry{who, rights})
	}
	return nil
}

// Resource is one limit of a quota root; STORAGE is in units of 1024 bytes.
type Resource struct{ Used, Limit int64 }

// Quota is a quota root with its resources by name in capitals (RFC 9208).
type Quota struct {
	Root      string
	Resources map[string]Resource
}

// Quota reads `"root" (STORAGE 10 512)`.
func (r *Reader) Quota() (Quota, error) {
	q := Quota{Resources: map[string]Resource{}}
	var err error
	if q.Root, err = r.Text(); err != nil {
		return q, err
	}
	err = r.List(func() error {
		name := strings.ToUpper(string(r.Atom()))
		r.Space()
		used, err := r.Number()
		if err != nil {
			return err
		}
		r.Space()
		limit, err := r.Number()
		if err == nil {
			q.Resources[name] = Resource{int64(used), int64(limit)}
		}
		return err
	})
	return q, err
}

// Metadata adds the annotations of "folder (entry value)" that have a value
// (RFC 5464 4.4), at most 1,000.
func (r *Reader) Metadata(found map[string]string) error {
	if _, err := r.Text(); err != nil {
		return err
	}
	return r.List(func() error {
		entry, err := r.Text()
		if err != nil {
			return err
		}
		r.Space()
		value, ok, err := r.String()
		if ok && len(found) < maxPairs {
			found[entry] = string(value)
		}
		return err
	})
}
