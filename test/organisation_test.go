package test

import (
	"path/filepath"
	"testing"

	"waybill/examples/office"
)

// TestExampleOrganisation moves the example and compares every number with what
// its generator knows to be right.
func TestExampleOrganisation(t *testing.T) {
	work := t.TempDir()
	expected, err := office.Write(filepath.Join(work, "harbour"))
	if err != nil {
		t.Fatal(err)
	}
	expect(t, expected.Exit, work, "migrate", "--from", "tree:harbour", "--to", "site:harbour.site")
	w := readWaybill(t, filepath.Join(work, "waybill-report"))
	if w.Totals.Found != int64(expected.Totals.Found) || w.Totals.Verified != int64(expected.Totals.Verified) || w.Totals.Quarantined != int64(expected.Totals.Quarantined) {
		t.Errorf("totals %+v, want %+v", w.Totals, expected.Totals)
	}
	if w.Directory.Contacts != expected.Contacts || w.Directory.Lists != expected.Lists || w.Directory.Failed != 0 {
		t.Errorf("directory %+v, want %d contacts and %d lists", w.Directory, expected.Contacts, expected.Lists)
	}
	got := map[string]map[string][3]int64{}
	for _, b := range w.Mailboxes {
		got[b.User] = map[string][3]int64{}
		for _, f := range b.Folders {
			got[b.User][f.Path] = [3]int64{f.Count.Found, f.Count.Verified, f.Count.Quarantined}
		}
	}
	for _, b := range expected.Mailboxes {
		for _, f := range b.Folders {
			want := [3]int64{int64(f.Count.Found), int64(f.Count.Verified), int64(f.Count.Quarantined)}
			if have := got[b.User][f.Path]; have != want {
				t.Errorf("%s %s: found, verified, quarantined are %v, want %v", b.User, f.Path, have, want)
			}
		}
	}
	before := w.Totals
	expect(t, expected.Exit, work, "migrate", "--from", "tree:harbour", "--to", "site:harbour.site")
	if again := readWaybill(t, filepath.Join(work, "waybill-report")); again.Totals != before {
		t.Errorf("second run: totals %+v, before %+v", again.Totals, before)
	}
	expect(t, 0, work, "verify")
	expect(t, 0, work, "site", "check", "harbour.site")
}
