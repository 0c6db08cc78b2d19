package engine_test

import (
	"sync"
	"testing"
	"time"

	"waybill/connector/fake"
	"waybill/failure"
	"waybill/mail"
)

// TestTwoFoldersAtOnce holds up the delivery to each of two folders until the
// other one is being delivered to.
func TestTwoFoldersAtOnce(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(1, 21)
	var both sync.WaitGroup
	both.Add(2)
	meet := func() {
		both.Done()
		met := make(chan struct{})
		go func() { both.Wait(); close(met) }()
		select {
		case <-met:
		case <-time.After(time.Minute):
			t.Error("one folder waits for the other")
		}
	}
	b.dst.Inject(
		fake.Fault{Call: "target.Append", User: "user0", Folder: mail.Inbox, N: 1, Do: meet},
		fake.Fault{Call: "target.Append", User: "user0", Folder: "Archiv", N: 1, Do: meet},
	)
	b.mustRun()
	b.same(1)
}

// TestOneHandleOnly moves everything although there is no second handle to be had.
func TestOneHandleOnly(t *testing.T) {
	for _, call := range []string{"source.Mailbox", "target.Mailbox"} {
		opened := 0
		for _, workers := range []int{1, 4} {
			b := newBench(t, fake.Options{})
			b.fill(1, 21)
			b.options.Workers = workers
			side := map[string]*fake.System{"source.Mailbox": b.src, "target.Mailbox": b.dst}[call]
			if workers > 1 { // one lane opened so often; the next is the second lane's
				side.Inject(fake.Fault{Call: call, User: "user0", N: opened + 1, Err: failure.New(failure.Denied, "open mailbox", "user0", "fake.one-only", nil)})
			}
			b.mustRun()
			b.same(1)
			opened = 0
			for _, c := range side.Calls(call) {
				if c.User == "user0" {
					opened++
				}
			}
		}
	}
}

// TestFullEndsAllLanes takes no further folder when the target is full.
func TestFullEndsAllLanes(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.fill(1, 21)
	b.dst.Inject(fake.Fault{Call: "target.Append", User: "user0", Err: failure.New(failure.Full, "append", "user0", "fake.full", nil)})
	out := b.run(t.Context())
	if out.err != nil || out.result.Failed != 1 {
		t.Fatalf("%d mailboxes failed, error %v; the one that is full must", out.result.Failed, out.err)
	}
	b.dst.Heal()
	b.mustRun()
	b.same(1)
}
