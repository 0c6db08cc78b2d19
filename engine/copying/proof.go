package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// delivery is what a batch delivered and is now to be proven.
type delivery struct {
	seq      int64
	at       connector.Position
	out      []*outgoing
	receipts []connector.Receipt
}

// proven is the result of reading a batch back.
type proven struct {
	seq   int64
	rows  []ledger.Row
	again bool
	err   error // cancelled; nothing of the batch is settled
}

// startProof reads a batch back in the background. At most one is under way.
func (p *pass) startProof(ctx context.Context, d delivery) {
	result := make(chan proven, 1)
	p.verify = result
	go func() { result <- p.proveAll(ctx, d) }()
}

// collect takes over the outcome of the verification under way.
func (p *pass) collect(context.Context) error {
	if p.verify == nil {
		return nil
	}
	r := <-p.verify
	p.verify = nil
	if r.err != nil {
		return r.err
	}
	var bytes int64
	for _, row := range r.rows {
		bytes += row.Size
	}
	p.settled = append(p.settled, r.rows...)
	p.closing = append(p.closing, r.seq)
	p.again = p.again || r.again
	p.messages += int64(len(r.rows))
	p.bytes += bytes
	p.settle(p.box.User, int64(len(r.rows)), bytes)
	return nil
}

func (p *pass) proveAll(ctx context.Context, d delivery) proven {
	result := proven{seq: d.seq, rows: make([]ledger.Row, 0, len(d.out))}
	if err := p.locate(ctx, &d); err != nil {
		result.err = err
		return result
	}
	if target, ahead := p.to.(connector.StoredAnnouncer); ahead {
		ids := make([]string, len(d.out))
		for i := range d.receipts {
			ids[i] = d.receipts[i].ID
		}
		target.AnnounceStored(ctx, p.folder.Target, ids)
	}
	for i, o := range d.out {
		row := p.proveOne(ctx, o, d.receipts[i].ID, d.receipts[i].Notes)
		if ctx.Err() != nil {
			result.err = ctx.Err()
			return result
		}
		result.again = result.again || row.State == ledger.Delivered || row.Target == ""
		result.rows = append(result.rows, row)
	}
	return result
}

// locate finds the places of messages whose receipt does not name one.
func (p *pass) locate(ctx context.Context, d *delivery) error {
	var nameless []int
	for i := range d.receipts {
		if d.receipts[i].ID == "" {
			nameless = append(nameless, i)
		}
	}
	if len(nameless) == 0 {
		return nil
	}
	candidates := make([]candidate, len(nameless))
	for n, i := range nameless {
		found, err := p.fingerprints(ctx, d.out[i].Message)
		if err != nil {
			return err
		}
		candidates[n] = candidate{m: d.out[i].Message, reading: found, want: d.out[i].want}
	}
	found, err := p.match(ctx, d.at, candidates, nil)
	if err != nil {
		return err
	}
	for n, i := range nameless {
		if stored, ok := found[n]; ok {
			d.receipts[i].ID = stored.ID
		}
	}
	return nil
}

// proveOne reads one message back, again where that fails for a passing reason,
// and returns the row with the outcome.
func (p *pass) proveOne(ctx context.Context, o *outgoing, id string, notes []mail.Note) (row ledger.Row) {
	err := p.Try(ctx, p.box.User, "read back from "+string(p.folder.Target), func() (err error) {
		row, err = p.prove(ctx, o, id, notes)
		return err
	})
	if err != nil && ctx.Err() == nil {
		return p.unproven(row, err)
	}
	return row
}

// prove reads one message back and compares content, flags and date. The error
// is for a proof that could not be had; row is then without its outcome.
func (p *pass) prove(ctx context.Context, o *outgoing, id string, notes []mail.Note) (ledger.Row, error) {
	row := ledger.Row{Key: o.Key, Size: o.read, Digest: o.digest, Date: o.InternalDate, Flags: o.Flags, Target: id}
	row.Notes = slices.Concat(o.Message.Notes, o.told, o.losses, notes)
	caps := p.Target.Capabilities()
	want := o.kept
	if !o.complete || !p.digests.kept {
		found, err := p.fingerprints(ctx, o.Message)
		if err != nil {
			return row, err
		}
		if o.complete && found.bytes != o.digest {
			return row, failure.New(failure.Conflict, "read back", o.Key, "source.changed", errors.New("the source changed while the message was being moved"))
		}
		row.Digest, row.Size, want = found.bytes, found.size, found.kept
		row.Notes = slices.Concat(o.Message.Notes, found.told, o.losses, notes)
	}
	if want != row.Digest {
		row.Fingerprint = want // the target keeps something else than these bytes
	}
	stored, reader, err := p.to.Open(ctx, p.folder.Target, id)
	if err != nil {
		return row, err
	}
	got, err := p.fingerprintStored(ctx, reader)
	if err != nil {
		return row, err
	}
	if got != want {
		return p.differs(row, "verify.content", fmt.Sprintf("content is %s in the target, %s was handed over", got, want)), nil
	}
	rule, reason, excused := compareMarks(o, stored, caps, notes)
	row.Notes = append(row.Notes, excused...)
	if rule != "" {
		return p.differs(row, rule, reason), nil
	}
	row.State = ledger.Verified
	return row, nil
}

// unproven keeps a delivered message whose proof failed. One that the target
// does not find is as good as not delivered and will be sent again.
func (p *pass) unproven(row ledger.Row, err error) ledger.Row {
	row.Rule, row.Reason, row.Class = failure.RuleOf(err), err.Error(), failure.ClassOf(err)
	row.State = ledger.Delivered
	code := event.VerifyMismatch
	if row.Class == failure.Vanished {
		row.State, row.Target, row.Rule = ledger.Quarantined, "", ruleMissing
		code = event.VerifyMissing
	}
	p.Emit(event.Event{Code: code, User: p.box.User, Folder: string(p.folder.Path), Key: row.Key, Detail: row.Reason})
	return row
}

// differs keeps a message that arrived, and arrived otherwise than it was sent.
func (p *pass) differs(row ledger.Row, rule, reason string) ledger.Row {
	row.State, row.Rule, row.Reason, row.Class = ledger.Quarantined, rule, reason, failure.Malformed
	p.Emit(event.Event{Code: event.VerifyMismatch, User: p.box.User, Folder: string(p.folder.Path), Key: row.Key, Detail: reason})
	return row
}

// verifyAgain proves a message that an earlier run delivered and could not read
// back.
func (p *pass) verifyAgain(ctx context.Context, m mail.Message, row ledger.Row) error {
	want, date, losses := Holdable(m, p.Target.Capabilities())
	o := &outgoing{Message: m, want: want, losses: losses}
	o.InternalDate = date
	proof := p.proveOne(ctx, o, row.Target, nil)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.again = p.again || proof.State == ledger.Delivered || proof.Target == ""
	return p.conclude(ctx, proof)
}

// mergeFlags carries over flags that changed in the source since the message was
// delivered. It costs nothing while nothing changed.
func (p *pass) mergeFlags(ctx context.Context, m mail.Message, row ledger.Row) error {
	if m.Flags.Equal(row.Flags) {
		return nil
	}
	caps := p.Target.Capabilities()
	source, _, _ := Holdable(m, caps)
	base, _, _ := Holdable(mail.Message{Flags: row.Flags}, caps)
	stored, err := p.marks(ctx, row.Target)
	if err == nil {
		merged := mergeFlagSets(base, source, stored.Flags)
		if !merged.Equal(source) && !stored.Flags.Equal(base) {
			p.kept++
		}
		if !merged.Equal(stored.Flags) {
			if err = p.to.SetFlags(ctx, p.folder.Target, row.Target, stored.Flags, merged); err == nil {
				p.merged++
			}
		}
	}
	switch failure.ClassOf(err) {
	case failure.Cancelled:
		return err
	case failure.Conflict, failure.Transient, failure.Throttled, failure.Internal, failure.Denied:
		if err != nil {
			p.again = true // the owner is at work on it just now, or the target is: next time
			return nil
		}
	case failure.Unsupported:
		row.Notes = append(row.Notes, mail.Note{Kind: "flag-change-not-carried", Text: fmt.Sprintf("flags became (%s) in the source after delivery", m.Flags)})
	}
	row.Flags = m.Flags
	p.settled = append(p.settled, row)
	if len(p.settled) >= 2*lookupChunk {
		return p.checkpoint(ctx, nil, nil)
	}
	return nil
}

// marks reads the marks of a message in the target.
func (p *pass) marks(ctx context.Context, id string) (connector.Stored, error) {
	if reader, ok := p.to.(connector.MarkReader); ok {
		return reader.Marks(ctx, p.folder.Target, id)
	}
	stored, reader, err := p.to.Open(ctx, p.folder.Target, id)
	if err != nil {
		return stored, err
	}
	return stored, reader.Close()
}
