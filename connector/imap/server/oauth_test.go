package server

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"waybill/failure"
	"waybill/imap/imaptest"
	"waybill/internal/counterpart"
)

func tokenFile(t *testing.T, server *httptest.Server) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "oauth.yaml")
	text := "flow: refresh-token\ntoken-url: " + server.URL + "\nclient-id: app\nrefresh-token: " + place(t, "{user}").String() + "\nparameters: {x: y}\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestDovecotTokens has Dovecot check each token itself: signature, user, and
// whether it has ended.
func TestDovecotTokens(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{OAuthKey: []byte("a key that is only for tests and long enough")})
	mark(t, d, "anna", "bert")
	var asked atomic.Int64
	life := atomic.Int64{}
	life.Store(int64(time.Hour))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600}`, d.Token("anna", time.Duration(life.Load())))
	}))
	t.Cleanup(server.Close)
	location := func(user, addr string) string { return "imap://" + user + "@" + addr + "/?auth=oauth2&tls=none" }
	s := open(t, location("anna", d.Addr), Options{OAuth: tokenFile(t, server)})
	x := session(t, s, "anna")
	if who := whose(t, x); who != "anna" {
		t.Errorf("anna reaches %s", who)
	}
	y := session(t, s, "anna")
	if n := asked.Load(); n != 1 || y.Conn == x.Conn {
		t.Errorf("asked %d times for two connections", n)
	}

	life.Store(int64(-time.Minute))
	_, err := try(t, location("anna", d.Addr), Options{OAuth: tokenFile(t, server)}, SourceSide)
	wantFailure(t, err, failure.Denied, "imap.login.token", "invalid_token")
	// A token is for one user.
	life.Store(int64(time.Hour))
	_, err = try(t, location("bert", d.Addr), Options{OAuth: tokenFile(t, server)}, SourceSide)
	wantFailure(t, err, failure.Denied, "imap.login.token", "bert")
	// A token itself, from where a password would be.
	direct := open(t, location("bert", d.Addr), Options{Password: place(t, d.Token("bert", time.Hour))})
	if who := whose(t, session(t, direct, "bert")); who != "bert" {
		t.Errorf("bert reaches %s", who)
	}
}

// TestTokenEndsWithinARun keeps a server open while the token that it has in
// memory stops being taken.
func TestTokenEndsWithinARun(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{OAuthKey: []byte("a key that is only for tests and long enough")})
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// The first token has two seconds to live though the service says an hour.
		life := time.Hour
		if asked.Add(1) == 1 {
			life = 2 * time.Second
		}
		_, _ = fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600}`, d.Token("anna", life))
	}))
	t.Cleanup(server.Close)
	for _, mechanism := range []string{"oauthbearer", "xoauth2"} {
		asked.Store(0)
		d.Options.Extra = "auth_mechanisms = plain " + mechanism
		if err := d.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		var lines strings.Builder
		s := open(t, "imap://anna@"+d.Addr+"/?auth=oauth2&tls=none", Options{OAuth: tokenFile(t, server), Trace: func(_, line string) { lines.WriteString(line + "\n") }})
		first := session(t, s, "anna")
		<-time.After(3 * time.Second)
		second := session(t, s, "anna")
		if err := second.Noop(t.Context()); err != nil || asked.Load() != 2 || second.Conn == first.Conn {
			t.Errorf("%s: asked %d times, %v", mechanism, asked.Load(), err)
		}
		if !strings.Contains(strings.ToLower(lines.String()), "authenticate "+mechanism) || strings.Contains(lines.String(), "eyJ") {
			t.Errorf("the trace: %s", lines.String())
		}
	}
}

func TestExchangeOnline(t *testing.T) {
	srv := imaptest.Start(t, "* OK The Microsoft Exchange IMAP4 service is ready.",
		imaptest.Exchange{Want: "CAPABILITY", Answer: "* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID NAMESPACE LITERAL+\r\n$TAG OK done\r\n"},
		imaptest.Exchange{Want: "ID .*", Answer: "* ID (\"name\" \"Microsoft.Exchange.Imap4.Imap4Server\" \"version\" \"15.20\")\r\n$TAG OK done\r\n"},
		imaptest.Exchange{Want: "AUTHENTICATE XOAUTH2 .*", Answer: "$TAG OK AUTHENTICATE completed.\r\n"},
		imaptest.Exchange{Want: "CAPABILITY", Answer: "* CAPABILITY IMAP4 IMAP4rev1 UIDPLUS MOVE ID NAMESPACE CLIENTACCESSRULES LITERAL+\r\n$TAG OK done\r\n"},
		imaptest.Exchange{Want: "NAMESPACE", Answer: "$TAG BAD User is authenticated but not connected.\r\n"},
		imaptest.Exchange{Want: "LOGOUT", Answer: "* BYE\r\n$TAG OK\r\n"})
	_, err := try(t, "imap://anna@"+srv.Addr()+"/?auth=oauth2&tls=none", Options{Password: place(t, "TOKEN")}, SourceSide)
	wantFailure(t, err, failure.Denied, "imap.login.no-mailbox-right", "Add-MailboxPermission -Identity anna", "FullAccess")
}

func TestThrottledLogon(t *testing.T) {
	for answer, wait := range map[string]time.Duration{
		"$TAG NO [UNAVAILABLE] Temporary authentication failure\r\n":                              30 * time.Second,
		"$TAG BAD Request is throttled. Suggested Backoff Time: 5000 milliseconds\r\n":            5 * time.Second,
		"$TAG NO [ALERT] Account exceeded command or bandwidth limits. (Failure)\r\n":             time.Hour,
		"* BYE Request is throttled. Suggested Backoff Time: 7000 milliseconds\r\n":               7 * time.Second,
		"$TAG NO [THROTTLED] slow down\r\n":                                                       time.Minute,
		"$TAG NO [ALERT] Too many simultaneous connections. (Failure)\r\n":                        30 * time.Second,
		"$TAG NO [UNAVAILABLE] Server is busy. Please try again after 12 seconds, thank you.\r\n": 12 * time.Second,
	} {
		script := []imaptest.Exchange{{Want: "AUTHENTICATE PLAIN .*", Answer: answer}}
		if !strings.HasPrefix(answer, "* BYE") {
			script = append(script, imaptest.Exchange{Want: "LOGOUT", Answer: "* BYE\r\n$TAG OK\r\n"})
		}
		srv := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready", script...)
		_, err := try(t, "imap://anna@"+srv.Addr()+"/?tls=none", Options{Password: place(t, "hunter2")}, SourceSide)
		f, _ := err.(*failure.Error)
		if f == nil || f.Class != failure.Throttled || f.RetryAfter != wait || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", answer, err)
		}
	}
	greeting := imaptest.Start(t, "* BYE Too many connections, try again in 20 seconds")
	_, err := try(t, "imap://anna@"+greeting.Addr()+"/?tls=none", Options{Password: place(t, "x")}, SourceSide)
	if f, _ := err.(*failure.Error); f == nil || f.Class != failure.Throttled || f.RetryAfter != 20*time.Second {
		t.Errorf("%v", err)
	}
}

// TestMechanisms has servers that offer little, and sees what they are sent.
func TestMechanisms(t *testing.T) {
	bye := imaptest.Exchange{Want: "LOGOUT", Answer: "* BYE\r\n$TAG OK\r\n"}
	rest := []imaptest.Exchange{{Want: "CAPABILITY", Answer: "* CAPABILITY IMAP4rev1\r\n$TAG OK\r\n"}, {Want: `LIST "" ""`, Answer: "* LIST () \"/\" \"\"\r\n$TAG OK\r\n"}, imaptest.OK("NOOP"), bye}
	for name, c := range map[string]struct {
		capabilities, rule string
		script             []imaptest.Exchange
	}{
		"LOGIN command":        {"", "", []imaptest.Exchange{imaptest.OK(`LOGIN "?anna"? "?hunter2"?`)}},
		"nothing usable":       {"AUTH=GSSAPI LOGINDISABLED", "imap.login.plaintext", nil},
		"PLAIN that is BAD":    {"AUTH=PLAIN SASL-IR", "", []imaptest.Exchange{{Want: "AUTHENTICATE PLAIN .*", Answer: "$TAG BAD unknown mechanism\r\n"}, imaptest.OK(`LOGIN "?anna"? "?hunter2"?`)}},
		"a password in a text": {"AUTH=PLAIN SASL-IR", ruleWrong, []imaptest.Exchange{{Want: "AUTHENTICATE PLAIN .*", Answer: "$TAG NO bad password hunter2\r\n"}}},
	} {
		t.Run(name, func(t *testing.T) {
			end := rest
			if c.rule != "" {
				end = []imaptest.Exchange{bye}
			}
			srv := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 "+c.capabilities+"] ready", append(c.script, end...)...)
			_, err := try(t, "imap://anna@"+srv.Addr()+"/?tls=none", Options{Password: place(t, "hunter2")}, SourceSide)
			if c.rule == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantFailure(t, err, failure.Denied, c.rule)
		})
	}
}

func TestLoginMechanismOnDovecot(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Extra: "auth_mechanisms = login"})
	s := open(t, d.Location("anna"), Options{Password: place(t, "secret")})
	session(t, s, "anna")
	_, err := try(t, d.Location("anna"), Options{Password: place(t, "wrong one")}, SourceSide)
	wantFailure(t, err, failure.Denied, ruleWrong)
}
