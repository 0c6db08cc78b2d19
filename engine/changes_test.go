package engine_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/mail"
)

// changing is a source that tells changes, as a server with QRESYNC does: it
// remembers what every folder looked like when a census was taken.
type changing struct {
	connector.Source
	*remembered
}

type remembered struct {
	mu     sync.Mutex
	folder map[string]map[string]mail.Message // what it held, by folder and state
	asked  int
	hides  bool // tells of nothing that is gone
}

func (c *changing) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	box, err := c.Source.Mailbox(ctx, user)
	if err != nil {
		return nil, err
	}
	return &changingMailbox{box, c, user}, nil
}

type changingMailbox struct {
	connector.SourceMailbox
	c    *changing
	user string
}

func (b *changingMailbox) where(folder mail.Path, state string) string {
	return fmt.Sprint(b.user, "\x00", folder, "\x00", state)
}

func (b *changingMailbox) listing(ctx context.Context, folder mail.Path) (list []mail.Message, err error) {
	for m, err := range b.SourceMailbox.Messages(ctx, folder) {
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func (b *changingMailbox) Census(ctx context.Context, folder mail.Path, exact bool) (connector.Census, error) {
	census, err := b.SourceMailbox.Census(ctx, folder, exact)
	if err != nil {
		return census, err
	}
	list, err := b.listing(ctx, folder)
	if err != nil {
		return census, err
	}
	then := map[string]mail.Message{}
	for _, m := range list {
		then[m.Key] = m
	}
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	b.c.folder[b.where(folder, census.State)] = then
	return census, nil
}

func (b *changingMailbox) Changes(ctx context.Context, folder mail.Path, since string) (changed []mail.Message, gone []string, ok bool, err error) {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	then, known := b.c.folder[b.where(folder, since)]
	list, err := b.listing(ctx, folder)
	if err != nil || !known {
		return nil, nil, false, err
	}
	b.c.asked++
	now := map[string]bool{}
	for n, m := range list {
		now[m.Key] = true
		// A server may name more than what changed.
		if old, was := then[m.Key]; !was || !old.Flags.Equal(m.Flags) || n%5 == 0 {
			changed = append(changed, m)
		}
	}
	for key := range then {
		if !now[key] {
			gone = append(gone, key)
		}
	}
	if b.c.hides {
		gone = nil
	}
	return changed, append(gone, "never-there"), true, nil
}

// withChanges makes the bench's source tell changes.
func (b *bench) withChanges() *remembered {
	memory := &remembered{folder: map[string]map[string]mail.Message{}}
	b.dressSource = func(s connector.Source) connector.Source { return &changing{s, memory} }
	return memory
}

func TestOnlyChangesAreListed(t *testing.T) {
	b := newBench(t, fake.Options{})
	b.options.Workers = 1
	told := b.withChanges()
	keys := b.put(mail.Inbox, numbered("m", 30)...)
	b.mustRun()
	for n := range 4 {
		b.src.Mark("anna", mail.Inbox, keys[n], mail.NewFlagSet(mail.Seen))
		b.src.Vanish("anna", mail.Inbox, keys[10+n])
		b.put(mail.Inbox, fmt.Sprint("new", n))
		b.mustRun()
		if got := b.complete(mail.Inbox); got != 30 {
			t.Fatalf("run %d: the ledger says that the source has %d messages, want 30", n, got)
		}
		if w := b.account(); w.Found != int64(31+n) || w.Verified != int64(31+n) || w.Exit != 0 || b.noted("source-left") != int64(1+n) {
			t.Fatalf("run %d: waybill %+v, %d left", n, w, b.noted("source-left"))
		}
		if got := b.dst.Messages("anna", mail.Inbox)[n].Flags; !got.Equal(mail.NewFlagSet(mail.Seen)) {
			t.Errorf("run %d: flags are (%s)", n, got)
		}
	}
	if told.asked < 4 {
		t.Errorf("changes were asked for %d times", told.asked)
	}
	// One that comes back under another key is known by its content.
	b.put(mail.Inbox, "m11")
	before := len(b.dst.Messages("anna", mail.Inbox))
	b.mustRun()
	if got := len(b.dst.Messages("anna", mail.Inbox)); got != before || b.noted("source-left") != 3 || b.complete(mail.Inbox) != 31 {
		t.Errorf("%d messages in the target, want %d; %d left; %d found", got, before, b.noted("source-left"), b.complete(mail.Inbox))
	}
}

// A source that forgets to tell of something is found out by its own numbers.
func TestChangesThatDoNotAddUp(t *testing.T) {
	b := newBench(t, fake.Options{})
	told := b.withChanges()
	keys := b.put(mail.Inbox, numbered("m", 5)...)
	b.mustRun()
	told.hides = true
	b.src.Vanish("anna", mail.Inbox, keys[1])
	b.options.MirrorDeletions = true
	b.mustRun()
	b.holds(mail.Inbox, "m0", "m2", "m3", "m4")
	if got := b.complete(mail.Inbox); told.asked == 0 || got != 4 {
		t.Errorf("asked %d times, %d messages found", told.asked, got)
	}
}

// complete is how many messages the last pass found in a folder.
func (b *bench) complete(folder mail.Path) int64 {
	b.t.Helper()
	_, l := b.open()
	defer l.Close()
	tallies, err := l.Tallies(context.Background(), 0)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, t := range tallies {
		if t.Path == folder {
			return t.Found
		}
	}
	b.t.Fatalf("no folder %s", folder)
	return 0
}

func TestLateMail(t *testing.T) {
	for _, telling := range []bool{false, true} {
		b := newBench(t, fake.Options{})
		if telling {
			b.withChanges()
		}
		b.src.AddUser(directory.User{ID: "bert"})
		keys := b.put(mail.Inbox, numbered("m", 12)...)
		o := b.run(context.Background())
		m, l := b.open()
		look := func() string {
			late, err := m.Late(context.Background(), o.plan)
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, a := range late.List {
				lines = append(lines, fmt.Sprintf("%s %s +%d ~%d -%d %v", a.User, a.Folder, a.New, a.Changed, a.Gone, a.Error != ""))
			}
			return fmt.Sprint(late.Quiet(), " ", strings.Join(lines, "; "))
		}
		check := func(want string) {
			t.Helper()
			if got := look(); got != want {
				t.Errorf("telling %v: %s, want %s", telling, got, want)
			}
		}
		check("true ")
		b.src.Mark("anna", mail.Inbox, keys[1], mail.NewFlagSet(mail.Seen))
		b.src.Vanish("anna", mail.Inbox, keys[2])
		check("true anna INBOX +0 ~1 -1 false")
		b.put(mail.Inbox, "late", "later")
		b.put("Neu", "in a new folder")
		b.src.AddMessage("carla", mail.Inbox, fake.Message{Body: []byte("x"), Date: time.Unix(1e9, 0)})
		check("false anna INBOX +2 ~1 -1 false; anna Neu +1 ~0 -0 false; carla INBOX +1 ~0 -0 false")
		b.src.FailUser("bert", fmt.Errorf("broken"))
		check("false anna INBOX +2 ~1 -1 false; anna Neu +1 ~0 -0 false; bert  +0 ~0 -0 true; carla INBOX +1 ~0 -0 false")
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
