package maildir

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/mail"
)

func TestReadFolderNames(t *testing.T) {
	auto, utf8Only, utf7Only := options{}, options{utf8: true}, options{utf7: true}
	for _, c := range []struct {
		opt       options
		raw, want string
		note      string
	}{
		{auto, "Entw&APw-rfe", "Entwürfe", ""},
		{auto, "Entwürfe", "Entwürfe", ""},
		{auto, "R&D", "R&D", ""},
		{auto, "R&-D", "R&D", ""},
		{utf8Only, "R&-D", "R&-D", ""},
		{utf7Only, "Entw&APw-rfe", "Entwürfe", ""},
		{auto, `a\2eb`, "a.b", ""},
		{auto, `a\2fb\5C`, `a/b\`, ""},
		{auto, `a\zz`, `a\zz`, ""},
		{auto, "caf\xe9", "caf%E9", "folder-name-bytes"},
		{auto, "100%\xe9", "100%25%E9", "folder-name-bytes"},
	} {
		got, notes := c.opt.decodeName(c.raw)
		kind := ""
		if len(notes) > 0 {
			kind = notes[0].Kind
		}
		if got != c.want || kind != c.note {
			t.Errorf("decodeName(%q) = %q with note %q, want %q with %q", c.raw, got, kind, c.want, c.note)
		}
	}
}

func TestFolderNamesComeBack(t *testing.T) {
	odd := rapid.StringOfN(rapid.RuneFrom([]rune(`&-./\~ %é台📬"`+"\x00\n\x7f")), 1, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(rapid.OneOf(odd, rapid.StringN(1, 80, -1)), 1, 6).Draw(t, "names")
		opt := options{utf8: rapid.Bool().Draw(t, "utf8")}
		path := mail.NewPath(names...)
		stored, dir, notes := opt.folderName(path, 0)
		if len(dir) > maxDirName || strings.ContainsAny(dir, "/\x00") || dir == "." || dir == ".." || opt.utf8 && !utf8.ValidString(dir) {
			t.Fatalf("%q gets the directory %q", path, dir)
		}
		if stored != path && len(notes) == 0 {
			t.Fatalf("%q becomes %q without a note", path, stored)
		}
		if dir == "" {
			return // the inbox
		}
		// Whoever reads it without knowing how it was written finds the same name.
		var back []string
		for part := range strings.SplitSeq(dir[1:], ".") {
			name, _ := options{}.decodeName(part)
			back = append(back, name)
		}
		if mail.NewPath(back...) != stored {
			t.Fatalf("%q is stored as %q in %q, which is read as %q", path, stored, dir, mail.NewPath(back...))
		}
		if again, _, notes := opt.folderName(stored, 0); again != stored || len(notes) > 0 {
			t.Fatalf("%q is stored as %q, and that as %q", path, stored, again)
		}
	})
}

func TestFlagsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kw := &keywords{}
		word := rapid.StringMatching(`[$A-Za-z][A-Za-z0-9_.+-]{0,10}`)
		for range rapid.IntRange(1, 8).Draw(t, "messages") {
			set := mail.NewFlagSet(mail.Flags(rapid.IntRange(0, int(allFlags)).Draw(t, "system")), rapid.SliceOfN(word, 0, 6).Draw(t, "keywords")...)
			text, _, notes := kw.encode(set)
			got, more := kw.flagSet(text)
			if len(more) > 0 {
				t.Fatalf("letters %q of our own give the notes %v", text, more)
			}
			if len(notes) == 0 && !got.Equal(set) {
				t.Fatalf("%q becomes %q and comes back as %q", set, text, got)
			}
			if got.System != set.System || len(got.Keywords)+len(notes) < len(set.Keywords) {
				t.Fatalf("%q comes back as %q with notes %v", set, got, notes)
			}
			if !slices.IsSorted([]byte(text)) || strings.Trim(text, "DFPRSTabcdefghijklmnopqrstuvwxyz") != "" {
				t.Fatalf("letters are %q", text)
			}
			var file strings.Builder
			if err := kw.write(&file); err != nil {
				t.Fatal(err)
			}
			if back := parseKeywords([]byte(file.String())); *back != *kw {
				t.Fatalf("%s holds %q and is read as %q", keywordsFile, *kw, *back)
			}
		}
	})
}

func TestOneLetterIsKeptForForwarded(t *testing.T) {
	kw := &keywords{}
	for i := range maxKeywords - 1 {
		if _, _, notes := kw.encode(mail.NewFlagSet(0, "word"+string(rune('a'+i)))); len(notes) > 0 {
			t.Fatalf("keyword %d of %d: %v", i+1, maxKeywords-1, notes)
		}
	}
	if _, _, notes := kw.encode(mail.NewFlagSet(0, "onemore")); len(notes) != 1 || notes[0].Kind != "keyword-dropped" {
		t.Errorf("one keyword too many gives the notes %v", notes)
	}
	text, _, notes := kw.encode(mail.NewFlagSet(mail.Forwarded))
	if len(notes) > 0 || text != "Pz" {
		t.Errorf("$Forwarded becomes %q with %v", text, notes)
	}
}

func FuzzName(f *testing.F) {
	for _, s := range []string{".Work.Entw&APw-rfe", `.a\2eb`, "..", ".caf\xe9", ".&", "1.a:2,Sab", "x!2,", ":2,"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, opt := range []options{{}, {utf8: true}, {utf7: true}} {
			if name, _ := opt.decodeName(s); strings.Contains(s, "\xff") && strings.Contains(name, "\xff") && !strings.Contains(s, `\`) {
				t.Fatalf("decodeName(%q) = %q carries a byte that is not UTF-8", s, name)
			}
			if stored, dir, _ := opt.folderName(mail.NewPath(s), 0); s != "" && (stored == "" || len(dir) > maxDirName || strings.Contains(dir, "/")) {
				t.Fatalf("folderName(%q) = %q, %q", s, stored, dir)
			}
		}
		base1, flags, marked := splitName(s)
		if marked && !strings.HasSuffix(s, "2,"+flags) || !strings.HasPrefix(s, base1) || string(base([]byte(s))) != base1 {
			t.Fatalf("splitName(%q) = %q, %q, %v; base %q", s, base1, flags, marked, base([]byte(s)))
		}
		parseKeywords([]byte(s)).flagSet(s)
	})
}
