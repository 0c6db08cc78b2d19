package migfile

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/mail"
)

// office is a small office's mail as an extractor writes it.
type office struct {
	dir   string
	files map[string]*strings.Builder
}

func newOffice(t *testing.T) *office {
	return &office{dir: t.TempDir(), files: map[string]*strings.Builder{}}
}

func (o *office) add(name string, lines ...string) {
	if o.files[name] == nil {
		o.files[name] = &strings.Builder{}
	}
	for _, l := range lines {
		o.files[name].WriteString(l + "\r\n")
	}
}

// section adds a section to a secondary file and gives the pointer to it.
func (o *office) section(name, descriptor, data string) string {
	if o.files[name] == nil {
		o.add(name, mf.SecondaryHeading)
	}
	offset := o.files[name].Len()
	kind, rest, _ := strings.Cut(descriptor, ",")
	o.add(name, fmt.Sprintf("%s,%d,,%s", kind, len(data), rest), data)
	return fmt.Sprintf("#%s(%d)", name, offset)
}

func (o *office) write(t *testing.T) connector.Location {
	t.Helper()
	var names []string
	for name, b := range o.files {
		names = append(names, name)
		if err := os.WriteFile(filepath.Join(o.dir, name), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(names)
	path := filepath.Join(o.dir, "OFFICE.PKL")
	if err := os.WriteFile(path, []byte("! PROFS\r\n1252\r\n\r\n"+strings.ToUpper(strings.Join(names, "\r\n"))+"\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return location(path)
}

const columns = "Folder,Sender,To,Cc,Bcc,Subject,Send-Date,Received-Date,Priority,Unread,Unsent,Body"

func open(t *testing.T, loc connector.Location) connector.Source {
	t.Helper()
	s, err := Source(context.Background(), loc)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// listing writes what a mailbox holds: for every message its folder, key, kinds
// of notes and content, or the rule that it breaks.
func listing(t *testing.T, s connector.Source, user string) string {
	t.Helper()
	ctx := context.Background()
	box, err := s.Mailbox(ctx, user)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := box.Folders(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range folders {
		fmt.Fprintf(&b, "%s [%s]\n", f.Path, f.Use)
		n := int64(0)
		for m, err := range box.Messages(ctx, f.Path) {
			n++
			fmt.Fprintf(&b, " %s %s {%s}", m.Key, m.InternalDate.Format("2006-01-02 15:04"), m.Flags)
			for _, note := range m.Notes {
				fmt.Fprintf(&b, " %s", note.Kind)
			}
			if err != nil {
				fmt.Fprintf(&b, " !%s\n", failure.RuleOf(err))
				if !strings.Contains(err.Error(), ".pri line ") {
					t.Errorf("the error does not tell the place: %v", err)
				}
				continue
			}
			r, err := box.Open(ctx, f.Path, m)
			if err != nil {
				t.Fatal(err)
			}
			first, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Close()
			fmt.Fprintf(&b, "\n%s", summary(t, first))
		}
		c, err := box.Census(ctx, f.Path, true)
		if err != nil || c.Messages != n {
			t.Errorf("census of %s counts %d of %d messages: %v", f.Path, c.Messages, n, err)
		}
	}
	return b.String()
}

func summary(t *testing.T, message []byte) string {
	t.Helper()
	var b strings.Builder
	r := mime.NewReader(bytes.NewReader(message))
	for first := true; ; first = false {
		p, err := r.Next()
		if err == io.EOF {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		if first {
			for _, name := range []string{"From", "To", "Cc", "Subject", "Date", "Importance"} {
				if v := p.Header.Text(name); v != "" {
					fmt.Fprintf(&b, "   %s: %s\n", name, v)
				}
			}
		}
		if !p.Multipart {
			text, _ := io.ReadAll(p.Text())
			fmt.Fprintf(&b, "   %s %s %q\n", p.Type, p.Name, text)
		}
	}
}

func harbour(t *testing.T) *office {
	o := newOffice(t)
	o.add("directory.pri", "DIRECTORY",
		"Obj-class,Mode,Common-Name,Display-Name,Last Name,First Name,E-mail Addresses,Secondary-Proxy-Addresses,Home-Server,Members,Department",
		`mailbox,create,ElizaB,Elizabeth Boyle,Boyle,Elizabeth,SMTP:eliza@harbour.example,MIGRATE:PROFS:Sydney(EBoyle)%X400:C=AU;S=Boyle,~Server,,Sales\\Export`,
		`mailbox,create,Quiet,Quinn Iet,Iet,Quinn,,MIGRATE:PROFS:Sydney(QIet),~SERVER,,`,
		`remote,create,Jo,Jo Berry,Berry,Jo,,,,,`,
		`dl,create,Crew,The Crew,,,,,,/o=Harbour/ou=Sydney/cn=Recipients/cn=ElizaB%Recipients/cn=Nobody%SMTP:x@y.example,`)
	sec := "00000001.sec"
	plan := o.section(sec, "Body,TRUE,,,", "Gr\xfc\xdfe from the quay.\r\n")
	body := o.section(sec, "Body,FALSE,,,", "See attached.")
	o.section(sec, `Attachment,FALSE,"C:\DOCS\plan,v2.doc",3,`, "\x00\x01doc")
	o.section(sec, "Attachment,TRUE,,,", "nameless")
	calendar := o.section(sec, "Body,FALSE,,,", "")
	o.section(sec, "Schedule,TRUE,EBOYLE.SC2,-1,", "SCHEDULE+2 EXPORT VERSION 103\r\n")
	crowd := o.section(sec, "Other,TRUE,,,", "Elizabeth Boyle;Kim[MS:NET/PO/KIM];kim@x.example[SMTP:kim@x.example]")
	o.add("00000001.pri", "MAILMESSAGE,PROFS:SYDNEY(EBOYLE)", columns,
		`Inbox,Jo Berry,Elizabeth Boyle,,,"Plans",19950321093421,19950321093500,-1,,,`+plan,
		`Cabinet\Quay,Elizabeth Boyle,`+crowd+`,,,Papers,,19950322100000,1,FALSE,,`+body,
		`,Jo Berry[SMTP:jo@x.example],,,,Diary,19950323000000,,,TRUE,TRUE,`+calendar,
		`Sent Items,Elizabeth Boyle,,,,Lost,19950321093421,,,FALSE,,#00000001.SEC(9999)`,
		`Sent Items,Elizabeth Boyle,,,,Gone,19950321093421,,,FALSE,,#00000009.SEC(50)`,
		`Sent Items,Elizabeth Boyle,,,"Odd,19950321093421,,,FALSE,,#00000001.SEC(50)`,
		`Sent Items,short`,
		`Sent Items,Elizabeth Boyle,,,,Header only,199503,,,FALSE,,`)
	o.add("00000001.pri", "", "PAB,migrate:PROFS:SYDNEY(EBOYLE)", strings.Join(mf.PABColumns(), ","),
		`entry,Karan Khanna,SMTP:k@litware.example,Karan,Khanna,,,,,,,"Litware,Inc.",,,,,,,,415-555-1212,,,,`,
		`dl,My Friends,X400:/C=US/A= /P=N/G=Joe/S=K;SMTP:k@litware.example,,,,,,,,,,,,,,,,,,,,,`)
	o.add("00000002.pri", "MAILMESSAGE,PublicMessages", columns, `Boards\Sale,Jo Berry,,,,Boat for sale,19950321093421,,,,,`+plan,
		"", "MAILMESSAGE,MS:NET/PO/KIM", columns, `Inbox,Jo Berry,,,,Hi,19950321093421,,,FALSE,,`+plan,
		"", "MAILMESSAGE,SMTP:kim@elsewhere.example", columns)
	return o
}

func TestSource(t *testing.T) {
	s := open(t, harbour(t).write(t))
	var ids []string
	for u, err := range s.Users(context.Background()) {
		if err != nil {
			t.Error(err)
		}
		ids = append(ids, u.ID)
		if u.ID == "ElizaB" {
			want := directory.User{ID: "ElizaB", Name: "Elizabeth Boyle", First: "Elizabeth", Last: "Boyle",
				Addresses:  []directory.Address{{Type: "SMTP", Value: "eliza@harbour.example"}, {Type: "MIGRATE", Value: "PROFS:Sydney(EBoyle)"}, {Type: "X400", Value: "C=AU;S=Boyle"}},
				Attributes: map[string]string{"Department": `Sales\Export`}}
			if fmt.Sprint(u) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", u, want)
			}
		}
		if (u.Kind == directory.Public) != (u.ID == PublicID) {
			t.Errorf("%s has kind %q", u.ID, u.Kind)
		}
	}
	if want := []string{"ElizaB", "KIM", PublicID, "Quiet", "kim-2"}; !slices.Equal(ids, want) {
		t.Errorf("users are %q, want %q", ids, want)
	}
	book, err := s.Book(context.Background())
	if err != nil || len(book.Contacts) != 1 || len(book.Lists) != 1 || !slices.Equal(book.Lists[0].Members, []string{"ElizaB", "Nobody", "SMTP:x@y.example"}) {
		t.Errorf("the book is %v, %v", book, err)
	}
	want := `INBOX [Inbox]
 00000001:3 1995-03-21 09:35 {} address-unknown unread-unknown date-zone-assumed
   From: Jo Berry <no-address@migrated.invalid>
   To: Elizabeth Boyle <eliza@harbour.example>
   Subject: Plans
   Date: Tue, 21 Mar 1995 09:34:21 +0000
   Importance: low
   text/plain  "Grüße from the quay.\r\n"
 00000001:5 1995-03-23 00:00 {\Draft} schedule-as-attachment
   From: Jo Berry <jo@x.example>
   Subject: Diary
   Date: Thu, 23 Mar 1995 00:00:00 +0000
   text/plain  ""
   application/octet-stream EBOYLE.SC2 "SCHEDULE+2 EXPORT VERSION 103\r\n"
Cabinet []
Cabinet/Quay []
 00000001:4 1995-03-22 10:00 {\Seen} address-encapsulated attachment-path attachment-position attachment-name-made date-zone-assumed
   From: Elizabeth Boyle <eliza@harbour.example>
   To: Elizabeth Boyle <eliza@harbour.example>, Kim <IMCEAMS-NET_PO_KIM@migrated.invalid>, kim@x.example
   Subject: Papers
   Importance: high
   text/plain  "See attached."
   application/msword plan,v2.doc "\x00\x01doc"
   application/octet-stream attachment-2 "nameless"
Sent Items [Sent]
 00000001:6 0001-01-01 00:00 {} !migfile.offset
 00000001:7 0001-01-01 00:00 {} !migfile.file-missing
 00000001:8 0001-01-01 00:00 {} !migfile.quote
 00000001:9 0001-01-01 00:00 {} !migfile.body-pointer
 00000001:10 0001-01-01 00:00 {\Seen} date-unknown
   From: Elizabeth Boyle <eliza@harbour.example>
   Subject: Header only
   text/plain  ""
Contacts []
 00000001:12 0001-01-01 00:00 {\Seen} pab-as-vcard
   From: Elizabeth Boyle <eliza@harbour.example>
   To: Elizabeth Boyle <eliza@harbour.example>
   Subject: Personal Address Book
`
	got := listing(t, s, "ElizaB")
	if !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, part := range []string{`EMAIL;TYPE=INTERNET:k@litware.example`, `ORG:Litware\\,Inc.`, "X-ADDRESSBOOKSERVER-KIND:group", "Personal Address Book.vcf"} {
		if !strings.Contains(got[len(want)-1:], part) {
			t.Errorf("the address book lacks %s: %s", part, got[len(want)-1:])
		}
	}
	if got := listing(t, s, PublicID); !strings.Contains(got, "Boards/Sale []\n 00000002:3") {
		t.Errorf("public folders: %s", got)
	}
	for _, empty := range []string{"Quiet", "kim-2"} {
		if got := listing(t, s, empty); got != "INBOX [Inbox]\n" {
			t.Errorf("%s holds %s", empty, got)
		}
	}
}

func TestZone(t *testing.T) {
	loc := harbour(t).write(t)
	loc.Options = map[string][]string{"zone": {"Europe/Berlin"}}
	s := open(t, loc)
	got := listing(t, s, "KIM")
	if !strings.Contains(got, "Date: Tue, 21 Mar 1995 09:34:21 +0100") || strings.Contains(got, "date-zone-assumed") {
		t.Errorf("got %s", got)
	}
}

func TestSourceRefusals(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, o *office, loc *connector.Location)
		rule  string
	}{
		{"no packing list", func(t *testing.T, o *office, loc *connector.Location) { loc.Path += "x" }, "migfile.packing-list"},
		{"a directory", func(t *testing.T, o *office, loc *connector.Location) { loc.Path = o.dir }, "migfile.packing-list"},
		{"primary file missing", func(t *testing.T, o *office, loc *connector.Location) {
			if err := os.Remove(filepath.Join(o.dir, "00000001.pri")); err != nil {
				t.Fatal(err)
			}
		}, "migfile.file-missing"},
		{"unknown option", func(t *testing.T, o *office, loc *connector.Location) {
			loc.Options = map[string][]string{"colour": {"red"}}
		}, "usage.option"},
		{"unknown zone", func(t *testing.T, o *office, loc *connector.Location) {
			loc.Options = map[string][]string{"zone": {"Mars/Olympus"}}
		}, "usage.zone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := harbour(t)
			loc := o.write(t)
			tt.spoil(t, o, &loc)
			if _, err := Source(context.Background(), loc); failure.RuleOf(err) != tt.rule {
				t.Errorf("got %v, want rule %s", err, tt.rule)
			}
		})
	}
}

func TestDirectoryFaults(t *testing.T) {
	o := harbour(t)
	o.add("directory.pri", `mailbox,create,Quiet,Quinn Again,,,,,,,`, `mailbox,delete,Old,Old,,,,,,,`, `printer,create,P1,Printer,,,,,,,`,
		`mailbox,create,Twin,Twin,,,,migrate:profs:sydney(eboyle),,,`, `mailbox,create,,Nameless,,,,,,,`)
	o.add("00000003.pri", "stray line")
	s := open(t, o.write(t))
	got := map[string]string{}
	for u, err := range s.Users(context.Background()) {
		if err != nil {
			got[u.ID] = failure.RuleOf(err)
			if _, err := s.Mailbox(context.Background(), u.ID); failure.RuleOf(err) != got[u.ID] {
				t.Errorf("the mailbox of %s opens with %v", u.ID, err)
			}
		}
	}
	want := map[string]string{"Quiet (directory.pri line 7)": "migfile.object-exists", "Old": "migfile.mode", "P1": "migfile.obj-class",
		"ElizaB": "migfile.binding-ambiguous", "Twin": "migfile.binding-ambiguous", "(directory.pri line 11)": "migfile.common-name", "(00000003.pri line 1)": "migfile.section-heading"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestManyMessagesByKey(t *testing.T) {
	o := newOffice(t)
	body := o.section("00000001.sec", "Body,TRUE,,,", "hello")
	o.add("00000001.pri", "MAILMESSAGE,MS:N/P/U", columns)
	for i := range 3 * checkpointEvery {
		o.add("00000001.pri", fmt.Sprintf(`F%d,Jo,,,,"Letter %d",,,,FALSE,,%s`, i%3, i, body))
	}
	s := open(t, o.write(t))
	box, err := s.Mailbox(context.Background(), "U")
	if err != nil {
		t.Fatal(err)
	}
	for f := range 3 {
		folder := mail.Path(fmt.Sprintf("F%d", f))
		i := f
		for m, err := range box.Messages(context.Background(), folder) {
			if err != nil {
				t.Fatal(err)
			}
			r, err := box.Open(context.Background(), folder, m)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(r)
			_ = r.Close()
			if !strings.Contains(string(text), fmt.Sprintf("Subject: Letter %d\r\n", i)) {
				t.Fatalf("key %s opens another message: %s", m.Key, text)
			}
			if _, err := box.Open(context.Background(), "F9", m); failure.ClassOf(err) != failure.Vanished {
				t.Fatalf("opened in another folder: %v", err)
			}
			i += 3
		}
		if i != 3*checkpointEvery+f {
			t.Errorf("the listing of %s ends at %d", folder, i)
		}
	}
}
