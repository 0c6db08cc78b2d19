package preflight

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// The stages that canaries which fly together reach together.
const (
	opened = iota // every mailbox is open
	delivered
	looked // everybody has looked for the others' canaries
	stages
)

// meeting lets several canaries wait for each other at each stage; nil does not
// wait.
type meeting [stages]sync.WaitGroup

func newMeeting(n int) *meeting {
	m := &meeting{}
	for i := range m {
		m[i].Add(n)
	}
	return m
}

// reach says that one canary is there, and waits for the others.
func (m *meeting) reach(stage int) {
	if m != nil {
		m[stage].Done()
		m[stage].Wait()
	}
}

// leave says that one canary will reach no stage any more.
func (m *meeting) leave() {
	if m != nil {
		for i := range m {
			m[i].Done()
		}
	}
}

// flyTogether works on all accounts at the same time: each opens its mailbox,
// waits until the others have opened theirs, delivers, and keeps it open until the
// others have delivered too. Rights that suffice for one mailbox and not for two
// show here, and two logons that reach one mailbox.
func (m *Check) flyTogether(ctx context.Context, accounts []Account, proof *tally) error {
	together := newMeeting(len(accounts))
	var all sync.WaitGroup
	for _, a := range accounts {
		all.Go(func() { proof.add(m.flyOne(ctx, a, len(accounts), together, proof)...) })
	}
	all.Wait()
	return ctx.Err()
}

// sampled is how many accounts beside the first two are tried, when not all are.
const sampled = 20

// flyOthers tries further accounts, all of them or a sample spread over them of
// those that no earlier run has filled. It returns which it tried.
func (m *Check) flyOthers(ctx context.Context, others []Account, proof *tally) (tried map[string]bool) {
	chosen := m.choose(others, sampled)
	if len(chosen) == 0 {
		return nil
	}
	tried = make(map[string]bool, len(chosen))
	var mu sync.Mutex
	failed := 0
	m.each(ctx, chosen, m.workers(m.Target.Capabilities().Parallel), func(a Account) {
		findings := m.notNow(a.ID, m.flyOne(ctx, a, 1, nil, proof))
		bad := failedAny(findings)
		// What went well is counted below, and not kept for each.
		proof.add(slices.DeleteFunc(findings, func(f rights.Finding) bool { return f.OK && f.Detail == "" })...)
		mu.Lock()
		tried[a.ID] = true
		if bad {
			failed++
		}
		mu.Unlock()
	})
	sum := rights.Finding{Action: "append to further mailboxes and read back", Where: m.Target.Capabilities().Location, OK: failed == 0,
		Detail: fmt.Sprintf("%d of %d mailboxes", len(tried)-failed, len(chosen))}
	if !sum.OK {
		sum.Event = string(event.RightMissing)
	}
	proof.add(sum)
	return tried
}

// choose takes all accounts, or at most n of those that are not proven, spread
// over the list.
func (m *Check) choose(accounts []Account, n int) []Account {
	if m.All {
		return accounts
	}
	accounts = slices.DeleteFunc(slices.Clone(accounts), func(a Account) bool { return a.Proven })
	if len(accounts) <= n {
		return accounts
	}
	chosen := make([]Account, n)
	for i := range chosen {
		chosen[i] = accounts[i*len(accounts)/n]
	}
	return chosen
}

// workers is how many mailboxes are worked on at the same time.
func (m *Check) workers(parallel int) int {
	n := m.Workers
	if n <= 0 {
		n = 4
	}
	if parallel > 0 {
		n = min(n, parallel)
	}
	return n
}

// steps is how often a long preflight tells how far it is.
const steps = 20

// each works on accounts, several at the same time, and tells how far it is.
func (m *Check) each(ctx context.Context, accounts []Account, workers int, work func(Account)) {
	var group errgroup.Group
	group.SetLimit(workers)
	var mu sync.Mutex
	done := 0
	for _, a := range accounts {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			if ctx.Err() != nil {
				return nil
			}
			work(a)
			mu.Lock()
			defer mu.Unlock()
			done++
			if len(accounts) > sampled && done*steps/len(accounts) != (done-1)*steps/len(accounts) {
				m.emit(event.Event{Code: event.MailboxesTried, Detail: fmt.Sprintf("%d of %d", done, len(accounts))})
				if m.Tried != nil {
					m.Tried(done, len(accounts))
				}
			}
			return nil
		})
	}
	_ = group.Wait() // no work returns an error
}

// flyOne delivers a canary to one account, together with others or alone.
func (m *Check) flyOne(ctx context.Context, a Account, together int, meet *meeting, proof *tally) []rights.Finding {
	box, err := m.Target.Mailbox(ctx, a.ID)
	if err != nil {
		meet.leave()
		m.emit(event.Event{Code: event.LogonFailed, User: a.ID, Detail: err.Error()})
		return findingOf("log on to the mailbox", a.ID, err)
	}
	meet.reach(opened)
	c := &canary{m: m, box: box, account: a.ID}
	findings := c.fly(ctx, together)
	meet.reach(delivered)
	findings = append(findings, c.lookAround(ctx)...)
	meet.reach(looked)
	findings = append(findings, c.cleanUp()...)
	if ctx.Err() == nil {
		findings = append(findings, m.mayFill(ctx, box, a)...)
		m.room(ctx, box, a, proof)
	}
	if err := box.Close(); err != nil {
		findings = append(findings, findingOf("close the mailbox", a.ID, err)...)
	}
	return findings
}

// mayFill asks for the folders that are to be filled, where the target can tell.
func (m *Check) mayFill(ctx context.Context, box connector.TargetMailbox, a Account) (findings []rights.Finding) {
	teller, ok := box.(connector.FillTeller)
	if !ok {
		return nil
	}
	for _, folder := range a.Folders {
		err := teller.MayFill(ctx, folder)
		switch {
		case ctx.Err() != nil:
			return findings
		case failure.ClassOf(err) == failure.Denied:
			findings = append(findings, findingOf("fill the folder", a.ID+" "+string(folder), err)...)
		case err != nil:
			m.step(ctx, "preflight: whether a folder may be filled cannot be told", "account", a.ID, "folder", folder, "error", err.Error())
		}
	}
	return findings
}

// maps is what is known of which mailbox is whose while canaries fly.
type maps struct {
	mu      sync.Mutex
	folders map[mail.Path]string // the canaries' folders that are there now
	words   map[string]string    // identities, by account
	// limit is the smallest message size that some mailbox said is its limit.
	limit   int64
	tellers bool // some mailbox knows its room
}

func (k *maps) canary(folder mail.Path, account string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if account == "" {
		delete(k.folders, folder)
	} else {
		k.folders[folder] = account
	}
}

// owner tells whose canary's folder this is; "" is nobody's.
func (k *maps) owner(folder mail.Path) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.folders[folder]
}

// meets tells which account gave the same word before.
func (k *maps) meets(word, account string) (other string, same bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	other, same = k.words[word]
	if !same {
		k.words[word] = account
	}
	return other, same && other != account
}

// sameMailbox is the finding that two logons reach one mailbox.
func sameMailbox(side, a, b, detail string) rights.Finding {
	if b < a {
		a, b = b, a
	}
	return rights.Finding{Action: "reach a mailbox of its own for each " + side, Where: a + ", " + b, Event: string(event.SameMailbox),
		Detail: fmt.Sprintf("the logon for %q reaches the same mailbox as that for %q: %s", a, b, detail)}
}

// maxWord bounds an identity that is remembered.
const maxWord = 512

// identity is the word by which a mailbox can be told from others; "" when there
// is none.
func (m *Check) identity(ctx context.Context, box any, who string) string {
	known, ok := connector.Find[connector.Identified](box)
	if !ok {
		return ""
	}
	word, err := known.Identity(ctx)
	if err != nil {
		m.step(ctx, "preflight: which mailbox this is cannot be told", "account", who, "error", err.Error())
		return ""
	}
	if len(word) > maxWord {
		return ""
	}
	return word
}
