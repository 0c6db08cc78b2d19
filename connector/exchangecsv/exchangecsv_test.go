package exchangecsv

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

func open(t *testing.T, text string, options ...string) (connector.Source, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "export.csv")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	loc := connector.Location{Scheme: scheme, Path: path, Options: map[string][]string{}}
	for i := 0; i+1 < len(options); i += 2 {
		loc.Options.Set(options[i], options[i+1])
	}
	return Source(context.Background(), loc)
}

func TestTable(t *testing.T) {
	s, err := open(t, "Obj-Class,Mode,Common-Name,Display-Name,E-mail Addresses,E-mail Address,Members,Home-Server,Title\r\n"+
		"Mailbox,Create,Zoe,Zoe Z,MS:N/P/ZOE%SMTP:zoe@a.example,,Recipients/cn=All,NORTH,Dr\r\n"+
		"Mailbox,Delete,Old,,,,,,\r\n"+
		"Mailbox,,Anna,Anna B,SMTP:anna@a.example,,,~SERVER,\r\n"+
		"Mailbox,,ANNA,,,,,,\r\n"+
		"Chair,,x,,,,,,\r\n"+
		"Remote,,Gast,Gast,,FAX:555,,,\r\n"+
		"DL,,All,Everybody,SMTP:all@a.example,,/o=O/ou=S/cn=Recipients/cn=Anna,,\r\n")
	if err != nil {
		t.Fatal(err)
	}
	var ids, rules []string
	for u, err := range s.Users(context.Background()) {
		if err != nil {
			rules = append(rules, u.ID+" "+failure.RuleOf(err))
			continue
		}
		ids = append(ids, u.ID)
		if a, _ := u.Address(""); u.ID == "Zoe" && (a.Value != "zoe@a.example" || u.Attributes["Home-Server"] != "NORTH" || u.Attributes["Title"] != "Dr") {
			t.Errorf("%+v", u)
		}
	}
	if strings.Join(ids, " ") != "Anna Zoe" || strings.Join(rules, ", ") != "ANNA (line 5) exchangecsv.twice, Old (line 3) exchangecsv.delete, x (line 6) wizard.class" {
		t.Errorf("users %v, faults %v", ids, rules)
	}
	book, err := s.Book(context.Background())
	if err != nil || len(book.Contacts) != 1 || book.Contacts[0].Addresses[0].String() != "FAX:555" || len(book.Lists) != 1 || strings.Join(book.Lists[0].Members, " ") != "Anna Zoe" {
		t.Errorf("%+v, %v", book, err)
	}
	box, err := s.Mailbox(context.Background(), "Anna")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := box.Folders(context.Background())
	if c, cerr := box.Census(context.Background(), mail.Inbox, true); err != nil || cerr != nil || len(folders) != 1 || c.Messages != 0 {
		t.Errorf("%v, %v, %v", folders, err, cerr)
	}
	if _, err := s.Mailbox(context.Background(), "Old (line 3)"); failure.RuleOf(err) != "exchangecsv.delete" {
		t.Error(err)
	}
	if _, err := s.Mailbox(context.Background(), "nobody"); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
}

func TestDialects(t *testing.T) {
	s, err := open(t, "Obj-Class;Common-Name;E-mail Addresses\nMailbox;M\xfcller;SMTP:a@b.example|SMTP:c@d.example\n", "separator", ";", "multivalue", "|")
	if err != nil {
		t.Fatal(err)
	}
	for u := range s.Users(context.Background()) {
		if u.ID != "M\u00fcller" || len(u.Addresses) != 2 {
			t.Errorf("%+v", u)
		}
	}
	if _, err := open(t, "Obj-Class,Common-Name\n", "separator", "ab"); failure.ClassOf(err) != failure.Usage {
		t.Error(err)
	}
	if _, err := open(t, "user,account\n"); failure.RuleOf(err) != "wizard.no-header" {
		t.Error(err)
	}
	if _, err := Source(context.Background(), connector.Location{Scheme: scheme, Path: "nowhere.csv"}); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
}
