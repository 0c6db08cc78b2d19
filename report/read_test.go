package report

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/failure"
)

func TestReadOfOddFiles(t *testing.T) {
	for _, c := range []struct {
		name, text string
		class      failure.Class
		rule       string
	}{
		{"empty", "", failure.Malformed, "report.json"},
		{"cut", `{"format": 1, "program": "way`, failure.Malformed, "report.json"},
		{"other JSON", `{"name": "x"}`, failure.Malformed, "report.format"},
		{"a list", `[]`, failure.Malformed, "report.json"},
		{"later format", `{"format": 2}`, failure.Unsupported, "report.format"},
		{"two waybills", `{"format": 1}{"format": 1}`, failure.Malformed, "report.trailing"},
		{"number out of range", `{"format": 1, "totals": {"found": 1e400}}`, failure.Malformed, "report.json"},
		{"not JSON", "\x00\x01\x02", failure.Malformed, "report.json"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, JSONFile), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		w, err := Read(dir)
		if w != nil || failure.ClassOf(err) != c.class || failure.RuleOf(err) != c.rule || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want class %v and rule %s", c.name, err, c.class, c.rule)
		}
	}
	if _, err := Read(filepath.Join(t.TempDir(), "none")); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("no directory: %v", err)
	}
}

func TestReadOfOddMessages(t *testing.T) {
	good := `{"user":"anna","state":"verified"}` + "\n"
	for _, c := range []struct {
		name, text string
		messages   int
		rule       string
	}{
		{"empty", "", 0, ""},
		{"good", good + good, 2, ""},
		{"cut", good + good[:12], 1, "report.truncated"},
		{"without the last line feed", good + strings.TrimSpace(good), 1, "report.truncated"},
		{"empty line", good + "\n", 1, "report.jsonl"},
		{"no state", good + "{}\n", 1, "report.jsonl"},
		{"wrong type", good + `{"user":7,"state":"x"}` + "\n", 1, "report.jsonl"},
		{"endless line", good + strings.Repeat("x", maxLine+1) + "\n", 1, "report.jsonl"},
	} {
		n, rule := 0, ""
		parseMessages("messages.jsonl", strings.NewReader(c.text), func(m Message, err error) bool {
			if err != nil {
				rule = failure.RuleOf(err)
				if !strings.Contains(err.Error(), "line 2") {
					t.Errorf("%s: %v does not name the line", c.name, err)
				}
				return true
			}
			n++
			return true
		})
		if n != c.messages || rule != c.rule {
			t.Errorf("%s: %d messages and rule %q, want %d and %q", c.name, n, rule, c.messages, c.rule)
		}
	}
}

func FuzzRead(f *testing.F) {
	if golden, err := os.ReadFile(filepath.Join("testdata", "report.json")); err == nil {
		f.Add(golden)
	}
	f.Add([]byte(`{"format":1,"mailboxes":[{"user":"a","count":{"found":-1}}],"curve":[{"second":1e300,"bytes":-5}]}`))
	f.Add([]byte(`{"format":1,"mailboxes":[{"user":"a"}],"curve":[{"second":5e-324,"bytes":9},{"second":1e-323}]}`))
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		w, err := parse("fuzz", bytes.NewReader(data))
		if err != nil {
			return
		}
		// Whatever can be read can be judged, told and shown.
		_ = Summary(w)
		o := w.ordered()
		var page bytes.Buffer
		if err := render(&page, &o); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(page.String(), "<script"); n != 2 {
			t.Fatalf("%d scripts on the page", n)
		}
	})
}

func FuzzReadMessages(f *testing.F) {
	f.Add([]byte(`{"user":"anna","state":"verified","notes":[{"kind":"a","text":"b"}]}` + "\n"))
	f.Add([]byte("\n{\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		good := 0
		parseMessages("fuzz", bytes.NewReader(data), func(m Message, err error) bool {
			if err == nil {
				good++
			}
			return true
		})
		if good > bytes.Count(data, []byte("\n")) {
			t.Fatalf("%d messages in %d lines", good, bytes.Count(data, []byte("\n")))
		}
	})
}
