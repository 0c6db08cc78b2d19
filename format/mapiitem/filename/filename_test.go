package filename

import (
	"strings"
	"testing"
)

func TestFileNames(t *testing.T) {
	for title, want := range map[string]string{
		"": "item.ics", "..": "item.ics", "../../etc/passwd": "_.._etc_passwd.ics", "con": "itemcon.ics", "CON.x": "itemCON.x.ics", "a\x00b": "a_b.ics",
		"exe\u202egpj.": "exegpj.ics", strings.Repeat("漢", 100): strings.Repeat("漢", 26) + ".ics", " x ": "x.ics",
	} {
		if got := Safe(title, ".ics"); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}
