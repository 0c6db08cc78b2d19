package server

import (
	"bufio"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/rights"
)

func TestDovecotPlain(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Users: map[string]string{"anna": "hunter2", "bert": "hunter2bert"}})
	mark(t, d, "anna", "bert")
	var lines strings.Builder
	s := open(t, d.Location("anna"), Options{Password: place(t, "hunter2"), Trace: func(_, line string) { lines.WriteString(line + "\n") }})
	if s.Flavour() != "dovecot" || s.Auth() != Plain || !s.Has("multiappend") && !s.Has("UIDPLUS") || s.Facts().Name != "dovecot" {
		t.Errorf("flavour %q, facts %q", s.Flavour(), s.Facts().Name)
	}
	if users, err := s.Users(t.Context()); err != nil || len(users) != 1 || users[0] != "anna" {
		t.Errorf("users %q, %v", users, err)
	}
	x := session(t, s, "anna")
	if who := whose(t, x); who != "anna" || x.Delimiter != "/" || x.Prefix != "" || x.User != "anna" {
		t.Errorf("%q: %+v", who, x)
	}
	x.Release()
	x.Release()
	if y := session(t, s, "anna"); y.Conn != x.Conn {
		t.Error("the idle connection is not used again")
	}
	if found, err := s.Probe(t.Context(), "anna"); !found || err != nil {
		t.Error(found, err)
	}
	_, err := s.Session(t.Context(), "bert")
	wantFailure(t, err, failure.Usage, "imap.login.no-password", "bert")
	if strings.Contains(lines.String(), "hunter2") || lines.Len() == 0 {
		t.Errorf("the trace: %s", lines.String())
	}

	_, err = try(t, d.Location("anna"), Options{Password: place(t, "hunter2 wrong")}, SourceSide)
	wantFailure(t, err, failure.Denied, ruleWrong, "anna", "password is wrong")
	if f := rights.From(err); len(f) != 1 || f[0].Action != "log on" || f[0].Grant == "" {
		t.Errorf("findings %+v", f)
	}
}

func TestDovecotUserMap(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Users: map[string]string{"anna": "hunter2", "b@x": "hunter2b"}})
	mark(t, d, "anna", "b@x")
	users := &directory.UserMap{File: "map.csv", Rows: []directory.MapRow{
		{Line: 2, User: "nobody", SourcePassword: place(t, "hunter2 nobody").String(), TargetPassword: place(t, "hunter2").String(), TargetLogin: "anna"},
		{Line: 3, User: "bert", Account: "berta", SourceLogin: "b@x", SourcePassword: place(t, "hunter2b").String(), TargetLogin: "b@x", TargetPassword: place(t, "hunter2b").String()},
		{Line: 4, User: "anna"},
	}}
	s := open(t, d.Location("anna"), Options{Users: users, Password: place(t, "hunter2")})
	if got, err := s.Users(t.Context()); err != nil || strings.Join(got, " ") != "nobody bert anna" {
		t.Errorf("users %q, %v", got, err)
	}
	if who := whose(t, session(t, s, "bert")); who != "b@x" {
		t.Errorf("bert reaches %s", who)
	}
	if who := whose(t, session(t, s, "anna")); who != "anna" {
		t.Errorf("anna reaches %s", who)
	}
	_, err := s.Session(t.Context(), "nobody")
	wantFailure(t, err, failure.Denied, ruleWrong, "nobody")
	// One user's password that is not where it should be does not keep the others.
	lost := *users
	lost.Rows = append([]directory.MapRow{{Line: 9, User: "lost", SourcePassword: "file:/nonexistent/password"}}, users.Rows...)
	session(t, open(t, d.Location("anna"), Options{Users: &lost, Password: place(t, "hunter2")}), "anna")

	// The target's names are those of its accounts.
	target, err := try(t, "imap://"+d.Addr+"/?tls=none", Options{Users: &directory.UserMap{File: "map.csv", Rows: users.Rows[:2]}}, TargetSide)
	if err != nil {
		t.Fatal(err)
	}
	if who := whose(t, session(t, target, "berta")); who != "b@x" {
		t.Errorf("berta reaches %s", who)
	}
	// A row without a password is told by its line, before anything happens.
	_, err = configure(t, "imap://"+d.Addr+"/?tls=none", Options{Users: users}, SourceSide)
	wantFailure(t, err, failure.Usage, "map.password", "map.csv line 4", "source-password")
}

func TestDovecotTargetWithoutAccounts(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	users := &directory.UserMap{File: "map.csv", Rows: []directory.MapRow{{Line: 2, User: "new", TargetPassword: place(t, "x").String()}}}
	s, err := try(t, "imap://"+d.Addr+"/?tls=none", Options{Users: users}, TargetSide)
	if err != nil {
		t.Fatalf("accounts that are still to be made: %v", err)
	}
	if !s.Has("IMAP4rev1") || s.Flavour() != "dovecot" {
		t.Error("nothing is known of the server")
	}
	found, err := s.Probe(t.Context(), "new")
	if found {
		t.Error("an account that is not there is found")
	}
	wantFailure(t, err, failure.Denied, ruleWrong)
	_, err = try(t, "imap://"+d.Addr+"/?tls=none", Options{Users: &directory.UserMap{File: "map.csv", Rows: []directory.MapRow{{Line: 2, User: "new", SourcePassword: place(t, "x").String()}}}}, SourceSide)
	wantFailure(t, err, failure.Denied, ruleWrong)
}

func TestDovecotMaster(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "boss", MasterPassword: "hunter2"})
	mark(t, d, "anna", "bert")
	users := &directory.UserMap{File: "map.csv", Rows: []directory.MapRow{{Line: 2, User: "gone"}, {Line: 3, User: "anna"}, {Line: 4, User: "bert"}}}
	for _, auth := range []string{"dovecot-master", "proxy"} {
		t.Run(auth, func(t *testing.T) {
			location := strings.Replace(d.MasterLocation(), "auth=dovecot-master", "auth="+auth, 1)
			s := open(t, location, Options{Users: users, Password: place(t, "hunter2")})
			for _, user := range []string{"anna", "bert"} {
				if who := whose(t, session(t, s, user)); who != user {
					t.Errorf("%s reaches %s", user, who)
				}
				if found, err := s.Probe(t.Context(), user); !found || err != nil {
					t.Error(found, err)
				}
			}
			if found, err := s.Probe(t.Context(), "gone"); found || err != nil {
				t.Errorf("gone is found: %v, %v", found, err)
			}
			_, err := s.Session(t.Context(), "gone")
			wantFailure(t, err, failure.Denied, ruleUnknown, "gone")
			_, err = try(t, location, Options{Users: users, Password: place(t, "hunter2 wrong")}, SourceSide)
			wantFailure(t, err, failure.Denied, "imap.login.master", "boss", "master")
			// An ordinary user may not act for others.
			_, err = try(t, strings.Replace(location, "boss@", "bert@", 1), Options{Users: &directory.UserMap{Rows: users.Rows[:2]}, Password: place(t, "secret")}, SourceSide)
			if auth == "dovecot-master" {
				wantFailure(t, err, failure.Denied, "imap.login.master", "bert")
			} else if err != nil {
				t.Errorf("bert may log on, if not for others: %v", err)
			}
		})
	}
	// Without a map nobody knows whose mailboxes there are.
	s := open(t, strings.Replace(d.MasterLocation(), "dovecot-master", "proxy", 1), Options{Password: place(t, "hunter2"), Users: &directory.UserMap{Rows: users.Rows[1:]}})
	if _, err := s.Admin(t.Context()); err == nil {
		t.Error("a master user of Dovecot has a mailbox of its own")
	}
}

func TestDovecotTLS(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{TLS: true})
	_, port, _ := net.SplitHostPort(d.Addr)
	_, secure, _ := net.SplitHostPort(d.TLSAddr)
	pw := place(t, "secret")
	for _, location := range []string{"imap://anna@localhost:" + port, "imap://anna@127.0.0.1:" + port + "/?tls=starttls", "imaps://anna@localhost:" + secure} {
		s := open(t, location, Options{Password: pw, TLSCA: d.CAFile})
		session(t, s, "anna")
		_, err := try(t, location, Options{Password: pw}, SourceSide)
		wantFailure(t, err, failure.Denied, "imap.tls.authority", "--tls-ca")
		var said []string
		insecure := open(t, location, Options{Password: pw, TLSInsecure: true, Warn: func(text string) { said = append(said, text) }})
		session(t, insecure, "anna")
		if len(said) != 1 || !strings.Contains(said[0], "--tls-insecure") {
			t.Errorf("said %q", said)
		}
	}
	// 127.0.0.2 is this machine too, and not in the certificate.
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("no second loopback address:", err)
	}
	defer func() { _ = l.Close() }()
	var all sync.WaitGroup
	all.Go(func() {
		a, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = a.Close() }()
		if b, err := net.Dial("tcp", d.TLSAddr); err == nil {
			pump(a, b)
		}
	})
	_, err = try(t, "imaps://anna@"+l.Addr().String(), Options{Password: pw, TLSCA: d.CAFile}, SourceSide)
	wantFailure(t, err, failure.Denied, "imap.tls.name", "certificate is for another name")
	all.Wait()
	_, err = try(t, "imaps://anna@localhost:"+port, Options{Password: pw, TLSCA: d.CAFile}, SourceSide)
	wantFailure(t, err, failure.Denied, "imap.tls.none", "imap://")
	without := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	_, port, _ = net.SplitHostPort(without.Addr)
	_, err = try(t, "imap://anna@localhost:"+port, Options{Password: pw, TLSCA: d.CAFile}, SourceSide)
	wantFailure(t, err, failure.Denied, "imap.no-starttls", "STARTTLS")
}

// pump carries bytes both ways until one side ends.
func pump(a, b net.Conn) {
	done := make(chan bool, 2)
	go func() { _, _ = bufio.NewReader(a).WriteTo(b); done <- true }()
	go func() { _, _ = bufio.NewReader(b).WriteTo(a); done <- true }()
	<-done
	_, _ = a.Close(), b.Close()
	<-done
}

func TestDovecotCompress(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Extra: "protocol imap {\n  mail_plugins = $mail_plugins imap_zlib\n}"})
	s := open(t, d.Location("anna")+"&compress=yes", Options{Password: place(t, "secret")})
	if !s.Has("COMPRESS=DEFLATE") {
		t.Skip("this Dovecot has no imap_zlib")
	}
	x := session(t, s, "anna")
	if err := x.Compress(t.Context()); err == nil {
		t.Error("the connection was not compressed yet")
	}
	if err := x.Noop(t.Context()); err != nil {
		t.Error(err)
	}
	var said []string
	without := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	open(t, without.Location("anna")+"&compress=yes", Options{Password: place(t, "secret"), Warn: func(text string) { said = append(said, text) }})
	if len(said) != 1 {
		t.Errorf("said %q", said)
	}
	for _, c := range []struct {
		mode  string
		trip  time.Duration
		local bool
		want  bool
	}{{"auto", time.Second, false, true}, {"auto", time.Second, true, false}, {"auto", time.Millisecond, false, false}, {"no", time.Second, false, false}, {"yes", 0, true, true}} {
		if compresses(c.mode, c.trip, c.local) != c.want {
			t.Errorf("%+v", c)
		}
	}
}

func TestScramOnDovecot(t *testing.T) {
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Users: map[string]string{"anna": "hunter2"}, Extra: "auth_mechanisms = plain login scram-sha-256"})
	var lines strings.Builder
	trace := func(_, line string) { lines.WriteString(line + "\n") }
	s := open(t, d.Location("anna"), Options{Password: place(t, "hunter2"), Trace: trace})
	session(t, s, "anna")
	if !strings.Contains(lines.String(), "AUTHENTICATE SCRAM-SHA-256") || strings.Contains(lines.String(), "AUTHENTICATE PLAIN") {
		t.Errorf("the trace: %s", lines.String())
	}
	_, err := try(t, d.Location("anna"), Options{Password: place(t, "hunter2 wrong")}, SourceSide)
	wantFailure(t, err, failure.Denied, ruleWrong)
}

func TestLoginDisabled(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Extra: "imap_capability = +LOGINDISABLED\nauth_mechanisms = cram-md5"})
	_, err := try(t, d.Location("anna"), Options{Password: place(t, "secret")}, SourceSide)
	wantFailure(t, err, failure.Denied, "imap.login.plaintext", "TLS")
}
