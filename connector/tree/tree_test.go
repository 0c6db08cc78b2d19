package tree

import (
	"context"
	"errors"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"

	"pgregory.net/rapid"
)

// office is a tree on disk whose parts are fakes.
type office struct {
	dir     string
	systems map[string]*fake.System // by the path in the directory
}

func newOffice(t *testing.T, names ...string) *office {
	t.Helper()
	o := &office{dir: t.TempDir(), systems: map[string]*fake.System{}}
	for _, name := range names {
		path := filepath.Join(o.dir, filepath.FromSlash(name))
		var err error
		if strings.Contains(filepath.Base(name), ".") {
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600))
		} else {
			err = os.MkdirAll(path, 0o700)
		}
		if err != nil {
			t.Fatal(err)
		}
		o.systems[name] = fake.New(fake.Options{})
	}
	return o
}

func (o *office) open(ctx context.Context) (connector.Source, error) {
	return Source(ctx, connector.Location{Scheme: "tree", Path: o.dir}, func(_ context.Context, part connector.Location) (connector.Source, error) {
		name, err := filepath.Rel(o.dir, part.Path)
		if err != nil {
			return nil, err
		}
		system := o.systems[filepath.ToSlash(name)]
		if system == nil || part.Scheme != strings.Split(filepath.ToSlash(name), "/")[0] {
			return nil, failure.New(failure.Usage, "open", part.String(), "test.part", nil)
		}
		return system.Source(), nil
	})
}

func (o *office) must(t *testing.T) connector.Source {
	t.Helper()
	s, err := o.open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func letter(body string) fake.Message {
	return fake.Message{Body: []byte(body), Date: time.Date(2003, 3, 9, 17, 4, 5, 0, time.UTC)}
}

func TestConformance(t *testing.T) {
	o := newOffice(t, "maildir", "mbox", "migfile/Berlin.PKL", "migfile/hull.pkl")
	o.systems["maildir"].AddUser(directory.User{ID: "anna", Name: "Anna"})
	o.systems["mbox"].AddUser(directory.User{ID: "zoe"})
	for _, name := range []string{"maildir", "mbox", "migfile/Berlin.PKL", "migfile/hull.pkl"} {
		s := o.systems[name]
		for _, body := range []string{"one", "two", "two", ""} {
			s.AddMessage("anna", mail.Inbox, letter(body+" in "+name))
			s.AddMessage("bert", "Orders/2003", letter(body+" of bert"))
		}
		s.AddMessage("only-"+strings.ToLower(filepath.Base(name)), "Orders", letter("alone"))
	}
	connectortest.RunSource(t, connectortest.SourceConfig{
		OpenSource: o.open, Dir: o.dir,
		Change: func(_ *testing.T, user string, folder mail.Path) {
			o.systems["mbox"].AddMessage(user, folder, letter("late"))
			if user == "only-maildir" {
				o.systems["maildir"].AddMessage(user, folder, letter("late"))
			}
		},
	})
}

func TestUserOfTwoPartsHasFoldersOfBoth(t *testing.T) {
	o := newOffice(t, "maildir", "eml")
	first, second := o.systems["maildir"], o.systems["eml"]
	first.AddUser(directory.User{ID: "anna", Name: "Anna", Addresses: []directory.Address{{Type: "SMTP", Value: "anna@example.org"}}})
	second.AddUser(directory.User{ID: "anna", Name: "A. Hale", Last: "Hale", Addresses: []directory.Address{{Type: "SMTP", Value: "Anna@Example.org"}, {Type: "MS", Value: "NET/PO/ANNA"}}})
	first.AddMessage("anna", mail.Inbox, letter("a"))
	second.AddMessage("anna", mail.Inbox, letter("b"))
	first.AddFolder("anna", mail.Folder{Path: "Old", Container: true})
	second.AddMessage("anna", "Old", letter("c"))
	second.AddMessage("anna", "Old/1999", letter("d"))

	s := o.must(t)
	var users []directory.User
	for u, err := range s.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u)
	}
	if len(users) != 1 || users[0].Name != "Anna" || users[0].Last != "Hale" || len(users[0].Addresses) != 2 {
		t.Errorf("users are %+v, want one Anna Hale with two addresses", users)
	}
	b, err := s.Mailbox(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := b.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[mail.Path]string{}
	for _, f := range folders {
		if f.Container {
			t.Errorf("%s is a container, and one part has messages in it", f.Path)
		}
		got[f.Path] = strings.Join(read(t, b, f.Path), " ")
	}
	want := map[mail.Path]string{mail.Inbox: "maildir:1=a eml:1=b", "Old": "eml:1=c", "Old/1999": "eml:1=d"}
	for path, text := range want {
		if got[path] != text {
			t.Errorf("%s holds %q, want %q", path, got[path], text)
		}
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

// read lists the messages of a folder as key=body.
func read(t *testing.T, b connector.SourceMailbox, path mail.Path) []string {
	t.Helper()
	var list []string
	for m, err := range b.Messages(t.Context(), path) {
		if err != nil {
			list = append(list, "error "+failure.RuleOf(err))
			continue
		}
		r, err := b.Open(t.Context(), path, m)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m.Key+"="+string(body))
	}
	return list
}

func TestUnknownEntryIsRefusedByName(t *testing.T) {
	for _, c := range []struct {
		extra, rule string
	}{
		{"notes.txt", "tree.unknown"},
		{"Maildir", "tree.unknown"},
		{"migfile/letters.doc", "tree.unknown"},
		{"migfile", "tree.empty"},
	} {
		o := newOffice(t, "maildir", c.extra)
		if _, err := o.open(t.Context()); failure.RuleOf(err) != c.rule || !strings.Contains(err.Error(), filepath.Base(c.extra)) {
			t.Errorf("with %s: error %v, want rule %s and the name", c.extra, err, c.rule)
		}
	}
	o := newOffice(t, "maildir", "README.md", ".git", "migfile/a.pkl", "migfile/Directory.PRI", "migfile/00000001.sec", "migfile/README.txt")
	o.must(t)
	empty := newOffice(t)
	if _, err := empty.open(t.Context()); failure.RuleOf(err) != "tree.empty" {
		t.Errorf("an empty directory: error %v, want rule tree.empty", err)
	}
	missing := &office{dir: filepath.Join(t.TempDir(), "not-there")}
	if _, err := missing.open(t.Context()); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("a missing directory: error %v, want class vanished", err)
	}
}

func TestOnePartBreaks(t *testing.T) {
	o := newOffice(t, "maildir", "mbox")
	broken := failure.New(failure.Malformed, "list messages", "a file", "test.broken", nil)
	o.systems["maildir"].AddMessage("anna", "Orders", letter("a"))
	o.systems["maildir"].FailFolder("anna", "Orders", broken)
	o.systems["mbox"].AddMessage("anna", "Orders", letter("b"))
	o.systems["mbox"].FailUser("bert", broken)
	o.systems["maildir"].AddUser(directory.User{ID: "bert"})
	s := o.must(t)
	b, err := s.Mailbox(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, b, "Orders"); !slices.Equal(got, []string{"mbox:1=b", "error test.broken"}) {
		t.Errorf("listing gives %q, want the readable part and then the error", got)
	}
	if _, err := s.Mailbox(t.Context(), "bert"); failure.RuleOf(err) != "test.broken" {
		t.Errorf("half a mailbox opens, with error %v", err)
	}
	for u, err := range s.Users(t.Context()) {
		if u.ID == "bert" && failure.RuleOf(err) != "test.broken" {
			t.Errorf("bert is listed with error %v", err)
		}
	}
}

func TestLongKeys(t *testing.T) {
	for _, key := range []string{"", "x", strings.Repeat("k", 247), strings.Repeat("k", 248), strings.Repeat("k", 255), "#1"} {
		outer := outerKey("maildir", key)
		if len(outer) > maxKey {
			t.Errorf("key of %d bytes becomes one of %d", len(key), len(outer))
		}
		if strings.HasPrefix(key, "#") && outer == "maildir:"+key {
			t.Errorf("key %q looks like a digest", key)
		}
	}
	if name := shorten("migfile/" + strings.Repeat("\u00e4", 300) + ".pkl"); len(name) > maxName {
		t.Errorf("name of a part has %d bytes", len(name))
	}
	o := newOffice(t, "maildir")
	s := o.systems["maildir"]
	s.AddMessage("anna", mail.Inbox, letter("a"))
	b := box{name: "maildir", SourceMailbox: longKeys{mailboxOf(t, s, "anna")}}
	whole := &mailbox{user: "anna", parts: []box{b}}
	if got := read(t, whole, mail.Inbox); len(got) != 1 || !strings.HasSuffix(got[0], "=a") || !strings.HasPrefix(got[0], "maildir:#") {
		t.Errorf("a message with a long key reads as %q", got)
	}
}

func mailboxOf(t *testing.T, s *fake.System, user string) connector.SourceMailbox {
	t.Helper()
	m, err := s.Source().Mailbox(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// longKeys gives messages keys of the greatest length.
type longKeys struct{ connector.SourceMailbox }

func (l longKeys) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		for m, err := range l.SourceMailbox.Messages(ctx, path) {
			m.Key += strings.Repeat("k", maxKey-len(m.Key))
			if !yield(m, err) {
				return
			}
		}
	}
}

func (l longKeys) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	m.Key = strings.TrimRight(m.Key, "k")
	return l.SourceMailbox.Open(ctx, path, m)
}

func TestBooksAreJoined(t *testing.T) {
	o := newOffice(t, "maildir", "mbox")
	rope := directory.Contact{ID: "rope", Name: "Rope Works"}
	o.systems["maildir"].SetBook(directory.Book{
		Contacts: []directory.Contact{rope, {ID: "tar", Name: "Tar"}},
		Lists:    []directory.List{{ID: "crew", Members: []string{"tar"}}, {ID: "all", Members: []string{"rope"}}},
	})
	o.systems["mbox"].SetBook(directory.Book{
		Contacts: []directory.Contact{rope, {ID: "tar", Name: "Another Tar"}},
		Lists:    []directory.List{{ID: "crew", Members: []string{"tar"}}, {ID: "all", Members: []string{"rope"}}},
	})
	book, err := o.must(t).Book(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range book.Contacts {
		got = append(got, c.ID+"="+c.Name)
	}
	for _, l := range book.Lists {
		got = append(got, l.ID+"="+strings.Join(l.Members, ","))
	}
	want := []string{"rope=Rope Works", "tar=Tar", "tar (mbox)=Another Tar", "crew=tar", "all=rope", "crew (mbox)=tar (mbox)"}
	if !slices.Equal(got, want) {
		t.Errorf("book is %q, want %q", got, want)
	}
}

func TestOpeningFailsWhole(t *testing.T) {
	o := newOffice(t, "maildir", "mbox")
	delete(o.systems, "mbox")
	if _, err := o.open(t.Context()); failure.RuleOf(err) != "test.part" {
		t.Errorf("error %v, want that of the part", err)
	}
	loc := connector.Location{Scheme: "tree", Path: o.dir, Options: map[string][]string{"colour": {"red"}}}
	if _, err := Source(t.Context(), loc, nil); failure.RuleOf(err) != "usage.option" {
		t.Errorf("error %v, want usage.option", err)
	}
}

// TestKeysStayUnique takes arbitrary keys of two parts.
func TestKeysStayUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.SliceOfDistinct(rapid.StringN(0, 255, 255), func(s string) string { return s }).Draw(t, "keys")
		seen := map[string]bool{}
		for _, part := range []string{"eml", "maildir", "migfile/a.pkl"} {
			for _, key := range keys {
				outer := outerKey(part, key)
				if seen[outer] || len(outer) > maxKey {
					t.Fatalf("key %q of %s becomes %q, which is taken or too long", key, part, outer)
				}
				seen[outer] = true
			}
		}
	})
}
