package names_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/connector/imap/names"
	"waybill/failure"
	"waybill/format/mutf7"
	"waybill/mail"
)

func TestNamesOfServers(t *testing.T) {
	for _, tc := range []struct {
		about, flavour, delimiter, prefix string
		name                              string
		path                              mail.Path
	}{
		{"inbox", "dovecot", "/", "", "INBOX", "INBOX"},
		{"plain", "dovecot", "/", "", "Orders/2003", "Orders/2003"},
		{"dot as delimiter", "dovecot", ".", "", "Orders.2003", "Orders/2003"},
		{"slash in a name", "dovecot", ".", "", "In/Out.x", `In\/Out/x`},
		{"backslash in a name", "other", "/", "", `a\b`, `a\\b`},
		{"backslash as delimiter", "other", `\`, "", `a\b/c`, `a/b\/c`},
		{"inside the inbox", "dovecot", "/", "", "INBOX/Orders", "INBOX/Orders"},
		{"courier", "courier", ".", "INBOX.", "INBOX.Orders.2003", "Orders/2003"},
		{"courier's inbox in the inbox", "courier", ".", "INBOX.", "INBOX.INBOX", "INBOX/INBOX"},
		{"and below", "courier", ".", "INBOX.", "INBOX.INBOX.x", "INBOX/INBOX/x"},
		{"prefix without delimiter at its end", "cyrus", ".", "INBOX", "INBOX.Sent", "Sent"},
		{"administrator's inbox", "cyrus", "/", "user/anna", "user/anna", "INBOX"},
		{"administrator", "cyrus", "/", "user/anna", "user/anna/Sent/2003", "Sent/2003"},
		{"administrator, dots", "cyrus", ".", "user.anna", "user.anna.Sent", "Sent"},
		{"virtual domain's inbox", "cyrus", "/", "user/anna@example.org", "user/anna@example.org", "INBOX"},
		{"virtual domain", "cyrus", "/", "user/anna@example.org", "user/anna/Sent@example.org", "Sent"},
		{"an at in a name", "cyrus", "/", "user/anna", "user/anna/a@b", "a@b"},
		{"UW", "other", "/", "mail/", "mail/Orders", "Orders"},
		{"no levels", "other", "", "", "Orders/2003", `Orders\/2003`},
	} {
		t.Run(tc.about, func(t *testing.T) {
			r := names.For(tc.flavour, tc.delimiter, tc.prefix)
			path, notes := r.Decode(tc.name)
			if path != tc.path || len(notes) > 0 {
				t.Errorf("Decode(%q) = %q, %v; want %q", tc.name, path, notes, tc.path)
			}
			if name, err := r.Encode(tc.path); name != tc.name || err != nil {
				t.Errorf("Encode(%q) = %q, %v; want %q", tc.path, name, err, tc.name)
			}
		})
	}
}

func TestOddNamesAreRead(t *testing.T) {
	for _, tc := range []struct {
		name string
		path mail.Path
		note string
	}{
		{"inBox", "INBOX", ""},
		{"Inbox/a", "INBOX/a", ""},
		{"Orders/", "Orders", ""},
		{"a//b", "a/unnamed/b", "folder-name-empty"},
		{"/a", "unnamed/a", "folder-name-empty"},
		{"", "unnamed", "folder-name-empty"},
		{"Entw\xfcrfe 5%", "Entw%FCrfe 5%25", "folder-name-bytes"},
		{"line\nend", "line\nend", ""},
	} {
		path, notes := names.For("other", "/", "").Decode(tc.name)
		if path != tc.path || (tc.note == "") != (len(notes) == 0) || tc.note != "" && notes[0].Kind != tc.note {
			t.Errorf("Decode(%q) = %q, %v; want %q with %q", tc.name, path, notes, tc.path, tc.note)
		}
	}
	courier := names.For("courier", ".", "INBOX.")
	if path, _ := courier.Decode("inbox.Sent"); path != "Sent" {
		t.Errorf("inbox.Sent is %q", path)
	}
}

func TestWhatCannotBeNamed(t *testing.T) {
	for _, tc := range []struct {
		rules names.Rules
		path  mail.Path
	}{
		{names.For("dovecot", ".", ""), "a.b"},
		{names.For("dovecot", "/", ""), ""},
		{names.For("dovecot", "/", ""), "a//b"},
		{names.For("dovecot", "/", ""), `a\/b`},
		{names.For("dovecot", "/", ""), "a\x00"},
		{names.For("dovecot", "/", ""), "a\r\nb"},
		{names.For("dovecot", "/", ""), "a\xff"},
		{names.For("courier", ".", "INBOX."), "INBOX/Orders"},
		{names.For("other", "", ""), "a/b"},
	} {
		name, err := tc.rules.Encode(tc.path)
		if err == nil || failure.ClassOf(err) != failure.Unsupported {
			t.Errorf("Encode(%q) = %q, %v; want an error of class unsupported", tc.path, name, err)
		}
	}
}

func TestStoredNames(t *testing.T) {
	for _, tc := range []struct {
		about, flavour, delimiter, prefix string
		path                              mail.Path
		begins                            string // of the stored path; the whole when it does not end in "~"
	}{
		{"kept", "dovecot", "/", "", "Orders/2003", "Orders/2003"},
		{"dot", "dovecot", "/", "", "a.b", "a_b~"},
		{"tilde", "dovecot", "/", "", "~a", "_a~"},
		{"slash", "cyrus", ".", "INBOX.", `a\/b`, "a_b~"},
		{"percent", "cyrus", "/", "", "5%", "5_~"},
		{"caret", "cyrus", "/", "", "a^b", "a_b~"},
		{"caret where dots separate", "cyrus", ".", "INBOX.", "a^b", "a^b"},
		{"dot in a name of Cyrus", "cyrus", "/", "", "a.b", "a.b"},
		{"in the inbox", "courier", ".", "INBOX.", "INBOX/Orders", "INBOX_Orders~"},
		{"deep in the inbox", "courier", ".", "INBOX.", "INBOX/Orders", "INBOX_Orders~"},
		{"flat", "other", "", "", "a/b", "a_b~"},
		{"taken by Gmail", "gmail", "/", "", "[Gmail]", "[Gmail]~"},
		{"spaces", "gmail", "/", "", " a ", "_a_~"},
		{"no name", "dovecot", "/", "", "", "unnamed~"},
		{"control characters", "cyrus", "/", "", "a\tb", "a_b~"},
	} {
		t.Run(tc.about, func(t *testing.T) {
			r := names.For(tc.flavour, tc.delimiter, tc.prefix)
			stored, shown, notes := r.Stored(tc.path, 0)
			if open, cut := strings.CutSuffix(tc.begins, "~"); cut {
				if rest, ok := strings.CutPrefix(string(stored), open+"~"); !ok || len(rest) != 8 {
					t.Errorf("Stored(%q) = %q, want %s and a digest", tc.path, stored, tc.begins)
				}
			} else if stored != mail.Path(tc.begins) {
				t.Errorf("Stored(%q) = %q, want %q", tc.path, stored, tc.begins)
			}
			if (stored != tc.path) != (len(notes) == 1) {
				t.Errorf("Stored(%q) = %q has notes %v", tc.path, stored, notes)
			}
			if name, err := r.Encode(stored); name != shown || err != nil {
				t.Errorf("%q is shown as %q and encoded as %q, %v", stored, shown, name, err)
			}
		})
	}
}

func TestRenamedFoldersKeepTheirFolders(t *testing.T) {
	r := names.For("courier", ".", "INBOX.")
	parent, _, _ := r.Stored("INBOX/a.b", 0)
	child, _, _ := r.Stored("INBOX/a.b/c", 0)
	if child != parent+"/c" {
		t.Errorf("the parent is %q and its child %q", parent, child)
	}
}

func drawRules(t *rapid.T) names.Rules {
	flavour := rapid.SampledFrom([]string{"dovecot", "cyrus", "courier", "gmail", "exchange", "other"}).Draw(t, "flavour")
	delimiter := rapid.SampledFrom([]string{"/", ".", "/", ".", "", `\`, "^"}).Draw(t, "delimiter")
	prefix := rapid.SampledFrom([]string{"", "", "INBOX" + delimiter, "inbox", "user" + delimiter + "anna", "user" + delimiter + "anna@example.org", "mail" + delimiter, "~/mail/"}).Draw(t, "prefix")
	return names.For(flavour, delimiter, prefix, "Chats", "[Odd]*")
}

func drawPath(t *rapid.T) mail.Path {
	letter := rapid.RuneFrom([]rune("ab/\\.~*%^\"&- _ü日📮INBOXé\t\n\x00@[]"))
	element := rapid.OneOf(
		rapid.StringOfN(letter, 0, 12, -1),
		rapid.StringOf(letter),
		rapid.SampledFrom([]string{"INBOX", "inbox", "Sent", "[Gmail]", "..", "Chats", strings.Repeat("n", 300), strings.Repeat("📮", 90), strings.Repeat("n", 299) + "m"}),
	)
	return mail.NewPath(rapid.SliceOfN(element, 1, 6).Draw(t, "names")...)
}

func TestEveryPathHasAName(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, path := drawRules(t), drawPath(t)
		attempt := rapid.IntRange(0, 12).Draw(t, "attempt")
		stored, shown, notes := r.Stored(path, attempt)
		if name, err := r.Encode(stored); err != nil || name != shown {
			t.Fatalf("Stored(%q) = %q, shown as %q, encoded as %q, %v", path, stored, shown, name, err)
		}
		if back, _ := r.Decode(shown); back != stored {
			t.Fatalf("Stored(%q) = %q, and the server's %q is listed as %q", path, stored, shown, back)
		}
		if len(mutf7.Encode(shown)) > r.MaxPath {
			t.Fatalf("%q is longer than %d bytes", shown, r.MaxPath)
		}
		if stored != path && len(notes) == 0 {
			t.Fatalf("%q is renamed to %q without a note", path, stored)
		}
		if again, _, _ := r.Stored(stored, 0); again != stored {
			t.Fatalf("Stored(%q) = %q, and of that %q", path, stored, again)
		}
		if path != mail.Inbox {
			if next, _, _ := r.Stored(path, attempt+1); strings.EqualFold(string(next), string(stored)) {
				t.Fatalf("attempts %d and %d for %q both give %q", attempt, attempt+1, path, stored)
			}
		}
		for _, e := range stored.Names() {
			if strings.ContainsAny(e, r.Reserved) {
				t.Fatalf("Stored(%q) = %q keeps a reserved character", path, stored)
			}
		}
	})
}

func TestDifferentPathsKeepDifferentNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRules(t)
		a, b := drawPath(t), drawPath(t)
		// A name that this package made itself may be met again.
		tail := func(p mail.Path) bool { return strings.Contains(string(p), "~") }
		if a == b || tail(a) || tail(b) {
			t.Skip("the same, or with a mark")
		}
		one, _, _ := r.Stored(a, 0)
		two, _, _ := r.Stored(b, 0)
		if one == two {
			t.Fatalf("%q and %q are both stored as %q", a, b, one)
		}
	})
}

func TestEncodedNamesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, path := drawRules(t), drawPath(t)
		name, err := r.Encode(path)
		if err != nil {
			return
		}
		if back, notes := r.Decode(name); back != path || len(notes) > 0 {
			t.Fatalf("Encode(%q) = %q, and that is read as %q, %v", path, name, back, notes)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"INBOX", "INBOX.Sent", "user/anna/x", "a//b", "\xff/%", "", "/", "user/anna@example.org"} {
		for _, prefix := range []string{"", "INBOX.", "user/anna", "user/anna@example.org"} {
			f.Add(name, "/", prefix)
			f.Add(name, ".", prefix)
		}
	}
	f.Fuzz(func(t *testing.T, name, delimiter, prefix string) {
		if len(delimiter) > 1 {
			t.Skip("a delimiter is one character")
		}
		r := names.For("other", delimiter, prefix)
		path, _ := r.Decode(name)
		elements := path.Names()
		if len(elements) == 0 || slices.Contains(elements, "") || mail.NewPath(elements...) != path || !utf8.ValidString(string(path)) && utf8.ValidString(prefix) {
			t.Fatalf("Decode(%q) = %q is no proper path", name, path)
		}
		if stored, _, _ := r.Stored(path, 0); stored == "" {
			t.Fatalf("%q has no name", path)
		}
	})
}

func TestNamesThatServersKeepForThemselves(t *testing.T) {
	for _, tc := range []struct {
		rules   names.Rules
		path    mail.Path
		renamed bool
	}{
		{names.For("cyrus", "/", ""), "INBOX/Orders", false},
		{names.For("cyrus", ".", ""), "INBOX/inbox", true},
		{names.For("cyrus", "/", ""), "INBOX/INBOX/x", true},
		{names.For("cyrus", ".", "INBOX."), "INBOX/Orders", true},
		{names.For("dovecot", "/", ""), "INBOX/INBOX", false},
		{names.For("dovecot", "/", ""), "x/cur", true},
		{names.For("dovecot", "/", ""), "Cur", false},
		{names.For("dovecot", ".", "INBOX."), "dovecot-uidlist", true},
		{names.For("dovecot", "/", ""), "dovecot", false},
	} {
		stored, shown, notes := tc.rules.Stored(tc.path, 0)
		if (stored != tc.path) != tc.renamed || (len(notes) > 0) != tc.renamed {
			t.Errorf("%q is called %q (%s), notes %v", tc.path, stored, shown, notes)
		}
	}
}
