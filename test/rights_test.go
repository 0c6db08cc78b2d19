package test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector/maildir"
	"waybill/connector/site"
)

// TestFoundingFailure replays KB Q255888: an operator with Service Account Admin
// moves twenty users. The Wizard made twenty accounts and no mail; here nothing
// at all is made, and each missing right is told once, with what grants it.
func TestFoundingFailure(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	from := filepath.Join(work, "from")
	for i := range 20 {
		writeMaildir(t, filepath.Join(from, fmt.Sprintf("user%02d", i)), map[string][]string{"": {"Subject: one\r\n\r\nText\r\n", "Subject: two\r\n\r\nText\r\n"}})
	}
	expect(t, 0, work, "site", "create", "to.site")
	levels := []string{"organization", "site", "configuration"}
	for _, level := range levels {
		expect(t, 0, work, "site", "grant", "to.site", "--to", "olaf", "--role", "Service Account Admin", "--on", level)
	}
	expect(t, 0, work, "site", "behave", "to.site", "q255888")
	args := []string{"migrate", "--from", "maildir:from", "--to", "site:to.site?operator=olaf"}
	out := expect(t, 3, work, args...)

	told := map[string]int{}
	for l := range strings.SplitSeq(out, "\n") {
		if i := strings.Index(l, "refused: "); i >= 0 {
			told[l[i:]]++
		}
	}
	if len(told) != len(levels) {
		t.Errorf("%d missing rights are told, want %d:\n%s", len(told), len(levels), out)
	}
	for l, n := range told {
		if n != 1 {
			t.Errorf("told %d times: %s", n, l)
		}
	}
	for _, level := range levels {
		grant := fmt.Sprintf("site grant %s --to olaf --role \"Permissions Admin\" --on %s", filepath.Join(work, "to.site"), level)
		if !strings.Contains(out, grant) {
			t.Errorf("nobody is told of %s:\n%s", grant, out)
		}
	}
	if box := multiset(t, must(t)(site.Source(t.Context(), locate("site", filepath.Join(work, "to.site")))), false); len(box) != 0 {
		t.Errorf("the target holds %d messages", box.total())
	}
	if out := expect(t, 0, work, "--json", "ls", "site:to.site"); strings.Contains(out, `"type":"user"`) || strings.Contains(out, "user0") || strings.Contains(out, "canary") {
		t.Errorf("accounts were made:\n%s", out)
	}
	w := accounted(t, filepath.Join(work, "waybill-report"), true)
	missing, codes := 0, map[string]int{}
	for _, f := range w.Findings {
		if !f.OK {
			missing++
		}
	}
	for _, e := range w.Events {
		codes[string(e.Code)]++
	}
	if w.Run.Exit != 3 || missing != len(levels) || codes["W2003"] != len(levels) || codes["W2002"] != 1 {
		t.Errorf("the waybill has exit code %d, %d missing rights and the events %v", w.Run.Exit, missing, codes)
	}

	// With what it asked for, the same command goes through.
	for _, level := range levels {
		expect(t, 0, work, "site", "grant", "to.site", "--to", "olaf", "--role", "Permissions Admin", "--on", level)
	}
	if out := expect(t, 0, work, args...); strings.Contains(out, "refused:") {
		t.Errorf("a run that passed tells of refusals:\n%s", out)
	}
	accounted(t, filepath.Join(work, "waybill-report"), false)
	compare(t, "after the grant", multiset(t, must(t)(maildir.Source(t.Context(), locate("maildir", from))), true),
		multiset(t, must(t)(site.Source(t.Context(), locate("site", filepath.Join(work, "to.site")))), true))
}

// TestNoRightToMake refuses an operator who may not make accounts, and tells of
// no canary that was never there.
func TestNoRightToMake(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	for i := range 20 {
		writeMaildir(t, filepath.Join(work, "from", fmt.Sprintf("user%02d", i)), map[string][]string{"": {"Subject: one\r\n\r\nText\r\n"}})
	}
	expect(t, 0, work, "site", "create", "to.site")
	expect(t, 0, work, "site", "grant", "to.site", "--to", "vera", "--role", "View Only Admin", "--on", "site")
	out := expect(t, 3, work, "migrate", "--from", "maildir:from", "--to", "site:to.site?operator=vera")
	told := map[string]int{}
	for l := range strings.SplitSeq(out, "\n") {
		if i := strings.Index(l, "refused: "); i >= 0 {
			told[l[i:]]++
		}
		if strings.HasPrefix(l, "W2005") {
			t.Errorf("a canary is said to be left: %s", l)
		}
	}
	for l, n := range told {
		if n != 1 || !strings.Contains(l, "grant it with: ") {
			t.Errorf("told %d times: %s", n, l)
		}
	}
	if len(told) == 0 {
		t.Errorf("no missing right is told:\n%s", out)
	}
	if out := expect(t, 0, work, "ls", "site:to.site"); strings.Contains(out, "user0") || strings.Contains(out, "canary") {
		t.Errorf("accounts were made:\n%s", out)
	}
}
