//go:build unix

package maildir

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

// write makes files below dir; a name that ends in "/" is a directory.
func write(t *testing.T, dir string, content map[string]string) {
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

func open(t *testing.T, dir, query string) connector.Source {
	t.Helper()
	loc, err := connector.ParseLocation("maildir:" + dir + query)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Source(t.Context(), loc)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openBox(t *testing.T, dir, user string) connector.SourceMailbox {
	t.Helper()
	box, err := open(t, dir, "").Mailbox(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

func TestUsers(t *testing.T) {
	for name, c := range map[string]struct {
		content map[string]string
		want    []string
	}{
		"users":       {map[string]string{"anna/cur/": "", "bert/new/1": "", "%2Edot/cur/": "", ".hidden/cur/": "", "stray": "x"}, []string{".dot", "anna", "bert"}},
		"homes":       {map[string]string{"anna/Maildir/cur/": "", "bert/Maildir/tmp/": ""}, []string{"anna", "bert"}},
		"inbox gone":  {map[string]string{"anna/.Sent/cur/1": ""}, []string{"anna"}},
		"no mailbox":  {map[string]string{"anna/cur/": "", "bert/notes": ""}, []string{"anna", "bert: vanished"}},
		"two for one": {map[string]string{"%2Ea/cur/": "", "a%2fb/cur/": "", "a%2Fb/cur/": ""}, []string{".a", "a%2fb", "a/b"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, c.content)
			var got []string
			for u, err := range open(t, dir, "").Users(t.Context()) {
				if err != nil {
					u.ID += ": " + failure.ClassOf(err).String()
				}
				got = append(got, u.ID)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("users are %q, want %q", got, c.want)
			}
		})
	}
}

func TestOneMaildirIsOneUser(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "anna")
	write(t, dir, map[string]string{"cur/1.a:2,S": "x", ".Sent/cur/": ""})
	for u, err := range open(t, dir, "").Users(t.Context()) {
		if u.ID != "anna" || err != nil {
			t.Errorf("user is %q, %v", u.ID, err)
		}
	}
	if got := readAll(t, connector.Location{Scheme: scheme, Path: dir}, "anna"); len(got) != 2 || len(got[mail.Inbox]) != 1 {
		t.Errorf("mailbox is %v", got)
	}
}

func TestFolders(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"anna/cur/": "", "anna/.Sent/cur/": "", "anna/.A.B/new/": "", "anna/.Entw&APw-rfe/tmp/": "", "anna/.Entwürfe/cur/": "",
		"anna/.Marked/maildirfolder": "", "anna/.notafolder/x": "", "anna/.A..B/cur/": "", "anna/plain/deep/cur/": "", "anna/junk.txt": "",
		"anna/subscriptions": "Sent\nA.B\nGone\n", "anna/courierimapsubscribed": "INBOX.Marked\nINBOX\n",
	})
	folders, err := openBox(t, dir, "anna").Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range folders {
		line := string(f.Path)
		if f.Container {
			line += " container"
		}
		if f.Subscribed {
			line += " subscribed"
		}
		if f.Use != "" {
			line += " " + string(f.Use)
		}
		for _, n := range f.Notes {
			line += " " + n.Kind
		}
		got = append(got, line)
	}
	want := []string{
		"INBOX subscribed Inbox", "A container", "A/B subscribed", "A..B folder-name-odd", "Entwürfe Drafts", "Entwürfe (2) folder-name-clash",
		"Marked subscribed", "Sent subscribed Sent", "plain container", "plain/deep",
	}
	if !slices.Equal(got, want) {
		t.Errorf("folders are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestLayoutFS(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"anna/cur/1.a:2,S": "in", "anna/Work/cur/2.a:2,": "w", "anna/Work/Old.er/new/3.a": "o", "anna/.dot/cur/4.a": "d"})
	loc, _ := connector.ParseLocation("maildir:" + dir + "?layout=fs")
	all := readAll(t, loc, "anna")
	for path, want := range map[mail.Path]string{mail.Inbox: "in", "Work": "w", "Work/Old.er": "o"} {
		if len(all[path]) != 1 || all[path][0].body != want {
			t.Errorf("%s holds %v, want %q", path, all[path], want)
		}
	}
	if len(all) != 3 {
		t.Errorf("folders are %v", all)
	}
}

func TestOddMessages(t *testing.T) {
	dir := t.TempDir()
	cur := filepath.Join(dir, "anna", "cur")
	write(t, dir, map[string]string{
		"anna/cur/1.a:2,S": "seen", "anna/new/2.a": "new", "anna/cur/3.a:2,Fax": "keywords", "anna/cur/4.a": "bare", "anna/cur/.5.a:2,": "hidden",
		"anna/cur/6.a:2,S": "twice", "anna/cur/6.a:2,RS": "twice!", "anna/cur/7.a!2,R": "bang", "anna/cur/8.a:2,/": "", "anna/cur/9.a;2,DPZQ": "semi",
		"anna/dovecot-keywords": "0 Harbour\nbroken\n99 x\n", "anna/.Only/new/10.a:2,S": "flags in new",
	})
	if err := syscall.Mkfifo(filepath.Join(cur, "91.fifo:2,"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"92.link:2,S": "1.a:2,S", "93.dead:2,S": "nowhere"} {
		if err := os.Symlink(target, filepath.Join(cur, name)); err != nil {
			t.Fatal(err)
		}
	}
	box := openBox(t, dir, "anna")
	var got []string
	for m, err := range box.Messages(t.Context(), mail.Inbox) {
		line := m.Key + " " + m.Flags.String()
		if err != nil {
			line = m.Key + " error " + failure.RuleOf(err)
		}
		for _, n := range m.Notes {
			line += " (" + n.Kind + ")"
		}
		got = append(got, line)
	}
	want := []string{
		`1.a \Seen`, `2.a `, `3.a \Flagged Harbour maildir-x (keyword-unnamed)`, `4.a `, `6.a \Seen \Answered`, `cur/6.a:2,S \Seen`, `7.a \Answered`,
		`8.a error file.not-regular`, `9.a \Draft $Forwarded (flag-unknown)`, `91.fifo error file.not-regular`, `92.link \Seen`, `93.dead error maildir.dangling-link`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("messages are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for key, want := range map[string]string{"6.a": "twice!", "cur/6.a:2,S": "twice", "92.link": "seen"} {
		if body, err := read(t, box, mail.Inbox, mail.Message{Key: key}); err != nil || body != want {
			t.Errorf("message %s is %q (%v), want %q", key, body, err, want)
		}
	}
	for _, key := range []string{"", "gone", "cur/../dovecot-keywords", "../dovecot-keywords", "tmp/x", "cur/", "cur/.5.a:2,", "a/b"} {
		if _, err := read(t, box, mail.Inbox, mail.Message{Key: key}); failure.ClassOf(err) != failure.Vanished {
			t.Errorf("opening %q gives %v", key, err)
		}
	}
	for _, key := range []string{"91.fifo", "8.a"} {
		if _, err := read(t, box, mail.Inbox, mail.Message{Key: key}); failure.ClassOf(err) != failure.Malformed {
			t.Errorf("opening %s gives %v", key, err)
		}
	}
}

func read(t *testing.T, box connector.SourceMailbox, path mail.Path, m mail.Message) (string, error) {
	t.Helper()
	r, err := box.Open(t.Context(), path, m)
	if err != nil {
		return "", err
	}
	defer func() { _ = r.Close() }()
	body, err := io.ReadAll(r)
	return string(body), err
}

func TestMessagesAreFollowed(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, "anna", name) }
	write(t, dir, map[string]string{"anna/new/1.a": "one", "anna/cur/2.a:2,": "two", "anna/cur/3.a:2,": "three", "anna/cur/4.a:2,": "four"})
	box := openBox(t, dir, "anna")
	var list []mail.Message
	for m, err := range box.Messages(t.Context(), mail.Inbox) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Key == "2.a" { // removed and renamed in the middle of the listing
			for _, err := range []error{os.Remove(in("cur/3.a:2,")), os.Rename(in("cur/4.a:2,"), in("cur/4.a:2,F"))} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		list = append(list, m)
	}
	if len(list) != 3 || list[2].Key != "4.a" || list[2].Flags.System != mail.Flagged {
		t.Errorf("listing is %v", list)
	}
	if err := os.Rename(in("new/1.a"), in("cur/1.a:2,RS")); err != nil {
		t.Fatal(err)
	}
	if body, err := read(t, box, mail.Inbox, list[0]); body != "one" || err != nil {
		t.Errorf("a message that was read meanwhile is %q, %v", body, err)
	}
	if err := os.Remove(in("cur/2.a:2,")); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, box, mail.Inbox, list[1]); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("a message that was removed gives %v", err)
	}
	// Without a listing the flags lead to the file.
	if body, err := read(t, openBox(t, dir, "anna"), mail.Inbox, mail.Message{Key: "1.a", Flags: mail.NewFlagSet(mail.Seen | mail.Answered)}); body != "one" || err != nil {
		t.Errorf("without a listing the message is %q, %v", body, err)
	}
}

func TestChangeWhileReading(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"anna/cur/1.a:2,": strings.Repeat("x", 100)})
	box := openBox(t, dir, "anna")
	for _, size := range []int64{50, 200} {
		r, err := box.Open(t.Context(), mail.Inbox, mail.Message{Key: "1.a"})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(filepath.Join(dir, "anna/cur/1.a:2,"), size); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); failure.ClassOf(err) != failure.Transient {
			t.Errorf("a message that becomes %d bytes long gives %v", size, err)
		}
		_ = r.Close()
		if err := os.Truncate(filepath.Join(dir, "anna/cur/1.a:2,"), 100); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStateNeedsAge(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"anna/cur/1.a:2,": "x", "anna/new/": ""})
	now := time.Now()
	box := openBox(t, dir, "anna").(*sourceBox)
	box.opt.now = func() time.Time { return now }
	state := func() string {
		t.Helper()
		c, err := box.Census(t.Context(), mail.Inbox, false)
		if err != nil {
			t.Fatal(err)
		}
		return c.State
	}
	if s := state(); s != "" {
		t.Errorf("a folder that changed just now has the state %q", s)
	}
	now = now.Add(time.Minute)
	old := state()
	if old == "" || state() != old {
		t.Errorf("a folder at rest has the states %q, %q", old, state())
	}
	for _, change := range []func() error{
		func() error {
			return os.Rename(filepath.Join(dir, "anna/cur/1.a:2,"), filepath.Join(dir, "anna/cur/1.a:2,S"))
		},
		func() error { return os.WriteFile(filepath.Join(dir, "anna/new/2.a"), nil, 0o600) },
		func() error {
			return os.WriteFile(filepath.Join(dir, "anna/dovecot-keywords"), []byte("0 x\n"), 0o600)
		},
	} {
		// Time stamps move in ticks; the clock that is looked at has passed them.
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if s := state(); s == old {
			t.Errorf("the folder changed, and its state is still %q", s)
		} else {
			old = s
		}
	}
}
