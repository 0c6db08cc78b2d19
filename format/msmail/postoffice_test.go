package msmail_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/failure"
	"waybill/format/msmail"
	"waybill/format/msmail/glb"
	"waybill/internal/postoffice"
)

func build(t testing.TB, opt postoffice.Options) (postoffice.Files, *postoffice.Manifest) {
	t.Helper()
	files, m, err := postoffice.Build(opt)
	if err != nil {
		t.Fatal(err)
	}
	return files, m
}

func open(t testing.TB, files postoffice.Files, opt msmail.Options) *msmail.Postoffice {
	t.Helper()
	p, err := msmail.Open(context.Background(), files.FS(), opt)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWholePostoffice writes postoffices whose unpublished details differ, and
// expects everything back.
func TestWholePostoffice(t *testing.T) {
	for seed := range uint64(9) {
		files, m := build(t, postoffice.Options{Seed: seed, Users: 6 + int(seed), Messages: 60, LowerCase: seed%4 == 3})
		p := open(t, files, msmail.Options{})
		if !p.Readable() {
			t.Fatalf("seed %d: %v", seed, p.Evidence())
		}
		if network, post := p.Name(); network != m.Network || post != m.Postoffice {
			t.Errorf("seed %d: %s/%s", seed, network, post)
		}
		compareDirectory(t, p, m)
		compareMail(t, p, m)
		compareFolders(t, p, m)
		err := p.Check(context.Background(), func(f msmail.Finding) {
			if f.Rule != "msmail.mmf" {
				t.Errorf("seed %d: a sound postoffice breaks %+v", seed, f)
			}
		})
		if err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, e := range p.Evidence() {
				t.Log(e)
			}
			t.Fatalf("seed %d, %+v %+v %+v %+v", seed, m.Alias, m.Access, m.Keys, m.Cipher.Long)
		}
	}
}

func compareDirectory(t *testing.T, p *msmail.Postoffice, m *postoffice.Manifest) {
	t.Helper()
	users := map[glb.ID]msmail.User{}
	for _, u := range p.Users() {
		users[u.ID] = u
	}
	if len(users) != len(m.Users) {
		t.Errorf("%d users of %d", len(users), len(m.Users))
	}
	for _, want := range m.Users {
		got := users[want.ID]
		if got.Mailbox != want.Mailbox || got.Alias != want.Alias || got.TID != want.TID || got.Address.String() != "MS:"+m.Network+"/"+m.Postoffice+"/"+want.Mailbox || got.MailboxFrom != "ACCESS2.GLB" {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	groups := p.Groups()
	if len(groups) != len(m.Groups) {
		t.Errorf("%d groups of %d", len(groups), len(m.Groups))
	}
	for _, want := range m.Groups {
		i := slices.IndexFunc(groups, func(g msmail.Group) bool { return g.TID == want.TID })
		if i < 0 {
			t.Errorf("no group %q", want.Alias)
			continue
		}
		var members []string
		for _, member := range groups[i].Members {
			members = append(members, member.Alias)
			if member.Kind != msmail.GroupList && member.Address.Value == "" {
				t.Errorf("%q has no address", member.Alias)
			}
		}
		if !slices.Equal(members, want.Members) || groups[i].Alias != want.Alias || groups[i].Address.Value != m.Network+"/"+m.Postoffice+"/"+want.Address {
			t.Errorf("%+v, want %+v", groups[i], want)
		}
	}
	externals := map[string]string{}
	for _, x := range p.Externals() {
		externals[x.Alias] = x.Address.String()
	}
	for _, want := range m.Externals {
		if externals[want.Alias] != want.Address {
			t.Errorf("%q is %q, want %q", want.Alias, externals[want.Alias], want.Address)
		}
	}
	lists := map[glb.ID][]string{}
	for _, l := range p.PersonalLists() {
		for _, e := range l.Entries {
			lists[l.Owner] = append(lists[l.Owner], e.Alias)
		}
		if len(l.Groups) != 1 || len(l.Groups[0].Members) != len(l.Entries)-1 {
			t.Errorf("%+v", l.Groups)
		}
	}
	for _, u := range m.Users {
		if !slices.Equal(lists[u.ID], u.Personal) {
			t.Errorf("%s has the list %q, want %q", u.Alias, lists[u.ID], u.Personal)
		}
	}
	if n := p.Networks(); len(n) != 3 || !n[0].Home || n[1].Name != "NORTH" || len(n[1].Postoffices) != 2 || n[1].Postoffices[1].Indirect != 1 {
		t.Errorf("%+v", n)
	}
}

func compareMail(t *testing.T, p *msmail.Postoffice, m *postoffice.Manifest) {
	t.Helper()
	ctx := context.Background()
	for _, u := range m.Users {
		n := 0
		for row, err := range p.Mailbag(ctx, u.ID) {
			if err != nil {
				t.Fatal(err)
			}
			if n >= len(u.Rows) {
				t.Fatalf("more than %d rows", n)
			}
			want := u.Rows[n]
			msg := &m.Messages[want.Message]
			n++
			if row.File != msg.ID || row.Subject != msg.Short || row.Sender != m.Users[msg.From].Mailbox || !row.Date.Equal(msg.Date) || (row.State == msmail.Deleted) != want.Deleted || row.State == msmail.StateUnknown {
				t.Fatalf("%+v, want %+v of %+v", row, want, msg)
			}
			got, err := p.Message(ctx, row)
			if msg.Gone {
				if failure.RuleOf(err) != "mai.missing" || failure.ClassOf(err) != failure.Vanished {
					t.Error(err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			compareMessage(t, got, msg, m)
		}
		if n != len(u.Rows) {
			t.Errorf("%d rows of %d", n, len(u.Rows))
		}
	}
}

func compareMessage(t *testing.T, got *msmail.Message, want *postoffice.Message, m *postoffice.Manifest) {
	t.Helper()
	ctx := context.Background()
	from := m.Users[want.From]
	if got.Subject != want.Subject || got.From.Name != from.Alias || !strings.HasSuffix(got.From.Address.Value, "/"+from.Mailbox) || !got.Date.Equal(want.Date) || got.DateFrom != "message" || got.Priority != want.Priority ||
		len(got.To) != len(want.To) || len(got.Cc) != len(want.Cc) || got.Count != want.Live || len(got.Defects) != 0 || len(got.Attachments) != len(want.Files) {
		t.Fatalf("%+v\nwant %+v", got, want)
	}
	r, err := got.Text(ctx)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil || string(text) != want.Text || r.Close() != nil {
		t.Fatalf("text of %d bytes, want %d, %v", len(text), len(want.Text), err)
	}
	if strings.HasPrefix(want.Text, "Microsoft Mail") && (got.Header.Class != "IPM.Microsoft Mail.Note" || got.Header.Lines != 10 || len(got.Header.MessageID) != 8) {
		t.Errorf("%+v", got.Header)
	}
	for i := range got.Attachments {
		a, file := &got.Attachments[i], &want.Files[i]
		if a.Name != file.Name || a.Size != int64(len(file.Content)) || !a.Date.Equal(want.Date) {
			t.Errorf("%+v", a)
		}
		r, err := a.Open(ctx)
		if err != nil {
			t.Errorf("%s: %v", a.Name, err)
			continue
		}
		if content, err := io.ReadAll(r); err != nil || !bytes.Equal(content, file.Content) {
			t.Errorf("%s: %v", a.Name, err)
		}
		_ = r.Close()
	}
}

func compareFolders(t *testing.T, p *msmail.Postoffice, m *postoffice.Manifest) {
	t.Helper()
	ctx := context.Background()
	folders, err := p.Folders(ctx)
	if err != nil || len(folders) != len(m.Folders)+m.Stores {
		t.Fatal(len(folders), err)
	}
	for i, want := range m.Folders {
		f := folders[i]
		if f.Name != want.Name || f.Owner != want.Owner || !f.Owned || byte(f.Kind) != want.Kind || f.Messages != want.Messages || !f.Readable {
			t.Errorf("%+v, want %+v", f, want)
			continue
		}
		n := 0
		for msg, err := range p.FolderMessages(ctx, f) {
			if err != nil || msg.Subject != want.Subjects[n] {
				t.Fatal(err)
			}
			if r, err := msg.Text(ctx); err != nil {
				t.Error(err)
			} else if text, err := io.ReadAll(r); err != nil || len(text) == 0 {
				t.Error(len(text), err)
			}
			n++
		}
		if n != want.Messages {
			t.Errorf("%d messages of %d", n, want.Messages)
		}
	}
	for _, f := range folders[len(m.Folders):] {
		if f.Kind != msmail.MessageStore || f.Readable || f.Messages != -1 || f.WayRound == "" || !f.Owned {
			t.Errorf("%+v", f)
		}
	}
}

// TestEmptyPostoffice opens one with a single user and no mail.
func TestEmptyPostoffice(t *testing.T) {
	files, m := build(t, postoffice.Options{Users: -1, Messages: -1, Groups: -1, Externals: -1, Folders: -1})
	p := open(t, files, msmail.Options{Network: m.Network, Postoffice: m.Postoffice})
	users := p.Users()
	if len(users) != 1 || users[0].Alias != "Administrator" || p.Readable() {
		t.Errorf("%+v", users)
	}
	for range p.Mailbag(context.Background(), 0) {
		t.Error("a row in an empty mailbag")
	}
}

func TestNoPostoffice(t *testing.T) {
	_, err := msmail.Open(context.Background(), postoffice.Files{}.FS(), msmail.Options{})
	if failure.RuleOf(err) != "msmail.no-postoffice" {
		t.Error(err)
	}
	files, _ := build(t, postoffice.Options{})
	if _, err := msmail.Open(context.Background(), files.FS(), msmail.Options{CodePage: 4711}); failure.RuleOf(err) != "msmail.code-page" {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := msmail.Open(ctx, files.FS(), msmail.Options{}); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

// TestZone reads the mailbags' dates in the zone that the operator named.
func TestZone(t *testing.T) {
	files, m := build(t, postoffice.Options{Seed: 5})
	zone := time.FixedZone("", 2*3600)
	p := open(t, files, msmail.Options{Zone: zone})
	for _, u := range m.Users {
		for row, err := range p.Mailbag(context.Background(), u.ID) {
			if err != nil {
				t.Fatal(err)
			}
			if got := row.Date.Add(2 * time.Hour); !got.Equal(m.Messages[u.Rows[row.Index].Message].Date) {
				t.Fatalf("%v", row.Date)
			}
		}
	}
}

// TestLittleEvidence reads postoffices with so little mail that some forms cannot be
// told apart: what is read is right, or said to be in doubt.
func TestLittleEvidence(t *testing.T) {
	ctx := context.Background()
	doubted, sure := 0, 0
	for seed := range uint64(20) {
		files, m := build(t, postoffice.Options{Seed: seed, Users: 3, Messages: 8, Attachments: 2})
		p := open(t, files, msmail.Options{})
		for _, u := range m.Users {
			for row, err := range p.Mailbag(ctx, u.ID) {
				if err != nil {
					t.Fatal(err)
				}
				truth := u.Rows[row.Index]
				if row.State != msmail.StateUnknown && (row.State == msmail.Deleted) != truth.Deleted {
					t.Errorf("seed %d: row %d of %s is taken for %s", seed, row.Index, u.Alias, row.State)
				}
				msg, err := p.Message(ctx, row)
				if err != nil || len(msg.Defects) > 0 {
					doubted++
					continue
				}
				want := &m.Messages[truth.Message]
				r, err := msg.Text(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if text, err := io.ReadAll(r); err != nil || string(text) != want.Text {
					t.Errorf("seed %d: %v", seed, err)
				}
				for i := range msg.Attachments {
					if r, err := msg.Attachments[i].Open(ctx); err != nil {
						doubted++
					} else if content, err := io.ReadAll(r); err != nil || !bytes.Equal(content, want.Files[i].Content) {
						t.Errorf("seed %d: the content of %s is invented, %v", seed, want.Files[i].Name, err)
					}
				}
				sure++
			}
		}
	}
	if sure == 0 || doubted == 0 {
		t.Errorf("%d sure, %d doubted", sure, doubted)
	}
}
