package copying

import (
	"context"
	"errors"
	"io"

	"waybill/connector"
	"waybill/engine/setup"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// flush sends what is collected. A source that reads ahead is told of the next
// batch before the last one is sent, so that neither side waits for the other.
func (p *pass) flush(ctx context.Context, last bool) error {
	batch := p.batch
	p.batch, p.size = nil, 0
	source, ahead := connector.Find[connector.Announcer](p.from)
	if !ahead {
		return p.send(ctx, batch)
	}
	if len(batch) > 0 {
		source.Announce(ctx, p.folder.Path, batch)
	}
	ready := p.ready
	p.ready = batch
	if err := p.send(ctx, ready); err != nil || !last {
		return err
	}
	p.ready = nil
	return p.send(ctx, batch)
}

// send delivers a batch: the intent goes to the ledger, then the messages to
// the target. What failed for a passing reason is tried again; a message that
// keeps failing is set aside, so that it cannot hold up the others.
func (p *pass) send(ctx context.Context, batch []mail.Message) error {
	if len(batch) == 0 {
		return nil
	}
	var faults []itemFault
	var whole error
	err := p.Try(ctx, p.box.User, "append to "+string(p.folder.Target), func() error {
		if len(batch) == 0 {
			return nil
		}
		faults, whole = p.sendOnce(ctx, batch)
		if whole != nil && faults == nil {
			return unknownOutcome{whole} // nothing may be sent before it is known
		}
		batch = batch[:0:0]
		for _, f := range faults {
			batch = append(batch, f.m)
		}
		if whole == nil && len(faults) > 0 {
			return faults[0].err
		}
		return whole
	})
	if unknown, ok := errors.AsType[unknownOutcome](err); ok {
		return unknown.error
	}
	if err == nil || whole != nil || ctx.Err() != nil {
		return err
	}
	if _, ok := errors.AsType[*setup.Snooze](err); ok {
		return err
	}
	for _, f := range faults {
		if err := p.conclude(ctx, p.setAside(f.m, f.err, ledger.Quarantined)); err != nil {
			return err
		}
	}
	return nil
}

// unknownOutcome is an error after which nobody knows what arrived. It hides the
// class of its cause, so that the batch is not tried again blindly: the intent
// stays open and the next attempt on the mailbox looks first.
type unknownOutcome struct{ error }

// itemFault is a message that could not be sent for a reason that may pass.
type itemFault struct {
	m   mail.Message
	err error
}

// sendOnce sends messages once. faults are those that were not stored and may be
// tried again; whole is set when the batch failed as a whole, and then faults
// holds what is known not to have arrived.
func (p *pass) sendOnce(ctx context.Context, batch []mail.Message) (faults []itemFault, whole error) {
	at, err := p.to.Position(ctx, p.folder.Target)
	if err != nil {
		return asFaults(batch, err), err
	}
	p.nextSeq++
	intent := &ledger.Intent{Seq: p.nextSeq, Position: string(at), Keys: make([]string, len(batch))}
	out := make([]*outgoing, len(batch))
	items := make([]connector.Item, len(batch))
	caps := p.Target.Capabilities()
	for i, m := range batch {
		intent.Keys[i] = m.Key
		o := &outgoing{Message: m}
		o.want, o.InternalDate, o.losses = Holdable(m, caps)
		out[i] = o
		sent := m
		sent.Flags, sent.InternalDate = o.want, o.InternalDate
		items[i] = connector.Item{Message: sent, Open: func(ctx context.Context) (io.ReadCloser, error) {
			return o.open(ctx, p.from, p.folder.Path, p.digests)
		}}
	}
	if err := p.checkpoint(ctx, intent, nil); err != nil {
		return nil, err
	}
	receipts, err := p.to.Append(ctx, p.folder.Target, at, items)
	if err != nil || len(receipts) != len(items) {
		if ctx.Err() != nil {
			return nil, ctx.Err() // the intent stays open; the next run looks
		}
		if err == nil {
			err = failure.New(failure.Transient, "append", string(p.folder.Target), "target.receipts", errors.New("the target did not account for every message"))
		}
		return p.afterLostAnswer(ctx, intent, batch, err)
	}
	return p.afterReceipts(ctx, intent, out, receipts)
}

// afterLostAnswer finds out by looking what became of a batch.
func (p *pass) afterLostAnswer(ctx context.Context, intent *ledger.Intent, batch []mail.Message, cause error) ([]itemFault, error) {
	if err := p.collect(ctx); err != nil {
		return nil, err
	}
	// What is proven meanwhile belongs to earlier positions, never to this one.
	left, err := p.lookFor(ctx, connector.Position(intent.Position), batch, nil, p.Clock.Time())
	if err != nil {
		// Still unknown: the intent stays open, and the next run looks again.
		return nil, failure.New(failure.ClassOf(cause), "append", string(p.folder.Target), failure.RuleOf(cause), errors.Join(cause, err))
	}
	p.closing = append(p.closing, intent.Seq)
	return asFaults(left, cause), cause
}

func asFaults(batch []mail.Message, err error) []itemFault {
	faults := make([]itemFault, len(batch))
	for i, m := range batch {
		faults[i] = itemFault{m, err}
	}
	return faults
}

// afterReceipts sorts the batch by outcome and hands what was delivered to the
// verification, which runs while the next batch is being sent.
func (p *pass) afterReceipts(ctx context.Context, intent *ledger.Intent, out []*outgoing, receipts []connector.Receipt) (faults []itemFault, whole error) {
	job := delivery{seq: intent.Seq, at: connector.Position(intent.Position)}
	var setAside []ledger.Row
	for i, receipt := range receipts {
		o := out[i]
		if receipt.Err == nil {
			job.out, job.receipts = append(job.out, o), append(job.receipts, receipt)
			continue
		}
		fromSource := o.fault != nil
		err := receipt.Err
		if fromSource {
			err = o.fault
		}
		switch class := failure.ClassOf(err); {
		case class == failure.Cancelled && ctx.Err() != nil:
			whole = ctx.Err()
		case class.Retryable():
			faults = append(faults, itemFault{o.Message, err})
		case !fromSource && (class == failure.Full || class == failure.Denied):
			// Not this message's fault, and the next would fare no better.
			whole = err
		case fromSource:
			setAside = append(setAside, p.setAside(o.Message, err, ledger.Quarantined))
		default:
			setAside = append(setAside, p.setAside(o.Message, err, ledger.Refused))
		}
	}
	if err := p.collect(ctx); err != nil {
		return faults, err
	}
	for _, row := range setAside {
		p.settled = append(p.settled, row)
		p.settle(p.box.User, 1, row.Size)
		p.messages++
	}
	p.startProof(ctx, job)
	return faults, whole
}
