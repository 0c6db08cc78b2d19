package ldapdir

import (
	"context"

	"waybill/ldapdir/people"
)

// root is what a server says of itself (RFC 4512 5.1).
type root struct {
	vocabulary people.Vocabulary
	extensions map[string]bool
}

// look reads the root and the schema it names. Servers that do not tell are
// taken to know everything.
func (s *session) look(ctx context.Context) (root, error) {
	r := root{extensions: map[string]bool{}}
	entry, err := s.Read(ctx, "", "subschemaSubentry", "supportedExtension")
	if err != nil {
		if ruleIs(err, "ldap.no-object", "ldap.rights") {
			return r, nil
		}
		return r, err
	}
	for _, oid := range entry.GetEqualFoldAttributeValues("supportedExtension") {
		r.extensions[oid] = true
	}
	where := entry.GetEqualFoldAttributeValue("subschemaSubentry")
	if where == "" {
		return r, nil
	}
	sub, err := s.Read(ctx, where, "attributeTypes")
	if err != nil {
		if ruleIs(err, "ldap.no-object", "ldap.rights") {
			return r, nil
		}
		return r, err
	}
	r.vocabulary = people.ParseVocabulary(sub.GetEqualFoldAttributeValues("attributeTypes"))
	return r, nil
}
