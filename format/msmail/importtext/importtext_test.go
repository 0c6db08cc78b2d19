package importtext

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"waybill/failure"
	"waybill/format/msmail/dos"
)

func readAll(text string) (entries []Entry, errs []string) {
	r := NewReader(strings.NewReader(text), "x.txt", dos.CodePage{})
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return entries, errs
		}
		if err != nil {
			errs = append(errs, failure.RuleOf(err)+" "+err.(*failure.Error).Where)
			continue
		}
		entries = append(entries, e)
	}
}

// printed are the lines of KB Q132681, Q99419, Q104281 and Q117198.
const printed = `# comment
A Administrator                  PCM:NET1/PO1/Admin
A PO1 User One                   PCM:NET1/PO1/one1
M one2                           PCM:NET1/PO1/one2
  PO1 User 2                     PCM:NET1/PO1/one2
A John Foe                        PROFS:PSSGATE/MSVM6/JFOE
- Full Name:/John G. Foe
- Location:/LOS Angeles, CA
- City//ST//Zip:/City, State, 12345
M lost                           PCM:NET1/PO1/lost
-Phone:/12/34
G Group 1                        PCM:network1/30po1/trial
A User 0                         PCM:network1/30po1/auto0
A Sample User 0                  SMTP:user0@dummy.host.edu
P Trial Group                    PCM:network1/30po1/trial
A able is he who knows his limit	PCM:POLYNOMIAL/MONTGOMERY/able
R PCM:POLYNOMIAL/MONTGOMERY
R SMTP:
T PCM:NET1/PO1
 Alias:~9~30~ULNP~~
 Location:~10~25~~A~
1200 A Martin, Robert PCM:net/po/rmartin
D Jo: the one                    x400:/c=us/a=$/x
`

func TestPrintedLines(t *testing.T) {
	entries, errs := readAll(printed)
	if len(errs) != 0 {
		t.Fatal(errs)
	}
	var got []string
	for _, e := range entries {
		s := fmt.Sprintf("%c %s|%s|%s", e.Operation, e.Alias, e.Address(), e.Of)
		if e.New != nil {
			s += " > " + e.New.Alias
		}
		for _, d := range e.Data {
			s += " [" + d.Prompt + "=" + d.Value + "]"
		}
		for _, f := range e.Fields {
			s += " {" + f.String() + "}"
		}
		got = append(got, s)
	}
	want := []string{
		"A Administrator|PCM:NET1/PO1/Admin|", "A PO1 User One|PCM:NET1/PO1/one1|", "M one2|PCM:NET1/PO1/one2| > PO1 User 2",
		"A John Foe|PROFS:PSSGATE/MSVM6/JFOE| [Full Name:=John G. Foe] [Location:=LOS Angeles, CA] [City/ST/Zip:=City, State, 12345]",
		"M lost|PCM:NET1/PO1/lost| [Phone:=12/34]",
		"G Group 1|PCM:network1/30po1/trial|", "A User 0|PCM:network1/30po1/auto0|PCM:network1/30po1/trial", "A Sample User 0|SMTP:user0@dummy.host.edu|PCM:network1/30po1/trial",
		"P Trial Group|PCM:network1/30po1/trial|", "A able is he who knows his limit|PCM:POLYNOMIAL/MONTGOMERY/able|", "R |PCM:POLYNOMIAL/MONTGOMERY|", "R |SMTP:|",
		"T |PCM:NET1/PO1| {Alias:~9~30~ULNP~~} {Location:~10~25~~A~}", "A Martin, Robert|PCM:net/po/rmartin|", "D Jo: the one|X400:/c=us/a=$/x|",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestBrokenLinesCostThemselves(t *testing.T) {
	entries, errs := readAll("A One                            PCM:N/P/ONE\nA no address\nX what is this PCM:N/P/X\n" + strings.Repeat("y", 70000) + "\nA Two                            PCM:N/P/TWO\n-no slash\nA M\x81ller                         PCM:N/P/THREE")
	if len(entries) != 3 || entries[2].Alias != "Müller" || entries[1].Line != 5 {
		t.Errorf("%+v", entries)
	}
	want := []string{"import.line x.txt line 2", "import.line x.txt line 3", "import.long-line x.txt line 4", "import.line x.txt line 6"}
	if !reflect.DeepEqual(errs, want) {
		t.Errorf("%q", errs)
	}
}

func TestTemplates(t *testing.T) {
	for s, ok := range map[string]bool{"Alias:~9~30~ULNP~~": true, "Name:~7~48~AP~Name goes here~": true, "Tel : ~6~20~NP~16 1 43 99 99 22~": true, "Location:~10~25~~A~": true, "x~y~z": false, "a~-1~2~A~~": false, "a~b~2~A~~": false} {
		f, got := ParseTemplateField(s)
		if got != ok || ok && f.String() != s {
			t.Errorf("%q: %v, %+v", s, got, f)
		}
	}
	got := ParseTemplateRecords("Given Name:~\r\nSurname:~\r\n~~\r\nGiven Name:Anna\r\nSurname:Berg: Dr.\r\n")
	want := [][]Datum{{{"Given Name:", ""}, {"Surname:", ""}}, {{"Given Name:", "Anna"}, {"Surname:", "Berg: Dr."}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q", got)
	}
}

func TestEntriesSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := func(label string) Name {
			return Name{rapid.StringMatching(`[A-Za-zäöü][A-Za-z äöü.]{0,35}[a-z]`).Draw(t, label), rapid.SampledFrom([]string{"PCM", "SMTP", "X400", "NEWTYPE"}).Draw(t, "type"), rapid.StringMatching(`[a-z0-9/@=;.]{1,40}`).Draw(t, "value")}
		}
		e := Entry{Line: 1, Operation: rapid.SampledFrom([]Operation{Add, Delete, Modify, Group}).Draw(t, "op"), Name: name("alias")}
		if e.Operation == Modify && rapid.Bool().Draw(t, "new") {
			n := name("new alias")
			e.New = &n
		}
		for range rapid.IntRange(0, 3).Draw(t, "data") {
			e.Data = append(e.Data, Datum{rapid.StringMatching(`[A-Z][a-z/]{0,8}[a-z]:`).Draw(t, "prompt"), rapid.StringMatching(`([a-z:0-9 ][a-z/:0-9 ]{0,20})?`).Draw(t, "datum")})
		}
		var b strings.Builder
		page := dos.CodePage{}
		if err := Write(&b, &e); err != nil {
			t.Fatal(err)
		}
		coded, _ := page.Encode(b.String())
		entries, errs := readAll(coded)
		if len(errs) != 0 || len(entries) != 1 || !reflect.DeepEqual(entries[0], e) {
			t.Fatalf("%+v\nbecame %+v, %v\nby way of %q", e, entries, errs, b.String())
		}
	})
	if err := Write(io.Discard, &Entry{Operation: Add, Name: Name{"a\nb", "PCM", "x"}}); failure.RuleOf(err) != "import.name" {
		t.Error(err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add(printed)
	f.Add("M a PCM:x\n \n-\n- /\nT PCM:\n ~~~~\n")
	f.Fuzz(func(t *testing.T, text string) {
		entries, errs := readAll(text)
		if n := len(entries) + len(errs); n > strings.Count(text, "\n")+1 {
			t.Fatalf("%d of %q", n, text)
		}
		_ = ParseTemplateRecords(text)
	})
}
