package boxname_test

import (
	"testing"

	"pgregory.net/rapid"

	"waybill/imap/boxname"
)

// Whatever bytes a server names a folder by, the name that is made of them leads
// back to the same bytes.
func TestNamesLeadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`[a-zA-Z0-9&+,/. -]{0,20}`),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.String(),
		).Draw(t, "name on the server")
		inUTF8 := rapid.Bool().Draw(t, "UTF-8")
		name, raw := boxname.Decode([]byte(text), inUTF8)
		if raw != "" {
			name = boxname.Raw(raw)
		}
		if got := boxname.Encode(name, inUTF8); got != text {
			t.Fatalf("%q became %q, %q and then %q", text, name, raw, got)
		}
	})
}

func TestTheInboxHasOneName(t *testing.T) {
	for _, c := range []struct {
		a, b string
		same bool
	}{
		{"INBOX", "inbox", true}, {"Inbox", "InBoX", true}, {"a", "a", true},
		{"a", "A", false}, {"INBOX/a", "inbox/a", false}, {"", "INBOX", false},
	} {
		if boxname.Same(c.a, c.b) != c.same || (boxname.Folded(c.a) == boxname.Folded(c.b)) != c.same {
			t.Errorf("%q and %q", c.a, c.b)
		}
	}
	if got := boxname.Shown(boxname.Raw("a\xf6")); got != "a\xf6" {
		t.Errorf("%q is shown", got)
	}
}
