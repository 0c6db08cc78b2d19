package test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"waybill/internal/counterpart"
)

// errand is a migration to or from a server: a folder with mail, and the
// environment that the program is run in, without t.Setenv, so that errands run
// side by side.
type errand struct {
	t     *testing.T
	dir   string
	env   []string
	users []string
	made  int // messages so far
}

// newErrand makes Maildirs in dir/mail for users: four messages in the inbox, two
// in Sent, with every flag, a keyword and old dates; and a user map.
func newErrand(t *testing.T, users ...string) *errand {
	t.Helper()
	e := &errand{t: t, dir: t.TempDir(), users: users}
	for _, u := range users {
		e.put(u, "cur", "S", "FS", "RSa", "")
		e.put(u, ".Sent/cur", "S", "Sa")
		for _, at := range []string{"", ".Sent"} {
			e.write(filepath.Join("mail", u, at, "dovecot-keywords"), "0 Projekt\n")
		}
	}
	e.write("users.csv", mapOf(users...))
	return e
}

// mapOf is a user map in which everybody goes to the account of the same name.
func mapOf(users ...string) string {
	text := "user,account\n"
	for _, u := range users {
		text += u + "," + u + "\n"
	}
	return text
}

// put puts messages into a folder of a user's Maildir, one for each set of flags.
func (e *errand) put(user, folder string, flags ...string) {
	e.t.Helper()
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(e.dir, "mail", user, filepath.Dir(folder), sub), 0o750); err != nil {
			e.t.Fatal(err)
		}
	}
	for _, f := range flags {
		i := e.made
		e.made++
		name := filepath.Join("mail", user, folder, fmt.Sprintf("15000000%02d.M%dP1.kogge:2,%s", i%100, i, f))
		e.write(name, fmt.Sprintf("From: %s@example.org\r\nSubject: %s %d\r\nDate: Fri, 14 Jul 2017 02:40:00 +0000\r\n\r\n%s\r\n", user, folder, i, strings.Repeat("harbour ", 60)))
		when := time.Unix(1_500_000_000+int64(i)*7919, 0)
		if err := os.Chtimes(filepath.Join(e.dir, name), when, when); err != nil {
			e.t.Fatal(err)
		}
	}
}

func (e *errand) write(name, text string) {
	e.t.Helper()
	path := filepath.Join(e.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		e.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		e.t.Fatal(err)
	}
}

func (e *errand) read(name string) string {
	e.t.Helper()
	b, err := os.ReadFile(filepath.Join(e.dir, name))
	if err != nil {
		e.t.Fatal(err)
	}
	return string(b)
}

// command is the program with the errand's environment.
func (e *errand) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = e.dir
	cmd.Env = append(os.Environ(), e.env...)
	return cmd
}

// ends runs the program, and fails the test unless it ends with code and says
// these words.
func (e *errand) ends(code int, words []string, args ...string) string {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 2*time.Minute)
	defer cancel()
	cmd := e.command(ctx, args...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		e.t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != code {
		e.t.Fatalf("waybill %q ended with %d, want %d:\n%s", args, got, code, out)
	}
	for _, w := range words {
		if !strings.Contains(string(out), w) {
			e.t.Errorf("waybill %q does not say %q:\n%s", args, w, out)
		}
	}
	return string(out)
}

// to are the arguments for moving the errand's mail to a server.
func (e *errand) to(location string, more ...string) []string {
	return append([]string{"migrate", "--from", "maildir:mail", "--to", location, "--users", "users.csv"}, more...)
}

// moved fails the test unless the users find on the server what is in the
// errand's Maildirs; the judge looks, and it is none of our code.
func (e *errand) moved(to counterpart.System, o counterpart.CompareOptions) {
	e.t.Helper()
	o.Users = e.users
	o.IgnoreFlags = append(o.IgnoreFlags, `\Recent`)
	counterpart.Compare(e.t, counterpart.Maildir(filepath.Join(e.dir, "mail", "{user}")), to, o)
}

// listing is what users find on a server, with rights, as Python's imaplib sees
// it.
func listing(t *testing.T, at counterpart.System, users ...string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	cmd := exec.CommandContext(t.Context(), python, "-B", filepath.Join("judge", "rights.py"), "--users="+strings.Join(users, ","), at.Location)
	cmd.Env = append(os.Environ(), "JUDGE_PASSWORD="+at.Password, "PYTHONUTF8=1")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("rights.py: %v\n%s", err, out)
	}
	return string(out)
}

// unchanged looks at a server now, and returns a function that fails the test
// when it is not as it was.
func unchanged(t *testing.T, at counterpart.System, users ...string) (check func(when string)) {
	t.Helper()
	before := listing(t, at, users...)
	return func(when string) {
		t.Helper()
		if after := listing(t, at, users...); after != before {
			t.Errorf("%s: the server was\n%s\nand is\n%s", when, before, after)
		}
	}
}

var setaclLine = regexp.MustCompile(`setacl "([^"]+)" "([^"]+)" "([^"]+)"`)

// obey runs the commands for cyradm that stand in what the program said, and
// returns how many those were.
func obey(t *testing.T, c *counterpart.Cyrus, said string) int {
	t.Helper()
	commands := map[string]bool{}
	for _, m := range setaclLine.FindAllStringSubmatch(said, -1) {
		commands[fmt.Sprintf("SETACL %s %s %s", counterpart.Quote(m[1]), counterpart.Quote(m[2]), counterpart.Quote(m[3]))] = true
	}
	for command := range commands {
		if _, err := c.Run(t.Context(), c.Admin, command); err != nil {
			t.Errorf("what was printed does not work: %v", err)
		}
	}
	return len(commands)
}

// owners is a server as each of its users finds it; all have the password
// "secret".
func owners(addr string) counterpart.System {
	return counterpart.System{Location: "imap://{user}@" + addr, Password: "secret"}
}

func cyrusWith(t *testing.T, o counterpart.CyrusOptions, users ...string) *counterpart.Cyrus {
	t.Helper()
	o.Users = map[string]string{}
	for _, u := range users {
		o.Users[u] = "secret"
	}
	return counterpart.NewCyrus(t, o)
}

// TestServerRightsCyrus is the founding failure on a real server: an
// administrator of Cyrus may make mailboxes and not fill them, and the server
// says that they do not exist.
func TestServerRightsCyrus(t *testing.T) {
	t.Parallel()
	pairs := map[string][]string{"hand": {"anna", "bert"}, "grant": {"cora", "dora"}, "proxy": {"emil", "finn"}, "shared": {"gert", "hans"}, "partial": {"ines", "jens"}, "killed": {"kurt", "lars"}, "plan": {"mona", "nils"},
		"verify": {"olga", "paul"}}
	var all []string
	for _, users := range pairs {
		all = append(all, users...)
	}
	c := cyrusWith(t, counterpart.CyrusOptions{UnixHierarchySep: true, AltNamespace: true}, all...)
	newErrandTo := func(t *testing.T, users ...string) (*errand, func(string)) {
		e := newErrand(t, users...)
		e.env = []string{"WAYBILL_TARGET_PASSWORD=" + c.AdminPassword}
		return e, unchanged(t, owners(c.Addr), users...)
	}
	for _, u := range pairs["partial"] {
		if err := c.CreateMailbox(t.Context(), c.Root(u, "Sent")); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("the printed commands", func(t *testing.T) {
		t.Parallel()
		e, same := newErrandTo(t, pairs["hand"]...)
		out := e.ends(3, []string{"holds la", "the right to make a mailbox is not the right to fill it", "auth=proxy"}, e.to(c.ACLLocation())...)
		same("after a refusal")
		if n := obey(t, c, out); n != 2 {
			t.Errorf("%d commands are printed for two mailboxes:\n%s", n, out)
		}
		e.ends(0, []string{"12 found = 12 verified"}, e.to(c.ACLLocation())...)
		e.moved(owners(c.Addr), counterpart.CompareOptions{IgnoreFlags: []string{`\Seen`}})
	})
	t.Run("granted for the run", func(t *testing.T) {
		t.Parallel()
		e, _ := newErrandTo(t, pairs["grant"]...)
		e.ends(0, []string{"12 found = 12 verified"}, e.to(c.ACLLocation(), "--grant")...)
		e.moved(owners(c.Addr), counterpart.CompareOptions{IgnoreFlags: []string{`\Seen`}})
		if now := listing(t, owners(c.Addr), pairs["grant"]...); strings.Contains(now, c.Admin+" ") || !strings.Contains(now, "cora Sent") {
			t.Errorf("a right is left:\n%s", now)
		}
		events := e.read("waybill-report/events.jsonl")
		for _, code := range []string{"W2012", "W2013"} {
			if !strings.Contains(events, code) {
				t.Errorf("the waybill does not tell %s", code)
			}
		}
	})
	t.Run("a proxy", func(t *testing.T) {
		t.Parallel()
		e, _ := newErrandTo(t, pairs["proxy"]...)
		e.ends(0, []string{"12 found = 12 verified"}, e.to(c.ProxyLocation())...)
		e.moved(owners(c.Addr), counterpart.CompareOptions{})
	})
	t.Run("sharedseen", func(t *testing.T) {
		t.Parallel()
		e, _ := newErrandTo(t, pairs["shared"]...)
		e.ends(0, []string{"12 found = 12 verified", "for good"}, e.to(c.ACLLocation(), "--grant", "--shared-seen")...)
		e.moved(owners(c.Addr), counterpart.CompareOptions{})
		if now := listing(t, owners(c.Addr), pairs["shared"]...); strings.Contains(now, c.Admin+" ") || strings.Count(now, `"true"`) != 4 {
			t.Errorf("sharedseen is on other than four folders, or a right is left:\n%s", now)
		}
	})
	t.Run("rights that drop flags", func(t *testing.T) {
		t.Parallel()
		e, _ := newErrandTo(t, pairs["partial"]...)
		// The inbox of one takes mail and drops its flags; the folder of the
		// other was there before the right was given, and does not have it.
		for name, rights := range map[string]string{c.Root("ines"): "lri", c.Root("ines", "Sent"): "i", c.Root("jens"): "lrswipkxtea"} {
			if err := c.SetACL(t.Context(), name, c.Admin, rights); err != nil {
				t.Fatal(err)
			}
		}
		same := unchanged(t, owners(c.Addr), pairs["partial"]...)
		out := e.ends(3, []string{`on user/ines as`, `on user/ines/Sent as`, `on user/jens/Sent as`}, e.to(c.ACLLocation())...)
		same("after a refusal")
		if strings.Contains(out, "on user/jens as") {
			t.Errorf("a right is missed that is there:\n%s", out)
		}
		if n := obey(t, c, out); n != 3 {
			t.Errorf("%d commands are printed, want 3:\n%s", n, out)
		}
		e.ends(0, []string{"12 found = 12 verified"}, e.to(c.ACLLocation())...)
		e.moved(owners(c.Addr), counterpart.CompareOptions{IgnoreFlags: []string{`\Seen`}})
	})
	t.Run("killed with the rights given", func(t *testing.T) {
		t.Parallel()
		e, _ := newErrandTo(t, pairs["killed"]...)
		for _, u := range e.users {
			for n := range 20 {
				e.put(u, fmt.Sprintf(".Folder%02d/cur", n), "S", "")
			}
		}
		// The program dies at the first folder that it makes for good.
		running := make(chan *running, 1)
		killed := false
		cutter := counterpart.CutAnswer(t, c.Addr, func(command, _ string) bool {
			if killed || !strings.HasPrefix(command, "CREATE") || !strings.Contains(command, "Folder") {
				return false
			}
			killed = true
			return (<-running).cmd.Process.Kill() == nil
		})
		to := strings.Replace(c.ACLLocation(), c.Addr, cutter.Addr, 1)
		r := start(t, e.dir, func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), e.env...) }, e.to(to, "--grant")...)
		running <- r
		if code, out := r.end(); code != -1 || len(cutter.Lost()) != 1 {
			t.Fatalf("the program was not killed but ended with %d:\n%s", code, out)
		}
		if now := listing(t, owners(c.Addr), e.users...); !strings.Contains(now, c.Admin+" lrswipkxte") {
			t.Fatalf("the kill came too late or too early:\n%s", now)
		}
		e.ends(3, []string{"setacl"}, e.to(to)...)
		if now := listing(t, owners(c.Addr), e.users...); strings.Contains(now, c.Admin+" ") {
			t.Errorf("a right is left:\n%s", now)
		}
		e.ends(0, []string{"92 found = 92 verified"}, e.to(to, "--grant")...)
		e.moved(owners(c.Addr), counterpart.CompareOptions{IgnoreFlags: []string{`\Seen`}})
		if now := listing(t, owners(c.Addr), e.users...); strings.Contains(now, c.Admin+" ") {
			t.Errorf("a right is left:\n%s", now)
		}
	})
	t.Run("what the plan says", func(t *testing.T) {
		t.Parallel()
		e, _ := newErrandTo(t, pairs["plan"]...)
		says := append([]string{"plan"}, e.to(c.ACLLocation())[1:]...)
		e.ends(0, []string{`flag \Seen`, "the owner finds all unread", "auth=proxy", "--shared-seen"}, says...)
		for _, other := range [][]string{append(says, "--shared-seen"), append([]string{"plan"}, e.to(c.ProxyLocation())[1:]...)} {
			if out := e.ends(0, nil, other...); strings.Contains(out, "cannot hold") {
				t.Errorf("\\Seen is lost though it is not:\n%s", out)
			}
		}
	})
	t.Run("verify and cutover", func(t *testing.T) {
		t.Parallel()
		e, _ := newErrandTo(t, pairs["verify"]...)
		e.ends(0, []string{"12 found = 12 verified"}, e.to(c.ACLLocation(), "--grant")...)
		same := unchanged(t, owners(c.Addr), e.users...)
		e.ends(1, []string{"12 unreadable", "--grant"}, "verify")
		e.ends(0, []string{"12 as delivered"}, "verify", "--grant")
		same("after a verification")
		cutover := append([]string{"cutover"}, e.to(c.ACLLocation(), "--grant")[1:]...)
		e.ends(0, []string{"12 as delivered", "Everything is proven"}, cutover...)
		same("after a cutover with nothing new")
		e.put(e.users[0], "cur", "F", "S", "S", "S", "S")
		e.ends(0, []string{"17 as delivered", "Everything is proven"}, append(cutover, "--full")...)
		if now := listing(t, owners(c.Addr), e.users...); strings.Contains(now, c.Admin+" ") {
			t.Errorf("a right is left:\n%s", now)
		}
		events := e.read("waybill-report/events.jsonl")
		if given, taken := strings.Count(events, `"W2012"`), strings.Count(events, `"W2013"`); given < 6 || given != taken {
			t.Errorf("%d rights were given and %d taken back, by the waybill", given, taken)
		}
	})
}
