package report

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"waybill/event"
	"waybill/rights"
)

// TestDocumentNamesEveryField compares the tables of docs/waybill.md with the
// JSON names of the structures, both ways.
func TestDocumentNamesEveryField(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "docs", "waybill.md"))
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string][]string{}
	section, name := "", regexp.MustCompile("`([a-z0-9_]+)`")
	for line := range strings.Lines(string(text)) {
		if heading, ok := strings.CutPrefix(line, "### "); ok {
			section = strings.TrimSpace(heading)
		} else if strings.HasPrefix(line, "## ") {
			section = ""
		} else if cells := strings.Split(line, "|"); section != "" && len(cells) > 3 {
			for _, m := range name.FindAllStringSubmatch(cells[1], -1) {
				documented[section] = append(documented[section], m[1])
			}
		}
	}
	for _, v := range []any{Waybill{}, System{}, Run{}, Count{}, Mailbox{}, Folder{}, rights.Finding{}, event.Event{},
		Directory{}, Point{}, Message{}, Note{}} {
		kind := reflect.TypeOf(v)
		var fields []string
		for field := range kind.Fields() {
			tag, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			fields = append(fields, tag)
		}
		slices.Sort(fields)
		got := documented[kind.Name()]
		slices.Sort(got)
		if !slices.Equal(fields, got) {
			t.Errorf("%s has the fields %q, docs/waybill.md names %q", kind.Name(), fields, got)
		}
		delete(documented, kind.Name())
	}
	for section := range documented {
		t.Errorf("docs/waybill.md describes %q, which is no structure", section)
	}
	for _, file := range []string{JSONFile, HTMLFile, MessagesFile, EventsFile} {
		if !strings.Contains(string(text), "`"+file+"`") {
			t.Errorf("docs/waybill.md does not name %s", file)
		}
	}
}
