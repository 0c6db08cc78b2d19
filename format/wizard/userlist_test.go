package wizard

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
)

const sampleList = `"Post office: \\SRV\MAIL$"
NET/PO
SFS_UserName,SFS_FullName,MigrateUser,Obj-Class,Mode,Common-Name,Display-Name,Given-Name,Surname,Home-Server,Comment,Assoc-NT-Account,Secondary-Proxy-Addresses,Department
ANNA,Anna Berg,Y,mailbox,create,AnnaB,Anna Berg,Anna,Berg,~SERVER,,DOM\\anna,migrate:MS:NET/PO/ANNA,Sales
BERT,Bert Cole,N,,,,,,,,,,,
CARL,Carl Diaz,Y,mailbox,,carl,,,,,,,,
`

func TestUserList(t *testing.T) {
	l, err := ReadUserList("users.csv", strings.NewReader(sampleList), Dialect{})
	if err != nil {
		t.Fatal(err)
	}
	if len(l.Preamble) != 2 || len(l.Entries) != 3 {
		t.Fatalf("preamble %q, %d entries", l.Preamble, len(l.Entries))
	}
	anna, bert, carl := l.Entries[0], l.Entries[1], l.Entries[2]
	if !anna.Migrate || anna.User != "ANNA" || anna.Mode != Create || anna.Name != "AnnaB" || anna.Server != ServerChosen || anna.Proxies[0] != "migrate:MS:NET/PO/ANNA" ||
		anna.Attributes["Department"] != "Sales" || anna.Attributes["Assoc-NT-Account"] != `DOM\anna` || anna.Place.Line != 4 {
		t.Errorf("%+v", anna)
	}
	if bert.Migrate || bert.User != "BERT" {
		t.Errorf("%+v", bert)
	}
	if carl.Mode != Update || !carl.Migrate {
		t.Errorf("%+v", carl)
	}
	var b bytes.Buffer
	if n, err := l.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("%d of %d, %v", n, b.Len(), err)
	}
	again, err := ReadUserList("users.csv", &b, Dialect{})
	if err != nil || !reflect.DeepEqual(again.Entries[0].Recipient, anna.Recipient) || !reflect.DeepEqual(again.Preamble, l.Preamble) {
		t.Errorf("%v: %+v", err, again)
	}
}

func TestUserListWithoutPreamble(t *testing.T) {
	_, table, _ := strings.Cut(sampleList, "NET/PO\n")
	l, err := ReadUserList("users.csv", strings.NewReader(table), Dialect{})
	if err != nil || len(l.Entries) != 3 || len(l.Preamble) != 0 {
		t.Fatalf("%v, %+v", err, l)
	}
	head, _, _ := strings.Cut(table, "\n")
	if !IsUserList(head) || IsUserList("user,account") || IsUserList("") || IsUserList("SFS_UserName") {
		t.Error("header is not told from others")
	}
}

// All faults are reported together, each with its line.
func TestUserListFaults(t *testing.T) {
	_, err := ReadUserList("u.csv", strings.NewReader("SFS_UserName,MigrateUser,Obj-Class,Common-Name\nA,maybe,mailbox,a\n,Y,mailbox,b\nC,Y,chair,c\nD,Y,mailbox,\nE,Y,mailbox,e\nE,Y,mailbox,f\nF,Y\n"), Dialect{})
	for _, want := range []string{"line 2 [wizard.migrate-user]", "line 3 [wizard.user-name]", "line 4 [wizard.class]", "line 5 [wizard.name]", "line 7 [wizard.user-twice]", "line 8 [wizard.fields]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
	for text, rule := range map[string]string{"": "wizard.no-header", "user,account\na,b\n": "wizard.no-header", "SFS_UserName,Obj-Class\n": "wizard.column-missing"} {
		if _, err := ReadUserList("u.csv", strings.NewReader(text), Dialect{}); failure.RuleOf(err) != rule {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestUserListRoundTrip(t *testing.T) {
	word := rapid.StringMatching(`[\pL][\pL0-9 ,"'\\.-]{0,10}[\pL0-9]`)
	rapid.Check(t, func(t *rapid.T) {
		l := &UserList{}
		for i := range rapid.IntRange(0, 4).Draw(t, "n") {
			e := UserEntry{User: fmt.Sprint(word.Draw(t, "user"), i), FullName: word.Draw(t, "full"), Migrate: true,
				Recipient: Recipient{Class: Mailbox, Mode: Create, Name: word.Draw(t, "name"), Display: word.Draw(t, "display"), Server: ServerChosen, Attributes: map[string]string{}}}
			if rapid.Bool().Draw(t, "remote") {
				e.Class, e.Addresses = Remote, []string{"SMTP:a%b@c.example"}
			}
			if rapid.Bool().Draw(t, "more") {
				e.Alias, e.Container, e.Members = word.Draw(t, "alias"), "Recipients/cn=x", []string{"Recipients/cn=All"}
				e.Attributes["Title"] = word.Draw(t, "title")
			}
			l.Entries = append(l.Entries, e)
		}
		var b bytes.Buffer
		if _, err := l.WriteTo(&b); err != nil {
			t.Fatal(err)
		}
		again, err := ReadUserList("x", &b, Dialect{})
		if err != nil || len(again.Entries) != len(l.Entries) {
			t.Fatalf("%v, %+v", err, again)
		}
		for i, e := range l.Entries {
			got := again.Entries[i]
			got.Place = Place{}
			if !reflect.DeepEqual(got, e) {
				t.Fatalf("\n got %+v\nwant %+v", got, e)
			}
		}
	})
}

func TestIMAPList(t *testing.T) {
	const head = "IMAP_Mailbox,IMAP_Password,SMTP_Address,IMAP_Server,EX_Mailbox,IMAP_Port,IMAP_SSL\n"
	list, err := ReadIMAPList("i.csv", strings.NewReader(head+"anna, s3cret ,anna@a.example,old.example,AnnaB,993,Y\nbert,x,,old.example,,,\n"), Dialect{})
	if err != nil || len(list) != 2 {
		t.Fatalf("%v, %v", list, err)
	}
	if a := list[0]; a.Password != " s3cret " || a.Port != 993 || !a.SSL || a.Target != "AnnaB" || list[1].SSL || list[1].Port != 0 {
		t.Errorf("%v", list)
	}
	if text := fmt.Sprintf("%v %+v %#v", list[0], list[0], list[0]); strings.Contains(text, "s3cret") {
		t.Errorf("the password shows: %s", text)
	}
	_, err = ReadIMAPList("i.csv", strings.NewReader(head+",geheim,,old.example,,,\nb,geheim,,a/b,,,\nc,geheim,,h,,70000,\nd,geheim,,h,,,maybe\n"), Dialect{})
	for _, want := range []string{"line 2 [wizard.user-name]", "line 3 [wizard.server]", "line 4 [wizard.port]", "line 5 [wizard.ssl]"} {
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("no %q in %v", want, err)
		}
	}
	if !IsIMAPList(strings.TrimSpace(head)) || IsIMAPList("user,account") {
		t.Error("header is not told from others")
	}
}

func FuzzUserList(f *testing.F) {
	f.Add([]byte(sampleList))
	f.Add([]byte("IMAP_Mailbox,IMAP_Password,SMTP_Address,IMAP_Server,EX_Mailbox,IMAP_Port,IMAP_SSL\na,b,c,d,e,1,Y\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		l, err := ReadUserList("f", bytes.NewReader(in), Dialect{})
		if err == nil {
			for _, e := range l.Entries {
				if e.User == "" || e.Migrate && e.Name == "" {
					t.Fatalf("%+v", e)
				}
			}
			var b bytes.Buffer
			if _, err := l.WriteTo(&b); err != nil {
				t.Fatal(err)
			}
		}
		_, _ = ReadIMAPList("f", bytes.NewReader(in), Dialect{})
	})
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]Kind{sampleList: UserListTable, "IMAP_Mailbox,IMAP_Server\n": IMAPListTable, "Obj-Class,Common-Name\n": DirectoryTable,
		"user,account\n": OtherTable, "": OtherTable, "\xff\xfes\x00f\x00s\x00_\x00u\x00s\x00e\x00r\x00n\x00a\x00m\x00e\x00,\x00x\x00": UserListTable} {
		if got := Sniff([]byte(text)); got != want {
			t.Errorf("%q is %d, want %d", text, got, want)
		}
	}
}
