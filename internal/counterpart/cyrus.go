package counterpart

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// CyrusOptions say what kind of Cyrus is wanted. The zero value is one whose
// names look as they did for decades (user.anna, INBOX.Sent), with the users
// anna and bert, password "secret", and a mailbox for each.
type CyrusOptions struct {
	Users                map[string]string // names with their passwords
	Admin, AdminPassword string            // default "cyrus", "cyrussecret"
	NoMailboxes          bool              // the users exist, their mailboxes do not

	UnixHierarchySep bool  // "/" in names instead of "."
	AltNamespace     bool  // a user's folders beside INBOX, not in it
	KeepEightBit     bool  // munge8bit: no; else raw 8-bit bytes in headers become X
	Quota            int64 // KiB for each user's mailbox; 0: none
	// TLS offers STARTTLS at Addr and implicit TLS at TLSAddr.
	TLS bool
	// Telemetry keeps what each of the users and the administrator says and
	// hears; Log gives it.
	Telemetry bool
	Extra     string // more lines for imapd.conf
	Dir       string // where to make its folder; default: in memory
}

// Cyrus is a running server with a folder of its own.
type Cyrus struct {
	Addr                 string // 127.0.0.1:PORT, without TLS or with STARTTLS
	TLSAddr              string // 127.0.0.1:PORT with implicit TLS; empty without TLS
	CAFile               string // PEM of the authority; empty without TLS
	Conf                 string // imapd.conf, for -C
	Admin, AdminPassword string
	Options              CyrusOptions

	daemon

	mail     account
	software string // the unpacked packages
	port     int
	secured  int
}

// NewCyrus starts a Cyrus for a test, or skips the test where there is none. It
// ends with the test.
func NewCyrus(t testing.TB, o CyrusOptions) *Cyrus {
	t.Helper()
	c, err := StartCyrus(t.Context(), o)
	orSkip(t, err)
	t.Cleanup(func() {
		if t.Failed() && o.Telemetry {
			t.Logf("what Cyrus heard and said:\n%s", c.Log())
		}
		c.Close()
	})
	return c
}

// StartCyrus starts a Cyrus; the caller ends it with Close. The error wraps
// ErrMissing when scripts/get-cyrus has not fetched it.
func StartCyrus(ctx context.Context, o CyrusOptions) (*Cyrus, error) {
	fetched, err := cyrusSoftware()
	if err != nil {
		return nil, err
	}
	if o.Users == nil {
		o.Users = map[string]string{"anna": "secret", "bert": "secret"}
	}
	c := &Cyrus{Options: o, Admin: cmp.Or(o.Admin, "cyrus"), AdminPassword: cmp.Or(o.AdminPassword, "cyrussecret")}
	c.run = c.launch
	if c.mail, err = mailAccount(); err != nil {
		return nil, err
	}
	if c.Dir, err = newDir(o.Dir, "wbc"); err != nil {
		return nil, err
	}
	c.Conf = filepath.Join(c.Dir, "imapd.conf")
	if err := c.begin(ctx, fetched); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Cyrus) begin(ctx context.Context, fetched string) error {
	if err := c.prepare(ctx, fetched); err != nil {
		return err
	}
	var err error
	for range 5 {
		c.port, c.secured = freePort(), freePort()
		if err = c.run(ctx); !errors.Is(err, errTaken) {
			break
		}
	}
	if err != nil || c.Options.NoMailboxes {
		return err
	}
	for _, user := range sortedKeys(c.Options.Users) {
		if err := c.CreateMailbox(ctx, c.Root(user)); err != nil {
			return err
		}
		if c.Options.Quota == 0 {
			continue
		}
		if _, err := c.Run(ctx, c.Admin, fmt.Sprintf("SETQUOTA %s (STORAGE %d)", Quote(c.Root(user)), c.Options.Quota)); err != nil {
			return err
		}
	}
	return nil
}

// cyrusSoftware is the folder that scripts/get-cyrus filled.
func cyrusSoftware() (string, error) {
	dir := os.Getenv("WAYBILL_CYRUS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("%w: Cyrus: %w", ErrMissing, err)
		}
		dir = filepath.Join(cache, "waybill", "cyrus")
	}
	if _, err := os.Stat(filepath.Join(dir, "usr", "sbin", "cyrmaster")); err != nil {
		return "", fmt.Errorf("%w: Cyrus IMAP (scripts/get-cyrus fetches it)", ErrMissing)
	}
	return dir, nil
}

// launch writes the configuration for the ports that were chosen and starts.
func (c *Cyrus) launch(ctx context.Context) error {
	c.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port))
	if c.Options.TLS {
		c.TLSAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(c.secured))
	}
	if err := write(c.Dir, map[string]string{"imapd.conf": c.imapdConf(), "cyrus.conf": c.masterConf()}); err != nil {
		return err
	}
	// Cyrus tells a port that is taken to the system's log only.
	for _, addr := range []string{c.Addr, c.TLSAddr} {
		if addr == "" {
			continue
		}
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		if err != nil {
			return errTaken
		}
		_ = l.Close()
	}
	var err error
	c.proc, err = start(filepath.Join(c.Dir, "log"), c.program("sbin/cyrmaster", "-D", "-M", filepath.Join(c.Dir, "cyrus.conf"), "-p", filepath.Join(c.Dir, "pid"))...)
	if err != nil {
		return err
	}
	if err := greets(ctx, c.Addr, c.proc.ended); err != nil {
		c.Kill()
		return fmt.Errorf("start Cyrus: %w\n%s", err, tail(filepath.Join(c.Dir, "log")))
	}
	return nil
}

// Separator is what divides names on this server: "/" or ".".
func (c *Cyrus) Separator() string { return either(c.Options.UnixHierarchySep, "/", ".") }

// Root is the name of a user's mailbox for the administrator, with folders
// below it: user.anna.Sent.
func (c *Cyrus) Root(user string, folders ...string) string {
	return strings.Join(append([]string{"user", user}, folders...), c.Separator())
}

// CreateMailbox makes mailboxes as the administrator; special, when given, is
// the use of the last one.
func (c *Cyrus) CreateMailbox(ctx context.Context, name string, special ...string) error {
	use := ""
	if len(special) > 0 {
		use = " (USE (" + strings.Join(special, " ") + "))"
	}
	_, err := c.Run(ctx, c.Admin, "CREATE "+Quote(name)+use)
	return err
}

// SetACL grants rights as the administrator; "" takes all away.
func (c *Cyrus) SetACL(ctx context.Context, name, who, rights string) error {
	_, err := c.Run(ctx, c.Admin, "SETACL "+Quote(name)+" "+Quote(who)+" "+Quote(rights))
	return err
}

// Run logs on as a user, or as the administrator, and says the commands one
// after another; it returns all that the server answered.
func (c *Cyrus) Run(ctx context.Context, user string, commands ...string) (string, error) {
	return Run(ctx, c.Addr, user, c.Password(user), commands...)
}

// Password is the password of a user or of the administrator.
func (c *Cyrus) Password(user string) string {
	if user == c.Admin {
		return c.AdminPassword
	}
	return c.Options.Users[user]
}

// Location is the name of this server on the command line, for one user's own
// logon.
func (c *Cyrus) Location(user string) string { return c.location(user, "") }

// ProxyLocation is the name of this server for its administrator, who logs on
// as each user by SASL PLAIN; ACLLocation for one who works with rights that
// each mailbox grants.
func (c *Cyrus) ProxyLocation() string { return c.location(c.Admin, "auth=proxy&") }

// ACLLocation: see ProxyLocation.
func (c *Cyrus) ACLLocation() string { return c.location(c.Admin, "auth=acl-admin&") }

func (c *Cyrus) location(user, options string) string {
	return "imap://" + url.User(user).String() + "@" + c.Addr + "/?" + options + "tls=none"
}

// Tool runs one of Cyrus' own programs (reconstruct, quota, cyr_expire) against
// this server, as the owner of the mail.
func (c *Cyrus) Tool(ctx context.Context, name string, args ...string) (string, error) {
	argv := c.program("lib/cyrus/bin/"+name, args...)
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return string(out), nil
}

// Log is what was said so far, when Options.Telemetry asked for it. Cyrus'
// complaints go to the system's log.
func (c *Cyrus) Log() string {
	var b strings.Builder
	names, _ := filepath.Glob(filepath.Join(c.Dir, "conf", "log", "*", "*")) // the pattern is well formed
	for _, name := range names {
		text, _ := os.ReadFile(name)
		fmt.Fprintf(&b, "== %s\n%s\n", filepath.Base(filepath.Dir(name)), text)
	}
	return b.String()
}
