package counterpart

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestJudgeSeesTheSameMailEverywhere writes the same mail as files and over
// IMAP, into three formats and into Cyrus, and finds it equal.
func TestJudgeSeesTheSameMailEverywhere(t *testing.T) {
	t.Parallel()
	o := SeedOptions{Seed: 3, Messages: 150, Bytes: 1_000_000}
	files := Maildir(filepath.Join(t.TempDir(), "mail"))
	made := Seed(t, files, o)
	if made.Messages != 150 || made.Folders != 28 || len(made.RefusedFolders) != 0 {
		t.Fatalf("%+v", made)
	}
	for _, d := range []DovecotOptions{{}, {Format: "mdbox"}, {Format: "maildir", FormatOptions: ":LAYOUT=fs", Prefix: "INBOX.", Separator: "."}} {
		t.Run(d.Format+d.Prefix, func(t *testing.T) {
			t.Parallel()
			server := NewDovecot(t, d)
			if again := server.Seed(t, "anna", o); again.Bytes != made.Bytes || again.Messages != made.Messages {
				t.Errorf("%+v and %+v", made, again)
			}
			v := Compare(t, files, server.System("anna"), CompareOptions{CRLF: true})
			if v.Counts["messages in b"] != 150 || v.Counts["folders in b"] != 28 {
				t.Errorf("%v", v.Counts)
			}
		})
	}
	t.Run("Cyrus", func(t *testing.T) {
		t.Parallel()
		c := NewCyrus(t, CyrusOptions{})
		d := NewDovecot(t, DovecotOptions{Format: "sdbox"})
		o := o
		o.Folders = 23 // those that Cyrus permits
		Seed(t, c.System("anna"), o)
		d.Seed(t, "anna", o)
		Compare(t, d.System("anna"), c.System("anna"), CompareOptions{Zone: true})
		Compare(t, d.System("anna"), c.ProxySystem(), CompareOptions{Users: []string{"anna"}})
	})
}

// TestJudgeFindsEveryDifference changes one thing at a time.
func TestJudgeFindsEveryDifference(t *testing.T) {
	t.Parallel()
	d := NewDovecot(t, DovecotOptions{Users: map[string]string{"anna": "x", "bert": "x"}})
	for _, user := range []string{"anna", "bert"} {
		d.Seed(t, user, SeedOptions{Messages: 60, Bytes: 200_000, Folders: 6})
	}
	judge := func() Verdict {
		t.Helper()
		v, err := Judge(t.Context(), d.System("anna"), d.System("bert"), CompareOptions{})
		orSkip(t, err)
		return v
	}
	before := judge()
	if before.Differences != 0 || before.Counts["messages in a"] != 60 {
		t.Fatal(before)
	}
	inbox := "SELECT INBOX"
	for _, c := range []struct {
		kind     string
		commands []string
	}{
		{"flags", []string{inbox, "STORE 1 FLAGS (\\Seen Odd)"}},
		{"message missing", []string{inbox, "STORE 2 +FLAGS (\\Deleted)", "EXPUNGE"}},
		{"message added", []string{fmt.Sprintf("APPEND Sent {%d+}\r\n%s", len(message), message)}},
		{"folder added", []string{"CREATE Other"}},
		{"folder missing", []string{"RENAME Trash Other/Trash"}},
	} {
		if _, err := d.Run(t.Context(), "bert", c.commands...); err != nil {
			t.Fatal(err)
		}
		v := judge()
		if v.Counts["different: "+c.kind] <= before.Counts["different: "+c.kind] {
			t.Errorf("%s: %s", c.kind, v)
		}
		before = v
	}
	if _, err := Judge(t.Context(), System{d.System("anna").Location, "wrong"}, d.System("bert"), CompareOptions{}); err == nil || !strings.Contains(err.Error(), "AUTHENTICATIONFAILED") {
		t.Errorf("a wrong password: %v", err)
	}
	// The date of a file is the date of its message.
	dir := filepath.Join(t.TempDir(), "mail")
	Seed(t, Maildir(dir), SeedOptions{Messages: 60, Bytes: 200_000, Folders: 6})
	found, err := filepath.Glob(filepath.Join(dir, "cur", "*"))
	if err != nil || len(found) == 0 {
		t.Fatal(err)
	}
	info, err := os.Stat(found[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(found[0], info.ModTime(), info.ModTime().Add(1e9)); err != nil {
		t.Fatal(err)
	}
	v, err := Judge(t.Context(), d.System("anna"), Maildir(dir), CompareOptions{CRLF: true})
	if err != nil || v.Differences != 1 || v.Counts["different: date"] != 1 {
		t.Errorf("%v %s", err, v)
	}
}
