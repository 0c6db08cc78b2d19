package answer_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"waybill/imap/answer"
	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// over reads text, what stands behind the name of one answer.
func over(t *testing.T, text string) *answer.Reader {
	t.Helper()
	r := &answer.Reader{Reader: wire.NewReader(strings.NewReader("* X " + text + "\r\n"))}
	if err := r.Begin(); err != nil {
		t.Fatal(err)
	}
	r.Take('*')
	r.Space()
	r.Atom()
	return r
}

func TestLines(t *testing.T) {
	for text, want := range map[string]answer.Line{
		"":                              {},
		" done":                         {Text: "done"},
		" [READ-ONLY] done":             {Code: "READ-ONLY", Text: "done"},
		" [uidnext  7 ] x":              {Code: "UIDNEXT", Argument: "7", Text: "x"},
		" [PERMANENTFLAGS (a[1] b)] ok": {Code: "PERMANENTFLAGS", Argument: "(a[1] b)", Text: "ok"},
		` [X "]" y] ok`:                 {Code: "X", Argument: `"]" y`, Text: "ok"},
		" [X (y] ok":                    {Code: "X", Argument: "(y", Text: "ok"},
		" [never closed":                {Text: "[never closed"},
		" a\x00b\tc\xff":                {Text: "a b c\uFFFD"},
	} {
		want.Kind = "OK"
		if got := answer.ParseLine("OK", []byte(text)); got != want {
			t.Errorf("%q: %+v", text, got)
		}
	}
}

func TestUIDsOfCopiesAndDeliveries(t *testing.T) {
	for argument, want := range map[string]string{
		"9 1:3 5:7":  "9 1:3 5:7 true",
		"9 3,1 5,4":  "9 3,1 5,4 true",
		"9 1:3 5:6":  "0   false",
		"9 * 5":      "0   false",
		"0 1 5":      "0   false",
		"9 1":        "0   false",
		"9 1 2 more": "0   false",
	} {
		got, ok := answer.Line{Code: "COPYUID", Argument: argument}.CopyUID()
		if text := fmt.Sprint(got.UIDValidity, " ", got.Source, " ", got.Dest, " ", ok); text != want {
			t.Errorf("COPYUID %s: %q", argument, text)
		}
	}
	for argument, want := range map[string]string{
		"9 5:7":      "9 [5 6 7]",
		"9 5,7,9":    "9 [5 7 9]",
		"9 5:6":      "9 []",
		"9 7,6,5":    "9 []",
		"9 5,5,5":    "9 []",
		"x 5:7":      "0 []",
		"9 *":        "9 []",
		"4294967296": "0 []",
	} {
		validity, uids := answer.Line{Code: "APPENDUID", Argument: argument}.AppendUID(3)
		if text := fmt.Sprint(validity, uids); text != want {
			t.Errorf("APPENDUID %s: %q", argument, text)
		}
	}
}

// What is read is bounded and fit to be shown, whatever the words.
func FuzzLine(f *testing.F) {
	for _, s := range []string{" [A b] c", " [", " []]", ` ["\`, " [A (]) b] c", "[APPENDUID 1 2:4]", "[COPYUID 1 2:3 4:5] x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := answer.ParseLine("OK", []byte(text))
		if !utf8.ValidString(s.Text) || strings.ContainsAny(s.Text, "\r\n\x00\x1b") || len(s.Text) > 3000 {
			t.Fatalf("%q is not fit to be shown", s.Text)
		}
		if got, ok := s.CopyUID(); ok && got.Source.Count() != got.Dest.Count() {
			t.Fatalf("%d copies of %d", got.Dest.Count(), got.Source.Count())
		}
		if _, uids := s.AppendUID(3); uids != nil && len(uids) != 3 {
			t.Fatalf("%d UIDs", len(uids))
		}
	})
}

// Each answer is taken or refused; then the next response is found.
func FuzzReader(f *testing.F) {
	for i, s := range []string{
		`(\HasNoChildren) "/" "a b" ("CHILDINFO" ("SUBSCRIBED"))`, `INBOX (MESSAGES 3 X-GUID 0a SIZE x MAILBOXID (F1))`, "1 2 4 (MODSEQ 5)",
		`(TAG "x") UID ALL 1:3,5`, "(EARLIER) 3:5", "a anna lrs bob lr", "INBOX", `"" (STORAGE 10 512 MESSAGE 1 2)`, "a (/shared/x {1}\r\ny /z NIL)",
		`((""  "/")("#news." "." "X" ("y"))) NIL (("s/" NIL))`, `("name" "x" "VERSION" NIL)`, `(\Seen "a" $b \Recent)`, `"17-Jul-1996 02:44:25 -0700"`, "((a) NIL)",
	} {
		f.Add(s, byte(i))
	}
	f.Fuzz(func(t *testing.T, text string, what byte) {
		r := over(t, text)
		r.UTF8 = what&0x80 != 0
		odd := 0
		var err error
		switch what & 0x7f % 14 {
		case 0:
			var item answer.ListItem
			if item, err = r.ListItem(); err == nil && strings.Contains(item.Name, "\x00") {
				t.Fatalf("a folder named %q", item.Name)
			}
		case 1:
			var s answer.Status
			if s, err = r.Status(func(error) { odd++ }); err == nil && (s.Messages < -1 || s.Size < -1) {
				t.Fatalf("%+v", s)
			}
		case 2, 3, 4:
			var found uidset.Set
			read := []func(*uidset.Set) error{r.Search, r.ESearch, func(set *uidset.Set) error {
				got, _, err := r.Vanished()
				*set = got
				return err
			}}[what&0x7f%14-2]
			if err = read(&found); err == nil && found.Count() < 0 {
				t.Fatalf("the set %s", found)
			}
		case 5:
			var entries []answer.ACLEntry
			err = r.ACL(&entries)
		case 6:
			_, err = r.MyRights()
		case 7:
			_, err = r.Quota()
		case 8:
			err = r.Metadata(map[string]string{})
		case 9:
			err = r.Namespaces(&answer.Namespaces{})
		case 10:
			err = r.ID(map[string]string{})
		case 11:
			var flags []string
			if flags, err = r.Flags(); err == nil && flags == nil {
				t.Fatal("flags that were told look like flags that were not")
			}
		case 12:
			_, _, err = r.Date()
		case 13:
			_, err = r.Enclosed()
		}
		if odd > wire.MaxElements {
			t.Fatalf("%d odd values, %v", odd, err)
		}
		for range len(text) + 3 { // to the end, whatever was left
			if err := r.Begin(); err != nil {
				return
			}
		}
		t.Fatalf("the reader does not end: %v", r.Err())
	})
}

func TestOddFolders(t *testing.T) {
	for text, want := range map[string]string{
		`(\Noselect) "/" "a b"`:        `[\Noselect] "/" "a b" ""`,
		`() NIL INBOX`:                 `[] "" "INBOX" ""`,
		`(\x) "." a b c`:               `[\x] "." "a b c" ""`,
		`() "/" a ("CHILDINFO" ("X"))`: `[] "/" "a" ""`,
		`() "/" "&APY-"`:               `[] "/" "ö" ""`,
		`() "/" "` + "\xf6" + `"`:      `[] "/" "ö" "\xf6"`,
		`() "/" {3}` + "\r\na\"b":      `[] "/" "a\"b" ""`,
		`NIL "/" a`:                    `[] "/" "a" ""`,
	} {
		item, err := over(t, text).ListItem()
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := fmt.Sprintf("%v %q %q %q", item.Attributes, item.Delimiter, item.Name, item.Raw); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

// A state that cannot be read in part is known in part.
func TestOddStates(t *testing.T) {
	var odd []error
	s, err := over(t, `"a" (MESSAGES 3 UIDNEXT x X-NEW (1 2) SIZE 5 MAILBOXID (F1))`).Status(func(err error) { odd = append(odd, err) })
	if err != nil || s.Name != "a" || s.Messages != 3 || s.UIDNext != -1 || s.Size != 5 || s.MailboxID != "F1" || s.Unseen != -1 || len(odd) != 1 {
		t.Errorf("%+v, %v, %v", s, odd, err)
	}
	if _, err := over(t, `"a" 3`).Status(func(error) {}); err == nil || err == io.EOF {
		t.Errorf("no list: %v", err)
	}
}
