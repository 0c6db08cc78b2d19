package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/rights"
)

// Where the identity of a run may create mailboxes and not fill them, it may be
// able to give itself the right. That is done only when the operator says so
// (Options.Grant), for the time of the run, and written to the ledger before it
// is done, so that a crash leaves no right behind that nobody knows of.

// kindGrant is the kind of the ledger's entries: an account's grants, until they
// are withdrawn.
const kindGrant = "grant"

// withdrawPatience bounds the taking back of one account's rights: at the end of
// a run nobody is left who could cancel it.
const withdrawPatience = time.Minute

// ErrGrantLeft is returned when a right that was given could not be taken back.
var ErrGrantLeft = errors.New("rights that were given for the run could not be taken back")

// ready makes an account's mailbox ready to be filled: it gives what is needed,
// or says what is missing.
func (m *Migration) ready(ctx context.Context, account string) []rights.Finding {
	granter, ok := m.Target.(connector.Granter)
	if !ok {
		return nil
	}
	const action = "fill the mailbox"
	needs, err := granter.Needs(ctx, account)
	if err != nil {
		return findings(action, account, err)
	}
	if len(needs) == 0 {
		return nil
	}
	if !m.Options.Grant || m.Ledger == nil {
		missing := make([]rights.Finding, len(needs))
		for i, g := range needs {
			missing[i] = rights.Finding{Action: action, Identity: g.Identity, Where: g.Object, Needed: g.Given, Held: cmp.Or(g.Held, g.Before), Event: string(event.RightMissing),
				Detail: "the right to make a mailbox is not the right to fill it",
				Grant:  fmt.Sprintf("%s, or run again with --grant, which gives it for the time of the run and takes it back", setRights(g, g.Given))}
			if g.Instead != "" {
				missing[i].Grant += "; or " + g.Instead
			}
		}
		return missing
	}
	if err := m.grant(ctx, granter, account, needs); err != nil {
		return findings("grant the rights for the time of the run", account, err)
	}
	return nil
}

// findings are those that an error carries, or its words.
func findings(action, where string, err error) []rights.Finding {
	if found := rights.From(err); len(found) > 0 {
		return found
	}
	return []rights.Finding{{Action: action, Where: where, Detail: err.Error(), Event: string(event.RightMissing)}}
}

// setRights is how a person sets the rights, in the words of RFC 4314 and of the
// programs that speak it (cyradm).
func setRights(g rights.Grant, to string) string {
	if to == "" {
		return fmt.Sprintf("deleteacl %q %q", g.Object, g.Identity)
	}
	return fmt.Sprintf("setacl %q %q %q", g.Object, g.Identity, to)
}

// grant writes the grants to the ledger and gives them. What an earlier run left
// there keeps the rights that were held before it.
func (m *Migration) grant(ctx context.Context, granter connector.Granter, account string, needs []rights.Grant) error {
	kept := needs
	if earlier := m.left[account]; len(earlier) > 0 {
		kept = merge(earlier, needs)
	}
	state, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	if err := m.Ledger.SetProvisioned(ctx, kindGrant, account, string(state)); err != nil {
		return err
	}
	for _, g := range needs {
		m.step(ctx, "grant", "right", g.String())
		if err := granter.Grant(ctx, g); err != nil {
			return err
		}
		m.emit(event.Event{Code: event.RightGranted, User: account, Detail: g.String()})
	}
	return nil
}

// merge adds grants to those of an earlier run, whose word for what was there
// before them stays.
func merge(earlier, needs []rights.Grant) []rights.Grant {
	type place struct{ object, identity string }
	before := map[place]bool{}
	kept := append([]rights.Grant{}, earlier...)
	for _, g := range earlier {
		before[place{g.Object, g.Identity}] = true
	}
	for _, g := range needs {
		if !before[place{g.Object, g.Identity}] {
			kept = append(kept, g)
		}
	}
	return kept
}

// readyAll makes the mailboxes of many accounts ready. It returns what is missing,
// a bounded number of findings.
func (m *Migration) readyAll(ctx context.Context, accounts []string) []rights.Finding {
	if _, ok := m.Target.(connector.Granter); !ok {
		return nil
	}
	const most = 300
	var (
		mu    sync.Mutex
		all   []rights.Finding
		more  int
		group errgroup.Group
	)
	group.SetLimit(lookups)
	for _, account := range accounts {
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			missing := m.ready(ctx, account)
			mu.Lock()
			defer mu.Unlock()
			room := min(most-len(all), len(missing))
			all = append(all, missing[:room]...)
			more += len(missing) - room
			return nil
		})
	}
	_ = group.Wait() // no work returns an error
	slices.SortStableFunc(all, func(a, b rights.Finding) int { return strings.Compare(a.Where, b.Where) })
	if more > 0 {
		all = append(all, rights.Finding{Action: "fill the mailbox", Where: "further accounts", Event: string(event.RightMissing), Detail: fmt.Sprintf("%d more rights are missing", more),
			Grant: "the same for them, or run again with --grant"})
	}
	return all
}

// WithdrawGrants takes back every right that this run, or an earlier one that
// could not, was given. It is called before anything is changed in the target,
// and at the end of a run whatever became of it. What cannot be taken back stays
// in the ledger, is told as an event with the command to do it by hand, and makes
// the error ErrGrantLeft.
func (m *Migration) WithdrawGrants(ctx context.Context) error {
	m.left = map[string][]rights.Grant{}
	if m.Ledger == nil {
		return nil
	}
	granter, _ := m.Target.(connector.Granter)
	var (
		mu    sync.Mutex
		left  int
		group errgroup.Group
	)
	group.SetLimit(lookups)
	for p, err := range m.Ledger.Unsettled(ctx, kindGrant) {
		if err != nil {
			_ = group.Wait()
			return err
		}
		var grants []rights.Grant
		if err := json.Unmarshal([]byte(p.State), &grants); err != nil {
			continue // what our own program did not write
		}
		group.Go(func() error {
			stay := m.withdraw(ctx, granter, p.ID, grants)
			mu.Lock()
			defer mu.Unlock()
			if len(stay) > 0 {
				left += len(stay)
				m.left[p.ID] = stay
			}
			return nil
		})
	}
	_ = group.Wait() // no work returns an error
	if left > 0 {
		class := failure.Denied
		if ctx.Err() != nil {
			class = failure.Cancelled
		}
		return failure.New(class, "withdraw rights", m.Target.Capabilities().Location, "grant.left", fmt.Errorf("%w: %d of them", ErrGrantLeft, left)).
			WithRemedy("each is told with the command that takes it back; waybill preflight with the same ledger tries again")
	}
	return nil
}

// withdraw takes back an account's rights, the last one first, and returns those
// that stay.
func (m *Migration) withdraw(whole context.Context, granter connector.Granter, account string, grants []rights.Grant) (stay []rights.Grant) {
	ctx, cancel := context.WithTimeout(whole, withdrawPatience)
	defer cancel()
	for _, g := range slices.Backward(grants) {
		err := errors.New("the target cannot do it")
		if granter != nil {
			err = granter.Withdraw(ctx, g)
		}
		if err != nil && whole.Err() != nil {
			return grants // the next one takes them back
		}
		if err != nil {
			stay = append([]rights.Grant{g}, stay...)
			m.emit(event.Event{Code: event.GrantLeft, User: account, Detail: fmt.Sprintf("%s: %s; by hand: %s", g, err, setRights(g, g.Before))})
			continue
		}
		m.emit(event.Event{Code: event.RightWithdrawn, User: account, Detail: g.String()})
	}
	state := ledger.ProvisionedRemoved
	if len(stay) > 0 {
		body, err := json.Marshal(stay)
		if err != nil {
			return stay
		}
		state = string(body)
	}
	if err := m.Ledger.SetProvisioned(context.WithoutCancel(ctx), kindGrant, account, state); err != nil && len(stay) == 0 {
		m.step(ctx, "the ledger still holds rights that are withdrawn", "account", account, "error", err.Error())
	}
	return stay
}

// GrantFor makes the mailboxes of accounts ready for what opens them beside a
// run, such as a verification, and returns what is missing. WithdrawGrants takes
// back what it gave. Nothing happens on a target without grants.
func (m *Migration) GrantFor(ctx context.Context, accounts []string) []rights.Finding {
	return m.readyAll(ctx, accounts)
}
