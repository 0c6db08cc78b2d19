package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"waybill/connector/fake"
	"waybill/event"
	"waybill/ledger"
	"waybill/mail"
)

// put adds messages with contents of their own and returns their keys.
func (b *bench) put(folder mail.Path, bodies ...string) []string {
	var keys []string
	for _, body := range bodies {
		keys = append(keys, b.src.AddMessage("anna", folder, fake.Message{Body: []byte("Subject: x\r\n\r\n" + body + "\r\n"), Size: int64(len(body)) + 17, Date: time.Unix(1e9, 0)}))
	}
	return keys
}

func numbered(prefix string, n int) (bodies []string) {
	for i := range n {
		bodies = append(bodies, fmt.Sprint(prefix, i))
	}
	return bodies
}

// moveInSource moves a message to another folder, under a new key.
func (b *bench) moveInSource(from mail.Path, body string, to mail.Path) {
	b.t.Helper()
	for n, m := range b.src.Messages("anna", from) {
		if string(m.Body) == "Subject: x\r\n\r\n"+body+"\r\n" {
			b.src.AddMessage("anna", to, m)
			b.src.Vanish("anna", from, b.keyAt(from, n))
			return
		}
	}
	b.t.Fatalf("no message %q in %s", body, from)
}

// keyAt is the key of the n-th message that a folder has now.
func (b *bench) keyAt(folder mail.Path, n int) string {
	b.t.Helper()
	box, err := b.src.Source().Mailbox(context.Background(), "anna")
	if err != nil {
		b.t.Fatal(err)
	}
	defer box.Close()
	for m := range box.Messages(context.Background(), folder) {
		if n == 0 {
			return m.Key
		}
		n--
	}
	b.t.Fatal("no such message")
	return ""
}

func (b *bench) mustRun() {
	b.t.Helper()
	if o := b.run(context.Background()); o.err != nil || o.result.Failed != 0 {
		b.t.Fatalf("result %+v, error %v", o.result, o.err)
	}
}

// holds compares the bodies in a folder of the target, in order.
func (b *bench) holds(folder mail.Path, bodies ...string) {
	b.t.Helper()
	var got []string
	for _, m := range b.dst.Messages("anna", folder) {
		got = append(got, string(m.Body[len("Subject: x\r\n\r\n"):len(m.Body)-2]))
	}
	if fmt.Sprint(got) != fmt.Sprint(bodies) {
		b.t.Errorf("%s holds %v, want %v", folder, got, bodies)
	}
}

// noted counts the rows with a note.
func (b *bench) noted(kind string) (n int64) {
	b.t.Helper()
	l, err := ledger.Open(context.Background(), b.path, ledger.Options{ReadOnly: true})
	if err != nil {
		b.t.Fatal(err)
	}
	defer l.Close()
	counts, err := l.CountNoted(context.Background(), kind)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range counts {
		n += c
	}
	return n
}

func TestWhatIsDeletedInTheSourceStaysAndIsCounted(t *testing.T) {
	b := newBench(t, fake.Options{})
	keys := b.put(mail.Inbox, "a", "b", "c")
	b.mustRun()
	b.src.Vanish("anna", mail.Inbox, keys[1])
	b.mustRun()
	b.holds(mail.Inbox, "a", "b", "c")
	if w := b.account(); w.Verified != 3 || w.Found != 3 || w.Exit != 0 || b.noted("source-left") != 1 {
		t.Errorf("waybill %+v, %d left", w, b.noted("source-left"))
	}
	if b.events.count(event.SourceLeft) != 1 {
		t.Error("no event tells of it")
	}
	b.mustRun()
	if b.events.count(event.SourceLeft) != 1 {
		t.Error("it is told again by a run in which nothing left")
	}
	// It comes back under another key: it is known by its content.
	b.put(mail.Inbox, "b")
	b.mustRun()
	b.holds(mail.Inbox, "a", "b", "c")
	if n := b.noted("source-left"); n != 0 {
		t.Errorf("%d messages are marked after it came back", n)
	}
}

func TestMirrorRemovesWhatNobodyChanged(t *testing.T) {
	b := newBench(t, fake.Options{})
	keys := b.put(mail.Inbox, "a", "b", "c", "d", "e", "f", "g", "h")
	b.mustRun()
	for _, k := range keys[:3] {
		b.src.Vanish("anna", mail.Inbox, k)
	}
	b.dst.Mark("anna", mail.Inbox, "2", mail.NewFlagSet(mail.Flagged)) // its owner wants "b"
	b.dst.Vanish("anna", mail.Inbox, "3")                              // and threw "c" away
	b.options.MirrorDeletions = true
	b.mustRun()
	b.holds(mail.Inbox, "b", "d", "e", "f", "g", "h")
	if w := b.account(); w.Found != 8 || w.Verified != 6 || w.Exit != 0 || b.noted("mirror-kept") != 1 {
		t.Errorf("waybill %+v, %d kept", w, b.noted("mirror-kept"))
	}
	if b.events.count(event.MirrorRemoved) != 1 || b.events.count(event.MirrorKept) != 1 || b.events.count(event.MirrorRefused) != 0 {
		t.Error("events do not tell what was removed and kept")
	}
	opened := len(b.dst.Calls("target.Open"))
	b.mustRun()
	if more := len(b.dst.Calls("target.Open")) - opened; more > 4 {
		t.Errorf("what is kept was read again: %d calls", more)
	}
	// What was removed may come back.
	b.put(mail.Inbox, "a")
	b.mustRun()
	b.holds(mail.Inbox, "b", "d", "e", "f", "g", "h", "a")
}

func TestMirrorRefusesWhatLooksLikeAFault(t *testing.T) {
	for name, breakIt := range map[string]func(*bench){
		"most of a mailbox": func(b *bench) {
			for n := range 25 {
				b.src.Vanish("anna", mail.Inbox, keyOf(n))
			}
		},
		"a whole folder": func(b *bench) {
			for n := range 12 {
				b.src.Vanish("anna", "Archiv", keyOf(n))
			}
		},
		"a folder numbered anew with other content": func(b *bench) {
			for n := range 12 {
				b.src.Vanish("anna", "Archiv", keyOf(n))
			}
			b.put("Archiv", numbered("other", 12)...)
		},
		"everything": func(b *bench) {
			for n := range 30 {
				b.src.Vanish("anna", mail.Inbox, keyOf(n))
				b.src.Vanish("anna", "Archiv", keyOf(n))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, fake.Options{})
			b.put(mail.Inbox, numbered("inbox", 30)...)
			b.put("Archiv", numbered("archive", 12)...)
			b.mustRun()
			breakIt(b)
			b.options.MirrorDeletions = true
			for range 2 { // also when the folders did not change since it was seen
				b.mustRun()
				if got := len(b.dst.Messages("anna", mail.Inbox)) + len(b.dst.Messages("anna", "Archiv")); got < 42 {
					t.Fatalf("%d messages are left in the target", got)
				}
			}
			if b.events.count(event.MirrorRefused) == 0 {
				t.Error("no event asks for the operator's word")
			}
			b.options.MirrorSure = true
			b.mustRun()
			want := len(b.src.Messages("anna", mail.Inbox)) + len(b.src.Messages("anna", "Archiv"))
			if got := len(b.dst.Messages("anna", mail.Inbox)) + len(b.dst.Messages("anna", "Archiv")); got != want {
				t.Errorf("%d messages are in the target after the operator's word, want %d", got, want)
			}
		})
	}
}

func TestMessagesMovedBetweenFolders(t *testing.T) {
	for _, to := range []mail.Path{"Archiv", "Zebra"} { // before and behind the folder they come from
		for _, mirrored := range []bool{false, true} {
			b := newBench(t, fake.Options{})
			b.put("Mitte", numbered("m", 20)...)
			b.put("Archiv", "x")
			b.mustRun()
			for _, body := range numbered("m", 20) {
				b.moveInSource("Mitte", body, to)
			}
			b.options.MirrorDeletions = mirrored
			b.mustRun()
			if got := len(b.dst.Messages("anna", to)); got < 20 {
				t.Errorf("%d messages arrived in %s", got, to)
			}
			left := 20
			if mirrored {
				left = 0 // all of a folder, but nothing is lost
			}
			if got := len(b.dst.Messages("anna", "Mitte")); got != left || b.noted("source-moved") != int64(left) {
				t.Errorf("to %s, mirrored %v: %d messages are where they were, %d said to be moved; want %d", to, mirrored, got, b.noted("source-moved"), left)
			}
			if w := b.account(); w.Exit != 0 {
				t.Errorf("waybill %+v", w)
			}
		}
	}
}

// A message that wanders into a folder that was gone through already is seen
// before its old copy is removed.
func TestMessageMovedDuringTheRun(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.put("Archiv", "x", "y")
	b.put("Zebra", "a", "b", "c")
	b.mustRun()
	b.put("Archiv", "new")
	b.src.Inject(fake.Fault{Call: "source.Census", Folder: "Zebra", N: 2, Do: func() { b.moveInSource("Zebra", "b", "Archiv") }})
	b.options.MirrorDeletions = true
	b.mustRun()
	b.holds("Archiv", "x", "y", "new", "b")
	b.holds("Zebra", "a", "c")
}

func TestNothingIsRemovedAfterABrokenFolder(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.put("Archiv", "x", "y")
	keys := b.put("Zebra", "a", "b", "c")
	b.mustRun()
	b.src.Vanish("anna", "Zebra", keys[0])
	b.put("Archiv", "z")
	b.src.Inject(fake.Fault{Call: "source.Messages", Folder: "Archiv", Err: fmt.Errorf("broken")})
	b.options.MirrorDeletions = true
	if o := b.run(context.Background()); o.result.Failed != 1 {
		t.Fatalf("result %+v, %v", o.result, o.err)
	}
	b.holds("Zebra", "a", "b", "c")
	b.src.Heal()
	b.mustRun()
	b.holds("Zebra", "b", "c")
}

// TestMirrorKilledAtEveryRemoval stops the run around each removal.
func TestMirrorKilledAtEveryRemoval(t *testing.T) {
	for _, mode := range []fake.Mode{fake.Before, fake.After} {
		for n := 1; n <= 5; n++ {
			b := newBench(t, fake.Options{})
			keys := b.put(mail.Inbox, numbered("m", 12)...)
			b.mustRun()
			for _, k := range keys[:5] {
				b.src.Vanish("anna", mail.Inbox, k)
			}
			b.options.MirrorDeletions = true
			ctx, cancel := context.WithCancel(context.Background())
			b.dst.Inject(fake.Fault{Call: "target.Remove", Folder: mail.Inbox, N: n, Mode: mode, Err: context.Canceled, Do: cancel})
			b.run(ctx)
			cancel()
			b.dst.Heal()
			b.dst.Crash()
			b.mustRun()
			b.holds(mail.Inbox, numbered("m", 12)[5:]...)
			if w := b.account(); w.Found != 12 || w.Verified != 7 || w.Exit != 0 {
				t.Errorf("mode %d, removal %d: waybill %+v", mode, n, w)
			}
		}
	}
}
