package report

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"waybill/event"
	"waybill/rights"
)

// What of a waybill is shown on the page, so that it stays usable with 10,000
// users. The files beside it hold everything.
const (
	pageUsers   = 20_000 // in the table that can be searched
	pageFolders = 12_000 // folders of those users, exceptional mailboxes first
	pageStatic  = 100    // users written as HTML, for browsers without scripts
	pageEvents  = 400
	pageNotes   = 100 // kinds
	pageRules   = 40
	pageRuns    = 50
	pageRights  = 200
	pageCauses  = 20

	nameLimit = 100 // characters of a name or key
	textLimit = 400 // characters of a reason
)

//go:embed page/page.html page/page.css page/page.js
var pageFiles embed.FS

// page is what the template shows. Text from mail in it is visible, not yet
// escaped; the template does that.
type page struct {
	Title          string
	CSP            string
	Style          template.CSS
	Script         template.JS
	Bill           *Waybill
	Verdict        Verdict
	Tone           string // good, warn, bad, stop
	Next           string
	Facts          []fact
	Totals         []fact
	Faults         []string
	Rules          []tally
	MoreRules      int
	States         bar
	Outcomes       bar
	Charts         []chart
	TooShort       string
	Table          table
	Exceptions     []exception
	MoreExc        int64
	AllExc         int64
	Notes          []tally
	MoreNotes      int
	Rights         []right
	MoreRights     int
	Missing        int
	Events         []eventLine
	MoreEvents     int
	Incomplete     []cause
	AllIncomplete  int64
	MoreIncomplete int64
	Runs           []runLine
	Verify         []recipe
}

// cause is a mailbox that is not complete, and why.
type cause struct{ User, Reason, Counts string }

type fact struct{ Label, Value, More string }

type exception struct {
	User, Account, Folder, Key, ID string
	State, Rule, Reason            string
	Size, Date, SHA256             string
}

type right struct {
	OK                                                   bool
	Action, Identity, Where, Needed, Held, Detail, Grant string
	Event                                                string
}

type eventLine struct{ Time, ISO, Code, Severity, Text, Where, Detail, Remedy string }

type runLine struct {
	ID                         string
	Started, Ended, Took, Exit string
	Command, Host              string
	Ledger                     string
}

// bar is a whole divided into parts, drawn as one bar with a legend.
type bar struct {
	Title string
	Total int64
	Parts []part
}

type part struct {
	Class, Label string
	Count        int64
	Share        string
	X, Width     string // of 1000
}

// The measures of a bar, of 1000: the gap between two parts, and the least
// width at which a part can still be seen.
const (
	barGap   = 3.0
	barLeast = 6.0
)

func newBar(title string, parts ...part) bar {
	b := bar{Title: title, Parts: parts}
	for _, p := range parts {
		b.Total += p.Count
	}
	if b.Total == 0 {
		return b
	}
	widths := make([]float64, len(parts))
	widest, sum := 0, 0.0
	for i, p := range parts {
		if p.Count > 0 {
			widths[i] = max(barLeast, 1000*float64(p.Count)/float64(b.Total))
		}
		sum += widths[i]
		if widths[i] > widths[widest] {
			widest = i
		}
	}
	widths[widest] += 1000 - sum // what small parts were given beyond their share
	x := 0.0
	for i := range parts {
		p := &b.Parts[i]
		p.Share = percent(p.Count, b.Total)
		width := widths[i]
		if x+width < 999.9 {
			width -= barGap
		}
		p.X, p.Width = fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", max(0, width))
		x += widths[i]
	}
	return b
}

// percent never rounds something to 0 % or a part to 100 %.
func percent(n, total int64) string {
	if total <= 0 {
		return ""
	}
	p := 100 * float64(n) / float64(total)
	switch {
	case n == 0:
		return "0 %"
	case n == total:
		return "100 %"
	case p < 0.1:
		return "< 0.1 %"
	case p > 99.9:
		return "> 99.9 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}

// render writes report.html.
func render(out io.Writer, w *Waybill) error {
	style, err := pageFiles.ReadFile("page/page.css")
	if err != nil {
		return err
	}
	script, err := pageFiles.ReadFile("page/page.js")
	if err != nil {
		return err
	}
	t, err := template.New("page.html").Funcs(template.FuncMap{"number": number, "size": size, "moment": moment,
		"name": func(s string) string { return visible(s, nameLimit) },
		"text": func(s string) string { return visible(s, textLimit) },
		"wide": func(n int) int64 { return int64(n) },
		"tone": tone,
		"pair": func(u userLine, open bool) linePair { return linePair{u, open} },
	}).ParseFS(pageFiles, "page/page.html")
	if err != nil {
		return err
	}
	p := newPage(w)
	p.Style, p.Script = template.CSS(style), template.JS(script)
	// Nothing but this very style and script may run, and nothing may be fetched.
	p.CSP = fmt.Sprintf("default-src 'none'; img-src data:; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'",
		digest64(string(style)), digest64(string(script)))
	return t.Execute(out, p)
}

// linePair is what the template of a user's line takes.
type linePair struct {
	A userLine
	B bool // whether there is a column for open messages
}

// capital begins text, which starts with an ASCII letter, with a capital.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

// tone is the colour of a mailbox's state.
func tone(state string) string {
	switch state {
	case Complete:
		return "good"
	case Exceptions:
		return "warn"
	case Skipped:
		return "idle"
	}
	return "bad"
}

func digest64(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

func newPage(w *Waybill) *page {
	p := &page{Bill: w, Verdict: w.Verdict(), Next: capital(w.next()), Faults: w.Faults()}
	p.Title = fmt.Sprintf("Waybill: %s to %s", visible(w.Source.Location, 60), visible(w.Target.Location, 60))
	p.Tone = map[int]string{ExitProven: "good", ExitExceptions: "warn", ExitIncomplete: "bad", ExitRefused: "stop"}[p.Verdict.Exit]
	if p.Verdict.Exit == ExitRefused {
		p.Next = "Grant what is missing and run the same command again; nothing has to be undone."
	}
	p.facts(w)
	p.pictures(w)
	p.Table = newTable(w)
	p.causes()
	p.exceptions(w)
	p.Notes, p.MoreNotes = first(ranked(w.Notes), pageNotes)
	for i := range p.Notes {
		p.Notes[i].Kind = visible(p.Notes[i].Kind, nameLimit)
	}
	p.rights(w.Findings)
	p.events(w.Events)
	p.runs(w.Runs)
	p.Verify = recipes(w)
	return p
}

func first[T any](list []T, limit int) ([]T, int) {
	if len(list) <= limit {
		return list, 0
	}
	return list[:limit], len(list) - limit
}

func (p *page) facts(w *Waybill) {
	took := w.Run.Seconds
	if took == 0 && !w.Run.Ended.IsZero() {
		took = w.Run.Ended.Sub(w.Run.Started).Seconds()
	}
	ended := moment(w.Run.Ended)
	if w.Run.Ended.IsZero() {
		ended = "still running when this was written"
	}
	p.Facts = []fact{
		{Label: "Started", Value: moment(w.Run.Started)},
		{Label: "Ended", Value: ended, More: "took " + span(took)},
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
			line.Ended, line.Exit, line.Took = "did not end", "–", "–"
		}
		p.Runs = append(p.Runs, line)
	}
}
