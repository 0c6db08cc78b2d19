package test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"waybill/internal/counterpart"
	"waybill/report"
)

// oddKind is one way in which a message can be odd.
type oddKind struct {
	name string
	// cyrus is the rule by which a Cyrus does not take it, and words what Cyrus
	// says itself.
	cyrus, words string
	make         func(n int) string
}

const oddHeader = "From: hafen@kogge.example\r\nDate: Mon, 3 Mar 2003 10:00:00 +0100\r\n"

// oddKinds are the ways; each is written so that n makes a different message.
func oddKinds() []oddKind {
	header, nul, empty := "imap.message-header", "imap.message-nul", "imap.message-empty"
	badHeader, badNUL := "invalid header", "NUL"
	subject := func(n int) string { return fmt.Sprintf("%sSubject: %d\r\n", oddHeader, n) }
	return []oddKind{
		{"plain", "", "", func(n int) string { return subject(n) + "\r\nText\r\n" }},
		{"LF alone", "", "", func(n int) string { return strings.ReplaceAll(subject(n)+"\r\nText\r\nmore\r\n", "\r\n", "\n") }},
		{"mixed line ends", "", "", func(n int) string { return subject(n) + "\r\none\ntwo\r\nthree\n\nfour\r\n" }},
		{"CR in a line", "", "", func(n int) string { return subject(n) + "\r\none\rtwo\r\n" }},
		{"CR CR LF", "", "", func(n int) string { return subject(n) + "\r\none\r\r\ntwo\r\r\r\n" }},
		{"CR at the end", "", "", func(n int) string { return subject(n) + "\r\none\r" }},
		{"no line end at the end", "", "", func(n int) string { return subject(n) + "\r\none" }},
		{"no body", "", "", func(n int) string { return subject(n) + "\r\n" }},
		{"raw 8-bit header", "", "", func(n int) string { return subject(n) + "X-Fracht: S\xe4cke \xc3\xa4\r\n\r\nText\r\n" }},
		{"raw 8-bit body", "", "", func(n int) string { return subject(n) + "\r\nS\xe4cke \xff\xfe\r\n" }},
		{"control characters", "", "", func(n int) string { return subject(n) + "\r\n\x01\x02\x07\x08\x0b\x0c\x1b[31m\x7f\r\n" }},
		{"dots and From", "", "", func(n int) string { return subject(n) + "\r\n.\r\n..\r\nFrom here\r\n>From there\r\n" }},
		{"looks like IMAP", "", "", func(n int) string { return subject(n) + "\r\n)\r\n* 1 FETCH (UID 7)\r\na1 OK done\r\n{5}\r\n+ \r\n" }},
		{"folded for ever", "", "", func(n int) string {
			return subject(n) + "X: a\r\n" + strings.Repeat(" b\r\n\t\r\n", 500) + "\r\nText\r\n"
		}},
		{"empty value", "", "", func(n int) string { return subject(n) + "X-Nothing:\r\nX-Space: \r\n\r\nText\r\n" }},
		{"header of 100 KB", "", "", func(n int) string { return subject(n) + "X: " + strings.Repeat("y", 100_000) + "\r\n\r\nText\r\n" }},
		{"From in front", "", "", func(n int) string { return "From hafen Mon Mar  3 10:00:00 2003\r\n" + subject(n) + "\r\nText\r\n" }},
		{"space before the colon", header, badHeader, func(n int) string { return subject(n) + "X-Bad : yes\r\n\r\nText\r\n" }},
		{"no header", header, badHeader, func(n int) string { return fmt.Sprintf("just words, %d of them\r\nand more\r\n", n) }},
		{"line without a name", header, badHeader, func(n int) string { return subject(n) + "nothing but words\r\n\r\nText\r\n" }},
		{"header that is cut", header, badHeader, func(n int) string { return subject(n) + "X-Cut: he" }},
		{"NUL", nul, badNUL, func(n int) string { return subject(n) + "\r\na\x00b\x00\r\n" }},
		{"NUL in the header", nul, badNUL, func(n int) string { return subject(n) + "X: a\x00b\r\n\r\nText\r\n" }},
		{"empty", empty, "Zero-length", func(int) string { return "" }},
	}
}

// oddBox makes some 300 odd messages, in three folders, and says by its bytes
// which kind each of them is.
func oddBox() (folders map[string][][]byte, kind map[string]oddKind) {
	folders, kind = map[string][][]byte{}, map[string]oddKind{}
	names := []string{"", ".Odd", ".Odd.More"}
	put := func(k oddKind, n int) {
		body := k.make(n)
		kind[body] = k
		folder := names[n%len(names)]
		folders[folder] = append(folders[folder], []byte(body))
	}
	for n := range 12 {
		for _, k := range oddKinds() {
			put(k, n)
		}
	}
	plain := oddKind{}
	large := func(name string, body string) {
		plain.name, plain.make = name, func(int) string { return body }
		put(plain, len(name))
	}
	large("a line of 1 MB", oddHeader+"\r\n"+strings.Repeat("z", 1<<20)+"\r\n")
	large("10,000 header lines", oddHeader+strings.Repeat("X-Again: and again\r\n", 10_000)+"\r\nText\r\n")
	large("20 MB", oddHeader+"\r\n"+strings.Repeat(strings.Repeat("0123456789abcdef", 8)+"\r\n", (20<<20)/130))
	return folders, kind
}

// TestOddMail moves odd messages of our own from files to Dovecot and Cyrus, and
// from Dovecot on.
func TestOddMail(t *testing.T) {
	t.Parallel()
	folders, kinds := oddBox()
	total := 0
	for _, f := range folders {
		total += len(f)
	}
	base := t.TempDir()
	files := rawMaildir(t, filepath.Join(base, "from", "anna"), folders)
	source := counterpart.Maildir(filepath.Join(base, "from", "anna"))
	fromFiles := "maildir:" + filepath.Join(base, "from")
	body := func(t *testing.T, line report.Message) []byte {
		t.Helper()
		for name, body := range files {
			if strings.Contains(line.Key, name) {
				return body
			}
		}
		t.Fatalf("no file for %q", line.Key)
		return nil
	}
	t.Run("to Dovecot", func(t *testing.T) {
		to := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
		m := &oddMove{t: t, work: t.TempDir(), from: fromFiles, to: to.Location("anna")}
		out := m.run(1)
		refused := m.state("refused")
		for _, line := range refused {
			if len(body(t, line)) != 0 || line.Rule != "imap.message-empty" {
				t.Errorf("refused: %+v", line)
			}
		}
		verdict, err := counterpart.Judge(t.Context(), source, to.System("anna"), counterpart.CompareOptions{Dovecot: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(refused) != 12 || verdict.Differences != 12 || verdict.Counts["different: message missing"] != 12 || m.waybill.Totals.Found != int64(total) ||
			m.noted("nul-changed") != 24 || m.noted("line-ends") == 0 {
			t.Errorf("totals %+v, notes %v, the judge: %v\n%s", m.waybill.Totals, m.waybill.Notes, verdict, out)
		}
		m.repairedProperly()
		oddOnwards(t, to, total-12)
	})
	t.Run("to Cyrus", func(t *testing.T) {
		to := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
		m := &oddMove{t: t, work: t.TempDir(), from: fromFiles, to: to.Location("anna")}
		out := m.run(1)
		want := 0
		for _, b := range files {
			if kinds[string(b)].cyrus != "" {
				want++
			}
		}
		refused := m.state("refused")
		for _, line := range refused {
			b := body(t, line)
			k := kinds[string(b)]
			sent := bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
			words := offered(t, to, "anna", "INBOX", sent)
			if line.Rule != k.cyrus || k.words == "" || !strings.Contains(words, k.words) {
				t.Errorf("%s: refused as %s (%s), want %s; Cyrus says %q", k.name, line.Rule, line.Reason, k.cyrus, words)
			}
		}
		verdict, err := counterpart.Judge(t.Context(), source, to.System("anna"), counterpart.CompareOptions{Cyrus: true, CRLF: true})
		if err != nil {
			t.Fatal(err)
		}
		if len(refused) != want || verdict.Differences != want || verdict.Counts["different: message missing"] != want || m.waybill.Totals.Found != int64(total) ||
			m.noted("header-8bit-changed") != 12 {
			t.Errorf("totals %+v, %d to be refused, notes %v, the judge: %v\n%s", m.waybill.Totals, want, m.waybill.Notes, verdict, out)
		}
	})
	t.Run("to Cyrus, repaired", func(t *testing.T) {
		to := counterpart.NewCyrus(t, counterpart.CyrusOptions{UnixHierarchySep: true, AltNamespace: true})
		m := &oddMove{t: t, work: t.TempDir(), from: fromFiles, to: to.Location("anna"), args: []string{"--repair"}}
		out := m.run(0)
		if n := m.repairedProperly(); n != 7*12 || m.waybill.Totals.Verified != int64(total) {
			t.Errorf("%d repaired, totals %+v, notes %v\n%s", n, m.waybill.Totals, m.waybill.Notes, out)
		}
		if verdict, err := counterpart.Judge(t.Context(), source, to.System("anna"), counterpart.CompareOptions{Cyrus: true, CRLF: true}); err != nil ||
			verdict.Counts["messages in b"] != total || verdict.Counts["different: message missing"] != 7*12 || verdict.Counts["different: flags"] != 0 {
			t.Errorf("the judge: %v %v", verdict, err)
		}
	})
}

// oddOnwards moves what a Dovecot serves to another one.
func oddOnwards(t *testing.T, d *counterpart.Dovecot, total int) {
	t.Helper()
	to := counterpart.NewDovecot(t, counterpart.DovecotOptions{Format: "sdbox"})
	m := &oddMove{t: t, work: t.TempDir(), from: d.Location("anna"), to: to.Location("anna")}
	out := m.run(0)
	counterpart.Compare(t, d.System("anna"), to.System("anna"), counterpart.CompareOptions{Dovecot: true})
	if m.waybill.Totals.Verified != int64(total) {
		t.Errorf("totals %+v\n%s", m.waybill.Totals, out)
	}
}

// TestRefusedOneByOne moves 400 messages of which 18 are too large for a
// Dovecot that does not tell its limit: 18 are refused, in its words, and few commands
// are spent on finding them.
func TestRefusedOneByOne(t *testing.T) {
	t.Parallel()
	to := counterpart.NewDovecot(t, counterpart.DovecotOptions{Quota: 1 << 30, Extra: "plugin {\n  quota_max_mail_size = 20k\n}"})
	dice := rand.New(rand.NewPCG(18, 163))
	folders := map[string][][]byte{"": nil}
	bad := map[int]bool{}
	for len(bad) < 18 {
		bad[dice.IntN(400)] = true
	}
	for n := range 400 {
		lines := 5
		if bad[n] {
			lines = 1000
		}
		folders[""] = append(folders[""], fmt.Appendf(nil, "%sSubject: %d\r\n\r\n%s", oddHeader, n, strings.Repeat("a line of forty characters and no more\r\n", lines)))
	}
	work := t.TempDir()
	rawMaildir(t, filepath.Join(work, "from", "anna"), folders)
	m := &oddMove{t: t, work: work, from: "maildir:" + filepath.Join(work, "from"), to: to.Location("anna")}
	out := m.run(1)
	refused := m.state("refused")
	for _, line := range refused {
		if line.Size < 20000 || line.Class != "too-large" && line.Class != "malformed" || !strings.Contains(strings.ToLower(line.Reason), "size") && !strings.Contains(line.Reason, "large") {
			t.Errorf("refused: %+v", line)
		}
	}
	if len(refused) != 18 || m.waybill.Totals.Verified != 382 {
		t.Errorf("%d refused, totals %+v\n%s", len(refused), m.waybill.Totals, out)
	}
	if n := m.appends(); n < 18 || n >= 163 {
		t.Errorf("%d APPEND commands for 18 refused messages of 400", n)
	}
	t.Logf("%d APPEND commands", m.appends())
}
