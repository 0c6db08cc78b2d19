package server

import (
	"context"
	"strings"

	"waybill/connector"
	"waybill/connector/imap/names"
	"waybill/imap"
)

// Spelling is how the folders of one mailbox are named on the server, and where
// those of other people begin.
type Spelling struct {
	Rules      names.Rules
	Namespaces imap.Namespaces
}

// SpellingOf asks a session for its namespaces (RFC 2342). Without them the
// listing shows the delimiter: give it what LIST told.
func SpellingOf(ctx context.Context, s *Server, x *Session) (Spelling, error) {
	var sp Spelling
	delimiter, prefix := x.Delimiter, x.Prefix
	if prefix == "" && x.Has("NAMESPACE") {
		spaces, err := x.Namespace(ctx)
		if err != nil && !Refused(err) {
			return sp, s.Fail("ask for the namespaces", x.User, err)
		}
		sp.Namespaces = spaces
		if len(spaces.Personal) > 0 {
			delimiter, prefix = spaces.Personal[0].Delimiter, spaces.Personal[0].Prefix
		}
	}
	sp.Rules = names.For(s.Flavour(), delimiter, prefix, s.Facts().Reserved...)
	return sp, nil
}

// Foreign reports whether a name lies in a namespace of other users or in a shared
// one: the longest prefix that fits decides, as "" may be any of the three.
func (sp Spelling) Foreign(name string) bool {
	best, foreign := -1, false
	look := func(spaces []imap.Namespace, others bool) {
		for _, n := range spaces {
			bare := strings.TrimSuffix(n.Prefix, n.Delimiter)
			if (strings.HasPrefix(name, n.Prefix) || name == bare) && len(n.Prefix) > best {
				best, foreign = len(n.Prefix), others
			}
		}
	}
	look(sp.Namespaces.Others, true)
	look(sp.Namespaces.Shared, true)
	look(sp.Namespaces.Personal, false)
	return foreign && !strings.EqualFold(name, "INBOX")
}

// Connect checks location and options, and logs on once.
func Connect(ctx context.Context, loc connector.Location, o Options, side Side) (*Server, error) {
	config, err := Configure(loc, o, side)
	if err != nil {
		return nil, err
	}
	return Open(ctx, config)
}
