package engine_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"waybill/connector/fake"
	"waybill/engine"
	"waybill/event"
	"waybill/failure"
	"waybill/mail"
)

func TestMovesEverythingOnce(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(5, 60)
	if o := b.run(context.Background()); o.err != nil || o.result.Messages != 300 {
		t.Fatalf("result %+v, error %v", o.result, o.err)
	}
	b.same(5)
	if w := b.account(); w.Verified != 300 || w.Found != 300 || w.Exit != 0 {
		t.Fatalf("waybill %+v", w)
	}
	appends := len(b.dst.Calls("target.Append"))
	if o := b.run(context.Background()); o.err != nil || o.result.Messages != 0 {
		t.Fatalf("second run: %+v, error %v", o.result, o.err)
	}
	// Preflight of the second run appends its two canaries.
	if more := len(b.dst.Calls("target.Append")) - appends; more != 2 {
		t.Errorf("second run appended %d times, want the canaries' 2", more)
	}
	b.same(5)
}

func TestPicksUpNewMail(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(2, 20)
	b.run(context.Background())
	b.src.AddMessage("user1", mail.Inbox, fake.Message{Body: []byte("Subject: late\r\n\r\nlate\r\n"), Date: time.Unix(1e9, 0)})
	b.src.AddMessage("user1", mail.Inbox, fake.Message{Body: []byte("Subject: same\r\n\r\nthe same text\r\n"), Date: time.Unix(1e9, 0)})
	if o := b.run(context.Background()); o.err != nil || o.result.Messages != 2 {
		t.Fatalf("result %+v, error %v", o.result, o.err)
	}
	b.same(2)
}

// TestFaults lets every call of the target fail in every way, at several
// moments, runs again until done, and compares the multisets.
func TestFaults(t *testing.T) {
	for _, call := range []string{"target.Mailbox", "target.Folders", "target.CreateFolder", "target.Position", "target.Append", "target.Arrived", "target.Open",
		"source.Mailbox", "source.Folders", "source.Census", "source.Messages", "source.Open", "source.Read", "target.Read"} {
		for _, mode := range []fake.Mode{fake.Before, fake.After, fake.Partial} {
			for _, err := range []error{nil, failure.New(failure.Internal, "test", "", "test.internal", errors.New("broken")), failure.New(failure.Denied, "test", "", "test.denied", errors.New("no"))} {
				for _, n := range []int{3, 8} {
					if err != nil && n > 3 {
						continue // the later moment is tried with the passing error only
					}
					b := newBench(t, fake.Options{})
					b.options.BatchMessages = 4
					b.fill(2, 16)
					b.dst.Inject(fake.Fault{Call: call, N: n, Mode: mode, K: 2, Err: err})
					b.src.Inject(fake.Fault{Call: call, N: n, Mode: mode, K: 2, Err: err})
					b.run(context.Background())
					b.dst.Heal()
					b.src.Heal()
					b.options.RetryExceptions = true
					if o := b.run(context.Background()); o.err != nil {
						t.Fatalf("%s mode %d n %d: second run: %v", call, mode, n, o.err)
					}
					b.same(2)
					if w := b.account(); w.Verified != 32 || w.Exit != 0 {
						t.Fatalf("%s mode %d n %d err %v: waybill %+v", call, mode, n, err, w)
					}
					if t.Failed() {
						t.Fatalf("%s mode %d n %d err %v", call, mode, n, err)
					}
				}
			}
		}
	}
}

func TestLostAnswers(t *testing.T) {
	for _, silent := range []bool{false, true} {
		b := newBench(t, fake.Options{Silent: silent})
		b.options.BatchMessages = 3
		b.fill(2, 40)
		// Every third append has its whole effect and no answer.
		for n := 3; n < 40; n += 3 {
			b.dst.Inject(fake.Fault{Call: "target.Append", N: n, Mode: fake.After})
		}
		if o := b.run(context.Background()); o.err != nil {
			t.Fatal(o.err)
		}
		b.same(2)
		if w := b.account(); w.Verified != 80 || w.Exit != 0 {
			t.Errorf("silent %v: waybill %+v", silent, w)
		}
	}
}

// TestCancelledAtEveryCall stops the run at the n-th call of the target, for
// each n, and goes on with a new process's eyes.
func TestCancelledAtEveryCall(t *testing.T) {
	for n := 1; n < 60; n += 3 {
		b := newBench(t, fake.Options{})
		b.options.BatchMessages = 4
		b.fill(2, 21)
		ctx, cancel := context.WithCancel(context.Background())
		b.dst.Inject(fake.Fault{Call: "target.", N: n, Mode: fake.After, Do: cancel})
		if o := b.run(ctx); ctx.Err() == nil || o.err == nil {
			t.Fatalf("call %d: the run was not stopped: %v", n, o.err)
		}
		cancel()
		b.dst.Heal()
		b.dst.Crash()
		if o := b.run(context.Background()); o.err != nil {
			t.Fatalf("call %d: %v", n, o.err)
		}
		b.same(2)
		if w := b.account(); w.Verified != 42 || w.Exit != 0 {
			t.Fatalf("call %d: waybill %+v", n, w)
		}
	}
}

func TestFoundingFailure(t *testing.T) {
	for _, second := range []fake.Second{fake.SecondNotOpen, fake.SecondNoAppend} {
		b := newBench(t, fake.Options{Second: second})
		b.fill(3, 10)
		o := b.run(context.Background())
		if !errors.Is(o.err, engine.ErrRefused) || failure.ClassOf(o.err) != failure.Denied {
			t.Fatalf("second mailbox %d: error %v, want refusal", second, o.err)
		}
		if b.events.count(event.PreflightRefused) != 1 {
			t.Error("the refusal is no event")
		}
		for a, err := range b.dst.Target().Accounts(context.Background()) {
			t.Errorf("account %v (%v) is left behind", a.ID, err)
		}
	}
}

func TestLyingTargetIsCaughtByCanary(t *testing.T) {
	for _, o := range []fake.Options{{DropDates: true}, {DropKeywords: true}} {
		b := newBench(t, o)
		b.fill(2, 4)
		if out := b.run(context.Background()); !errors.Is(out.err, engine.ErrRefused) {
			t.Errorf("%+v: error %v, want refusal", o, out.err)
		}
		if b.events.count(event.CanaryDiffers) == 0 {
			t.Errorf("%+v: no event says what differs", o)
		}
	}
}

func TestBrokenMessagesAreAccountedFor(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(1, 10)
	for _, trouble := range []fake.Trouble{fake.Vanishes, fake.Changes, fake.Unreadable} {
		b.src.AddMessage("user0", "Broken", fake.Message{Body: []byte("Subject: x\r\n\r\nsome text that is long enough\r\n"), Trouble: trouble})
	}
	b.src.AddMessage("user0", "Broken", fake.Message{Err: failure.New(failure.Malformed, "list", "here", "fake.broken", errors.New("broken"))})
	b.src.AddMessage("user0", "Broken", fake.Message{Body: []byte("Subject: sound\r\n\r\n")})
	if o := b.run(context.Background()); o.err != nil {
		t.Fatal(o.err)
	}
	w := b.account()
	if w.Found != 15 || w.Verified != 11 || w.Quarantined != 4 || w.Exit != 1 {
		t.Fatalf("waybill %+v", w)
	}
	if o := b.run(context.Background()); o.err != nil {
		t.Fatal(o.err)
	}
	if w := b.account(); w.Found != 15 || w.Verified != 11 || w.Exit != 1 {
		t.Fatalf("after the second run: %+v", w)
	}
}

func TestWhatLeftTheSourceIsSkipped(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(1, 10)
	key := b.src.AddMessage("user0", "Archiv", fake.Message{Body: []byte("Subject: x\r\n\r\n"), Trouble: fake.Vanishes})
	b.run(context.Background())
	if w := b.account(); w.Quarantined != 1 || w.Exit != 1 {
		t.Fatalf("waybill %+v", w)
	}
	b.src.Vanish("user0", "Archiv", key)
	if o := b.run(context.Background()); o.err != nil {
		t.Fatal(o.err)
	}
	if w := b.account(); w.Quarantined != 0 || w.Found != 11 || w.Verified != 10 || w.Exit != 0 {
		t.Fatalf("after it left: %+v", w)
	}
}

func TestUnreadableFolderMakesMailboxIncomplete(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(2, 12)
	b.src.FailFolder("user0", "Archiv", failure.New(failure.Denied, "list", "Archiv", "fake.denied", errors.New("may not")))
	if o := b.run(context.Background()); o.err != nil || o.result.Failed != 1 {
		t.Fatalf("result %+v, error %v", o.result, o.err)
	}
	if w := b.account(); w.Exit != 2 {
		t.Errorf("waybill %+v, want exit 2", w)
	}
	if b.events.count(event.FolderFailed) != 1 || b.events.count(event.MailboxFailed) != 1 {
		t.Error("events do not name the folder and the mailbox")
	}
}

func TestUsersFlagsAreNotReset(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.src.AddUser(userOf("anna"))
	key := b.src.AddMessage("anna", mail.Inbox, fake.Message{Body: []byte("Subject: a\r\n\r\n"), Flags: mail.NewFlagSet(0, "work"), Date: time.Unix(1e9, 0)})
	b.run(context.Background())
	// Anna flags it in the new system and reads it in the old one.
	b.dst.Mark("anna", mail.Inbox, "1", mail.NewFlagSet(mail.Flagged, "work", "mine"))
	b.run(context.Background())
	if got := b.dst.Messages("anna", mail.Inbox)[0].Flags; !got.Equal(mail.NewFlagSet(mail.Flagged, "work", "mine")) {
		t.Fatalf("flags were reset to (%s)", got)
	}
	b.src.Mark("anna", mail.Inbox, key, mail.NewFlagSet(mail.Seen))
	b.run(context.Background())
	if got := b.dst.Messages("anna", mail.Inbox)[0].Flags; !got.Equal(mail.NewFlagSet(mail.Flagged|mail.Seen, "mine")) {
		t.Fatalf("flags are (%s) after the merge", got)
	}
}

func TestMessagesUnderNewKeysAreFollowed(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(1, 15)
	b.run(context.Background())
	// The source gives the folder a new UIDVALIDITY: same messages, other keys.
	old := b.src.Messages("user0", mail.Inbox)
	for n := range old {
		b.src.Vanish("user0", mail.Inbox, keyOf(n))
	}
	for _, m := range old {
		b.src.AddMessage("user0", mail.Inbox, m)
	}
	if o := b.run(context.Background()); o.err != nil {
		t.Fatal(o.err)
	}
	if got := len(b.dst.Messages("user0", mail.Inbox)); got != len(old) {
		t.Errorf("%d messages in the target, want %d", got, len(old))
	}
}

func TestThrottlingWaitsAndIsNoFailure(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(2, 12)
	var waited atomic.Int64
	begin := time.Unix(1e9, 0)
	b.clock = engine.Clock{Now: func() time.Time { return begin.Add(time.Duration(waited.Load())) }, Sleep: func(ctx context.Context, d time.Duration) error {
		waited.Add(int64(d))
		return ctx.Err()
	}}
	b.options.Workers = 1
	throttle := failure.New(failure.Throttled, "append", "", "fake.throttled", errors.New("slow down"))
	throttle.RetryAfter = 7 * time.Second
	b.dst.Inject(fake.Fault{Call: "target.Append", N: 4, Err: throttle})
	if o := b.run(context.Background()); o.err != nil || o.result.Failed != 0 {
		t.Fatalf("result %+v, error %v", o.result, o.err)
	}
	if d := time.Duration(waited.Load()); d < 7*time.Second {
		t.Errorf("waited %s, was asked to wait 7s", d)
	}
	b.same(2)
}

func TestFullTargetStopsWithoutRefusingMail(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.options.BatchMessages = 4
	b.fill(1, 30)
	b.dst.Inject(fake.Fault{Call: "target.Append", N: 5, Err: failure.New(failure.Full, "append", "", "fake.full", errors.New("no space left"))})
	if o := b.run(context.Background()); o.err != nil || o.result.Failed != 1 {
		t.Fatalf("result %+v, error %v", o.result, o.err)
	}
	if w := b.account(); w.Refused != 0 || w.Exit != 2 {
		t.Errorf("waybill %+v", w)
	}
	b.dst.Heal()
	b.run(context.Background())
	b.same(1)
}
