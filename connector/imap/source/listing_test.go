package source_test

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"waybill/connector"
	imapconnector "waybill/connector/imap"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/mail"
)

// trace keeps what was said to a server.
type trace struct {
	mu    sync.Mutex
	lines []string
}

func (tr *trace) add(direction, line string) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	if direction == "C" {
		tr.lines = append(tr.lines, line)
	}
}

// take gives the commands since the last call, without tags.
func (tr *trace) take() []string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	var commands []string
	for _, line := range tr.lines {
		_, command, ok := strings.Cut(strings.TrimSpace(line), " ")
		if ok {
			commands = append(commands, command)
		}
	}
	tr.lines = nil
	return commands
}

// annasBox is a filled mailbox on a Dovecot, with what is said about it.
func annasBox(t *testing.T, o counterpart.DovecotOptions) (connector.SourceMailbox, *counterpart.Dovecot, *trace) {
	t.Helper()
	d := counterpart.NewDovecot(t, o)
	seed(t, d.Run, "anna", "/", "")
	tr := &trace{}
	s := openSource(t, d.Location("anna"), imapconnector.Options{Password: password(t, "secret"), Trace: tr.add, Connections: 1})
	tr.take()
	return openBox(t, s, "anna"), d, tr
}

var harmless = regexp.MustCompile(`^(CAPABILITY|ID |NOOP|LOGOUT|NAMESPACE|AUTHENTICATE|LOGIN|ENABLE|LIST|LSUB|STATUS|EXAMINE|UNSELECT|UID SEARCH|UID FETCH \S+ \([^()]*\)( \(CHANGEDSINCE \d+\))?$)`)

// TestNothingIsWritten reads all there is and looks at every command.
func TestNothingIsWritten(t *testing.T) {
	b, d, tr := annasBox(t, counterpart.DovecotOptions{})
	marks := func() string {
		out, err := d.Doveadm(t.Context(), "fetch", "-u", "anna", "mailbox uid flags", "all")
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	before := marks()
	folders, err := b.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opened := 0
	for _, f := range folders {
		messages := list(t, b, f.Path)
		b.(connector.Announcer).Announce(t.Context(), f.Path, messages)
		for _, m := range messages {
			opened += min(len(read(t, b, f.Path, m)), 1)
		}
	}
	if opened != 40 {
		t.Errorf("%d messages were read, want 40", opened)
	}
	for _, command := range tr.take() {
		if !harmless.MatchString(command) || strings.Contains(command, "BODY[") {
			t.Errorf("the source is told %q", command)
		}
	}
	if after := marks(); after != before {
		t.Errorf("flags changed from\n%s\nto\n%s", before, after)
	}
}

// TestSecondRunIsCheap counts the commands that say that nothing is new.
func TestSecondRunIsCheap(t *testing.T) {
	b, _, tr := annasBox(t, counterpart.DovecotOptions{})
	folders, err := b.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		c, err := b.Census(t.Context(), f.Path, false)
		if err != nil || c.State == "" || c.Messages < 0 || c.Bytes < 0 {
			t.Errorf("%s has %+v, %v", f.Path, c, err)
		}
	}
	var asked []string
	for _, command := range tr.take() {
		if !strings.HasPrefix(command, "AUTHENTICATE") && !strings.HasPrefix(command, "CAPABILITY") {
			asked = append(asked, command)
		}
	}
	if len(asked) > 3 {
		t.Errorf("%d folders cost %q", len(folders), asked)
	}
	// The answers serve once: whoever asks again wants to know what is there now.
	if _, err := b.Census(t.Context(), mail.Inbox, false); err != nil || len(tr.take()) != 1 {
		t.Errorf("a second census does not look again: %v", err)
	}
}

// TestAnnouncedMessagesComeInOneAnswer and other orders get the same bytes.
func TestAnnouncedMessagesComeInOneAnswer(t *testing.T) {
	b, _, tr := annasBox(t, counterpart.DovecotOptions{})
	announcer := b.(connector.Announcer)
	messages := list(t, b, "Orders")
	want := map[string]string{}
	for _, m := range messages {
		want[m.Key] = read(t, b, "Orders", m)
	}
	bodies := func() (n int) {
		for _, command := range tr.take() {
			if strings.Contains(command, "BODY.PEEK[]") {
				n++
			}
		}
		return n
	}
	check := func(about string, path mail.Path, m mail.Message) {
		t.Helper()
		if got := read(t, b, path, m); got != want[m.Key] {
			t.Errorf("%s: message %s has %d bytes, want %d", about, m.Key, len(got), len(want[m.Key]))
		}
	}
	bodies()
	announcer.Announce(t.Context(), "Orders", messages[:4])
	announcer.Announce(t.Context(), "Orders", messages[4:])
	for _, m := range messages {
		check("in order", "Orders", m)
	}
	if n := bodies(); n != 2 {
		t.Errorf("two announcements cost %d commands", n)
	}
	for _, tc := range []struct {
		about string
		order []int
	}{
		{"backwards", []int{7, 6, 5, 4, 3, 2, 1, 0}},
		{"some left out", []int{0, 2, 5, 7}},
		{"twice", []int{0, 0, 1, 1, 2, 3, 3, 4, 5, 6, 7, 7}},
		{"none", nil},
		{"mixed", []int{3, 0, 4, 1, 7}},
	} {
		announcer.Announce(t.Context(), "Orders", messages[:5])
		announcer.Announce(t.Context(), "Orders", messages[5:])
		for _, i := range tc.order {
			check(tc.about, "Orders", messages[i])
		}
	}
	announcer.Announce(t.Context(), "Orders", messages)
	check("before a listing", "Orders", messages[0])
	if again := list(t, b, "Orders"); len(again) != len(messages) {
		t.Errorf("a listing in between has %d messages", len(again))
	}
	check("after a listing", "Orders", messages[1])
	other := list(t, b, mail.Inbox)
	announcer.Announce(t.Context(), mail.Inbox, other)
	check("another folder is announced", "Orders", messages[2])
	for _, m := range other {
		_ = read(t, b, mail.Inbox, m)
	}
	announcer.Announce(t.Context(), "No such folder", messages)
	announcer.Announce(t.Context(), "Orders", []mail.Message{{Key: "rubbish"}})
	check("after rubbish", "Orders", messages[3])
}

// TestReadersLeftOpenHoldNothingUp keeps all bodies open at once.
func TestReadersLeftOpenHoldNothingUp(t *testing.T) {
	b, _, _ := annasBox(t, counterpart.DovecotOptions{})
	for _, announce := range []bool{false, true} {
		messages := list(t, b, mail.Inbox)
		if announce {
			b.(connector.Announcer).Announce(t.Context(), mail.Inbox, messages)
		}
		var readers []io.ReadCloser
		for _, m := range messages {
			r, err := b.Open(t.Context(), mail.Inbox, m)
			if err != nil {
				t.Fatal(err)
			}
			head := make([]byte, 10)
			if _, err := io.ReadFull(r, head); err != nil {
				t.Fatal(err)
			}
			readers = append(readers, r)
			if n := len(list(t, b, "Orders")); n != 8 {
				t.Errorf("a listing beside an open body has %d messages", n)
			}
		}
		for i, r := range readers {
			rest, err := io.ReadAll(r)
			if err != nil || int64(len(rest))+10 != messages[i].Size {
				t.Errorf("reader %d gives %d of %d bytes and %v", i, len(rest)+10, messages[i].Size, err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestChangesSinceAState(t *testing.T) {
	for name, capability := range map[string]string{"qresync": "", "condstore": "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS NAMESPACE LIST-EXTENDED LIST-STATUS CONDSTORE ENABLE"} {
		t.Run(name, func(t *testing.T) {
			b, d, _ := annasBox(t, counterpart.DovecotOptions{Capability: capability})
			run := runner(d.Run)
			changer := b.(connector.ChangeLister)
			state := func() string {
				c, err := b.Census(t.Context(), "Orders", true)
				if err != nil || c.State == "" {
					t.Fatalf("census %+v, %v", c, err)
				}
				return c.State
			}
			changes := func(since string) (changed, gone []string) {
				t.Helper()
				messages, gone, ok, err := changer.Changes(t.Context(), "Orders", since)
				if err != nil || !ok {
					t.Fatalf("changes since %q: %v, %v", since, ok, err)
				}
				for _, m := range messages {
					changed = append(changed, fmt.Sprintf("%s %d %s", m.Key, m.Size, m.Flags))
				}
				return changed, gone
			}
			first := state()
			messages := list(t, b, "Orders")
			if changed, gone := changes(first); len(changed)+len(gone) > 0 {
				t.Errorf("nothing happened, and %q changed and %q went", changed, gone)
			}
			run.must(t, "anna", "SELECT Orders", `UID STORE 3 +FLAGS (\Flagged)`, `UID STORE 5 +FLAGS (\Deleted)`, "UID EXPUNGE 5",
				appending("Orders", `(\Seen)`, letter(500, 300)))
			second := state()
			if second == first {
				t.Fatalf("the state is still %q", first)
			}
			changed, gone := changes(first)
			now := list(t, b, "Orders")
			if len(changed) != 2 || !strings.HasPrefix(changed[0], messages[2].Key+" ") || !strings.Contains(changed[0], `\Flagged`) || !strings.HasPrefix(changed[1], now[len(now)-1].Key+" ") {
				t.Errorf("changed are %q", changed)
			}
			if !slices.Equal(gone, []string{messages[4].Key}) {
				t.Errorf("gone are %q, want %q", gone, messages[4].Key)
			}
			if changed, gone := changes(second); len(changed) > 0 || len(gone) > 1 {
				t.Errorf("nothing more happened, and %q changed and %q went", changed, gone)
			}
			for _, odd := range []string{"", "1 2 3", "rubbish", strings.Replace(first, first[:3], "987", 1)} {
				if _, _, ok, err := changer.Changes(t.Context(), "Orders", odd); ok || err != nil {
					t.Errorf("changes since %q are told: %v, %v", odd, ok, err)
				}
			}
		})
	}
}

func TestLargerMessagesAreCounted(t *testing.T) {
	b, _, _ := annasBox(t, counterpart.DovecotOptions{})
	finder := b.(connector.LargeFinder)
	for than, want := range map[int64]int64{0: 8, 30_000: 1, 1 << 40: 0} {
		if n, err := finder.Larger(t.Context(), mail.Inbox, than); err != nil || n != want {
			t.Errorf("%d messages are larger than %d (%v), want %d", n, than, err, want)
		}
	}
	if n, err := finder.Larger(t.Context(), "Empty", 0); err != nil || n != 0 {
		t.Errorf("an empty folder has %d, %v", n, err)
	}
}

func TestMailboxesTellWhichTheyAre(t *testing.T) {
	for _, capability := range []string{"", "+OBJECTID"} {
		d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "key", Capability: capability})
		for _, user := range []string{"anna", "bert"} {
			seed(t, d.Run, user, "/", "")
		}
		runner(d.Run).must(t, "bert", appending("INBOX", "", letter(700, 100)))
		s := openSource(t, d.MasterLocation(), imapconnector.Options{Password: password(t, "key"), Users: userMap("anna", "bert")})
		identity := func(user string) string {
			id, err := openBox(t, s, user).(connector.Identified).Identity(context.WithoutCancel(t.Context()))
			if err != nil || id == "" {
				t.Errorf("%s is %q, %v", user, id, err)
			}
			return id
		}
		first, second, other := identity("anna"), identity("anna"), identity("bert")
		if first != second || first == other {
			t.Errorf("anna is %q and then %q, and bert %q", first, second, other)
		}
	}
}

func TestGoneMessagesVanish(t *testing.T) {
	b, d, _ := annasBox(t, counterpart.DovecotOptions{})
	messages := list(t, b, "Orders")
	b.(connector.Announcer).Announce(t.Context(), "Orders", messages[:1])
	runner(d.Run).must(t, "anna", "SELECT Orders", `UID STORE 4 +FLAGS (\Deleted)`, "UID EXPUNGE 4")
	b.(connector.Announcer).Announce(t.Context(), "Orders", messages[1:])
	for i, m := range messages {
		r, err := b.Open(t.Context(), "Orders", m)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			_ = r.Close()
		}
		if i == 3 && failure.ClassOf(err) != failure.Vanished || i != 3 && err != nil {
			t.Errorf("message %d: %v", i, err)
		}
	}
}
