package siteimap_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"waybill/directory"
	"waybill/mail"
	"waybill/secret"
	"waybill/siteimap"
	"waybill/sitestore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "open sesame"

// newSite makes a site with accounts.
func newSite(t *testing.T, accounts ...string) *sitestore.Store {
	t.Helper()
	store, err := sitestore.Create(t.Context(), filepath.Join(t.TempDir(), "test.site"), sitestore.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, id := range accounts {
		if err := store.AddAccount(t.Context(), directory.User{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// serve offers a site and returns the address. Everything has ended with the
// test.
func serve(t *testing.T, o siteimap.Options, implicitTLS bool) string {
	t.Helper()
	o.Password = secret.Of(password)
	if o.Watch == 0 {
		o.Watch = 20 * time.Millisecond
	}
	s, err := siteimap.New(o)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l, implicitTLS) }()
	t.Cleanup(func() {
		s.Close()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// client speaks IMAP by hand.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	n    int
}

func dial(t *testing.T, address string) *client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, conn: conn, in: bufio.NewReader(conn)}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// logon dials and logs on.
func logon(t *testing.T, address, name string) *client {
	t.Helper()
	c := dial(t, address)
	c.line()
	c.ok(fmt.Sprintf("LOGIN {%d+}\r\n%s %q", len(name), name, password))
	return c
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, text); err != nil {
		c.t.Fatal(err)
	}
}

// line reads one line, without its end; at the end of the connection "EOF".
func (c *client) line() string {
	c.t.Helper()
	l, err := c.in.ReadString('\n')
	if err != nil {
		if l != "" {
			c.t.Fatalf("%q: %v", l, err)
		}
		return "EOF"
	}
	return strings.TrimRight(l, "\r\n")
}

// do sends a command and returns its untagged lines and its answer.
func (c *client) do(command string) (untagged []string, answer string) {
	c.t.Helper()
	c.n++
	tag := fmt.Sprintf("t%d", c.n)
	c.send(tag + " " + command + "\r\n")
	for {
		l := c.line()
		if rest, ok := strings.CutPrefix(l, tag+" "); ok {
			return untagged, rest
		}
		if l == "EOF" {
			return untagged, l
		}
		untagged = append(untagged, l)
	}
}

// ok is do for commands that succeed.
func (c *client) ok(command string) []string {
	c.t.Helper()
	untagged, answer := c.do(command)
	if !strings.HasPrefix(answer, "OK ") {
		c.t.Fatalf("%s: %s %q", command, answer, untagged)
	}
	return untagged
}

// refused is do for commands that fail with a status and code.
func (c *client) refused(command, with string) {
	c.t.Helper()
	if _, answer := c.do(command); !strings.HasPrefix(answer, with) {
		c.t.Errorf("%s: %s, want %s", command, answer, with)
	}
}

// fill puts messages into a folder of the store.
func fill(t *testing.T, store *sitestore.Store, account string, folder mail.Path, bodies ...string) {
	t.Helper()
	n, err := store.Session("", "")
	if err != nil {
		t.Fatal(err)
	}
	box, err := n.Mailbox(t.Context(), account, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := box.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := box.CreateFolder(t.Context(), mail.Folder{Path: folder}); err != nil {
		t.Fatal(err)
	}
	items := make([]sitestore.Incoming, len(bodies))
	for i, b := range bodies {
		items[i] = sitestore.Incoming{Date: time.Date(2020, 1, 2, 3, 4, 5, 0, time.FixedZone("", 19800)), Open: opener(b)}
	}
	if _, err := box.Append(t.Context(), folder, 0, items); err != nil {
		t.Fatal(err)
	}
}
