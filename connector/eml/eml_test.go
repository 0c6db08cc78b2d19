package eml

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/internal/corpus"
	"waybill/mail"
)

func plant(t *testing.T, dir string, content map[string]string) {
	t.Helper()
	for name, text := range content {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "/") {
			if err := os.MkdirAll(path, 0o700); err != nil {
				t.Fatal(err)
			}
		} else if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func openBox(t *testing.T, dir, user string) connector.SourceMailbox {
	t.Helper()
	s, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	box, err := s.Mailbox(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func listing(t *testing.T, box connector.SourceMailbox) []string {
	t.Helper()
	folders, err := box.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, f := range folders {
		line := "folder " + string(f.Path)
		for _, n := range f.Notes {
			line += " (" + n.Kind + ")"
		}
		lines = append(lines, line)
		for m, err := range box.Messages(t.Context(), f.Path) {
			line := fmt.Sprintf("  %s %d %s", m.Key, m.Size, m.Flags)
			if err != nil {
				line = "  " + m.Key + " error " + failure.RuleOf(err)
			}
			for _, n := range m.Notes {
				line += "(" + n.Kind + ")"
			}
			lines = append(lines, line)
		}
	}
	return lines
}

func TestForeignTree(t *testing.T) {
	dir := t.TempDir()
	const dated = "Date: Sun, 09 Mar 2003 17:04:05 +0100\n\nx"
	plant(t, dir, map[string]string{
		"anna/1.eml": dated, "anna/2.EML": "no date\n", "anna/readme.txt": "x", "anna/.hidden.eml": "x", "anna/Work/Old/3.eml": dated, "anna/Work.eml/": "",
		"anna/a%2Fb/": "", "anna/INBOX/Sub/4.eml": dated, "bert/Inbox/5.eml": dated, "stray.txt": "x",
		"anna/.waybill.jsonl": `{"file":"1.eml","date":"2004-01-02T03:04:05Z","flags":["\\Seen"]}` + "\n" +
			`{"file":"1.eml","date":"2004-01-02T03:04:05Z","flags":["\\Seen","Harbour"]}` + "\nrubbish\n" + `{"file":"2.EML","da`,
	})
	if err := os.Symlink("nowhere", filepath.Join(dir, "anna/9.eml")); err != nil {
		t.Fatal(err)
	}
	got := listing(t, openBox(t, dir, "anna"))
	want := []string{
		"folder INBOX (files-ignored)", `  1.eml 40 \Seen Harbour`, "  2.EML 8 (date-from-file)", "folder INBOX/Sub", "  4.eml 40 (date-from-header)",
		"folder Work", "folder Work/Old", "  3.eml 40 (date-from-header)", "folder Work.eml", `folder a\/b`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("listing is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := listing(t, openBox(t, dir, "bert")); !slices.Equal(got, []string{"folder INBOX", "  5.eml 40 (date-from-header)"}) {
		t.Errorf("a directory called Inbox is read as %q", got)
	}
	for _, key := range []string{"../bert/Inbox/5.eml", "gone.eml", "", ".waybill.jsonl"} {
		if _, err := openBox(t, dir, "anna").Open(t.Context(), mail.Inbox, mail.Message{Key: key}); failure.ClassOf(err) != failure.Vanished {
			t.Errorf("opening %q gives %v", key, err)
		}
	}
}

func TestFilesAloneAreOneUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "anna")
	plant(t, dir, map[string]string{"1.eml": "x\n", "Sub/2.eml": "y\n"})
	s, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for u, err := range s.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u.ID)
	}
	if !slices.Equal(users, []string{"anna"}) || len(listing(t, openBox(t, dir, "anna"))) != 4 {
		t.Errorf("users are %q with %q", users, listing(t, openBox(t, dir, "anna")))
	}
	if _, err := s.Mailbox(t.Context(), "bert"); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("another user's mailbox gives %v", err)
	}
}

func TestDates(t *testing.T) {
	want := time.Date(2003, time.March, 9, 16, 4, 5, 0, time.UTC)
	for _, header := range []string{
		"Date: Sun, 09 Mar 2003 17:04:05 +0100\n\n", "date:Sun, 9 Mar 2003 16:04:05 GMT\r\n\r\n", "Subject: x\r\nDATE:  9 Mar 03 17:04:05 +0100 (CET)\r\n\r\n",
		"Date: Sun,\r\n\t09 Mar 2003\r\n 17:04:05 +0100\r\n\r\n", "Date: Sun Mar  9 16:04:05 2003\n\n", "Date: 2003-03-09T16:04:05Z\n\n", "Date : Sun, 9 Mar 2003 16:04:05\r\r",
		"Date: Sunday, 9 March 2003 17:04:05 +0100\n\n", "X: y\nDate: 2003-03-09 16:04:05",
		"DKIM-Signature: h=from :\n date : to\nDate: Sun, 09 Mar 2003 17:04:05 +0100\n\n",
	} {
		if got, ok := headerDate([]byte(header)); !ok || !got.Equal(want) {
			t.Errorf("%q has the date %v, %v", header, got, ok)
		}
	}
	for _, header := range []string{"", "Subject: x\n\nDate: Sun, 09 Mar 2003 17:04:05 +0100\n", "Date: yesterday\n", "Date:\n\n", "Date: Sun, 09 Mar 0003 17:04:05 +0100\n\n", "Resent-Date: 2003-03-09T16:04:05Z\n\n"} {
		if got, ok := headerDate([]byte(header)); ok {
			t.Errorf("%q has the date %v", header, got)
		}
	}
}

func TestFactsComeBack(t *testing.T) {
	word := rapid.StringMatching(`[^\x00]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		fs := newFacts()
		type known struct {
			date time.Time
			set  mail.FlagSet
		}
		want := map[string]known{}
		for range rapid.IntRange(1, 10).Draw(t, "lines") {
			k := known{set: mail.NewFlagSet(mail.Flags(rapid.IntRange(0, int(allFlags)).Draw(t, "system")), rapid.SliceOfN(word, 0, 3).Draw(t, "keywords")...)}
			if rapid.Bool().Draw(t, "dated") {
				k.date = time.Unix(rapid.Int64Range(-2_208_988_800, 32_503_680_000).Draw(t, "date"), 0).UTC()
			}
			name := rapid.SampledFrom([]string{"a.eml", "b.eml", "ä\".eml"}).Draw(t, "name")
			fs.set(newLine(name, k.date, k.set))
			want[name] = k
		}
		for name, k := range want {
			if date, set, ok := fs.get(name); !ok || !date.Equal(k.date) || date.IsZero() != k.date.IsZero() || !set.Equal(k.set) {
				t.Fatalf("%s is %v %q, want %v %q", name, date, set, k.date, k.set)
			}
		}
	})
}

// A crash may cut the last line of the sidecar; what is written next must not
// become part of it.
func TestTornSidecar(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.CreateAccount(ctx, directory.User{ID: "anna"}); err != nil {
		t.Fatal(err)
	}
	plant(t, dir, map[string]string{"anna/.waybill.jsonl": `{"file":"torn`})
	box, err := target.Mailbox(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	want := mail.NewFlagSet(mail.Seen, "Harbour")
	date := time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 2 {
		at, err := box.Position(ctx, mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		item := connector.Item{Message: mail.Message{Flags: want, InternalDate: date}, Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }}
		if _, err := box.Append(ctx, mail.Inbox, at, []connector.Item{item}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for m, err := range openBox(t, dir, "anna").Messages(ctx, mail.Inbox) {
		if n++; err != nil || !m.Flags.Equal(want) || !m.InternalDate.Equal(date) || len(m.Notes) > 0 {
			t.Errorf("message %s has %v, %q, %v, %v", m.Key, m.InternalDate, m.Flags, m.Notes, err)
		}
	}
	if n != 2 {
		t.Errorf("%d messages are listed, want 2", n)
	}
}

func TestCorpora(t *testing.T) {
	dir := corpus.Dir(t, "eml")
	root := filepath.Join(t.TempDir(), "all")
	names := 0
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		names++
		to := filepath.Join(root, "anna", fmt.Sprintf("%d", names/1000), fmt.Sprintf("%d.eml", names))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		return os.Rename(path, to)
	})
	if err != nil || names == 0 {
		t.Fatalf("%d files, %v", names, err)
	}
	box := openBox(t, root, "anna")
	folders, err := box.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found, undated := 0, 0
	for _, f := range folders {
		for m, err := range box.Messages(t.Context(), f.Path) {
			if err != nil {
				t.Errorf("%s/%s: %v", f.Path, m.Key, err)
				continue
			}
			found++
			if m.Notes[0].Kind == "date-from-file" {
				undated++
			}
			r, err := box.Open(t.Context(), f.Path, m)
			if err != nil {
				t.Errorf("%s/%s: %v", f.Path, m.Key, err)
				continue
			}
			n, err := io.Copy(io.Discard, r)
			if _ = r.Close(); err != nil || n != m.Size {
				t.Errorf("%s/%s: read %d of %d bytes, %v", f.Path, m.Key, n, m.Size, err)
			}
		}
	}
	if found != names {
		t.Errorf("%d messages are listed, and there are %d files", found, names)
	}
	t.Logf("%d of %d messages have no readable Date field", undated, found)
	if undated > found/10 {
		t.Errorf("%d of %d messages have no readable Date field; real mail nearly always has one", undated, found)
	}
}

func FuzzHeaderDate(f *testing.F) {
	for _, s := range []string{"Date: Sun, 09 Mar 2003 17:04:05 +0100\n\n", "date:\r\n 9 Mar 03 17:04 GMT\r", "Date: (((((", ":\n:\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		kept := string(header)
		if d, ok := headerDate(header); ok && (d.Year() < 1900 || d.Year() > 2200) {
			t.Fatalf("date %v", d)
		}
		if string(header) != kept {
			t.Fatal("the header was changed")
		}
	})
}

func FuzzFacts(f *testing.F) {
	f.Add([]byte(`{"file":"1.eml","date":"2004-01-02T03:04:05Z","flags":["\\Seen","x"]}`))
	f.Add([]byte(`{"file":1}`))
	f.Add([]byte("\xff{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		fs := newFacts()
		fs.learn(text)
		for name := range fs.of {
			if _, _, ok := fs.get(name); !ok || name == "" {
				t.Fatalf("%q is known and not found", name)
			}
		}
	})
}
