package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"waybill/event"
)

// Summary is the waybill in 10 to 15 lines of plain text for a terminal: the
// verdict, the arithmetic, mailboxes, notes, the first exceptions, and what to
// do next.
func Summary(w *Waybill) string {
	var b strings.Builder
	line := func(label, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", label, fmt.Sprintf(format, args...))
	}
	v, t := w.Verdict(), w.Totals
	fmt.Fprintf(&b, "%s: %s\n", v.Word, visible(v.Sentence, 300))
	line("route", "%s -> %s", visible(w.Source.Location, 60), visible(w.Target.Location, 60))
	line("run", "%s, %s, %s", number(w.Run.ID), moment(w.Run.Started), span(w.Run.Seconds))
	line("messages", "%s", arithmetic(t))
	if v.Exit != ExitRefused {
		line("content", "%s verified of %s with an outcome (%s)%s", size(t.VerifiedBytes), size(t.Bytes), cmp.Or(visible(w.Level, 40), "level not known"), pace(w))
	}
	line("mailboxes", "%s", mailboxLine(w))
	if since := since(t); since != "" {
		line("since", "%s", since)
	}
	if d := w.Directory; d != (Directory{}) {
		line("directory", "%s created, %s used, %s, %s, %s failed", plural(d.AccountsCreated, "account"), number(int64(d.AccountsUsed)),
			plural(d.Contacts, "contact"), plural(d.Lists, "list"), number(int64(d.Failed)))
	}
	if len(w.Notes) > 0 {
		line("notes", "%s", tallyLine(w.Notes, 4))
	}
	for i, text := range w.firstTroubles(4) {
		label := ""
		if i == 0 {
			label = map[bool]string{true: "missing", false: "exceptions"}[v.Exit == ExitRefused]
		}
		line(label, "%s", text)
	}
	line("next", "%s", w.next())
	return b.String()
}

// arithmetic writes the equation that every waybill has to satisfy.
func arithmetic(t Count) string {
	s := fmt.Sprintf("%s found = %s verified + %s quarantined + %s refused + %s skipped",
		number(t.Found), number(t.Verified), number(t.Quarantined), number(t.Refused), number(t.Skipped))
	if t.Open > 0 {
		s += fmt.Sprintf(" + %s open", number(t.Open))
	}
	if !t.sums() {
		s = strings.Replace(s, "=", "≠", 1)
	}
	return s
}

// since tells what happened in the source to messages that were moved; empty
// when nothing did.
func since(t Count) string {
	var parts []string
	if t.Left > 0 {
		parts = append(parts, fmt.Sprintf("left the source since: %s (in the target all the same)", number(t.Left)))
	}
	for _, p := range []struct {
		n    int64
		text string
	}{{t.Moved, "moved to another folder of it: "}, {t.Kept, "kept because changed in the target: "}, {t.Mirrored, "removed from the target like from the source: "}} {
		if p.n > 0 {
			parts = append(parts, p.text+number(p.n))
		}
	}
	return strings.Join(parts, ", ")
}

// pace is the mean throughput of the run, empty when there is no curve to take
// it from.
func pace(w *Waybill) string {
	points := steady(w.Curve)
	if len(points) < 2 {
		return ""
	}
	last := points[len(points)-1]
	return fmt.Sprintf(", %s messages/s, %s/s", rate(float64(last.Messages)/last.Second), size(int64(float64(last.Bytes)/last.Second)))
}

func mailboxLine(w *Waybill) string {
	states := map[string]int{}
	for _, m := range w.Mailboxes {
		states[m.Outcome()]++
	}
	return fmt.Sprintf("%s: %d complete, %d with exceptions, %d incomplete, %d skipped", number(int64(len(w.Mailboxes))),
		states[Complete], states[Exceptions], states[Incomplete], states[Skipped])
}

// Tally is one line of a count by kind.
type tally struct {
	Kind  string
	Count int64
}

// ranked orders counts, largest first, then by kind.
func ranked(counts map[string]int64) []tally {
	var list []tally
	for kind, n := range counts {
		list = append(list, tally{kind, n})
	}
	slices.SortFunc(list, func(a, b tally) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Kind, b.Kind))
	})
	return list
}

func tallyLine(counts map[string]int64, limit int) string {
	var parts []string
	for i, t := range ranked(counts) {
		if i == limit {
			parts = append(parts, fmt.Sprintf("%d more kinds", len(counts)-limit))
			break
		}
		parts = append(parts, visible(t.Kind, 40)+" "+number(t.Count))
	}
	return strings.Join(parts, ", ")
}

// firstTroubles are the lines about what went wrong: missing rights, mailboxes
// that are not complete, messages; at most limit and one that counts the rest.
func (w *Waybill) firstTroubles(limit int) []string {
	var lines []string
	total := 0
	add := func(format string, args ...any) {
		if total++; total <= limit {
			lines = append(lines, fmt.Sprintf(format, args...))
		}
	}
	for _, f := range w.Findings {
		if !f.OK {
			text := visible(f.Action, 80) + " on " + visible(f.Where, 80)
			if f.Identity != "" {
				text = "as " + visible(f.Identity, 40) + ": " + text
			}
			if f.Needed != "" {
				text += ", needs " + visible(f.Needed, 80)
			}
			add("%s", text)
		}
	}
	refused := w.refused() // then the mailboxes all wait for the same thing
	for _, m := range w.Mailboxes {
		if !refused && m.Outcome() == Incomplete {
			reason := cmp.Or(m.Error, "not every message has an outcome")
			if m.Hollow() {
				reason = "mail in the source and none in the target; " + reason
			}
			add("%s: %s", visible(m.User, 40), visible(reason, 120))
		}
	}
	if len(w.Exceptions) > 0 {
		for _, m := range w.Exceptions {
			add("%s %s %s: %s [%s] %s", visible(m.User, 30), visible(m.Folder, 40), visible(m.Key, 30), m.State, visible(m.Rule, 40), visible(m.Reason, 80))
		}
		var all int64
		for _, n := range w.Rules {
			all += n
		}
		total += int(max(0, all-int64(len(w.Exceptions))))
	} else {
		for _, e := range w.Events {
			if e.Code == event.MessageQuarantined || e.Code == event.MessageRefused {
				add("%s %s %s: %s", visible(e.User, 30), visible(e.Folder, 40), visible(e.Key, 30), visible(e.Detail, 120))
			}
		}
	}
	if total > limit {
		lines = append(lines, fmt.Sprintf("and %s more, all in the waybill", number(int64(total-limit))))
	}
	return lines
}

// next is what the operator should do now.
func (w *Waybill) next() string {
	switch w.ExitCode() {
	case ExitRefused:
		for _, f := range w.Findings {
			if !f.OK && f.Grant != "" {
				return "grant what is missing, beginning with: " + visible(f.Grant, 200)
			}
		}
		return "grant what is missing and run the same command again; nothing has to be undone"
	case ExitIncomplete:
		if len(w.Faults()) > 0 {
			return "run again; if the counts still do not add up, report it with the ledger and report.json"
		}
		if len(w.Mailboxes) == 0 {
			return "check the location of the source and the user map"
		}
		return "remove the causes that are listed and run the same command again; it goes on where this run stopped"
	case ExitExceptions:
		return "read the exceptions, repair what can be repaired, and run the same command again to move it"
	}
	return "keep the waybill; \"waybill verify\" reads everything back once more at any time"
}
