package dbx

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/failure"
	"waybill/internal/corpus"
	"waybill/internal/dbxwrite"
	"waybill/mail"
)

var received = time.Date(2004, 5, 6, 7, 8, 9, 0, time.UTC)

func letter(n, size int) dbxwrite.Message {
	return dbxwrite.Message{Index: uint32(n), Flags: 0x81, Received: received, Text: fmt.Sprintf("From: a@example.org\r\nDate: Sat, 3 Jan 1998 10:00:00 +0000\r\nSubject: %d\r\n\r\n%s", n, strings.Repeat("x", size))}
}

func write(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// office writes the files of three users.
func office(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	store := filepath.Join(dir, "anna", "Identities", "{0}", "Outlook Express")
	write(t, filepath.Join(store, "Folders.dbx"), dbxwrite.Folders([]dbxwrite.Folder{
		{WithoutParent: true, Name: "Outlook Express"}, {ID: 1, Name: "Lokale Ordner", Account: "LocalStore"},
		{ID: 4, Parent: 1, Name: "Posteingang", File: "Posteingang.dbx", Role: 1}, {ID: 5, Parent: 4, Name: "Sp\xe4ter", File: "Spaeter.dbx"},
		{ID: 6, Parent: 1, Name: "Entw\xfcrfe", File: "Entw.dbx", Role: 5}, {ID: 7, Parent: 1, Name: "Fort", File: "Fort.dbx", Count: 4},
	}))
	lost := letter(4, 900)
	lost.Stranded = true
	deleted := letter(5, 900)
	deleted.Stranded, deleted.Deleted = true, true
	write(t, filepath.Join(store, "posteingang.dbx"), dbxwrite.Messages([]dbxwrite.Message{letter(1, 10), letter(2, 3000), letter(3, 512), lost, deleted, {Index: 6, Flags: 0, NoText: true}, letter(3, 1)}))
	write(t, filepath.Join(store, "Spaeter.dbx"), dbxwrite.Messages([]dbxwrite.Message{letter(1, 10)}))
	write(t, filepath.Join(store, "Extra.dbx"), dbxwrite.Messages([]dbxwrite.Message{letter(1, 20)}))
	write(t, filepath.Join(store, "Offline.dbx"), append([]byte("\xcf\xad\x12\xfe\x30\x9d\xfe\x26"), make([]byte, 100)...))
	broken := dbxwrite.Messages([]dbxwrite.Message{letter(1, 20), letter(2, 20)})
	copy(broken[0xe4:], "\x00\x00\x00\x01")
	write(t, filepath.Join(dir, "bert", "Inbox.dbx"), broken)
	write(t, filepath.Join(dir, "bert", "Sent Items.dbx"), dbxwrite.Messages(nil))
	write(t, filepath.Join(dir, "bert", "junk.dbx"), []byte("this is no folder"))
	write(t, filepath.Join(dir, "carl", "Inbox.mbx"), dbxwrite.Version4([]string{letter(1, 10).Text, "no header"}))
	write(t, filepath.Join(dir, "carl", "Inbox.idx"), []byte("JMF9"))
	write(t, filepath.Join(dir, "carl", "Eudora.mbx"), []byte("From ???@??? Sat"))
	return dir
}

func open(t *testing.T, path string, options map[string][]string) connector.Source {
	t.Helper()
	s, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: path, Options: options})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readAll tells of every folder and message of a source: the text's length, or
// the rule that it broke.
func readAll(t *testing.T, s connector.Source) map[string]string {
	t.Helper()
	all := map[string]string{}
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
			where := u.ID + " " + string(f.Path)
			all[where] = string(f.Use)
			for m, err := range box.Messages(t.Context(), f.Path) {
				all[where+" "+m.Key] = describe(t, box, f.Path, m, err)
			}
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func describe(t *testing.T, box connector.SourceMailbox, path mail.Path, m mail.Message, err error) string {
	t.Helper()
	if err != nil {
		return failure.RuleOf(err)
	}
	r, err := box.Open(t.Context(), path, m)
	if err != nil {
		return "open " + failure.RuleOf(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		return "read " + failure.RuleOf(err)
	}
	return strings.TrimSpace(fmt.Sprint(len(b), m.InternalDate.Year(), m.Flags))
}

func TestOffice(t *testing.T) {
	got := readAll(t, open(t, office(t), nil))
	want := map[string]string{
		"anna INBOX": "Inbox", "anna INBOX 1": `83 2004 \Seen`, "anna INBOX 2": `3073 2004 \Seen`, "anna INBOX 3": `585 2004 \Seen`, "anna INBOX 6": "dbx.no-text",
		"anna INBOX/Später": "", "anna INBOX/Später 1": `83 2004 \Seen`, "anna Entwürfe": "Drafts", "anna Extra": "", "anna Extra 1": `93 2004 \Seen`,
		"anna Fort": "", "anna Fort ": "dbx.no-file",
		"bert INBOX": "Inbox", "bert INBOX lost-1": "dbx.lost", "bert INBOX lost-2": "dbx.lost", "bert Sent Items": "Sent", "bert junk": "Junk", "bert junk ": "dbx.signature",
		"carl INBOX": "Inbox", "carl INBOX 1": "83 1998", "carl INBOX 2": "9 " + fmt.Sprint(time.Now().Year()),
	}
	for key := range got { // the second message of number 3 is told apart by its place
		if strings.HasPrefix(key, "anna INBOX 3@") && got[key] == `74 2004 \Seen` {
			delete(got, key)
			want["a twin"] = "found"
			got["a twin"] = "found"
		}
	}
	if !maps.Equal(got, want) {
		for _, key := range slices.Sorted(maps.Keys(got)) {
			if got[key] != want[key] {
				t.Errorf("%q is %q, want %q", key, got[key], want[key])
			}
		}
		for key := range want {
			if _, ok := got[key]; !ok {
				t.Errorf("%q is missing", key)
			}
		}
	}
}

func TestRecover(t *testing.T) {
	dir := office(t)
	got := readAll(t, open(t, dir, map[string][]string{"recover": {"1"}}))
	var found []string
	for key, text := range got {
		if who, rest, ok := strings.Cut(key, " Recovered "); ok {
			name, _, _ := strings.Cut(filepath.Base(rest), "@")
			found = append(found, who+" "+name+": "+text)
		}
	}
	slices.Sort(found)
	// The deleted message has no facts left, and nothing of its Date is lost.
	want := []string{`anna posteingang.dbx: 973 1998`, `anna posteingang.dbx: 973 2004 \Seen`, `bert Inbox.dbx: 93 2004 \Seen`, `bert Inbox.dbx: 93 2004 \Seen`}
	if !slices.Equal(found, want) {
		t.Errorf("recovered are %q, want %q", found, want)
	}
}

func TestConformance(t *testing.T) {
	for name, options := range map[string]map[string][]string{"plain": nil, "recover": {"recover": {"1"}}} {
		t.Run(name, func(t *testing.T) {
			dir := office(t)
			connectortest.RunSource(t, connectortest.SourceConfig{
				Dir: dir,
				OpenSource: func(ctx context.Context) (connector.Source, error) {
					return Source(ctx, connector.Location{Scheme: scheme, Path: dir, Options: options})
				},
				Change: func(t *testing.T, user string, _ mail.Path) {
					err := filepath.WalkDir(filepath.Join(dir, user), func(path string, d os.DirEntry, err error) error {
						if err == nil && d.Type().IsRegular() {
							return os.Chtimes(path, time.Time{}, time.Now())
						}
						return err
					})
					if err != nil {
						t.Fatal(err)
					}
				},
			})
		})
	}
}

func TestOneFileAndOptions(t *testing.T) {
	dir := office(t)
	got := readAll(t, open(t, filepath.Join(dir, "bert", "Sent Items.dbx"), nil))
	if !maps.Equal(got, map[string]string{"Sent Items INBOX": "Inbox"}) {
		t.Errorf("one file gives %v", got)
	}
	for _, o := range []map[string][]string{{"recover": {"yes"}}, {"codepage": {"x"}}, {"other": {"1"}}} {
		if _, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: dir, Options: o}); failure.ClassOf(err) != failure.Usage {
			t.Errorf("%v is taken: %v", o, err)
		}
	}
	if _, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: dir + "/none"}); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
}

// TestRealOffice reads a profile of Outlook Express 6 as one mailbox. undbx takes
// as many messages out of each of its files.
func TestRealOffice(t *testing.T) {
	if testing.Short() {
		t.Skip("real files")
	}
	dir := filepath.Join(corpus.Dir(t, "dbx"), "KDE__mailimporter", "oe6")
	got := readAll(t, open(t, dir, nil))
	counts := map[string]int{}
	for key := range got {
		for _, folder := range []string{"INBOX", "INBOX/KDE", "INBOX/KDE/kmail", "Mailinglists", "Mailinglists/acpi-devel", "Mailinglists/ck", "Mailinglists/hal", "Mailinglists/hal/hal-commit", "Mailinglists/linux-kernel"} {
			if strings.HasPrefix(key, "oe6 "+folder+" ") {
				counts[folder]++
			}
		}
	}
	want := map[string]int{"INBOX": 1, "INBOX/KDE": 5, "INBOX/KDE/kmail": 5, "Mailinglists/acpi-devel": 4, "Mailinglists/ck": 5, "Mailinglists/hal": 3, "Mailinglists/hal/hal-commit": 4, "Mailinglists/linux-kernel": 4}
	if !maps.Equal(counts, want) || len(got) != 31+13 || got["oe6 Entwürfe"] != "Drafts" {
		t.Errorf("%d folders and messages: %v, want %v", len(got), counts, want)
	}
}
