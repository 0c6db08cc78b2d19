package engine

import (
	"context"

	"waybill/directory"
	"waybill/engine/preflight"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/rights"
)

// Directory makes accounts, contacts and lists beside a target that takes its
// users from there. Everything in it may be called again: what this migration
// made already is completed and not made twice, and what somebody else made is
// an error of class Conflict.
type Directory interface {
	CreateAccount(ctx context.Context, u directory.User) error
	CreateContact(ctx context.Context, c directory.Contact) error
	CreateList(ctx context.Context, l directory.List) error
	// CreateCanary is CreateAccount for one that is removed again at once.
	CreateCanary(ctx context.Context, u directory.User) error
	// Finish completes lists whose members came after them.
	Finish(ctx context.Context) error
	// Delete removes an account that this migration made.
	Delete(ctx context.Context, id string) error
	// Prove proves the rights to make what is needed, and leaves nothing behind.
	Prove(ctx context.Context, accounts, contacts, lists bool) ([]rights.Finding, error)
}

// directoryMaker makes accounts in the directory.
type directoryMaker struct{ m *Migration }

var _ preflight.Maker = directoryMaker{}

// Can implements preflight.Maker.
func (d directoryMaker) Can() (create, remove bool) { return true, true }

// CreateAccount implements preflight.Maker, for canary accounts.
func (d directoryMaker) CreateAccount(ctx context.Context, u directory.User) error {
	return d.create(ctx, u, d.m.Directory.CreateCanary)
}

// create makes an account in the directory, and waits until the target knows it.
func (d directoryMaker) create(ctx context.Context, u directory.User, inDirectory func(context.Context, directory.User) error) error {
	if u.Kind == directory.Public {
		return d.m.Target.CreateAccount(ctx, u) // public folders have no account
	}
	if err := inDirectory(ctx, u); err != nil {
		return err
	}
	return d.m.noticed(ctx, u.ID, "the directory made it", "does the mail server take its users from this directory, and from this part of it?")
}

// DeleteAccount implements preflight.Maker.
func (d directoryMaker) DeleteAccount(ctx context.Context, id string) error {
	return d.m.Directory.Delete(ctx, id)
}

// stranger forgets that an account was to be made when the directory found that
// somebody else has it: a later run must not take it for its own.
func (m *Migration) stranger(ctx context.Context, account string, err error) error {
	if m.Directory == nil || failure.ClassOf(err) != failure.Conflict {
		return err
	}
	if forgot := m.Ledger.SetProvisioned(context.WithoutCancel(ctx), "account", account, ledger.ProvisionedRemoved); forgot != nil {
		return unremembered{forgot}
	}
	return err
}

// proveDirectory proves the rights in the directory for what the plan makes there.
func (m *Migration) proveDirectory(ctx context.Context, plan *Plan) ([]rights.Finding, error) {
	if m.Directory == nil {
		return nil, nil
	}
	accounts := false
	for _, u := range plan.Users {
		accounts = accounts || u.Moves() && u.Action == directory.Create && u.Kind != string(directory.Public)
	}
	book, err := m.Source.Book(ctx)
	if err != nil {
		return nil, err
	}
	return m.Directory.Prove(ctx, accounts, len(book.Contacts) > 0, len(book.Lists) > 0)
}

// finishDirectory completes lists in lists.
func (m *Migration) finishDirectory(ctx context.Context, done *Provisioned) error {
	if m.Directory == nil {
		return nil
	}
	if err := m.Directory.Finish(ctx); err != nil {
		if setup.Stops(err) {
			return err
		}
		done.Failed++
		m.emit(event.Event{Code: event.ListFailed, Detail: err.Error()})
	}
	return nil
}

// ownAccounts are the accounts that this migration makes or made, with their
// states.
func (m *Migration) ownAccounts(ctx context.Context) (map[string]string, error) {
	states, err := m.Ledger.Provisioned(ctx, "account")
	for id, state := range states {
		if state == ledger.ProvisionedRemoved {
			delete(states, id) // somebody else has it
		}
	}
	return states, err
}
