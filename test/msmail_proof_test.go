package test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/migfile"
	"waybill/connector/migfile/canon"
	"waybill/connector/msmail"
	"waybill/connector/site"
	mf "waybill/format/migfile"
	"waybill/internal/postoffice"
	"waybill/report"
)

// writePostoffice writes a postoffice below work and gives its name as a system.
func writePostoffice(t *testing.T, work string, opt postoffice.Options) (system string, m *postoffice.Manifest) {
	t.Helper()
	m, err := postoffice.Write(filepath.Join(work, "post"), opt)
	if err != nil {
		t.Fatal(err)
	}
	return "msmail:post?zone=Europe/Berlin", m
}

// openPostoffice opens it as the program does.
func openPostoffice(t *testing.T, work string) connector.Source {
	t.Helper()
	loc := locate("msmail", filepath.Join(work, "post"))
	loc.Options = map[string][]string{"zone": {"Europe/Berlin"}}
	return must(t)(msmail.Source(context.Background(), loc))
}

// expected is what a sound postoffice must come to: every row that is not deleted,
// the messages of folders, a message for each personal list; and the message stores,
// which nobody can read.
func expected(m *postoffice.Manifest) (verified, stores int64) {
	for _, u := range m.Users {
		for _, r := range u.Rows {
			if !r.Deleted {
				verified++
			}
		}
		if len(u.Personal) > 0 {
			verified++
		}
	}
	for _, f := range m.Folders {
		verified += int64(f.Messages)
	}
	return verified, int64(m.Stores)
}

// mailContents is a multiset of what migration files can hold of each message.
func mailContents(t *testing.T, source connector.Source) counted {
	t.Helper()
	page, err := mf.NewCodePage(mf.UTF8, "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	all := counted{}
	for u, err := range source.Users(ctx) {
		if err != nil {
			t.Fatal(err)
		}
		box, err := source.Mailbox(ctx, u.ID)
		if err != nil {
			t.Fatal(err)
		}
		folders, err := box.Folders(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range folders {
			for msg, err := range box.Messages(ctx, f.Path) {
				if err != nil {
					continue
				}
				r, err := box.Open(ctx, f.Path, msg)
				if err != nil {
					t.Fatal(err)
				}
				c, err := (&canon.Extractor{Page: page, Zone: time.UTC}).Extract(ctx, r)
				if err != nil {
					t.Fatal(err)
				}
				_ = r.Close()
				all[u.ID+" "+string(f.Path)+" "+c.Fingerprint().String()]++
			}
		}
		_ = box.Close()
	}
	if err := source.Close(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPostofficeOneStep moves a sound postoffice and compares every number with
// the writer's, and every byte with what the source says again.
func TestPostofficeOneStep(t *testing.T) {
	work := t.TempDir()
	from, m := writePostoffice(t, work, postoffice.Options{Seed: 31, Users: 20, Messages: 1500, Groups: 5})
	expect(t, 1, work, "migrate", "--from", from, "--to", "site:new.site")
	w := readWaybill(t, filepath.Join(work, "waybill-report"))
	verified, stores := expected(m)
	if w.Totals.Found != verified+stores || w.Totals.Verified != verified || w.Totals.Quarantined != stores || len(w.Faults()) > 0 {
		t.Errorf("totals %+v, want %d verified and %d stores; %v", w.Totals, verified, stores, w.Faults())
	}
	if w.Directory.AccountsCreated != len(m.Users)+1 || w.Directory.Contacts != len(m.Externals) || w.Directory.Lists != len(m.Groups) || w.Directory.Failed != 0 {
		t.Errorf("directory %+v, want %d users, %d contacts, %d lists", w.Directory, len(m.Users)+1, len(m.Externals), len(m.Groups))
	}
	for _, u := range m.Users {
		live := int64(0)
		for _, r := range u.Rows {
			if !r.Deleted {
				live++
			}
		}
		if got := inboxOf(w, u.Mailbox); got.Verified != live {
			t.Errorf("%s: %+v, want %d", u.Mailbox, got, live)
		}
	}
	newSite := func() connector.Source {
		return must(t)(site.Source(context.Background(), locate("site", filepath.Join(work, "new.site"))))
	}
	compare(t, "one step", multiset(t, openPostoffice(t, work), true), multiset(t, newSite(), true))
	// The users, contacts and members of the target.
	book, err := openPostoffice(t, work).Book(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target := newSite()
	got, err := target.Book(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range book.Lists {
		if fmt.Sprint(book.Lists[i].Members) != fmt.Sprint(got.Lists[i].Members) || fmt.Sprint(book.Lists[i].Addresses) != fmt.Sprint(got.Lists[i].Addresses) {
			t.Errorf("list %+v became %+v", book.Lists[i], got.Lists[i])
		}
	}
	for u, err := range target.Users(t.Context()) {
		if a, ok := u.Address("MS"); err == nil && u.Kind == "" && (!ok || a.Value != m.Network+"/"+m.Postoffice+"/"+u.ID) {
			t.Errorf("%s lost its address: %v", u.ID, u.Addresses)
		}
	}
	_ = target.Close()
	expect(t, 0, work, "site", "check", "new.site")
}

func inboxOf(w *report.Waybill, user string) (c report.Count) {
	for _, b := range w.Mailboxes {
		if b.User != user {
			continue
		}
		for _, f := range b.Folders {
			if f.Path == "INBOX" {
				return f.Count
			}
		}
	}
	return c
}

// TestPostofficeTwoSteps extracts into migration files and goes on from there: the
// files, and the target that is filled from them, hold the same multiset.
func TestPostofficeTwoSteps(t *testing.T) {
	work := t.TempDir()
	from, m := writePostoffice(t, work, postoffice.Options{Seed: 33, Users: 12, Messages: 300})
	expect(t, 1, work, "extract", "--from", from, "--to", "migfile:files/office.pkl?codepage=65001")
	want := mailContents(t, openPostoffice(t, work))
	verified, _ := expected(m)
	if int64(want.total()) != verified {
		t.Errorf("%d messages, want %d", want.total(), verified)
	}
	files := must(t)(migfile.Source(context.Background(), locate("migfile", filepath.Join(work, "files", "office.pkl"))))
	compare(t, "migration files", want, mailContents(t, files))
	expect(t, 0, work, "migrate", "--from", "migfile:files/office.pkl", "--users", "files/office-users.csv", "--to", "site:new.site")
	compare(t, "second step", want, mailContents(t, must(t)(site.Source(context.Background(), locate("site", filepath.Join(work, "new.site"))))))
	w := readWaybill(t, filepath.Join(work, "waybill-report"))
	if w.Directory.Contacts != len(m.Externals) || w.Directory.Lists != len(m.Groups) || w.Directory.Failed != 0 || w.Totals.Verified != verified {
		t.Errorf("directory %+v, totals %+v", w.Directory, w.Totals)
	}
}

// TestPostofficeKilled kills the migration at random moments and goes on.
func TestPostofficeKilled(t *testing.T) {
	work := t.TempDir()
	from, _ := writePostoffice(t, work, postoffice.Options{Seed: 35, Users: 10, Messages: 400})
	args := []string{"migrate", "--from", from, "--to", "site:new.site"}
	seed := uint64(time.Now().UnixNano())
	dice := rand.New(rand.NewPCG(seed, 1))
	started := time.Now()
	if code, out := runFor(t, work, 0, append(args, "--dry-run")...); code != 0 {
		t.Fatalf("dry run ended with %d:\n%s", code, out)
	}
	start := time.Since(started)
	killed, code := 0, -1
	for n := 0; n < 10 && code == -1; n++ {
		var out string
		if code, out = runFor(t, work, start/4+time.Duration(dice.Int64N(int64(2*start))), args...); code == -1 {
			killed++
		} else if code != 1 {
			t.Fatalf("ended with %d:\n%s", code, out)
		}
	}
	expect(t, 1, work, args...)
	t.Logf("seed %d: killed %d times", seed, killed)
	compare(t, fmt.Sprintf("after %d kills, seed %d", killed, seed), multiset(t, openPostoffice(t, work), true),
		multiset(t, must(t)(site.Source(context.Background(), locate("site", filepath.Join(work, "new.site")))), true))
	if w := readWaybill(t, filepath.Join(work, "waybill-report")); len(w.Faults()) > 0 {
		t.Error(w.Faults())
	}
	if out := expect(t, 0, work, "ls", "site:new.site"); strings.Contains(out, "canary") {
		t.Errorf("canaries are left:\n%s", out)
	}
}

// inspected are the rules that the doctor names, with their places.
func inspected(t *testing.T, work string) map[string][]string {
	t.Helper()
	out := expect(t, 1, work, "--json", "inspect", "msmail:post")
	var line struct {
		Report struct {
			Findings []struct{ Rule, Where string }
			More     map[string]int
		}
	}
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&line); err != nil { // a second line says how it ended
		t.Fatal(err, out)
	}
	rules := map[string][]string{}
	for _, f := range line.Report.Findings {
		rules[f.Rule] = append(rules[f.Rule], f.Where)
	}
	return rules
}
