package test

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/imap"
	"waybill/connector/site"
	"waybill/directory"
	"waybill/format/mutf7"
	"waybill/internal/counterpart"
	"waybill/mail"
	"waybill/secret"
)

// trickyNames are folders by the names of their levels.
func trickyNames() [][]string {
	long := strings.Repeat("n", 300)
	return [][]string{
		{"Entwürfe"}, {"Éléments envoyés"}, {"Ärger", "Töne & Räume"}, {"日本語"}, {"郵便", "下書き"}, {"🚢"}, {"🚢", "⚓️ Anker"}, {"Ελληνικά"}, {"Русский", "Входящие"},
		{"עברית"}, {"e\u0301 zerlegt"}, {"é zerlegt"}, {"nur\u00a0fest"}, {"null\u200bbreit"},
		{`quo"te`}, {`back\slash`}, {`100%`}, {"stern*stern"}, {"a.b"}, {"a", "b"}, {"a/b"}, {"a.b", "c.d"}, {"a/b", "c/d"}, {"tilde~"}, {"~home"}, {"~"}, {"&"}, {"&-"}, {"&AOQ-"}, {"AT&T"},
		{" vorn"}, {"hinten "}, {" "}, {"."}, {".."}, {".versteckt"}, {"Ende."}, {"a..b"}, {"a//b"}, {"-rf"}, {"$(touch x)"}, {"a;b<c>d`e{f|g}"}, {"!bang"}, {"caret^caret"}, {"@at@"}, {"#hash"},
		{long}, {strings.Repeat("ü", 150)}, {strings.Repeat("deep", 20), strings.Repeat("deeper", 20), strings.Repeat("deepest", 20), strings.Repeat("ü", 60)},
		{"Twin"}, {"TWIN"}, {"twin"}, {"Twin", "Kid"}, {"TWIN", "Kid"},
		{"INBOX", "INBOX"}, {"INBOX", "Orders"}, {"Orders"}, {"inbox2"}, {"x", "INBOX"}, {"x", "inbox"}, {"Sent"}, {"Gesendet"}, {"Other Users"}, {"Shared Folders"}, {"user"}, {"dovecot-uidlist"}, {"subscriptions"}, {"cur"}, {"new"}, {"tmp"},
		{"bell\x07"}, {"esc\x1b[31m"}, {"tab\there"}, {"line\nend"}, {"c1\u0085"}, {"del\x7f"},
	}
}

// nameMessage is the one message of the folder with that number.
func nameMessage(n int) string {
	return fmt.Sprintf("From: hafen@kogge.example\r\nSubject: folder %d\r\n\r\nText %d\r\n", n, n)
}

// nameServer is a server of one layout.
type nameServer struct {
	about    string
	location string
	addr     string
	prefix   string
	divider  string
}

func (s nameServer) system() counterpart.System {
	return counterpart.System{Location: "imap://anna@" + s.addr, Password: annaPassword}
}

// nameServers are the layouts; each call starts a server.
func nameServers() map[string]func(t *testing.T) nameServer {
	dovecot := func(about, divider, prefix, options string) func(t *testing.T) nameServer {
		return func(t *testing.T) nameServer {
			t.Helper()
			d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Separator: divider, Prefix: prefix, FormatOptions: options})
			return nameServer{about, d.Location("anna"), d.Addr, prefix, divider}
		}
	}
	cyrus := func(about string, unix, alt bool) func(t *testing.T) nameServer {
		return func(t *testing.T) nameServer {
			t.Helper()
			c := counterpart.NewCyrus(t, counterpart.CyrusOptions{UnixHierarchySep: unix, AltNamespace: alt})
			s := nameServer{about, c.Location("anna"), c.Addr, "", c.Separator()}
			if !alt {
				s.prefix = "INBOX" + s.divider
			}
			return s
		}
	}
	return map[string]func(t *testing.T) nameServer{
		"dovecot-slash": dovecot("dovecot-slash", "/", "", ""),
		"dovecot-dot":   dovecot("dovecot-dot", ".", "", ""),
		"dovecot-inbox": dovecot("dovecot-inbox", ".", "INBOX.", ""),
		"dovecot-fs":    dovecot("dovecot-fs", "/", "", ":LAYOUT=fs"),
		"cyrus-unix":    cyrus("cyrus-unix", true, true),
		"cyrus-dots":    cyrus("cyrus-dots", false, false),
		"cyrus-mixed":   cyrus("cyrus-mixed", true, false),
		"cyrus-alt":     cyrus("cyrus-alt", false, true),
	}
}

// fill makes on the server itself whatever folders it takes, with one message
// each, and returns how many.
func (s nameServer) fill(t *testing.T) (messages int) {
	t.Helper()
	put := func(name string, n int) bool {
		body := nameMessage(n)
		_, err := counterpart.Run(t.Context(), s.addr, "anna", annaPassword, fmt.Sprintf("APPEND %s {%d+}\r\n%s", counterpart.Quote(name), len(body), body))
		return err == nil
	}
	if !put("INBOX", 1000) {
		t.Fatal("no message can be put into INBOX")
	}
	messages++
	for n, levels := range trickyNames() {
		if s.about == "dovecot-fs" && (levels[0] == "dovecot-uidlist" || levels[0] == "subscriptions") {
			continue // it would take them, and break
		}
		name := s.prefix + mutf7.Encode(strings.Join(levels, s.divider))
		if _, err := counterpart.Run(t.Context(), s.addr, "anna", annaPassword, "CREATE "+counterpart.Quote(name)); err == nil && put(name, n) {
			messages++
		}
	}
	return messages
}

// each fails the test unless every folder on the server holds just one message,
// but for INBOX, which may be empty.
func (s nameServer) each(t *testing.T, want int) {
	t.Helper()
	verdict, err := counterpart.Judge(t.Context(), s.system(), s.system(), counterpart.CompareOptions{})
	if err != nil || verdict.Counts["messages in a"] != want {
		t.Errorf("%s: the judge sees %v %v, want %d messages", s.about, verdict, err, want)
	}
	contents := multiset(t, must(t)(imap.Source(t.Context(), parsed(t, s.location), imap.Options{Password: placed(t, annaPassword)})), false)
	folders, bodies := map[string]int{}, map[string]int{}
	for key, n := range contents {
		i := strings.LastIndexByte(key, ' ')
		folders[key[:i]] += n
		bodies[key[i:]] += n
	}
	for _, held := range []map[string]int{folders, bodies} {
		if len(held) != want {
			t.Errorf("%s: %d, want %d: %v", s.about, len(held), want, held)
		}
		for what, n := range held {
			if n != 1 {
				t.Errorf("%s: %s %d times", s.about, what, n)
			}
		}
	}
}

func parsed(t *testing.T, location string) connector.Location {
	t.Helper()
	loc, err := connector.ParseLocation(location)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func placed(t *testing.T, password string) secret.Ref {
	t.Helper()
	ref, err := secret.Parse("file:" + secretFile(t, t.TempDir(), "place", password))
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// fillSite makes all of the folders in a site, which takes any name.
func fillSite(t *testing.T, path string) (messages int) {
	t.Helper()
	ctx := t.Context()
	to, err := site.Target(ctx, locate("site", path))
	if err != nil {
		t.Fatal(err)
	}
	if err := to.CreateAccount(ctx, directory.User{ID: "anna", Name: "Anna"}); err != nil {
		t.Fatal(err)
	}
	box, err := to.Mailbox(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	for n, levels := range trickyNames() {
		folder, _, _ := to.FolderName(mail.NewPath(levels...), 0)
		if err := box.CreateFolder(ctx, mail.Folder{Path: folder}); err != nil {
			t.Fatalf("%q: %v", levels, err)
		}
		at, err := box.Position(ctx, folder)
		if err != nil {
			t.Fatal(err)
		}
		body := nameMessage(n)
		receipts, err := box.Append(ctx, folder, at, []connector.Item{{Message: mail.Message{Key: fmt.Sprint(n), Size: int64(len(body))},
			Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}})
		if err != nil || receipts[0].Err != nil {
			t.Fatalf("%q: %v %v", levels, err, receipts)
		}
		messages++
	}
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	return messages
}

// moveNames moves one mailbox and fails the test unless all of it arrives, each
// folder under a name of its own, with a note where it is another one.
func moveNames(t *testing.T, from string, to nameServer, messages int) {
	t.Helper()
	m := &oddMove{t: t, work: t.TempDir(), from: from, to: to.location}
	out := m.run(0, 1)
	if got := m.waybill.Totals; got.Found != int64(messages) || got.Verified != int64(messages) {
		t.Errorf("%s: totals %+v, want %d; %+v\n%s", to.about, got, messages, m.state("refused"), out)
	}
	renamed := int64(0)
	for _, f := range m.waybill.Mailboxes[0].Folders {
		if f.Path != f.Target {
			renamed++
		}
	}
	if got := m.waybill.Notes["folder-renamed"]; got != renamed {
		t.Errorf("%s: %d folders have other names, notes %v", to.about, renamed, m.waybill.Notes)
	}
	to.each(t, messages)
	// And once more: the names are found again, and nothing arrives twice.
	if out := m.run(0, 1); m.waybill.Totals.Verified != int64(messages) {
		t.Errorf("%s, again: totals %+v\n%s", to.about, m.waybill.Totals, out)
	}
	to.each(t, messages)
	t.Logf("%s: %d messages, %d folders renamed, notes %v", to.about, messages, renamed, m.waybill.Notes)
}

// TestTrickyNames moves folders with names that one server or another cannot
// hold: from a site to each layout, and from each layout to the next.
func TestTrickyNames(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "names.site")
	all := fillSite(t, path)
	order := []string{"dovecot-slash", "cyrus-unix", "dovecot-inbox", "cyrus-dots", "dovecot-fs", "cyrus-mixed", "dovecot-dot", "cyrus-alt"}
	servers := nameServers()
	for i, name := range order {
		t.Run("site to "+name, func(t *testing.T) {
			t.Parallel()
			moveNames(t, "site:"+path, servers[name](t), all)
		})
		next := order[(i+1)%len(order)]
		t.Run(name+" to "+next, func(t *testing.T) {
			t.Parallel()
			from := servers[name](t)
			made := from.fill(t)
			if made < 40 {
				t.Fatalf("%s takes only %d of the names", name, made)
			}
			moveNames(t, from.location, servers[next](t), made)
		})
	}
}
