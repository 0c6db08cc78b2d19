package test

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"waybill/internal/corpus"
	"waybill/internal/counterpart"
)

// oddCount is how many messages of the collection are moved.
const oddCount = 3000

// collected are messages of the collection, each different from all others: what
// people keep as examples of odd mail first, then ordinary mail. The folders are
// the origins.
func collected(t *testing.T, limit int) map[string][][]byte {
	t.Helper()
	root := corpus.Dir(t, "eml")
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ordinary := func(path string) bool { return strings.Contains(path, "spamassassin") }
	sort.Slice(names, func(i, j int) bool {
		if a, b := ordinary(names[i]), ordinary(names[j]); a != b {
			return b
		}
		return names[i] < names[j]
	})
	seen := map[[32]byte]bool{}
	folders := map[string][][]byte{"": nil}
	for _, name := range names {
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(body); !seen[sum] {
			seen[sum] = true
			rel, _ := filepath.Rel(root, name)
			origin, _, _ := strings.Cut(filepath.ToSlash(rel), "/")
			folder := "." + strings.ReplaceAll(origin, ".", "-")
			folders[folder] = append(folders[folder], body)
		}
		if len(seen) == limit {
			return folders
		}
	}
	t.Fatalf("the collection has only %d different messages", len(seen))
	return nil
}

// TestOddMailOfTheWorld moves 3,000 odd messages of other people's collections
// from Dovecot to Dovecot and to Cyrus: each one is accounted for, and what
// arrived is what the judge finds.
func TestOddMailOfTheWorld(t *testing.T) {
	if testing.Short() {
		t.Skip("moves thousands of messages; left out with -short")
	}
	t.Parallel()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	maildirOf(t, d, "anna", collected(t, oddCount))
	t.Run("to Dovecot", func(t *testing.T) {
		to := counterpart.NewDovecot(t, counterpart.DovecotOptions{Format: "mdbox"})
		m := &oddMove{t: t, work: t.TempDir(), from: d.Location("anna"), to: to.Location("anna")}
		out := m.run(0)
		verdict := counterpart.Compare(t, d.System("anna"), to.System("anna"), counterpart.CompareOptions{Dovecot: true})
		if n := verdict.Counts["messages in a"]; n != oddCount || m.waybill.Totals.Found != oddCount || m.waybill.Totals.Verified != oddCount {
			t.Errorf("the source serves %d, totals %+v:\n%s", n, m.waybill.Totals, out)
		}
		t.Logf("totals %+v, notes %v, %d commands", m.waybill.Totals, m.waybill.Notes, m.appends())
	})
	t.Run("to Cyrus", func(t *testing.T) { oddToCyrus(t, d) })
	t.Run("to Cyrus, repaired", func(t *testing.T) { oddRepaired(t, d) })
}

// oddToCyrus moves the mailbox to a Cyrus and tries each message that did not
// arrive there once more, singly and without our program.
func oddToCyrus(t *testing.T, d *counterpart.Dovecot) {
	to := counterpart.NewCyrus(t, counterpart.CyrusOptions{UnixHierarchySep: true, AltNamespace: true})
	m := &oddMove{t: t, work: t.TempDir(), from: d.Location("anna"), to: to.Location("anna")}
	out := m.run(1)
	totals, refused := m.waybill.Totals, m.state("refused")
	verdict, err := counterpart.Judge(t.Context(), d.System("anna"), to.System("anna"), counterpart.CompareOptions{Cyrus: true})
	if err != nil {
		t.Fatal(err)
	}
	counts := verdict.Counts
	if counts["messages in a"] != oddCount || totals.Found != oddCount || int64(counts["messages in b"]) != totals.Verified ||
		counts["different: message missing"] != len(refused) || verdict.Differences != len(refused) || totals.Verified+int64(len(refused)) != oddCount {
		t.Errorf("totals %+v; the judge: %v\n%s", totals, verdict, out)
	}
	if len(refused) == 0 || m.noted("header-8bit-changed") == 0 {
		t.Errorf("%d messages are refused and %d have an 8-bit header: this mail is not odd enough", len(refused), m.noted("header-8bit-changed"))
	}
	for _, line := range refused {
		words := offered(t, to, "anna", "INBOX", served(t, d, "anna", line))
		if line.Rule != "imap.message-header" || !strings.Contains(words, "invalid header") {
			t.Errorf("%s %s was refused (%s: %s), and Cyrus says %q", line.Folder, line.Key, line.Rule, line.Reason, words)
		}
	}
	// What is known beforehand costs no command.
	if most := 2*oddCount/25 + len(m.waybill.Mailboxes[0].Folders); m.appends() == 0 || m.appends() > most {
		t.Errorf("%d APPEND commands, want at most %d", m.appends(), most)
	}
	t.Logf("totals %+v, notes %v, %d commands", totals, m.waybill.Notes, m.appends())
}

// oddRepaired moves the mailbox to a Cyrus once more, and has repaired what it
// would refuse.
func oddRepaired(t *testing.T, d *counterpart.Dovecot) {
	to := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	m := &oddMove{t: t, work: t.TempDir(), from: d.Location("anna"), to: to.Location("anna"), args: []string{"--repair"}}
	out := m.run(0)
	verdict, err := counterpart.Judge(t.Context(), d.System("anna"), to.System("anna"), counterpart.CompareOptions{Cyrus: true})
	if err != nil {
		t.Fatal(err)
	}
	repaired := m.repairedProperly()
	counts := verdict.Counts
	if counts["messages in b"] != oddCount || m.waybill.Totals.Verified != oddCount || repaired == 0 ||
		counts["different: message missing"] != repaired || counts["different: message added"] != repaired || verdict.Differences != 2*repaired {
		t.Errorf("totals %+v, %d repaired; the judge: %v\n%s", m.waybill.Totals, repaired, verdict, out)
	}
	t.Logf("totals %+v, notes %v, %d commands", m.waybill.Totals, m.waybill.Notes, m.appends())
}
