package mmff

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func open(t *testing.T, path string, options ...string) connector.Source {
	t.Helper()
	loc := connector.Location{Scheme: scheme, Path: path, Options: map[string][]string{}}
	for i := 0; i+1 < len(options); i += 2 {
		loc.Options.Set(options[i], options[i+1])
	}
	s, err := Source(context.Background(), loc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// listing is what a folder holds: bytes by key, and the rules that messages broke.
func listing(t *testing.T, s connector.Source, user string, folder mail.Path) (texts, rules []string, messages []mail.Message) {
	t.Helper()
	box, err := s.Mailbox(context.Background(), user)
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	for m, err := range box.Messages(context.Background(), folder) {
		if err != nil {
			if m.Key == "" {
				t.Fatal(err)
			}
			rules = append(rules, failure.RuleOf(err))
			continue
		}
		r, err := box.Open(context.Background(), folder, m)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil || r.Close() != nil {
			t.Fatal(err)
		}
		texts, messages = append(texts, string(b)), append(messages, m)
	}
	return texts, rules, messages
}

const two = "VERSION:3.00\r\nTO:CSI:NET/PO/BERT\r\nTO:SMTP:carl@example.org\r\nFROM:NET/PO/ANNA\r\nDATE:1996-02-29\r\nTIME:23:59\r\nSUBJECT:Gr\x81\xe1e\r\nPRIORITY:5\r\n" +
	"ATTACHMENT:C:\\TMP\\A.TXT 3\r\nTEXT:7\r\nS\x81den\r\nxyz" +
	"VERSION:3.00\r\nTEXT:99999\r\nthis one is broken\r\n" +
	"VERSION:3.00\r\nTO:x\r\nXATTACH:d:\\out\\Letter.doc letter.doc\r\nXATTACH:..\\..\\secret gone.doc\r\nTEXT:0\r\n" +
	"VERSION:3.00\r\nTO:x\r\nEXT:I:3:HEADLEN\r\n1\r\nXATTACH:LETTER.DOC\r\nTEXT:2\r\nhi\r\n"

func TestSource(t *testing.T) {
	dir := lay(t, map[string]string{"anna/out.mmf": two, "anna/LETTER.DOC": "doc", "anna/readme.txt": "no mail", "anna/Old/1.txt": "VERSION:3.00\nTEXT:0\n", "secret": "x"})
	s := open(t, dir, "zone", "Europe/Berlin")
	texts, rules, messages := listing(t, s, "anna", mail.Inbox)
	if len(texts) != 2 || strings.Join(rules, " ") != "mmff.truncated mmff.external" {
		t.Fatalf("%d messages, faults %v", len(texts), rules)
	}
	for _, want := range []string{"From: IMCEACSI-NET_PO_ANNA@migrated.invalid", "carl@example.org", "Date: Thu, 29 Feb 1996 23:59:00 +0100", "X-Priority: 1", "S=C3=BCden", "filename=A.TXT", "=?utf-8?"} {
		if !strings.Contains(strings.ReplaceAll(texts[0], `"`, ""), want) && !strings.Contains(strings.ToLower(texts[0]), strings.ToLower(want)) {
			t.Errorf("no %q in\n%s", want, texts[0])
		}
	}
	if !messages[0].InternalDate.Equal(time.Date(1996, 2, 29, 22, 59, 0, 0, time.UTC)) || !strings.HasPrefix(messages[0].Key, "out.mmf@1.0") {
		t.Errorf("%+v", messages[0])
	}
	notes := ""
	for _, n := range messages[1].Notes {
		notes += n.Kind + " "
	}
	if !strings.Contains(notes, noteHeader) || !strings.Contains(notes, noteExternal) || !strings.Contains(texts[1], "ZG9j") {
		t.Errorf("notes %s\n%s", notes, texts[1])
	}
	if old, rules, _ := listing(t, s, "anna", "Old"); len(old) != 1 || len(rules) != 0 {
		t.Errorf("folder Old: %d, %v", len(old), rules)
	}
	box, _ := s.Mailbox(context.Background(), "anna")
	for _, key := range []string{"", "x", "../anna/out.mmf@1.0", "out.mmf@1.5", "out.mmf@9.99999", "~abc@1.0"} {
		if _, err := box.Open(context.Background(), mail.Inbox, mail.Message{Key: key}); failure.ClassOf(err) != failure.Vanished && failure.ClassOf(err) != failure.Malformed {
			t.Errorf("key %q: %v", key, err)
		}
	}
}

func TestOneFile(t *testing.T) {
	dir := lay(t, map[string]string{"export.mmf": two})
	for _, path := range []string{filepath.Join(dir, "export.mmf"), dir} {
		s := open(t, path)
		var users []string
		for u, err := range s.Users(context.Background()) {
			if err != nil {
				t.Fatal(err)
			}
			users = append(users, u.ID)
		}
		if texts, _, _ := listing(t, s, users[0], mail.Inbox); len(users) != 1 || len(texts) != 1 {
			t.Errorf("%s: users %v, %d messages", path, users, len(texts))
		}
	}
	if _, err := Source(context.Background(), connector.Location{Scheme: scheme, Path: filepath.Join(dir, "none")}); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
}

// What the format cannot hold is told, and blind copies are not shown to anybody.
func TestTargetTellsLosses(t *testing.T) {
	dir := t.TempDir()
	target, err := Target(context.Background(), connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.CreateAccount(context.Background(), directory.User{ID: "anna"}); err != nil {
		t.Fatal(err)
	}
	box, err := target.Mailbox(context.Background(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	at, err := box.Position(context.Background(), mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	const text = "From: Anna Berg <anna@example.org>\r\nTo: bert@example.org\r\nCc: Carl <carl@example.org>\r\nBcc: dora@example.org\r\nSubject: =?utf-8?q?=E6=97=A5_x?=\r\nDate: Thu, 29 Feb 1996 23:59:58 +0000\r\n\r\nhello\r\n"
	receipts, err := box.Append(context.Background(), mail.Inbox, at, []connector.Item{{Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}})
	if err != nil || receipts[0].Err != nil {
		t.Fatal(err, receipts)
	}
	notes := ""
	for _, n := range receipts[0].Notes {
		notes += n.Kind + " "
	}
	for _, want := range []string{noteNames, noteCopies, noteBlind, "characters-replaced"} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %s in %s", want, notes)
		}
	}
	b, err := os.ReadFile(filepath.Join(dir, "anna", receipts[0].ID))
	if want := "VERSION:3.00\r\nTO:SMTP:bert@example.org\r\nTO:SMTP:carl@example.org\r\nFROM:SMTP:anna@example.org\r\nDATE:1996-02-29\r\nTIME:23:59\r\nSUBJECT:? x\r\nTEXT:7\r\nhello\r\n"; err != nil || string(b) != want {
		t.Errorf("%v\n%q\n%q", err, b, want)
	}
}
