package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// constants reads the codes from the source, so that one that is added there
// cannot be forgotten here.
func constants(t *testing.T) map[string]Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Code{}
	for _, decl := range file.Decls {
		gen, ok := decl.(*ast.GenDecl)
		if !ok || gen.Tok != token.CONST {
			continue
		}
		for _, spec := range gen.Specs {
			value := spec.(*ast.ValueSpec)
			if kind, ok := value.Type.(*ast.Ident); !ok || kind.Name != "Code" {
				continue
			}
			for i, name := range value.Names {
				text, err := strconv.Unquote(value.Values[i].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatalf("%s: %v", name.Name, err)
				}
				found[name.Name] = Code(text)
			}
		}
	}
	if len(found) < 60 {
		t.Fatalf("found only %d codes in event.go; does this test still read it rightly?", len(found))
	}
	return found
}

func TestEveryCodeIsInTheCatalogue(t *testing.T) {
	codes := constants(t)
	names := map[Code]string{}
	for name, code := range codes {
		if other, twice := names[code]; twice {
			t.Errorf("%s and %s are both %s", name, other, code)
		}
		names[code] = name
		if _, ok := Lookup(code); !ok {
			t.Errorf("%s (%s) is not in the catalogue", name, code)
		}
	}
	if got, want := len(All()), len(codes); got != want {
		t.Errorf("catalogue has %d entries, event.go has %d codes", got, want)
	}
}

func TestCatalogueIsInOrder(t *testing.T) {
	all := All()
	if !slices.IsSortedFunc(all, func(a, b Entry) int { return strings.Compare(string(a.Code), string(b.Code)) }) {
		t.Error("All is not ordered by code")
	}
	shape := regexp.MustCompile(`^W[1-8][0-9]{3}$`)
	for _, e := range all {
		if !shape.MatchString(string(e.Code)) {
			t.Errorf("code %q: want W, a phase from 1 to 8, three digits", e.Code)
		}
	}
}

func TestEntriesAreWhole(t *testing.T) {
	texts := map[string]Code{}
	for _, e := range All() {
		for field, text := range map[string]string{"Text": e.Text, "Explanation": e.Explanation, "Remedy": e.Remedy} {
			checkSentences(t, string(e.Code)+" "+field, text)
		}
		if n := len(e.Text); n > 120 {
			t.Errorf("%s: text of %d bytes does not fit a line", e.Code, n)
		}
		if strings.Count(strings.TrimSuffix(e.Text, "."), ". ") > 0 {
			t.Errorf("%s: text is more than one sentence: %q", e.Code, e.Text)
		}
		if other, twice := texts[e.Text]; twice {
			t.Errorf("%s and %s have the same text", e.Code, other)
		}
		texts[e.Text] = e.Code
		if e.Severity > Error {
			t.Errorf("%s: severity %d", e.Code, e.Severity)
		}
		if len(e.SeeAlso) == 0 {
			t.Errorf("%s leads nowhere else", e.Code)
		}
		for _, code := range e.SeeAlso {
			if _, ok := Lookup(code); !ok || code == e.Code {
				t.Errorf("%s refers to %s", e.Code, code)
			}
		}
		checkAncestors(t, e)
	}
}

func checkAncestors(t *testing.T, e Entry) {
	t.Helper()
	article, number := regexp.MustCompile(`^Q[0-9]{6}$`), regexp.MustCompile(`^[0-9]{2,5}$`)
	seen := map[string]bool{}
	for _, a := range e.Ancestors {
		if !number.MatchString(a.ID) || seen[a.Source+a.ID] {
			t.Errorf("%s: ancestor %q is no number, or named twice", e.Code, a.ID)
		}
		seen[a.Source+a.ID] = true
		if len(a.Articles) == 0 {
			t.Errorf("%s: ancestor %s without an article", e.Code, a.ID)
		}
		for _, q := range a.Articles {
			if !article.MatchString(q) {
				t.Errorf("%s: article %q", e.Code, q)
			}
		}
		if !strings.HasSuffix(a.Said, ".") || a.Said == "." {
			t.Errorf("%s: %s said %q: want words that end with a full stop", e.Code, a.ID, a.Said)
		}
		checkSentences(t, string(e.Code)+" difference from "+a.ID, a.Difference)
	}
}

func checkSentences(t *testing.T, where, text string) {
	t.Helper()
	first := rune(0)
	for _, first = range text {
		break
	}
	switch {
	case !strings.HasSuffix(text, "."), !unicode.IsUpper(first), strings.Contains(text, "  "), !strings.Contains(text, " "):
		t.Errorf("%s is no sentence: %q", where, text)
	}
}

func TestLookupOfStrangers(t *testing.T) {
	for _, code := range []Code{"", "W", "W1", "W0000", "W9999", "W10011", "w1001", "W1000", "X1001", "7044"} {
		if e, ok := Lookup(code); ok {
			t.Errorf("Lookup(%q) found %s", code, e.Code)
		}
	}
}

func TestByAncestor(t *testing.T) {
	for _, c := range []struct {
		id   string
		want []Code
	}{
		{"7044", []Code{PreflightRefused, RightMissing, MailboxHollow}},
		{"q255888", []Code{PreflightRefused, RightMissing, MailboxHollow}},
		{"7026", []Code{LogonFailed}},
		{"147", []Code{LogonFailed}},
		{" 181 ", []Code{RightMissing}},
		{"7034", []Code{UserListEmpty, MapUserUnknown}},
		{"162", []Code{AccountExists, AccountFailed, MapUnreadable}},
		{"8059", []Code{SourceDamaged}},
		{"12024", []Code{MessageQuarantined}},
		{"10068", []Code{VerifyPassed, RunFinished, ReportWritten}},
		{"", nil},
		{"Q", nil},
		{"4711", nil},
	} {
		var got []Code
		for _, e := range ByAncestor(c.id) {
			got = append(got, e.Code)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("ByAncestor(%q) = %v, want %v", c.id, got, c.want)
		}
	}
	for id := range strings.FieldsSeq("7017 8002 8005 8030 8048 8054 8074 8124 8149 178 136 145 168 283 238") {
		if len(ByAncestor(id)) == 0 {
			t.Errorf("nothing descends from %s", id)
		}
	}
}

func TestFill(t *testing.T) {
	e := Fill(Event{Code: PreflightRefused, Detail: "kept"})
	entry, _ := Lookup(PreflightRefused)
	if e.Severity != "error" || e.Text != entry.Text || e.Remedy != entry.Remedy || e.Detail != "kept" {
		t.Errorf("filled: %+v", e)
	}
	if e := Fill(Event{Code: RightMissing, Remedy: "Run this command."}); e.Remedy != "Run this command." {
		t.Errorf("a remedy of the event's own was replaced by %q", e.Remedy)
	}
	if e := Fill(Event{Code: "W9999"}); e.Severity != "error" || e.Text == "" {
		t.Errorf("an unknown event passes as %+v", e)
	}
	if e := Fill(Fill(Event{Code: RunStarted})); e != Fill(Event{Code: RunStarted}) {
		t.Errorf("filling twice changes the event: %+v", e)
	}
}

// TestTheWizardsEvents: every event of the Migration Wizard and of directory import
// that its articles tell of has a page.
func TestTheWizardsEvents(t *testing.T) {
	for id := range strings.FieldsSeq(`27 98 122 135 136 145 147 151 162 168 178 181 238 283 1004 1011 1027 1029 1030 1032 1052
		4012 4088 6003 7000 7007 7017 7026 7032 7034 7044 8001 8002 8005 8030 8048 8054 8059 8072 8074 8092 8094 8095 8124 8149
		10002 10003 10008 10023 10052 10068 10075 12010 12024 14002 23006
		152 156 169 179 222 225 226 235 236 241 253 254 264 266 286 291 292`) {
		found := ByAncestor(id)
		if len(found) == 0 {
			t.Errorf("%s has no page", id)
		}
		for _, e := range found {
			if !strings.Contains(Explain(e), id) {
				t.Errorf("the page of %s does not name %s", e.Code, id)
			}
		}
	}
}
