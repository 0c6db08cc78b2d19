package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"waybill/directory"
	"waybill/engine"
	"waybill/engine/account"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/report"
	"waybill/rights"
)

// pairFlags name both ends of a migration and the operator's choices.
type pairFlags struct {
	From             string `placeholder:"SYSTEM" help:"The system to move from, for instance maildir:/srv/mail."`
	To               string `placeholder:"SYSTEM" help:"The system to move to, for instance site:new.site."`
	Users            string `placeholder:"CSV" help:"User map: who goes where. Without it every user goes to the account of the same name."`
	Match            string `enum:",name,address" default:"" placeholder:"KEY" help:"Use accounts that exist in the target already when they have the same name, or the same SMTP address."`
	RewriteAddresses bool   `help:"Replace addresses of Exchange, Microsoft Mail and X.400 in the headers of messages by Internet addresses, where somebody knows one (docs/addresses.md)."`
	provisionFlags
	directoryFlags
	peopleFlags
}

type migrateCmd struct {
	Plan string `arg:"" optional:"" placeholder:"PLAN.yaml" help:"A plan that \"waybill plan\" wrote and a person edited."`
	pairFlags
	rightsFlags
	dateFlags
	Ledger          string `default:"waybill.ledger" placeholder:"FILE" help:"The memory of the migration (${default})."`
	Report          string `default:"waybill-report" placeholder:"DIR" help:"Where the waybill is written (${default})."`
	Aside           string `placeholder:"DIR" help:"Where files are kept that could not be read (REPORT/aside)."`
	Yes             bool   `short:"y" help:"Go on without the users whose account is in conflict, and without proofs that this target does not permit; with --mirror-deletions, though so much is gone that it looks like a fault."`
	DryRun          bool   `help:"Stop after the plan."`
	Workers         int    `default:"4" placeholder:"N" help:"Mailboxes at the same time (${default})."`
	RetryExceptions bool   `help:"Try messages again that were set aside or refused for good."`
	All             bool   `help:"Write every message into messages.jsonl, not only the exceptions."`
	MirrorDeletions bool   `help:"Remove from the target what was deleted or moved away in the source since it was delivered, if nobody changed it in the target."`
	MirrorShare     int    `default:"50" placeholder:"PERCENT" help:"With --mirror-deletions: how much of a mailbox may be gone before --yes is asked for (${default})."`
}

func (c *migrateCmd) Run(e *env) error {
	plan, err := c.readPlan()
	if err != nil {
		return err
	}
	if c.DryRun {
		return (&planCmd{pairFlags: c.pairFlags, Ledger: c.Ledger}).Run(e)
	}
	m, done, err := c.open(e)
	if err != nil {
		return err
	}
	defer done()
	r := &migration{env: e, m: m, cmd: c, plan: plan}
	code, err := r.run()
	if err != nil {
		return err
	}
	if code != exitProven {
		return codeError(code)
	}
	return nil
}

// readPlan reads the plan that the command names, nil when it names none, and
// takes both ends from it.
func (c *migrateCmd) readPlan() (*engine.Plan, error) {
	if c.Plan == "" {
		return nil, nil
	}
	plan, err := readPlan(c.Plan)
	if err != nil {
		return nil, err
	}
	c.From, c.To = plan.Source, plan.Target
	if c.Match == "" {
		c.Match = plan.Match
	}
	return plan, nil
}

// open opens both ends and the ledger. done closes them.
func (c *migrateCmd) open(e *env) (m *engine.Migration, done func(), err error) {
	options, err := c.dateFlags.with(engine.Options{Workers: c.Workers, AcceptTrace: c.Yes, RetryExceptions: c.RetryExceptions,
		MirrorDeletions: c.MirrorDeletions, MirrorShare: c.MirrorShare, MirrorSure: c.Yes})
	if err != nil {
		return nil, nil, err
	}
	return e.openMigration(c.pairFlags, c.Ledger, c.rightsFlags.with(options))
}

// openMigration opens both ends and the ledger. done closes them.
func (e *env) openMigration(pair pairFlags, ledgerPath string, options engine.Options) (*engine.Migration, func(), error) {
	if err := pair.check(); err != nil {
		return nil, nil, err
	}
	users, err := e.userMap(pair)
	if err != nil {
		return nil, nil, err
	}
	options = pair.provisionFlags.with(options)
	options.Users, options.Match = users, directory.MatchKey(pair.Match)
	e.users = users
	sourceID, err := e.identity(pair.From, false)
	if err != nil {
		return nil, nil, err
	}
	targetID, err := e.identity(pair.To, true)
	if err != nil {
		return nil, nil, err
	}
	if sourceID == targetID {
		return nil, nil, failure.New(failure.Usage, "open", targetID, "usage.same", errors.New("source and target are the same system")).WithRemedy("name another target")
	}
	var closers []func() error
	done := func() {
		for _, closeOne := range slices.Backward(closers) {
			if err := closeOne(); err != nil && !e.json {
				_, _ = fmt.Fprintln(e.stderr, "waybill: on closing:", err)
			}
		}
	}
	fail := func(err error) (*engine.Migration, func(), error) { done(); return nil, nil, err }
	source, err := e.openSource(pair.From)
	if err != nil {
		return fail(err)
	}
	closers = append(closers, source.Close)
	if source, err = e.withPeople(source, pair.peopleFlags); err != nil {
		return fail(err)
	}
	book, err := ledger.Open(e.ctx, ledgerPath, ledger.Options{Command: "waybill " + strings.Join(e.args, " ")})
	if err != nil {
		return fail(err)
	}
	closers = append(closers, book.Close)
	if err := book.Bind(e.ctx, sourceID, targetID); err != nil {
		return fail(err)
	}
	if err := e.rememberLabels(book, pair.From); err != nil {
		return fail(err)
	}
	if source, err = e.withRewriting(source, pair.RewriteAddresses, book); err != nil {
		return fail(err)
	}
	target, err := e.openTarget(pair.To)
	if err != nil {
		return fail(err)
	}
	closers = append(closers, target.Close)
	m := &engine.Migration{Source: source, Target: target, Ledger: book, Options: options, Log: e.stepLog()}
	closeDirectory, err := e.useDirectory(m, pair.directoryFlags, book)
	if err != nil {
		return fail(err)
	}
	closers = append(closers, closeDirectory)
	return m, done, nil
}

func (p pairFlags) check() error {
	if p.From == "" || p.To == "" {
		return failure.New(failure.Usage, "read the command line", "", "usage.arguments", errors.New("both --from and --to are needed")).
			WithRemedy("for instance: waybill migrate --from maildir:/srv/mail --to site:new.site")
	}
	return nil
}

// migration is one run of "waybill migrate".
type migration struct {
	*env
	m    *engine.Migration
	cmd  *migrateCmd
	plan *engine.Plan
	// keepGrants leaves the rights that were given to the caller to take back.
	keepGrants bool
	// adjust changes the plan before anything is done; may be nil.
	adjust func(*engine.Plan) error

	runID    int64
	display  display
	findings []rights.Finding
	done     engine.Provisioned
	result   engine.Result
}

func (r *migration) run() (code int, err error) {
	run, previous, err := r.m.Ledger.BeginRun(r.ctx, "waybill "+strings.Join(r.args, " "))
	if err != nil {
		return 0, err
	}
	r.runID = run.ID
	r.display = r.newDisplay()
	keep := event.NewBatch(200, time.Second, func(events []event.Event) error {
		return r.m.Ledger.AddEvents(context.WithoutCancel(r.ctx), run.ID, events)
	})
	r.m.Events = event.Fan(newTerminal(r.env, r.display.Line), keep)
	r.m.Progress, r.m.Tried = r.display, triedLine(r.display.Line)
	r.m.Events.Emit(event.Event{Code: event.RunStarted, Time: time.Now(), Detail: r.cmd.From + " to " + r.cmd.To})
	if previous != nil {
		r.m.Events.Emit(event.Event{Code: event.RunResumed, Time: time.Now(), Detail: fmt.Sprintf("run %d began %s on %s", previous.ID, previous.Started.Format(time.RFC3339), previous.Host)})
	}
	runErr := r.steps()
	if !r.keepGrants {
		if left := withdraw(r.ctx, r.m); left != nil {
			runErr = errors.Join(runErr, left)
		}
	}
	r.display.Close()
	cancelled := r.ctx.Err() != nil
	if cancelled {
		r.m.Events.Emit(event.Event{Code: event.RunCancelled, Time: time.Now()})
	}
	// What follows must happen even when somebody pressed Ctrl-C.
	ctx := context.WithoutCancel(r.ctx)
	code, reportErr := r.account(ctx, keep, runErr)
	err = errors.Join(reportErr, r.m.Ledger.EndRun(ctx, run.ID, code))
	if runErr != nil && exitCode(runErr) != exitRefused {
		err = errors.Join(runErr, err)
	}
	return code, err
}

// steps are plan, preflight, provision and copy.
func (r *migration) steps() error {
	if r.plan == nil {
		plan, err := r.m.MakePlan(r.ctx, false)
		if err != nil {
			r.findings, err = refusedEarly(r.m.Events, r.cmd.To, err)
			return err
		}
		r.plan = plan
	} else if err := r.m.Revise(r.ctx, r.plan); err != nil {
		r.findings, err = refusedEarly(r.m.Events, r.cmd.To, err)
		return err
	}
	if r.adjust != nil {
		if err := r.adjust(r.plan); err != nil {
			return err
		}
	}
	conflicts := 0
	for _, u := range r.plan.Users {
		if u.InConflict() && !r.cmd.Yes {
			conflicts++
			r.display.Line(fmt.Sprintf("conflict: %s: %s", printable(u.User), printable(u.Reason)))
		}
	}
	if conflicts > 0 {
		return failure.New(failure.Usage, "match accounts", r.cmd.To, "plan.conflicts", fmt.Errorf("%d users are in conflict; nothing was changed", conflicts)).
			WithRemedy("decide in a user map (--users) or plan file, state a key (--match), or go on without them (--yes)")
	}
	quiet, err := r.m.NothingToDo(r.ctx, r.plan)
	if err != nil {
		return err
	}
	if !quiet {
		if r.findings, err = r.m.Preflight(r.ctx, r.plan); err != nil {
			return err
		}
	}
	if r.done, err = r.m.Provision(r.ctx, r.plan); err != nil {
		return err
	}
	if err := r.rewriteAddresses(r.ctx); err != nil {
		return err
	}
	r.result, err = r.m.Copy(r.ctx, r.plan, r.runID)
	return err
}

// account writes the waybill and says how it went.
func (r *migration) account(ctx context.Context, keep *event.Batch, runErr error) (int, error) {
	if err := account.Remember(ctx, r.m, r.findings, r.done, r.result); err != nil {
		return exitIncomplete, err
	}
	if err := keep.Flush(); err != nil {
		return exitIncomplete, err
	}
	judge := func(w *report.Waybill) int {
		switch {
		case r.ctx.Err() != nil:
			return exitCancelled
		case runErr != nil:
			return exitCode(runErr)
		}
		return w.ExitCode()
	}
	w, err := writeWaybill(ctx, r.m.Ledger, r.cmd.Report, r.cmd.All, judge)
	if err != nil {
		return exitIncomplete, err
	}
	code := judge(w)
	r.conclude(w, code)
	recovered, err := recoverLines(ctx, r.m, r.cmd.Report)
	if err != nil {
		return code, err
	}
	aside, err := r.keepAside(ctx)
	if err != nil {
		return code, err
	}
	r.m.Events.Emit(event.Event{Code: event.ReportWritten, Time: time.Now(), Detail: r.cmd.Report})
	r.m.Events.Emit(event.Event{Code: event.RunFinished, Time: time.Now(), Detail: fmt.Sprintf("exit code %d", code)})
	if r.json {
		r.emitJSON(map[string]any{"type": "summary", "totals": w.Totals, "mailboxes": len(w.Mailboxes), "report": r.cmd.Report, "code": code})
	} else {
		for _, f := range r.findings {
			if !f.OK {
				r.say("%s", printable(f.String()))
			}
		}
		r.say("%s\nThe waybill lies in %s (open %s/report.html).", strings.TrimRight(report.Summary(w), "\n"), r.cmd.Report, strings.TrimRight(r.cmd.Report, "/"))
		r.tellRecovered(recovered, r.cmd.Report)
		r.tellAside(aside)
	}
	if err := keep.Close(); err != nil {
		return code, err
	}
	return code, report.WriteEvents(ctx, r.cmd.Report, r.m.Ledger.Events(ctx, 0))
}

// conclude tells as events what only the whole account shows.
func (r *migration) conclude(w *report.Waybill, code int) {
	now := time.Now()
	for _, kind := range slices.Sorted(maps.Keys(w.Notes)) {
		r.m.Events.Emit(event.Event{Code: event.NotCarried, Time: now, Detail: fmt.Sprintf("%s: %d", kind, w.Notes[kind])})
	}
	for _, b := range w.Mailboxes {
		if b.Count.Found == 0 && b.State == report.Complete {
			r.m.Events.Emit(event.Event{Code: event.MailboxEmpty, Time: now, User: b.User})
		}
	}
	for _, fault := range w.Faults() {
		r.m.Events.Emit(event.Event{Code: event.ArithmeticBroken, Time: now, Detail: fault})
	}
	if code == exitProven {
		r.m.Events.Emit(event.Event{Code: event.VerifyPassed, Time: now, Detail: fmt.Sprintf("%d messages", w.Totals.Verified)})
	}
}

// writeWaybill writes the waybill of the last run. judge, when given, tells how
// a run ends that writes its own.
func writeWaybill(ctx context.Context, l *ledger.Ledger, dir string, all bool, judge func(*report.Waybill) int) (*report.Waybill, error) {
	w, err := account.Make(ctx, l, Version(), time.Now())
	if err != nil {
		return nil, err
	}
	if judge != nil && len(w.Runs) > 0 {
		w.Run.Ended, w.Run.Exit = w.Written, judge(w)
		w.Runs[len(w.Runs)-1] = w.Run
	}
	return w, report.Write(ctx, dir, w, account.Lines(ctx, l, all))
}
