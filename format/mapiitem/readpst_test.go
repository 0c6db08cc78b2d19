package mapiitem

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"waybill/format/mapi"
	"waybill/internal/corpus"
)

// facts are what of a card or an event both programs say, in a form that can be
// compared: names, addresses, numbers; title, times, place, rule.
func facts(text []byte) (list []string) {
	if !utf8.Valid(text) {
		text = []byte(mapi.DecodeText(text, 932)) // readpst leaves ANSI files in their code page
	}
	plain := strings.NewReplacer("\r\n ", "", "\n ", "").Replace(string(text))
	zone, within := "", ""
	for line := range strings.Lines(plain) {
		head, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		name, params, _ := strings.Cut(head, ";")
		if !ok {
			continue
		}
		value = strings.NewReplacer(`\,`, ",", `\;`, ";", `\n`, "\n", `\\`, `\`).Replace(value)
		switch name {
		case "TZOFFSETTO":
			zone = value
		case "N": // readpst writes one without names, too
			if parts := strings.Split(value+";;;;", ";"); parts[0]+parts[1] != "" {
				list = append(list, "N:"+strings.Join(parts[:2], ";"))
			}
		case "BEGIN":
			within = value
		case "DTSTART", "DTEND":
			if within != "VEVENT" {
				continue
			}
			if strings.Contains(params, "TZID") {
				hours, err := strconv.Atoi(zone[:3]) // the zones of the collection are whole hours
				wall, perr := time.Parse(formLocal, value)
				if err != nil || perr != nil {
					panic("a time that cannot be read: " + line)
				}
				value = wall.Add(-time.Duration(hours) * time.Hour).Format(formUTC)
			}
			list = append(list, name+":"+value)
		case "EMAIL", "TEL", "TITLE", "SUMMARY", "LOCATION", "RRULE":
			list = append(list, name+":"+value)
		case "ORG":
			company, _, _ := strings.Cut(value, ";")
			list = append(list, "ORG:"+company)
		}
	}
	slices.Sort(list)
	return list
}

// TestAgreesWithReadpst compares the contacts and events of the collection with
// what readpst writes of the same files.
func TestAgreesWithReadpst(t *testing.T) {
	if testing.Short() {
		t.Skip("reads large files")
	}
	readpst, err := exec.LookPath("readpst")
	if err != nil {
		t.Skip("readpst is not installed (pst-utils)")
	}
	dir := corpus.Dir(t, "pst")
	compared := 0
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		var ours [][]string
		for _, r := range fromStore(t, path, name) {
			if r.item.Kind == Contact || r.item.Kind == Event {
				ours = append(ours, facts(r.text))
			}
		}
		if len(ours) == 0 {
			return nil
		}
		to := t.TempDir()
		if out, err := exec.CommandContext(t.Context(), readpst, "-q", "-D", "-t", "ajc", "-e", "-o", to, path).CombinedOutput(); err != nil {
			t.Logf("%s: readpst: %v: %s", name, err, out)
		}
		var theirs [][]string
		_ = filepath.WalkDir(to, func(path string, d fs.DirEntry, err error) error {
			if b, rerr := os.ReadFile(path); rerr == nil && len(bytes.TrimSpace(b)) > 0 {
				theirs = append(theirs, facts(b))
			}
			return err
		})
		order := func(a, b []string) int { return slices.Compare(a, b) }
		slices.SortFunc(ours, order)
		slices.SortFunc(theirs, order)
		if len(ours) != len(theirs) {
			t.Errorf("%s: %d items, readpst has %d", name, len(ours), len(theirs))
			return nil
		}
		for i := range ours {
			compared++
			if !slices.Equal(ours[i], theirs[i]) {
				t.Errorf("%s:\nours    %q\nreadpst %q", name, ours[i], theirs[i])
			}
		}
		return nil
	})
	if compared < 90 {
		t.Errorf("%d items compared", compared)
	}
}
