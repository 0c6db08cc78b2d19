package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"waybill/engine/account"
	"waybill/ledger"
	"waybill/report"
)

type statusCmd struct {
	Ledger string `default:"waybill.ledger" placeholder:"FILE" help:"The migration's ledger (${default})."`
}

func (c *statusCmd) Run(e *env) error {
	l, err := openLedgerToLook(e, c.Ledger)
	if err != nil {
		return err
	}
	defer l.Close()
	w, err := account.Make(e.ctx, l, Version(), time.Now())
	if err != nil {
		return err
	}
	boxes, err := l.List(e.ctx)
	if err != nil {
		return err
	}
	source, target, err := l.Pair(e.ctx)
	if err != nil {
		return err
	}
	if e.json {
		return e.statusJSON(w, boxes, source, target)
	}
	e.say("From %s\nTo   %s", source, target)
	if w.Run.ID != 0 {
		state := "ended with exit code " + fmt.Sprint(w.Run.Exit)
		if w.Run.Ended.IsZero() {
			state = "running, or ended without a word"
		}
		e.say("Run %d began %s: %s\n", w.Run.ID, w.Run.Started.Local().Format(time.DateTime), state)
	}
	jobs := map[string]ledger.Mailbox{}
	for _, b := range boxes {
		jobs[b.User] = b
	}
	t := tabwriter.NewWriter(e.stdout, 0, 8, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "USER\tJOB\tSTATE\tFOUND\tVERIFIED\tSET ASIDE\tREFUSED\tOPEN\tSIZE\tREMARK")
	for _, b := range w.Mailboxes {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\n", printable(b.User), jobs[b.User].State, b.State, b.Count.Found, b.Count.Verified,
			b.Count.Quarantined, b.Count.Refused, b.Count.Open, size(b.Count.Bytes), printable(b.Error))
	}
	_ = t.Flush()
	e.say("\n%d found, %d verified, %d set aside, %d refused, %d skipped, %d open; %s", w.Totals.Found, w.Totals.Verified, w.Totals.Quarantined,
		w.Totals.Refused, w.Totals.Skipped, w.Totals.Open, size(w.Totals.Bytes))
	return nil
}

func (e *env) statusJSON(w *report.Waybill, boxes []ledger.Mailbox, source, target string) error {
	e.emitJSON(map[string]any{"type": "status", "source": source, "target": target, "run": w.Run, "totals": w.Totals})
	for i, b := range w.Mailboxes {
		e.emitJSON(map[string]any{"type": "mailbox", "user": b.User, "account": b.Account, "job": boxes[i].State.String(), "attempt": boxes[i].Attempt,
			"state": b.State, "count": b.Count, "error": b.Error})
	}
	return nil
}

type reportCmd struct {
	Ledger string `default:"waybill.ledger" placeholder:"FILE" help:"The migration's ledger (${default})."`
	Report string `default:"waybill-report" placeholder:"DIR" help:"Where the waybill is written (${default})."`
	All    bool   `help:"Write every message into messages.jsonl, not only the exceptions."`
}

func (c *reportCmd) Run(e *env) error {
	l, err := openLedgerToLook(e, c.Ledger)
	if err != nil {
		return err
	}
	defer l.Close()
	w, err := writeWaybill(e.ctx, l, c.Report, c.All, nil)
	if err != nil {
		return err
	}
	if err := report.WriteEvents(e.ctx, c.Report, l.Events(e.ctx, 0)); err != nil {
		return err
	}
	if e.json {
		e.emitJSON(map[string]any{"type": "summary", "totals": w.Totals, "mailboxes": len(w.Mailboxes), "report": c.Report, "code": w.ExitCode()})
		return nil
	}
	e.say("%s\nThe waybill lies in %s.", report.Summary(w), c.Report)
	return nil
}
