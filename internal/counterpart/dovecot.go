package counterpart

import (
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

// DovecotOptions say what kind of Dovecot is wanted. The zero value is one with
// Maildir folders and the users anna and bert, password "secret".
type DovecotOptions struct {
	// Users are names with their passwords; AddUser adds more later.
	Users map[string]string
	// MasterUser may log on to everybody's mailbox as USER*MASTER, or by SASL
	// PLAIN with an authorisation identity.
	MasterUser, MasterPassword string

	Format        string // "maildir" (default), "sdbox" or "mdbox"
	FormatOptions string // added to mail_location: ":LAYOUT=fs"
	MailFsync     string // "never" (default), "optimized" or "always"
	Prefix        string // of the personal namespace: "INBOX."
	Separator     string // default "/"
	// SpecialUse maps folders to their attribute: "Sent": "\Sent". They are made
	// and subscribed to by the server.
	SpecialUse map[string]string

	// ACL loads the acl plugin, which leaves a master user without any rights;
	// ACLUserFix is the cure: acl_user = %u.
	ACL, ACLUserFix bool
	Quota           int64 // bytes for each user; 0: the quota plugin is not loaded
	Metadata        bool  // RFC 5464
	// TLS offers STARTTLS at Addr and implicit TLS at TLSAddr, with a
	// certificate for localhost and 127.0.0.1 that CAFile vouches for.
	TLS bool
	// OAuthKey, when given, lets XOAUTH2 and OAUTHBEARER in with tokens that
	// were signed with it (HS256); see Token.
	OAuthKey             []byte
	MaxUserIPConnections int    // default 1000
	Capability           string // replaces what is offered; "+NAME" adds to it
	Extra                string // more lines for dovecot.conf
	Dir                  string // where to make its folder; default: in memory
}

// Dovecot is a running server with a folder of its own.
type Dovecot struct {
	Addr    string // 127.0.0.1:PORT, without TLS or with STARTTLS
	TLSAddr string // 127.0.0.1:PORT with implicit TLS; empty without TLS
	CAFile  string // PEM of the authority; empty without TLS
	Conf    string // dovecot.conf, for doveadm -c
	Options DovecotOptions
	daemon

	mail    account
	plain   int
	secured int
}

// NewDovecot starts a Dovecot for a test, or skips the test where there is
// none. It ends with the test; its log is shown when the test fails.
func NewDovecot(t testing.TB, o DovecotOptions) *Dovecot {
	t.Helper()
	d, err := StartDovecot(t.Context(), o)
	orSkip(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Dovecot's log:\n%s", tail(filepath.Join(d.Dir, "log")))
		}
		d.Close()
	})
	return d
}

// StartDovecot starts a Dovecot; the caller ends it with Close. The error wraps
// ErrMissing when there is none on this machine.
func StartDovecot(ctx context.Context, o DovecotOptions) (*Dovecot, error) {
	if _, err := dovecotBinary(); err != nil {
		return nil, err
	}
	if o.Users == nil {
		o.Users = map[string]string{"anna": "secret", "bert": "secret"}
	}
	d := &Dovecot{Options: o}
	d.run = d.launch
	var err error
	if d.mail, err = mailAccount(); err != nil {
		return nil, err
	}
	if d.Dir, err = newDir(o.Dir, "wbd"); err != nil {
		return nil, err
	}
	d.Conf = filepath.Join(d.Dir, "dovecot.conf")
	if err := d.prepare(); err != nil {
		d.Close()
		return nil, err
	}
	for range 5 {
		d.plain, d.secured = freePort(), freePort()
		if err = d.run(ctx); !errors.Is(err, errTaken) {
			break
		}
	}
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, tail(filepath.Join(d.Dir, "log")))
		d.Close()
		return nil, err
	}
	return d, nil
}

func dovecotBinary() (string, error) {
	for _, path := range []string{"/usr/sbin/dovecot", "/usr/local/sbin/dovecot"} {
		if _, err := os.Stat(path); err == nil {
			if _, err := os.Stat("/usr/lib/dovecot/imap"); err == nil {
				return path, nil
			}
		}
	}
	return "", fmt.Errorf("%w: Dovecot with IMAP (Debian: dovecot-imapd)", ErrMissing)
}

// launch writes the configuration for the ports that were chosen and starts.
func (d *Dovecot) launch(ctx context.Context) error {
	binary, err := dovecotBinary()
	if err != nil {
		return err
	}
	d.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(d.plain))
	if d.Options.TLS {
		d.TLSAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(d.secured))
	}
	if err := write(d.Dir, map[string]string{"dovecot.conf": d.conf()}); err != nil {
		return err
	}
	log := filepath.Join(d.Dir, "log")
	before := len(d.Log())
	if d.proc, err = start(log, binary, "-F", "-c", d.Conf); err != nil {
		return err
	}
	err = greets(ctx, d.Addr, d.proc.ended)
	if err == nil && d.proc.ended() == nil {
		return nil
	}
	d.proc.kill()
	d.proc = nil
	if strings.Contains(d.Log()[before:], "Address already in use") {
		return errTaken
	}
	return fmt.Errorf("start Dovecot: %w", err)
}

// Location is the name of this server on the command line, for one user's own
// logon.
func (d *Dovecot) Location(user string) string {
	return "imap://" + url.User(user).String() + "@" + d.Addr + "/?tls=none"
}

// MasterLocation is the name of this server for its master user.
func (d *Dovecot) MasterLocation() string {
	return "imap://" + url.User(d.Options.MasterUser).String() + "@" + d.Addr + "/?auth=dovecot-master&tls=none"
}

// Password is the password of a user or of the master user.
func (d *Dovecot) Password(user string) string {
	if user == d.Options.MasterUser && user != "" {
		return d.Options.MasterPassword
	}
	return d.Options.Users[user]
}

// Home is the folder of a user's home; the mail is in Home/mail.
func (d *Dovecot) Home(user string) string { return filepath.Join(d.Dir, "home", user) }

// Doveadm runs doveadm against this server.
func (d *Dovecot) Doveadm(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "doveadm", append([]string{"-c", d.Conf}, args...)...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("doveadm %s: %w: %s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// Log is all that the server wrote so far.
func (d *Dovecot) Log() string {
	b, _ := os.ReadFile(filepath.Join(d.Dir, "log"))
	return string(b)
}
