package connectortest

import (
	"slices"
	"strings"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/mail"
)

func nameCases() []testCase {
	return []testCase{
		{"names/reserved", func(tr *trial) { tr.tryNames(reservedNames()) }},
		{"names/unicode", func(tr *trial) { tr.tryNames(unicodeNames()) }},
		{"names/long", func(tr *trial) { tr.tryNames(longNames()) }},
		{"names/inside", namesInside},
		{"names/escapes", namesThatLookEscaped},
		{"names/inbox", inbox},
		{"names/case", namesByCase},
	}
}

// reservedNames are single names with characters that some system reserves.
func reservedNames() [][]string {
	var all [][]string
	for _, c := range "/\\.~*%&\"':|<>?#!$()[]{}@+,;=^`-_" {
		s := string(c)
		all = append(all, []string{s}, []string{"a" + s + "b"}, []string{s + "a"}, []string{"a" + s})
	}
	for _, name := range []string{
		" ", " leading", "trailing ", "  ", "..", "...", "a..b", "a//b", `a\/b`, `\\`, "CON", "nul", "com1.txt", "aux",
		"cur", "new", "tmp", "dovecot-uidlist", ".mbox", "a.mbox", "a.eml", "a.sbd", "lost+found", "tab\there", "line\nbreak", "bell\a", "del\x7f",
	} {
		all = append(all, []string{name})
	}
	return all
}

// unicodeNames hold what is not ASCII: combining characters in both normal
// forms, right-to-left script, characters outside the first plane.
func unicodeNames() [][]string {
	return [][]string{
		{"Entw\u00fcrfe"}, {"Entwu\u0308rfe"}, {"\u65e5\u672c\u8a9e"}, {"\u05d3\u05d5\u05d0\u05e8"}, {"\u0628\u0631\u064a\u062f abc"},
		{"\U0001f4ee"}, {"\U0001f468\u200d\U0001f469\u200d\U0001f467"}, {"a\u202eb"}, {"\u00a0"}, {"\ufeffbom"}, {"\u0130stanbul"}, {"stra\u00dfe"},
		{"\u2024"}, {"\uff0f"}, {"e\u0301\u0302\u0303\u0304"},
	}
}

func longNames() [][]string {
	return [][]string{
		{strings.Repeat("n", 200)}, {strings.Repeat("n", 199) + "m"}, {strings.Repeat("\u00e4", 200)},
		{strings.Repeat("n", 200) + "1", strings.Repeat("n", 200) + "2"},
		{strings.Repeat("\U0001f4ee", 60)},
	}
}

// tryNames creates folders and finds each of them listed as FolderName said,
// under a name of its own.
func (tr *trial) tryNames(names [][]string) {
	d := tr.desk()
	taken := map[mail.Path][]string{d.path: {"Orders"}}
	var made []mail.Path
	for i, n := range names {
		stored, shown, notes := d.target.FolderName(mail.NewPath(n...), 0)
		again, _, _ := d.target.FolderName(mail.NewPath(n...), 0)
		switch other, clash := taken[stored]; {
		case stored == "":
			tr.Errorf("FolderName has no name for %q", n)
			continue
		case stored != again:
			tr.Errorf("FolderName calls %q %q and then %q", n, stored, again)
		case clash && !equalFold(other, n):
			tr.Errorf("FolderName calls both %q and %q %q", other, n, stored)
			continue
		case clash:
			stored, shown, notes = d.target.FolderName(mail.NewPath(n...), 1)
		}
		taken[stored] = n
		if shown == "" {
			tr.Errorf("FolderName shows nothing for %q", n)
		}
		if stored != mail.NewPath(n...) && len(notes) == 0 {
			tr.Errorf("FolderName calls %q %q without a note", n, stored)
		}
		if err := d.mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: stored}); err != nil {
			tr.Class("create folder", err)
			tr.Errorf("FolderName calls %q %q, and CreateFolder refuses that: %v", n, stored, err)
			continue
		}
		if !d.caps.EmptyFolders {
			shelf := *d
			shelf.path = stored
			shelf.deliver(post.Compose(i))
		}
		made = append(made, stored)
	}
	listed := check.Paths(tr.folders(d.mailbox))
	for i, path := range made {
		if !slices.Contains(listed, path) {
			made[i] = d.rename(path, taken, listed)
		}
	}
	listed = check.Paths(tr.folders(d.mailbox))
	for _, path := range made {
		if !slices.Contains(listed, path) {
			tr.Errorf("folder %q (for %q) was created and is not listed; near it: %q", path, taken[path], near(path, listed))
		}
	}
	parents := map[mail.Path]bool{}
	for _, path := range made {
		for p := path.Parent(); p != ""; p = p.Parent() {
			parents[p] = true
		}
	}
	for _, path := range listed {
		if taken[path] == nil && !parents[path] && path.Names()[0] != string(mail.Inbox) && mail.GuessUse(path) == mail.NoUse {
			tr.Errorf("folder %q is listed, and nobody created it", path)
		}
	}
}

// rename asks for another name, as the engine does where the system ignores
// case, and creates the folder under it.
func (d *desk) rename(path mail.Path, taken map[mail.Path][]string, listed []mail.Path) mail.Path {
	d.Helper()
	clash := func(with mail.Path) bool {
		return slices.ContainsFunc(listed, func(l mail.Path) bool { return strings.EqualFold(string(l), string(with)) })
	}
	if !clash(path) {
		return path
	}
	for attempt := 1; attempt < 10; attempt++ {
		other, _, _ := d.target.FolderName(mail.NewPath(taken[path]...), attempt)
		if taken[other] != nil || clash(other) {
			continue
		}
		taken[other] = taken[path]
		d.Must("create folder "+string(other), d.mailbox.CreateFolder(d.Ctx, mail.Folder{Path: other}))
		if !d.caps.EmptyFolders {
			shelf := *d
			shelf.path = other
			shelf.deliver(post.Compose(attempt))
		}
		return other
	}
	d.Errorf("folder %q clashes with another in case, and ten attempts give no other name", path)
	return path
}

// near picks the listed folders that may be meant, to make a failure readable.
func near(path mail.Path, listed []mail.Path) []mail.Path {
	var some []mail.Path
	for _, l := range listed {
		if len(some) < 5 && (strings.Contains(string(l), string(path)) || strings.Contains(string(path), string(l))) {
			some = append(some, l)
		}
	}
	return some
}

func equalFold(a, b []string) bool { return slices.EqualFunc(a, b, strings.EqualFold) }

// namesInside tries hostile names below a parent, and as a parent.
func namesInside(tr *trial) {
	var names [][]string
	for _, n := range []string{"..", ".", "a/b", `a\b`, "a.b", "~", "INBOX", "inbox", "CON", " x ", "cur", "%2F", "&AOQ-", "caf\u00e9", "\u00e9\u00e9.\u00e9"} {
		names = append(names, []string{"Parent", n}, []string{"Parent", n, "child"}, []string{string(mail.Inbox), n})
	}
	names = slices.DeleteFunc(names, func(n []string) bool { return slices.Contains(n, "inbox") && n[0] == string(mail.Inbox) })
	names = append(names, []string{"a", "b"}, []string{"a/b"}, []string{"a.b"}, []string{"a\\b"}, []string{"a", "b.c"}, []string{"a", "b", "c"})
	tr.tryNames(names)
}

// namesThatLookEscaped are what encodings of other names may look like: names
// that differ must stay different when they are encoded.
func namesThatLookEscaped(tr *trial) {
	var names [][]string
	for _, n := range []string{
		"\u00e4", "&AOQ-", "&-AOQ-", "&AOQ", "&", "&-", "&&", "&-&-", "&U,BTFw-&ZeVnLIqe-", "&Jjo-!", "&2D0-", "&A-",
		"%", "%25", "%2525", "/", "%2F", "%2f", "%252F", "=2F", "_2F", "\\", "%5C", ".", "%2E", "&AC4-", "_", "__", "a_b", "a b", "a%20b",
		"*", "%2A", "#", "%23", "a ", "a%20", "=?utf-8?q?a?=", "~", "~0", "~1", "^", "\u2044", "\u2215", "a\u2024b", "a~1", "a (2)",
	} {
		names = append(names, []string{n})
	}
	tr.tryNames(names)
}

// inbox delivers to the inbox, whatever its name is written like.
func inbox(tr *trial) {
	d := tr.desk()
	first, _, _ := d.target.FolderName(mail.Inbox, 0)
	second, _, _ := d.target.FolderName(mail.NewPath("inBox"), 0)
	if first != second {
		tr.Errorf("INBOX is called %q, and inBox %q", first, second)
	}
	d.path = tr.folder(d.target, d.mailbox, string(mail.Inbox))
	start := d.position()
	d.deliver(post.Compose(1))
	d.wantContents(start, []post.Letter{post.Compose(1)})
	if first != mail.Inbox {
		tr.Errorf("FolderName calls the inbox %q", first)
	}
	tr.wantFolder(d.mailbox, mail.Inbox)
}

// namesByCase keeps the messages of two folders apart whose names differ in
// case alone; where the system ignores case, under a second name.
func namesByCase(tr *trial) {
	d := tr.desk()
	upper, _, _ := d.target.FolderName(mail.NewPath("Parts"), 0)
	lower, _, _ := d.target.FolderName(mail.NewPath("PARTS"), 0)
	first, _, _ := d.target.FolderName(mail.NewPath("PARTS"), 1)
	second, _, _ := d.target.FolderName(mail.NewPath("PARTS"), 2)
	for _, other := range []mail.Path{upper, lower, second} {
		if strings.EqualFold(string(first), string(other)) {
			tr.Errorf("FolderName with attempt 1 gives %q, which is also another folder's name or attempt", first)
		}
	}
	if strings.EqualFold(string(second), string(upper)) {
		tr.Errorf("FolderName with attempt 2 gives %q, the name that was taken", second)
	}
	shelves := make([]*desk, 0, 2)
	for i, path := range []mail.Path{upper, lower} {
		tr.Must("create folder", d.mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: path}))
		listed := check.Paths(tr.folders(d.mailbox))
		if i == 1 && d.caps.EmptyFolders && (upper == lower || !slices.Contains(listed, upper) || !slices.Contains(listed, lower)) {
			path = first
			tr.Must("create folder", d.mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: path}))
		}
		shelf := *d
		shelf.path = path
		shelves = append(shelves, &shelf)
	}
	starts := make([]connector.Position, 2)
	for i, s := range shelves {
		starts[i] = s.position()
		s.deliver(post.Compose(i))
	}
	for i, s := range shelves {
		list := s.arrived(starts[i])
		if len(list) != 1 {
			tr.Errorf("folder %q holds %d messages, want 1", s.path, len(list))
			continue
		}
		if _, digest := s.read(list[0].ID); digest != s.digest(post.Compose(i)) {
			tr.Errorf("folder %q holds another folder's message", s.path)
		}
	}
}
