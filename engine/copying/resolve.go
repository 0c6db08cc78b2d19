package copying

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// resolve settles the batches whose outcome an earlier run left unknown. It
// looks at what arrived in the target since their position and compares by
// content, as a multiset; nothing is sent before every one is known.
func (p *pass) resolve(ctx context.Context) error {
	intents, err := p.Ledger.Intents(ctx, p.folder.ID)
	if err != nil || len(intents) == 0 {
		return err
	}
	unknown := map[string]bool{}
	for _, in := range intents {
		p.nextSeq = max(p.nextSeq, in.Seq)
		for _, k := range in.Keys {
			unknown[k] = true
		}
	}
	total := len(unknown)
	messages, known, err := p.listed(ctx, unknown)
	if err != nil {
		return err
	}
	left, err := p.lookFor(ctx, connector.Position(intents[0].Position), messages, known, p.began)
	if err != nil {
		return err
	}
	for key := range unknown { // what the source does not list any more
		if err := p.conclude(ctx, p.lost(key)); err != nil {
			return err
		}
	}
	arrived := len(messages) - len(left)
	p.Emit(event.Event{Code: event.OutcomeResolved, User: p.box.User, Folder: string(p.folder.Path),
		Detail: fmt.Sprintf("of %d messages whose delivery was interrupted %d had arrived, %d are sent again, %d are gone from the source", total, arrived, len(left), len(unknown))})
	p.closeAll(intents)
	return p.checkpoint(ctx, nil, nil)
}

// closeAll closes intents with the next checkpoint. It comes after the last
// outcome was concluded: an intent that is closed early would make whatever has
// no row yet look as if it had never been sent.
func (p *pass) closeAll(intents []ledger.Intent) {
	for _, in := range intents {
		p.closing = append(p.closing, in.Seq)
	}
}

// listed finds the messages with the given keys in the source and takes their
// keys out of the set. Those that are known to have arrived are left out; known
// holds their IDs in the target, which belong to nobody else.
func (p *pass) listed(ctx context.Context, keys map[string]bool) (messages []mail.Message, known map[string]bool, err error) {
	settled := make([]string, 0, len(keys))
	for k := range keys {
		settled = append(settled, k)
	}
	rows, err := p.Ledger.Lookup(ctx, p.folder.ID, settled)
	if err != nil {
		return nil, nil, err
	}
	known = map[string]bool{}
	for _, row := range rows {
		if row.Target != "" {
			known[row.Target] = true
			delete(keys, row.Key)
		}
	}
	for m, err := range p.from.Messages(ctx, p.folder.Path) {
		if err != nil && m.Key == "" {
			return nil, nil, err
		}
		if !keys[m.Key] {
			continue
		}
		delete(keys, m.Key)
		if err == nil {
			messages = append(messages, m)
		}
	}
	return messages, known, ctx.Err()
}

// Rules of messages of which nobody can say that they are not needed.
const (
	ruleLost    = "source.vanished-in-flight" // gone from the source while its outcome was unknown
	ruleMissing = "verify.missing"            // delivered, and not found on reading back
)

// lost is the row of a message that vanished from the source while its delivery
// was under way: whether it arrived can no longer be told by its content.
func (p *pass) lost(key string) ledger.Row {
	err := failure.New(failure.Vanished, "resolve", string(p.folder.Path)+" "+key, ruleLost,
		errors.New("the message left the source while its delivery was interrupted; it may have arrived")).WithRemedy("look for it in the target")
	return p.setAside(mail.Message{Key: key, Size: -1}, err, ledger.Quarantined)
}

// abandon closes the intents of a folder that the source has no more.
func (p *pass) abandon(ctx context.Context) error {
	intents, err := p.Ledger.Intents(ctx, p.folder.ID)
	if err != nil || len(intents) == 0 {
		return err
	}
	for _, in := range intents {
		rows, err := p.Ledger.Lookup(ctx, p.folder.ID, in.Keys)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Target != "" {
				continue // known to have arrived
			}
			if err := p.conclude(ctx, p.lost(row.Key)); err != nil {
				return err
			}
		}
	}
	p.closeAll(intents)
	return p.checkpoint(ctx, nil, nil)
}

// lookFor finds out which of the messages arrived after a position. Arrived ones
// are concluded; the others are returned. IDs in known are somebody's already.
// What is missing may still be under way in the target: before it counts as not
// arrived the target gets the time that it says it may need, from the moment
// when the answer was lost.
func (p *pass) lookFor(ctx context.Context, since connector.Position, messages []mail.Message, known map[string]bool, lost time.Time) (left []mail.Message, err error) {
	candidates := make([]candidate, 0, len(messages))
	caps := p.Target.Capabilities()
	for _, m := range messages {
		found, err := p.fingerprints(ctx, m)
		if err != nil {
			if ctx.Err() != nil || failure.ClassOf(err).Retryable() {
				return nil, err
			}
			left = append(left, m) // sending it will tell what is wrong with it
			continue
		}
		want, date, losses := Holdable(m, caps)
		m.InternalDate = date
		candidates = append(candidates, candidate{m: m, reading: found, want: want, losses: losses})
	}
	found, err := p.match(ctx, since, candidates, known)
	if err != nil {
		return nil, err
	}
	if wait := caps.Settle - p.Clock.Time().Sub(lost); len(found) < len(candidates) && wait > 0 {
		if err := p.Clock.Wait(ctx, wait); err != nil {
			return nil, err
		}
		if found, err = p.match(ctx, since, candidates, known); err != nil {
			return nil, err
		}
	}
	for i, c := range candidates {
		stored, arrived := found[i]
		if !arrived {
			left = append(left, c.m)
			continue
		}
		o := &outgoing{Message: c.m, want: c.want, losses: c.losses, told: c.told, digest: c.bytes, read: c.size, complete: true}
		if err := p.conclude(ctx, p.proveFound(o, stored, c.kept)); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// proveFound makes the row of a message that was found by its content, which is
// proof of the content already.
func (p *pass) proveFound(o *outgoing, stored connector.Stored, kept mail.Digest) ledger.Row {
	caps := p.Target.Capabilities()
	row := ledger.Row{Key: o.Key, State: ledger.Verified, Size: o.read, Digest: o.digest, Date: o.InternalDate, Flags: o.Flags, Target: stored.ID}
	row.Notes = slices.Concat(o.Message.Notes, o.told, o.losses)
	if kept != row.Digest {
		row.Fingerprint = kept
	}
	rule, reason, excused := compareMarks(o, stored, caps, nil)
	row.Notes = append(row.Notes, excused...)
	switch rule {
	case "":
	case ruleFlags:
		// The source's flags may have changed since the message was sent: what
		// arrived is what was sent then, and the merge carries over the rest.
		row.Flags = stored.Flags
	default:
		return p.differs(row, rule, reason)
	}
	return row
}

// candidate is a message that may have arrived.
type candidate struct {
	m mail.Message
	reading
	want   mail.FlagSet
	losses []mail.Note
}

// match pairs candidates with what arrived since a position: equal content,
// one to one. Among equal ones those with equal marks are paired first, then in
// order. Arrivals whose ID is in known belong to other messages. It returns the
// pairs by candidate.
func (p *pass) match(ctx context.Context, since connector.Position, candidates []candidate, known map[string]bool) (map[int]connector.Stored, error) {
	found := map[int]connector.Stored{}
	wanted := map[mail.Digest][]int{}
	for i, c := range candidates {
		wanted[c.kept] = append(wanted[c.kept], i)
	}
	var doubtful []arrival
	for stored, err := range p.to.Arrived(ctx, p.folder.Target, since) {
		if err != nil {
			return nil, err
		}
		if len(candidates) == len(found) {
			break // what else arrived is not ours
		}
		if known[stored.ID] {
			continue
		}
		_, reader, err := p.to.Open(ctx, p.folder.Target, stored.ID)
		if err != nil {
			if failure.ClassOf(err) == failure.Vanished {
				continue // its owner removed it meanwhile
			}
			return nil, err
		}
		content, err := p.fingerprintStored(ctx, reader)
		if err != nil {
			return nil, err
		}
		if i, ok := takeEqual(wanted, candidates, content, stored); ok {
			found[i] = stored
		} else {
			doubtful = append(doubtful, arrival{stored, content})
		}
	}
	for _, a := range doubtful {
		rest := wanted[a.content]
		if len(rest) == 0 {
			continue
		}
		found[rest[0]], wanted[a.content] = a.stored, rest[1:]
	}
	return found, ctx.Err()
}

type arrival struct {
	stored  connector.Stored
	content mail.Digest
}

// takeEqual takes the first candidate of this content whose marks are equal too.
func takeEqual(wanted map[mail.Digest][]int, candidates []candidate, content mail.Digest, stored connector.Stored) (int, bool) {
	for n, i := range wanted[content] {
		c := candidates[i]
		if c.want.Equal(stored.Flags) && (c.m.InternalDate.IsZero() || mail.SameMoment(c.m.InternalDate, stored.InternalDate, 0)) {
			rest := wanted[content]
			wanted[content] = append(append([]int{}, rest[:n]...), rest[n+1:]...)
			return i, true
		}
	}
	return 0, false
}
