package wizard

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
)

func readAll(t testing.TB, text string) (list []Recipient, rules []string) {
	t.Helper()
	d, err := NewDirectory("export.csv", strings.NewReader(text), Dialect{})
	if err != nil {
		return nil, []string{failure.RuleOf(err)}
	}
	for {
		r, err := d.Next()
		if errors.Is(err, io.EOF) {
			return list, rules
		}
		if err != nil {
			rules = append(rules, failure.RuleOf(err))
			continue
		}
		list = append(list, r)
	}
}

func TestDirectory(t *testing.T) {
	list, rules := readAll(t, "Obj-Class,Mode,Directory Name,Display Name,E-mail Addresses,E-mail Address,Secondary-Proxy-Addresses,Members,Obj-Container,Home-Server,Primary Windows NT Account,Comment\r\n"+
		"Mailbox,Create,ElizaB,\"Boyle, Elizabeth\",SMTP:eliza@a.example%MS:NET/PO/ELIZAB,,MIGRATE:MS:NET/PO/ELIZAB,Recipients/cn=Everyone,,~SERVER,DOM\\\\eliza,one\\r\\ntwo\r\n"+
		"Remote,,Gast,Gast,,SMTP:gast%relay@b.example,,,/o=Org/ou=Site/cn=Recipients,,,\r\n"+
		"DL,modify,Everyone,Everyone,SMTP:all@a.example,,~DEL<SMTP:old@a.example>,Recipients/cn=ElizaB%Recipients/cn=Nobody Yet,,,,~DEL\r\n")
	want := []Recipient{
		{Class: Mailbox, Mode: Create, Name: "ElizaB", Display: "Boyle, Elizabeth", Addresses: []string{"SMTP:eliza@a.example", "MS:NET/PO/ELIZAB"},
			Proxies: []string{"MIGRATE:MS:NET/PO/ELIZAB"}, Members: []string{"Recipients/cn=Everyone"}, Server: "~SERVER",
			Attributes: map[string]string{"Primary Windows NT Account": `DOM\eliza`, "Comment": "one\r\ntwo"}},
		{Class: Remote, Mode: Update, Name: "Gast", Display: "Gast", Addresses: []string{"SMTP:gast%relay@b.example"}, Container: "/o=Org/ou=Site/cn=Recipients"},
		{Class: DL, Mode: Modify, Name: "Everyone", Display: "Everyone", Addresses: []string{"SMTP:all@a.example"}, Members: []string{"Recipients/cn=ElizaB", "Recipients/cn=Nobody Yet"}, Cleared: []string{"Comment"}},
	}
	if len(rules) > 0 || len(list) != len(want) {
		t.Fatalf("%d recipients, faults %v", len(list), rules)
	}
	for i := range want {
		want[i].Place = Place{"export.csv", i + 2}
		if want[i].Attributes == nil {
			want[i].Attributes = map[string]string{}
		}
		if !reflect.DeepEqual(list[i], want[i]) {
			t.Errorf("line %d:\n got %+v\nwant %+v", i+2, list[i], want[i])
		}
	}
	if MemberName(want[2].Members[1]) != "Nobody Yet" || MemberName("anna") != "anna" {
		t.Error("names of members")
	}
}

// Without a column Mode backslashes are not doubled (KB Q179050).
func TestBackslashesWithoutMode(t *testing.T) {
	list, rules := readAll(t, "Obj-Class,Common-Name,Assoc-NT-Account,Comment\nMailbox,a,DOM\\robert,one\\r\\ntwo\n")
	if len(rules) > 0 || list[0].Attributes["Assoc-NT-Account"] != `DOM\robert` || list[0].Attributes["Comment"] != "one\r\ntwo" {
		t.Fatalf("%+v, faults %v", list, rules)
	}
}

func TestDirectoryFaults(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		rules string
		read  int
	}{
		"no class first":     {"Mode,Obj-Class,Common-Name\n", "wizard.no-header", 0},
		"mode third":         {"Obj-Class,Common-Name,Mode\nMailbox,a,Create\n", "wizard.mode-column", 0},
		"column twice":       {"Obj-Class,Common-Name,Directory Name\n", "wizard.column-twice", 0},
		"class twice":        {"Obj-Class,Obj-Class,Common-Name\n", "wizard.column-twice", 0},
		"no directory name":  {"Obj-Class,Mode,Display-Name\n", "wizard.name-column", 0},
		"empty":              {"", "wizard.no-header", 0},
		"too few and many":   {"Obj-Class,Common-Name\nMailbox\nMailbox,a,b\nMailbox,c\nMailbox,d,,,\n", "wizard.fields wizard.fields", 2},
		"unknown class":      {"Obj-Class,Common-Name\nAddress-Template,a\nMailbox,b\n", "wizard.class", 1},
		"unknown mode":       {"Obj-Class,Mode,Common-Name\nMailbox,destroy,b\nMailbox,DELETE,c\n", "wizard.mode", 1},
		"no name":            {"Obj-Class,Common-Name\nMailbox,\nMailbox,b\n", "wizard.name", 1},
		"no address":         {"Obj-Class,Common-Name,E-mail Addresses\nMailbox,a,anna\nMailbox,b,SMTP:\nMailbox,c,b@c\n", "wizard.address wizard.address", 1},
		"open quote":         {"Obj-Class,Common-Name\nMailbox,\"a\nMailbox,b\nMailbox,c\n", "wizard.quote", 2},
		"text behind quote":  {"Obj-Class,Common-Name\nMailbox,\"a\"b\nMailbox,c\n", "wizard.quote", 1},
		"value of two lines": {"Obj-Class,Common-Name,Comment\nMailbox,a,\"x\ny\"\nMailbox,b,\n", "", 2},
	} {
		list, rules := readAll(t, c.text)
		if got := strings.Join(rules, " "); got != c.rules || len(list) != c.read {
			t.Errorf("%s: %d read, faults %q; want %d and %q", name, len(list), got, c.read, c.rules)
		}
	}
}

// Every table that is written reads as it was, in UTF-8 and in UTF-16.
func TestDirectoryRoundTrip(t *testing.T) {
	name := rapid.StringMatching(`[\pL][\pL ,"'\\.%-]{0,12}[\pL]`)
	address := rapid.StringMatching(`(SMTP|MS|X400):[a-z][a-z0-9@./=\\" -]{0,10}[a-z]`)
	rapid.Check(t, func(t *rapid.T) {
		var want []Recipient
		for i := range rapid.IntRange(0, 5).Draw(t, "n") {
			r := Recipient{Place: Place{"x", i + 2}, Class: rapid.SampledFrom([]string{Mailbox, Remote, DL}).Draw(t, "class"),
				Mode: rapid.SampledFrom([]string{Create, Modify, Delete, Update}).Draw(t, "mode"), Name: name.Draw(t, "name"), Display: name.Draw(t, "display"),
				Given: name.Draw(t, "given"), Server: ServerChosen, Attributes: map[string]string{}}
			r.Addresses = rapid.SliceOfN(address, 1, 1).Draw(t, "addresses")
			r.Proxies = rapid.SliceOfN(address, 0, 3).Draw(t, "proxies")
			if len(r.Proxies) == 0 {
				r.Proxies = nil
			}
			if rapid.Bool().Draw(t, "with comment") {
				r.Attributes["Comment"] = name.Draw(t, "comment")
			}
			want = append(want, r)
		}
		var b bytes.Buffer
		e, err := NewEncoder(&b, rapid.SampledFrom([]int{65001, Unicode}).Draw(t, "encoding"))
		if err != nil {
			t.Fatal(err)
		}
		w, err := NewDirectoryWriter(e, Dialect{}, "Comment")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range want {
			if left, err := w.Write(r); err != nil || len(left) > 0 {
				t.Fatalf("left %v, %v", left, err)
			}
		}
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		d, err := NewDirectory("x", &b, Dialect{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range want {
			got, err := d.Next()
			if err != nil || !reflect.DeepEqual(got, want[i]) {
				t.Fatalf("%v\n got %+v\nwant %+v", err, got, want[i])
			}
		}
		if _, err := d.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("more lines: %v", err)
		}
	})
}

func TestWriterTellsWhatItLeavesOut(t *testing.T) {
	var b strings.Builder
	w, err := NewDirectoryWriter(&b, Dialect{}, "Comment")
	if err != nil {
		t.Fatal(err)
	}
	left, err := w.Write(Recipient{Class: Mailbox, Name: "a", Attributes: map[string]string{"Title": "x", "Comment": "y"}})
	if err != nil || strings.Join(left, " ") != "Title" || !strings.Contains(b.String(), "\r\nmailbox,,a,") {
		t.Errorf("left %v, %v, wrote %q", left, err, b.String())
	}
}

// Text of every kind is read: Unicode of both orders, with and without mark,
// UTF-8, and the code page.
func TestEncodings(t *testing.T) {
	text := "Obj-Class,Common-Name\r\nMailbox,M\u00fcller\r\n"
	wide := func(high bool, mark bool) string {
		var b strings.Builder
		all := []rune(text)
		if mark {
			all = append([]rune{0xfeff}, all...)
		}
		for _, r := range all {
			if high {
				b.Write([]byte{byte(r >> 8), byte(r)})
			} else {
				b.Write([]byte{byte(r), byte(r >> 8)})
			}
		}
		return b.String()
	}
	for name, in := range map[string]string{"UTF-8": text, "UTF-8 with mark": "\ufeff" + text, "ANSI": strings.ReplaceAll(text, "\u00fc", "\xfc"),
		"LE": wide(false, false), "LE with mark": wide(false, true), "BE": wide(true, false), "BE with mark": wide(true, true), "cut off": wide(false, true) + "x",
		"CR": strings.ReplaceAll(text, "\r\n", "\r"), "LF": strings.ReplaceAll(text, "\r\n", "\n")} {
		list, _ := readAll(t, in)
		if len(list) != 1 || list[0].Name != "M\u00fcller" {
			t.Errorf("%s: %+v", name, list)
		}
	}
}

// A quotation mark that opens in every line must not make reading quadratic:
// each line is scanned a bounded number of times.
func TestManyOpenQuotes(t *testing.T) {
	list, rules := readAll(t, "Obj-Class,Common-Name\n"+strings.Repeat("\"\n", 20_001)+"Mailbox,b\n")
	if len(rules) == 0 || len(list) > 1 {
		t.Errorf("%d recipients, %d faults", len(list), len(rules))
	}
	long := "Obj-Class,Common-Name\nMailbox," + strings.Repeat("x", maxLine+10) + "\nMailbox,b\n"
	if list, rules := readAll(t, long); len(list) != 1 || strings.Join(rules, "") != "wizard.line-length" {
		t.Errorf("%d recipients, faults %v", len(list), rules)
	}
}

func FuzzDirectory(f *testing.F) {
	f.Add([]byte("Obj-Class,Mode,Common-Name,Members\r\nDL,Create,\"a\"\"b\",x%y\r\n"))
	f.Add([]byte("\xff\xfeO\x00b\x00j\x00"))
	f.Add([]byte("Obj-Class,Common-Name\n\"a\nb\",c\n\"\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		d, err := NewDirectory("f", bytes.NewReader(in), Dialect{})
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			r, err := d.Next()
			switch class := failure.ClassOf(err); {
			case errors.Is(err, io.EOF):
				return
			case err != nil && class != failure.Malformed && class != failure.TooLarge:
				t.Fatal(err)
			case n > len(in)+2:
				t.Fatal("more lines than bytes")
			case err == nil && (r.Name == "" || r.Class == "" || r.Mode == ""):
				t.Fatalf("%+v", r)
			}
		}
	})
}
