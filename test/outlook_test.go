package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector/pst"
	"waybill/connector/site"
	"waybill/internal/counterpart"
	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
)

// pstOffice writes PST files for the movers and returns what is in them.
func pstOffice(t *testing.T, dir string, o sample.Options) (manifests map[string]*sample.Manifest, items int) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	manifests, err := sample.Office(dir, movers, o)
	if err != nil {
		t.Fatal(err)
	}
	past := time.Now().Add(-time.Hour) // old enough for its time to tell of changes
	for user, m := range manifests {
		items += m.Total.Items
		if err := os.Chtimes(filepath.Join(dir, user+".pst"), past, past); err != nil {
			t.Fatal(err)
		}
	}
	return manifests, items
}

// seenByPython is what Python's mail parser finds in a file.
type seenByPython struct {
	Folder, Subject, Class string
	Files                  []string // SHA-256 of parts with a file name, sorted
}

// mailParser prints every mail file below a directory: of a Maildir++, and of a
// tree of .eml files.
const mailParser = `import email, email.policy, hashlib, json, os, sys
for top, dirs, files in os.walk(sys.argv[1]):
    base = os.path.basename(top)
    if base not in ("cur", "new") and not any(f.endswith(".eml") for f in files): continue
    where = os.path.dirname(top) if base in ("cur", "new") else top
    for f in files:
        m = email.message_from_binary_file(open(os.path.join(top, f), "rb"), policy=email.policy.default)
        sums = sorted(hashlib.sha256(p.get_payload(decode=True) or b"").hexdigest() for p in m.walk()
            if not p.is_multipart() and p.get_filename() and p.get_filename() != "rtf-body.rtf" and not p.get_filename().endswith((".ics", ".vcf")))
        print(json.dumps({"Folder": os.path.relpath(where, sys.argv[1]), "Subject": str(m["Subject"] or "").strip(), "Class": str(m["X-Outlook-Class"] or ""), "Files": sums}))
`

func pythonMails(t *testing.T, dir string) (all []seenByPython) {
	t.Helper()
	cmd := exec.Command("python3", "-c", mailParser, dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(out) {
		var s seenByPython
		if err := json.Unmarshal(line, &s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// filesOf are the SHA-256 of all files in an item, those of embedded messages
// included.
func filesOf(item sample.Item) (sums []string) {
	for _, a := range item.Attachments {
		if a.Embedded != nil {
			sums = append(sums, filesOf(*a.Embedded)...)
		} else {
			sums = append(sums, a.SHA256)
		}
	}
	slices.Sort(sums)
	return sums
}

func isMailClass(class string) bool {
	return strings.HasPrefix(class, "IPM.Note") || strings.HasPrefix(class, "REPORT.") || strings.HasPrefix(class, "IPM.Schedule.") || class == "IPM.Post"
}

// TestExtractOutlook takes the mail of an office out of its PST files. Python's
// parser must find every item with its subject and its files, as the writer of the
// PST files knows them; and of what readpst takes out nothing may be missing.
func TestExtractOutlook(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("python3 is not installed")
	}
	work := t.TempDir()
	manifests, items := pstOffice(t, filepath.Join(work, "pst"), sample.Options{Options: pstwrite.Options{Encryption: pstwrite.Permute}, Messages: 110, BasicPlane: true})
	expect(t, 0, work, "extract", "--from", "pst:pst", "--to", "maildir:mail")
	w := accounted(t, filepath.Join(work, "mail-waybill"), false)
	if w.Totals.Found != int64(items) || w.Totals.Verified != int64(items) {
		t.Errorf("totals %+v, the files hold %d items", w.Totals, items)
	}
	ours := map[string][]string{} // files by user and subject
	for user, m := range manifests {
		want, got := counted{}, counted{}
		for _, item := range m.Items {
			if isMailClass(item.Class) {
				want[item.Subject+" "+strings.Join(filesOf(item), " ")]++
			} else {
				want[item.Class]++
			}
		}
		for _, s := range pythonMails(t, filepath.Join(work, "mail", user)) {
			if s.Class != "" {
				got[s.Class]++
				continue
			}
			got[s.Subject+" "+strings.Join(s.Files, " ")]++
			ours[user+" "+s.Subject] = s.Files
		}
		compare(t, user, want, got)
	}
	t.Run("readpst", func(t *testing.T) { againstReadpst(t, work, ours) })
}

// againstReadpst takes the same files apart with readpst. ours are the files of
// each mail, by user and subject, which differs from mail to mail.
func againstReadpst(t *testing.T, work string, ours map[string][]string) {
	readpst, err := exec.LookPath("readpst")
	if err != nil {
		t.Skip("readpst is not installed (Debian: pst-utils)")
	}
	found, files := 0, 0
	for _, user := range movers {
		to := filepath.Join(work, "readpst", user)
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		// With several jobs readpst mixes attachments up.
		if out, err := exec.Command(readpst, "-q", "-j", "0", "-D", "-e", "-t", "e", "-o", to, filepath.Join(work, "pst", user+".pst")).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		for _, s := range pythonMails(t, to) {
			found++
			have, there := ours[user+" "+s.Subject]
			if !there {
				t.Errorf("%s: only readpst has the mail %q", user, s.Subject)
			}
			// Files of embedded messages are missing in what readpst writes.
			for _, sum := range s.Files {
				if !slices.Contains(have, sum) {
					t.Errorf("%s: only readpst has the file %s of %q", user, sum, s.Subject)
				}
			}
			files += len(s.Files)
		}
	}
	if found < 100 || files < 50 {
		t.Errorf("readpst took out only %d mails and %d files", found, files)
	}
	t.Logf("%d mails and %d files of readpst are all there", found, files)
}

// TestOutlookToSite moves PST files into a site, is killed on the way, and goes on.
func TestOutlookToSite(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	_, items := pstOffice(t, filepath.Join(work, "pst"), sample.Options{Messages: 700})
	m := &serverMove{t: t, work: work}
	killed := killedOften(m, 3, "migrate", "--from", "pst:pst", "--to", "site:to.site")
	expect(t, 0, work, "migrate", "--from", "pst:pst", "--to", "site:to.site")
	t.Logf("killed %d times", killed)
	want := multiset(t, must(t)(pst.Source(t.Context(), locate("pst", filepath.Join(work, "pst")))), true)
	got := multiset(t, must(t)(site.Source(t.Context(), locate("site", filepath.Join(work, "to.site")))), true)
	compare(t, "site", want, got)
	w := accounted(t, filepath.Join(work, "waybill-report"), false)
	if w.Totals.Found != int64(items) || w.Totals.Verified != int64(items) || want.total() != items {
		t.Errorf("totals %+v, the files hold %d items, %d are listed", w.Totals, items, want.total())
	}
	// Nothing changed, and nothing is read again.
	expect(t, 0, work, "migrate", "--from", "pst:pst", "--to", "site:to.site")
	if again := readWaybill(t, filepath.Join(work, "waybill-report")); again.Totals != w.Totals {
		t.Errorf("second run: totals %+v, before %+v", again.Totals, w.Totals)
	}
	expect(t, 0, work, "verify")
}

// killedOften kills a run some times while it copies, as long as there is something
// left to copy.
func killedOften(m *serverMove, times int, args ...string) (killed int) {
	for n := range times {
		code, out := m.killedCopying(time.Duration(n+1)*120*time.Millisecond, args)
		switch code {
		case -1:
			killed++
		case 0:
			return killed
		default:
			m.t.Fatalf("run %d ended with %d:\n%s", n, code, out)
		}
	}
	return killed
}

// TestOutlookToDovecot moves PST files to Dovecot over IMAP, is killed on the way,
// and goes on. The judge, which has none of our code, compares what Dovecot shows
// with the same files taken out into Maildir.
func TestOutlookToDovecot(t *testing.T) {
	t.Parallel()
	work := t.ArtifactDir()
	_, items := pstOffice(t, filepath.Join(work, "pst"), sample.Options{Messages: 300})
	server := dovecotServer(t, "maildir", false)
	args := []string{"migrate", "--from", "pst:pst", "--to", server.location, "--match=name", "--workers=8",
		"--target-password-from=file:" + secretFile(t, work, "target", server.password)}
	m := &serverMove{t: t, work: work}
	t.Logf("killed %d times", killedOften(m, 3, args...))
	expect(t, 0, work, args...)
	w := accounted(t, filepath.Join(work, "waybill-report"), false)
	if w.Totals.Found != int64(items) || w.Totals.Verified != int64(items) {
		t.Errorf("totals %+v, the files hold %d items", w.Totals, items)
	}
	expect(t, 0, work, "extract", "--from", "pst:pst", "--to", "maildir:mail")
	verdict := counterpart.Compare(t, counterpart.Maildir(filepath.Join(work, "mail", "{user}")), server.judge, counterpart.CompareOptions{Users: movers, Dovecot: true})
	if got := verdict.Counts["messages in a"]; got != items {
		t.Errorf("the judge found %d messages, the files hold %d", got, items)
	}
}

// TestOutlookItems moves contacts and the like in each of their forms; those that
// are left out stay in the sum.
func TestOutlookItems(t *testing.T) {
	t.Parallel()
	work := t.TempDir()
	manifests, items := pstOffice(t, filepath.Join(work, "pst"), sample.Options{Messages: 120})
	cards, calendars, mails := 0, 0, 0
	for _, m := range manifests {
		for class, n := range m.Total.Classes {
			switch {
			case isMailClass(class):
				mails += n
			case class == "IPM.Contact" || class == "IPM.DistList":
				cards += n
			default:
				calendars += n
			}
		}
	}
	expect(t, 0, work, "extract", "--from", "pst:pst?items=file", "--to", "eml:files")
	endings := map[string]int{}
	err := filepath.WalkDir(filepath.Join(work, "files"), func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			endings[filepath.Ext(path)]++
		}
		return err
	})
	if err != nil || endings[".vcf"] != cards || endings[".ics"] != calendars || endings[".eml"] != mails {
		t.Errorf("files are %v, want %d cards, %d calendars, %d mails; %v", endings, cards, calendars, mails, err)
	}
	if cards == 0 || calendars == 0 {
		t.Fatal("no cards or no calendars in the sample")
	}
	expect(t, 0, work, "extract", "--from", "pst:pst?items=leave", "--to", "eml:mails")
	w := accounted(t, filepath.Join(work, "mails-waybill"), false)
	if w.Totals.Found != int64(items) || w.Totals.Verified != int64(mails) || w.Totals.Skipped != int64(cards+calendars) {
		t.Errorf("totals %+v, want %d found, %d verified, %d skipped", w.Totals, items, mails, cards+calendars)
	}
}
