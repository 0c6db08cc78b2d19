package test

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"waybill/connector/msmail"
	"waybill/internal/postoffice"
	"waybill/report"
)

// TestPostofficeDamaged injects every documented corruption into one postoffice,
// each at a place of its own. The doctor names all of them; the migration goes
// through, its arithmetic is exact, and what it could not move is named.
// WAYBILL_PROOF makes it 200 users and 20,000 messages.
func TestPostofficeDamaged(t *testing.T) {
	opt := postoffice.Options{Seed: 37, Users: 72, Messages: 700, Groups: 6}
	if os.Getenv("WAYBILL_PROOF") != "" {
		opt.Users, opt.Messages, opt.Groups = 200, 20_000, 20
	}
	if s, err := strconv.ParseUint(os.Getenv("WAYBILL_SEED"), 10, 64); err == nil {
		opt.Seed = s
	}
	work := t.TempDir()
	m, done := damagedPostoffice(t, work, opt)
	rules := inspected(t, work)
	for _, in := range done {
		places := rules[in.Rule]
		if !slices.ContainsFunc(places, func(at string) bool { return strings.HasPrefix(at, in.File) }) && len(places) == 0 {
			t.Errorf("%s (%s in %s) is not among the findings", in.Name, in.Rule, in.File)
		}
	}
	code, out := waybill(t, work, "migrate", "--from", "msmail:post?zone=Europe/Berlin&orphans=yes", "--to", "site:new.site", "--yes")
	if code != 2 { // two mailboxes cannot be opened: that without MBG, and that of another
		t.Fatalf("ended with %d:\n%s", code, out)
	}
	w := readWaybill(t, filepath.Join(work, "waybill-report"))
	checkDamaged(t, work, m, done, w)
	before := w.Totals
	waybill(t, work, "migrate", "--from", "msmail:post?zone=Europe/Berlin&orphans=yes", "--to", "site:new.site", "--yes")
	if again := readWaybill(t, filepath.Join(work, "waybill-report")).Totals; again != before {
		t.Errorf("the second run made %+v of %+v", again, before)
	}
	expect(t, 0, work, "site", "check", "new.site")
}

func damagedPostoffice(t *testing.T, work string, opt postoffice.Options) (*postoffice.Manifest, []postoffice.Injected) {
	t.Helper()
	files, m, err := postoffice.Build(opt)
	if err != nil {
		t.Fatal(err)
	}
	done, err := postoffice.InjectAll(files, m)
	if err != nil {
		t.Fatal(err)
	}
	if len(done) < 45 {
		t.Fatalf("only %d corruptions", len(done))
	}
	if err := files.WriteTo(filepath.Join(work, "post")); err != nil {
		t.Fatal(err)
	}
	return m, done
}

// losing are the corruptions that cost mail, with the rule that the waybill names.
var losing = map[string]string{
	"stray bytes in a mailbag":         "mbg.size",
	"row that names no message":        "mbg.file",
	"row that names another's message": "msmail.row-duplicate",
	"message missing":                  "mai.missing",
	"message empty":                    "mai.empty",
	"message cut":                      "mai.truncated",
	"message garbled":                  "mai.key",
	"no message at all":                "mai.container",
	"folder in another form":           "fld.unreadable",
}

// checkDamaged compares the waybill with what was injected.
func checkDamaged(t *testing.T, work string, m *postoffice.Manifest, done []postoffice.Injected, w *report.Waybill) {
	t.Helper()
	if faults := w.Faults(); len(faults) > 0 {
		t.Error(faults)
	}
	if c := w.Totals; c.Found != c.Verified+c.Quarantined+c.Refused+c.Skipped {
		t.Errorf("totals %+v", c)
	}
	rows := map[string]int{}
	for line, err := range report.ReadMessages(filepath.Join(work, "waybill-report")) {
		if err != nil {
			t.Fatal(err)
		}
		rows[line.Rule]++
	}
	public := slices.ContainsFunc(w.Mailboxes, func(b report.Mailbox) bool {
		return b.User == msmail.PublicID && b.State != report.Skipped
	})
	for _, in := range done {
		if strings.HasPrefix(in.Rule, "fld.") && !public {
			continue
		}
		if rule := losing[in.Name]; rule != "" && rows[rule] == 0 {
			t.Errorf("%s: the waybill names no %s: %v", in.Name, rule, rows)
		}
	}
	aside, err := os.ReadFile(filepath.Join(work, "waybill-report", "aside", "aside.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range done {
		if in.Name == "message garbled" && !strings.Contains(string(aside), in.File) {
			t.Errorf("%s is not kept aside", in.File)
		}
	}
	// Every row that is not deleted is accounted for, but for those of a mailbag that
	// is gone altogether or whose owner is unclear; the waybill names these mailboxes.
	broken := map[string]bool{}
	for _, b := range w.Mailboxes {
		if b.State != report.Complete {
			broken[b.User] = true
		}
	}
	for i, u := range m.Users {
		if slices.ContainsFunc(done, func(in postoffice.Injected) bool {
			return in.User == i && slices.Contains([]string{"MBG missing", "both mailbag files missing", "two users with one mailbag", "number in the list differs", "invalid mailbox name"}, in.Name)
		}) {
			continue
		}
		live := int64(0)
		for _, r := range u.Rows {
			if !r.Deleted {
				live++
			}
		}
		if got := inboxOf(w, u.Mailbox); got.Verified+got.Quarantined < live {
			t.Errorf("%s: %+v of %d rows", u.Mailbox, got, live)
		}
	}
	if len(broken) == 0 {
		t.Error("no mailbox has exceptions")
	}
}
