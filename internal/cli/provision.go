package cli

import (
	"context"
	"fmt"
	"time"

	"waybill/engine"
)

// provisionFlags are the operator's commands for accounts, for targets that
// cannot make them.
type provisionFlags struct {
	ProvisionCommand   string        `placeholder:"COMMAND" help:"Make each account with this line for sh, which finds the user in WAYBILL_ACCOUNT, WAYBILL_NAME and so on (docs/provisioning.md)."`
	DeprovisionCommand string        `placeholder:"COMMAND" help:"Remove an account with this line for sh; preflight removes its canary accounts with it."`
	ProvisionTimeout   time.Duration `default:"60s" placeholder:"TIME" help:"How long one such command may take (${default})."`
}

// with adds the flags to a migration's options.
func (f provisionFlags) with(o engine.Options) engine.Options {
	o.ProvisionCommand, o.DeprovisionCommand, o.ProvisionTimeout = f.ProvisionCommand, f.DeprovisionCommand, f.ProvisionTimeout
	return o
}

// rightsFlags say how rights are proven, and whether they may be given.
type rightsFlags struct {
	Preflight string `enum:"sample,all" default:"sample" placeholder:"HOW" help:"Try two mailboxes at the same time and a sample of the others (sample), or every one (all)."`
	Grant     bool   `help:"Where the operator may make mailboxes and not fill them: give the right for the time of the run, and take it back at its end."`
}

// with adds the flags to a migration's options.
func (f rightsFlags) with(o engine.Options) engine.Options {
	o.Grant, o.PreflightAll = f.Grant, f.Preflight == "all"
	return o
}

// triedLine tells how far a preflight of many mailboxes is.
func triedLine(print func(line string)) func(done, total int) {
	return func(done, total int) { print(fmt.Sprintf("preflight: %d of %d mailboxes tried", done, total)) }
}

// withdraw takes back the rights that were given for the run, also when somebody
// pressed Ctrl-C.
func withdraw(ctx context.Context, m *engine.Migration) error {
	return m.WithdrawGrants(context.WithoutCancel(ctx))
}
