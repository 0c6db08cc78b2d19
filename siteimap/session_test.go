package siteimap_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/mail"
	"waybill/siteimap"
	"waybill/sitestore"
)

func opener(body string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
}

func TestLoggingOn(t *testing.T) {
	store := newSite(t, "anna", "o'neil*jr", `a "b" \ (c)`, "é")
	address := serve(t, siteimap.Options{Store: store}, false)
	for _, c := range []struct{ name, want string }{
		{"anna", "OK [CAPABILITY IMAP4rev1 "},
		{"o'neil*jr", "OK "},
		{`a "b" \ (c)`, "OK "},
		{"é", "OK "},
		{"anna*administrator", "OK "},
		{"o'neil*jr*administrator", "OK "},
		{"anna*nobody", "NO [NOPERM]"},
		{"nobody", "NO [AUTHENTICATIONFAILED] wrong name or password"},
		{"", "NO [AUTHENTICATIONFAILED] wrong name or password"},
	} {
		one := dial(t, address)
		one.line()
		one.refused(fmt.Sprintf("LOGIN {%d+}\r\n%s %q", len(c.name), c.name, password), c.want)
	}
	for _, c := range []struct{ identity, name, password, want string }{
		{"", "anna", password, "OK "},
		{"anna", "anna", password, "OK "},
		{"anna", "administrator", password, "OK "},
		{"anna", "nobody", password, "NO [NOPERM]"},
		{"", "anna", "wrong", "NO [AUTHENTICATIONFAILED]"},
	} {
		one := dial(t, address)
		one.line()
		plain := base64.StdEncoding.EncodeToString([]byte(c.identity + "\x00" + c.name + "\x00" + c.password))
		one.refused("AUTHENTICATE PLAIN "+plain, c.want)
		if c.want != "OK " {
			continue
		}
		two := dial(t, address)
		two.line()
		two.send("a AUTHENTICATE PLAIN\r\n")
		if l := two.line(); !strings.HasPrefix(l, "+") {
			t.Fatal(l)
		}
		two.send(plain + "\r\n")
		if l := two.line(); !strings.HasPrefix(l, "a OK") {
			t.Error(l)
		}
	}
}

func TestGuessingEnds(t *testing.T) {
	address := serve(t, siteimap.Options{Store: newSite(t, "anna")}, false)
	c := dial(t, address)
	c.line()
	for range 3 {
		c.refused("LOGIN anna wrong", "NO [AUTHENTICATIONFAILED]")
	}
	if _, answer := c.do("NOOP"); answer != "EOF" {
		t.Error(answer)
	}
	// A browser that was made to talk to this port is let go as well.
	c = dial(t, address)
	c.send("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\nE: f\r\n\r\n")
	last := ""
	for l := c.line(); l != "EOF"; l = c.line() {
		last = l
	}
	if !strings.Contains(last, "BYE") {
		t.Error(last)
	}
}

// A refused literal must be read over: its bytes are data, even where they look
// like commands.
func TestLiteralsNeverBecomeCommands(t *testing.T) {
	store := newSite(t, "anna")
	address := serve(t, siteimap.Options{Store: store, MaxMessage: 1000}, false)
	c := logon(t, address, "anna")
	c.ok("CREATE Precious")
	attack := strings.Repeat("x DELETE Precious\r\n", 500)
	for _, refused := range []struct{ command, small, large string }{
		{"APPEND INBOX", "OK", "NO [TOOBIG]"},
		{"APPEND Nowhere", "NO [TRYCREATE]", "NO [TOOBIG]"},
		{`APPEND "bad &utf7"`, "BAD", "BAD"},
		{`APPEND INBOX (\Nonsense)`, "BAD", "NO [TOOBIG]"},
		{`APPEND INBOX "no date"`, "BAD", "BAD"},
		{"APPEND", "BAD", "NO [TOOBIG]"},
		{"SELECT", "BAD", "NO [TOOBIG]"},
		{"NONSENSE", "BAD", "NO [TOOBIG]"},
		{"SEARCH SUBJECT", "BAD", "NO [TOOBIG]"},
	} {
		for size, want := range map[int]string{900: refused.small, len(attack): refused.large} {
			c.n++
			tag := fmt.Sprintf("t%d ", c.n)
			c.send(fmt.Sprintf("%s%s {%d+}\r\n%s\r\n", tag, refused.command, size, attack[:size]))
			if got := c.line(); !strings.HasPrefix(got, tag+want) {
				t.Errorf("%s with %d bytes: %s, want %s", refused.command, size, got, want)
			}
		}
		// One that waits is not sent.
		c.n++
		tag := fmt.Sprintf("t%d ", c.n)
		c.send(fmt.Sprintf("%s%s {%d}\r\n", tag, refused.command, len(attack)))
		if got := c.line(); !strings.HasPrefix(got, tag+refused.large) {
			t.Errorf("%s with a literal that waits: %s, want %s", refused.command, got, refused.large)
		}
	}
	if l := c.ok(`LIST "" Precious`); len(l) != 1 {
		t.Errorf("the folder is gone: %q", l)
	}
	// One that is announced and never ends only harms itself.
	c.send("t APPEND INBOX {99999999999999+}\r\n")
	for l := c.line(); l != "EOF"; l = c.line() {
		if !strings.Contains(l, "BYE") && !strings.Contains(l, "TOOBIG") {
			t.Error(l)
		}
	}
}

// A message whose end does not arrive is not there.
func TestCutOffAppend(t *testing.T) {
	store := newSite(t, "anna")
	address := serve(t, siteimap.Options{Store: store}, false)
	for _, size := range []int{100, 3 << 20} {
		c := logon(t, address, "anna")
		c.send(fmt.Sprintf("t APPEND INBOX {%d+}\r\nSubject: half\r\n\r\n%s", size, strings.Repeat("x", size/2)))
		_ = c.conn.(*net.TCPConn).CloseWrite()
		for l := c.line(); l != "EOF"; l = c.line() {
			if strings.HasPrefix(l, "t OK") {
				t.Error(l)
			}
		}
	}
	if got := logon(t, address, "anna").ok("STATUS INBOX (MESSAGES)"); got[0] != `* STATUS INBOX (MESSAGES 0)` {
		t.Error(got)
	}
}

// Sessions see what others do: other sessions at once, other processes soon.
func TestTwoSessions(t *testing.T) {
	store := newSite(t, "anna")
	fill(t, store, "anna", mail.Inbox, "1\r\n", "2\r\n", "3\r\n", "4\r\n")
	address := serve(t, siteimap.Options{Store: store, Watch: time.Hour}, false)
	a, b := logon(t, address, "anna"), logon(t, address, "anna")
	a.ok("SELECT INBOX")
	b.ok("SELECT INBOX")
	a.ok(`STORE 2 +FLAGS.SILENT (\Deleted work)`)
	if got := a.ok("NOOP"); len(got) != 0 {
		t.Errorf("a session was told what it did itself: %q", got)
	}
	if got := b.ok("NOOP"); !slices.Equal(got, []string{`* 2 FETCH (UID 2 FLAGS (\Deleted work))`}) {
		t.Errorf("%q", got)
	}
	a.ok("EXPUNGE")
	// FETCH must not renumber; what is gone is said to be.
	if got, answer := b.do("FETCH 1:4 (UID)"); !slices.Equal(got, []string{"* 1 FETCH (UID 1)", "* 3 FETCH (UID 3)", "* 4 FETCH (UID 4)"}) || !strings.HasPrefix(answer, "NO [EXPUNGEISSUED]") {
		t.Errorf("%q %s", got, answer)
	}
	if got := b.ok("UID FETCH 1:4 (FLAGS)"); !slices.Equal(got, []string{"* 1 FETCH (UID 1 FLAGS ())", "* 3 FETCH (UID 3 FLAGS ())", "* 4 FETCH (UID 4 FLAGS ())", "* 2 EXPUNGE"}) {
		t.Errorf("%q", got)
	}
	b.send("idle IDLE\r\n")
	b.line()
	a.ok("APPEND INBOX {3+}\r\n5\r\n")
	if got := []string{b.line(), b.line()}; !slices.Equal(got, []string{"* 4 EXISTS", "* 0 RECENT"}) {
		t.Errorf("%q", got)
	}
	a.ok(`STORE 1 FLAGS (\Seen)`)
	if got := b.line(); got != `* 1 FETCH (UID 1 FLAGS (\Seen))` {
		t.Error(got)
	}
	a.ok("CREATE Other")
	a.ok("MOVE 2:3 Other")
	if got := []string{b.line(), b.line()}; !slices.Equal(got, []string{"* 3 EXPUNGE", "* 2 EXPUNGE"}) {
		t.Errorf("%q", got)
	}
	b.send("DONE\r\n")
	if got := b.line(); !strings.HasPrefix(got, "idle OK") {
		t.Error(got)
	}
	// Another process: another opening of the same file.
	other, err := sitestore.Open(t.Context(), store.Path(), sitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, other, "anna", mail.Inbox, "6\r\n")
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if got := a.ok("NOOP"); !slices.Equal(got, []string{"* 3 EXISTS", "* 0 RECENT"}) {
		t.Errorf("%q", got)
	}
	// A folder that another session deletes is empty.
	b.ok("SELECT Other")
	a.ok("DELETE Other")
	if got := b.ok("NOOP"); !slices.Equal(got, []string{"* 2 EXPUNGE", "* 1 EXPUNGE"}) {
		t.Errorf("%q", got)
	}
	b.refused("FETCH 1 (UID)", "BAD")
}

// An idle session hears of other processes without asking.
func TestIdleSeesOtherProcesses(t *testing.T) {
	store := newSite(t, "anna")
	address := serve(t, siteimap.Options{Store: store}, false)
	c := logon(t, address, "anna")
	c.ok("SELECT INBOX")
	c.send("idle IDLE\r\n")
	c.line()
	other, err := sitestore.Open(t.Context(), store.Path(), sitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := other.Close(); err != nil {
			t.Error(err)
		}
	}()
	fill(t, other, "anna", mail.Inbox, "new\r\n")
	if got := c.line(); got != "* 1 EXISTS" {
		t.Error(got)
	}
}

func TestLimits(t *testing.T) {
	store := newSite(t, "anna")
	address := serve(t, siteimap.Options{Store: store, MaxConnections: 2}, false)
	one, two := logon(t, address, "anna"), logon(t, address, "anna")
	three := dial(t, address)
	if got := three.line(); !strings.HasPrefix(got, "* BYE") {
		t.Error(got)
	}
	one.refused("LIST \"\" "+strings.Repeat("(", 2000), "BAD")
	one.ok("SELECT INBOX")
	one.refused("SEARCH "+strings.Repeat("NOT ", 5000)+"ALL", "BAD")
	one.refused("SEARCH "+strings.Repeat("(", 5000), "BAD")
	one.ok("FETCH $ (FLAGS)")
	one.ok("LIST \"\" \"" + strings.Repeat("*a", 1000) + "\"")
	one.send("x NOOP " + strings.Repeat("y", 100_000) + "\r\n")
	if got := one.line(); !strings.HasPrefix(got, "* BYE") {
		t.Error(got)
	}
	two.ok("NOOP")
}

// A fault in one session ends that session and no other.
func TestFaultsStayWithTheirSession(t *testing.T) {
	faults := make(chan string, 1)
	address := serve(t, siteimap.Options{Store: newSite(t, "anna", "bert"), Log: func(text string) {
		if strings.Contains(text, `opened the mailbox of "bert"`) {
			panic("a fault")
		}
		if strings.Contains(text, "a fault ended") {
			faults <- text
		}
	}}, false)
	anna := logon(t, address, "anna")
	bert := dial(t, address)
	bert.line()
	if _, answer := bert.do(fmt.Sprintf("LOGIN bert %q", password)); answer != "EOF" {
		t.Error(answer)
	}
	if text := <-faults; strings.Contains(text, password) {
		t.Error("the log has the password")
	}
	anna.ok("SELECT INBOX")
}

// A damaged message does not keep the others back, and is named.
func TestDamagedMessage(t *testing.T) {
	store := newSite(t, "anna")
	fill(t, store, "anna", mail.Inbox, "first\r\n", strings.Repeat("second\r\n", 100), "third\r\n")
	damage(t, store, 6)
	c := logon(t, serve(t, siteimap.Options{Store: store}, false), "anna")
	c.ok("SELECT INBOX")
	got, answer := c.do("FETCH 1:3 (BODY.PEEK[])")
	if !slices.Contains(got, "third") || slices.Contains(got, "first") || !strings.HasPrefix(answer, "NO [CORRUPTION]") {
		t.Errorf("%q %s", got, answer)
	}
	c.ok("FETCH 1:3 (FLAGS RFC822.SIZE)")
	c.ok("SEARCH BODY third")
}

// damage overwrites the beginning of what is stored, behind the segment's own
// header of 16 bytes.
func damage(t *testing.T, store *sitestore.Store, length int) {
	t.Helper()
	names, err := filepath.Glob(store.Path() + ".d/*.seg")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	f, err := os.OpenFile(names[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, length), 16); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
