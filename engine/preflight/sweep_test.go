package preflight

import (
	"context"
	"slices"
	"testing"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/internal/scratch"
	"waybill/mail"
)

// where says which target a preflight has, and what it plans.
type where struct {
	name     string
	options  fake.Options
	folders  bool // the target holds folders of its own
	existing []string
	plan     []Account
}

func places() []where {
	anna, bert := Account{ID: "anna"}, Account{ID: "bert"}
	cora, club := Account{ID: "cora", Create: true}, Account{ID: "club", Create: true, Public: true}
	both := []string{"anna", "bert"}
	return []where{
		{"two that exist", fake.Options{}, true, both, []Account{anna, bert}},
		{"one that exists and a new one, silent", fake.Options{Silent: true}, true, []string{"anna"}, []Account{anna, cora}},
		{"new ones and public folders", fake.Options{}, true, nil, []Account{cora, club}},
		{"inbox only", fake.Options{}, false, both, []Account{anna, bert}},
		{"inbox only, silent", fake.Options{Silent: true}, false, both, []Account{anna, bert}},
	}
}

func (w where) system() *fake.System {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.EmptyFolders = w.folders
	w.options.Capabilities = &caps
	s := fake.New(w.options)
	for _, id := range w.existing {
		s.AddUser(directory.User{ID: id})
		s.AddMessage(id, "Work", fake.Message{Body: []byte("Subject: old\r\n\r\nhere before\r\n")})
	}
	return s
}

// stranger lets mail arrive that is nobody's canary.
func (w where) stranger(s *fake.System) {
	for _, id := range w.existing {
		s.AddMessage(id, mail.Inbox, fake.Message{Body: []byte("From: Waybill\r\n\r\nnot a canary\r\n")})
		s.AddMessage(id, mail.Inbox, fake.Message{Body: []byte("short")})
	}
}

// TestNothingIsLeft interrupts a preflight at each of its calls, in each of the
// ways in which that happens, and lets another one follow.
func TestNothingIsLeft(t *testing.T) {
	for _, how := range []struct {
		name       string
		lost, over bool
		dies       bool // the process, too: nothing is written to the ledger any more
		cancels    bool
	}{
		{name: "killed", over: true, dies: true},
		{name: "connection lost for good", over: true},
		{name: "one answer lost", lost: true},
		{name: "cancelled", cancels: true},
	} {
		for _, place := range places() {
			if len(place.existing) == 0 && !how.dies {
				continue // the longest, and only more of the same
			}
			t.Run(how.name+"/"+place.name, func(t *testing.T) {
				dir := scratch.Dir(t)
				l := openLedger(t, dir)
				for at := 1; ; at++ {
					s := place.system()
					ctx, cancel := context.WithCancel(context.Background())
					first := &life{left: at, lost: how.lost, over: how.over}
					switch {
					case how.dies:
						first.then = func() { _ = l.Close() }
					case how.cancels:
						first.then = cancel
					}
					before := holds(t, s)
					_, err := (&Check{Target: mortal{s.Target(), first}, Ledger: l}).Run(ctx, place.plan)
					cancel()
					if !first.ended {
						if at < 10 || err != nil {
							t.Fatalf("the preflight has %d calls and ended with %v", at-1, err)
						}
						return // every call had its turn
					}
					if how.cancels {
						if after := holds(t, s); !slices.Equal(after, before) {
							t.Fatalf("cancelled at call %d: left behind\n%q, before\n%q", at, after, before)
						}
					}
					s.Crash()
					place.stranger(s)
					before = append(before, strangers(place)...)
					slices.Sort(before)
					if how.dies {
						l = openLedger(t, dir)
					}
					events := &recorder{}
					if _, err := (&Check{Target: mortal{s.Target(), &life{}}, Ledger: l, Events: events}).Run(context.Background(), place.plan); err != nil {
						t.Fatalf("after call %d: the second preflight: %v", at, err)
					}
					if after := holds(t, s); !slices.Equal(after, before) {
						t.Fatalf("after call %d: left behind\n%q, before\n%q", at, after, before)
					}
					traces, err := l.Provisioned(context.Background(), kindCanary)
					must(t, err)
					for name, state := range traces {
						if state != canaryIsGone {
							t.Errorf("after call %d: the ledger holds %s: %s", at, name, state)
						}
					}
					if events.has(event.CanaryLeft) || !events.has(event.PreflightPassed) {
						t.Errorf("after call %d: events %q", at, events.codes)
					}
				}
			})
		}
	}
}

func strangers(w where) (list []string) {
	for _, id := range w.existing {
		list = append(list, id+` INBOX "From: Waybill\r\n\r\nnot a canary\r\n"`, id+` INBOX "short"`)
	}
	return list
}

// What a sweep cannot remove stays in the ledger until one can.
func TestSweepThatFails(t *testing.T) {
	for call, folders := range map[string]bool{"DeleteAccount": true, "Mailbox": false, "Arrived": false, "Open": false, "Remove": false, "DeleteFolder": true} {
		t.Run(call, func(t *testing.T) {
			place := where{folders: folders, existing: []string{"anna"}, plan: []Account{{ID: "anna"}}}
			if call == "DeleteAccount" {
				place = where{folders: true, plan: []Account{{ID: "cora", Create: true}}}
			}
			s := place.system()
			before := holds(t, s)
			l := openLedger(t, scratch.Dir(t))
			m := &Check{Target: s.Target(), Ledger: l}
			broken := failure.New(failure.Transient, call, "target", "test.broken", nil)
			// The first loses the canary: the receipt's answer never comes, and
			// nothing can be looked up or removed after it.
			s.Inject(fake.Fault{Call: "Append", Mode: fake.After, Err: broken})
			for _, name := range []string{"Arrived", "Remove", "DeleteFolder", "DeleteAccount"} {
				s.Inject(fake.Fault{Call: name, Err: broken})
			}
			if _, err := m.Run(t.Context(), place.plan); failure.ClassOf(err) != failure.Transient {
				t.Fatalf("the first: %v", err)
			}
			s.Heal()
			s.Crash()
			left := holds(t, s)
			if slices.Equal(left, before) {
				t.Fatal("the first left nothing, so that there is nothing to sweep")
			}
			s.Inject(fake.Fault{Call: call, Err: broken})
			events := &recorder{}
			m.Events = events
			must(t, m.sweep(t.Context()))
			if !events.has(event.CanaryLeft) {
				t.Errorf("a sweep that fails says nothing")
			}
			s.Heal()
			must(t, m.sweep(t.Context()))
			if after := holds(t, s); !slices.Equal(after, before) {
				t.Errorf("left behind\n%q, before\n%q", after, before)
			}
		})
	}
}

// A canary that somebody else has deleted must not hide that its folder stays.
func TestVanishedMessageDoesNotHideItsFolder(t *testing.T) {
	s := fake.New(fake.Options{})
	s.AddUser(directory.User{ID: "anna"})
	box, err := s.Target().Mailbox(t.Context(), "anna")
	must(t, err)
	must(t, box.CreateFolder(t.Context(), mail.Folder{Path: "Canary"}))
	at, err := box.Position(t.Context(), "Canary")
	must(t, err)
	s.AddMessage("anna", "Canary", fake.Message{Body: []byte(canaryStart)})
	must(t, box.Close())
	m := &Check{Target: s.Target()}
	s.Inject(fake.Fault{Call: "Remove", Err: failure.New(failure.Vanished, "remove", "anna", "test.gone", nil)},
		fake.Fault{Call: "DeleteFolder", Err: failure.New(failure.Denied, "delete", "anna", "test.denied", nil)})
	err = m.sweepOne(t.Context(), trace{Account: "anna", Folder: "Canary", Own: true, Position: at})
	if failure.ClassOf(err) != failure.Denied {
		t.Errorf("error %v, want the folder's", err)
	}
}

func TestSweepEndsWhenCancelled(t *testing.T) {
	s := fake.New(fake.Options{})
	l := openLedger(t, scratch.Dir(t))
	m := &Check{Target: s.Target(), Ledger: l}
	must(t, m.leave(t.Context(), "x", trace{Account: "waybill-canary-x-1", Made: true}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Inject(fake.Fault{Call: "DeleteAccount", Mode: fake.Hang, Do: cancel})
	if err := m.sweep(ctx); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("error %v, want cancelled", err)
	}
	traces, err := l.Provisioned(context.Background(), kindCanary)
	if must(t, err); traces["x"] == canaryIsGone {
		t.Error("the trace is forgotten")
	}
}

// Somebody's account with a canary's name is not ours to delete.
func TestOnlyWhatIsRecordedIsSwept(t *testing.T) {
	s := fake.New(fake.Options{})
	s.AddMessage("waybill-canary-0123456789-1", "Waybill canary 0123456789", fake.Message{Body: []byte(canaryStart)})
	before := holds(t, s)
	m := &Check{Target: s.Target(), Ledger: openLedger(t, scratch.Dir(t))}
	_, err := m.Run(t.Context(), []Account{{ID: "cora", Create: true}})
	must(t, err)
	if after := holds(t, s); !slices.Equal(after, before) {
		t.Errorf("left behind\n%q, before\n%q", after, before)
	}
}

var _ connector.Target = mortal{}
