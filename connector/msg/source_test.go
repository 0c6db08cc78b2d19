package msg

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/failure"
	"waybill/internal/corpus"
	"waybill/mail"
)

func TestConformance(t *testing.T) {
	dir := office(t)
	connectortest.RunSource(t, connectortest.SourceConfig{
		Dir: dir,
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			return Source(ctx, connector.Location{Scheme: scheme, Path: dir})
		},
		Change: func(t *testing.T, user string, folder mail.Path) {
			where := filepath.Join(append([]string{dir, user}, folder.Names()...)...)
			if folder == mail.Inbox {
				where = filepath.Join(dir, user)
			}
			letter("IPM.Note", "one more", "more").write(t, filepath.Join(where, "zz.msg"))
		},
	})
}

// found is what a source gives of one message.
type found struct {
	message mail.Message
	err     error
	text    string
}

func open(t *testing.T, path string, options map[string][]string) connector.Source {
	t.Helper()
	s, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: path, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readAll reads every message of a source by "user folder key".
func readAll(t *testing.T, s connector.Source) map[string]found {
	t.Helper()
	all := map[string]found{}
	for u, err := range s.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		box, err := s.Mailbox(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		folders, err := box.Folders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range folders {
			for m, err := range box.Messages(t.Context(), f.Path) {
				one := found{message: m, err: err}
				if err == nil {
					one.text, one.err = read(t, box, f.Path, m)
				}
				all[u.ID+" "+string(f.Path)+" "+m.Key] = one
			}
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func read(t *testing.T, box connector.SourceMailbox, path mail.Path, m mail.Message) (string, error) {
	t.Helper()
	r, err := box.Open(t.Context(), path, m)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestOffice(t *testing.T) {
	all := readAll(t, open(t, office(t), nil))
	want := []string{"anna Contacts Bert.msg", "anna INBOX Grüße.msg", "anna INBOX second.MSG", "anna Work/2003 a.msg", "bert INBOX broken.msg", "bert Sent Items 1.msg"}
	if got := slices.Sorted(maps.Keys(all)); !slices.Equal(got, want) {
		t.Fatalf("messages are %q, want %q", got, want)
	}
	first := all["anna INBOX Grüße.msg"]
	for _, part := range []string{"Subject: =?", "anna@example.org", "Hallo", "Bild.bin", "AAH/"} {
		if !strings.Contains(first.text, part) {
			t.Errorf("the message lacks %q:\n%s", part, first.text)
		}
	}
	if !first.message.InternalDate.Equal(when) || first.message.Flags.System != mail.Seen {
		t.Errorf("the message is of %v with %s", first.message.InternalDate, first.message.Flags)
	}
	if text := all["anna Contacts Bert.msg"].text; !strings.Contains(text, "text/vcard") || !strings.Contains(text, "BEGIN:VCARD") {
		t.Errorf("the contact is carried as\n%s", text)
	}
	if err := all["bert INBOX broken.msg"].err; failure.ClassOf(err) != failure.Malformed {
		t.Errorf("a file that is no message gives %v", err)
	}
}

func TestOneUser(t *testing.T) {
	dir := office(t)
	if all := readAll(t, open(t, filepath.Join(dir, "anna"), nil)); all["anna INBOX second.MSG"].text == "" {
		t.Errorf("a directory with messages in it is one user, and gives %q", slices.Sorted(maps.Keys(all)))
	}
	all := readAll(t, open(t, filepath.Join(dir, "anna", "Work"), map[string][]string{"user": {"w"}}))
	if _, ok := all["w 2003 a.msg"]; !ok || len(all) != 1 {
		t.Errorf("with an option the user has %v", slices.Sorted(maps.Keys(all)))
	}
	if _, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: dir, Options: map[string][]string{"receipts": {"x"}}}); failure.ClassOf(err) != failure.Usage {
		t.Errorf("an unknown value is taken: %v", err)
	}
}

// TestRealMail reads every .msg file of the collection: each is listed once, each
// that another program could read is read here, and reads the same twice.
func TestRealMail(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of files")
	}
	dir := corpus.Dir(t, "msg")
	files, lower := map[string]bool{}, 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && isMessage(d.Name()) {
			rel, _ := filepath.Rel(dir, path)
			files[rel] = true
			lower++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	readable := othersRead(t, dir)
	s := open(t, dir, nil)
	first, second := readAll(t, s), readAll(t, s)
	damaged := 0
	for key, one := range first {
		user, rest, _ := strings.Cut(key, " ")
		if one.err != nil {
			damaged++
			folder := strings.TrimSuffix(rest, " "+one.message.Key)
			if folder == "INBOX" {
				folder = ""
			}
			rel := filepath.Join(user, folder, one.message.Key)
			t.Logf("%s: %v", rel, one.err)
			if readable[rel] {
				t.Errorf("%s is read by another program", rel)
			}
			continue
		}
		if sha256.Sum256([]byte(one.text)) != sha256.Sum256([]byte(second[key].text)) {
			t.Errorf("%s differs the second time", key)
		}
		if len(one.text) < 20 {
			t.Errorf("%s is %q", key, one.text)
		}
	}
	t.Logf("%d files, %d listed, %d set aside, %d that another program read", lower, len(first), damaged, len(readable))
	if len(first) != lower || lower == 0 {
		t.Errorf("%d files, and %d are listed", lower, len(first))
	}
}

// othersRead are the files that msgreader read without an error.
func othersRead(t *testing.T, dir string) map[string]bool {
	t.Helper()
	f, err := os.Open(filepath.Join(filepath.Dir(dir), "GROUNDTRUTH.csv"))
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	ok := map[string]bool{}
	for _, row := range rows {
		if len(row) >= 14 && row[1] == "msg" && row[13] == "0" && strings.HasPrefix(row[5], "@kenjiuno") {
			ok[strings.TrimPrefix(row[0], "msg/")] = true
		}
	}
	return ok
}
