package engine_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sort"
	"sync"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/engine"
	"waybill/engine/account"
	"waybill/event"
	"waybill/internal/scratch"
	"waybill/ledger"
	"waybill/mail"
)

// recorder is an event sink that tests look into.
type recorder struct {
	mu     sync.Mutex
	events []event.Event
}

func (r *recorder) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) count(code event.Code) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Code == code {
			n++
		}
	}
	return n
}

// bench is one migration between two systems in memory, over a real ledger.
type bench struct {
	t        *testing.T
	src, dst *fake.System
	path     string
	events   *recorder
	sink     event.Sink // in place of events, when set
	options  engine.Options
	clock    engine.Clock
	// dressSource and dressTarget put something between the engine and the
	// systems, when set.
	dressSource func(connector.Source) connector.Source
	dressTarget func(connector.Target) connector.Target
}

func newBench(t *testing.T, dst fake.Options) *bench {
	t.Helper()
	return &bench{t: t, src: fake.New(fake.Options{}), dst: fake.New(dst), path: filepath.Join(scratch.Dir(t), "waybill.ledger"), events: &recorder{},
		clock: engine.Clock{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}}
}

// fill gives the source users with folders and messages, among them true
// duplicates and messages without bytes.
func (b *bench) fill(users, messages int) {
	for u := range users {
		name := fmt.Sprintf("user%d", u)
		b.src.AddUser(directory.User{ID: name, Name: "User " + name})
		for i := range messages {
			body := fmt.Sprintf("From: %s\r\nSubject: message %d\r\n\r\nText of %d\r\n", name, i, i)
			switch i % 7 {
			case 3:
				body = "Subject: same\r\n\r\nthe same text\r\n"
			case 5:
				body = ""
			}
			flags := mail.NewFlagSet(mail.Flags(i%4), []string{"", "$Important"}[i%2])
			b.src.AddMessage(name, folderOf(i), fake.Message{Body: []byte(body), Size: int64(len(body)), Flags: flags,
				Date: time.Date(2001, 1, 1+i%28, i%24, 0, i%60, 0, time.UTC)})
		}
	}
}

func folderOf(i int) mail.Path {
	return []mail.Path{mail.Inbox, "Archiv", "Archiv/2003\\/2004"}[i%3]
}

// open makes a migration over the bench's ledger.
func (b *bench) open() (*engine.Migration, *ledger.Ledger) {
	b.t.Helper()
	l, err := ledger.Open(context.Background(), b.path, ledger.Options{Command: "test"})
	if err != nil {
		b.t.Fatal(err)
	}
	if err := l.Bind(context.Background(), "fake:source", "fake:target"); err != nil {
		b.t.Fatal(err)
	}
	sink := b.sink
	if sink == nil {
		sink = b.events
	}
	source, target := b.src.Source(), b.dst.Target()
	if b.dressSource != nil {
		source = b.dressSource(source)
	}
	if b.dressTarget != nil {
		target = b.dressTarget(target)
	}
	return &engine.Migration{Source: source, Target: target, Ledger: l, Options: b.options, Events: sink, Clock: b.clock}, l
}

// outcome is what one run led to.
type outcome struct {
	err    error
	result engine.Result
	plan   *engine.Plan
}

// run makes one whole run on a freshly opened ledger.
func (b *bench) run(ctx context.Context) outcome {
	b.t.Helper()
	m, l := b.open()
	defer func() {
		if err := l.Close(); err != nil {
			b.t.Error(err)
		}
	}()
	run, _, err := l.BeginRun(context.Background(), "test")
	if err != nil {
		b.t.Fatal(err)
	}
	plan, err := m.MakePlan(ctx, false)
	if err != nil {
		return outcome{err: err}
	}
	if _, err := m.Preflight(ctx, plan); err != nil {
		return outcome{err: err, plan: plan}
	}
	if _, err := m.Provision(ctx, plan); err != nil {
		return outcome{err: err, plan: plan}
	}
	result, err := m.Copy(ctx, plan, run.ID)
	return outcome{err: err, result: result, plan: plan}
}

// contents is the multiset of what a user has: folder, bytes, flags and date.
func contents(s *fake.System, user string, folders ...mail.Path) []string {
	var all []string
	for _, f := range folders {
		for _, m := range s.Messages(user, f) {
			all = append(all, fmt.Sprintf("%s %x %s %d", f, sha256.Sum256(m.Body), m.Flags, m.Date.Unix()))
		}
	}
	sort.Strings(all)
	return all
}

// same fails the test unless source and target hold the same multiset.
func (b *bench) same(users int) {
	b.t.Helper()
	folders := []mail.Path{mail.Inbox, "Archiv", "Archiv/2003\\/2004"}
	for u := range users {
		name := fmt.Sprintf("user%d", u)
		want, got := contents(b.src, name, folders...), contents(b.dst, name, folders...)
		if len(want) != len(got) {
			b.t.Errorf("%s: %d messages in the source, %d in the target", name, len(want), len(got))
		}
		for i := range min(len(want), len(got)) {
			if want[i] != got[i] {
				b.t.Errorf("%s: differs: source %s, target %s", name, want[i], got[i])
				break
			}
		}
	}
}

// account reads the waybill and checks its arithmetic.
func (b *bench) account() (w struct {
	Verified, Quarantined, Refused, Found, Open int64
	Exit                                        int
}) {
	b.t.Helper()
	l, err := ledger.Open(context.Background(), b.path, ledger.Options{ReadOnly: true})
	if err != nil {
		b.t.Fatal(err)
	}
	defer l.Close()
	bill, err := account.Make(context.Background(), l, "test", time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	w.Verified, w.Quarantined, w.Refused, w.Found, w.Open = bill.Totals.Verified, bill.Totals.Quarantined, bill.Totals.Refused, bill.Totals.Found, bill.Totals.Open
	w.Exit = bill.ExitCode()
	if sum := w.Verified + w.Quarantined + w.Refused + bill.Totals.Skipped + w.Open; sum != w.Found {
		b.t.Errorf("arithmetic: found %d, sum %d", w.Found, sum)
	}
	return w
}

func userOf(id string) directory.User { return directory.User{ID: id} }

// keyOf is the key that the fake gives to the n-th message of a folder.
func keyOf(n int) string { return fmt.Sprint(n + 1) }
