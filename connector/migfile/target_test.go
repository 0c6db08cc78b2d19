package migfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

func create(t testing.TB, loc connector.Location, ids ...string) connector.Target {
	t.Helper()
	target, err := Target(context.Background(), loc)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		if err := target.CreateAccount(context.Background(), directory.User{ID: id}); err != nil {
			t.Fatal(err)
		}
	}
	return target
}

func item(text string) connector.Item {
	return connector.Item{Message: mail.Message{InternalDate: time.Date(1995, 3, 21, 9, 34, 21, 0, time.UTC), Flags: mail.FlagSet{System: mail.Seen}},
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// send appends messages to the inbox.
func send(t testing.TB, target connector.Target, id string, items ...connector.Item) []connector.Receipt {
	t.Helper()
	ctx := context.Background()
	box, err := target.Mailbox(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	at, err := box.Position(ctx, mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	receipts, err := box.Append(ctx, mail.Inbox, at, items)
	if err != nil {
		t.Fatal(err)
	}
	return receipts
}

func TestFilesAsDocumented(t *testing.T) {
	dir := t.TempDir()
	loc := location(filepath.Join(dir, "office.pkl"), "codepage", "1252")
	target := create(t, loc)
	ctx := context.Background()
	user := directory.User{ID: "ElizaB", Name: "Elizabeth Boyle", First: "Elizabeth", Last: "Boyle", Attributes: map[string]string{"Department": `Sales\Export`},
		Addresses: []directory.Address{{Type: "SMTP", Value: "eliza@harbour.example"}, {Type: "X400", Value: "/C=AU/S=Boyle"}}}
	if err := target.CreateAccount(ctx, user); err != nil {
		t.Fatal(err)
	}
	if err := target.CreateContact(ctx, directory.Contact{ID: "Jo", Name: "Jo Berry", Addresses: []directory.Address{{Type: "MS", Value: "NET/PO/JO"}}}); err != nil {
		t.Fatal(err)
	}
	list := directory.List{ID: "Crew", Name: "The Crew", Members: []string{"ElizaB", "Jo", "SMTP:x@y.example"}}
	for range 2 { // the same list a second time is no error
		if err := target.CreateList(ctx, list); err != nil {
			t.Fatal(err)
		}
	}
	list.Name = "Another Crew"
	if err := target.CreateList(ctx, list); failure.ClassOf(err) != failure.Conflict {
		t.Errorf("another list of the same name: %v", err)
	}
	send(t, target, "ElizaB", item("From: Jo <jo@x.example>\nTo: a@b; c@d\nSubject: Pl\xc3\xa4ne, \"new\"\nDate: Tue, 21 Mar 1995 09:34:21 +0000\n\nGr\xc3\xbc\xc3\x9fe \xe2\x98\xba\n"))
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"office.pkl": "! Migration files written by Waybill\r\n1252\r\n\r\nDirectory.pri\r\n00000001.pri\r\n00000001.sec\r\n",
		"Directory.pri": "! Migration files written by Waybill\r\n\r\nDIRECTORY\r\n" +
			"Obj-class,Mode,Common-Name,Display-Name,Given-Name,Surname,E-mail Addresses,E-mail Address,Secondary-Proxy-Addresses,Members,Home-Server,Department\r\n" +
			`mailbox,create,ElizaB,Elizabeth Boyle,Elizabeth,Boyle,"SMTP:eliza@harbour.example",,"X400:/C=AU/S=Boyle%MIGRATE:WAYBILL:00000001",,"~SERVER","Sales\\Export"` + "\r\n" +
			`remote,create,Jo,Jo Berry,,,,"MS:NET/PO/JO",,,,` + "\r\n" +
			`dl,create,Crew,The Crew,,,,,,"Recipients/cn=ElizaB%Recipients/cn=Jo%SMTP:x@y.example",,` + "\r\n",
		"00000001.pri": "! Migration files written by Waybill\r\n\r\nMAILMESSAGE,WAYBILL:00000001\r\n" + columns + "\r\n" +
			`Inbox,"Jo[SMTP:jo@x.example]","a@b[SMTP:a@b];c@d[SMTP:c@d]",,,"Pl` + "\xe4" + `ne, ""new""",19950321093421,19950321093421,0,FALSE,FALSE,#00000001.sec(50)` + "\r\n",
		"00000001.sec": mf.SecondaryHeading + "\r\nBody,9,,TRUE,,,\r\nGr\xfc\xdfe ?\r\n\r\n",
	} {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != want {
			t.Errorf("%s is\n%q\nwant\n%q; %v", name, got, want, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	s := open(t, location(loc.Path))
	for u, err := range s.Users(ctx) {
		if err != nil || fmt.Sprint(u) != fmt.Sprint(user) {
			t.Errorf("got %v, %v", u, err)
		}
	}
}

func TestTargetRefusals(t *testing.T) {
	harbourLoc := harbour(t).write(t)
	dir := filepath.Dir(harbourLoc.Path)
	tests := map[string]struct {
		loc  connector.Location
		rule string
	}{
		"another program's list": {harbourLoc, "migfile.foreign"},
		"beside other files":     {location(filepath.Join(dir, "new.pkl")), "migfile.foreign"},
		"no packing list":        {location(filepath.Join(t.TempDir(), "new.pst")), "usage.packing-list"},
		"unknown code page":      {location(filepath.Join(t.TempDir(), "new.pkl"), "codepage", "4711"), "migfile.code-page"},
		"code page is a word":    {location(filepath.Join(t.TempDir(), "new.pkl"), "codepage", "latin"), "usage.codepage"},
	}
	for name, tt := range tests {
		if _, err := Target(context.Background(), tt.loc); failure.RuleOf(err) != tt.rule {
			t.Errorf("%s: got %v, want rule %s", name, err, tt.rule)
		}
	}
	loc := location(filepath.Join(t.TempDir(), "office.pkl"), "codepage", "1252")
	target := create(t, loc, "anna")
	for id, rule := range map[string]string{"anna": "migfile.object-exists", "日本": "migfile.common-name", "": "migfile.common-name", PublicID: "migfile.object-exists"} {
		if err := target.CreateAccount(context.Background(), directory.User{ID: id}); failure.RuleOf(err) != rule {
			t.Errorf("account %q: got %v, want rule %s", id, err, rule)
		}
	}
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Target(context.Background(), location(loc.Path, "codepage", "850")); failure.RuleOf(err) != "migfile.code-page" {
		t.Errorf("another code page: %v", err)
	}
}

func TestPublicFolders(t *testing.T) {
	loc := location(filepath.Join(t.TempDir(), "office.pkl"))
	target := create(t, loc)
	if err := target.CreateAccount(context.Background(), directory.User{ID: PublicID, Kind: directory.Public}); err != nil {
		t.Fatal(err)
	}
	send(t, target, PublicID, item("Subject: all\n\nfor everybody"))
	if err := target.Close(); err != nil {
		t.Fatal(err)
	}
	if got := listing(t, open(t, loc), PublicID); !strings.Contains(got, "for everybody") {
		t.Errorf("got %s", got)
	}
	again := create(t, loc)
	for u, err := range again.Accounts(context.Background()) {
		if err != nil || u.ID != PublicID || u.Kind != directory.Public {
			t.Errorf("got %v, %v", u, err)
		}
	}
}

// TestInterruptedAppend leaves the files as a crash in the middle of an append
// does: the journal is there and both files are longer than it says.
func TestInterruptedAppend(t *testing.T) {
	dir := t.TempDir()
	loc := location(filepath.Join(dir, "office.pkl"))
	target := create(t, loc, "anna")
	send(t, target, "anna", item("Subject: one\n\none"))
	whole := map[string][]byte{}
	var journal strings.Builder
	for _, name := range []string{"00000001.pri", "00000001.sec"} {
		path := filepath.Join(dir, name)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole[name] = b
		fmt.Fprintf(&journal, "%d %s\n", len(b), name)
		if err := os.WriteFile(path, append(slices.Clone(b), `Inbox,torn,"`...), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "00000001.journal"), []byte(journal.String()+"end\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	again := create(t, loc)
	if _, err := again.Mailbox(context.Background(), "anna"); err != nil {
		t.Fatal(err)
	}
	for name, want := range whole {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "00000001.journal")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is still there: %v", err)
	}
}

func TestLongListOfRecipients(t *testing.T) {
	loc := location(filepath.Join(t.TempDir(), "office.pkl"))
	target := create(t, loc, "anna")
	var to []string
	for i := range 500 {
		to = append(to, fmt.Sprintf("\"Crew; %d\" <crew%d@harbour.example>", i, i))
	}
	message := "To: " + strings.Join(to, ",\n ") + "\nSubject: " + strings.Repeat("long ", 400) + "\n\nx"
	r := send(t, target, "anna", item(message), connector.Item{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF)), nil
	}})
	if r[0].Err != nil || !errors.Is(r[1].Err, io.ErrUnexpectedEOF) {
		t.Fatalf("got %v", r)
	}
	raw, err := os.ReadFile(filepath.Join(filepath.Dir(loc.Path), "00000001.sec"))
	if err != nil || strings.Count(string(raw), "\r\nOther,") != 2 {
		t.Errorf("%d values were moved to the secondary file; %v", strings.Count(string(raw), "\r\nOther,"), err)
	}
	box, err := target.Mailbox(context.Background(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	_, body, err := box.Open(context.Background(), mail.Inbox, r[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = body.Close() }()
	got, err := target.Fingerprint(context.Background(), body)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := target.Fingerprint(context.Background(), strings.NewReader(message)); got != want {
		t.Error("the message reads back as something else")
	}
}

// TestAnyMessageRoundTrip writes messages made of odd pieces and reads them back.
func TestAnyMessageRoundTrip(t *testing.T) {
	for _, number := range []string{"65001", "1252", "932"} {
		loc := location(filepath.Join(t.TempDir(), "office.pkl"), "codepage", number)
		target := create(t, loc, "anna")
		piece := rapid.OneOf(rapid.String(), rapid.StringMatching(`([ a-z@<>",;:()\[\]=?&/\\.é表☺\t-]{0,20}(\r\n|\n|\r)?){0,4}`),
			rapid.SampledFrom([]string{"Subject: x", "#A.SEC(50)", "From: \"a;b\" <a@b>", "!", "\\\\", "no-address@migrated.invalid", "Content-Type: text/html"}))
		rapid.Check(t, func(t *rapid.T) {
			var messages []string
			var items []connector.Item
			for range rapid.IntRange(1, 40).Draw(t, "n") {
				line := func(name string) string {
					return name + ": " + strings.NewReplacer("\r", "", "\n", "\n ").Replace(piece.Draw(t, name)) + "\n"
				}
				m := line("From") + line("To") + line("Subject") + line("Date") + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + piece.Draw(t, "body") +
					"\n--b\nContent-Disposition: attachment; filename=\"" + strings.NewReplacer("\r", "", "\n", "", "\"", "").Replace(piece.Draw(t, "name")) + "\"\n\n" + piece.Draw(t, "file") + "\n--b--\n"
				if rapid.Bool().Draw(t, "raw") {
					m = piece.Draw(t, "raw")
				}
				messages, items = append(messages, m), append(items, item(m))
			}
			ctx := context.Background()
			box, err := target.Mailbox(ctx, "anna")
			if err != nil {
				t.Fatal(err)
			}
			at, err := box.Position(ctx, mail.Inbox)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := box.Append(ctx, mail.Inbox, at, items); err != nil {
				t.Fatal(err)
			}
			i := 0
			for stored, err := range box.Arrived(ctx, mail.Inbox, at) {
				if err != nil {
					t.Fatal(err)
				}
				_, body, err := box.Open(ctx, mail.Inbox, stored.ID)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(body)
				if err != nil {
					t.Fatal(err)
				}
				_ = body.Close()
				want, err := target.Fingerprint(ctx, strings.NewReader(messages[i]))
				if err != nil {
					t.Fatal(err)
				}
				if got, err := target.Fingerprint(ctx, strings.NewReader(string(text))); err != nil || got != want {
					t.Fatalf("code page %s: %q reads back as %q; %v", number, messages[i], text, err)
				}
				i++
			}
			if i != len(messages) {
				t.Fatalf("%d of %d messages arrived", i, len(messages))
			}
		})
	}
}
