// Package account makes the waybill from what a run left in the ledger.
package account

import (
	"context"
	"encoding/json"
	"time"

	"waybill/directory"
	"waybill/engine"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/report"
	"waybill/rights"
)

// The names of documents that a run leaves in the ledger, so that the waybill
// can be written again from the ledger alone.
const (
	documentFindings  = "findings"
	documentDirectory = "directory"
	documentSystems   = "systems"
	documentResult    = "result"
)

// systems is what a waybill says of both ends.
type systems struct {
	Source, Target report.System
	Level          string
}

// Remember keeps in the ledger what the waybill needs and rows do not tell.
func Remember(ctx context.Context, m *engine.Migration, findings []rights.Finding, done engine.Provisioned, result engine.Result) error {
	caps, from := m.Target.Capabilities(), m.Source.Capabilities()
	ends := systems{Source: report.System{System: from.System, Location: from.Location},
		Target: report.System{System: caps.System, Location: caps.Location}, Level: caps.Fidelity.String()}
	documents := map[string]any{documentFindings: findings, documentDirectory: done, documentSystems: ends, documentResult: result}
	if findings == nil {
		delete(documents, documentFindings) // nothing was to be proven: what an earlier run proved stays
	}
	for name, value := range documents {
		body, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if err := m.Ledger.PutDocument(ctx, name, body); err != nil {
			return err
		}
	}
	return nil
}

// maxReportEvents bounds the events that go into the waybill; all are in the ledger.
const maxReportEvents = 2000

// Make makes the waybill from the ledger, for the last run.
func Make(ctx context.Context, l *ledger.Ledger, program string, now time.Time) (*report.Waybill, error) {
	w := &report.Waybill{Format: 1, Program: program, Written: now.UTC().Truncate(time.Second), Notes: map[string]int64{}}
	var ends systems
	var result engine.Result
	for name, into := range map[string]any{documentFindings: &w.Findings, documentDirectory: &w.Directory, documentSystems: &ends, documentResult: &result} {
		body, err := l.Document(ctx, name)
		if err != nil {
			return nil, err
		}
		if body == nil {
			continue
		}
		if err := json.Unmarshal(body, into); err != nil {
			return nil, failure.New(failure.Malformed, "read the ledger", "document "+name, "ledger.document", err).
				WithRemedy("run the migration again: it writes the document anew")
		}
	}
	w.Source, w.Target, w.Level = ends.Source, ends.Target, ends.Level
	if err := accountRuns(ctx, l, w, result); err != nil {
		return nil, err
	}
	if err := accountMailboxes(ctx, l, w); err != nil {
		return nil, err
	}
	notes, err := l.NoteCounts(ctx, 0)
	if err != nil {
		return nil, err
	}
	for kind, n := range notes {
		w.Notes[kind] += n
	}
	since{}.leaveOut(w.Notes)
	for e, err := range l.Events(ctx, w.Run.ID) {
		if err != nil {
			return nil, err
		}
		if len(w.Events) == maxReportEvents {
			break
		}
		w.Events = append(w.Events, event.Fill(e))
	}
	return w, nil
}

func accountRuns(ctx context.Context, l *ledger.Ledger, w *report.Waybill, result engine.Result) error {
	runs, err := l.Runs(ctx)
	if err != nil || len(runs) == 0 {
		return err
	}
	for _, r := range runs {
		line := report.Run{ID: r.ID, Started: r.Started, Ended: r.Ended, Command: r.Command, Host: r.Host, Exit: r.Exit}
		if !r.Ended.IsZero() {
			line.Seconds = r.Ended.Sub(r.Started).Seconds()
		}
		w.Runs = append(w.Runs, line)
	}
	last := &w.Runs[len(w.Runs)-1]
	if result.Run == last.ID { // not one that was killed before it could say
		if last.Ended.IsZero() { // still running while it writes its own waybill
			last.Seconds = result.Elapsed.Seconds()
		}
		last.LedgerShare = result.LedgerShare
	}
	w.Run = *last
	samples, err := l.Samples(ctx, last.ID)
	if err != nil {
		return err
	}
	for _, s := range samples {
		w.Curve = append(w.Curve, report.Point{Second: s.Time.Sub(samples[0].Time).Seconds(), Messages: s.Messages, Bytes: s.Bytes})
	}
	return nil
}

func accountMailboxes(ctx context.Context, l *ledger.Ledger, w *report.Waybill) error {
	boxes, err := l.List(ctx)
	if err != nil {
		return err
	}
	tallies, err := l.Tallies(ctx, 0)
	if err != nil {
		return err
	}
	since, err := readSince(ctx, l)
	if err != nil {
		return err
	}
	byBox := map[int64][]ledger.Tally{}
	for _, t := range tallies {
		byBox[t.Mailbox] = append(byBox[t.Mailbox], t)
	}
	for _, b := range boxes {
		line := report.Mailbox{User: b.User, Kind: string(b.Kind), Name: b.Name, Account: b.Account, Action: b.Action, Error: b.Error}
		whole := true
		for _, t := range byBox[b.ID] {
			f := report.Folder{Path: string(t.Path), Target: string(t.Target), Use: string(t.Use), Complete: t.Complete, Error: t.Error, Count: since.of(t)}
			whole = whole && t.Complete && f.Count.Balanced()
			line.Count = add(line.Count, f.Count)
			line.Folders = append(line.Folders, f)
		}
		if line.Notes, err = l.NoteCounts(ctx, b.ID); err != nil {
			return err
		}
		since.leaveOut(line.Notes)
		if n := renamed(line.Folders); n > 0 {
			line.Notes[noteRenamed] += n
			w.Notes[noteRenamed] += n
		}
		line.State = stateOf(b, line.Count, whole)
		w.Totals = add(w.Totals, line.Count)
		w.Mailboxes = append(w.Mailboxes, line)
	}
	return nil
}

// noteRenamed counts folders that have another name, or place, in the target.
const noteRenamed = "folder-renamed"

func renamed(folders []report.Folder) (n int64) {
	for _, f := range folders {
		if f.Target != "" && f.Target != f.Path {
			n++
		}
	}
	return n
}

// stateOf judges a mailbox by what is in the ledger, whatever its job returned.
func stateOf(b ledger.Mailbox, c report.Count, whole bool) string {
	switch {
	case b.Action == string(directory.Skip):
		return "skipped"
	case b.Action == string(directory.Collide):
		return "incomplete" // whatever an earlier run moved
	case b.State != ledger.Done || !whole || !c.Balanced():
		return "incomplete"
	case c.Verified != c.Found-c.Skipped:
		return "exceptions"
	}
	return "complete"
}

// countOf is a folder's arithmetic. Found is counted twice, by the listing and
// by the rows; the larger one is believed, so that a difference leaves messages
// open instead of disappearing.
func countOf(t ledger.Tally) report.Count {
	c := report.Count{Verified: t.Messages[ledger.Verified], Quarantined: t.Messages[ledger.Quarantined],
		Refused: t.Messages[ledger.Refused], Skipped: t.Messages[ledger.Skipped], VerifiedBytes: t.Bytes[ledger.Verified]}
	c.Delivered = c.Verified + t.Messages[ledger.Delivered]
	rows := int64(0)
	for s := range t.Messages {
		rows += t.Messages[s]
		c.Bytes += t.Bytes[s]
	}
	c.Found = max(rows, t.Found)
	c.Open = c.Found - c.Verified - c.Quarantined - c.Refused - c.Skipped
	return c
}

func add(a, b report.Count) report.Count {
	return report.Count{Found: a.Found + b.Found, Delivered: a.Delivered + b.Delivered, Verified: a.Verified + b.Verified,
		Quarantined: a.Quarantined + b.Quarantined, Refused: a.Refused + b.Refused, Skipped: a.Skipped + b.Skipped,
		Open: a.Open + b.Open, Bytes: a.Bytes + b.Bytes, VerifiedBytes: a.VerifiedBytes + b.VerifiedBytes,
		Left: a.Left + b.Left, Moved: a.Moved + b.Moved, Kept: a.Kept + b.Kept, Mirrored: a.Mirrored + b.Mirrored}
}

// Lines streams messages.jsonl: every message that did not end verified, or all.
func Lines(ctx context.Context, l *ledger.Ledger, all bool) report.Messages {
	return func(yield func(report.Message, error) bool) {
		for e, err := range l.Exceptions(ctx, all) {
			if err != nil {
				yield(report.Message{}, err)
				return
			}
			line := report.Message{User: e.User, Account: e.Account, Folder: string(e.Folder), Target: string(e.Target), Key: e.Row.Key,
				ID: e.Row.Target, State: e.Row.State.String(), Rule: e.Row.Rule, Reason: e.Row.Reason, Size: e.Row.Size}
			if e.Row.State != ledger.Verified {
				line.Class = e.Row.Class.String()
			}
			if !e.Row.Digest.IsZero() {
				line.SHA256 = e.Row.Digest.String()
			}
			if !e.Row.Fingerprint.IsZero() {
				line.KeptSHA256 = e.Row.Fingerprint.String()
			}
			if !e.Row.Date.IsZero() {
				line.Date = e.Row.Date.Format(time.RFC3339)
			}
			for _, n := range e.Row.Notes {
				line.Notes = append(line.Notes, report.Note{Kind: n.Kind, Text: n.Text})
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}
