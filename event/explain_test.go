package event

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write docs/events.md and the golden files anew")

func TestExplain(t *testing.T) {
	e, _ := Lookup(PreflightRefused)
	page := Explain(e)
	golden(t, filepath.Join("testdata", "W2002.txt"), page)
	for _, e := range All() {
		page := Explain(e)
		for n, line := range strings.Split(page, "\n") {
			if utf8.RuneCountInString(line) > pageWidth || strings.TrimRight(line, " ") != line {
				t.Errorf("%s line %d is too long or ends in a blank: %q", e.Code, n+1, line)
			}
		}
		for _, a := range e.Ancestors {
			if !strings.Contains(page, a.ID) {
				t.Errorf("page of %s does not name %s", e.Code, a.ID)
			}
		}
	}
}

// TestDocumentIsCurrent compares docs/events.md with the catalogue. Run
// "go test ./event -update" after a change.
func TestDocumentIsCurrent(t *testing.T) {
	golden(t, filepath.Join("..", "docs", "events.md"), document())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s is not current; run \"go test ./event -update\" and read the difference", path)
	}
}

var phases = []string{"Plan", "Preflight and rights", "Provisioning", "Copying", "Verification", "Ledger and run",
	"Systems and files", "User map and plan file"}

func document() string {
	var b strings.Builder
	b.WriteString(`# Events

Everything that Waybill has to tell carries a stable id: W and four digits, of
which the first names the phase. The same id stands in the log, in the waybill
and in ` + "`events.jsonl`" + `; ` + "`waybill explain W2002`" + ` prints the page about it.
Administrators who know the Exchange Migration Wizard may look up its numbers as
well: ` + "`waybill explain 7044`" + `.

A severity tells how much an event matters to the reader: info, notice, warning,
error. It never decides the exit code; only what became of the mail does.

This page is made from the catalogue in the program by ` + "`go test ./event -update`" + `.

`)
	all := All()
	for i, name := range phases {
		fmt.Fprintf(&b, "## %d %s\n\n| Id | Severity | What happened |\n|---|---|---|\n", i+1, name)
		for _, e := range all {
			if int(e.Code[1]-'0') == i+1 {
				fmt.Fprintf(&b, "| [%s](#%s) | %s | %s |\n", e.Code, strings.ToLower(string(e.Code)), e.Severity, e.Text)
			}
		}
		b.WriteByte('\n')
	}
	b.WriteString("## Event by event\n")
	for _, e := range all {
		fmt.Fprintf(&b, "\n### %s\n\n**%s** (%s)\n\n%s\n\n*What to do:* %s\n", e.Code, e.Text, e.Severity, e.Explanation, e.Remedy)
		if len(e.Ancestors) > 0 {
			b.WriteString("\nIn the Exchange Migration Wizard:\n\n")
			for _, a := range e.Ancestors {
				fmt.Fprintf(&b, "- %s: %s %s\n", a.Title(), a.Said, a.Difference)
			}
		}
		var also []string
		for _, code := range e.SeeAlso {
			also = append(also, fmt.Sprintf("[%s](#%s)", code, strings.ToLower(string(code))))
		}
		fmt.Fprintf(&b, "\nSee also %s.\n", strings.Join(also, ", "))
	}
	b.WriteString("\n## By number of the Migration Wizard\n\n| Number | Source | Articles | Here |\n|---|---|---|---|\n")
	for _, row := range ancestry(all) {
		b.WriteString(row + "\n")
	}
	return b.String()
}
