package wizard

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"waybill/failure"
)

func control(t testing.TB, text string) (*Control, error) {
	t.Helper()
	return ReadControl("control.txt", strings.NewReader(text), Standard().Page)
}

func TestControl(t *testing.T) {
	c, err := control(t, "! a comment\r\nmode,MSMailPC<BR/>\r\n\r\nFUNCTION, extract\r\nPostoffice,\"\\\\srv\\mail, old\"\r\nPAB,false\r\nEmailStart,19980101120000\r\nPort,389\r\nNTAccounts,alias\r\nContainer,Recipients/cn=a/cn=b\r\n")
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != ModeMSMail || c.Function() != "EXTRACT" || c.Text("Postoffice", "") != `\\srv\mail, old` || c.Truth("PAB", true) || !c.Truth("Email", true) {
		t.Errorf("%+v", c)
	}
	if got := c.Moment("EmailStart", time.UTC); !got.Equal(time.Date(1998, 1, 1, 12, 0, 0, 0, time.UTC)) || !c.Moment("EmailEnd", time.UTC).IsZero() {
		t.Errorf("EmailStart is %s", got)
	}
	if len(c.Unneeded) != 1 || c.Unneeded[0].Keyword != "Port" || c.Unneeded[0].Place.Line != 8 {
		t.Errorf("not needed: %+v", c.Unneeded)
	}
	if _, ok := c.Setting("Port"); ok {
		t.Error("a keyword that is not needed is honoured")
	}
	if file, err := control(t, "Mode,FILE\nFile,a.pkl\n"); err != nil || file.Function() != "IMPORT" {
		t.Errorf("%+v, %v", file, err)
	}
	s, _ := c.Setting("PAB")
	if err := s.Refuse("because", "do that"); failure.ClassOf(err) != failure.Unsupported || !strings.Contains(err.Error(), "control.txt line 6 [wizard.keyword-refused]: PAB,false: because; do that") {
		t.Error(err)
	}
}

func TestControlFaults(t *testing.T) {
	for text, want := range map[string]string{
		"":                                "line 1 [wizard.mode]",
		"! only this\n":                   "line 1 [wizard.mode]",
		"Function,FULL\nMode,FILE\n":      "line 1 [wizard.mode]",
		"Mode,FAX\n":                      "line 1 [wizard.mode]",
		"Mode,FILE\nMode,FILE\n":          "line 2 [wizard.keyword-twice]",
		"Mode,FILE\nFile,a\nfile,b\n":     "line 3 [wizard.keyword-twice]",
		"Mode,FILE\nColour,red\n":         "line 2 [wizard.keyword]",
		"Mode,FILE\nFile\n":               "line 2 [wizard.control-line]",
		"Mode,FILE\nFile,\n":              "line 2 [wizard.value]",
		"Mode,FILE\nMailbox,yes\n":        "line 2 [wizard.value]",
		"Mode,IMAP\nPort,70000\n":         "line 2 [wizard.value]",
		"Mode,IMAP\nEmailEnd,1998\n":      "line 2 [wizard.value]",
		"Mode,FILE\nNTAccounts,maybe\n":   "line 2 [wizard.value]",
		"Mode,FILE\n\x00\x01garbage,\n":   "line 2 [wizard.keyword]",
		"Mode,FILE\nMailbox,y\nPort,x\n":  "line 3 [wizard.value]",
		"Mode,FILE\nMailbox,y\n\n! x\nP,": "line 5 [wizard.keyword]",
	} {
		if _, err := control(t, text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %s", text, err, want)
		}
	}
	if _, err := control(t, "Mode,FILE\n"+strings.Repeat("x\n", 5000)); failure.ClassOf(err) != failure.TooLarge {
		t.Errorf("a file of another kind: %v", err)
	}
}

func TestControlInUnicode(t *testing.T) {
	var b bytes.Buffer
	e, err := NewEncoder(&b, Unicode)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = e.Write([]byte("Mode,FILE\r\nFile,C:\\M\u00fcller\\\u65e5\u672c.pkl\r\n"))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if c, err := control(t, b.String()); err != nil || c.Text("File", "") != "C:\\M\u00fcller\\\u65e5\u672c.pkl" {
		t.Errorf("%v, %+v", err, c)
	}
	if c, err := control(t, "Mode,FILE\r\nFile,M\xfcller.pkl\r\n"); err != nil || c.Text("File", "") != "M\u00fcller.pkl" {
		t.Errorf("%v, %+v", err, c)
	}
}

// Every keyword of the documentation is known, in each mode that wanted it.
func TestKeywords(t *testing.T) {
	values := map[form]string{text: "x", truth: "TRUE", moment: "20010203040506", number: "143"}
	for _, k := range keywords[1:] {
		value := values[k.form]
		if k.form == word {
			value = strings.ToLower(k.words[0])
		}
		for _, m := range extractors {
			c, err := control(t, fmt.Sprintf("Mode,%s\n%s,%s\n", m, strings.ToUpper(k.name), value))
			if err != nil || len(c.Settings)+len(c.Unneeded) != 1 {
				t.Errorf("%s in %s: %v", k.name, m, err)
			}
		}
	}
}

func TestNames(t *testing.T) {
	names, err := ReadNames("a.txt", strings.NewReader("Anna Berg\r\n\r\n! nobody\r\n\"Cole, Bert\"\r\nM\xfcller"), Standard().Page)
	if err != nil || len(names) != 3 || names[1] != (Name{"Cole, Bert", 4}) || names[2].Text != "M\u00fcller" {
		t.Errorf("%v, %v", names, err)
	}
	if _, err := ReadNames("a.txt", strings.NewReader("\r\n"), Standard().Page); failure.RuleOf(err) != "wizard.names-empty" {
		t.Error(err)
	}
}

func FuzzControl(f *testing.F) {
	f.Add([]byte("Mode,FILE\r\nFile,\"a\"\"b\"\r\n"))
	f.Add([]byte("\xfe\xff\x00M\x00o"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := ReadControl("f", bytes.NewReader(in), Standard().Page)
		if err == nil && c.Mode == "" {
			t.Fatal("no mode and no fault")
		}
		_, _ = ReadNames("f", bytes.NewReader(in), Standard().Page)
	})
}
