package report

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/event"
	"waybill/rights"
)

// one is a waybill with one mailbox of one folder with the counts c.
func one(c Count, state string) *Waybill {
	w := base(1)
	m := Mailbox{User: "anna", Account: "anna", State: state}
	w.addFolder(&m, "INBOX", c)
	w.addMailbox(m)
	return w
}

func TestExitCode(t *testing.T) {
	missing := []rights.Finding{{Action: "append", Where: "anna"}}
	// refused is a run without the event that preflight passed.
	refused := func(w *Waybill) { w.Events, w.Findings = w.Events[:1], missing }
	change := func(w *Waybill, f func(*Waybill)) *Waybill { f(w); return w }
	for _, c := range []struct {
		name string
		w    *Waybill
		want int
	}{
		{"everything verified", one(Count{Verified: 5}, Complete), 0},
		{"empty mailbox", one(Count{}, Complete), 0},
		{"skipped by rule", one(Count{Verified: 5, Skipped: 2}, Complete), 0},
		{"everything skipped by rule", one(Count{Skipped: 2}, Complete), 0},
		{"user skipped", one(Count{}, Skipped), 0},
		{"quarantined", one(Count{Verified: 5, Quarantined: 1}, Exceptions), 1},
		{"refused by the target", one(Count{Verified: 5, Refused: 1}, Exceptions), 1},
		{"state claims more than the counts", one(Count{Verified: 5, Refused: 1}, Complete), 1},
		{"entry of the directory failed", change(one(Count{Verified: 5}, Complete), func(w *Waybill) { w.Directory.Failed = 1 }), 1},
		{"open messages", one(Count{Verified: 5, Open: 1}, Complete), 2},
		{"hollow mailbox", one(Count{Quarantined: 3}, Exceptions), 2},
		{"mailbox with an error", change(one(Count{Verified: 5}, Complete), func(w *Waybill) { w.Mailboxes[0].Error = "lost" }), 2},
		{"folder with an error", change(one(Count{Verified: 5}, Complete), func(w *Waybill) { w.Mailboxes[0].Folders[0].Error = "lost" }), 2},
		{"folder not complete", change(one(Count{Verified: 5}, Complete), func(w *Waybill) { w.Mailboxes[0].Folders[0].Complete = false }), 2},
		{"unknown state", one(Count{Verified: 5}, "running"), 2},
		{"no state", one(Count{Verified: 5}, ""), 2},
		{"user skipped whose mail an earlier run moved", one(Count{Verified: 5}, Skipped), 0},
		{"user skipped with messages quarantined earlier", one(Count{Verified: 5, Quarantined: 1}, Skipped), 1},
		{"user skipped half-way", one(Count{Verified: 5, Open: 1}, Skipped), 2},
		{"no mailbox", base(1), 2},
		{"arithmetic broken", change(one(Count{Verified: 5}, Complete), func(w *Waybill) { w.Totals.Found++ }), 2},
		{"messages.jsonl disagrees", change(one(Count{Verified: 5}, Complete), func(w *Waybill) { w.Lines = map[string]int64{"quarantined": 1} }), 2},
		{"the run broke off", change(one(Count{Verified: 5}, Complete), func(w *Waybill) {
			w.Run.Ended, w.Run.Exit = w.Run.Started.Add(time.Second), ExitIncomplete
		}), 2},
		{"preflight refused", change(one(Count{Open: 5}, Incomplete), refused), 3},
		{"preflight passed in spite of a finding", change(one(Count{}, Complete), func(w *Waybill) { w.Findings = missing }), 0},
		{"preflight refused without mailboxes", change(base(1), refused), 3},
		{"preflight refused a second run", change(one(Count{Verified: 5}, Complete), func(w *Waybill) {
			refused(w)
			w.Events = append(w.Events, event.Event{Code: event.PreflightRefused, Time: w.Run.Started.Add(time.Second)})
		}), 3},
		{"an earlier run was refused", change(one(Count{Verified: 5}, Complete), func(w *Waybill) {
			refused(w)
			w.Events = append(w.Events, event.Event{Code: event.PreflightRefused, Time: w.Run.Started.Add(-time.Hour)})
		}), 0},
	} {
		if got := c.w.ExitCode(); got != c.want {
			t.Errorf("%s: exit code %d, want %d (faults %q)", c.name, got, c.want, c.w.Faults())
		}
		v := c.w.Verdict()
		if v.Exit != c.want || v.Word == "" || !strings.HasSuffix(v.Sentence, ".") || strings.Contains(v.Sentence, "%!") {
			t.Errorf("%s: verdict %+v", c.name, v)
		}
	}
}

// TestNoLossIsSilent moves messages from outcome to outcome and asserts that
// exit code 0 means that each message is verified or skipped by rule.
func TestNoLossIsSilent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		few := rapid.Int64Range(0, 3)
		w := base(1)
		for range rapid.IntRange(1, 3).Draw(t, "mailboxes") {
			m := Mailbox{User: "u", State: rapid.SampledFrom([]string{Complete, Exceptions, Incomplete, Skipped}).Draw(t, "state")}
			for range rapid.IntRange(0, 3).Draw(t, "folders") {
				w.addFolder(&m, "f", Count{Verified: few.Draw(t, "verified"), Quarantined: few.Draw(t, "quarantined"),
					Refused: few.Draw(t, "refused"), Skipped: few.Draw(t, "skipped"), Open: few.Draw(t, "open")})
			}
			w.addMailbox(m)
		}
		if f := w.Faults(); len(f) > 0 {
			t.Fatalf("sound counts have faults: %q", f)
		}
		c := w.Totals
		switch code := w.ExitCode(); {
		case code == 0 && c.Found != c.Verified+c.Skipped:
			t.Fatalf("exit code 0 with %+v", c)
		case code == 1 && c.Open > 0:
			t.Fatalf("exit code 1 with %d messages open", c.Open)
		}
		// One message that goes astray in any count must not pass.
		if c.Verified > 0 {
			w.Totals.Verified--
			if w.ExitCode() != ExitIncomplete {
				t.Fatalf("a verified message was lost from the totals and the exit code is %d", w.ExitCode())
			}
		}
	})
}

func TestFaultsAreBounded(t *testing.T) {
	w := base(1)
	for range 100 {
		w.Mailboxes = append(w.Mailboxes, Mailbox{User: "u", Count: Count{Found: 1}})
	}
	if n := len(w.Faults()); n != maxFaults {
		t.Errorf("%d faults listed, want %d", n, maxFaults)
	}
}
