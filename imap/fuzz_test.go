package imap_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"waybill/imap"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// talker is a server that says what it was given, whatever it is told, and ends.
type talker struct {
	net.Conn
	text *strings.Reader
}

func (c *talker) Read(p []byte) (int, error)      { return c.text.Read(p) }
func (c *talker) Write(p []byte) (int, error)     { return len(p), nil }
func (c *talker) SetDeadline(time.Time) error     { return nil }
func (c *talker) SetReadDeadline(time.Time) error { return nil }
func (c *talker) Close() error                    { return nil }
func (c *talker) RemoteAddr() net.Addr            { return nil }

// Whatever a server says, every call ends, and those after the connection's end
// say so.
func FuzzClient(f *testing.F) {
	hello := "* OK [CAPABILITY IMAP4rev1 " + everything + "] hi\r\n"
	for _, c := range oddFetches {
		if len(c.answer) < 1000 {
			f.Add(hello+"W1 OK\r\n"+c.answer+"W2 OK\r\nW3 OK\r\n", byte(0))
		}
	}
	for _, c := range oddLists {
		if len(c.answer) < 1000 {
			f.Add(hello+c.answer+"W1 OK\r\nW2 OK\r\n", byte(1))
		}
	}
	for i := range 12 {
		f.Add(hello+"* STATUS INBOX (MESSAGES 3 SIZE 5)\r\n* ACL INBOX anna lr\r\n* QUOTA \"\" (STORAGE 1 2)\r\n* METADATA INBOX (/a {1}\r\nx)\r\n* SEARCH 1 2 3\r\n* ESEARCH (TAG \"x\") UID ALL 1:3\r\n"+
			"* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n* ID (\"name\" \"x\")\r\n* FLAGS (a)\r\n* OK [COPYUID 1 2:3 4:5]\r\n+ go\r\nW1 OK [APPENDUID 1 2:4]\r\nW2 OK\r\nW3 NO [X]\r\n", byte(i))
	}
	f.Fuzz(func(t *testing.T, text string, what byte) {
		c, err := imap.NewConn(&talker{text: strings.NewReader(text)}, imap.Options{Addr: "fuzz:143", Trace: func(string, string) {}})
		if err != nil {
			return
		}
		defer c.Close()
		ctx := t.Context()
		fetch := func() {
			s := c.Fetch(ctx, imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, Body: true, InternalDate: true})
			for n := 0; ; n++ {
				it, err := s.Next()
				if err != nil {
					break
				}
				if it.Body != nil && n%2 == 0 {
					if got, err := io.Copy(io.Discard, it.Body); err == nil && got != it.BodySize {
						t.Fatalf("%d bytes of %d", got, it.BodySize)
					}
				}
			}
			if _, err := s.Next(); err == nil {
				t.Fatal("an item behind the end")
			}
		}
		for i := range 4 {
			switch (int(what) + i) % 12 {
			case 0:
				if _, err := c.Select(ctx, "INBOX", imap.SelectOptions{CondStore: true}); err == nil {
					fetch()
				}
			case 1:
				_, _ = c.List(ctx, "", "*", imap.ListOptions{Status: []string{"MESSAGES"}})
			case 2:
				_, _ = c.Status(ctx, []string{"INBOX", "a"}, "MESSAGES")
			case 3:
				results, err := c.Append(ctx, "INBOX", small(3), imap.Multi)
				if err == nil && len(results) != 3 {
					t.Fatalf("%d results", len(results))
				}
			case 4:
				results, err := c.Append(ctx, "INBOX", small(3), imap.Synchronising)
				var notSent *imap.NotSent
				if err == nil && len(results) != 3 || errors.As(err, &notSent) && len(results) > notSent.Item {
					t.Fatalf("%d results, %v", len(results), err)
				}
			case 5:
				_, _ = c.Search(ctx, "ALL")
				_, _ = c.Copy(ctx, imap.UIDs(1, 2), "a")
			case 6:
				_, _, _ = c.Store(ctx, imap.UIDs(1), "+FLAGS", []string{"a"}, 5)
				_ = c.Unselect(ctx)
			case 7:
				_, _ = c.GetACL(ctx, "a")
				_, _ = c.MyRights(ctx, "a")
			case 8:
				_, _ = c.QuotaRoot(ctx, "a")
			case 9:
				_, _ = c.GetMetadata(ctx, "a", "/x")
			case 10:
				_, _ = c.Namespace(ctx)
				_, _ = c.ServerID(ctx)
			case 11:
				_ = c.Login(ctx, "anna", "secret")
				_, _ = c.Enable(ctx, "QRESYNC")
			}
		}
		_ = c.Logout(ctx)
	})
}
