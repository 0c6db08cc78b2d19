package cli

import (
	"errors"
	"fmt"
	"strings"

	"waybill/engine"
	"waybill/ledger"
	"waybill/rights"
)

type preflightCmd struct {
	pairFlags
	rightsFlags
	Ledger  string `placeholder:"FILE" help:"The memory of the migration: what an interrupted preflight left is removed, and rights that a run left are taken back. With --grant it is needed, and waybill.ledger when it is not named."`
	Yes     bool   `short:"y" help:"Go without proofs that this target does not permit, and without what the source denies."`
	Workers int    `default:"4" placeholder:"N" help:"Mailboxes at the same time (${default})."`
}

func (c *preflightCmd) Run(e *env) error {
	m, done, err := e.lookAtPair(c.pairFlags, c.rightsFlags.with(engine.Options{AcceptTrace: c.Yes, Workers: c.Workers}))
	if err != nil {
		return err
	}
	defer done()
	forget, err := c.openLedger(e, m)
	if err != nil {
		return err
	}
	defer forget()
	line := func(line string) { _, _ = fmt.Fprintln(e.stderr, line) }
	m.Events = newTerminal(e, func(text string) {
		// Findings are printed below; rights that were given are told at once.
		if e.verbose || strings.HasPrefix(text, "W2014") {
			line(text)
		}
	})
	if !e.json {
		m.Tried = triedLine(line)
	}
	findings, err := c.prove(e, m)
	for _, f := range findings {
		if e.json {
			e.emitJSON(map[string]any{"type": "finding", "finding": f})
			continue
		}
		e.say("%s", printable(findingLine(f)))
	}
	if err == nil {
		e.say("Preflight passed: %d checks; nothing was left behind.", len(findings))
	}
	return err
}

func (c *preflightCmd) prove(e *env, m *engine.Migration) (findings []rights.Finding, err error) {
	defer func() {
		if left := withdraw(e.ctx, m); left != nil {
			err = errors.Join(err, left)
		}
	}()
	plan, err := m.MakePlan(e.ctx, false)
	if err != nil {
		return refusedEarly(m.Events, c.To, err)
	}
	return m.Preflight(e.ctx, plan)
}

// openLedger opens the ledger that the command names. Without one a preflight
// keeps no memory, and may not give rights.
func (c *preflightCmd) openLedger(e *env, m *engine.Migration) (done func(), err error) {
	path := c.Ledger
	if path == "" && c.Grant {
		path = "waybill.ledger"
	}
	if path == "" {
		return func() {}, nil
	}
	sourceID, err := e.identity(c.From, false)
	if err != nil {
		return nil, err
	}
	targetID, err := e.identity(c.To, true)
	if err != nil {
		return nil, err
	}
	book, err := ledger.Open(e.ctx, path, ledger.Options{Command: "waybill " + strings.Join(e.args, " ")})
	if err != nil {
		return nil, err
	}
	done = func() {
		if err := book.Close(); err != nil && !e.json {
			_, _ = fmt.Fprintln(e.stderr, "waybill: on closing:", err)
		}
	}
	if err := book.Bind(e.ctx, sourceID, targetID); err != nil {
		done()
		return nil, err
	}
	m.Ledger = book
	return done, nil
}

// findingLine is a finding as it is printed: one that is in order and has
// something to tell, such as messages that are too large, tells it.
func findingLine(f rights.Finding) string {
	if f.OK && f.Event != "" && f.Detail != "" {
		return f.String() + " (" + f.Detail + ")"
	}
	return f.String()
}
