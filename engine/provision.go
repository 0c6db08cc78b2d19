package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"waybill/directory"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/rights"
)

// Provisioned counts what Provision did.
type Provisioned struct {
	AccountsCreated int `json:"accounts_created"`
	AccountsUsed    int `json:"accounts_used"`
	Contacts        int `json:"contacts"`
	Lists           int `json:"lists"`
	Failed          int `json:"failed"`
}

// canCreateAccounts tells whether accounts can be made: by the target itself, in
// a directory, or by the operator's command.
func (m *Migration) canCreateAccounts() bool {
	return m.madeElsewhere() || m.Target.Capabilities().CreateAccounts
}

// Provision makes the plan's accounts, then contacts and lists. An account is
// written to the ledger before it is made, so that one whose making was
// interrupted is ours and not a stranger's of the same name. A failure concerns
// one entry; the error return is for cancellation and a broken ledger.
// It sets the plan's action to conflict for accounts that could not be made.
func (m *Migration) Provision(ctx context.Context, plan *Plan) (Provisioned, error) {
	var done Provisioned
	ours, err := m.ownAccounts(ctx)
	if err != nil {
		return done, err
	}
	for i := range plan.Users {
		u := &plan.Users[i]
		if !u.Moves() {
			continue
		}
		if u.Action == directory.Existing && ours[u.Account] != "intended" {
			done.AccountsUsed++
			continue
		}
		made, err := m.provisionAccount(ctx, *u, ours[u.Account])
		var forgot unremembered
		switch {
		case err != nil && (setup.Stops(err) || ctx.Err() != nil || errors.As(err, &forgot)):
			return done, err
		case err != nil:
			done.Failed++
			u.Action, u.Reason, u.Error = directory.Collide, "the account could not be made", err.Error()
			m.emit(event.Event{Code: event.AccountFailed, User: u.User, Detail: err.Error()})
		case made:
			done.AccountsCreated++
			m.emit(event.Event{Code: event.AccountCreated, User: u.User, Detail: u.Account})
		default:
			done.AccountsUsed++
			m.emit(event.Event{Code: event.AccountExists, User: u.User, Detail: u.Account})
		}
	}
	return done, m.provisionBook(ctx, plan, &done)
}

func (m *Migration) provisionAccount(ctx context.Context, u PlanUser, before string) (made bool, err error) {
	m.step(ctx, "create account", "account", u.Account, "user", u.User)
	if err := m.Ledger.SetProvisioned(ctx, "account", u.Account, "intended"); err != nil {
		return false, unremembered{err}
	}
	err = m.createAccount(ctx, u, before != "")
	stranger, forgot := m.stranger(ctx, u.Account, err)
	if forgot != nil {
		return false, forgot
	}
	if failure.ClassOf(err) == failure.Conflict && err != nil && before != "" && !stranger {
		err = nil // ours, from a run that was interrupted
	} else if err == nil {
		made = true
	}
	if err != nil {
		if failure.ClassOf(err) == failure.Conflict && !stranger {
			return false, fmt.Errorf("somebody else made the account meanwhile: %w", err)
		}
		return false, err
	}
	if err := m.Ledger.SetProvisioned(ctx, "account", u.Account, ledger.ProvisionedMade); err != nil {
		return made, unremembered{err}
	}
	if missing := m.ready(ctx, u.Account); len(missing) > 0 {
		return made, failure.New(failure.Denied, "make ready to be filled", u.Account, "provision.rights", &rights.Refusal{Findings: missing})
	}
	return made, nil
}

// unremembered is an error of the ledger, not of the account that was to be
// written down: the next account would fare no better.
type unremembered struct{ error }

func (u unremembered) Unwrap() error { return u.error }

// provisionBook makes contacts and lists with their members as they are called
// in the target.
func (m *Migration) provisionBook(ctx context.Context, plan *Plan, done *Provisioned) error {
	book, err := m.Source.Book(ctx)
	if err != nil {
		return err
	}
	makeContact, makeList := m.makers()
	if len(book.Contacts) > 0 && makeContact == nil || len(book.Lists) > 0 && makeList == nil {
		m.emit(event.Event{Code: event.DirectoryNotCarried, Detail: fmt.Sprintf("%d contacts, %d lists", len(book.Contacts), len(book.Lists))})
	}
	names := memberNames(plan, book)
	if makeContact != nil {
		for _, c := range book.Contacts {
			if err := makeContact(ctx, c); err != nil {
				if setup.Stops(err) {
					return err
				}
				done.Failed++
				m.emit(event.Event{Code: event.ContactFailed, Key: c.ID, Detail: err.Error()})
				continue
			}
			done.Contacts++
		}
	}
	if makeList == nil {
		return nil
	}
	for _, l := range book.Lists {
		resolved := l
		resolved.Members = nil
		for _, member := range l.Members {
			id, ok := names[strings.ToLower(member)]
			if !ok {
				if _, err := directory.ParseAddress(member); err != nil {
					m.emit(event.Event{Code: event.ListMemberUnknown, Key: l.ID, Detail: member})
				}
				id = member
			}
			resolved.Members = append(resolved.Members, id)
		}
		if err := makeList(ctx, resolved); err != nil {
			if setup.Stops(err) {
				return err
			}
			done.Failed++
			m.emit(event.Event{Code: event.ListFailed, Key: l.ID, Detail: err.Error()})
			continue
		}
		done.Lists++
	}
	return m.finishDirectory(ctx, done)
}

// memberNames maps source IDs, without case, to what they are called in the target.
func memberNames(plan *Plan, book directory.Book) map[string]string {
	names := map[string]string{}
	for _, u := range plan.Users {
		if u.Moves() {
			names[strings.ToLower(u.User)] = u.Account
		}
	}
	for _, c := range book.Contacts {
		names[strings.ToLower(c.ID)] = c.ID
	}
	for _, l := range book.Lists {
		names[strings.ToLower(l.ID)] = l.ID
	}
	return names
}
