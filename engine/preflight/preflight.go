// Package preflight proves rights by doing, before a run changes anything.
package preflight

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
	"waybill/rights"
)

// ErrRefused is returned when preflight found that the rights do not suffice.
// Nothing was changed in the target, or what was changed is removed again.
var ErrRefused = errors.New("preflight refused: the rights, or the room, do not suffice, and nothing was changed")

// Account is an account that the run will write to.
type Account struct {
	ID string
	// Create says that the run will make it.
	Create bool
	Public bool // a tree of public folders
	// User is the user's name in the source.
	User string
	// Proven says that an earlier run has filled the mailbox to its end.
	Proven bool
	// Unreadable says that the source did not show the mailbox: nothing is known
	// of it, and that is told already.
	Unreadable bool
	// Bytes is how much is to come, -1 when that is not known.
	Bytes int64
	// Folders are those of the target that will be filled.
	Folders []mail.Path
}

// Maker makes and removes accounts.
type Maker interface {
	CreateAccount(ctx context.Context, u directory.User) error
	DeleteAccount(ctx context.Context, id string) error
	// Can tells whether there is a way to do either.
	Can() (create, remove bool)
}

// targetMaker lets the target itself make accounts.
type targetMaker struct{ connector.Target }

func (t targetMaker) Can() (create, remove bool) {
	caps := t.Capabilities()
	return caps.CreateAccounts, caps.DeleteAccounts
}

// Check is what a preflight works with.
type Check struct {
	Target connector.Target
	// Source, when set, is looked at too: whether its mailboxes are different
	// ones, and how many messages are too large for the target.
	Source connector.Source
	// Accounts makes the canary accounts; nil: the target itself.
	Accounts Maker
	// ShortNames keeps the names of canary accounts to 20 characters, as Active
	// Directory wants logon names.
	ShortNames bool
	// Ready, when set, is asked before a mailbox of a canary account is opened, and
	// gives the rights that are needed or says what is missing.
	Ready func(ctx context.Context, account string) []rights.Finding
	// Found is what is known before the canaries fly. Hopeless says that they
	// need not fly.
	Found    []rights.Finding
	Hopeless bool
	// All tries every account instead of a sample; Workers is how many are tried
	// at the same time, 0 means 4.
	All     bool
	Workers int
	// Tried, when set, is told how far it is with many mailboxes.
	Tried func(done, total int)
	// Ledger remembers canaries until they are removed; nil keeps no memory.
	Ledger *ledger.Ledger
	// AcceptTrace allows a preflight that cannot remove its canary accounts, and
	// goes on without what the source denies or the target has no room for.
	AcceptTrace bool
	Events      event.Sink   // nil discards
	Log         *slog.Logger // nil discards

	maps        *maps
	outstanding map[string]bool // names of traces that could not be removed
}

func (m *Check) emit(e event.Event) {
	if m.Events != nil {
		if e.Time.IsZero() {
			e.Time = time.Now()
		}
		m.Events.Emit(e)
	}
}

func (m *Check) step(ctx context.Context, text string, args ...any) {
	if m.Log != nil {
		m.Log.InfoContext(ctx, text, args...)
	}
}

// stops reports whether err ends the whole run.
func stops(err error) bool { return failure.ClassOf(err) == failure.Cancelled }

// Run proves the rights by doing: it opens two mailboxes at the same time
// with the identity of the run, delivers a canary to each, reads it back as the
// owner would see it, compares, looks whether each reached a mailbox of its own,
// and removes every trace. Then it does the same with a sample of the others, or
// with all of them. Where the run will make accounts it makes and removes canary
// accounts too. It returns what it found, at most some hundreds of findings, the
// rest being counted and told as events; the error is ErrRefused when one of
// them is not OK.
func (m *Check) Run(ctx context.Context, accounts []Account) ([]rights.Finding, error) {
	findings, err := m.Target.Probe(ctx)
	if err != nil {
		findings = append(findings, findingOf("look at rights", m.Target.Capabilities().Location, err)...)
	}
	for _, f := range findings {
		if !f.OK {
			// A probe is advice. Only what is tried below decides, and only that
			// is an event.
			m.step(ctx, "preflight: on paper", "finding", f.String())
		}
	}
	if err := m.sweep(ctx); err != nil {
		return findings, err
	}
	m.maps = &maps{folders: map[mail.Path]string{}, words: map[string]string{}}
	proof := &tally{check: m, seen: map[rights.Finding]bool{}}
	proof.add(m.Found...)
	err = m.prove(ctx, accounts, proof)
	findings = append(hints(findings), proof.all()...)
	switch {
	case err != nil && stops(err):
		return findings, err
	case proof.refused:
		m.emit(event.Event{Code: event.PreflightRefused, Detail: m.Target.Capabilities().Location})
		return findings, failure.New(failure.Denied, "preflight", m.Target.Capabilities().Location, "preflight.refused", ErrRefused)
	case proof.trouble != nil:
		// A locked file or a full disk says nothing about rights.
		return findings, proof.trouble
	}
	m.emit(event.Event{Code: event.PreflightPassed, Detail: fmt.Sprintf("%d checks", proof.count)})
	return findings, nil
}

// hints keeps what Probe found as information: a right that is missing on paper
// and not needed in fact must not refuse a run.
func hints(findings []rights.Finding) []rights.Finding {
	out := make([]rights.Finding, len(findings))
	for i, f := range findings {
		if !f.OK {
			f.Detail, f.OK = "on paper only: not held; what was tried below decides. "+f.Detail, true
		}
		out[i] = f
	}
	return out
}

// prove chooses the mailboxes and runs the canaries.
func (m *Check) prove(ctx context.Context, planned []Account, proof *tally) error {
	m.compareSources(ctx, planned, proof)
	if m.Hopeless || ctx.Err() != nil {
		return ctx.Err()
	}
	var first []Account // to try at the same time
	var rest []Account
	create, public := false, false
	for _, a := range planned {
		switch {
		case a.Create:
			create, public = true, public || a.Public
		case len(first) < 2:
			first = append(first, a)
		default:
			rest = append(rest, a)
		}
	}
	if create {
		canaries, findings := m.canaryAccounts(ctx, max(1, 2-len(first)), public)
		proof.add(findings...)
		defer func() { proof.add(m.deleteCanaries(canaries)...) }()
		for _, id := range canaries {
			first = append(first, Account{ID: id, Bytes: -1})
		}
		if failedAny(findings) {
			return ctx.Err()
		}
	}
	if len(first) > 0 {
		if err := m.flyTogether(ctx, first, proof); err != nil {
			return err
		}
	}
	if (proof.refused || proof.trouble != nil) && !m.All {
		return ctx.Err() // what is wrong with these is likely wrong with all
	}
	tried := m.flyOthers(ctx, rest, proof)
	if !proof.refused && ctx.Err() == nil {
		m.look(ctx, planned, tried, proof)
	}
	return ctx.Err()
}

func failedAny(findings []rights.Finding) bool {
	for _, f := range findings {
		if !f.OK {
			return true
		}
	}
	return false
}

// troubles are what keeps a right from being tried, so that nothing is known of
// it, and the events that tell of each.
var troubles = map[failure.Class]event.Code{failure.Conflict: event.SystemLocked, failure.Full: event.TargetFull,
	failure.Throttled: event.Throttled, failure.Transient: event.Retrying}

func isTrouble(f rights.Finding) bool {
	for _, code := range troubles {
		if f.Event == string(code) {
			return true
		}
	}
	return false
}

// findingOf turns an error into findings: those that the connector made, or one
// that gives the error's words.
func findingOf(action, where string, err error) []rights.Finding {
	if found := rights.From(err); len(found) > 0 {
		return found
	}
	f := rights.Finding{Action: action, Where: where, Detail: err.Error(), Event: string(event.RightMissing)}
	if code, ok := troubles[failure.ClassOf(err)]; ok {
		f.Event = string(code)
		return []rights.Finding{f} // its remedy is in its words and grants nothing
	}
	if e, ok := errors.AsType[*failure.Error](err); ok && e.Remedy != "" {
		f.Grant, f.Detail = e.Remedy, strings.TrimSuffix(f.Detail, "; "+e.Remedy)
	}
	return []rights.Finding{f}
}

func randomToken() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // crypto/rand never fails on supported systems
	return hex.EncodeToString(b)
}
