// Package engine moves an organisation: it plans, proves rights, provisions,
// copies, reads back and accounts. It knows connectors only by their
// Capabilities and messages only by their content.
package engine

import (
	"context"
	"log/slog"

	"waybill/connector"
	"waybill/engine/copying"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/ledger"
	"waybill/rights"
)

// Migration is everything that a run needs. Source, Target and Ledger stay the
// caller's to close.
type Migration struct {
	Source connector.Source
	Target connector.Target
	Ledger *ledger.Ledger
	// Directory, when set, makes accounts, contacts and lists instead of the target.
	Directory Directory
	// Queue hands out the mailboxes; nil means Ledger.
	Queue ledger.Queue

	Options Options
	// Events receives what there is to tell; nil discards.
	Events event.Sink
	// Progress is told how the copying goes; nil means nobody looks.
	Progress Progress
	// Tried is told how far a preflight of many mailboxes is; nil discards.
	Tried func(done, total int)
	// Log gets the steps, for -v; nil discards.
	Log *slog.Logger
	// Clock is replaced in tests; the zero value is the real one.
	Clock Clock

	left    map[string][]rights.Grant // by account: given by an earlier run and not taken back
	denials []rights.Finding          // what the source refused to show while the plan was made
}

// What a run is set up with; see package setup.
type (
	Options   = setup.Options
	DateRange = setup.DateRange
	Clock     = setup.Clock
	Progress  = setup.Progress

	Plan       = setup.Plan
	PlanTotals = setup.PlanTotals
	PlanUser   = setup.PlanUser
	PlanFolder = setup.PlanFolder
)

// setup is the migration as its parts see it.
func (m *Migration) setup() *setup.Setup {
	s := &setup.Setup{Source: m.Source, Target: m.Target, Ledger: m.Ledger, Queue: m.Queue,
		Options: m.Options, Events: m.Events, Progress: m.Progress, Log: m.Log, Clock: m.Clock}
	if s.Queue == nil {
		s.Queue = m.Ledger
	}
	if s.Progress == nil {
		s.Progress = noProgress{}
	}
	return s
}

// Result is what a run did; the waybill is made from the ledger afterwards.
type Result = copying.Result

// Copy moves the mail of every user whom the plan moves, and reads each message
// back; see copying.Copy.
func (m *Migration) Copy(ctx context.Context, plan *Plan, runID int64) (Result, error) {
	return copying.Copy(ctx, m.setup(), plan, runID)
}

func (m *Migration) emit(e event.Event) { m.setup().Emit(e) }

func (m *Migration) step(ctx context.Context, text string, args ...any) {
	m.setup().Step(ctx, text, args...)
}

type noProgress struct{}

func (noProgress) Planned(int, int64, int64)           {}
func (noProgress) MailboxStarted(string, int64, int64) {}
func (noProgress) Advanced(string, int64, int64)       {}
func (noProgress) Waiting(string, string)              {}
func (noProgress) MailboxFinished(string, error)       {}
