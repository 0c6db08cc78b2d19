package cli

import (
	"fmt"

	"waybill/engine"
)

type preflightCmd struct {
	pairFlags
	Yes bool `short:"y" help:"Go without proofs that this target does not permit."`
}

func (c *preflightCmd) Run(e *env) error {
	m, done, err := e.lookAtPair(c.pairFlags, engine.Options{AcceptTrace: c.Yes})
	if err != nil {
		return err
	}
	defer done()
	m.Events = newTerminal(e, func(line string) {
		if e.verbose {
			_, _ = fmt.Fprintln(e.stderr, line)
		}
	})
	plan, err := m.MakePlan(e.ctx, false)
	if err != nil {
		return err
	}
	findings, err := m.Preflight(e.ctx, plan)
	for _, f := range findings {
		if e.json {
			e.emitJSON(map[string]any{"type": "finding", "finding": f})
			continue
		}
		e.say("%s", printable(f.String()))
	}
	if err == nil {
		e.say("Preflight passed: %d checks; nothing was left behind.", len(findings))
	}
	return err
}
