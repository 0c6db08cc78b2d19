package counterpart

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// talk sends commands over a connection and gives each one's tagged answer with
// the untagged lines before it.
type talk struct {
	t testing.TB
	c net.Conn
	r *bufio.Reader
	n int
}

func newTalk(t testing.TB, c net.Conn) *talk {
	t.Helper()
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(60 * time.Second)); err != nil {
		t.Fatal(err)
	}
	k := &talk{t: t, c: c, r: bufio.NewReader(c)}
	if line := k.line(); !strings.HasPrefix(line, "* OK") {
		t.Fatalf("greeting %q", line)
	}
	return k
}

func dial(t testing.TB, addr string) *talk {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return newTalk(t, c)
}

func secure(t testing.TB, addr, authority string) net.Conn {
	t.Helper()
	pem, err := os.ReadFile(authority)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no authority")
	}
	c, err := (&tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: "localhost"}}).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (k *talk) line() string {
	k.t.Helper()
	line, err := k.r.ReadString('\n')
	if err != nil {
		k.t.Fatalf("read: %v", err)
	}
	return strings.TrimRight(line, "\r\n")
}

func (k *talk) do(format string, args ...any) (tagged, all string) {
	k.t.Helper()
	k.n++
	tag := fmt.Sprintf("a%d", k.n)
	if _, err := fmt.Fprintf(k.c, "%s %s\r\n", tag, fmt.Sprintf(format, args...)); err != nil {
		k.t.Fatal(err)
	}
	for {
		line := k.line()
		all += line + "\n"
		if strings.HasPrefix(line, "+ ") { // what went wrong with a token; an empty answer ends it
			if _, err := fmt.Fprint(k.c, "\r\n"); err != nil {
				k.t.Fatal(err)
			}
		}
		if rest, ok := strings.CutPrefix(line, tag+" "); ok {
			return rest, all
		}
	}
}

func (k *talk) ok(format string, args ...any) string {
	k.t.Helper()
	tagged, all := k.do(format, args...)
	if !strings.HasPrefix(tagged, "OK") {
		k.t.Fatalf("%s: %s", fmt.Sprintf(format, args...), tagged)
	}
	return all
}

const message = "From: a@example.org\r\nSubject: one\r\n\r\nBody\r\n"

func (k *talk) append(mailbox string) string {
	k.t.Helper()
	tagged, _ := k.do("APPEND %s {%d+}\r\n%s", mailbox, len(message), message)
	return tagged
}

func TestDovecotFormatsAndRestart(t *testing.T) {
	for _, format := range []string{"maildir", "sdbox", "mdbox"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			d := NewDovecot(t, DovecotOptions{Format: format, SpecialUse: map[string]string{"Gesendet": `\Sent`}})
			k := dial(t, d.Addr)
			k.ok("LOGIN anna secret")
			if got := k.append("INBOX"); !strings.HasPrefix(got, "OK") {
				t.Fatal(got)
			}
			if got := k.ok(`LIST (SUBSCRIBED) "" "*"`); !strings.Contains(got, "Gesendet") {
				t.Errorf("no folder Gesendet:\n%s", got)
			}
			if tagged, _ := dial(t, d.Addr).do("LOGIN anna wrong"); !strings.Contains(tagged, "AUTHENTICATIONFAILED") {
				t.Errorf("a wrong password: %s", tagged)
			}
			addr := d.Addr
			if err := d.Restart(t.Context()); err != nil || d.Addr != addr {
				t.Fatalf("at %s after %s: %v", d.Addr, addr, err)
			}
			k = dial(t, d.Addr)
			k.ok("LOGIN anna secret")
			if got := k.ok("STATUS INBOX (MESSAGES)"); !strings.Contains(got, "MESSAGES 1") {
				t.Errorf("after the restart: %s", got)
			}
			d.Stop()
			if c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", d.Addr); err == nil {
				_ = c.Close()
				t.Error("it answers after Stop")
			}
		})
	}
}

// TestDovecotMasterWithoutRights is the trap: the master user logs on, and sees
// nothing but an INBOX that it cannot open.
func TestDovecotMasterWithoutRights(t *testing.T) {
	for _, fixed := range []bool{false, true} {
		t.Run(fmt.Sprint("fixed=", fixed), func(t *testing.T) {
			t.Parallel()
			d := NewDovecot(t, DovecotOptions{ACL: true, ACLUserFix: fixed, MasterUser: "master", MasterPassword: "mastersecret"})
			owner := dial(t, d.Addr)
			owner.ok("LOGIN anna secret")
			owner.ok("CREATE Projects")
			k := dial(t, d.Addr)
			k.ok("LOGIN anna*master mastersecret")
			if got := k.ok(`LIST "" "*"`); strings.Contains(got, "Projects") != fixed {
				t.Errorf("LIST: %s", got)
			}
			tagged, _ := k.do("EXAMINE INBOX")
			if strings.HasPrefix(tagged, "OK") != fixed {
				t.Errorf("EXAMINE: %s", tagged)
			}
			if tagged, _ := dial(t, d.Addr).do("LOGIN nobody*master mastersecret"); !strings.HasPrefix(tagged, "NO") {
				t.Errorf("an unknown user: %s", tagged)
			}
		})
	}
}

func TestDovecotQuotaNamespaceAndMetadata(t *testing.T) {
	t.Parallel()
	d := NewDovecot(t, DovecotOptions{Quota: 20, Prefix: "INBOX.", Separator: ".", Metadata: true, FormatOptions: ":LAYOUT=fs"})
	k := dial(t, d.Addr)
	k.ok("LOGIN anna secret")
	if got := k.ok("NAMESPACE"); !strings.Contains(got, `("INBOX." ".")`) {
		t.Error(got)
	}
	if got := k.append("INBOX"); !strings.Contains(got, "OVERQUOTA") {
		t.Errorf("over quota: %s", got)
	}
	k.ok(`SETMETADATA INBOX (/private/comment "x")`)
	if err := d.AddUser(t.Context(), "carla", "geheim"); err != nil {
		t.Fatal(err)
	}
	dial(t, d.Addr).ok("LOGIN carla geheim")
	if out, err := d.Doveadm(t.Context(), "mailbox", "list", "-u", "anna"); err != nil || !strings.Contains(out, "INBOX") {
		t.Errorf("doveadm: %s %v", out, err)
	}
}

func TestDovecotTLS(t *testing.T) {
	t.Parallel()
	d := NewDovecot(t, DovecotOptions{TLS: true})
	newTalk(t, secure(t, d.TLSAddr, d.CAFile)).ok("LOGIN anna secret")
	dial(t, d.Addr).ok("STARTTLS")
}

func TestDovecotTokens(t *testing.T) {
	t.Parallel()
	d := NewDovecot(t, DovecotOptions{OAuthKey: []byte("a key that signs")})
	for _, c := range []struct {
		token string
		ok    bool
	}{{d.Token("anna", time.Hour), true}, {d.Token("anna", -time.Minute), false}, {d.Token("bert", time.Hour), false}} {
		k := dial(t, d.Addr)
		tagged, _ := k.do("AUTHENTICATE XOAUTH2 %s", base64.StdEncoding.EncodeToString([]byte("user=anna\x01auth=Bearer "+c.token+"\x01\x01")))
		if strings.HasPrefix(tagged, "OK") != c.ok {
			t.Errorf("%s", tagged)
		}
	}
}

// TestDovecotAsSomebodyElse runs this package's tests without root's rights.
func TestDovecotAsSomebodyElse(t *testing.T) {
	setpriv, err := exec.LookPath("setpriv")
	if os.Getuid() != 0 || err != nil {
		t.Skip("only root can become somebody else, with setpriv (Debian: util-linux)")
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := newDir("", "wbt")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	cmd := exec.CommandContext(t.Context(), "cp", binary, dir+"/counterpart.test")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	cmd = exec.CommandContext(t.Context(), setpriv, "--reuid=65534", "--regid=65534", "--clear-groups",
		dir+"/counterpart.test", "-test.run=TestDovecotFormatsAndRestart/maildir", "-test.v")
	cmd.Env, cmd.Dir = append(os.Environ(), "HOME=/nonexistent"), dir
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestDovecotFormatsAndRestart/maildir") {
		t.Errorf("%v\n%s", err, out)
	}
}
