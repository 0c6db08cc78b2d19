package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/engine/preflight"
	"waybill/engine/provisioner"
	"waybill/event"
	"waybill/failure"
)

// How long a server is given to notice an account that a command made: pauses
// that double, six seconds in all.
const (
	firstLook = 100 * time.Millisecond
	lastLook  = 3200 * time.Millisecond
)

// commandMaker makes accounts with the operator's command, for targets that
// cannot, or not whole.
type commandMaker struct{ m *Migration }

var _ preflight.Maker = commandMaker{}

// Can implements preflight.Maker.
func (c commandMaker) Can() (create, remove bool) { return true, c.m.Options.DeprovisionCommand != "" }

// CreateAccount implements preflight.Maker, for canary accounts.
func (c commandMaker) CreateAccount(ctx context.Context, u directory.User) error {
	return c.create(ctx, provisioner.Facts{User: u.ID, Account: u.ID, Entry: u})
}

// DeleteAccount implements preflight.Maker.
func (c commandMaker) DeleteAccount(ctx context.Context, id string) error {
	return c.m.command(c.m.Options.DeprovisionCommand).Run(ctx, provisioner.Facts{User: id, Account: id})
}

// create runs the command and looks whether the account is there after it.
func (c commandMaker) create(ctx context.Context, f provisioner.Facts) error {
	if err := c.m.command(c.m.Options.ProvisionCommand).Run(ctx, f); err != nil {
		return err
	}
	return c.m.noticed(ctx, f.Account, "the provisioning command ended with 0", "look at what the command did; the server may have to be told to read its users again")
}

// noticed waits until the target knows an account that was made elsewhere.
func (m *Migration) noticed(ctx context.Context, account, done, remedy string) error {
	err := m.there(ctx, account)
	_, remote := m.Target.(connector.AccountFinder)
	for pause := firstLook; remote && err != nil && pause <= lastLook && failure.ClassOf(err) != failure.Cancelled; pause *= 2 {
		// A server may look at its users now and then only: Dovecot looks at a
		// passwd-file once a second.
		if m.Clock.Wait(ctx, pause) != nil {
			break
		}
		err = m.there(ctx, account)
	}
	if err == nil || failure.ClassOf(err) == failure.Cancelled {
		return err
	}
	return failure.New(failure.Denied, "create account", account, "provision.not-there", fmt.Errorf("%s, and the account cannot be used: %w", done, err)).WithRemedy(remedy)
}

// there tells whether the target knows an account.
func (m *Migration) there(ctx context.Context, account string) error {
	if finder, ok := m.Target.(connector.AccountFinder); ok {
		_, found, err := finder.FindAccount(ctx, account)
		if err == nil && !found {
			err = errors.New("there is no such account")
		}
		return err
	}
	box, err := m.Target.Mailbox(ctx, account)
	if err != nil {
		return err
	}
	return box.Close()
}

func (m *Migration) command(line string) provisioner.Command {
	return provisioner.Command{Line: line, Timeout: m.Options.ProvisionTimeout, Told: func(account, text string) {
		m.emit(event.Event{Code: event.ProvisionCommandRan, User: account, Detail: text})
	}}
}

// maker is who makes accounts; nil is the target itself.
func (m *Migration) maker() preflight.Maker {
	switch {
	case m.Directory != nil:
		return directoryMaker{m}
	case m.Options.ProvisionCommand != "":
		return commandMaker{m}
	}
	return nil
}

// madeElsewhere reports whether something else than the target makes accounts.
func (m *Migration) madeElsewhere() bool {
	return m.Directory != nil || m.Options.ProvisionCommand != ""
}

// createAccount makes a user's account. again says that an earlier run began to.
func (m *Migration) createAccount(ctx context.Context, u PlanUser, again bool) error {
	switch {
	case m.Directory != nil:
		return directoryMaker{m}.create(ctx, u.DirectoryUser(), again, m.Directory.CreateAccount)
	case m.Options.ProvisionCommand == "":
		return m.Target.CreateAccount(ctx, u.DirectoryUser())
	}
	return commandMaker{m}.create(ctx, provisioner.Facts{User: u.User, Account: u.Account, Again: again, Entry: u.DirectoryUser()})
}
