package msmail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/format/mime"
	"waybill/internal/postoffice"
	"waybill/mail"
)

func open(t testing.TB, dir string, options ...string) *source {
	t.Helper()
	s, err := Source(t.Context(), location(dir, options...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*source)
}

// openFiles opens a postoffice that lies in memory.
func openFiles(t testing.TB, files postoffice.Files, options ...string) *source {
	t.Helper()
	opt, err := optionsOf(location("", options...))
	if err != nil {
		t.Fatal(err)
	}
	s := &source{opt: opt, close: func() error { return nil }}
	if err := s.read(t.Context(), files.FS()); err != nil {
		t.Fatal(err)
	}
	return s
}

// parsed is a message as an Internet mail program sees it.
type parsed struct {
	header mime.Header
	text   string
	files  map[string][]byte
}

func parse(t testing.TB, r io.Reader) parsed {
	t.Helper()
	p := parsed{files: map[string][]byte{}}
	m := mime.NewReader(r)
	for {
		part, err := m.Next()
		if errors.Is(err, io.EOF) {
			return p
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.header == nil {
			p.header = part.Header
		}
		switch {
		case part.Multipart:
		case part.Disposition == "attachment":
			b, err := io.ReadAll(part.Decoded())
			if err != nil {
				t.Fatal(err)
			}
			p.files[part.Name] = append(p.files[part.Name], b...)
		default:
			b, err := io.ReadAll(part.Text())
			if err != nil {
				t.Fatal(err)
			}
			p.text += string(b)
		}
	}
}

func read(t testing.TB, box connector.SourceMailbox, path mail.Path, m mail.Message) parsed {
	t.Helper()
	r, err := box.Open(t.Context(), path, m)
	if err != nil {
		t.Fatal(m.Key, err)
	}
	defer func() { _ = r.Close() }()
	return parse(t, r)
}

// TestEveryMessage compares all mail with what the writer knows.
func TestEveryMessage(t *testing.T) {
	for seed := range uint64(4) {
		dir, m := written(t, postoffice.Options{Seed: seed, Users: 8, Messages: 60, CodePage: []int{0, 437, 0, 0}[seed]})
		s := open(t, dir, "zone", "America/New_York")
		zone, err := time.LoadLocation("America/New_York")
		if err != nil {
			t.Fatal(err)
		}
		byKey := map[string]*postoffice.Message{}
		for i := range m.Messages {
			byKey[m.Messages[i].ID.String()] = &m.Messages[i]
		}
		for _, u := range m.Users {
			var want []string
			for _, r := range u.Rows {
				if !r.Deleted {
					want = append(want, m.Messages[r.Message].ID.String())
				}
			}
			box, err := s.Mailbox(t.Context(), u.Mailbox)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for msg, err := range box.Messages(t.Context(), mail.Inbox) {
				if err != nil {
					if failure.RuleOf(err) != "msmail.mmf" {
						t.Error(err)
					}
					continue
				}
				got = append(got, msg.Key)
				compare(t, m, byKey[msg.Key], msg, read(t, box, mail.Inbox, msg), zone)
			}
			if !slices.Equal(got, want) {
				t.Errorf("seed %d, %s: messages %v, want %v", seed, u.Mailbox, got, want)
			}
		}
	}
}

func compare(t *testing.T, m *postoffice.Manifest, want *postoffice.Message, msg mail.Message, got parsed, zone *time.Location) {
	t.Helper()
	d := want.Date
	date := time.Date(d.Year(), d.Month(), d.Day(), d.Hour(), d.Minute(), d.Second(), 0, zone)
	if sent, ok := mime.ParseDate(got.header.Get("Date")); !ok || !sent.Equal(date) || !msg.InternalDate.Equal(date.Truncate(time.Minute)) {
		t.Errorf("%s: dates %s and %s, want %s", msg.Key, got.header.Get("Date"), msg.InternalDate, date)
	}
	if subject := got.header.Text("Subject"); subject != strings.TrimSpace(want.Subject) {
		t.Errorf("%s: subject %q, want %q", msg.Key, subject, want.Subject)
	}
	if got.text != want.Text {
		t.Errorf("%s: text %.80q, want %.80q", msg.Key, got.text, want.Text)
	}
	from := m.Users[want.From]
	if a := mime.ParseAddresses(got.header.Get("From")); len(a) != 1 || a[0].Addr != "IMCEAMS-"+m.Network+"_"+m.Postoffice+"_"+from.Mailbox+"@migrated.invalid" || a[0].Name != from.Alias {
		t.Errorf("%s: from %q, want %s", msg.Key, got.header.Get("From"), from.Mailbox)
	}
	for name, users := range map[string][]int{"To": want.To, "Cc": want.Cc} {
		list := mime.ParseAddresses(got.header.Get(name))
		if len(list) != len(users) {
			t.Errorf("%s: %s %q, want %d", msg.Key, name, list, len(users))
			continue
		}
		for i, u := range users {
			if !strings.Contains(list[i].Addr, "_"+m.Users[u].Mailbox+"@") || list[i].Name != m.Users[u].Alias {
				t.Errorf("%s: %s is %v, want %s", msg.Key, name, list[i], m.Users[u].Alias)
			}
		}
	}
	files := map[string][]byte{}
	for _, f := range want.Files {
		files[f.Name] = append(files[f.Name], f.Content...)
	}
	if len(files) != len(got.files) {
		t.Errorf("%s: %d attachments, want %d", msg.Key, len(got.files), len(files))
	}
	for name, b := range files {
		if !bytes.Equal(got.files[name], b) {
			t.Errorf("%s: attachment %q has %d bytes, want %d", msg.Key, name, len(got.files[name]), len(b))
		}
	}
}

func TestDirectory(t *testing.T) {
	dir, m := written(t, postoffice.Options{Seed: 9, Users: 12, Groups: 4})
	s := open(t, dir)
	names := map[string]string{} // alias to ID
	with := open(t, dir, "domain", "new.example")
	for u, err := range with.Users(t.Context()) {
		if a, ok := u.Address(directory.SMTP); err != nil || u.Kind == directory.Person && (!ok || a.Value != u.ID+"@new.example" || len(u.Addresses) != 2) {
			t.Errorf("%s has addresses %v: %v", u.ID, u.Addresses, err)
		}
	}
	i := 0
	for u, err := range s.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Kind == directory.Public {
			continue
		}
		names[u.Name] = u.ID
		if a, ok := u.Address("MS"); !ok || a.Value != m.Network+"/"+m.Postoffice+"/"+u.ID {
			t.Errorf("%s has address %v", u.ID, u.Addresses)
		}
		i++
	}
	if i != len(m.Users) {
		t.Errorf("%d users, want %d", i, len(m.Users))
	}
	book, err := s.Book(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[string]string{}
	for _, c := range book.Contacts {
		names[c.Name] = c.ID
		if len(c.Addresses) == 1 {
			addresses[c.Addresses[0].String()] = c.Name
		}
	}
	for _, x := range m.Externals {
		if addresses[x.Address] != x.Alias {
			t.Errorf("%s is %q, want %q", x.Address, addresses[x.Address], x.Alias)
		}
	}
	if len(book.Contacts) != len(m.Externals) {
		t.Errorf("%d contacts, want %d", len(book.Contacts), len(m.Externals))
	}
	for _, l := range book.Lists {
		names[l.Name] = l.ID
	}
	for _, g := range m.Groups {
		at := slices.IndexFunc(book.Lists, func(l directory.List) bool { return l.Name == g.Alias })
		if at < 0 {
			t.Errorf("group %s is missing", g.Alias)
			continue
		}
		l := book.Lists[at]
		var want []string
		for _, alias := range g.Members {
			want = append(want, names[alias])
		}
		if !slices.Equal(l.Members, want) || l.ID != g.Address || l.Addresses[0].Value != m.Network+"/"+m.Postoffice+"/"+g.Address {
			t.Errorf("group %+v, want members %q and address %s", l, want, g.Address)
		}
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	dir, _ := written(t, postoffice.Options{})
	for _, c := range []struct{ name, value, rule string }{
		{"zone", "Nowhere/Town", "usage.zone"}, {"codepage", "x", "usage.codepage"}, {"codepage", "12345", ""}, {"domain", "a b", "usage.domain"},
		{"seen", "perhaps", "usage.seen"}, {"orphans", "1", "usage.orphans"}, {"unproven", "yes", "usage.unproven"}, {"colour", "red", "usage.option"},
	} {
		_, err := Source(t.Context(), location(dir, c.name, c.value))
		if failure.ClassOf(err) != failure.Usage || c.rule != "" && failure.RuleOf(err) != c.rule {
			t.Errorf("%s=%s: %v", c.name, c.value, err)
		}
	}
	if _, err := Source(t.Context(), location(t.TempDir())); failure.RuleOf(err) != "msmail.no-postoffice" {
		t.Errorf("an empty directory: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Source(ctx, location(dir)); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}
