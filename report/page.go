package report

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
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
		"name":   func(s string) string { return visible(s, nameLimit) },
		"text":   func(s string) string { return visible(s, textLimit) },
		"plural": plural,
		"wide":   func(n int) int64 { return int64(n) },
		"tone":   tone,
		"pair":   func(u userLine, open bool) linePair { return linePair{u, open} },
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
