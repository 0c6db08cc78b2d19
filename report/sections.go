package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/event"
	"waybill/rights"
)

func (p *page) facts(w *Waybill) {
	took := w.Run.Seconds
	if took == 0 && !w.Run.Ended.IsZero() {
		took = w.Run.Ended.Sub(w.Run.Started).Seconds()
	}
	ended := fact{Label: "Ended", Value: moment(w.Run.Ended), More: "took " + span(took)}
	switch {
	case !w.Run.Ended.IsZero():
	case took > 0: // a run that writes its own waybill has not ended yet
		ended = fact{Label: "Until", Value: moment(w.Run.Started.Add(time.Duration(took * float64(time.Second)))), More: span(took) + ", when this was written"}
	default:
		ended = fact{Label: "Ended", Value: "not recorded", More: "the run was killed, or goes on"}
	}
	p.Facts = []fact{
		{Label: "Started", Value: moment(w.Run.Started)},
		ended,
		{Label: "Compared by", Value: cmp.Or(visible(w.Level, nameLimit), "not stated")},
		{Label: "On", Value: cmp.Or(visible(w.Run.Host, nameLimit), "not stated")},
	}
	t, d := w.Totals, w.Directory
	p.Totals = []fact{
		{Label: "Content proven", Value: size(t.VerifiedBytes), More: "of " + size(t.Bytes) + " with an outcome"},
		{Label: "Mailboxes", Value: number(int64(len(w.Mailboxes))), More: plural(folders(w), "folder")},
		{Label: "Accounts made", Value: number(int64(d.AccountsCreated)), More: number(int64(d.AccountsUsed)) + " already there"},
		{Label: "Directory", Value: number(int64(d.Contacts + d.Lists)),
			More: plural(d.Contacts, "contact") + ", " + plural(d.Lists, "list")},
	}
	if t.Left+t.Mirrored > 0 {
		p.Totals = append(p.Totals, fact{Label: "Left the source since", Value: number(t.Left + t.Mirrored),
			More: number(t.Moved) + " moved to another folder of it, " + number(t.Mirrored) + " removed from the target"})
	}
	if d.Failed > 0 {
		p.Totals[3].More += ", " + number(int64(d.Failed)) + " failed"
	}
}

func folders(w *Waybill) int {
	n := 0
	for _, m := range w.Mailboxes {
		n += len(m.Folders)
	}
	return n
}

func (p *page) pictures(w *Waybill) {
	states := map[string]int64{}
	for _, m := range w.Mailboxes {
		states[m.Outcome()]++
	}
	p.States = newBar("Mailboxes by state",
		part{Class: "good", Label: "complete", Count: states[Complete]},
		part{Class: "warn", Label: "with exceptions", Count: states[Exceptions]},
		part{Class: "bad", Label: "incomplete", Count: states[Incomplete]},
		part{Class: "idle", Label: "skipped", Count: states[Skipped]})
	t := w.Totals
	p.Outcomes = newBar("Messages by outcome",
		part{Class: "good", Label: "verified", Count: t.Verified},
		part{Class: "warn", Label: "quarantined", Count: t.Quarantined},
		part{Class: "other", Label: "refused", Count: t.Refused},
		part{Class: "idle", Label: "skipped", Count: t.Skipped},
		part{Class: "bad", Label: "open", Count: t.Open})
	p.Charts = charts(w.Curve)
	if p.Charts == nil {
		p.TooShort = "The run was too short for a curve."
		if p.Verdict.Exit == ExitRefused {
			p.TooShort = ""
		}
	}
}

// causes takes the incomplete mailboxes from the head of the table.
func (p *page) causes() {
	if p.Verdict.Exit == ExitRefused {
		return // there is one cause for all of them
	}
	for _, u := range p.Table.Users {
		if u.State != Incomplete {
			continue
		}
		p.AllIncomplete++
		if len(p.Incomplete) == pageCauses {
			p.MoreIncomplete++
			continue
		}
		c := cause{User: u.User, Reason: u.Error, Counts: fmt.Sprintf("%s of %s proven", number(u.Count.Verified), messages(u.Count.Found))}
		for _, f := range u.Folders {
			if f.Error != "" {
				c.Reason = strings.TrimPrefix(c.Reason+"; ", "; ") + f.Path + ": " + f.Error
				break
			}
		}
		c.Reason = cmp.Or(c.Reason, "Not every message has an outcome.")
		p.Incomplete = append(p.Incomplete, c)
	}
}

func (p *page) exceptions(w *Waybill) {
	p.Rules, p.MoreRules = first(ranked(w.Rules), pageRules)
	for i := range p.Rules {
		p.Rules[i].Kind = visible(p.Rules[i].Kind, nameLimit)
	}
	for _, n := range w.Rules {
		p.AllExc += n
	}
	list, _ := first(w.Exceptions, MaxExceptions)
	p.AllExc = max(p.AllExc, int64(len(list)))
	p.MoreExc = p.AllExc - int64(len(list))
	for _, m := range list {
		x := exception{User: visible(m.User, nameLimit), Folder: visible(m.Folder, nameLimit), Key: visible(m.Key, nameLimit),
			ID: visible(m.ID, nameLimit), State: visible(m.State, 20), Rule: visible(cmp.Or(m.Rule, "no-outcome-yet"), nameLimit),
			Reason: visible(m.Reason, textLimit), Date: visible(m.Date, 40), SHA256: visible(m.SHA256, 64)}
		if m.Size > 0 {
			x.Size = size(m.Size)
		}
		p.Exceptions = append(p.Exceptions, x)
	}
}

func (p *page) rights(findings []rights.Finding) {
	sorted := slices.Clone(findings)
	slices.SortStableFunc(sorted, func(a, b rights.Finding) int {
		switch {
		case a.OK == b.OK:
			return 0
		case b.OK:
			return -1
		}
		return 1
	})
	for _, f := range sorted {
		if !f.OK {
			p.Missing++
		}
	}
	sorted, p.MoreRights = first(sorted, pageRights)
	for _, f := range sorted {
		p.Rights = append(p.Rights, right{OK: f.OK, Action: visible(f.Action, textLimit), Identity: visible(f.Identity, nameLimit),
			Where: visible(f.Where, nameLimit), Needed: visible(f.Needed, textLimit), Held: visible(f.Held, textLimit),
			Detail: visible(f.Detail, textLimit), Grant: visible(f.Grant, 2*textLimit), Event: visible(f.Event, 8)})
	}
}

// events shows the most severe ones when there are too many for the page.
func (p *page) events(events []event.Event) {
	list := slices.DeleteFunc(slices.Clone(events), func(e event.Event) bool { return e.Code == event.MessageVerified })
	if len(list) > pageEvents {
		slices.SortStableFunc(list, func(a, b event.Event) int { return cmp.Compare(weight(b), weight(a)) })
		list, p.MoreEvents = first(list, pageEvents)
		slices.SortStableFunc(list, func(a, b event.Event) int { return a.Time.Compare(b.Time) })
	}
	told := map[event.Code]bool{}
	for _, e := range list {
		where := []string{}
		for _, s := range []string{e.User, e.Folder, e.Key} {
			if s != "" {
				where = append(where, visible(s, nameLimit))
			}
		}
		p.Events = append(p.Events, eventLine{Time: moment(e.Time), Code: visible(string(e.Code), 8), Severity: e.Severity,
			Text: visible(e.Text, textLimit), Where: strings.Join(where, " · "), Detail: visible(e.Detail, textLimit)})
		// What to do is told with the first event of a kind.
		if weight(e) >= int(event.Warning) && !told[e.Code] {
			told[e.Code] = true
			p.Events[len(p.Events)-1].Remedy = visible(e.Remedy, textLimit)
		}
	}
}

func weight(e event.Event) int {
	for s := event.Info; s <= event.Error; s++ {
		if s.String() == e.Severity {
			return int(s)
		}
	}
	return int(event.Error)
}

func (p *page) runs(runs []Run) {
	if len(runs) > pageRuns {
		runs = runs[len(runs)-pageRuns:]
	}
	for _, r := range runs {
		line := runLine{ID: number(r.ID), Started: moment(r.Started), Ended: moment(r.Ended), Took: span(r.Seconds), Exit: fmt.Sprint(r.Exit),
			Command: visible(r.Command, textLimit), Host: visible(r.Host, nameLimit), Ledger: fmt.Sprintf("%.0f %%", 100*r.LedgerShare)}
		if r.Ended.IsZero() {
			line.Ended, line.Exit = "not recorded", "–"
			if r.Seconds == 0 {
				line.Took = "–"
			}
		}
		p.Runs = append(p.Runs, line)
	}
}
