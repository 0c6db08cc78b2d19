package copying

import (
	"testing"

	"pgregory.net/rapid"

	"waybill/connector"
	"waybill/mail"
)

func drawFlags(t *rapid.T, name string) mail.FlagSet {
	system := mail.Flags(rapid.IntRange(0, 63).Draw(t, name))
	return mail.NewFlagSet(system, rapid.SliceOfN(rapid.SampledFrom([]string{"a", "B", "c", "$Work"}), 0, 4).Draw(t, name+" keywords")...)
}

// TestMergeFlagSets: what only one side changed is taken over; what both sides
// changed, or neither, stays as the target has it.
func TestMergeFlagSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base, source, target := drawFlags(t, "base"), drawFlags(t, "source"), drawFlags(t, "target")
		merged := mergeFlagSets(base, source, target)
		has := func(s mail.FlagSet, f mail.Flags) bool { return s.System&f != 0 }
		for f := mail.Flags(1); f < 64; f <<= 1 {
			want := has(target, f)
			if has(target, f) == has(base, f) {
				want = has(source, f)
			}
			if has(merged, f) != want {
				t.Fatalf("flag %v: base (%s), source (%s), target (%s) gave (%s)", f.Names(), base, source, target, merged)
			}
		}
		if source.Equal(base) && !merged.Equal(target) {
			t.Fatalf("nothing changed in the source, and (%s) became (%s)", target, merged)
		}
		if target.Equal(base) && !merged.Equal(source) {
			t.Fatalf("nothing changed in the target; source (%s), merged (%s)", source, merged)
		}
	})
}

func TestHoldableNotesWhatFallsAway(t *testing.T) {
	m := mail.Message{Flags: mail.NewFlagSet(mail.Seen|mail.Flagged, "work"), Labels: []string{"Project"}}
	want, date, losses := Holdable(m, connector.Capabilities{Flags: mail.Seen})
	if want.System != mail.Seen || len(want.Keywords) != 0 || !date.IsZero() {
		t.Errorf("Holdable: (%s) %v", want, date)
	}
	kinds := map[string]int{}
	for _, n := range losses {
		kinds[n.Kind]++
	}
	for _, kind := range []string{"flag-not-kept", "keyword-not-kept", "label-not-kept", "date-unknown"} {
		if kinds[kind] != 1 {
			t.Errorf("%d notes of kind %s, want 1 (%v)", kinds[kind], kind, losses)
		}
	}
}
