// Package setup holds what all parts of a run share: the two systems, the ledger,
// the operator's choices, the plan, and how to try again.
package setup

import (
	"context"
	"log/slog"

	"waybill/connector"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
)

// Setup is what a run works with. Source, Target, Queue and Progress are never nil
// where mail is copied; Events and Log may be.
type Setup struct {
	Source   connector.Source
	Target   connector.Target
	Ledger   *ledger.Ledger
	Queue    ledger.Queue // hands out the mailboxes
	Options  Options
	Events   event.Sink
	Progress Progress
	Log      *slog.Logger
	Clock    Clock
}

// Workers is how many mailboxes may be worked on at the same time: what the
// operator wishes, within what both systems allow.
func (s *Setup) Workers() int {
	n := s.Options.Workers
	if n <= 0 {
		n = 4
	}
	for _, limit := range []int{s.Source.Capabilities().Parallel, s.Target.Capabilities().Parallel} {
		if limit > 0 && n > limit {
			n = limit
		}
	}
	return n
}

// BatchLimits bound what is sent at once.
func (s *Setup) BatchLimits() (messages int, bytes int64) {
	caps := s.Target.Capabilities()
	messages, bytes = s.Options.BatchMessages, s.Options.BatchBytes
	if messages <= 0 {
		messages = caps.BatchMessages
	}
	if messages <= 0 {
		messages = 200
	}
	if bytes <= 0 {
		bytes = caps.BatchBytes
	}
	if bytes <= 0 {
		bytes = 8 << 20
	}
	return messages, bytes
}

// Emit tells what happened to Events, if there is somebody to tell.
func (s *Setup) Emit(e event.Event) {
	if s.Events == nil {
		return
	}
	if e.Time.IsZero() {
		e.Time = s.Clock.Time()
	}
	s.Events.Emit(e)
}

// Step tells a step to Log, if there is one.
func (s *Setup) Step(ctx context.Context, text string, args ...any) {
	if s.Log != nil {
		s.Log.InfoContext(ctx, text, args...)
	}
}

// Leaves reports whether the mailbox needs no visit in this run.
func (s *Setup) Leaves(u *PlanUser) bool {
	return u.Quiet && u.Action == directory.Existing && !s.Options.RetryExceptions && !s.Options.MirrorDeletions
}

// Unchanged reports whether a folder is as its last complete pass left it.
func Unchanged(known ledger.Folder, census connector.Census) bool {
	return known.Complete && census.State != "" && census.State == known.Census
}

// Stops reports whether err ends the whole run rather than one mailbox.
func Stops(err error) bool { return failure.ClassOf(err) == failure.Cancelled }
