package mail

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every list of names has one path, and the path gives the names back.
func TestPathKeepsNames(t *testing.T) {
	name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[/\\a]{1,4}`), rapid.SampledFrom([]string{"inbox", "INBOX", "Inbox"}))
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(name, 1, 4).Draw(t, "names")
		if len(names) == 1 && names[0] == "" {
			t.Skip("the path without names")
		}
		p := NewPath(names...)
		want := slices.Clone(names)
		if strings.EqualFold(want[0], "inbox") {
			want[0] = "INBOX"
		}
		if !slices.Equal(p.Names(), want) || p.Name() != want[len(want)-1] {
			t.Fatalf("%q became %q and then %q", names, p, p.Names())
		}
		if again := NewPath(p.Names()...); again != p {
			t.Fatalf("%q became %q", p, again)
		}
		if parent := p.Parent(); len(names) == 1 && parent != "" || len(names) > 1 && parent != NewPath(names[:len(names)-1]...) {
			t.Fatalf("the parent of %q is %q", p, parent)
		}
		if parent := p.Parent(); parent != "" && parent.Child(p.Name()) != p {
			t.Fatalf("%q inside %q is %q, want %q", p.Name(), parent, parent.Child(p.Name()), p)
		}
	})
}

func TestPathOrder(t *testing.T) {
	path := rapid.Custom(func(t *rapid.T) Path {
		return Path(rapid.StringMatching(`(INBOX|[ab]|\\/)(/[ab!]){0,2}`).Draw(t, "path"))
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := path.Draw(t, "a"), path.Draw(t, "b"), path.Draw(t, "c")
		if a.Compare(b) != -b.Compare(a) || (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%q and %q: %d and %d", a, b, a.Compare(b), b.Compare(a))
		}
		if a.Compare(b) < 0 && b.Compare(c) < 0 && a.Compare(c) >= 0 {
			t.Fatalf("%q < %q < %q, and not %q < %q", a, b, c, a, c)
		}
		if parent := a.Parent(); parent != "" && parent.Compare(a) >= 0 {
			t.Fatalf("%q comes before %q in which it lies", a, parent)
		}
	})
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"", "INBOX", "inbox/a", `a\/b/c\\`, `\`, "/", "a//b", `a\`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := Path(text)
		names := p.Names()
		if (len(names) == 0) != (text == "") {
			t.Fatalf("%q has names %q", text, names)
		}
		if once := NewPath(names...); NewPath(once.Names()...) != once {
			t.Fatalf("%q does not settle", text)
		}
		if p.Compare(p) != 0 {
			t.Fatalf("%q differs from itself", text)
		}
	})
}

func TestFlagSet(t *testing.T) {
	flag := rapid.SampledFrom([]string{`\Seen`, `\SEEN`, `\Answered`, `$Forwarded`, `$forwarded`, "Work", "work", "b", "A", "", "$Junk"})
	rapid.Check(t, func(t *rapid.T) {
		system := Flags(rapid.IntRange(0, 63).Draw(t, "system"))
		words := rapid.SliceOfN(flag, 0, 6).Draw(t, "words")
		set := NewFlagSet(system, words...)
		if set.System&system != system {
			t.Fatalf("%s lost flags of %s", set, NewFlagSet(system))
		}
		shuffled := rapid.Permutation(words).Draw(t, "shuffled")
		if !set.Equal(NewFlagSet(system, shuffled...)) || !set.Equal(NewFlagSet(0, set.Strings()...)) {
			t.Fatalf("%q and %q differ", words, shuffled)
		}
		for i, k := range set.Keywords {
			if k == "" || strings.HasPrefix(k, `\`) || i > 0 && strings.ToLower(set.Keywords[i-1]) >= strings.ToLower(k) {
				t.Fatalf("keywords are %q", set.Keywords)
			}
		}
		for _, w := range words {
			if w != "" && !slices.ContainsFunc(set.Strings(), func(s string) bool { return strings.EqualFold(s, w) }) {
				t.Fatalf("%q is lost from %q", w, set)
			}
		}
		if set.Equal(NewFlagSet(set.System^Seen, set.Keywords...)) || set.Equal(NewFlagSet(set.System, append(set.Keywords, "other")...)) {
			t.Fatalf("%q equals something else", set)
		}
	})
}

func TestDigestText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d Digest
		copy(d[:], rapid.SliceOfN(rapid.Byte(), len(d), len(d)).Draw(t, "bytes"))
		if got, err := ParseDigest(d.String()); err != nil || got != d || d.IsZero() != (d == Digest{}) {
			t.Fatalf("%s became %s, %v", d, got, err)
		}
	})
	for _, text := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("0", 66), strings.Repeat("g", 64)} {
		if _, err := ParseDigest(text); err == nil {
			t.Errorf("%q is taken for a digest", text)
		}
	}
}

func TestGuessUse(t *testing.T) {
	for p, want := range map[Path]SpecialUse{Inbox: UseInbox, "Sent Items": UseSent, "ENTWÜRFE": UseDrafts, "Éléments supprimés": UseTrash, "Spam": UseJunk,
		"Archive": UseArchive, "Outbox": UseOutbox, "Work": NoUse, "Work/Sent": NoUse, "INBOX/Sent": NoUse, `Sent\/Items`: NoUse, "": NoUse} {
		if got := GuessUse(p); got != want {
			t.Errorf("%q is for %q, want %q", p, got, want)
		}
	}
}
