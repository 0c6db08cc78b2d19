package preflight

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/internal/scratch"
	"waybill/mail"
	"waybill/rights"
)

// crowd makes n accounts in a system, and a plan over them.
func crowd(s *fake.System, n int) (plan []Account) {
	for i := range n {
		id := fmt.Sprintf("user%04d", i)
		s.AddUser(directory.User{ID: id})
		plan = append(plan, Account{ID: id, User: id, Bytes: -1})
	}
	return plan
}

func flown(s *fake.System) (accounts []string) {
	for _, c := range s.Calls("target.Append") {
		if !slices.Contains(accounts, c.User) {
			accounts = append(accounts, c.User)
		}
	}
	slices.Sort(accounts)
	return accounts
}

func TestHowManyAreTried(t *testing.T) {
	for _, c := range []struct {
		name    string
		all     bool
		change  func(plan []Account)
		want    int
		reached string // one that is tried
	}{
		{name: "a sample", want: 2 + sampled, reached: "user0190"},
		{name: "all", all: true, want: 200, reached: "user0199"},
		{name: "a sample of those that no run has filled", want: 2 + 5, reached: "user0042", change: func(plan []Account) {
			for i := range plan {
				plan[i].Proven = i%40 != 2
			}
		}},
		{name: "all, though they are filled", all: true, want: 200, change: func(plan []Account) {
			for i := range plan {
				plan[i].Proven = true
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fake.New(fake.Options{})
			plan := crowd(s, 200)
			if c.change != nil {
				c.change(plan)
			}
			before := holds(t, s)
			var tried, told atomic.Int64
			l := openLedger(t, scratch.Dir(t))
			check := &Check{Target: s.Target(), Ledger: l, All: c.all, Tried: func(done, total int) { tried.Store(int64(done)); told.Add(1) }}
			findings, err := check.Run(t.Context(), plan)
			must(t, err)
			got := flown(s)
			if len(got) != c.want || c.reached != "" && !slices.Contains(got, c.reached) {
				t.Errorf("%d mailboxes were tried, want %d, among them %s: %q", len(got), c.want, c.reached, got)
			}
			if len(findings) > 20 {
				t.Errorf("%d findings are kept although all is well", len(findings))
			}
			if c.all && (tried.Load() != 198 || told.Load() != steps) {
				t.Errorf("told %d times, last of %d mailboxes", told.Load(), tried.Load())
			}
			if after := holds(t, s); !slices.Equal(after, before) {
				t.Errorf("left behind\n%q", after)
			}
			// The next one writes no more into the ledger.
			entries, err := l.Provisioned(t.Context(), kindCanary)
			must(t, err)
			_, err = check.Run(t.Context(), plan)
			must(t, err)
			again, err := l.Provisioned(t.Context(), kindCanary)
			if must(t, err); len(again) != len(entries) {
				t.Errorf("the ledger has %d entries after the first preflight and %d after the second", len(entries), len(again))
			}
		})
	}
}

// Every account that fails is told as an event, and what is kept is bounded.
func TestManyFail(t *testing.T) {
	s := fake.New(fake.Options{})
	plan := crowd(s, 1000)
	for i := 100; i < 1000; i++ {
		s.Inject(fake.Fault{Call: "target.Append", User: fmt.Sprintf("user%04d", i), Err: failure.New(failure.Denied, "append", fmt.Sprintf("user%04d", i), "test.denied", nil)})
	}
	s.Inject(fake.Fault{Call: "target.Append", User: "user0050", Err: failure.New(failure.Conflict, "append", "user0050", "test.locked", nil)})
	events := &recorder{}
	findings, err := (&Check{Target: s.Target(), All: true, Workers: 16, Events: events}).Run(t.Context(), plan)
	if !errors.Is(err, ErrRefused) {
		t.Errorf("error %v", err)
	}
	if len(findings) > maxFindings+2 {
		t.Errorf("%d findings are kept", len(findings))
	}
	missing := 0
	for _, code := range events.codes {
		if code == event.RightMissing {
			missing++
		}
	}
	if missing != 900+1 { // and the sum of them
		t.Errorf("%d rights are told to be missing, want those of 900 accounts and their sum", missing)
	}
	last := findings[len(findings)-1]
	if last.OK || !strings.Contains(last.Detail, "more findings") {
		t.Errorf("nothing says that there is more: %+v", last)
	}
	if !events.has(event.SystemLocked) {
		t.Error("nobody is told of the locked mailbox")
	}
}

// One mailbox that is locked keeps the others from nothing.
func TestOneIsLocked(t *testing.T) {
	s := fake.New(fake.Options{})
	plan := crowd(s, 9)
	s.Inject(fake.Fault{Call: "target.Mailbox", User: "user0005", Err: failure.New(failure.Conflict, "open", "user0005", "test.locked", nil)})
	findings, err := (&Check{Target: s.Target()}).Run(t.Context(), plan)
	must(t, err)
	if !slices.ContainsFunc(findings, func(f rights.Finding) bool {
		return f.OK && f.Where == "user0005" && strings.Contains(f.Detail, "could not be tried now")
	}) {
		t.Errorf("findings %+v", findings)
	}
}

// A logon that reaches somebody else's mailbox is found by what is put into it,
// and by the word that the server has for it.
func TestSameMailbox(t *testing.T) {
	identity := func(user string) string { return "id of " + user }
	for _, c := range []struct {
		name    string
		options fake.Options
		plan    int
		with    bool // the source is the same system
		want    string
	}{
		{name: "two of their own", options: fake.Options{Identity: identity}, plan: 2, with: true},
		{name: "server without words", plan: 5, with: true},
		{name: "all in the administrator's", options: fake.Options{Lands: map[string]string{"user0000": "admin", "user0001": "admin"}}, plan: 2, want: "what is put into one is seen in the other"},
		{name: "the same, and the server has a word for it", options: fake.Options{Identity: identity, Lands: map[string]string{"user0000": "admin", "user0001": "admin"}}, plan: 2, want: "same identity"},
		{name: "one of the sample in another's", options: fake.Options{Identity: identity, Lands: map[string]string{"user0007": "user0003"}}, plan: 9, want: `"user0003" reaches the same mailbox as that for "user0007"`},
		{name: "in the source", options: fake.Options{Identity: identity, Lands: map[string]string{"user0001": "user0000"}}, plan: 2, with: true, want: "user of the source"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fake.New(c.options)
			s.AddUser(directory.User{ID: "admin"})
			check := &Check{Target: s.Target()}
			if c.with {
				check.Source = s.Source()
				other := fake.New(fake.Options{Identity: c.options.Identity})
				crowd(other, c.plan)
				check.Target = other.Target()
			}
			plan := crowd(s, c.plan)
			before := holds(t, s)
			events := &recorder{}
			check.Events = events
			findings, err := check.Run(t.Context(), plan)
			if errors.Is(err, ErrRefused) != (c.want != "") || c.want == "" && err != nil {
				t.Fatalf("error %v", err)
			}
			if events.has(event.SameMailbox) != (c.want != "") {
				t.Errorf("events %q", events.codes)
			}
			if c.want != "" && !slices.ContainsFunc(findings, func(f rights.Finding) bool {
				return !f.OK && f.Event == string(event.SameMailbox) && strings.Contains(f.String(), c.want)
			}) {
				t.Errorf("findings %v, want %q", findings, c.want)
			}
			if after := holds(t, s); !slices.Equal(after, before) {
				t.Errorf("left behind\n%q", after)
			}
		})
	}
}

func TestRoom(t *testing.T) {
	big := fake.Message{Body: []byte(strings.Repeat("x", 1000))}
	for _, c := range []struct {
		name   string
		rooms  map[string]connector.Room
		bytes  int64
		accept bool
		create bool
		class  failure.Class // Internal: passes
		event  event.Code
		detail string
	}{
		{name: "no limits", rooms: map[string]connector.Room{}, bytes: 1e12},
		{name: "enough", rooms: map[string]connector.Room{"": {Quota: 5000, Used: 1000, MaxMessage: -1}}, bytes: 4000},
		{name: "a byte too few", rooms: map[string]connector.Room{"": {Quota: 5000, Used: 1000, MaxMessage: -1}}, bytes: 4001, class: failure.Denied, event: event.NoRoom, detail: "4001 bytes are to come, and of the quota of 5000 bytes 4000 are free"},
		{name: "over already", rooms: map[string]connector.Room{"": {Quota: 500, Used: 1000, MaxMessage: -1}}, bytes: 1, class: failure.Denied, event: event.NoRoom, detail: "0 are free"},
		{name: "over already and nothing comes", rooms: map[string]connector.Room{"": {Quota: 500, Used: 1000, MaxMessage: -1}}, bytes: 0},
		{name: "size not known", rooms: map[string]connector.Room{"": {Quota: 500, Used: -1, MaxMessage: -1}}, bytes: -1},
		{name: "gone on all the same", rooms: map[string]connector.Room{"": {Quota: 500, Used: 100, MaxMessage: -1}}, bytes: 5000, accept: true, event: event.NoRoom, detail: "as was asked for"},
		{name: "one beyond the sample", rooms: map[string]connector.Room{"user0029": {Quota: 500, Used: 100, MaxMessage: -1}}, bytes: 5000, class: failure.Denied, event: event.NoRoom, detail: "5000 bytes"},
		{name: "large messages", rooms: map[string]connector.Room{"": {Quota: -1, Used: -1, MaxMessage: 999}}, bytes: -1, event: event.MessagesTooLarge, detail: "2 messages have more than the 999 bytes"},
		{name: "not too large", rooms: map[string]connector.Room{"": {Quota: -1, Used: -1, MaxMessage: 1000}}, bytes: -1},
		{name: "large messages for new accounts", rooms: map[string]connector.Room{"": {Quota: -1, Used: -1, MaxMessage: 999}}, bytes: -1, create: true, event: event.MessagesTooLarge, detail: "2 messages"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := fake.New(fake.Options{Larger: true})
			plan := crowd(from, 30)
			for range 2 {
				from.AddMessage("user0029", "Work", big)
			}
			to := fake.New(fake.Options{Rooms: c.rooms})
			for i := range plan {
				plan[i].Bytes, plan[i].Create = c.bytes, c.create
				if !c.create {
					to.AddUser(directory.User{ID: plan[i].ID})
				}
			}
			events := &recorder{}
			findings, err := (&Check{Target: to.Target(), Source: from.Source(), AcceptTrace: c.accept, Events: events}).Run(t.Context(), plan)
			if (err == nil) != (c.class == failure.Internal) || err != nil && !errors.Is(err, ErrRefused) {
				t.Errorf("error %v", err)
			}
			found := slices.ContainsFunc(findings, func(f rights.Finding) bool {
				return f.Event == string(c.event) && f.OK == (err == nil) && strings.Contains(f.Detail, c.detail)
			})
			if c.event != "" && (!found || !events.has(c.event)) {
				t.Errorf("findings %+v and events %q, want %s: %s", findings, events.codes, c.event, c.detail)
			}
			if c.event == "" && (events.has(event.NoRoom) || events.has(event.MessagesTooLarge)) {
				t.Errorf("events %q", events.codes)
			}
		})
	}
}

// What the source denied refuses the run before anything is changed, and is told
// beside what the target says.
func TestWhatIsKnownBefore(t *testing.T) {
	denied := rights.Finding{Action: "open the mailbox in the source", Where: "anna", Detail: "permission denied", Event: string(event.SourceDenied)}
	for _, accept := range []bool{false, true} {
		s := fake.New(fake.Options{})
		plan := crowd(s, 2)
		events := &recorder{}
		findings, err := (&Check{Target: s.Target(), Found: []rights.Finding{denied}, AcceptTrace: accept, Events: events}).Run(t.Context(), plan)
		if errors.Is(err, ErrRefused) == accept || !events.has(event.SourceDenied) || findings[0].OK != accept {
			t.Errorf("accepted %v: error %v, findings %+v", accept, err, findings)
		}
	}
	s := fake.New(fake.Options{})
	_, err := (&Check{Target: s.Target(), Found: []rights.Finding{{Action: "fill", Where: "anna", Event: string(event.RightMissing)}}, Hopeless: true}).Run(t.Context(), crowd(s, 2))
	if !errors.Is(err, ErrRefused) || len(s.Calls("target.Mailbox")) > 0 {
		t.Errorf("error %v; mailboxes were opened for nothing: %v", err, s.Calls("target.Mailbox"))
	}
}

// The canary has the marks that the target promises, and finds out when one of
// them is not kept.
func TestCanaryHasEverything(t *testing.T) {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	set := canaryFlags(caps)
	for _, f := range []mail.Flags{mail.Seen, mail.Answered, mail.Flagged, mail.Draft, mail.Forwarded} {
		if set.System&f == 0 {
			t.Errorf("flag %q is not tried", f.Names())
		}
	}
	if set.System&mail.Deleted != 0 || len(set.Keywords) != 1 {
		t.Errorf("flags %s", set)
	}
	if _, offset := canaryDate.Zone(); offset == 0 || canaryDate.Year() == canaryDate.UTC().Year() {
		t.Errorf("a target that drops the zone of %s is not caught", canaryDate)
	}
	for line := range strings.SplitSeq(canaryText, "\r\n") {
		if len(line) > 998 || strings.ContainsAny(line, "\r\n\x00") {
			t.Errorf("a line of %d bytes is not legal (RFC 5322 2.1.1)", len(line))
		}
	}
	if len(longLine) < 990 {
		t.Errorf("the long line has %d bytes", len(longLine))
	}
}
