package engine_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// lateTarget takes the first delivery, loses its answer, and stores it only when
// somebody has waited: a server that is still at work behind a lost connection.
type lateTarget struct {
	connector.Target
	late *late
}

type late struct {
	mu      sync.Mutex
	struck  bool
	deliver func()
}

func (t lateTarget) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	box, err := t.Target.Mailbox(ctx, account)
	return lateBox{box, t.late}, err
}

type lateBox struct {
	connector.TargetMailbox
	late *late
}

func (b lateBox) Append(ctx context.Context, folder mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	b.late.mu.Lock()
	defer b.late.mu.Unlock()
	if b.late.struck || len(items) < 2 {
		return b.TargetMailbox.Append(ctx, folder, at, items)
	}
	b.late.struck = true
	b.late.deliver = func() {
		if _, err := b.TargetMailbox.Append(context.Background(), folder, at, items); err != nil {
			panic(err)
		}
	}
	return nil, failure.New(failure.Transient, "append", string(folder), "test.lost-answer", nil)
}

// wait is what passes when the engine waits: the delivery arrives.
func (l *late) wait(context.Context, time.Duration) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deliver != nil {
		l.deliver()
		l.deliver = nil
	}
	return nil
}

func TestDeliveryThatComesLate(t *testing.T) {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.Settle = time.Hour
	b := newBench(t, fake.Options{Capabilities: &caps})
	b.fill(1, 12)
	l := &late{}
	b.dressTarget = func(t connector.Target) connector.Target { return lateTarget{t, l} }
	b.clock.Sleep = l.wait
	if o := b.run(t.Context()); o.err != nil {
		t.Fatal(o.err)
	}
	if !l.struck || l.deliver != nil {
		t.Error("no delivery was late")
	}
	b.same(1)
}

// aheadSource wants to know what comes next, and holds the engine to it.
type aheadSource struct {
	connector.Source
	t    *testing.T
	seen *ahead
}

// ahead is what all handles together were told.
type ahead struct {
	mu        sync.Mutex
	most, all int
	left      int // announced and not opened
}

func (s aheadSource) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	box, err := s.Source.Mailbox(ctx, user)
	return &aheadBox{SourceMailbox: box, source: s}, err
}

// aheadBox is one handle, which one lane of the engine has for itself.
type aheadBox struct {
	connector.SourceMailbox
	source    aheadSource
	announced [][]string // not yet opened to the end
}

func (b *aheadBox) Announce(_ context.Context, _ mail.Path, messages []mail.Message) {
	var keys []string
	for _, m := range messages {
		keys = append(keys, m.Key)
	}
	b.announced = append(b.announced, keys)
	a := b.source.seen
	a.mu.Lock()
	defer a.mu.Unlock()
	a.most = max(a.most, len(b.announced))
	a.all += len(keys)
	a.left += len(keys)
}

func (b *aheadBox) Open(ctx context.Context, folder mail.Path, m mail.Message) (io.ReadCloser, error) {
	if len(b.announced) == 0 || b.announced[0][0] != m.Key {
		b.source.t.Errorf("message %s is opened, announced are %q", m.Key, b.announced)
		return b.SourceMailbox.Open(ctx, folder, m)
	}
	if b.announced[0] = b.announced[0][1:]; len(b.announced[0]) == 0 {
		b.announced = b.announced[1:]
	}
	a := b.source.seen
	a.mu.Lock()
	a.left--
	a.mu.Unlock()
	return b.SourceMailbox.Open(ctx, folder, m)
}

func TestSourceIsToldWhatComesNext(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(1, 50)
	b.options.BatchMessages = 4
	seen := &ahead{}
	b.dressSource = func(s connector.Source) connector.Source { return aheadSource{s, t, seen} }
	if o := b.run(t.Context()); o.err != nil {
		t.Fatal(o.err)
	}
	b.same(1)
	if seen.most != 2 || seen.all != 50 || seen.left != 0 {
		t.Errorf("at most %d announcements were outstanding on a handle, %d messages announced, %d of them never opened", seen.most, seen.all, seen.left)
	}
}

func TestFoldersByUse(t *testing.T) {
	for _, c := range []struct {
		name           string
		source, target []mail.Folder
		want           map[mail.Path]mail.Path // source folder: where its message arrives
	}{
		{"another language", []mail.Folder{{Path: "Gesendet", Use: mail.UseSent}, {Path: "Gesendet/2019"}}, []mail.Folder{{Path: "Sent Messages", Use: mail.UseSent}},
			map[mail.Path]mail.Path{"Gesendet": "Sent Messages", "Gesendet/2019": "Sent Messages/2019"}},
		{"the same name", []mail.Folder{{Path: "Sent", Use: mail.UseSent}}, []mail.Folder{{Path: "Sent", Use: mail.UseSent}}, map[mail.Path]mail.Path{"Sent": "Sent"}},
		{"two of a kind", []mail.Folder{{Path: "Gesendet", Use: mail.UseSent}, {Path: "Sent Items", Use: mail.UseSent}}, []mail.Folder{{Path: "Sent", Use: mail.UseSent}},
			map[mail.Path]mail.Path{"Gesendet": "Sent", "Sent Items": "Sent Items"}},
		{"the source has that name for something else", []mail.Folder{{Path: "Gesendet", Use: mail.UseSent}, {Path: "Sent"}}, []mail.Folder{{Path: "Sent", Use: mail.UseSent}},
			map[mail.Path]mail.Path{"Gesendet": "Gesendet", "Sent": "Sent"}},
		{"no such folder in the target", []mail.Folder{{Path: "Papierkorb", Use: mail.UseTrash}}, []mail.Folder{{Path: "Sent", Use: mail.UseSent}},
			map[mail.Path]mail.Path{"Papierkorb": "Papierkorb"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, fake.Options{})
			b.options.Match = directory.MatchName
			b.src.AddUser(directory.User{ID: "anna"})
			b.dst.AddUser(directory.User{ID: "anna"})
			for _, f := range c.target {
				b.dst.AddFolder("anna", f)
			}
			for _, f := range c.source {
				b.src.AddFolder("anna", f)
				b.src.AddMessage("anna", f.Path, fake.Message{Body: []byte("Subject: " + string(f.Path) + "\r\n\r\n")})
			}
			for round := range 2 {
				o := b.run(t.Context())
				if o.err != nil {
					t.Fatal(o.err)
				}
				for _, f := range o.plan.Users[0].Folders {
					if want, ok := c.want[f.Path]; ok && f.Target != want {
						t.Errorf("round %d: the plan sends %s to %s, want %s", round, f.Path, f.Target, want)
					}
				}
				for from, to := range c.want {
					bodies := b.dst.Messages("anna", to)
					if !slices.ContainsFunc(bodies, func(m fake.Message) bool { return string(m.Body) == "Subject: "+string(from)+"\r\n\r\n" }) || len(bodies) != 1 {
						t.Errorf("round %d: %s has %d messages, want the one of %s", round, to, len(bodies), from)
					}
				}
			}
		})
	}
}

// finder is a target that lists no accounts and finds those that it is asked for.
type finder struct {
	connector.Target
	deny map[string]bool
}

func (f finder) Accounts(context.Context) iter.Seq2[directory.User, error] {
	return func(func(directory.User, error) bool) {}
}

func (f finder) FindAccount(ctx context.Context, id string) (directory.User, bool, error) {
	if f.deny[id] {
		return directory.User{}, false, failure.New(failure.Denied, "log on", id, "test.password", errors.New("wrong password"))
	}
	for a, err := range f.Target.Accounts(ctx) {
		if err != nil {
			return directory.User{}, false, err
		}
		if a.ID == id {
			return a, true, nil
		}
	}
	return directory.User{}, false, nil
}

func TestAccountsAreLookedFor(t *testing.T) {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.CreateAccounts = false
	b := newBench(t, fake.Options{Capabilities: &caps})
	b.options.Match = directory.MatchName
	for _, id := range []string{"anna", "bert", "cora"} {
		b.src.AddUser(directory.User{ID: id})
		if id != "cora" {
			b.dst.AddUser(directory.User{ID: id})
		}
	}
	b.dressTarget = func(t connector.Target) connector.Target { return finder{t, map[string]bool{"bert": true}} }
	m, l := b.open()
	defer l.Close()
	plan, err := m.MakePlan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]directory.Action{"anna": directory.Existing, "bert": directory.Collide, "cora": directory.Collide}
	for _, u := range plan.Users {
		if u.Action != want[u.User] {
			t.Errorf("%s: %s (%s), want %s", u.User, u.Action, u.Reason, want[u.User])
		}
		if u.User == "bert" && !strings.Contains(u.Reason, "wrong password") {
			t.Errorf("the plan does not say why bert's account was not found: %s", u.Reason)
		}
	}
}
