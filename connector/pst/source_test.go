package pst

import (
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/failure"
	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
	"waybill/mail"
)

// boxOf opens the mailbox of a user.
func boxOf(t *testing.T, loc connector.Location, user string) connector.SourceMailbox {
	t.Helper()
	source, err := Source(t.Context(), loc)
	if err != nil {
		t.Fatal(err)
	}
	box, err := source.Mailbox(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	return box
}

func foldersOf(t *testing.T, box connector.SourceMailbox) map[mail.Path]mail.Folder {
	t.Helper()
	list, err := box.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[mail.Path]mail.Folder{}
	for _, f := range list {
		all[f.Path] = f
	}
	return all
}

// listed is a folder's listing: messages, and errors by key.
func listed(t *testing.T, box connector.SourceMailbox, path mail.Path) (all []mail.Message, faults map[string]error) {
	t.Helper()
	faults = map[string]error{}
	for m, err := range box.Messages(t.Context(), path) {
		if err != nil {
			faults[m.Key] = err
			continue
		}
		all = append(all, m)
	}
	return all, faults
}

func contentOf(t *testing.T, box connector.SourceMailbox, path mail.Path, m mail.Message) string {
	t.Helper()
	r, err := box.Open(t.Context(), path, m)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	return string(b)
}

// Every item of a file is listed in its folder, and nothing else is.
func TestEveryItemIsListed(t *testing.T) {
	dir, manifests := office(t, sample.Options{Messages: 120, Folders: 20}, "anna")
	m := manifests["anna"]
	box := boxOf(t, location(dir), "anna")
	folders := foldersOf(t, box)
	want := map[string]int{}
	for _, f := range m.Folders {
		path := mail.NewPath(f.Path...)
		if _, there := folders[path]; !there {
			t.Errorf("folder %q is missing", path)
		}
		want[string(path)] = f.Items
	}
	byNode := map[string]sample.Item{}
	for _, item := range m.Items {
		byNode[keyOf(nid(item.Node))] = item
	}
	for path := range folders {
		messages, faults := listed(t, box, path)
		if len(faults) > 0 || len(messages) != want[string(path)] {
			t.Errorf("%s lists %d messages, want %d; %v", path, len(messages), want[string(path)], faults)
		}
		for _, got := range messages {
			item := byNode[got.Key]
			if (got.Flags.System&mail.Seen != 0) != item.Read || len(got.Flags.Keywords) != len(item.Categories) {
				t.Errorf("%s %s has the marks %v; want read %v, categories %q", path, got.Key, got.Flags, item.Read, item.Categories)
			}
			if !item.Delivered.IsZero() && !got.InternalDate.Equal(item.Delivered.Truncate(1e9)) {
				t.Errorf("%s %s has the date %v, want %v", path, got.Key, got.InternalDate, item.Delivered)
			}
		}
	}
	if use := folders["Deleted Items"].Use; use != mail.UseTrash {
		t.Errorf("Deleted Items has the use %q", use)
	}
	if !slices.ContainsFunc(folders["Contacts"].Notes, func(n mail.Note) bool { return n.Kind == "folder-class" }) {
		t.Errorf("the class of Contacts is not noted: %v", folders["Contacts"].Notes)
	}
	if notes := allNotes(folders); !slices.Contains(notes, "search-folder") {
		t.Errorf("the search folder is not noted: %q", notes)
	}
}

func allNotes(folders map[mail.Path]mail.Folder) (kinds []string) {
	for _, f := range folders {
		for _, n := range f.Notes {
			kinds = append(kinds, n.Kind)
		}
	}
	return kinds
}

func TestFormsOfItems(t *testing.T) {
	dir, _ := office(t, sample.Options{Messages: 150}, "anna")
	for _, c := range []struct {
		items, contacts, calendar string
		left                      bool
	}{
		{"message", "Content-Type: text/vcard", "Content-Type: text/calendar", false},
		{"file", "BEGIN:VCARD\r\n", "BEGIN:VCALENDAR\r\n", false},
		{"leave", "", "", true},
	} {
		box := boxOf(t, location(dir, "items", c.items), "anna")
		for path, want := range map[mail.Path]string{"Contacts": c.contacts, "Calendar": c.calendar} {
			messages, faults := listed(t, box, path)
			if len(messages) == 0 || len(faults) > 0 {
				t.Fatalf("items=%s: %s lists %d items, %v", c.items, path, len(messages), faults)
			}
			for _, m := range messages {
				if (m.LeftOut != nil) != c.left {
					t.Errorf("items=%s: %s %s is left out: %v", c.items, path, m.Key, m.LeftOut)
				}
				if c.left {
					if _, err := box.Open(t.Context(), path, m); failure.RuleOf(err) != RuleLeft {
						t.Errorf("an item that is left out opens: %v", err)
					}
					continue
				}
				text := contentOf(t, box, path, m)
				if c.items == "file" && !strings.HasPrefix(text, want) || !strings.Contains(text, want) {
					t.Errorf("items=%s: %s %s is %.200q", c.items, path, m.Key, text)
				}
			}
		}
		if inbox, _ := listed(t, box, mail.Inbox); len(inbox) == 0 || inbox[0].LeftOut != nil || strings.HasPrefix(contentOf(t, box, mail.Inbox, inbox[0]), "BEGIN:") {
			t.Errorf("items=%s changes mail", c.items)
		}
	}
}

// Several files of one user are one mailbox: the file called as the user is the
// mailbox itself, the others are folders in it.
func TestSeveralFilesOfOneUser(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, seed uint64) int {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		m, err := sample.Write(path, sample.Options{Messages: 10 + int(seed), Seed: seed, Owner: "anna"})
		if err != nil {
			t.Fatal(err)
		}
		return m.Total.Items
	}
	want := map[string]int{
		"": write("anna.pst", 1), "old": write("anna/old.pst", 2), "2003.pst": write("anna/2003.pst", 3), "2003.ost": write("anna/2003.OST", 4),
	}
	write("Bert %2F.pst", 5)
	write("carla/only.pst", 6)
	plain := []string{"readme.txt", ".hidden.pst", "empty/notes.txt"}
	for _, name := range plain {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source, err := Source(t.Context(), location(dir))
	if err != nil {
		t.Fatal(err)
	}
	var users []string
	for u, err := range source.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		users = append(users, u.ID)
	}
	if !slices.Equal(users, []string{"Bert /", "anna", "carla"}) {
		t.Errorf("users are %q", users)
	}
	box := boxOf(t, location(dir), "anna")
	have := map[string]int{}
	for path, f := range foldersOf(t, box) {
		top := path.Names()[0]
		if _, archive := want[top]; !archive && !strings.HasPrefix(top, "2003") {
			top = ""
		}
		if top != "" && f.Use != mail.NoUse {
			t.Errorf("%s of an archive has the use %s", path, f.Use)
		}
		messages, faults := listed(t, box, path)
		if len(faults) > 0 {
			t.Errorf("%s: %v", path, faults)
		}
		have[top] += len(messages)
	}
	want["2003.OST"] = want["2003.ost"]
	delete(want, "2003.ost")
	if !maps.Equal(have, want) {
		t.Errorf("items by file are %v, want %v", have, want)
	}
	if _, there := foldersOf(t, boxOf(t, location(dir), "carla"))[mail.Inbox]; !there {
		t.Error("the only file of a user has no INBOX")
	}
}

func TestWrongLocations(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "anna.pst")
	if err := os.WriteFile(text, []byte("this is no file of Outlook"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		loc  connector.Location
		rule string
	}{
		{location(filepath.Join(dir, "none.pst")), ""},
		{location(dir, "items", "vcard"), "usage.option"}, {location(dir, "item", "file"), "usage.option"},
		{location(dir, "recover", "yes"), "usage.option"}, {location(dir, "receipts", "send"), "usage.option"},
		{location(dir, "codepage", "latin1"), "usage.option"}, {location(dir, "codepage", "99999"), "usage.option"},
		{location(dir, "addresses", text), ""},
	} {
		_, err := Source(t.Context(), c.loc)
		if err == nil || c.rule != "" && failure.RuleOf(err) != c.rule {
			t.Errorf("%s: %v, want rule %s", c.loc, err, c.rule)
		}
		if _, is := errors.AsType[*failure.Error](err); !is {
			t.Errorf("%s: error without a class: %v", c.loc, err)
		}
	}
	source, err := Source(t.Context(), location(dir))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Mailbox(t.Context(), "anna"); failure.ClassOf(err) != failure.Malformed && failure.ClassOf(err) != failure.Unsupported {
		t.Errorf("a text opens as a PST: %v", err)
	}
}

// A file that is written while it is read is an error that may pass, never a
// message of two halves.
func TestFileChangesWhileItIsRead(t *testing.T) {
	dir, _ := office(t, sample.Options{Messages: 20, Options: pstwrite.Options{}}, "anna")
	box := boxOf(t, location(dir), "anna")
	messages, _ := listed(t, box, mail.Inbox)
	r, err := box.Open(t.Context(), mail.Inbox, messages[0])
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "anna.pst"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(make([]byte, 512)); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	if _, err := io.Copy(io.Discard, r); failure.ClassOf(err) != failure.Transient || failure.RuleOf(err) != "pst.changed" {
		t.Errorf("reading ends with %v", err)
	}
	_ = r.Close()
	// The next call sees the file as it is now.
	if again, faults := listed(t, box, mail.Inbox); len(again) != len(messages) || len(faults) > 0 {
		t.Errorf("%d messages after the change, want %d; %v", len(again), len(messages), faults)
	}
	contentOf(t, box, mail.Inbox, messages[0])
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := box.Folders(ctx); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}
