package source_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	imapconnector "waybill/connector/imap"
	"waybill/directory"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/mail"
	"waybill/rights"
	"waybill/secret"
)

// password names a password in the environment of the test.
func password(t *testing.T, text string) secret.Ref {
	t.Helper()
	name := "WAYBILL_TEST_" + strings.ToUpper(hex.EncodeToString(sum([]byte(text))[:4]))
	t.Setenv(name, text)
	ref, err := secret.Parse("env:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func sum(b []byte) []byte { s := sha256.Sum256(b); return s[:] }

func location(t *testing.T, text string) connector.Location {
	t.Helper()
	loc, err := connector.ParseLocation(text)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// openSource opens a server for reading and closes it with the test.
func openSource(t *testing.T, text string, o imapconnector.Options) connector.Source {
	t.Helper()
	s, err := imapconnector.Source(t.Context(), location(t, text), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func openBox(t *testing.T, s connector.Source, user string) connector.SourceMailbox {
	t.Helper()
	b, err := s.Mailbox(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func userMap(users ...string) *directory.UserMap {
	m := &directory.UserMap{File: "users.csv"}
	for i, u := range users {
		m.Rows = append(m.Rows, directory.MapRow{Line: i + 2, User: u, Name: strings.ToUpper(u)})
	}
	return m
}

// letter is a message that a test puts into a server.
func letter(n int, size int) string {
	text := fmt.Sprintf("From: a@example.org\r\nSubject: number %d\r\nMessage-ID: <%d@example.org>\r\n\r\n", n, n)
	return text + strings.Repeat(fmt.Sprintf("line of %d\r\n", n), max((size-len(text))/12, 1))
}

// appending is the command that appends it.
func appending(folder, marks, message string) string {
	if marks != "" {
		marks += " "
	}
	return fmt.Sprintf("APPEND %s %s{%d+}\r\n%s", counterpart.Quote(folder), marks, len(message), message)
}

// runner says commands to a server as a user.
type runner func(ctx context.Context, user string, commands ...string) (string, error)

func (r runner) must(t *testing.T, user string, commands ...string) string {
	t.Helper()
	out, err := r(context.WithoutCancel(t.Context()), user, commands...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// seed fills a mailbox with messages of all kinds.
func seed(t *testing.T, run runner, user, separator, prefix string) {
	t.Helper()
	nested := prefix + "Orders" + separator + "2003"
	commands := []string{
		"CREATE " + counterpart.Quote(prefix+"Orders"), "CREATE " + counterpart.Quote(nested), "SUBSCRIBE " + counterpart.Quote(nested),
		"CREATE " + counterpart.Quote(prefix+"Entw&APw-rfe"), "CREATE " + counterpart.Quote(prefix+"Empty"),
		"CREATE " + counterpart.Quote(prefix+"R&-D 50"),
	}
	for i, folder := range []string{"INBOX", prefix + "Orders", nested, prefix + "Entw&APw-rfe", prefix + "R&-D 50"} {
		for n := range 7 {
			marks := []string{`() "01-Jan-2003 10:00:00 +0530"`, `(\Seen \Flagged) "31-Dec-1999 23:59:59 -0800"`, `(Work $Forwarded \Answered)`, `(\Draft)`, `(\Deleted)`, `(\Seen Home Work)`, ``}[n]
			commands = append(commands, appending(folder, marks, letter(10*i+n, min(200<<n, 3000))))
		}
		if i == 0 {
			commands = append(commands, appending(folder, "", letter(99, 700_000)))
			continue
		}
		// A true duplicate.
		commands = append(commands, appending(folder, `()`, letter(10*i, 200)))
	}
	run.must(t, user, commands...)
}

func conformance(t *testing.T, text string, o imapconnector.Options, run runner) {
	t.Helper()
	marks := []string{`() "05-May-2005 05:05:05 +0000"`, ``, ``, ``}
	changed := 0
	connectortest.RunSource(t, connectortest.SourceConfig{
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			return imapconnector.Source(ctx, location(t, text), o)
		},
		Change: func(t *testing.T, user string, folder mail.Path) {
			t.Helper()
			changed++
			name := "INBOX"
			if folder != mail.Inbox {
				name = wireName(t, run, user, folder)
			}
			if changed%2 == 0 {
				run.must(t, user, "SELECT "+counterpart.Quote(name), fmt.Sprintf("UID STORE 1 +FLAGS (Changed%d)", time.Now().UnixNano()), "CLOSE")
				return
			}
			run.must(t, user, appending(name, marks[changed%len(marks)], letter(900+changed, 500)))
		},
	})
}

// wireName finds a folder of the seed on the server.
func wireName(t *testing.T, run runner, user string, folder mail.Path) string {
	t.Helper()
	out := run.must(t, user, `LIST "" "*"`)
	last := folder.Names()[len(folder.Names())-1]
	for line := range strings.Lines(out) {
		line = strings.Trim(strings.TrimSpace(line), `"`)
		if strings.HasPrefix(line, "* LIST") && (strings.HasSuffix(line, last) || last == "Entwürfe" && strings.HasSuffix(line, "Entw&APw-rfe") || last == "R&D 50" && strings.HasSuffix(line, "R&-D 50")) {
			name := line[strings.LastIndex(line, ") ")+2:]
			_, name, _ = strings.Cut(name, " ")
			return strings.Trim(name, `"`)
		}
	}
	t.Fatalf("no folder for %q in %s", folder, out)
	return ""
}

func TestSourceOnDovecot(t *testing.T) {
	for name, o := range map[string]counterpart.DovecotOptions{
		"maildir":            {},
		"sdbox":              {Format: "sdbox"},
		"folders in INBOX":   {Prefix: "INBOX.", Separator: "."},
		"without extensions": {Capability: "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS"},
		"without modseq":     {Capability: "IMAP4rev1 SASL-IR LITERAL+ UIDPLUS NAMESPACE LIST-EXTENDED LIST-STATUS SPECIAL-USE"},
	} {
		t.Run(name, func(t *testing.T) {
			d := counterpart.NewDovecot(t, o)
			separator := o.Separator
			if separator == "" {
				separator = "/"
			}
			seed(t, d.Run, "anna", separator, o.Prefix)
			conformance(t, d.Location("anna"), imapconnector.Options{Password: password(t, "secret")}, d.Run)
		})
	}
}

func TestMasterUserReadsEverybody(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "key"})
	for _, user := range []string{"anna", "bert"} {
		seed(t, d.Run, user, "/", "")
	}
	conformance(t, d.MasterLocation(), imapconnector.Options{Password: password(t, "key"), Users: userMap("bert", "anna")}, d.Run)
}

func TestUsersComeFromTheMap(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "key"})
	o := imapconnector.Options{Password: password(t, "key"), Users: userMap("bert", "anna")}
	var got []string
	for u, err := range openSource(t, d.MasterLocation(), o).Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, u.ID+"="+u.Name)
	}
	if !slices.Equal(got, []string{"anna=ANNA", "bert=BERT"}) {
		t.Errorf("users are %q", got)
	}
	o.Users = nil
	s, err := imapconnector.Source(t.Context(), location(t, d.MasterLocation()), o)
	if err == nil {
		defer func() { _ = s.Close() }()
		for _, listed := range s.Users(t.Context()) {
			err = listed
		}
	}
	if failure.ClassOf(err) != failure.Usage || !strings.Contains(fmt.Sprint(err), "--users") {
		t.Errorf("a master user without a map gets %v, want an error that names --users", err)
	}
}

// TestMasterUserIsAStranger is the trap of Dovecot's acl plugin: the inbox is
// listed, and everything is said not to exist.
func TestMasterUserIsAStranger(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "key", ACL: true})
	seed(t, d.Run, "anna", "/", "")
	o := imapconnector.Options{Password: password(t, "key"), Users: userMap("anna")}
	_, err := openSource(t, d.MasterLocation(), o).Mailbox(t.Context(), "anna")
	if failure.ClassOf(err) != failure.Denied || len(rights.From(err)) == 0 {
		t.Fatalf("the mailbox opens, or fails without findings: %v", err)
	}
	for _, want := range []string{"acl_user = %u", "master_user=%u", "doesn't exist"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not speak of %q: %v", want, err)
		}
	}
	if f := rights.From(err)[0]; f.OK || f.Grant == "" || f.Where != "anna INBOX" {
		t.Errorf("the finding is %+v", f)
	}

	cured := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "key", ACL: true, ACLUserFix: true})
	seed(t, cured.Run, "anna", "/", "")
	b := openBox(t, openSource(t, cured.MasterLocation(), o), "anna")
	if c, err := b.Census(t.Context(), mail.Inbox, true); err != nil || c.Messages != 8 {
		t.Errorf("after the cure the inbox has %+v, %v", c, err)
	}
}

// TestFolderWithoutRights cannot be read and is neither empty nor gone.
func TestFolderWithoutRights(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{ACL: true})
	seed(t, d.Run, "anna", "/", "")
	d2 := runner(d.Run)
	d2.must(t, "anna", `SETACL "Orders" owner l`)
	b := openBox(t, openSource(t, d.Location("anna"), imapconnector.Options{Password: password(t, "secret")}), "anna")
	folders, err := b.Folders(t.Context())
	if err != nil || !slices.ContainsFunc(folders, func(f mail.Folder) bool { return f.Path == "Orders" && !f.Container }) {
		t.Fatalf("folders are %v, %v", folders, err)
	}
	_, err = b.Census(t.Context(), "Orders", false)
	if failure.ClassOf(err) != failure.Denied || len(rights.From(err)) == 0 {
		t.Errorf("the census is refused with %v", err)
	}
	for m, err := range b.Messages(t.Context(), "Orders") {
		if m.Key != "" || failure.ClassOf(err) != failure.Denied || strings.Contains(rights.From(err)[0].Held, "r") {
			t.Errorf("the listing says %v, %v", m, err)
		}
	}
	if c, err := b.Census(t.Context(), mail.Inbox, false); err != nil || c.Messages != 8 {
		t.Errorf("another folder has %+v, %v", c, err)
	}
}

func TestFoldersAsTheServerKnowsThem(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{SpecialUse: map[string]string{"Versendetes": `\Sent`}})
	seed(t, d.Run, "anna", "/", "")
	run := runner(d.Run)
	run.must(t, "anna", `CREATE "Deep/er"`, `CREATE "Gel&APY-schte Objekte"`)
	b := openBox(t, openSource(t, d.Location("anna"), imapconnector.Options{Password: password(t, "secret")}), "anna")
	folders, err := b.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[mail.Path]mail.Folder{}
	for _, f := range folders {
		got[f.Path] = f
	}
	for path, want := range map[mail.Path]mail.Folder{
		mail.Inbox:          {Use: mail.UseInbox},
		"Versendetes":       {Use: mail.UseSent, Subscribed: true},
		"Gelöschte Objekte": {Use: mail.UseTrash},
		"Deep":              {Container: true},
		"Deep/er":           {},
		"Orders/2003":       {Subscribed: true},
		"Entwürfe":          {Use: mail.UseDrafts},
		"R&D 50":            {},
		"Empty":             {},
	} {
		f, ok := got[path]
		if !ok || f.Use != want.Use || f.Container != want.Container || f.Subscribed != want.Subscribed {
			t.Errorf("%s is %+v (listed: %v), want %+v", path, f, ok, want)
		}
	}
	if len(got) != 11-1 {
		t.Errorf("%d folders are listed: %v", len(got), folders)
	}
}

func TestMarksAndDates(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	seed(t, d.Run, "anna", "/", "")
	b := openBox(t, openSource(t, d.Location("anna"), imapconnector.Options{Password: password(t, "secret")}), "anna")
	var list []mail.Message
	for m, err := range b.Messages(t.Context(), "Orders") {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	if len(list) != 8 {
		t.Fatalf("%d messages", len(list))
	}
	for i, want := range []mail.FlagSet{
		{}, mail.NewFlagSet(mail.Seen | mail.Flagged), mail.NewFlagSet(mail.Answered|mail.Forwarded, "Work"), mail.NewFlagSet(mail.Draft),
		mail.NewFlagSet(mail.Deleted), mail.NewFlagSet(mail.Seen, "Home", "Work"), {}, {},
	} {
		if !list[i].Flags.Equal(want) || len(list[i].Notes) > 0 {
			t.Errorf("message %d is marked %q with notes %v, want %q", i, list[i].Flags, list[i].Notes, want)
		}
	}
	if _, offset := list[1].InternalDate.Zone(); !list[1].InternalDate.Equal(time.Date(2000, 1, 1, 7, 59, 59, 0, time.UTC)) || offset == 1 {
		t.Errorf("the date is %v", list[1].InternalDate)
	}
}

func read(t *testing.T, b connector.SourceMailbox, path mail.Path, m mail.Message) string {
	t.Helper()
	r, err := b.Open(t.Context(), path, m)
	if err != nil {
		t.Fatalf("open %s: %v", m.Key, err)
	}
	defer func() { _ = r.Close() }()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("read %s: %v", m.Key, err)
	}
	if sized, ok := r.(connector.Sized); !ok || sized.Size() != int64(len(text)) {
		t.Errorf("%s has %d bytes and says otherwise", m.Key, len(text))
	}
	return string(text)
}

func list(t *testing.T, b connector.SourceMailbox, path mail.Path) []mail.Message {
	t.Helper()
	var all []mail.Message
	for m, err := range b.Messages(t.Context(), path) {
		if err != nil {
			t.Fatalf("list %s: %v", path, err)
		}
		all = append(all, m)
	}
	return all
}
