package engine

import (
	"context"
	"errors"

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
	return d.create(ctx, u, false, d.m.Directory.CreateCanary)
}

// create makes an account in the directory, and where the target keeps mailboxes
// that somebody has to make, as Cyrus does, makes that too. Then it waits until
// the target knows it. again says that an earlier run began to.
func (d directoryMaker) create(ctx context.Context, u directory.User, again bool, inDirectory func(context.Context, directory.User) error) error {
	caps := d.m.Target.Capabilities()
	if u.Kind == directory.Public {
		return d.m.Target.CreateAccount(ctx, u) // public folders have no account
	}
	if err := inDirectory(ctx, u); err != nil {
		if failure.ClassOf(err) == failure.Conflict {
			return taken{err}
		}
		return err
	}
	if caps.CreateAccounts {
		err := d.m.Target.CreateAccount(ctx, u)
		if err != nil && (!again || failure.ClassOf(err) != failure.Conflict) {
			return err
		}
	}
	return d.m.noticed(ctx, u.ID, "the directory made it", "does the mail server take its users from this directory, and from this part of it?")
}

// DeleteAccount implements preflight.Maker. The mailbox goes first: without its
// account nobody might find it again.
func (d directoryMaker) DeleteAccount(ctx context.Context, id string) error {
	if d.m.Target.Capabilities().DeleteAccounts {
		if err := d.m.Target.DeleteAccount(ctx, id); err != nil && failure.ClassOf(err) != failure.Vanished {
			return err
		}
	}
	return d.m.Directory.Delete(ctx, id)
}

// taken is the directory's word that an account is somebody else's.
type taken struct{ error }

func (t taken) Unwrap() error { return t.error }

// stranger forgets that an account was to be made when the directory found that
// somebody else has it: a later run must not take it for its own.
func (m *Migration) stranger(ctx context.Context, account string, err error) (yes bool, forgot error) {
	if _, ok := errors.AsType[taken](err); !ok {
		return false, nil
	}
	if err := m.Ledger.SetProvisioned(context.WithoutCancel(ctx), "account", account, ledger.ProvisionedRemoved); err != nil {
		return true, unremembered{err}
	}
	return true, nil
}

// makers are what makes contacts and lists; nil for what nobody can make.
func (m *Migration) makers() (contact func(context.Context, directory.Contact) error, list func(context.Context, directory.List) error) {
	caps := m.Target.Capabilities()
	if caps.Contacts {
		contact = m.Target.CreateContact
	}
	if caps.Lists {
		list = m.Target.CreateList
	}
	if m.Directory == nil {
		return contact, list
	}
	inTarget, listInTarget := contact, list
	contact = func(ctx context.Context, c directory.Contact) error {
		err := m.Directory.CreateContact(ctx, c)
		if err == nil && inTarget != nil {
			err = inTarget(ctx, c)
		}
		return err
	}
	list = func(ctx context.Context, l directory.List) error {
		err := m.Directory.CreateList(ctx, l)
		if err == nil && listInTarget != nil {
			err = listInTarget(ctx, l)
		}
		return err
	}
	return contact, list
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
