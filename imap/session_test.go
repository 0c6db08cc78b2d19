package imap_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"waybill/failure"
	"waybill/imap"
	"waybill/imap/imaptest"
)

func dial(t *testing.T, s *imaptest.Server, mode imap.TLSMode) (*imap.Conn, error) {
	t.Helper()
	return dialPatiently(t, s, mode, 20*time.Second)
}

func dialPatiently(t *testing.T, s *imaptest.Server, mode imap.TLSMode, patience time.Duration) (*imap.Conn, error) {
	t.Helper()
	c, err := imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: mode, Silence: patience})
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func TestGreetings(t *testing.T) {
	caps := imaptest.Capability("")
	starttls := imaptest.Exchange{Want: "CAPABILITY", Answer: "* CAPABILITY IMAP4rev1 STARTTLS\r\n$TAG OK\r\n"}
	for _, c := range []struct {
		name, greeting string
		mode           imap.TLSMode
		script         []imaptest.Exchange
		rule           string // "": welcome
	}{
		{"plain", "* OK hello", imap.Plain, []imaptest.Exchange{caps}, ""},
		{"capabilities with it", "* OK [CAPABILITY IMAP4rev1 ID] hello", imap.Plain, nil, ""},
		{"nothing but OK", "* OK", imap.Plain, []imaptest.Exchange{caps}, ""},
		{"lines before it", "220 something\r\n\r\n* ok hello", imap.Plain, []imaptest.Exchange{caps}, ""},
		{"logged in already", "* PREAUTH hello", imap.Plain, []imaptest.Exchange{caps}, ""},
		{"goodbye", "* BYE too many connections", imap.Plain, nil, "imap.bye"},
		{"a refusal", "* NO go away", imap.Plain, nil, "imap.bye"},
		{"another protocol", strings.Repeat("HTTP/1.0 400\r\n", 200), imap.Plain, nil, "imap.protocol"},
		{"TLS is not offered", "* OK [CAPABILITY IMAP4rev1] hello", imap.StartTLS, nil, "imap.no-starttls"},
		{"TLS is refused", "* OK hello", imap.StartTLS, []imaptest.Exchange{starttls, {Want: "STARTTLS", Answer: "$TAG NO not now\r\n"}}, "imap.no-starttls"},
		{"logged in before TLS", "* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] hello", imap.StartTLS, nil, "imap.preauth"},
		{"bytes before the handshake", "* OK hello", imap.StartTLS, []imaptest.Exchange{starttls, {Want: "STARTTLS", Answer: "$TAG OK go\r\n* OK injected\r\n"}}, "imap.starttls-injection"},
		{"no handshake", "* OK hello", imap.StartTLS, []imaptest.Exchange{starttls, {Want: "STARTTLS", Answer: "$TAG OK go\r\n", StallAt: 12}}, "imap.silent"},
		{"cut", "* OK hello", imap.Plain, []imaptest.Exchange{{Want: "CAPABILITY", Answer: "* CAPA", CutAt: 5}}, "imap.lost"},
		{"silence", "* OK hello", imap.Plain, []imaptest.Exchange{{Want: "CAPABILITY", Answer: "* CAPA", StallAt: 5}}, "imap.silent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := imaptest.Start(t, c.greeting, append(c.script, imaptest.OK("NOOP"))...)
			patience := 20 * time.Second
			if c.rule == "imap.silent" {
				patience = 300 * time.Millisecond
			}
			conn, err := dialPatiently(t, s, c.mode, patience)
			if err == nil {
				err = conn.Noop(t.Context())
			}
			if (c.rule == "") != (err == nil) || err != nil && failure.RuleOf(err) != c.rule {
				t.Fatalf("%v, want %q", err, c.rule)
			}
			for _, command := range s.Commands() {
				if strings.Contains(command, "LOGIN") {
					t.Error("a password went out")
				}
			}
		})
	}
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	if _, err := imap.Dial(t.Context(), imap.Options{Addr: gone.Addr().String(), Mode: imap.Plain}); failure.RuleOf(err) != "imap.unreachable" || failure.ClassOf(err) != failure.Transient {
		t.Error(err)
	}
}

func TestLogons(t *testing.T) {
	const caps = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2 %s] hi"
	plain := sasl.NewPlainClient("", "anna", "secret")
	const response = "AGFubmEAc2VjcmV0"
	for _, c := range []struct {
		name, more string
		logon      func(c *imap.Conn) error
		script     []imaptest.Exchange
		rule       string
	}{
		{"at once", "SASL-IR", func(c *imap.Conn) error { return c.Authenticate(t.Context(), plain) },
			[]imaptest.Exchange{{Want: "AUTHENTICATE PLAIN " + response, Answer: "$TAG OK [CAPABILITY IMAP4rev1 LOGINDISABLED MOVE] in\r\n"}}, ""},
		{"step by step", "", func(c *imap.Conn) error { return c.Authenticate(t.Context(), plain) },
			[]imaptest.Exchange{{Want: "AUTHENTICATE PLAIN", Answer: "+\r\n"}, {Want: ".*", Answer: "* CAPABILITY IMAP4rev1 MOVE\r\nW1 OK in\r\n"}}, ""},
		{"capabilities asked for", "SASL-IR", func(c *imap.Conn) error { return c.Authenticate(t.Context(), plain) },
			[]imaptest.Exchange{{Want: "AUTHENTICATE PLAIN .*", Answer: "$TAG OK in\r\n"}, imaptest.Capability("MOVE")}, ""},
		{"refused", "SASL-IR", func(c *imap.Conn) error { return c.Authenticate(t.Context(), plain) },
			[]imaptest.Exchange{{Want: "AUTHENTICATE PLAIN .*", Answer: "$TAG NO [AUTHORIZATIONFAILED] you said " + response + "\r\n"}}, "imap.authorization"},
		{"challenge that is not base64", "", func(c *imap.Conn) error { return c.Authenticate(t.Context(), sasl.NewLoginClient("anna", "secret")) },
			[]imaptest.Exchange{{Want: "AUTHENTICATE LOGIN", Answer: "+ VXNlcm5hbWU6\r\n"}, {Want: ".*", Answer: "+ ?!\r\n"}, {Want: ".*", Answer: "W1 BAD cancelled\r\n"}}, "imap.sasl"},
		{"endless challenges", "", func(c *imap.Conn) error { return c.Authenticate(t.Context(), sasl.NewLoginClient("anna", "secret")) },
			[]imaptest.Exchange{{Want: ".*", Repeat: true, Answer: "+ VXNlcm5hbWU6\r\n"}}, "imap.silent"},
		{"a mechanism that is not there", "", func(c *imap.Conn) error { return c.Authenticate(t.Context(), sasl.NewExternalClient("x")) }, nil, "imap.not-offered"},
		{"password", "", func(c *imap.Conn) error { return c.Login(t.Context(), "anna", `se"cret\`) },
			[]imaptest.Exchange{{Want: `LOGIN "anna" "se\\"cret\\\\"`, Answer: "$TAG OK [CAPABILITY MOVE] in\r\n"}}, ""},
		{"password with umlauts", "", func(c *imap.Conn) error { return c.Login(t.Context(), "anna", "geheimß") },
			[]imaptest.Exchange{{Want: `LOGIN "anna" \{8\}\r\ngeheimß`, Answer: "$TAG OK [CAPABILITY MOVE] in\r\n"}}, ""},
		{"password that cannot be sent", "", func(c *imap.Conn) error { return c.Login(t.Context(), "anna", "secret\x00") }, nil, "imap.unsendable"},
		{"passwords are not taken", "LOGINDISABLED", func(c *imap.Conn) error { return c.Login(t.Context(), "anna", "secret") }, nil, "imap.login-disabled"},
		{"the server shows the password", "", func(c *imap.Conn) error { return c.Login(t.Context(), "anna", "secret") },
			[]imaptest.Exchange{{Want: "LOGIN .*", Answer: "$TAG NO [UNAVAILABLE] secret of anna\r\n"}}, "imap.unavailable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := imaptest.Start(t, fmt.Sprintf(caps, c.more), c.script...)
			var trace strings.Builder
			patience := 20 * time.Second
			if c.rule == "imap.silent" {
				patience = 300 * time.Millisecond
			}
			conn, err := imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: imap.Plain, Silence: patience,
				Trace: func(direction, line string) { fmt.Fprintln(&trace, direction, line) }})
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			err = c.logon(conn)
			if (c.rule == "") != (err == nil) || err != nil && failure.RuleOf(err) != c.rule {
				t.Fatalf("%v, want %q", err, c.rule)
			}
			if err == nil && !conn.Has("move") {
				t.Errorf("capabilities %q", conn.Capabilities())
			}
			for _, text := range []string{trace.String(), fmt.Sprint(err)} {
				for _, secret := range []string{"secret of", "cret\\", response, "geheim", "c2VjcmV0", "YW5uYQ"} {
					if strings.Contains(text, secret) {
						t.Errorf("%q shows %q", text, secret)
					}
				}
			}
		})
	}
}

// A server may say goodbye, fall silent or be cut at any byte of an answer: the
// client ends soon, says why, and gives what it got.
func TestEndsAtEveryByte(t *testing.T) {
	answer := "* 1 FETCH (UID 1 FLAGS () BODY[] {5}\r\nhello)\r\n* 2 FETCH (BODY[] {3}\r\nabc FLAGS (a) UID 2)\r\n$TAG OK done\r\n"
	for at := 1; at < len(answer); at++ {
		s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1] hi", imaptest.OK("SELECT.*"), imaptest.Exchange{Want: "UID FETCH .*", Answer: answer, CutAt: at})
		conn, err := dial(t, s, imap.Plain)
		if err != nil {
			t.Fatal(err)
		}
		must[imap.Selected](t)(conn.Select(t.Context(), "INBOX", imap.SelectOptions{}))
		stream := conn.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, Body: true})
		for {
			it, err := stream.Next()
			if err == nil && it.Body != nil {
				var body []byte
				if body, err = io.ReadAll(it.Body); err == nil && string(body) != map[uint32]string{1: "hello", 2: "abc"}[it.UID] {
					t.Fatalf("cut at %d: UID %d is %q", at, it.UID, body)
				}
			}
			if errors.Is(err, io.EOF) && at < len(answer)-len("$TAG OK done\r\n") {
				t.Fatalf("cut at %d: the end", at)
			}
			if err != nil {
				break
			}
		}
		if failure.ClassOf(conn.Noop(t.Context())) != failure.Transient {
			t.Errorf("cut at %d: %v", at, conn.Broken())
		}
		s.Close()
	}
}

func TestByeAnywhere(t *testing.T) {
	for _, answer := range []string{"* BYE [UNAVAILABLE] restart\r\n", "* 1 FETCH (UID 1 FLAGS ())\r\n* BYE [UNAVAILABLE] restart\r\n"} {
		s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1] hi", imaptest.OK("SELECT.*"), imaptest.Exchange{Want: "UID FETCH .*", Answer: answer, CutAt: len(answer)})
		conn, err := dial(t, s, imap.Plain)
		if err != nil {
			t.Fatal(err)
		}
		must[imap.Selected](t)(conn.Select(t.Context(), "INBOX", imap.SelectOptions{}))
		err = conn.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true}).Close()
		var status *imap.StatusError
		if failure.RuleOf(err) != "imap.bye" || !errors.As(err, &status) || status.Code != "UNAVAILABLE" || failure.ClassOf(err) != failure.Transient {
			t.Errorf("%v", err)
		}
	}
}

func TestSeveralStreams(t *testing.T) {
	answer := func(uid int) imaptest.Exchange {
		return imaptest.Exchange{Want: fmt.Sprintf(`UID FETCH %d \(.*`, uid), Answer: fmt.Sprintf("* %d FETCH (UID %d BODY[] {3}\r\n%03d)\r\n$TAG OK\r\n", uid, uid, uid)}
	}
	conn := scripted(t, "", imaptest.OK("SELECT.*"), answer(1), answer(2), answer(3), answer(4), imaptest.OK("NOOP"), answer(5),
		imaptest.Exchange{Want: "UID FETCH .*", Answer: "$TAG NO [UNAVAILABLE] not now\r\n"}, imaptest.OK("NOOP"))
	must[imap.Selected](t)(conn.Select(t.Context(), "INBOX", imap.SelectOptions{}))
	fetch := func(uid uint32) *imap.FetchStream {
		return conn.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDs(uid), Body: true})
	}
	one, two, three, four := fetch(1), fetch(2), fetch(3), fetch(4)
	if items, bodies := all(t, one); len(items) != 1 || bodies[0] != "001" {
		t.Fatal(bodies)
	}
	if items, bodies := all(t, three); len(items) != 1 || bodies[0] != "003" {
		t.Fatal(bodies)
	}
	if _, err := two.Next(); !errors.Is(err, imap.ErrSuperseded) {
		t.Error(err)
	}
	it, err := four.Next()
	if err != nil {
		t.Fatal(err)
	}
	ok(t, conn.Noop(t.Context()))
	if _, err := it.Body.Read(make([]byte, 1)); !errors.Is(err, imap.ErrSuperseded) {
		t.Error(err)
	}
	five := fetch(5)
	ok(t, five.Close())
	if err := fetch(6).Close(); failure.RuleOf(err) != "imap.unavailable" {
		t.Error(err)
	}
	ok(t, conn.Noop(t.Context()))
}

// A set too long for one command is read in several.
func TestLongSets(t *testing.T) {
	var uids []uint32
	for i := range 20000 {
		uids = append(uids, uint32(i*3+1))
	}
	commands := 0
	conn := scripted(t, "", imaptest.OK("SELECT.*"), imaptest.Exchange{Want: `UID FETCH .*`, Answer: "* 1 FETCH (UID 1 FLAGS ())\r\n$TAG OK\r\n", Repeat: true,
		Do: func(command string) {
			commands++
			if len(command) > 8000 {
				t.Errorf("a command of %d bytes", len(command))
			}
		}}, imaptest.OK("NOOP"))
	must[imap.Selected](t)(conn.Select(t.Context(), "INBOX", imap.SelectOptions{}))
	items, _ := all(t, conn.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDs(uids...), Flags: true}))
	ok(t, conn.Noop(t.Context()))
	if len(items) != commands || commands < 10 {
		t.Errorf("%d answers, %d commands", len(items), commands)
	}
}

func TestCancelledWhileReading(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	conn := scripted(t, "", imaptest.OK("SELECT.*"), imaptest.Exchange{Want: "UID FETCH .*", Answer: "* 1 FETCH (UID 1 BODY[] {50}\r\nhello", StallAt: 100})
	must[imap.Selected](t)(conn.Select(t.Context(), "INBOX", imap.SelectOptions{}))
	s := conn.Fetch(ctx, imap.FetchRequest{UIDs: imap.UIDs(1), Body: true})
	it := must[*imap.FetchItem](t)(s.Next())
	_, err := it.Body.Read(make([]byte, 5))
	ok(t, err)
	cancel()
	if _, err := io.ReadAll(it.Body); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
	if _, err := s.Next(); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
	if err := conn.Noop(ctx); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

// A context that is over before anything is sent harms nothing.
func TestCancelledBefore(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	conn := scripted(t, "", imaptest.OK("NOOP"))
	_, err := conn.Append(ctx, "INBOX", small(1), imap.Pipelined)
	var notSent *imap.NotSent
	if failure.ClassOf(err) != failure.Cancelled || !errors.As(err, &notSent) {
		t.Error(err)
	}
	ok(t, conn.Noop(t.Context()))
}

func TestNamesCannotInject(t *testing.T) {
	s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 LITERAL+] hi", imaptest.OK(`DELETE "x&AA0ACg-W9 LOGOUT"`), imaptest.OK(`DELETE \{12\+\}\r\nx\r\nW9 LOGOUT`), imaptest.OK(`DELETE "\\"\\\\ \\""`))
	conn, err := dial(t, s, imap.Plain)
	if err != nil {
		t.Fatal(err)
	}
	ok(t, conn.Delete(t.Context(), "x\r\nW9 LOGOUT"))
	ok(t, conn.Delete(t.Context(), imap.RawName("x\r\nW9 LOGOUT")))
	ok(t, conn.Delete(t.Context(), `"\ "`))
	for _, err := range []error{conn.Delete(t.Context(), imap.RawName("a\x00b")), conn.Create(t.Context(), "a", "\\Sent)\r\nW9 LOGOUT")} {
		if failure.ClassOf(err) != failure.Unsupported {
			t.Error(err)
		}
	}
	if err := conn.Broken(); err != nil {
		t.Error(err)
	}
}

func TestSelectAnswers(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		check        func(s imap.Selected) bool
	}{
		{"all of it", "* FLAGS (\\Seen a)\r\n* 12 EXISTS\r\n* 3 RECENT\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 13] ok\r\n* OK [HIGHESTMODSEQ 99] ok\r\n* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n* OK [MAILBOXID (F1)] ok\r\n$TAG OK [READ-ONLY] done\r\n",
			func(s imap.Selected) bool {
				return s.Exists == 12 && s.Recent == 3 && s.UIDValidity == 7 && s.UIDNext == 13 && s.HighestModSeq == 99 && s.ReadOnly && s.MailboxID == "F1" && slices.Equal(s.PermanentFlags, []string{`\Seen`, `\*`}) && slices.Equal(s.Flags, []string{`\Seen`, "a"})
			}},
		{"nothing lasts", "* OK [PERMANENTFLAGS ()]\r\n$TAG OK\r\n", func(s imap.Selected) bool { return s.PermanentFlags != nil && len(s.PermanentFlags) == 0 }},
		{"nothing told", "$TAG OK\r\n", func(s imap.Selected) bool { return s.PermanentFlags == nil && !s.ReadOnly }},
		{"bracket in a flag", "* OK [PERMANENTFLAGS (a]b [c] \\*)] ok\r\n$TAG OK\r\n", func(s imap.Selected) bool { return slices.Equal(s.PermanentFlags, []string{"a]b", "[c]", `\*`}) }},
		{"closed before", "* 5 EXISTS\r\n* OK [CLOSED] bye\r\n* 6 EXISTS\r\n$TAG OK\r\n", func(s imap.Selected) bool { return s.Exists == 6 }},
		{"numbers beyond bounds", "* OK [UIDVALIDITY 99999999999] x\r\n* OK [UIDNEXT -1] x\r\n* OK [HIGHESTMODSEQ x] x\r\n* 99999999999999999999 EXISTS\r\n$TAG OK\r\n", func(s imap.Selected) bool { return s.UIDValidity == 0 && s.UIDNext == 0 && s.Exists == 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := scripted(t, "", imaptest.Exchange{Want: "SELECT .*", Answer: c.answer}, imaptest.OK("NOOP"))
			if s := must[imap.Selected](t)(conn.Select(t.Context(), "INBOX", imap.SelectOptions{})); !c.check(s) {
				t.Errorf("%+v", s)
			}
			ok(t, conn.Noop(t.Context()))
		})
	}
}
