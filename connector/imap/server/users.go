package server

import (
	"context"
	"errors"
	"slices"
	"strings"

	"waybill/failure"
	"waybill/imap"
)

// maxUsers bounds the list of users that a server sends.
const maxUsers = 5_000_000

// Users lists whose mailboxes there are, as far as that can be known: those of
// the user map, the location's own user, or what an administrator sees below
// user/. On the source's side it is an error when nobody is known.
func (s *Server) Users(ctx context.Context) ([]string, error) {
	if s.c.auth == ACLAdmin {
		return s.listUsers(ctx)
	}
	if users := slices.Concat(s.c.names, s.c.own()); len(users) > 0 {
		return users, nil
	}
	// A Cyrus administrator sees everybody.
	if s.c.auth == Proxy && s.Flavour() == "cyrus" {
		if users, err := s.listUsers(ctx); err == nil && len(users) > 0 {
			return users, nil
		} else if failure.ClassOf(err).Retryable() {
			return nil, err
		}
	}
	if s.c.side == TargetSide {
		return nil, nil
	}
	return nil, failure.New(failure.Usage, "list users", s.c.shown, "imap.users", errors.New("an IMAP server tells nobody who its users are")).
		WithRemedy("name them in a user map: --users FILE.csv (docs/plan-and-user-map.md)")
}

func (s *Server) listUsers(ctx context.Context) ([]string, error) {
	x, err := s.Admin(ctx)
	if err != nil {
		return nil, err
	}
	defer x.Release()
	s.mu.Lock()
	others := s.others
	s.mu.Unlock()
	items, err := x.List(ctx, "", others+"%", imap.ListOptions{})
	if err != nil {
		return nil, s.Fail("list users", others+"%", err)
	}
	if len(items) > maxUsers {
		return nil, failure.New(failure.TooLarge, "list users", s.c.addr, "imap.users", errors.New("the server lists more users than can be"))
	}
	// The map may know them by other names than the server.
	byLogin := map[string]string{}
	for name, row := range s.c.rows {
		if login, _ := s.c.loginIn(row); login != "" {
			byLogin[login] = name
		}
	}
	var users []string
	for _, item := range items {
		name, ok := strings.CutPrefix(item.Name, others)
		if name = strings.TrimSuffix(name, x.Delimiter); !ok || name == "" || slices.ContainsFunc(item.Attributes, isGone) {
			continue
		}
		name = undotted(name, x.Delimiter)
		if known, ok := byLogin[name]; ok {
			name = known
		}
		users = append(users, name)
	}
	slices.Sort(users)
	return slices.Compact(users), nil
}

func isGone(attribute string) bool { return strings.EqualFold(attribute, `\NonExistent`) }

// Probe tells whether that account is there, by logging on to it or, as an
// administrator, by looking. An error of class Denied says that a missing
// account cannot be told from a wrong password or a missing right.
func (s *Server) Probe(ctx context.Context, user string) (found bool, err error) {
	x, err := s.Session(ctx, user)
	if err != nil {
		if failure.RuleOf(err) == ruleUnknown {
			return false, nil
		}
		return false, err
	}
	defer x.Release()
	name := "INBOX"
	switch {
	case x.Prefix != "":
		name = x.Prefix
	case s.c.auth != Proxy:
		return true, nil
	}
	// Cyrus lets an administrator act for somebody who has no mailbox.
	items, err := x.List(ctx, "", name, imap.ListOptions{})
	if err != nil {
		return false, s.Fail("look for the mailbox of "+user, name, err)
	}
	return slices.ContainsFunc(items, func(i imap.ListItem) bool { return !slices.ContainsFunc(i.Attributes, isGone) }), nil
}
