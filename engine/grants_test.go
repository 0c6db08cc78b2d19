package engine_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector/fake"
	"waybill/directory"
	"waybill/engine"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
	"waybill/rights"
)

// granting is a bench whose target's operator may make mailboxes and not fill
// them, with some accounts that exist and one that the run makes.
func granting(t *testing.T) *bench {
	b := newBench(t, fake.Options{NeedsGrant: true})
	b.options.Match, b.options.Grant = directory.MatchName, true
	b.fill(3, 6)
	b.dst.AddUser(userOf("user0"))
	b.dst.AddUser(userOf("user1"))
	b.dst.SetRights("user1", "la") // somebody gave something before
	return b
}

// runAll is what the command does: a run, and then the taking back, whatever
// became of the run.
func (b *bench) runAll(ctx context.Context) (o outcome, left error) {
	b.t.Helper()
	m, l := b.open()
	defer func() { _ = l.Close() }() // it may be closed already: the process died
	run, _, err := l.BeginRun(context.Background(), "test")
	if err != nil {
		b.t.Fatal(err)
	}
	o.plan, o.err = m.MakePlan(ctx, false)
	if o.err == nil {
		_, o.err = m.Preflight(ctx, o.plan)
	}
	if o.err == nil {
		_, o.err = m.Provision(ctx, o.plan)
	}
	if o.err == nil {
		o.result, o.err = m.Copy(ctx, o.plan, run.ID)
	}
	return o, m.WithdrawGrants(context.WithoutCancel(ctx))
}

// asBefore checks that nobody holds more than before.
func (b *bench) asBefore() {
	b.t.Helper()
	if held := b.dst.Rights(); len(held) != 1 || held["user/user1"] != "la" {
		b.t.Errorf("rights are left: %v", held)
	}
}

func TestGrantsForTheTimeOfTheRun(t *testing.T) {
	b := granting(t)
	o, left := b.runAll(t.Context())
	if o.err != nil || left != nil {
		t.Fatalf("errors %v and %v", o.err, left)
	}
	b.asBefore()
	b.same(3)
	if w := b.account(); w.Verified != 18 || w.Exit != 0 {
		t.Errorf("waybill %+v", w)
	}
	// Two accounts that were there, a canary account, and one that was made.
	if given, back := b.events.count(event.RightGranted), b.events.count(event.RightWithdrawn); given != 4 || back != 4 {
		t.Errorf("%d rights were given and %d taken back", given, back)
	}
}

// What opens mailboxes after the run has its rights back for as long as it needs
// them.
func TestGrantsAfterTheRun(t *testing.T) {
	b := granting(t)
	if o, left := b.runAll(t.Context()); o.err != nil || left != nil {
		t.Fatalf("errors %v and %v", o.err, left)
	}
	m, l := b.open()
	defer func() { _ = l.Close() }()
	if missing := m.GrantFor(t.Context(), []string{"user0", "user2"}); len(missing) > 0 {
		t.Errorf("missing %v", missing)
	}
	if held := b.dst.Rights(); len(held) != 3 {
		t.Errorf("held are %v", held)
	}
	if err := m.WithdrawGrants(t.Context()); err != nil {
		t.Error(err)
	}
	b.asBefore()
}

// Without the operator's word nothing is given, and the commands are told.
func TestGrantsAreAskedFor(t *testing.T) {
	b := granting(t)
	b.options.Grant = false
	m, l := b.open()
	defer func() { _ = l.Close() }()
	plan, err := m.MakePlan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := m.Preflight(t.Context(), plan)
	if !errors.Is(err, engine.ErrRefused) {
		t.Errorf("error %v", err)
	}
	var words []string
	for _, f := range findings {
		if !f.OK {
			words = append(words, f.String())
		}
	}
	for _, want := range []string{`on user/user0 as operator; needs lrswipkxte`, `setacl "user/user0" "operator" "lrswipkxte", or run again with --grant`, `holds la`} {
		if !strings.Contains(strings.Join(words, "\n"), want) {
			t.Errorf("nothing says %q in\n%s", want, strings.Join(words, "\n"))
		}
	}
	if n := len(b.dst.Calls("target.Grant")) + len(b.dst.Calls("target.CreateAccount")) + len(b.dst.Calls("target.Append")); n > 0 {
		t.Errorf("%d calls changed something", n)
	}
	b.asBefore()
}

// However a run ends, nobody keeps a right: killed at any of the calls that give
// or use one, with or without its effect, cancelled, or with an answer lost.
func TestGrantsSurviveNothing(t *testing.T) {
	for _, call := range []string{"target.Needs", "target.Grant", "target.Mailbox", "target.CreateAccount", "target.Append", "target.DeleteAccount", "target.Withdraw"} {
		for _, how := range []string{"killed before", "killed after", "answer lost", "cancelled"} {
			for n := 1; n <= 4; n++ {
				t.Run(fmt.Sprintf("%s/%s/%d", call, how, n), func(t *testing.T) {
					b := granting(t)
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					var book *ledger.Ledger
					dead := failure.New(failure.Cancelled, call, "", "test.killed", nil)
					switch how {
					case "killed before", "killed after":
						// From here on nothing reaches the server or the disk.
						mode := fake.Before
						if how == "killed after" {
							mode = fake.After
						}
						b.dst.Inject(fake.Fault{Call: call, N: n, Mode: mode, Err: dead, Do: func() {
							_ = book.Close()
							for _, c := range []string{"Needs", "Grant", "Withdraw", "Mailbox", "CreateAccount", "DeleteAccount", "Append", "Remove", "DeleteFolder", "CreateFolder"} {
								b.dst.Inject(fake.Fault{Call: "target." + c, Err: dead})
							}
						}})
					case "answer lost":
						b.dst.Inject(fake.Fault{Call: call, N: n, Mode: fake.After})
					case "cancelled":
						b.dst.Inject(fake.Fault{Call: call, N: n, Do: cancel})
					}
					m, l := b.open()
					book = l
					run, _, err := l.BeginRun(context.Background(), "test")
					if err != nil {
						t.Fatal(err)
					}
					plan, err := m.MakePlan(ctx, false)
					if err == nil {
						_, err = m.Preflight(ctx, plan)
					}
					if err == nil {
						_, err = m.Provision(ctx, plan)
					}
					if err == nil {
						_, err = m.Copy(ctx, plan, run.ID)
					}
					left := m.WithdrawGrants(context.WithoutCancel(ctx))
					_ = l.Close()
					if how == "cancelled" {
						if left != nil {
							t.Errorf("taking back: %v", left)
						}
						b.asBefore()
					}
					b.dst.Heal()
					b.dst.Crash()
					// Whatever the next run comes to, it first takes back what is left.
					again, left := b.runAll(t.Context())
					if again.err != nil || left != nil {
						t.Fatalf("after %v the second run ends with %v and %v", err, again.err, left)
					}
					b.asBefore()
					b.same(3)
				})
			}
		}
	}
}

// What cannot be taken back is told with the command, makes an error, and is
// taken back by whoever comes next.
func TestGrantThatStays(t *testing.T) {
	b := granting(t)
	b.dst.Inject(fake.Fault{Call: "target.Withdraw", User: "user1", Err: failure.New(failure.Denied, "withdraw", "user/user1", "test.denied", errors.New("not any more"))})
	o, left := b.runAll(t.Context())
	if o.err != nil || !errors.Is(left, engine.ErrGrantLeft) || failure.RuleOf(left) != "grant.left" {
		t.Fatalf("errors %v and %v", o.err, left)
	}
	told := ""
	for _, e := range b.events.events {
		if e.Code == event.GrantLeft {
			told += e.Detail + "\n"
		}
	}
	if !strings.Contains(told, `by hand: setacl "user/user1" "operator" "la"`) || !strings.Contains(told, "not any more") {
		t.Errorf("told is %q", told)
	}
	// It still fails, and what was there before it is not forgotten though the
	// right looks as if it had always been there.
	if _, left = b.runAll(t.Context()); !errors.Is(left, engine.ErrGrantLeft) {
		t.Errorf("the second: %v", left)
	}
	b.dst.SetRights("user1", "l") // somebody else took a part of it back
	if _, left = b.runAll(t.Context()); !errors.Is(left, engine.ErrGrantLeft) {
		t.Errorf("the third: %v", left)
	}
	b.dst.Heal()
	if _, left = b.runAll(t.Context()); left != nil {
		t.Errorf("the fourth: %v", left)
	}
	b.asBefore()
}

// A source that denies a mailbox refuses the run; with the operator's word the
// others are moved, and no account is made that nobody could fill.
func TestSourceDenies(t *testing.T) {
	denied := failure.New(failure.Denied, "open mailbox", "user1", "test.denied", errors.New("permission denied"))
	b := newBench(t, fake.Options{})
	b.fill(3, 6)
	b.src.Inject(fake.Fault{Call: "source.Mailbox", User: "user1", Err: denied})
	if o := b.run(t.Context()); !errors.Is(o.err, engine.ErrRefused) || b.events.count(event.SourceDenied) != 1 {
		t.Fatalf("error %v, events %v", o.err, b.events.events)
	}
	if n := len(b.dst.Calls("target.CreateAccount")); n != len(b.dst.Calls("target.DeleteAccount")) {
		t.Errorf("%d accounts were made", n)
	}
	b.options.AcceptTrace = true
	o := b.run(t.Context())
	if o.err != nil {
		t.Fatal(o.err)
	}
	if got := b.dst.Messages("user1", mail.Inbox); got != nil {
		t.Errorf("the account was made: %v", got)
	}
	if w := b.account(); w.Verified != 12 || w.Exit != 2 {
		t.Errorf("waybill %+v", w)
	}
	// A folder that is denied does not cost the mailbox.
	b = newBench(t, fake.Options{})
	b.fill(1, 6)
	b.src.Inject(fake.Fault{Call: "source.Census", Folder: "Archiv", Err: denied})
	if o := b.run(t.Context()); !errors.Is(o.err, engine.ErrRefused) {
		t.Errorf("error %v", o.err)
	}
}

// A command makes the accounts of a target that cannot; here it writes names into
// a file, and the target in memory learns of them from there.
func TestProvisionCommand(t *testing.T) {
	dir := t.TempDir()
	made := filepath.Join(dir, "made")
	t.Setenv("MADE", made)
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.CreateAccounts, caps.DeleteAccounts = false, false
	b := newBench(t, fake.Options{Capabilities: &caps, HideAccounts: true})
	b.fill(3, 6)
	b.options.ProvisionCommand = `test "$WAYBILL_ACCOUNT" != user1 || { echo no such domain >&2; exit 1; }; echo "$WAYBILL_ACCOUNT $WAYBILL_NAME" >>"$MADE"; echo made`
	b.options.DeprovisionCommand = `grep -v "^$WAYBILL_ACCOUNT " "$MADE" >"$MADE.new"; mv "$MADE.new" "$MADE"`
	// The server reads its users when it is asked for one.
	b.dst.Inject(fake.Fault{Call: "target.FindAccount", Do: func() {
		text, _ := os.ReadFile(made)
		for line := range strings.Lines(string(text)) {
			id, _, _ := strings.Cut(line, " ")
			b.dst.AddUser(userOf(id))
		}
	}})
	o := b.run(t.Context())
	if o.err != nil {
		t.Fatal(o.err)
	}
	text, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != "user0 User user0\nuser2 User user2\n" {
		t.Errorf("the command made %q", text)
	}
	if w := b.account(); w.Verified != 12 || w.Exit != 2 {
		t.Errorf("waybill %+v: user1 has no account", w)
	}
	// Two canary accounts made and removed, and three accounts.
	if n := b.events.count(event.ProvisionCommandRan); n != 7 {
		t.Errorf("%d commands are told of", n)
	}
	if b.events.count(event.AccountFailed) != 1 || b.events.count(event.AccountCreated) != 2 {
		t.Errorf("events %v", b.events.events)
	}
	// Mended, the same command goes on where it stopped.
	b.options.ProvisionCommand = `test "$WAYBILL_AGAIN" = 1 && echo "$WAYBILL_ACCOUNT again" >>"$MADE"`
	b.options.DeprovisionCommand = ""
	b.options.AcceptTrace = true
	if o = b.run(t.Context()); o.err != nil {
		t.Fatal(o.err)
	}
	b.same(3)
}

// A command that ends well and makes nothing is no success.
func TestProvisionCommandThatLies(t *testing.T) {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.CreateAccounts = false
	for _, hidden := range []bool{false, true} {
		b := newBench(t, fake.Options{Capabilities: &caps, HideAccounts: hidden})
		b.fill(1, 2)
		b.options.ProvisionCommand, b.options.DeprovisionCommand = "true", "true"
		o := b.run(t.Context())
		if !errors.Is(o.err, engine.ErrRefused) {
			t.Errorf("error %v", o.err)
		}
		// Without a way to remove canaries that is found out account by account.
		b.options.DeprovisionCommand, b.options.AcceptTrace = "", true
		if o = b.run(t.Context()); o.err != nil || b.events.count(event.AccountFailed) != 1 {
			t.Errorf("error %v, events %v", o.err, b.events.events)
		}
		if w := b.account(); w.Exit != 2 {
			t.Errorf("waybill %+v", w)
		}
	}
}

// Without a command that removes them there are no canary accounts, and the
// operator is asked.
func TestNoDeprovisionCommand(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(1, 2)
	b.options.ProvisionCommand = "exit 1"
	m, l := b.open()
	defer func() { _ = l.Close() }()
	plan, err := m.MakePlan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	findings, err := m.Preflight(t.Context(), plan)
	var bad []rights.Finding
	for _, f := range findings {
		if !f.OK {
			bad = append(bad, f)
		}
	}
	if !errors.Is(err, engine.ErrRefused) || len(bad) != 1 || !strings.Contains(bad[0].Grant, "--deprovision-command") {
		t.Errorf("error %v, findings %+v", err, bad)
	}
	if n := b.events.count(event.ProvisionCommandRan); n != 0 {
		t.Errorf("%d commands ran", n)
	}
}
