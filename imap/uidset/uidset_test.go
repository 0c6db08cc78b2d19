package uidset_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/imap/uidset"
)

func TestSets(t *testing.T) {
	for want, set := range map[string]uidset.Set{
		"":           uidset.Of(),
		"1:3,5":      uidset.Of(5, 3, 2, 1, 1, 0),
		"7:*":        {{First: 7}},
		"1":          {{First: 1, Last: 1}},
		"4294967295": uidset.Of(4294967295),
	} {
		if set.String() != want {
			t.Errorf("%q, want %q", set.String(), want)
		}
	}
	set := uidset.Set{{First: 4294967290, Last: 4294967295}, {First: 3, Last: 4}}
	n := 0
	for uid := range set.All() {
		if n++; !set.Contains(uid) {
			t.Error(uid)
		}
	}
	if n != 8 || set.Count() != 8 || set.Contains(5) || (uidset.Set{{First: 7}}).Count() != -1 || !(uidset.Set{{First: 7}}).Contains(9) {
		t.Errorf("%d, %d", n, set.Count())
	}
}

// What is sent is read back, whole and in pieces that servers take.
func TestSetsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := uidset.Of(rapid.SliceOfN(rapid.Uint32Min(1), 1, 3000).Draw(t, "uids")...)
		pieces := set.Pieces()
		for _, piece := range pieces {
			if len(piece) > 7100 {
				t.Fatalf("a piece of %d bytes", len(piece))
			}
		}
		got, ok := uidset.Parse(strings.Join(pieces, ","))
		if !ok || got.String() != set.String() || got.Sorted().String() != set.String() || got.Count() != set.Count() {
			t.Fatalf("%s became %s", set, got)
		}
	})
}

// A server's set is taken as it stands, or not at all.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"1", "1:3,7", "5:3", "0", "*", "1:*", "4294967295:1", "4294967296", ",", "1,,2", "1:2:3", "+1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, ok := uidset.Parse(text)
		if !ok {
			return
		}
		if set.Count() < 1 {
			t.Fatalf("%q holds %d UIDs", text, set.Count())
		}
		if again, ok := uidset.Parse(set.String()); !ok || again.String() != set.String() {
			t.Fatalf("%q is %s, and then %s", text, set, again)
		}
	})
}
