// Package preflight proves rights by doing, before a run changes anything.
package preflight

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/rights"
)

// ErrRefused is returned when preflight found that the rights do not suffice.
// Nothing was changed in the target, or what was changed is removed again.
var ErrRefused = errors.New("preflight refused: the rights do not suffice, and nothing was changed")

// Account is an account that the run will write to.
type Account struct {
	ID string
	// Create says that the run will make it.
	Create bool
	Public bool // a tree of public folders
}

// Check is what a preflight works with.
type Check struct {
	Target connector.Target
	// Ledger remembers canaries until they are removed; nil keeps no memory.
	Ledger *ledger.Ledger
	// AcceptTrace allows a preflight that cannot remove its canary accounts.
	AcceptTrace bool
	Events      event.Sink   // nil discards
	Log         *slog.Logger // nil discards
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
// owner would see it, compares, and removes every trace. Where the run will make
// accounts it makes and removes canary accounts too. It returns every finding;
// the error is ErrRefused when one of them is not OK.
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
	proof, err := m.prove(ctx, accounts)
	if err != nil && stops(err) {
		return findings, err
	}
	proof = distinct(proof)
	findings = append(hints(findings), proof...)
	refused, trouble := false, error(nil)
	for _, f := range proof {
		switch {
		case f.OK:
		case isTrouble(f):
			trouble = errors.Join(trouble, failure.New(failure.Transient, "preflight: "+f.Action, f.Where, "preflight.trouble", errors.New(f.Detail)))
		default:
			refused = true
			m.emit(event.Event{Code: event.RightMissing, Detail: f.String()})
		}
	}
	if trouble != nil && !refused {
		// A locked file or a full disk says nothing about rights.
		return findings, trouble
	}
	if refused {
		m.emit(event.Event{Code: event.PreflightRefused, Detail: m.Target.Capabilities().Location})
		return findings, failure.New(failure.Denied, "preflight", m.Target.Capabilities().Location, "preflight.refused", ErrRefused)
	}
	m.emit(event.Event{Code: event.PreflightPassed, Detail: fmt.Sprintf("%d checks", len(proof))})
	return findings, nil
}

// distinct leaves out findings that were made before: every mailbox that was
// tried tells of the same missing right.
func distinct(findings []rights.Finding) []rights.Finding {
	seen := make(map[rights.Finding]bool, len(findings))
	out := make([]rights.Finding, 0, len(findings))
	for _, f := range findings {
		if !seen[f] {
			seen[f] = true
			out = append(out, f)
		}
	}
	return out
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

// prove chooses the two mailboxes and runs the canaries.
func (m *Check) prove(ctx context.Context, planned []Account) (findings []rights.Finding, err error) {
	caps := m.Target.Capabilities()
	var accounts []string // to try
	create, public := false, false
	for _, a := range planned {
		if a.Create {
			create, public = true, public || a.Public
		} else if len(accounts) < 2 {
			accounts = append(accounts, a.ID)
		}
	}
	if create {
		switch {
		case !caps.CreateAccounts:
			findings = append(findings, rights.Finding{Action: "create accounts", Where: caps.Location, Detail: "this target cannot make accounts", Event: string(event.ProbeUnavailable)})
		case !caps.DeleteAccounts && !m.AcceptTrace:
			findings = append(findings, rights.Finding{Action: "create and remove canary accounts", Where: caps.Location, Event: string(event.ProbeUnavailable),
				Detail: "this target cannot remove accounts, so a canary account would stay", Grant: "run again with --yes to go without this proof, or create two of the accounts first and name them in the user map"})
		case caps.DeleteAccounts:
			want := max(1, 2-len(accounts))
			canaries, more := m.createCanaries(ctx, want, public)
			findings = append(findings, more...)
			defer func() { findings = append(findings, m.deleteCanaries(canaries)...) }()
			accounts = append(accounts, canaries...)
		}
	}
	if failedAny(findings) || len(accounts) == 0 {
		return findings, ctx.Err()
	}
	more, err := m.flyCanaries(ctx, accounts)
	return append(findings, more...), err
}

func failedAny(findings []rights.Finding) bool {
	for _, f := range findings {
		if !f.OK {
			return true
		}
	}
	return false
}

func (m *Check) createCanaries(ctx context.Context, n int, public bool) (made []string, findings []rights.Finding) {
	token := randomToken()
	kinds := make([]directory.Kind, n)
	if public {
		kinds = append(kinds, directory.Public)
	}
	for i, kind := range kinds {
		id := fmt.Sprintf("waybill-canary-%s-%d", token, i+1)
		action := "create an account"
		if kind == directory.Public {
			action = "create a top-level public folder"
		}
		m.step(ctx, "preflight: "+action, "account", id)
		if err := m.leave(ctx, id, trace{Account: id, Made: true}); err != nil {
			return made, append(findings, findingOf("write to the ledger", id, err)...)
		}
		err := m.Target.CreateAccount(ctx, directory.User{ID: id, Kind: kind, Name: "Waybill canary"})
		if err != nil {
			findings = append(findings, findingOf(action, id, err)...)
			// It may be there all the same: a lost answer. Removing is tried.
			made = append(made, id)
			return made, findings
		}
		made = append(made, id)
		findings = append(findings, rights.Finding{Action: action, Where: id, OK: true})
	}
	return made, findings
}

// deleteCanaries removes the canary accounts even when the run was cancelled.
func (m *Check) deleteCanaries(accounts []string) (findings []rights.Finding) {
	ctx := context.Background()
	for _, id := range accounts {
		err := m.Target.DeleteAccount(ctx, id)
		// Who may not remove an account may not have been able to make it either.
		if err == nil || failure.ClassOf(err) == failure.Vanished || !m.accountExists(ctx, id) {
			m.gone(id)
			continue
		}
		m.emit(event.Event{Code: event.CanaryLeft, User: id, Detail: err.Error()})
		findings = append(findings, findingOf("remove the canary account", id, err)...)
	}
	return findings
}

func (m *Check) accountExists(ctx context.Context, id string) bool {
	for a, err := range m.Target.Accounts(ctx) {
		if err != nil {
			return true // cannot be told: assume the worse
		}
		if a.ID == id {
			return true
		}
	}
	return false
}

// flyCanaries works on all accounts at the same time: each opens its mailbox,
// waits until the others have opened theirs, delivers, and keeps it open until the
// others have delivered too. Rights that suffice for one mailbox and not for two
// show here.
func (m *Check) flyCanaries(ctx context.Context, accounts []string) ([]rights.Finding, error) {
	var (
		opened sync.WaitGroup
		flown  sync.WaitGroup
		done   sync.WaitGroup
		mu     sync.Mutex
		all    []rights.Finding
	)
	opened.Add(len(accounts))
	flown.Add(len(accounts))
	done.Add(len(accounts))
	for _, account := range accounts {
		go func() {
			defer done.Done()
			box, err := m.Target.Mailbox(ctx, account)
			opened.Done()
			var findings []rights.Finding
			if err != nil {
				m.emit(event.Event{Code: event.LogonFailed, User: account, Detail: err.Error()})
				findings = findingOf("log on to the mailbox", account, err)
				flown.Done()
			} else {
				opened.Wait()
				c := canary{m: m, box: box, account: account}
				findings = c.fly(ctx, len(accounts))
				flown.Done()
				flown.Wait()
				if err := box.Close(); err != nil {
					findings = append(findings, findingOf("close the mailbox", account, err)...)
				}
			}
			mu.Lock()
			all = append(all, findings...)
			mu.Unlock()
		}()
	}
	done.Wait()
	return all, ctx.Err()
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
	if e, ok := errors.AsType[*failure.Error](err); ok {
		f.Grant = e.Remedy
	}
	return []rights.Finding{f}
}

func randomToken() string {
	b := make([]byte, 5)
	_, _ = rand.Read(b) // crypto/rand never fails on supported systems
	return hex.EncodeToString(b)
}

// canary is one trial delivery to one mailbox.
type canary struct {
	m       *Check
	box     connector.TargetMailbox
	account string
}
