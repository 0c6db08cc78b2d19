package mapiitem

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// python is the interpreter that has Debian's own libraries.
const python = "/usr/bin/python3"

// verdict is what the independent readers found in one file: properties of a
// card, or components of a calendar.
type verdict struct {
	card       map[string][]string
	components []component
	err        string
}

type component struct {
	Name        string   `json:"name"`
	UID         string   `json:"uid"`
	Summary     string   `json:"summary"`
	Location    string   `json:"location"`
	Description string   `json:"description"`
	Start       string   `json:"dtstart"`
	End         string   `json:"dtend"`
	Due         string   `json:"due"`
	ID          string   `json:"recurrence-id"`
	Deleted     []string `json:"exdate"`
	Rule        string   `json:"rrule"`
	Dates       []string `json:"dates"`
}

// judge lets Python's vobject and icalendar read files. The test is skipped where
// these are not installed.
func judge(t *testing.T, files map[string][]byte) map[string]verdict {
	t.Helper()
	dir := t.TempDir()
	for name, b := range files {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "judge.py"), dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if _, serr := os.Stat(python); serr != nil || strings.Contains(complaint.String(), "ModuleNotFoundError") {
		t.Skip("Python's vobject, icalendar and dateutil are not installed (python3-vobject, python3-icalendar, python3-dateutil)")
	}
	if err != nil {
		t.Fatalf("judge.py: %v: %s", err, &complaint)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(out, &raw); err != nil {
		t.Fatal(err)
	}
	verdicts := map[string]verdict{}
	for name, r := range raw {
		var v verdict
		var broken struct {
			Error      string      `json:"error"`
			Components []component `json:"components"`
		}
		if json.Unmarshal(r, &broken) == nil && (broken.Error != "" || broken.Components != nil) {
			v.err, v.components = broken.Error, broken.Components
		} else if err := json.Unmarshal(r, &v.card); err != nil {
			t.Fatal(err)
		}
		verdicts[name] = v
	}
	return verdicts
}

// expectReadable fails the test where a file cannot be read by others.
func expectReadable(t *testing.T, files map[string][]byte) {
	t.Helper()
	for name, v := range judge(t, files) {
		if v.err != "" {
			t.Errorf("%s: %s\n%s", name, v.err, files[name])
		}
	}
}
