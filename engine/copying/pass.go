package copying

import (
	"context"
	"fmt"

	"waybill/connector"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// pass goes once over one folder: it settles what an interrupted run left open,
// lists the source, sends what the ledger does not have, and merges flags.
type pass struct {
	*mailboxRun
	folder ledger.Folder
	skip   bool // the plan leaves the folder out

	nextSeq    int64
	chunk      []mail.Message // listed, not yet looked up
	batch      []mail.Message // to be sent, still growing
	ready      []mail.Message // to be sent, announced to the source
	size       int64          // of batch
	settled    []ledger.Row   // outcomes that wait for the next checkpoint
	closing    []int64        // intents that these outcomes settle
	verify     chan proven    // the verification in flight, nil when none
	found      int64
	foundBytes int64 // of what was found, as far as it is known
	again      bool  // something here is to be tried again by the next run
	merged     int64
	kept       int64     // flags changed on both sides, the target's stayed
	vanished   *vanished // rows that the source lists no more; nil on a first pass
}

// lookupChunk is how many listed messages are looked up in the ledger at once.
const lookupChunk = 500

func (p *pass) all(ctx context.Context) (err error) {
	defer func() { p.drop() }()
	if err := p.resolve(ctx); err != nil {
		return err
	}
	var census connector.Census
	err = p.Try(ctx, p.box.User, "census of "+string(p.folder.Path), func() (err error) {
		census, err = p.from.Census(ctx, p.folder.Path, false)
		return err
	})
	if err != nil {
		return err
	}
	if p.unchanged(census) {
		p.Step(ctx, "folder unchanged", "user", p.box.User, "folder", p.folder.Path)
		p.Progress.Advanced(p.box.User, p.folder.Found, p.planBytes())
		return nil
	}
	p.Step(ctx, "folder", "user", p.box.User, "folder", p.folder.Path, "target", p.folder.Target)
	if err := p.walk(ctx, census); err != nil {
		return err
	}
	if err := p.leaveGone(ctx); err != nil {
		return err
	}
	done := &ledger.Complete{Census: census.State, Found: p.found, FoundBytes: p.foundBytes}
	if p.again {
		done.Census = "" // so that the next run lists the folder again
	}
	if p.merged > 0 {
		p.Emit(event.Event{Code: event.FlagsMerged, User: p.box.User, Folder: string(p.folder.Path), Detail: fmt.Sprintf("%d messages", p.merged)})
	}
	if p.kept > 0 {
		p.Emit(event.Event{Code: event.FlagsKept, User: p.box.User, Folder: string(p.folder.Path), Detail: fmt.Sprintf("%d messages", p.kept)})
	}
	return p.checkpoint(ctx, nil, done)
}

// planBytes is what the plan says of the folder's size.
func (p *pass) planBytes() int64 {
	line, _ := p.planned(p.folder.Path)
	return max(line.Bytes, 0)
}

// unchanged reports whether the last complete pass saw the folder as it is now.
func (p *pass) unchanged(census connector.Census) bool {
	return setup.Unchanged(p.folder, census) && !p.Options.RetryExceptions
}

// list goes through the source's listing and sends what is due.
func (p *pass) list(ctx context.Context) error {
	for m, err := range p.listing(ctx) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil && m.Key == "" {
			return p.brokenOff(ctx, err)
		}
		p.found++
		if err != nil {
			if err := p.listingFault(ctx, m, err); err != nil {
				return err
			}
			continue
		}
		if err := p.take(ctx, m); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.finish(ctx)
}

// take queues a listed message for the ledger's opinion.
func (p *pass) take(ctx context.Context, m mail.Message) error {
	p.chunk = append(p.chunk, m)
	if len(p.chunk) < lookupChunk {
		return nil
	}
	return p.look(ctx)
}

// look asks the ledger about the chunk and deals with each message.
func (p *pass) look(ctx context.Context) error {
	if len(p.chunk) == 0 {
		return nil
	}
	keys := make([]string, len(p.chunk))
	for i := range p.chunk {
		keys[i] = p.chunk[i].Key
	}
	rows, err := p.Ledger.Lookup(ctx, p.folder.ID, keys)
	if err != nil {
		return err
	}
	chunk := p.chunk
	p.chunk = p.chunk[:0]
	for i, row := range rows {
		if err := p.decide(ctx, chunk[i], row); err != nil {
			return err
		}
	}
	return nil
}

// decide does what is due for one message, given what the ledger has of it.
func (p *pass) decide(ctx context.Context, m mail.Message, row ledger.Row) error {
	p.foundBytes += max(m.Size, row.Size, 0)
	row = p.returned(row)
	outside := p.Options.Dates.Excludes(m.InternalDate)
	if outside && (row.State == ledger.Planned || row.State == ledger.Skipped) {
		p.again = true // another run may have another range
	}
	switch {
	case outside && !p.skip && row.State == ledger.Planned:
		return p.conclude(ctx, ledger.Row{Key: m.Key, State: ledger.Skipped, Size: max(m.Size, 0), Date: m.InternalDate, Flags: m.Flags, Rule: setup.RuleDates, Reason: p.Options.Dates.Reason()})
	case p.skip && row.State == ledger.Planned:
		return p.conclude(ctx, ledger.Row{Key: m.Key, State: ledger.Skipped, Size: max(m.Size, 0), Date: m.InternalDate, Flags: m.Flags, Rule: "plan.folder-skipped", Reason: "the plan leaves this folder out"})
	case m.LeftOut != nil && row.State == ledger.Planned:
		return p.conclude(ctx, ledger.Row{Key: m.Key, State: ledger.Skipped, Size: max(m.Size, 0), Date: m.InternalDate, Flags: m.Flags, Rule: m.LeftOut.Kind, Reason: m.LeftOut.Text})
	case row.State == ledger.Planned:
		if moved, err := p.followed(ctx, m); moved || err != nil {
			return err
		}
		return p.due(ctx, m)
	case row.State == ledger.Skipped && !p.skip && !outside && m.LeftOut == nil:
		return p.due(ctx, m)
	case row.State == ledger.Delivered:
		return p.verifyAgain(ctx, m, row)
	case row.State == ledger.Verified:
		p.Progress.Advanced(p.box.User, 1, row.Size)
		return p.mergeFlags(ctx, m, row)
	case p.worthRetry(row) && !outside && m.LeftOut == nil:
		return p.due(ctx, m)
	}
	p.Progress.Advanced(p.box.User, 1, max(row.Size, 0))
	return nil
}

// worthRetry reports whether a message that was set aside may fare better now.
// What broke a rule of its format will break it again; what was unreadable, gone
// or over quota may not. A message that was delivered and read back differently
// is in the target already and is never sent again.
func (p *pass) worthRetry(row ledger.Row) bool {
	if row.State != ledger.Quarantined && row.State != ledger.Refused || row.Target != "" {
		return false
	}
	if p.Options.RetryExceptions {
		return true
	}
	switch row.Class {
	case failure.Malformed, failure.Unsupported, failure.TooLarge:
		return false
	}
	return true
}

// due adds a message to the batch and sends the batch when it is full.
func (p *pass) due(ctx context.Context, m mail.Message) error {
	limitMessages, limitBytes := p.BatchLimits()
	if len(p.batch) > 0 && (len(p.batch) >= limitMessages || p.size+max(m.Size, 0) > limitBytes) {
		if err := p.flush(ctx, false); err != nil {
			return err
		}
	}
	if p.batch == nil {
		p.batch = make([]mail.Message, 0, min(limitMessages, lookupChunk))
	}
	p.batch = append(p.batch, m)
	p.size += max(m.Size, 0)
	return nil
}

// listingFault records a message that the source lists and cannot present.
func (p *pass) listingFault(ctx context.Context, m mail.Message, err error) error {
	rows, lookErr := p.Ledger.Lookup(ctx, p.folder.ID, []string{m.Key})
	if lookErr != nil {
		return lookErr
	}
	if rows[0].State == ledger.Verified {
		p.Progress.Advanced(p.box.User, 1, rows[0].Size)
		return nil // moved while it could still be read
	}
	return p.conclude(ctx, p.setAside(m, err, ledger.Quarantined))
}

// setAside makes the row of a message that cannot be moved, and tells why.
func (p *pass) setAside(m mail.Message, err error, state ledger.State) ledger.Row {
	class := failure.ClassOf(err)
	switch class {
	case failure.Malformed, failure.Unsupported, failure.TooLarge:
	default:
		p.again = true
	}
	code := event.MessageQuarantined
	switch {
	case state == ledger.Refused:
		code = event.MessageRefused
	case class == failure.Vanished:
		code = event.MessageVanished
	case class == failure.Transient:
		code = event.SourceChanged
	}
	p.Emit(event.Event{Code: code, User: p.box.User, Folder: string(p.folder.Path), Key: m.Key, Detail: err.Error()})
	return ledger.Row{Key: m.Key, State: state, Size: max(m.Size, 0), Date: m.InternalDate, Flags: m.Flags,
		Rule: failure.RuleOf(err), Reason: err.Error(), Class: class, Notes: m.Notes}
}

// conclude keeps an outcome for the next checkpoint.
func (p *pass) conclude(ctx context.Context, row ledger.Row) error {
	p.settled = append(p.settled, row)
	p.settle(p.box.User, 1, row.Size)
	p.messages++
	p.bytes += row.Size
	if len(p.settled) >= 2*lookupChunk {
		return p.checkpoint(ctx, nil, nil)
	}
	return nil
}

// checkpoint makes all outcomes so far durable, together with a new intent.
func (p *pass) checkpoint(ctx context.Context, open *ledger.Intent, done *ledger.Complete) error {
	if len(p.settled) == 0 && len(p.closing) == 0 && open == nil && done == nil {
		return nil
	}
	err := p.Queue.Checkpoint(ctx, p.lease, ledger.Change{Folder: p.folder.ID, Settled: p.settled, Close: p.closing, Open: open, Complete: done})
	if err != nil {
		return err
	}
	p.settled, p.closing = p.settled[:0], p.closing[:0]
	return nil
}

// drop waits for a verification that nobody will collect.
func (p *pass) drop() {
	if p.verify != nil {
		<-p.verify
		p.verify = nil
	}
}
