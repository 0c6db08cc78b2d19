package cli

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/internal/counterpart"
)

// runs gives a command's exit code and all that it said.
func runs(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var said bytes.Buffer
	code := Run(t.Context(), args, nil, &said, &said)
	return code, said.String()
}

// TestDirectory moves two users: their logins go into a real directory, and their
// mail into a site. Again changes nothing, and deprovision takes it all back.
func TestDirectory(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	dir := t.TempDir()
	for name, text := range map[string]string{
		"mail/anna/cur/1:2,S": "From: a@example.org\r\nSubject: one\r\n\r\nOne.\r\n", "mail/bert/cur/1:2,": "From: b@example.org\r\nSubject: two\r\n\r\nTwo.\r\n"} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(filepath.Dir(filepath.Dir(path)), sub), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("WAYBILL_DIRECTORY_PASSWORD", "geheim")
	place := "ldap://" + l.Addr + "/" + l.Options.Suffix + "?password=random&users=ou%3DPeople&bind=" + url.QueryEscape(l.Operator())
	file := func(name string) string { return filepath.Join(dir, name) }
	named := []string{"--directory", place, "--directory-passwords", file("passwords")}
	pair := append([]string{"--from", "maildir:" + file("mail"), "--to", "site:" + file("new.site")}, named...)
	migrate := append([]string{"migrate", "--ledger", file("ledger"), "--report", file("report")}, pair...)

	// A stranger has bert's name: his account is not taken, anna's mail is moved.
	if err := l.Modify(t.Context(), "dn: uid=bert,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: bert\ncn: Another\nsn: Another\n\n"); err != nil {
		t.Fatal(err)
	}
	if code, text := runs(t, append([]string{"preflight"}, pair...)...); code != exitProven || !strings.Contains(text, "ok: create inetOrgPerson on ou=People") {
		t.Fatalf("%d %s", code, text)
	}
	for range 2 { // and not in the second run either
		if code, text := runs(t, migrate...); code != exitIncomplete || !strings.Contains(text, "1 verified") || !strings.Contains(text, "this migration did not make") {
			t.Fatalf("%d %s", code, text)
		}
	}
	if err := l.Modify(t.Context(), "dn: uid=bert,ou=People,dc=example,dc=org\nchangetype: delete\n\n"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if code, text := runs(t, migrate...); code != exitProven || !strings.Contains(text, "2 found = 2 verified") {
			t.Fatalf("%d %s", code, text)
		}
	}
	found, err := l.Search(t.Context(), l.Options.Suffix, "(uid=*)", "uid", "userPassword")
	if err != nil || strings.Count(found, "dn: ") != 2 || strings.Count(found, "userPassword:: ") != 2 {
		t.Fatalf("%v %s", err, found)
	}
	secrets, err := os.ReadFile(file("passwords"))
	if err != nil || strings.Count(string(secrets), "\n") != 2 {
		t.Fatalf("%v: %d bytes of passwords", err, len(secrets))
	}
	// The passwords are there and nowhere else.
	for line := range strings.FieldsSeq(string(secrets)) {
		_, password, _ := strings.Cut(line, ",")
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || path == file("passwords") {
				return err
			}
			raw, err := os.ReadFile(path)
			if bytes.Contains(raw, []byte(password)) {
				t.Errorf("a password is in %s", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}

	if code, text := runs(t, append([]string{"directory", "ls"}, named...)...); code != exitProven || strings.Count(text, "user     ") != 2 {
		t.Errorf("%d %s", code, text)
	}
	if code, text := runs(t, append([]string{"directory", "resolve", "/o=Nobody"}, named...)...); code != exitExceptions {
		t.Errorf("%d %s", code, text)
	}
	undo := append([]string{"directory", "deprovision", "--ledger", file("ledger")}, named...)
	if code, text := runs(t, undo...); code != exitProven || !strings.Contains(text, "2 entries; nothing was changed") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := runs(t, append(undo, "--yes")...); code != exitProven || strings.Count(text, ": removed") != 2 {
		t.Errorf("%d %s", code, text)
	}
	if found, err := l.Search(t.Context(), l.Options.Suffix, "(uid=*)"); err != nil || found != "" {
		t.Errorf("%v %s", err, found)
	}
}

func TestDirectoryIsRefused(t *testing.T) {
	for _, c := range []struct{ place, words string }{
		{"http://x/dc=x", "neither ldap: nor ldaps:"},
		{"ldap://anna:geheim@x/dc=x", "does not belong here"},
		{"ldap://x/?bind=cn=x", "no base is named"},
		{"ldap://x/dc=x", "the name to log on with is missing"},
		{"ldap://x/dc=x?bind=cn=x&schema=nds", "want inetorgperson, ad or exchange55"},
		{"ldap://x/dc=x?bind=cn=x&password=geheim", "want none, random or alias"},
		{"ldap://x/dc=x?bind=cn=x&users=People", "no distinguished name"},
		{"ldap://x/dc=x?bind=cn=x&schema=exchange55&password=random", "Exchange 5.5 keeps no passwords"},
		{"ldap://x/dc=x?bind=cn=x&password=random", "--directory-passwords"},
		{"ldap://x/dc=x?bind=cn=x&tls=none", "everybody on the way"},
		{"", "no directory is named"},
	} {
		t.Setenv("WAYBILL_DIRECTORY_PASSWORD", "secret")
		code, text := runs(t, "directory", "preflight", "--directory", c.place)
		if code != exitUsage || !strings.Contains(text, c.words) || strings.Contains(text, "geheim") {
			t.Errorf("%s: %d %s", c.place, code, text)
		}
	}
}

// TestUsersFrom describes the users of a source that knows nothing of them but
// their mailboxes.
func TestUsersFrom(t *testing.T) {
	l := counterpart.NewOpenLDAP(t, counterpart.OpenLDAPOptions{})
	err := l.Modify(t.Context(), "dn: uid=a.aal,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: a.aal\ncn: Anna Aal\nsn: Aal\ngivenName: Anna\nmail: anna@example.org\nmail: aal@example.org\ntitle: Captain\n\n"+
		"dn: uid=dora,ou=People,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\nuid: dora\ncn: Dora\nsn: D\nmail: dora@example.org\n\n"+
		"dn: cn=Carla,ou=Contacts,dc=example,dc=org\nchangetype: add\nobjectClass: inetOrgPerson\ncn: Carla\nsn: C\nmail: carla@elsewhere.example\n\n"+
		"dn: cn=crew,ou=Groups,dc=example,dc=org\nchangetype: add\nobjectClass: groupOfNames\ncn: crew\nmember: uid=a.aal,ou=People,dc=example,dc=org\nmember: uid=dora,ou=People,dc=example,dc=org\nmember: cn=Carla,ou=Contacts,dc=example,dc=org\n\n")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, sub := range []string{"cur", "new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(dir, "mail", "anna@example.org", sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("WAYBILL_USERS_FROM_PASSWORD", "geheim")
	site := filepath.Join(dir, "new.site")
	code, text := runs(t, "migrate", "--from", "maildir:"+filepath.Join(dir, "mail"), "--to", "site:"+site, "--ledger", filepath.Join(dir, "ledger"), "--report", filepath.Join(dir, "report"),
		"--users-from", "ldap://"+l.Addr+"/"+l.Options.Suffix+"?bind="+url.QueryEscape(l.Operator()))
	if code != exitProven {
		t.Fatalf("%d %s", code, text)
	}
	target, err := (&env{ctx: t.Context(), systems: newRegistry(&env{})}).openSource("site:" + site)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	for u, err := range target.Users(t.Context()) {
		if err != nil || u.Name != "Anna Aal" || u.Last != "Aal" || len(u.Addresses) < 2 || u.Addresses[1].Value != "aal@example.org" {
			t.Errorf("%+v, %v", u, err)
		}
	}
	book, err := target.Book(t.Context())
	if err != nil || len(book.Contacts) != 1 || len(book.Lists) != 1 || strings.Join(book.Lists[0].Members, " ") != "anna@example.org SMTP:dora@example.org Carla" {
		t.Errorf("%+v, %v", book, err)
	}
}
