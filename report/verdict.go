package report

import (
	"fmt"
	"slices"

	"waybill/event"
)

// The states of a Mailbox.
const (
	Complete   = "complete"   // every message verified, or skipped by a rule of the operator
	Exceptions = "exceptions" // every message has an outcome, some are quarantined or refused
	Incomplete = "incomplete" // some message has no outcome
	Skipped    = "skipped"    // left out by the operator
)

// The exit codes of a run that came to its end.
const (
	ExitProven     = 0 // every message proven
	ExitExceptions = 1 // finished, with exceptions that the waybill lists
	ExitIncomplete = 2 // some mailbox is not complete
	ExitRefused    = 3 // preflight refused, nothing was changed
)

// ExitCode is what the program ends with after the run that w describes.
// Anything that does not add up (see Faults) makes it ExitIncomplete: a waybill
// that contradicts itself proves nothing.
func (w *Waybill) ExitCode() int {
	switch {
	case w.refused():
		return ExitRefused
	case len(w.Mailboxes) == 0, w.Totals.Open > 0, len(w.Faults()) > 0, w.brokenOff(),
		slices.ContainsFunc(w.Mailboxes, func(m Mailbox) bool { return m.Outcome() == Incomplete }):
		return ExitIncomplete
	case w.Totals.Quarantined > 0, w.Totals.Refused > 0, w.Directory.Failed > 0,
		slices.ContainsFunc(w.Mailboxes, func(m Mailbox) bool { return m.Outcome() == Exceptions }):
		return ExitExceptions
	}
	return ExitProven
}

// refused reports whether preflight stopped the run before it changed anything.
// A right that seems to be missing and turned out not to be needed, because
// preflight passed, does not count.
func (w *Waybill) refused() bool {
	if w.missingRights() == 0 || w.happened(event.PreflightPassed) {
		return false
	}
	t := w.Totals
	if t.Delivered == 0 && t.Verified == 0 && t.Quarantined == 0 && t.Refused == 0 && w.Directory.AccountsCreated == 0 {
		return true
	}
	// A later run over a ledger that already holds outcomes may be refused too.
	return w.Run.Exit == ExitRefused || w.happened(event.PreflightRefused)
}

// brokenOff reports whether the run ended without having looked at everything,
// whatever earlier runs had proven.
func (w *Waybill) brokenOff() bool {
	switch w.Run.Exit {
	case ExitProven, ExitExceptions, ExitRefused:
		return false
	}
	return !w.Run.Ended.IsZero()
}

// happened reports whether an event is from this run.
func (w *Waybill) happened(code event.Code) bool {
	return slices.ContainsFunc(w.Events, func(e event.Event) bool { return e.Code == code && !e.Time.Before(w.Run.Started) })
}

func (w *Waybill) missingRights() int {
	n := 0
	for _, f := range w.Findings {
		if !f.OK {
			n++
		}
	}
	return n
}

// Outcome is the state of a mailbox as its counts show it: never better than
// State, and worse where State claims more than the counts bear out. A mailbox
// with mail in the source and none in the target is Incomplete.
func (m Mailbox) Outcome() string {
	c := m.Count
	switch {
	case m.State == Skipped && c.Balanced():
		// An earlier run may have moved it; its messages count all the same.
		return Skipped
	case m.State != Complete && m.State != Exceptions, m.Error != "", !c.Balanced(), m.Hollow(),
		slices.ContainsFunc(m.Folders, func(f Folder) bool { return !f.Complete || f.Error != "" || !f.Count.Balanced() }):
		return Incomplete
	case m.State == Exceptions, c.Quarantined > 0, c.Refused > 0:
		return Exceptions
	}
	return Complete
}

// Hollow reports whether there is mail to move and none of it arrived.
func (m Mailbox) Hollow() bool {
	return m.Count.Found > m.Count.Skipped && m.Count.Verified == 0 && m.Count.Delivered == 0
}

// add adds up the messages and bytes of d.
func (c *Count) add(d Count) {
	c.Found += d.Found
	c.Delivered += d.Delivered
	c.Verified += d.Verified
	c.Quarantined += d.Quarantined
	c.Refused += d.Refused
	c.Skipped += d.Skipped
	c.Open += d.Open
	c.Bytes += d.Bytes
	c.VerifiedBytes += d.VerifiedBytes
	c.Left += d.Left
	c.Moved += d.Moved
	c.Kept += d.Kept
	c.Mirrored += d.Mirrored
}

// sameMessages compares what the arithmetic is about.
func (c Count) sameMessages(d Count) bool {
	return c.Found == d.Found && c.Verified == d.Verified && c.Quarantined == d.Quarantined &&
		c.Refused == d.Refused && c.Skipped == d.Skipped && c.Open == d.Open
}

// sums reports whether the parts of c make up what was found.
func (c Count) sums() bool {
	return c.Found == c.Verified+c.Quarantined+c.Refused+c.Skipped+c.Open
}

// maxFaults bounds the list that Faults returns; one is enough to doubt.
const maxFaults = 20

// Faults lists where the waybill contradicts itself: counts that do not add up
// within a folder, from folders to mailbox, from mailboxes to totals, or from
// messages.jsonl to totals. It is empty for every waybill that can be trusted;
// at most 20 faults are listed.
func (w *Waybill) Faults() []string {
	var faults []string
	fault := func(format string, args ...any) {
		if len(faults) < maxFaults {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	var total Count
	for _, m := range w.Mailboxes {
		total.add(m.Count)
		if !m.Count.sums() {
			fault("mailbox %q: %d messages found, but their outcomes do not add up to that", m.User, m.Count.Found)
		}
		var sum Count
		for _, f := range m.Folders {
			sum.add(f.Count)
			if !f.Count.sums() {
				fault("mailbox %q, folder %q: %d messages found, but their outcomes do not add up to that", m.User, f.Path, f.Count.Found)
			}
			if f.Complete && f.Count.Open > 0 {
				fault("mailbox %q, folder %q: complete, with %d messages open", m.User, f.Path, f.Count.Open)
			}
		}
		if len(m.Folders) > 0 && !sum.sameMessages(m.Count) {
			fault("mailbox %q: its counts are not the sum of its folders", m.User)
		}
	}
	if len(w.Mailboxes) > 0 && !total.sameMessages(w.Totals) {
		fault("the totals are not the sum of the mailboxes")
	}
	if !w.Totals.sums() {
		fault("%d messages found in total, but their outcomes do not add up to that", w.Totals.Found)
	}
	if w.Lines != nil {
		for _, c := range []struct {
			state string
			want  int64
		}{{"quarantined", w.Totals.Quarantined}, {"refused", w.Totals.Refused}} {
			if got := w.Lines[c.state]; got != c.want {
				fault("messages.jsonl lists %d %s messages, the totals say %d", got, c.state, c.want)
			}
		}
	}
	return faults
}

// Verdict is the waybill in one sentence.
type Verdict struct {
	Exit     int
	Word     string // "Complete"
	Sentence string
}

// Verdict judges the run by its exit code and counts.
func (w *Waybill) Verdict() Verdict {
	v := Verdict{Exit: w.ExitCode()}
	t := w.Totals
	switch v.Exit {
	case ExitRefused:
		v.Word = "Refused by preflight"
		n := w.missingRights()
		verb := "are"
		if n == 1 {
			verb = "is"
		}
		v.Sentence = fmt.Sprintf("%s %s missing, so nothing was changed and nothing was moved.", plural(n, "right"), verb)
	case ExitIncomplete:
		v.Word = "Not complete"
		v.Sentence = w.incompleteSentence()
	case ExitExceptions:
		v.Word = "Finished with exceptions"
		v.Sentence = fmt.Sprintf("%s of %s %s proven in the target; %s listed below with the reason.",
			number(t.Verified), messages(t.Found), isAre(t.Verified), listed(t.Quarantined+t.Refused))
		if t.Quarantined+t.Refused == 0 && w.Directory.Failed > 0 {
			v.Sentence = fmt.Sprintf("All messages are proven in the target; %s of the directory could not be made.",
				plural(w.Directory.Failed, "entry"))
		}
	default:
		v.Word = "Complete"
		switch {
		case t.Found == 0:
			v.Sentence = "The mailboxes hold no messages, and all of them are in place."
		case t.Skipped > 0:
			v.Sentence = fmt.Sprintf("Every message that was to be moved is proven in the target: %s; %s left out by rule.",
				number(t.Verified), number(t.Skipped))
		case t.Found == 1:
			v.Sentence = "The only message is proven in the target."
		default:
			v.Sentence = fmt.Sprintf("All %s are proven in the target.", messages(t.Found))
		}
	}
	return v
}

func (w *Waybill) incompleteSentence() string {
	faults := w.Faults()
	n := 0
	for _, m := range w.Mailboxes {
		if m.Outcome() == Incomplete {
			n++
		}
	}
	open := w.Totals.Open
	switch {
	case len(w.Mailboxes) == 0:
		return "No mailbox was moved: there is nothing in this waybill to prove."
	case len(faults) > 0:
		return "The counts do not add up, so this waybill proves nothing: " + faults[0] + "."
	case open > 0 && n > 0:
		return fmt.Sprintf("%s of %s %s not complete, and %s %s no outcome yet.",
			number(int64(n)), plural(len(w.Mailboxes), "mailbox"), isAre(int64(n)), messages(open), hasHave(open))
	case open > 0:
		return fmt.Sprintf("%s %s no outcome yet.", messages(open), hasHave(open))
	case n == 0:
		return fmt.Sprintf("The run broke off with exit code %d; what earlier runs proved stands below.", w.Run.Exit)
	}
	return fmt.Sprintf("%s of %s %s not complete.", number(int64(n)), plural(len(w.Mailboxes), "mailbox"), isAre(int64(n)))
}
