package fake

import (
	"context"
	"iter"
	"maps"

	"waybill/connector"
	"waybill/directory"
	"waybill/mail"
	"waybill/rights"
)

// What a system offers beyond the contract, when its Options ask for it.

// lands tells whose mailbox the logon of a user reaches.
func (s *System) lands(user string) string {
	if other, ok := s.options.Lands[user]; ok {
		return other
	}
	return user
}

type tellingTarget struct{ *targetMailbox }

// Identity implements connector.Identified.
func (b tellingTarget) Identity(ctx context.Context) (string, error) {
	return b.s.identity(ctx, "target.Identity", b.user)
}

// Room implements connector.RoomTeller.
func (b tellingTarget) Room(ctx context.Context) (room connector.Room, err error) {
	room = connector.Room{Quota: -1, Used: -1, MaxMessage: -1}
	err = b.s.call(ctx, "target.Room", b.user, "", func(*Fault) error {
		if own, ok := b.s.options.Rooms[b.user]; ok {
			room = own
		} else if all, ok := b.s.options.Rooms[""]; ok {
			room = all
		}
		return nil
	})
	return room, err
}

type tellingSource struct{ *sourceMailbox }

// Identity implements connector.Identified.
func (b tellingSource) Identity(ctx context.Context) (string, error) {
	return b.s.identity(ctx, "source.Identity", b.user)
}

func (s *System) identity(ctx context.Context, name, user string) (word string, err error) {
	err = s.call(ctx, name, user, "", func(*Fault) error {
		if s.options.Identity != nil {
			word = s.options.Identity(user)
		}
		return nil
	})
	return word, err
}

// Larger implements connector.LargeFinder.
func (b tellingSource) Larger(ctx context.Context, path mail.Path, than int64) (n int64, err error) {
	err = b.s.call(ctx, "source.Larger", b.user, path, func(*Fault) error {
		b.s.mu.Lock()
		defer b.s.mu.Unlock()
		f, err := b.s.find("count large messages", b.user, path)
		if err != nil {
			return err
		}
		for _, m := range f.messages {
			if m.size() > than {
				n++
			}
		}
		return nil
	})
	return n, err
}

// What the operator of a system that needs grants holds: implicitly, and with
// the grant.
const (
	implicit = ""
	granted  = "lrswipkxte"
)

func object(account string) string { return "user/" + account }

// granter is a target whose operator may grant.
type granter struct{ *target }

// Needs implements connector.Granter.
func (c granter) Needs(ctx context.Context, account string) (needs []rights.Grant, err error) {
	err = c.s.call(ctx, "target.Needs", account, "", func(*Fault) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if have := c.s.acl[object(account)]; have != granted {
			needs = []rights.Grant{{Account: account, Object: object(account), Identity: "operator", Before: have, Given: granted}}
		}
		return nil
	})
	return needs, err
}

// Grant implements connector.Granter.
func (c granter) Grant(ctx context.Context, g rights.Grant) error {
	return c.s.call(ctx, "target.Grant", g.Account, "", func(*Fault) error { c.s.SetRights(g.Account, g.Given); return nil })
}

// Withdraw implements connector.Granter.
func (c granter) Withdraw(ctx context.Context, g rights.Grant) error {
	return c.s.call(ctx, "target.Withdraw", g.Account, "", func(*Fault) error { c.s.SetRights(g.Account, g.Before); return nil })
}

// SetRights sets what the operator holds on an account's mailbox, where grants
// are needed; empty is what an operator holds without any.
func (s *System) SetRights(account, to string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to == implicit {
		delete(s.acl, object(account))
	} else {
		s.acl[object(account)] = to
	}
}

// Rights lists what the operator holds, by account's object.
func (s *System) Rights() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.acl)
}

// finder is a target that cannot list its accounts.
type finder struct{ *target }

// Accounts implements connector.Target.
func (c finder) Accounts(context.Context) iter.Seq2[directory.User, error] {
	return func(func(directory.User, error) bool) {}
}

// FindAccount implements connector.AccountFinder.
func (c finder) FindAccount(ctx context.Context, id string) (account directory.User, found bool, err error) {
	err = c.s.call(ctx, "target.FindAccount", id, "", func(*Fault) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if a := c.s.accounts[id]; a != nil {
			account, found = a.user, true
		}
		return nil
	})
	return account, found, err
}

var (
	_ connector.Identified    = tellingTarget{}
	_ connector.RoomTeller    = tellingTarget{}
	_ connector.Identified    = tellingSource{}
	_ connector.LargeFinder   = tellingSource{}
	_ connector.Granter       = granter{}
	_ connector.AccountFinder = finder{}
)
