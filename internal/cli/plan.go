package cli

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"text/tabwriter"

	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
	"waybill/ledger"
)

type planCmd struct {
	pairFlags
	Ledger string `default:"waybill.ledger" placeholder:"FILE" help:"A ledger of an earlier run, if there is one: accounts that it made are known (${default})."`
	Out    string `short:"o" placeholder:"PLAN.yaml" help:"Write the plan to this file, to be edited and run."`
	Quick  bool   `help:"Do not count messages where that means reading everything."`
}

func (c *planCmd) Run(e *env) error {
	m, done, err := e.lookAtPair(c.pairFlags, engine.Options{})
	if err != nil {
		return err
	}
	defer done()
	m.Events = newTerminal(e, func(line string) { _, _ = fmt.Fprintln(e.stderr, line) })
	if book, err := openLedgerToLook(e, c.Ledger); err == nil {
		defer book.Close()
		m.Ledger = book
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	plan, err := m.MakePlan(e.ctx, !c.Quick)
	if err != nil {
		return err
	}
	// The plan names the systems as the operator did, in full.
	if plan.Source, err = e.identity(c.From, false); err != nil {
		return err
	}
	if plan.Target, err = e.identity(c.To, true); err != nil {
		return err
	}
	if e.json {
		e.emitJSON(map[string]any{"type": "plan", "plan": plan})
	} else {
		e.showPlan(plan)
	}
	if c.RewriteAddresses {
		table, err := e.oldAddresses(e.ctx, m, plan)
		if err != nil {
			return err
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "old-addresses", "known": table.Len()})
		}
		e.say("%s.", knownLine(table))
	}
	if c.Out == "" {
		return nil
	}
	if err := writePlan(c.Out, plan); err != nil {
		return failure.New(failure.ClassOf(err), "write plan", c.Out, "plan.write", err)
	}
	e.say("\nThe plan is in %s. Edit it, then run: waybill migrate %s", c.Out, c.Out)
	return nil
}

// openLedgerToLook opens a ledger for reading, beside a running migration too.
func openLedgerToLook(e *env, path string) (*ledger.Ledger, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, failure.New(failure.Usage, "open ledger", path, "ledger.missing", err).WithRemedy("name the ledger with --ledger")
	}
	return ledger.Open(e.ctx, path, ledger.Options{ReadOnly: true})
}

// lookAtPair opens both ends without a ledger of its own and without changing
// the target. done closes them.
func (e *env) lookAtPair(pair pairFlags, options engine.Options) (m *engine.Migration, done func(), err error) {
	if err := pair.check(); err != nil {
		return nil, nil, err
	}
	if options.Users, err = e.userMap(pair); err != nil {
		return nil, nil, err
	}
	options = pair.provisionFlags.with(options)
	options.Match = directory.MatchKey(pair.Match)
	e.users = options.Users
	source, err := e.openSource(pair.From)
	if err != nil {
		return nil, nil, err
	}
	closeSource := source.Close
	if source, err = e.withPeople(source, pair.peopleFlags); err != nil {
		_ = closeSource()
		return nil, nil, err
	}
	target, forget, err := e.openTargetToLook(pair.To)
	if err != nil {
		_ = source.Close()
		return nil, nil, err
	}
	m = &engine.Migration{Source: source, Target: target, Options: options, Log: e.stepLog()}
	closeDirectory := func() error { return nil }
	done = func() {
		_ = closeDirectory()
		_ = target.Close()
		forget()
		_ = source.Close()
	}
	if closeDirectory, err = e.useDirectory(m, pair.directoryFlags, nil); err != nil {
		done()
		return nil, nil, err
	}
	return m, done, nil
}

func (e *env) showPlan(plan *engine.Plan) {
	e.say("From %s\nTo   %s\n", plan.Source, plan.Target)
	w := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "USER\tACCOUNT\tACTION\tFOLDERS\tMESSAGES\tSIZE\tREMARK")
	for _, u := range plan.Users {
		remark := u.Error
		if remark == "" && u.Action != directory.Create {
			remark = u.Reason
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", printable(u.User), printable(u.Account), u.Action, len(u.Folders), count(u.Messages), size(u.Bytes), printable(remark))
		for _, f := range u.Folders {
			if !e.verbose && f.Path == f.Target && len(f.Notes) == 0 {
				continue
			}
			name := printable(string(f.Path))
			if f.Target != f.Path {
				name += " -> " + printable(string(f.Target))
			}
			var note strings.Builder
			for _, n := range f.Notes {
				note.WriteString(printable(n))
				note.WriteString("; ")
			}
			_, _ = fmt.Fprintf(w, "  %s\t\t\t\t%s\t%s\t%s\n", name, count(f.Messages), size(f.Bytes), &note)
		}
	}
	_ = w.Flush()
	t := plan.Totals
	e.say("\n%d users to move, %d skipped, %d in conflict; %d folders, %s messages, %s; %d contacts, %d lists",
		t.Users, t.Skipped, t.Conflicts, t.Folders, count(t.Messages), size(t.Bytes), plan.Contacts, plan.Lists)
	if len(plan.Losses) > 0 {
		e.say("The target cannot hold (what is lost is noted for each message):")
		var names []string
		for name := range plan.Losses {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			e.say("  %s", name)
		}
	}
}
