package migfile

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	mf "waybill/format/migfile"
	"waybill/mail"
)

// TestRecover moves what can be moved, recovers the lines that could not,
// corrects them and reads them from a packing list of their own.
func TestRecover(t *testing.T) {
	o := newOffice(t)
	o.add("Directory.pri", "! made by hand", "DIRECTORY", "Obj-class,Mode,Common-Name,Display-Name,Secondary-Proxy-Addresses",
		"mailbox,create,AnnaB,Anna Berg,MIGRATE:PROFS:BREMEN(ANNA)", "chair,create,Bert,Bert,", "mailbox,create,Carl,Carl,MIGRATE:PROFS:BREMEN(CARL)")
	good := o.section("00000001.sec", "Body,TRUE,,,", "text of anna")
	o.add("00000001.pri", "MAILMESSAGE,PROFS:BREMEN(ANNA)", columns,
		"Inbox,Carl,Anna,,,one,19970301120000,,0,,,"+good,
		"Inbox,Carl,Anna,,,two,19970301120000,,0,,,#00000001.SEC(9999)",
		"! a comment",
		"Inbox,Carl,Anna,,,three,19970301120000,,0,,,"+good,
		"PAB,PROFS:BREMEN(ANNA)", "Obj-class,Nonsense", "entry,x")
	o.add("00000002.pri", "MAILMESSAGE,PROFS:BREMEN(CARL)", columns, "Inbox,Anna,Carl,,,four,19970301120000,,0,,,"+good)
	s := open(t, o.write(t)).(*source)

	box, err := s.Mailbox(context.Background(), "AnnaB")
	if err != nil {
		t.Fatal(err)
	}
	refused := Refused{Keys: map[string]bool{}, Users: map[string]bool{"AnnaB": true}}
	for _, folder := range []mail.Path{mail.Inbox, contactsFolder} {
		for m, err := range box.Messages(context.Background(), folder) {
			if err != nil && m.Key != "" {
				refused.Keys[m.Key] = true
			}
		}
	}
	var b strings.Builder
	lines, err := s.Recover(context.Background(), &b, refused)
	if err != nil || lines != 3 { // the chair, message two, the address book
		t.Fatalf("%d lines, %v, keys %v:\n%s", lines, err, refused.Keys, b.String())
	}
	text := b.String()
	for _, want := range []string{"chair,create,Bert", "mailbox,create,AnnaB", "MAILMESSAGE,PROFS:BREMEN(ANNA)\r\n" + columns + "\r\nInbox,Carl,Anna,,,two,", "PAB,PROFS:BREMEN(ANNA)\r\nObj-class,Nonsense\r\nentry,x\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for _, not := range []string{"Carl,Carl,", ",one,", ",three,", ",four,"} {
		if strings.Contains(text, not) {
			t.Errorf("%q in\n%s", not, text)
		}
	}
	text = strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(text, "chair,", "mailbox,"), "#00000001.SEC(9999)", good), "Obj-class,Nonsense\r\nentry,x", strings.Join(mf.PABColumns(), ",")+"\r\nentry,Dad,SMTP:dad@example.org")
	if err := os.WriteFile(filepath.Join(o.dir, "recovery.pri"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	list := s.PackingList("recovery.pri")
	var packing strings.Builder
	if _, err := list.WriteTo(&packing); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(o.dir, "recovery.pkl")
	if err := os.WriteFile(path, []byte(packing.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, location(path))
	var users []string
	for u, err := range again.Users(context.Background()) {
		if err != nil {
			t.Errorf("%s: %v", u.ID, err)
		}
		users = append(users, u.ID)
	}
	if strings.Join(users, " ") != "AnnaB Bert" {
		t.Errorf("users are %v", users)
	}
	box, err = again.Mailbox(context.Background(), "AnnaB")
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []mail.Path{mail.Inbox, contactsFolder} {
		n := 0
		for _, err := range box.Messages(context.Background(), folder) {
			if n++; err != nil {
				t.Error(err)
			}
		}
		if n != 1 {
			t.Errorf("%d messages in %s", n, folder)
		}
	}
}

func TestNothingToRecover(t *testing.T) {
	o := newOffice(t)
	o.add("a.pri", "DIRECTORY", "Obj-class,Mode,Common-Name", "mailbox,create,AnnaB")
	var b strings.Builder
	lines, err := open(t, o.write(t)).(*source).Recover(context.Background(), &b, Refused{Users: map[string]bool{"AnnaB": true}})
	if err != nil || lines != 0 || b.Len() != 0 {
		t.Errorf("%d lines, %v, %q", lines, err, b.String())
	}
}
