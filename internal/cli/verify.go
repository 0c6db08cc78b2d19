package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"waybill/connector"
	"waybill/engine"
	"waybill/event"
	"waybill/ledger"
	"waybill/rights"
)

type verifyCmd struct {
	Ledger  string `default:"waybill.ledger" placeholder:"FILE" help:"The migration's ledger (${default})."`
	To      string `placeholder:"SYSTEM" help:"The target, when it is reached by another name than during the run."`
	Users   string `placeholder:"CSV" help:"The user map of the run, where a server wants each user's own logon."`
	Grant   bool   `help:"Where the operator may not read the mailboxes: give the right for the time of the verification, and take it back at its end."`
	Workers int    `default:"4" placeholder:"N" help:"Mailboxes at the same time (${default})."`
}

func (c *verifyCmd) Run(e *env) error {
	l, err := c.openLedger(e)
	if err != nil {
		return err
	}
	defer l.Close()
	if c.To == "" {
		if _, c.To, err = l.Pair(e.ctx); err != nil {
			return err
		}
	}
	if e.users, err = readUserMap(c.Users); err != nil {
		return err
	}
	target, done, err := e.openTargetToLook(c.To)
	if err != nil {
		return err
	}
	defer done()
	defer target.Close()
	sum, err := c.look(e, target, l)
	if err != nil {
		return err
	}
	level := target.Capabilities().Fidelity.String()
	if e.json {
		e.emitJSON(map[string]any{"type": "verified", "level": level, "sum": sum})
	} else {
		e.say("%d messages (%s) read back and compared by %s: %d as delivered, %d missing, %d different, %d unreadable; flags of %d were changed since, which is no fault.",
			sum.Messages, size(sum.Bytes), level, sum.Verified, sum.Missing, sum.Differs, sum.Unread, sum.Remarked)
	}
	switch {
	case sum.Good() && sum.Messages > 0:
		return nil
	case sum.Messages == 0:
		e.say("The ledger has no verified message: there is nothing to compare, and nothing was proven.")
		return codeError(exitIncomplete)
	}
	return codeError(exitExceptions)
}

// openLedger opens the ledger: to look, or, where rights are to be given, to
// write them down first.
func (c *verifyCmd) openLedger(e *env) (*ledger.Ledger, error) {
	l, err := openLedgerToLook(e, c.Ledger)
	if err != nil || !c.Grant {
		return l, err
	}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return ledger.Open(e.ctx, c.Ledger, ledger.Options{Command: "waybill " + strings.Join(e.args, " ")})
}

// look reads everything back, with the rights that it needs where the operator
// said so.
func (c *verifyCmd) look(e *env, target connector.Target, l *ledger.Ledger) (sum engine.Checked, err error) {
	m := &engine.Migration{Target: target, Ledger: l, Options: engine.Options{Grant: c.Grant}, Log: e.stepLog()}
	boxes, err := l.List(e.ctx)
	if err != nil {
		return sum, err
	}
	accounts := make([]string, len(boxes))
	for i, b := range boxes {
		accounts[i] = b.Account
	}
	if c.Grant {
		runs, err := l.Runs(e.ctx)
		if err != nil {
			return sum, err
		}
		var run int64
		if len(runs) > 0 {
			run = runs[len(runs)-1].ID
		}
		keep := event.NewBatch(1, 0, func(events []event.Event) error { return l.AddEvents(context.WithoutCancel(e.ctx), run, events) })
		m.Events = event.Fan(newTerminal(e, func(line string) { _, _ = fmt.Fprintln(e.stderr, line) }), keep)
		defer func() { err = errors.Join(err, withdraw(e.ctx, m), keep.Close()) }()
		if err := m.WithdrawGrants(e.ctx); err != nil && e.ctx.Err() != nil {
			return sum, err // any other is told as an event, and once more at the end
		}
		if missing := m.GrantFor(e.ctx, accounts); len(missing) > 0 {
			e.sayFindings(missing)
			return sum, engine.ErrRefused
		}
	}
	var mu sync.Mutex
	sum, err = engine.VerifyTarget(e.ctx, target, l, c.Workers, func(check engine.Check) {
		mu.Lock()
		defer mu.Unlock()
		if e.json {
			e.emitJSON(map[string]any{"type": "difference", "message": check})
			return
		}
		e.say("%s: %s %s %s: %s", check.State, printable(check.User), printable(string(check.Folder)), printable(check.Key), printable(check.Reason))
	})
	if err == nil && sum.Unread > 0 && !c.Grant {
		e.sayFindings(m.GrantFor(e.ctx, accounts))
	}
	return sum, err
}

// sayFindings prints what is missing.
func (e *env) sayFindings(findings []rights.Finding) {
	for _, f := range findings {
		if e.json {
			e.emitJSON(map[string]any{"type": "finding", "finding": f})
			continue
		}
		e.say("%s", printable(f.String()))
	}
}
