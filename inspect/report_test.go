package inspect

import (
	"fmt"
	"strings"
	"testing"
)

func sample() *Report {
	r := &Report{Title: "old.pst", Kind: "a file"}
	r.Fact("size", "%d bytes", 12)
	r.Find(Finding{Severity: Note, Rule: "a.note", Text: "small"})
	r.Find(Finding{Severity: Fault, Rule: "a.fault", Where: "Inbox, item 3", Text: "gone\x1b[2J", Events: []string{"7044"}, Articles: []string{"KB Q255888"}, Remedy: "look", Private: true})
	return r
}

func TestText(t *testing.T) {
	var b strings.Builder
	if err := sample().Text(&b); err != nil {
		t.Fatal(err)
	}
	want := "old.pst: a file\n  size  12 bytes\nfault: gone\uFFFD[2J (Inbox, item 3) [a.fault]\n    known as: 7044, KB Q255888\n    remedy: look\nnote: small [a.note]\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestShareLeavesOutWords(t *testing.T) {
	var b strings.Builder
	if err := sample().Share().Text(&b); err != nil {
		t.Fatal(err)
	}
	for _, private := range []string{"old.pst", "Inbox", "gone"} {
		if strings.Contains(b.String(), private) {
			t.Errorf("the shared report says %q:\n%s", private, b.String())
		}
	}
	if !strings.Contains(b.String(), "a.fault") {
		t.Error("the rule is left out")
	}
}

func TestManyFindings(t *testing.T) {
	r := &Report{}
	for i := range MaxFindings + 5 {
		r.Find(Finding{Severity: Warning, Rule: "a.many", Text: fmt.Sprint(i)})
	}
	if worst, ok := r.Worst(); len(r.Findings) != MaxFindings || r.More["a.many"] != 5 || !ok || worst != Warning {
		t.Errorf("%d kept, %v more, worst %v", len(r.Findings), r.More, worst)
	}
}
