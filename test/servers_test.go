package test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill/event"
	"waybill/internal/counterpart"
	"waybill/ledger"
	"waybill/mail"
)

// movers are the users of the migrations between servers: half as many as the
// program has workers, so that it fills two folders of a mailbox at once where it can.
var movers = []string{"anna", "bert", "cleo", "dora"}

// moverPassword is that of every user, and of the site.
const moverPassword = "a-secret"

// mailServer is one side of a migration between servers: what it is called on
// the command line, how the judge reaches it, and how mail gets into it.
type mailServer struct {
	location string             // for --from and --to
	password string             // that goes with it
	judge    counterpart.System // with {user}
	addr     string             // of IMAP, where each user logs on with moverPassword
	prefix   string             // of a user's folders
	divider  string             // between the levels of a folder's name
	// left tells, for an administrator, what should not be there after a
	// migration: accounts and rights that nobody had before.
	left func(t *testing.T) []string
}

// folder is a folder's name as a user of the server writes it.
func (s *mailServer) folder(path ...string) string {
	if len(path) == 1 && path[0] == string(mail.Inbox) {
		return path[0]
	}
	return s.prefix + strings.Join(path, s.divider)
}

func moverPasswords() map[string]string {
	users := map[string]string{}
	for _, u := range movers {
		users[u] = moverPassword
	}
	return users
}

// dovecotServer is a Dovecot that its master user moves. The master user logs on
// as user*master or, with proxy, by an authorisation identity.
func dovecotServer(t *testing.T, format string, proxy bool) *mailServer {
	t.Helper()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Users: moverPasswords(), MasterUser: "master", MasterPassword: "master-secret", Format: format})
	s := &mailServer{location: d.MasterLocation(), password: "master-secret", judge: counterpart.System{Location: "imap://{user}@" + d.Addr, Password: moverPassword},
		addr: d.Addr, divider: "/", left: func(*testing.T) []string { return nil }}
	if proxy {
		s.location = strings.Replace(s.location, "auth=dovecot-master", "auth=proxy", 1)
	}
	return s
}

// cyrusServer is a Cyrus that its administrator moves: as each user by
// authorisation identity, or with rights that are granted for the run, and then
// it makes the mailboxes too (granted). Names look as they did for decades
// (INBOX.Sent), or as they do elsewhere (modern).
func cyrusServer(t *testing.T, modern, granted bool) *mailServer {
	t.Helper()
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{Users: moverPasswords(), NoMailboxes: granted, UnixHierarchySep: modern, AltNamespace: modern})
	s := &mailServer{location: c.ProxyLocation(), password: c.AdminPassword, judge: counterpart.System{Location: "imap://{user}@" + c.Addr, Password: moverPassword},
		addr: c.Addr, prefix: "INBOX.", divider: c.Separator()}
	if modern {
		s.prefix = ""
	}
	if granted {
		s.location = c.ACLLocation()
	}
	s.left = func(t *testing.T) []string { return leftOnCyrus(t, c) }
	return s
}

// leftOnCyrus are accounts that are not those of the movers, and rights that the
// administrator holds on anybody's mailbox.
func leftOnCyrus(t *testing.T, c *counterpart.Cyrus) (left []string) {
	t.Helper()
	list, err := c.Run(t.Context(), c.Admin, `LIST "" *`)
	if err != nil {
		t.Fatal(err)
	}
	var ask []string
	for line := range strings.Lines(list) {
		_, name, ok := strings.Cut(strings.TrimSpace(line), `"`+c.Separator()+`" `)
		if !ok || !strings.HasPrefix(line, "* LIST") || strings.HasPrefix(strings.Trim(name, `"`), "DELETED"+c.Separator()) {
			continue // Cyrus keeps what was removed under such names for a while, for cyr_expire to end
		}
		ask = append(ask, "GETACL "+name)
		ours := false
		for _, u := range movers {
			root := c.Root(u)
			plain := strings.Trim(name, `"`)
			ours = ours || plain == root || strings.HasPrefix(plain, root+c.Separator())
		}
		if !ours {
			left = append(left, "account "+name)
		}
	}
	if len(ask) < len(movers) {
		t.Fatalf("the administrator sees %d mailboxes:\n%s", len(ask), list)
	}
	acls, err := c.Run(t.Context(), c.Admin, ask...)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(acls) {
		if strings.HasPrefix(line, "* ACL") && strings.Contains(line, " "+c.Admin+" ") {
			left = append(left, strings.TrimSpace(line))
		}
	}
	return left
}

// siteServer is a site that "waybill serve" shows over IMAP for as long as the
// test lasts.
func siteServer(t *testing.T, work string, accounts []string) *mailServer {
	t.Helper()
	path := filepath.Join(work, "mail.site")
	expect(t, 0, work, "site", "create", path)
	for _, user := range accounts {
		expect(t, 0, work, "site", "add", path, user)
	}
	addr := serveSite(t, work, path)
	return &mailServer{location: "site:" + path, judge: counterpart.System{Location: "imap://{user}@" + addr, Password: moverPassword}, addr: addr, divider: "/",
		left: func(t *testing.T) (left []string) {
			for line := range strings.Lines(expect(t, 0, work, "ls", "site:"+path)) {
				if strings.Contains(line, "canary") {
					left = append(left, strings.TrimSpace(line))
				}
			}
			expect(t, 0, work, "site", "check", path)
			return left
		}}
}

// serveSite shows a site over IMAP and returns the address.
func serveSite(t *testing.T, work, path string) string {
	t.Helper()
	cmd := exec.Command(program, "serve", "--json", "--imap=127.0.0.1:0", "--password-from=file:"+secretFile(t, work, "site", moverPassword), "site:"+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	var said struct{ Address string }
	if err := json.NewDecoder(out).Decode(&said); err != nil || said.Address == "" {
		t.Fatalf("waybill serve: %+v %v", said, err)
	}
	return said.Address
}

// secretFile is a file that only its owner may read.
func secretFile(t *testing.T, dir, name, secret string) string {
	t.Helper()
	path := filepath.Join(dir, name+".password")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// serverMove is a migration from one server to another, with the mail that
// arrives meanwhile.
type serverMove struct {
	t        *testing.T
	work     string
	from, to *mailServer
	dice     *rand.Rand
	mail     *growth
	extra    []string // arguments of migrate and cutover for this pair
	looking  []string // arguments of verify for this pair
	options  counterpart.CompareOptions
}

// newServerMove prepares a migration. Every failure of the test tells its seed,
// and with WAYBILL_SEED the same dice fall again.
func newServerMove(t *testing.T, work string, from, to *mailServer, extra ...string) *serverMove {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("WAYBILL_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatalf("WAYBILL_SEED: %v", err)
		}
	}
	again := fmt.Sprintf("WAYBILL_SEED=%d", seed)
	for _, name := range []string{"WAYBILL_KILLS", "WAYBILL_LOST"} {
		if s := os.Getenv(name); s != "" {
			again += " " + name + "=" + s
		}
	}
	t.Logf("again with: %s go test ./test -count=1 -artifacts -run '^%s$'", again, strings.ReplaceAll(t.Name(), "/", "$/^"))
	dice := rand.New(rand.NewPCG(seed, 7))
	m := &serverMove{t: t, work: work, from: from, to: to, dice: dice, extra: extra,
		mail: newGrowth(from, rand.New(rand.NewPCG(dice.Uint64(), 8)))}
	m.options.Users = movers
	if err := os.WriteFile(filepath.Join(work, "users.csv"), []byte("user\n"+strings.Join(movers, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return m
}

// args is a command on this pair.
func (m *serverMove) args(command string, more ...string) []string {
	args := []string{command}
	if command != "verify" {
		args = append(args, "--from", m.from.location, "--to", m.to.location, "--users=users.csv", "--workers=8")
		args = append(args, m.extra...)
	} else {
		args = append(args, m.looking...)
	}
	if m.from.password != "" {
		args = append(args, "--source-password-from=file:"+secretFile(m.t, m.work, "source", m.from.password))
	}
	if m.to.password != "" {
		args = append(args, "--target-password-from=file:"+secretFile(m.t, m.work, "target", m.to.password))
	}
	return append(args, more...)
}

// arrive lets mail arrive in the source, and flags change there, while do runs.
func (m *serverMove) arrive(messages, flags int, do func()) {
	m.t.Helper()
	done := make(chan error, 1)
	ctx, cancel := context.WithTimeout(m.t.Context(), 2*time.Minute)
	defer cancel()
	go func() { done <- m.mail.arrive(ctx, messages, flags) }()
	do()
	if err := <-done; err != nil {
		m.t.Fatalf("mail that arrives in the source: %v", err)
	}
}

// proven compares source and target without any of our code, and the waybill
// with both: every message there once, nothing else.
func (m *serverMove) proven() {
	m.t.Helper()
	verdict := counterpart.Compare(m.t, m.from.judge, m.to.judge, m.options)
	if got := verdict.Counts["messages in a"]; got != m.mail.total() {
		m.t.Errorf("the source holds %d messages, and %d arrived there", got, m.mail.total())
	}
	w := accounted(m.t, filepath.Join(m.work, "waybill-report"), false)
	if want := int64(m.mail.total()); w.Totals.Found != want || w.Totals.Verified != want {
		m.t.Errorf("totals %+v, the source holds %d", w.Totals, want)
	}
	if left := m.to.left(m.t); len(left) > 0 {
		m.t.Errorf("left behind in the target: %q", left)
	}
}

// ends runs a command to its end and fails the test unless it ends with 0.
func (m *serverMove) ends(command string, more ...string) string {
	m.t.Helper()
	out := expect(m.t, 0, m.work, m.args(command, more...)...)
	if strings.Contains(out, moverPassword) || m.from.password != "" && strings.Contains(out, m.from.password) {
		m.t.Errorf("a password is in the output of %s:\n%s", command, out)
	}
	return out
}

// interrupted counts how often a run found a folder with a delivery without an
// outcome, and looked what had arrived.
func (m *serverMove) interrupted() (n int) {
	m.t.Helper()
	l, err := ledger.Open(m.t.Context(), filepath.Join(m.work, "waybill.ledger"), ledger.Options{ReadOnly: true})
	if err != nil {
		m.t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	for e, err := range l.Events(m.t.Context(), 0) {
		if err != nil {
			m.t.Fatal(err)
		}
		if e.Code == event.OutcomeResolved {
			n++
		}
	}
	return n
}

// countFrom reads a count from the environment.
func countFrom(t *testing.T, name string, otherwise int) int {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Fatalf("%s=%s: want a number above 0", name, s)
	}
	return n
}
