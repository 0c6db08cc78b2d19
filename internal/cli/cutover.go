package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"waybill/engine"
	"waybill/event"
	"waybill/failure"
	"waybill/report"
)

type cutoverCmd struct {
	migrateCmd
	Full       bool          `help:"Read every message back from the target before the end, instead of looking whether it is there."`
	UntilQuiet time.Duration `placeholder:"TIME" help:"Repeat the delta until nothing arrived in the source for that long, for instance 60s."`
	AtMost     time.Duration `default:"1h" placeholder:"TIME" help:"With --until-quiet: how long to wait for quiet (${default})."`
}

// cutover is one run of "waybill cutover".
type cutover struct {
	*env
	cmd *cutoverCmd
	m   *engine.Migration

	plan  *engine.Plan // of the last delta
	runID int64
	since time.Time // when the last delta began
	code  int       // of the last delta
}

func (c *cutoverCmd) Run(e *env) error {
	if c.UntilQuiet < 0 || c.AtMost < 0 {
		return failure.New(failure.Usage, "read the command line", "", "usage.arguments", errors.New("--until-quiet and --at-most need a time such as 60s or 5m")).
			WithRemedy("see waybill cutover --help")
	}
	if c.DryRun {
		return c.migrateCmd.Run(e)
	}
	if _, err := c.readPlan(); err != nil {
		return err
	}
	m, done, err := c.open(e)
	if err != nil {
		return err
	}
	defer done()
	r := &cutover{env: e, cmd: c, m: m}
	code, err := r.run()
	if err != nil {
		return err
	}
	if code != exitProven {
		return codeError(code)
	}
	return nil
}

// run goes through the rounds. Rights that are given for it are kept until its
// end, because a verification needs them too, and taken back then, whatever
// happened.
func (r *cutover) run() (int, error) {
	late, code, err := r.rounds()
	if left := withdraw(r.ctx, r.m); left != nil {
		err = errors.Join(err, left)
	}
	if err != nil || late == nil {
		return code, errors.Join(err, r.tell(code))
	}
	return r.conclude(*late, code)
}

// rounds are the last delta, the verification and the last look at the source,
// and all of it again while mail arrives and there is time. No arrivals are
// returned when there was no sense in looking for them.
func (r *cutover) rounds() (*engine.Arrivals, int, error) {
	deadline := time.Now().Add(r.cmd.AtMost)
	for {
		if err := r.delta(); err != nil || r.code > exitIncomplete {
			return nil, r.code, err
		}
		late, err := r.settle(deadline)
		if err != nil {
			return nil, exitIncomplete, err
		}
		again := r.cmd.UntilQuiet > 0 && time.Now().Before(deadline)
		if !late.Quiet() && again {
			continue
		}
		verified, err := r.verify()
		if err != nil {
			return nil, exitIncomplete, err
		}
		if late, err = r.m.Late(r.ctx, r.plan); err != nil {
			return nil, exitIncomplete, err
		}
		if !late.Quiet() && again && time.Now().Before(deadline) {
			continue
		}
		return &late, max(r.code, verified), nil
	}
}

// delta runs the migration once more. Its exit code decides whether there is any
// sense in going on.
func (r *cutover) delta() error {
	r.since = time.Now()
	plan, err := r.cmd.readPlan()
	if err != nil {
		return err
	}
	run := &migration{env: r.env, m: r.m, cmd: &r.cmd.migrateCmd, plan: plan, keepGrants: true}
	r.code, err = run.run()
	r.plan, r.runID = run.plan, run.runID
	return err
}

// settle waits until nothing arrived for as long as the operator asked. It
// returns at once when something did.
func (r *cutover) settle(deadline time.Time) (engine.Arrivals, error) {
	quiet := r.since.Add(r.cmd.UntilQuiet)
	for {
		late, err := r.m.Late(r.ctx, r.plan)
		left := min(time.Until(quiet), time.Until(deadline))
		if err != nil || !late.Quiet() || left <= 0 {
			return late, err
		}
		r.say("Quiet since %s; waiting until %s.", clockTime(r.since), clockTime(time.Now().Add(left)))
		timer := time.NewTimer(min(left, max(r.cmd.UntilQuiet/4, 100*time.Millisecond)))
		select {
		case <-timer.C:
		case <-r.ctx.Done():
			timer.Stop()
			return late, failure.New(failure.Cancelled, "wait for quiet", "", "run.cancelled", context.Cause(r.ctx)).WithRemedy("run the same command again to go on")
		}
	}
}

// verify proves the target once more.
func (r *cutover) verify() (int, error) {
	look, how := engine.VerifyPresence, "looked for in the target"
	if r.cmd.Full {
		look, how = engine.VerifyTarget, "read back and compared by "+r.m.Target.Capabilities().Fidelity.String()
	}
	if r.cmd.Grant {
		// A delta that found nothing to do gave no rights.
		var accounts []string
		for _, u := range r.plan.Users {
			if u.Moves() {
				accounts = append(accounts, u.Account)
			}
		}
		if missing := r.m.GrantFor(r.ctx, accounts); len(missing) > 0 {
			r.sayFindings(missing)
			return exitIncomplete, failure.New(failure.Denied, "verify", r.cmd.To, "grant.refused", errors.New("the rights to look at the target could not be given"))
		}
	}
	var mu sync.Mutex
	sum, err := look(r.ctx, r.m.Target, r.m.Ledger, r.cmd.Workers, func(check engine.Check) {
		mu.Lock()
		defer mu.Unlock()
		if r.json {
			r.emitJSON(map[string]any{"type": "difference", "message": check})
			return
		}
		r.say("%s: %s %s %s: %s", check.State, printable(check.User), printable(string(check.Folder)), printable(check.Key), printable(check.Reason))
	})
	if err != nil {
		return exitIncomplete, err
	}
	if r.json {
		r.emitJSON(map[string]any{"type": "verified", "full": r.cmd.Full, "sum": sum})
	}
	r.say("%d messages %s: %d as delivered, %d missing, %d different, %d unreadable.", sum.Messages, how, sum.Verified, sum.Missing, sum.Differs, sum.Unread)
	if sum.Good() {
		return exitProven, nil
	}
	return exitExceptions, nil
}

// conclude says what arrived since, and writes it into the waybill.
func (r *cutover) conclude(late engine.Arrivals, code int) (int, error) {
	what := event.Event{Code: event.CutoverQuiet, Time: time.Now(), Detail: "since " + r.since.Format(time.RFC3339)}
	if !late.Quiet() {
		code = max(code, exitIncomplete)
		what.Code, what.Detail = event.CutoverLate, lateText(late)
	}
	if r.json {
		r.emitJSON(map[string]any{"type": "arrivals", "since": r.since.Format(time.RFC3339), "quiet": late.Quiet(), "arrivals": late, "code": code})
	} else {
		r.show(late)
	}
	ctx := context.WithoutCancel(r.ctx)
	if err := r.m.Ledger.AddEvents(ctx, r.runID, []event.Event{event.Fill(what)}); err != nil {
		return code, err
	}
	w, err := r.write(ctx, code)
	if err != nil {
		return code, err
	}
	switch {
	case code == exitProven:
		r.say("Everything is proven: %d messages. Switch the mail flow over now.", w.Totals.Verified)
	case !late.Quiet():
		r.say("Run again: waybill %s", printable(strings.Join(r.args, " ")))
	default:
		r.say("Not everything is proven: see %s/report.html.", printable(r.cmd.Report))
	}
	return code, nil
}

// write writes the waybill again: the delta's has neither the verification nor
// the rights that were taken back since.
func (r *cutover) write(ctx context.Context, code int) (*report.Waybill, error) {
	w, err := writeWaybill(ctx, r.m.Ledger, r.cmd.Report, r.cmd.All, func(*report.Waybill) int { return code })
	if err != nil {
		return nil, err
	}
	return w, report.WriteEvents(ctx, r.cmd.Report, r.m.Ledger.Events(ctx, 0))
}

// tell writes the waybill of a cutover that did not come to its end, where
// rights were given for it.
func (r *cutover) tell(code int) error {
	if !r.cmd.Grant || r.runID == 0 {
		return nil
	}
	_, err := r.write(context.WithoutCancel(r.ctx), code)
	return err
}

func lateText(late engine.Arrivals) string {
	text := fmt.Sprintf("%d messages arrived", late.New)
	if late.Unsaid > 0 {
		text += fmt.Sprintf("; of %d folders or mailboxes nobody can say", late.Unsaid)
	}
	return text
}

// show tells an operator what arrived, by mailbox and folder.
func (r *cutover) show(late engine.Arrivals) {
	if late.Quiet() {
		r.say("Nothing arrived in the source since %s (looked at %s).", clockTime(r.since), clockTime(late.Looked))
	} else {
		r.say("Since %s in the source: %s (looked at %s).", clockTime(r.since), lateText(late), clockTime(late.Looked))
		t := tabwriter.NewWriter(r.stdout, 0, 8, 2, ' ', 0)
		_, _ = fmt.Fprintln(t, "USER\tFOLDER\tNEW\tFLAGS CHANGED\tGONE\tREMARK")
		for i, a := range late.List {
			if i == maxLate {
				_, _ = fmt.Fprintf(t, "... and %d more\t\t\t\t\t\n", len(late.List)-i)
				break
			}
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%s\n", printable(a.User), printable(string(a.Folder)), count(a.New), a.Changed, a.Gone, printable(a.Error))
		}
		_ = t.Flush()
		return
	}
	if late.Changed+late.Gone > 0 {
		r.say("Flags of %d messages were changed there since, and %d left their folders; a further run follows.", late.Changed, late.Gone)
	}
}

// maxLate is how many folders are listed on the terminal; JSON has them all.
const maxLate = 40

// clockTime is a moment as a person at the console reads it.
func clockTime(t time.Time) string { return t.Local().Format(time.TimeOnly) }
