package migfile

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"waybill/failure"
)

const messageHeader = "Folder,Sender,To,Cc,Bcc,Subject,Send-Date,Received-Date,Priority,Unread,Unsent,Body\r\n"

// dump writes what a primary file holds, one line per record or error.
func dump(t testing.TB, in string) string {
	t.Helper()
	page, err := NewCodePage(1252, "test")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	p := NewPrimary(strings.NewReader(in), "x.pri", page)
	for {
		rec, err := p.Next()
		switch {
		case errors.Is(err, io.EOF):
			return b.String()
		case err != nil && rec.Place.Line == 0:
			t.Fatal(err)
		case err != nil:
			fmt.Fprintf(&b, "%d error %s\n", rec.Place.Line, failure.RuleOf(err))
		case rec.Start:
			fmt.Fprintf(&b, "%d %s %q\n", rec.Place.Line, rec.Section.Kind, rec.Section.Owner)
		case rec.Section.Kind == MailMessage:
			fmt.Fprintf(&b, "%d %s|%s|%q|%s|%s", rec.Place.Line, rec.Field("folder").Text(), rec.Field("Sender").Text(), rec.Field("To").List(), rec.Field("Subject").Text(), rec.Field("Body").Text())
			for _, n := range rec.Notes {
				fmt.Fprintf(&b, " %s", n.Kind)
			}
			fmt.Fprintln(&b)
		default:
			fmt.Fprintf(&b, "%d %s|%s|%q\n", rec.Place.Line, rec.Field("Obj-class").Text(), rec.Field("Display-Name").Text(), rec.Field("Email-Address").List())
		}
	}
}

func TestPrimary(t *testing.T) {
	head := "MAILMESSAGE,PROFS:SF(HOWARD)\r\n" + messageHeader
	row := `Inbox,Jo,Liz,,,"Plans",19950321093421,,-1,,,#A.SEC(50)` + "\r\n"
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"one", head + row, "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"LF, comments, empty lines", strings.ReplaceAll("! hello, \\\\\r\n\r\n"+head+"!no\r\n\r\n"+row, "\r\n", "\n"), "3 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n7 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"CR", strings.ReplaceAll(head+row, "\r\n", "\r"), "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"continued inside a word", head + "Inb\\\\\r\nox,Jo,Li\\\\\r\nz,,,Plans,,,,,,#A.SEC(50)\r\n", "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"line break inside quotation marks", head + "Inbox,Jo,Liz,,,\"Pl\r\nans\",,,,,,#A.SEC(50)\r\n", "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Inbox|Jo|[\"Liz\"]|Pl\nans|#A.SEC(50)\n"},
		{"doubled quotation marks", head + `Inbox,Jo,Liz,,,"say ""hi"", all",,,,,,#A.SEC(50)` + "\r\n", "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Inbox|Jo|[\"Liz\"]|say \"hi\", all|#A.SEC(50)\n"},
		{"lists", head + `Inbox,Jo,"a@x";"b c@x",,,,,,,,,#A.SEC(50)` + "\r\n" + `Inbox,Jo,"SMTP:m@x.com;""X400:C=US;A= ;P=N""",,,,,,,,,#A.SEC(9)` + "\r\n",
			"1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Inbox|Jo|[\"a@x\" \"b c@x\"]||#A.SEC(50)\n4 Inbox|Jo|[\"SMTP:m@x.com\" \"X400:C=US;A= ;P=N\"]||#A.SEC(9)\n"},
		{"quotation mark never closed", head + `Inbox,Jo,Liz,,,"Plans,,,,,,#A.SEC(50)` + "\r\n" + row + row, "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 error migfile.quote\n4 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n5 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"never closed before a section", head + "Inbox,\"Jo\r\nrest\r\nPAB,MS:N/P/U\r\n", "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 error migfile.quote\n4 rest||[]|| short-row\n5 PAB \"MS:N/P/U\"\n"},
		{"fourteen values", head + "Deleted Items,,,,,,,,,FALSE,FALSE,#00000002.SEC(1497),0,0\r\n", "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Deleted Items||[]||#00000002.SEC(1497)\n"},
		{"columns in another order", "MAILMESSAGE,X:1\r\nBody,Subject,Folder,To,Status\r\n#A.SEC(50),Hi,Inbox,Liz,new\r\n", "1 MAILMESSAGE \"X:1\"\n3 Inbox||[\"Liz\"]|Hi|#A.SEC(50)\n"},
		{"no names of columns", "MAILMESSAGE,X:1\r\n" + row, "1 MAILMESSAGE \"X:1\"\n2 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"bad names of columns", "MAILMESSAGE,X:1\r\nwhat,ever\r\na,b\r\nc,d\r\nMAILMESSAGE,X:2\r\n" + messageHeader + row, "1 error migfile.column-heading\n5 MAILMESSAGE \"X:2\"\n7 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"heading without address", "MAILMESSAGE\r\n" + messageHeader + row + head + row, "1 error migfile.section-heading\n4 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n6 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"lines before the first section", row + row + head, "1 error migfile.section-heading\n3 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n"},
		{"padded by a spreadsheet", "MAILMESSAGE,X:1,,,,\r\n" + messageHeader + row, "1 MAILMESSAGE \"X:1\"\n3 Inbox|Jo|[\"Liz\"]|Plans|#A.SEC(50)\n"},
		{"empty sections", "MAILMESSAGE,X:1\r\nMAILMESSAGE,X:2\r\n" + messageHeader + "\r\nPAB,X:1\r\n", "1 MAILMESSAGE \"X:1\"\n2 MAILMESSAGE \"X:2\"\n5 PAB \"X:1\"\n"},
		{"a folder called PAB", head + "PAB,Jo,Liz,,,Hi,,,,,,#A.SEC(50)\r\n", "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 PAB|Jo|[\"Liz\"]|Hi|#A.SEC(50)\n"},
		{"code page", head + "Inbox,J\xfcrgen,,,,Gr\xfc\xdfe,,,,,,#A.SEC(50)\r\n", "1 MAILMESSAGE \"PROFS:SF(HOWARD)\"\n3 Inbox|Jürgen|[]|Grüße|#A.SEC(50)\n"},
		{"address book", "PAB,migrate:PROFS:SF(HOWARD)\r\nObj-class,Display-Name,Email-Address,First\r\nentry,Karan,SMTP:k@x.com\r\ndl,Friends,X400:/C=US/A= /S=K;SMTP:k@x.com,\r\n",
			"1 PAB \"migrate:PROFS:SF(HOWARD)\"\n3 entry|Karan|[\"SMTP:k@x.com\"]\n4 dl|Friends|[\"X400:/C=US/A= /S=K\" \"SMTP:k@x.com\"]\n"},
		{"directory is not continued", "DIRECTORY\r\nObj-class,Mode,Common-Name,Display-Name\r\nmailbox,create,a,back\\\\\r\nmailbox,create,b,Bee\r\n",
			"1 DIRECTORY \"\"\n3 mailbox|back\\\\|[]\n4 mailbox|Bee|[]\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := dump(t, tt.in); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
		})
	}
}

func TestPrimaryPlaces(t *testing.T) {
	in := "! first\r\n\r\nMAILMESSAGE,X:1\r\n" + messageHeader + "Inbox,,,,,a,,,,,,#A.SEC(50)\r\nInbox,,,,,\"b\r\nb\",,,,,,#A.SEC(9)\r\nInbox,,,,,c,,,,,,#A.SEC(9)"
	page, _ := NewCodePage(1252, "test")
	p := NewPrimary(iotest.OneByteReader(strings.NewReader(in)), "x.pri", page)
	var section *Section
	for _, want := range []string{"M", "Inbox,,,,,a", "Inbox,,,,,\"b", "Inbox,,,,,c"} {
		rec, err := p.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(in[rec.Place.Offset:], want) {
			t.Errorf("%s: %.20q begins there, want %q", rec.Place, in[rec.Place.Offset:], want)
		}
		if lines := strings.Count(in[:rec.Place.Offset], "\n") + 1; lines != rec.Place.Line {
			t.Errorf("%s is on line %d", rec.Place, lines)
		}
		section = rec.Section
		again, err := ResumePrimary(strings.NewReader(in[rec.Place.Offset:]), page, section, rec.Place).Next()
		if err != nil || again.Place != rec.Place || again.End != rec.End || again.Field("Subject").Text() != rec.Field("Subject").Text() {
			t.Errorf("read on from %s: %v, %v", rec.Place, again.Place, err)
		}
	}
}

func TestRowRoundTrip(t *testing.T) {
	page, err := NewCodePage(UTF8, "test")
	if err != nil {
		t.Fatal(err)
	}
	value := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a ,;"!#\\%.\[\]:é()]{0,12}`))
	rapid.Check(t, func(t *rapid.T) {
		flat := func(s string) string {
			return strings.Trim(strings.NewReplacer("\r\n", " ", "\r", " ", "\n", " ").Replace(strings.ToValidUTF8(s, "\uFFFD")), " \t")
		}
		subject := value.Draw(t, "subject")
		var to []string
		for _, v := range rapid.SliceOfN(value, 0, 4).Draw(t, "to") {
			if v = flat(v); v != "" {
				to = append(to, v)
			}
		}
		sender := flat(value.Draw(t, "sender"))
		row, replaced := page.Row(NewField("Inbox"), NewList([]string{sender}), NewList(to), bare(""), bare(""), NewField(subject),
			bare("19950321093421"), bare(""), bare("0"), NewBool(true), NewBool(false), NewPointer(Pointer{"A.SEC", 50}))
		if replaced > 0 && strings.ToValidUTF8(subject+sender+strings.Join(to, ""), "") == subject+sender+strings.Join(to, "") {
			t.Fatalf("%d characters replaced in UTF-8", replaced)
		}
		in := append(page.Heading(MailMessage, "X:1", MessageColumns()), row...)
		p := NewPrimary(strings.NewReader(string(in)), "x.pri", page)
		if rec, err := p.Next(); err != nil || !rec.Start {
			t.Fatal(rec, err)
		}
		rec, err := p.Next()
		if err != nil {
			t.Fatalf("%q: %v", row, err)
		}
		if got := rec.Field("Subject").Text(); strings.Trim(got, " \t") != flat(subject) {
			t.Fatalf("subject %q became %q by way of %q", subject, got, row)
		}
		if got := rec.Field("To").List(); fmt.Sprint(got) != fmt.Sprint(to) || len(got) != len(to) {
			t.Fatalf("to %q became %q by way of %q", to, got, row)
		}
		if got := rec.Field("Sender").One(); strings.Trim(got, " \t") != sender {
			t.Fatalf("sender %q became %q by way of %q", sender, got, row)
		}
		if ptr, ok := rec.Field("Body").Pointer(); !ok || ptr.Offset != 50 {
			t.Fatalf("the body leads to %v", ptr)
		}
	})
}

func TestEscapeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\\rn\n\r a]{0,9}`)).Draw(t, "value")
		if got, odd := Unescape(Escape(s)); got != s || odd {
			t.Fatalf("%q became %q", s, got)
		}
	})
	if got, odd := Unescape(`DOMAIN\user`); got != `DOMAIN\user` || !odd {
		t.Errorf("a single backslash gives %q, %v", got, odd)
	}
}

func FuzzPrimary(f *testing.F) {
	f.Add([]byte("MAILMESSAGE,PROFS:SF(HOWARD)\r\n" + messageHeader + `Inbox,Jo,"a";"b",,,"x""y",19950321093421,,1,,,#A.SEC(50)` + "\r\n"))
	f.Add([]byte("DIRECTORY\nObj-class,Mode,Common-Name\nmailbox,create,\"a\nb\"\nPAB,X\nentry,a,\\\\\nb\n"))
	f.Add([]byte("MAILMESSAGE\n\"\n\nPAB,\"x\rMAILMESSAGE,\xff\\\\"))
	f.Fuzz(func(t *testing.T, in []byte) {
		page, _ := NewCodePage(932, "test")
		p := NewPrimary(strings.NewReader(string(in)), "x.pri", page)
		last := -1
		for {
			rec, err := p.Next()
			if err != nil && rec.Place.Line == 0 {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				return
			}
			if rec.Place.Line <= last {
				t.Fatalf("line %d comes behind line %d", rec.Place.Line, last)
			}
			if last = rec.Place.Line; rec.End < rec.Place.Offset || rec.End > int64(len(in)) {
				t.Fatalf("record from %d to %d in a file of %d bytes", rec.Place.Offset, rec.End, len(in))
			}
			for _, c := range MessageColumns() {
				_ = rec.Field(c).List()
				_, _ = rec.Field(c).Pointer()
			}
		}
	})
}
