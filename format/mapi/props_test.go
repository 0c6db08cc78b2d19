package mapi

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPropsKeepWhatIsSet compares Props with a map, for any order of IDs.
func TestPropsKeepWhatIsSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, want, order := NewProps(nil, 0), map[ID]uint64{}, []ID{}
		ids := rapid.SliceOfN(rapid.Uint16Range(0, uint16(rapid.IntRange(1, 400).Draw(t, "range"))), 0, 400).Draw(t, "ids")
		if rapid.Bool().Draw(t, "room") {
			p.Grow(len(ids))
		}
		for i, n := range ids {
			id := ID(n)
			if _, there := want[id]; !there {
				order = append(order, id)
			}
			want[id] = uint64(i)
			p.Set(id, Value{Type: TypeInt64, Bits: uint64(i)})
		}
		if p.Len() != len(want) {
			t.Fatalf("%d properties, not %d", p.Len(), len(want))
		}
		for id, n := range want {
			if v, ok := p.Get(id); !ok || v.Bits != n {
				t.Fatalf("property %d is %d, not %d", id, v.Bits, n)
			}
		}
		if _, ok := p.Get(1000); ok {
			t.Fatal("a property that was not set")
		}
		i := 0
		for id, v := range p.All() {
			if id != order[i] || v.Bits != want[id] {
				t.Fatalf("property %d comes instead of %d", id, order[i])
			}
			i++
		}
	})
}
