package test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"waybill/connector/maildir"
	"waybill/connector/mbox"
	"waybill/connector/migfile"
	"waybill/connector/site"
	"waybill/directory"
	"waybill/internal/scratch"
	"waybill/mail"
)

// sane fails the test when a run crashed or ended otherwise than 0, 1 or 2, or
// set something aside without a reason.
func sane(t *testing.T, what string, code int, out string) {
	t.Helper()
	if code < 0 || code > 2 || strings.Contains(out, "goroutine ") || strings.Contains(out, "panic:") {
		t.Fatalf("%s: ended with %d:\n%s", what, code, out)
	}
	if code != 0 && strings.TrimSpace(out) == "" {
		t.Errorf("%s: ended with %d and says nothing", what, code)
	}
	if i := strings.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }); i >= 0 {
		t.Errorf("%s: the output has the control character %q: %q", what, out[i], out[max(0, i-60):min(len(out), i+20)])
	}
}

// TestOddMaildirEntries puts into a Maildir what does not belong there.
func TestOddMaildirEntries(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	box := filepath.Join(work, "from", "anna")
	writeMaildir(t, box, map[string][]string{"": {"Subject: plain\r\n\r\nText\r\n"}})
	cur := filepath.Join(box, "cur")
	names := []string{"1.M1.\x01\x02bell\x07:2,S", "2.M2.line\nbreak:2,S", "3.M3.\x1b[31mred:2,", strings.Repeat("n", 255), "4.M4.\xff\xfe:2,RS", "5.M5.h:2,Sé", "6:2,:2,:2,S", "-rf"}
	for i, name := range names {
		if err := os.WriteFile(filepath.Join(cur, name), fmt.Appendf(nil, "Subject: odd %d\r\n\r\nText\r\n", i), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	check(syscall.Mkfifo(filepath.Join(cur, "7.M7.fifo:2,S"), 0o644))
	check(os.Mkdir(filepath.Join(cur, "8.M8.directory:2,S"), 0o755))
	check(os.Symlink("9.M9.loop:2,S", filepath.Join(cur, "9.M9.loop:2,S")))
	check(os.Symlink("nowhere", filepath.Join(cur, "10.M10.dangling:2,S")))
	check(os.Symlink("..", filepath.Join(box, ".Loop")))
	if socket, err := net.Listen("unix", filepath.Join(cur, "s")); err == nil { // a path may be too long for one
		defer socket.Close()
	}
	code, out := waybill(t, work, "migrate", "--from", "maildir:from", "--to", "site:to.site")
	sane(t, "odd entries", code, out)
	w := accounted(t, filepath.Join(work, "waybill-report"), false)
	got := multiset(t, must(t)(site.Source(t.Context(), locate("site", filepath.Join(work, "to.site")))), true)
	compare(t, "odd entries", multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", filepath.Join(work, "from")))), true), got)
	if got.total() != len(names)+1 || w.Totals.Verified != int64(len(names))+1 {
		t.Errorf("%d of %d messages were moved; totals %+v:\n%s", got.total(), len(names)+1, w.Totals, out)
	}
	// What is listed as set aside are the pieces that cannot be read.
	if w.Totals.Quarantined != int64(len(w.Exceptions)) {
		t.Errorf("totals %+v, %d exceptions", w.Totals, len(w.Exceptions))
	}
}

// TestOddNames moves users and folders whose names are hardly names.
func TestOddNames(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	for i, user := range []string{"with space", `quo"te'd`, "latin\xe4\xff", "tab\there", "$(touch pwned)", "-rf", "ünïcode", "line\nbreak", "%41", strings.Repeat("u", 120)} {
		writeMaildir(t, filepath.Join(work, "from", user), map[string][]string{
			"":                             {fmt.Sprintf("Subject: %d\r\n\r\nText\r\n", i)},
			".latin\xe4\xff":               {"Subject: a\r\n\r\nText\r\n"},
			".&AOQ-":                       {"Subject: b\r\n\r\nText\r\n"},
			".&broken":                     {"Subject: c\r\n\r\nText\r\n"},
			".control\x01\x1b[31mm":        {"Subject: d\r\n\r\nText\r\n"},
			".line\nbreak.deep":            {"Subject: e\r\n\r\nText\r\n"},
			"." + strings.Repeat("l", 200): {"Subject: f\r\n\r\nText\r\n"},
		})
	}
	from := filepath.Join(work, "from")
	want := multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", from))), true)
	if want.total() != 70 {
		t.Fatalf("the source shows %d messages, want 70", want.total())
	}
	for _, to := range kinds {
		if to.scheme == "migfile" {
			continue // keeps no such names, and no bytes
		}
		t.Run(to.scheme, func(t *testing.T) {
			t.Parallel()
			own := t.TempDir()
			code, out := waybill(t, own, "migrate", "--from", "maildir:"+from, "--to", to.scheme+":"+to.file)
			sane(t, to.scheme, code, out)
			w := accounted(t, filepath.Join(own, "waybill-report"), true)
			if w.Totals.Verified != 70 || code != 0 {
				t.Errorf("exit code %d, totals %+v:\n%s", code, w.Totals, out)
			}
			if got := multiset(t, must(t)(to.source(t.Context(), locate(to.scheme, filepath.Join(own, to.file)))), true); got.total() != 70 {
				t.Errorf("the target shows %d messages, want 70", got.total())
			}
			expect(t, 0, own, "verify")
			code, out = waybill(t, own, "status")
			sane(t, "status", code, out)
			code, out = waybill(t, own, "ls", to.scheme+":"+to.file)
			sane(t, "ls", code, out)
		})
	}
}

// TestManyFolders moves one mailbox of twenty thousand folders.
func TestManyFolders(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 20,000 folders; left out with -short")
	}
	t.Parallel()
	const folders = 20_000
	// In memory, where there is such a disk: three times durable for each folder
	// is minutes on a slow one, and is not what this test is about.
	work := scratch.Dir(t)
	box := filepath.Join(work, "from", "anna")
	writeMaildir(t, box, map[string][]string{"": {"Subject: one\r\n\r\nText\r\n"}})
	for i := range folders {
		dir := filepath.Join(box, fmt.Sprintf(".f%d.g%d.h%d", i%20, i/20%50, i/1000))
		for _, sub := range []string{"", "cur", "new", "tmp"} {
			if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		if i%1000 == 0 {
			if err := os.WriteFile(filepath.Join(dir, "cur", "1.M1.h:2,S"), []byte("Subject: deep\r\n\r\nText\r\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	expect(t, 0, work, "migrate", "--from", "maildir:from", "--to", "site:to.site")
	w := accounted(t, filepath.Join(work, "waybill-report"), false)
	if w.Totals.Verified != 21 || len(w.Mailboxes) != 1 || len(w.Mailboxes[0].Folders) < folders {
		t.Errorf("totals %+v, %d folders", w.Totals, len(w.Mailboxes[0].Folders))
	}
	compare(t, "many folders", multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", filepath.Join(work, "from")))), true),
		multiset(t, must(t)(site.Source(t.Context(), locate("site", filepath.Join(work, "to.site")))), true))
}

// TestSparseMbox meets an mbox of two gigabytes of nothing, beside a good one.
func TestSparseMbox(t *testing.T) {
	if testing.Short() {
		t.Skip("reads two gigabytes; left out with -short")
	}
	t.Parallel()
	work := t.TempDir()
	from := filepath.Join(work, "from")
	if err := os.Mkdir(from, 0o755); err != nil {
		t.Fatal(err)
	}
	good := "From anna@example.org Mon Jan  5 10:00:00 2004\nSubject: good\n\nText\n\n"
	if err := os.WriteFile(filepath.Join(from, "anna.mbox"), []byte(good), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(from, "zero.mbox"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(from, "zero.mbox"), 2<<30); err != nil {
		t.Skipf("no sparse file can be made here: %v", err)
	}
	code, out := waybill(t, work, "migrate", "--from", "mbox:from", "--to", "site:to.site")
	sane(t, "sparse mbox", code, out)
	if code == 0 {
		t.Errorf("two gigabytes of zeros are called proven mail:\n%s", out)
	}
	w := accounted(t, filepath.Join(work, "waybill-report"), true)
	if w.Totals.Verified < 1 {
		t.Errorf("the good mailbox was not moved: %+v", w.Totals)
	}
	if info, err := os.Stat(filepath.Join(work, "waybill-report", "report.html")); err != nil || info.Size() > 4<<20 {
		t.Errorf("the page: %v %v", info, err)
	}
	want := multiset(t, must(t)(mbox.Source(t.Context(), locate("mbox", filepath.Join(from, "anna.mbox")))), false)
	if want.total() != 1 {
		t.Errorf("the good mailbox shows %d messages", want.total())
	}
}

// TestCutMigrationFiles cuts migration files short, one after the other, at
// every hundredth byte.
func TestCutMigrationFiles(t *testing.T) {
	t.Parallel()
	good := t.TempDir()
	smallMigrationFiles(t, filepath.Join(good, "mail.pkl"))
	entries, err := os.ReadDir(good)
	if err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{}
	var names []string
	for _, e := range entries {
		if !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if content[e.Name()], err = os.ReadFile(filepath.Join(good, e.Name())); err != nil {
			t.Fatal(err)
		}
		names = append(names, e.Name())
	}
	step := 100
	if testing.Short() {
		step = 1000
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runs := 0
			for cut := 0; cut < len(content[name]); cut += step {
				work := t.TempDir()
				if err := os.Mkdir(filepath.Join(work, "from"), 0o755); err != nil {
					t.Fatal(err)
				}
				for other, body := range content {
					if other == name {
						body = body[:cut]
					}
					if err := os.WriteFile(filepath.Join(work, "from", other), body, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				what := fmt.Sprintf("%s cut at byte %d of %d", name, cut, len(content[name]))
				code, out := waybill(t, work, "migrate", "--from", "migfile:from/mail.pkl", "--to", "site:to.site")
				runs++
				if code == 64 && strings.Contains(out, "no user") {
					continue // nobody is left in what is left
				}
				sane(t, what, code, out)
				if _, err := os.Stat(filepath.Join(work, "waybill-report", "report.json")); err == nil {
					accounted(t, filepath.Join(work, "waybill-report"), code == 2)
				} else if code != 2 {
					t.Errorf("%s: exit code %d without a waybill:\n%s", what, code, out)
				}
			}
			t.Logf("%d runs", runs)
		})
	}
}

// smallMigrationFiles writes migration files with two users.
func smallMigrationFiles(t *testing.T, path string) {
	t.Helper()
	ctx := context.Background()
	target, err := migfile.Target(ctx, locate("migfile", path))
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"anna", "bert"} {
		if err := target.CreateAccount(ctx, directory.User{ID: user, Name: user}); err != nil {
			t.Fatal(err)
		}
		box, err := target.Mailbox(ctx, user)
		if err != nil {
			t.Fatal(err)
		}
		at, err := box.Position(ctx, mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := box.Append(ctx, mail.Inbox, at, letters(user, 0, target.Capabilities())[:3]); err != nil {
			t.Fatal(err)
		}
		if err := box.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
}
