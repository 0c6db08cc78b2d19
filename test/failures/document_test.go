package failures

import (
	"encoding/csv"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"waybill/event"
)

const (
	root     = "../.."
	document = "docs/failures.md"
	list     = "testdata/failures.csv"
	scripts  = "testdata/script"
)

// answer is one line of the document.
type answer struct {
	id      string
	also    []string // further articles
	symptom string
	kind    string // "Cannot happen", "Caught", "Does not apply", "Open"
	reason  string
	events  []string
	tests   []string
}

// TestEveryFailureIsAnswered compares docs/failures.md with the list of failures,
// the catalogue of events and the tests in the tree.
func TestEveryFailureIsAnswered(t *testing.T) {
	answers := readAnswers(t)
	names := testNames{}
	counts := map[string]int{}
	recreated := 0
	for _, a := range answers {
		counts[a.kind]++
		if faults := judge(a, names); len(faults) > 0 {
			t.Errorf("%s (%s): %s", a.id, a.symptom, strings.Join(faults, "; "))
		}
		if a.recreated() {
			recreated++
		}
	}
	compareWithList(t, answers)
	if recreated < 80 {
		t.Errorf("%d failures are recreated by scripts, want 80 at least", recreated)
	}
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	sum := fmt.Sprintf("Of %d failures, %d cannot happen, %d are caught, %d do not apply, and %d are open.",
		len(answers), counts["Cannot happen"], counts["Caught"], counts["Does not apply"], counts["Open"])
	if !strings.Contains(string(text), sum) {
		t.Errorf("the page does not say %q", sum)
	}
}

// recreated tells whether a script makes the situation again.
func (a answer) recreated() bool {
	return slices.ContainsFunc(a.tests, func(name string) bool { return strings.HasPrefix(name, "failures/") })
}

// judge finds what an answer lacks.
func judge(a answer, names testNames) (faults []string) {
	switch a.kind {
	case "Cannot happen":
		if len(a.tests) == 0 {
			faults = append(faults, "no test shows it")
		}
	case "Caught":
		// What no event tells, a script has to show in what the program prints.
		if len(a.tests) == 0 || len(a.events) == 0 && !a.recreated() {
			faults = append(faults, "no event tells it, or no test shows it")
		}
	case "Does not apply", "Open":
		if len(a.tests) > 0 {
			faults = append(faults, "there is a test, so there is an answer")
		}
	default:
		faults = append(faults, fmt.Sprintf("%q is no kind of answer", a.kind))
	}
	if len(a.reason) < 20 || !strings.HasSuffix(a.reason, ".") {
		faults = append(faults, fmt.Sprintf("%q is no reason", a.reason))
	}
	for _, code := range a.events {
		if _, ok := event.Lookup(event.Code(code)); !ok {
			faults = append(faults, "no event is "+code)
		}
	}
	for _, name := range a.tests {
		if !names.has(name) {
			faults = append(faults, "there is no test "+name)
		}
	}
	return faults
}

// compareWithList makes sure that the page answers the whole list and no more, and
// that every script is named by it.
func compareWithList(t *testing.T, answers []answer) {
	t.Helper()
	file, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]answer{}
	used := map[string]bool{}
	for _, a := range answers {
		if _, twice := byID[a.id]; twice {
			t.Errorf("%s is answered twice", a.id)
		}
		byID[a.id] = a
		for _, name := range a.tests {
			used[name] = true
		}
	}
	for _, row := range rows[1:] {
		a, ok := byID[row[0]]
		if !ok {
			t.Errorf("%s (%s) has no answer", row[0], row[3])
			continue
		}
		if a.symptom != row[3] {
			t.Errorf("%s: the page says %q, the list %q", row[0], a.symptom, row[3])
		}
		for article := range strings.FieldsSeq(row[1]) {
			if !strings.HasPrefix(row[0], article) && !slices.Contains(a.also, article) {
				t.Errorf("%s: the page does not name %s", row[0], article)
			}
		}
	}
	if len(rows)-1 != len(answers) || len(answers) < 179 {
		t.Errorf("%d answers for a list of %d failures", len(answers), len(rows)-1)
	}
	all, err := filepath.Glob(filepath.Join(scripts, "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		if name := "failures/" + strings.TrimSuffix(filepath.Base(path), ".txtar"); !used[name] {
			t.Errorf("the page does not name %s", name)
		}
	}
}

var code = regexp.MustCompile(`\[(W[0-9]{4})\]\(events\.md#w[0-9]{4}\)`)

// readAnswers reads the tables of the page.
func readAnswers(t *testing.T) (answers []answer) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	for n, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| Failure ") {
			continue
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for len(cells) < 5 {
			cells = append(cells, "")
		}
		ids := strings.Split(cells[0], ", ")
		a := answer{id: ids[0], also: ids[1:], symptom: cells[1]}
		a.kind, a.reason, _ = strings.Cut(cells[2], ": ")
		for _, m := range code.FindAllStringSubmatch(cells[3], -1) {
			a.events = append(a.events, m[1])
		}
		for name := range strings.SplitSeq(cells[4], "<br>") {
			if name = strings.Trim(name, "` |"); name != "" {
				a.tests = append(a.tests, name)
			}
		}
		if len(cells) != 5 {
			t.Errorf("line %d has %d cells", n+1, len(cells))
		}
		answers = append(answers, a)
	}
	return answers
}

// testNames are the test functions of folders that were looked at.
type testNames map[string]map[string]bool

// has finds "FOLDER TestName", or "failures/NAME" of a script.
func (n testNames) has(name string) bool {
	if script, ok := strings.CutPrefix(name, "failures/"); ok {
		_, err := os.Stat(filepath.Join(scripts, script+".txtar"))
		return err == nil
	}
	folder, function, ok := strings.Cut(name, " ")
	if !ok || !strings.HasPrefix(function, "Test") && !strings.HasPrefix(function, "Fuzz") {
		return false
	}
	if n[folder] == nil {
		n[folder] = functions(filepath.Join(root, filepath.FromSlash(folder)))
	}
	return n[folder][function]
}

func functions(dir string) map[string]bool {
	found := map[string]bool{}
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		return found
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			continue
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				found[f.Name.Name] = true
			}
		}
	}
	return found
}
