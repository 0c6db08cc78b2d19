package mbox

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

const (
	fromLine = "From a@example.org Fri Jul  8 12:08:34 2011\n"
	head     = "Subject: x\n\n"
)

// lay writes files, with modification times that are not young.
func lay(t testing.TB, tree map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range tree {
		write(t, filepath.Join(dir, name), content, 1)
	}
	return dir
}

// write replaces a file; stamp tells one time of change from another.
func write(t testing.TB, path, content string, stamp int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	when := time.Date(2020, 1, 1, 0, 0, stamp, 0, time.UTC)
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
}

func openSource(t testing.TB, path, options string) connector.Source {
	t.Helper()
	loc, err := connector.ParseLocation("mbox:" + path + options)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Source(t.Context(), loc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openMailbox(t testing.TB, path, user string) connector.SourceMailbox {
	t.Helper()
	m, err := openSource(t, path, "").Mailbox(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func users(t testing.TB, s connector.Source) (ids []string) {
	t.Helper()
	for u, err := range s.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, u.ID)
	}
	return ids
}

func list(t testing.TB, m connector.SourceMailbox, path mail.Path) (messages []mail.Message) {
	t.Helper()
	for msg, err := range m.Messages(t.Context(), path) {
		if err != nil {
			t.Fatal(err)
		}
		messages = append(messages, msg)
	}
	return messages
}

func read(t testing.TB, m connector.SourceMailbox, path mail.Path, msg mail.Message) (string, error) {
	t.Helper()
	r, err := m.Open(t.Context(), path, msg)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	return string(b), err
}

func TestLayouts(t *testing.T) {
	one := fromLine + head + "1\n\n"
	for _, c := range []struct {
		name    string
		tree    map[string]string
		folders map[string][]string // user to folders; "*" marks a container
		notes   int                 // of kind mbox.ignored-file
	}{
		{"files", map[string]string{"anna.mbox": one, "bert.hale.mbox": "", ".hidden": one, "notes.txt": "x"},
			map[string][]string{"anna": {"INBOX"}, "bert.hale": {"INBOX"}}, 0},
		{"spool", map[string]string{"anna": one, "bert": "", "carl.lock": "", "dora.hale": one, "readme.txt": "text"},
			map[string][]string{"anna": {"INBOX"}, "bert": {"INBOX"}, "dora.hale": {"INBOX"}}, 0},
		{"folders", map[string]string{"anna/INBOX.mbox": one, "anna/Work.mbox": one, "anna/Work/2003.mbox": one, "anna/Old/1999.mbox": "", "anna/.imap/x": "x"},
			map[string][]string{"anna": {"INBOX", "Old*", "Old/1999", "Work", "Work/2003"}}, 0},
		{"file and folders", map[string]string{"anna.mbox": one, "anna/Sent.mbox": one},
			map[string][]string{"anna": {"INBOX", "Sent"}}, 0},
		{"Mozilla", map[string]string{"anna/Inbox": one, "anna/Inbox.msf": "// <!-- mdb -->", "anna/Trash": "", "anna/Inbox.sbd/Sub": one,
			"anna/Inbox.sbd/Sub.msf": "x", "anna/popstate.dat": "x", "anna/Archives.sbd/2020": one, "anna/Inbox.mozmsgs/1.wdseml": "x", "anna/filterlog.html": "x"},
			map[string][]string{"anna": {"INBOX", "INBOX/Sub", "Archives*", "Archives/2020", "Trash"}}, 5},
		{"Apple", map[string]string{"anna/Letters.mbox/mbox": one, "anna/Letters.mbox/table_of_contents": "x", "bert.mbox/mbox": one},
			map[string][]string{"anna": {"Letters"}, "bert": {"INBOX"}}, 0},
		{"two inboxes", map[string]string{"anna.mbox": one, "anna/INBOX.mbox": one},
			map[string][]string{"anna": {"INBOX", "INBOX (INBOX.mbox)"}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := lay(t, c.tree)
			got := map[string][]string{}
			notes := 0
			for _, u := range users(t, openSource(t, dir, "")) {
				folders, err := openMailbox(t, dir, u).Folders(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range folders {
					name := string(f.Path)
					if f.Container {
						name += "*"
					}
					got[u] = append(got[u], name)
					for _, n := range f.Notes {
						if n.Kind == "mbox.ignored-file" {
							notes++
						}
					}
				}
			}
			if !maps.EqualFunc(got, c.folders, slices.Equal) {
				t.Errorf("folders are %q, want %q", got, c.folders)
			}
			if notes != c.notes {
				t.Errorf("%d files were left out with a note, want %d", notes, c.notes)
			}
		})
	}
}

func TestSingleFile(t *testing.T) {
	dir := lay(t, map[string]string{"Archive 1999.mbox": fromLine + head + "1\n\n"})
	path := filepath.Join(dir, "Archive 1999.mbox")
	if got := users(t, openSource(t, path, "")); !slices.Equal(got, []string{"Archive 1999"}) {
		t.Fatalf("users are %q", got)
	}
	if n := len(list(t, openMailbox(t, path, "Archive 1999"), mail.Inbox)); n != 1 {
		t.Errorf("%d messages, want 1", n)
	}
}

func TestOneMozillaUserIsNoSite(t *testing.T) {
	dir := lay(t, map[string]string{"Inbox": fromLine + head, "Inbox.msf": "x"})
	for _, err := range openSource(t, dir, "").Users(t.Context()) {
		if failure.ClassOf(err) != failure.Usage || failure.RuleOf(err) != "mbox.one-user" {
			t.Errorf("error is %v", err)
		}
		return
	}
	t.Error("no users and no error")
}

func TestFlagsAndDates(t *testing.T) {
	noon := time.Date(2011, 7, 8, 12, 8, 34, 0, time.UTC)
	moz := "From - Fri Jul  8 12:08:34 2011\n"
	for _, c := range []struct {
		name, file, options string
		flags               string
		date                time.Time
		notes               []string
	}{
		{"plain", fromLine + head + "\n", "", "", noon, nil},
		{"status", fromLine + "Status: RO\nX-Status: AF\nX-Keywords: work later\n" + head + "\n", "", `\Seen \Answered \Flagged later work`, noon, nil},
		{"draft, deleted", fromLine + "X-Status: DT\nX-Keywords:\n" + head + "\n", "", `\Deleted \Draft`, noon, nil},
		{"Mozilla", moz + "X-Mozilla-Status: 1007\nX-Mozilla-Status2: 00000000\nX-Mozilla-Keys: $label1 NonJunk                   \n" + head + "\n", "",
			`\Seen \Answered \Flagged $Forwarded $label1 NonJunk`, noon, nil},
		{"Mozilla expunged", moz + "X-Mozilla-Status: 0009\n" + head + "\n", "", `\Seen \Deleted`, noon, []string{"mbox.expunged"}},
		{"zone in the line", "From a@b Fri Jul  8 14:08:34 2011 +0200\n" + head + "\n", "", "", noon, nil},
		{"zone as option", fromLine + head + "\n", "?zone=Europe/Berlin", "", noon.Add(-2 * time.Hour), nil},
		{"date from header", "From -\nDate: Fri, 08 Jul 2011 14:08:34 +0200\n" + head + "\n", "", "", noon, []string{"date-guessed"}},
		{"date from file", "From -\n" + head + "\n", "", "", time.Date(2020, 1, 1, 0, 0, 1, 0, time.UTC), []string{"date-guessed"}},
		{"quoted", fromLine + head + ">From me\n\n", "", "", noon, []string{"mbox.quoted-from"}},
		{"quoted, proven", fromLine + head + ">From me\n>>From you\n\n", "", "", noon, nil},
		{"quoted, told", fromLine + head + ">From me\n\n", "?quoting=mboxrd", "", noon, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := lay(t, map[string]string{"anna.mbox": c.file})
			m, err := openSource(t, dir, c.options).Mailbox(t.Context(), "anna")
			if err != nil {
				t.Fatal(err)
			}
			messages := list(t, m, mail.Inbox)
			if len(messages) != 1 {
				t.Fatalf("%d messages, want 1", len(messages))
			}
			msg := messages[0]
			if msg.Flags.String() != c.flags {
				t.Errorf("flags are %q, want %q", msg.Flags, c.flags)
			}
			if !msg.InternalDate.Equal(c.date) {
				t.Errorf("date is %v, want %v", msg.InternalDate, c.date)
			}
			var notes []string
			for _, n := range msg.Notes {
				notes = append(notes, n.Kind)
			}
			if !slices.Equal(notes, c.notes) {
				t.Errorf("notes are %q, want %q", notes, c.notes)
			}
			body, err := read(t, m, mail.Inbox, msg)
			if err != nil || int64(len(body)) != msg.Size {
				t.Errorf("size is %d, and %d bytes were read (%v)", msg.Size, len(body), err)
			}
			if strings.Contains(c.name, "quoted, ") != strings.Contains(body, "\nFrom me") {
				t.Errorf("unquoted wrongly: %q", body)
			}
		})
	}
}

// TestKeysSurvive lets other programs work on the file between listing and
// opening, and between two listings.
func TestKeysSurvive(t *testing.T) {
	msg := func(state, subject string) string {
		return fromLine + "Subject: " + subject + "\n" + state + "\nbody of " + subject + "\n\n"
	}
	before := msg("", "a") + msg("", "b") + msg("", "same") + msg("", "same") + msg("", "c")
	dir := lay(t, map[string]string{"anna.mbox": before})
	path := filepath.Join(dir, "anna.mbox")
	m := openMailbox(t, dir, "anna")
	old := list(t, m, mail.Inbox)
	if len(old) != 5 || old[2].Key+"-2" != old[3].Key {
		t.Fatalf("listing is %+v", old)
	}
	const appended = 6
	for i, c := range []struct {
		name, file string
		want       []int // index of the old message, 6 for a new one
	}{
		{"appended", before + msg("", "new"), []int{0, 1, 2, 3, 4, appended}},
		{"appended without empty line", strings.TrimSuffix(before, "\n") + msg("", "new"), []int{0, 1, 2, 3, 4, appended}},
		{"flags written", strings.ReplaceAll(before, "Subject: b\n", "Subject: b\nStatus: RO\nX-Status: F\nX-UID: 7\nX-Mozilla-Status: 0001\n"), []int{0, 1, 2, 3, 4}},
		{"first expunged", before[len(msg("", "a")):], []int{1, 2, 3, 4}},
		{"one of two twins expunged", msg("", "a") + msg("", "b") + msg("", "same") + msg("", "c"), []int{0, 1, 2, 4}},
		{"one with flags before all", msg("Status: R\n", "new") + msg("Status: R\n", "a") + before[len(msg("", "a")):], []int{appended, 0, 1, 2, 3, 4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			write(t, path, c.file, 10+i)
			for n, msg := range old {
				_, err := read(t, m, mail.Inbox, msg)
				if slices.Contains(c.want, n) && err != nil {
					t.Errorf("message %d: %v", n, err)
				}
				if !slices.Contains(c.want, n) && failure.ClassOf(err) != failure.Vanished {
					t.Errorf("message %d is gone, and the error is %v", n, err)
				}
			}
			now := list(t, m, mail.Inbox)
			if len(now) != len(c.want) {
				t.Fatalf("%d messages, want %d", len(now), len(c.want))
			}
			for i, n := range c.want {
				if n != appended && now[i].Key != old[n].Key {
					t.Errorf("message %d has the key %s, and had %s", i, now[i].Key, old[n].Key)
				}
			}
			write(t, path, before, 1)
			_ = list(t, m, mail.Inbox)
		})
	}
}

// TestChangedWhileReading cuts and rewrites the file under an open reader.
func TestChangedWhileReading(t *testing.T) {
	long := strings.Repeat("line of the body\n", 20000)
	before := fromLine + head + long + "\n" + fromLine + head + "2\n\n"
	for _, c := range []struct {
		name, file string
		ok         bool
	}{
		{"appended", before + fromLine + head + "3\n\n", true},
		{"cut", before[:len(before)/2], false},
		{"rewritten", strings.Replace(before, "Subject: x", "Subject: y and more", 1), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := lay(t, map[string]string{"anna.mbox": before})
			m := openMailbox(t, dir, "anna")
			r, err := m.Open(t.Context(), mail.Inbox, list(t, m, mail.Inbox)[0])
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = r.Close() }()
			if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "anna.mbox"), c.file, 99)
			_, err = io.Copy(io.Discard, r)
			if c.ok && err != nil || !c.ok && failure.ClassOf(err) != failure.Transient {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func TestDamagedFile(t *testing.T) {
	dir := lay(t, map[string]string{"anna/INBOX.mbox": "lost words\n\n" + fromLine + head + "1\n\n", "anna/Notes.mbox": "no mail at all\n", "anna/Good.mbox": fromLine + head})
	m := openMailbox(t, dir, "anna")
	for path, want := range map[mail.Path][]string{mail.Inbox: {"mbox.preamble", ""}, "Notes": {"mbox.not-mbox"}, "Good": {""}} {
		var got []string
		for msg, err := range m.Messages(t.Context(), path) {
			if msg.Key == "" {
				t.Errorf("%s: the listing ended with %v", path, err)
			}
			if err == nil {
				got = append(got, "")
			} else {
				got = append(got, failure.RuleOf(err))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: rules are %q, want %q", path, got, want)
		}
		census, err := m.Census(t.Context(), path, true)
		if err != nil || census.Messages != int64(len(want)) {
			t.Errorf("%s: census is %+v, %v", path, census, err)
		}
	}
	if _, err := m.Open(t.Context(), mail.Inbox, mail.Message{Key: damagedKey}); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("a piece that is no message opens: %v", err)
	}
}

// TestNamesProperty gives every name an element of its own that leads back.
func TestNamesProperty(t *testing.T) {
	names := rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", ".mbox", ".MBOX", ".sbd", "%2E", "%2e", "%", ".", "mbox", "/", "ä", "INBOX", " ", "2E", ".msf"}), 1, 6).Draw(t, "parts"), "")
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := names.Draw(t, "a"), names.Draw(t, "b")
		x, ok := elementOf(a)
		if y, _ := elementOf(b); a != b && x == y {
			t.Fatalf("%q and %q are both %q", a, b, x)
		}
		if ok && nameOf(x) != a {
			t.Fatalf("%q is %q, which is %q", a, x, nameOf(x))
		}
		if besideAt(x) >= 0 || strings.ContainsAny(x, "/\x00") || x[0] == '.' {
			t.Fatalf("%q is %q, which may be taken for something else", a, x)
		}
	})
}
