//go:build linux

package main

import (
	"fmt"
	"testing"

	"waybill/internal/counterpart"
)

// TestRawLoopMovesEverything: a yardstick that leaves mail out would flatter
// itself.
func TestRawLoopMovesEverything(t *testing.T) {
	for _, connections := range []int{1, 4} {
		t.Run(fmt.Sprint(connections), func(t *testing.T) {
			t.Parallel()
			users := map[string]string{"u001": password, "u002": password}
			start := func(format string) *counterpart.Dovecot {
				return counterpart.NewDovecot(t, counterpart.DovecotOptions{Users: users, MasterUser: "master", MasterPassword: password, Format: format})
			}
			from, to := start("maildir"), start("mdbox")
			for user := range users {
				from.Seed(t, user, counterpart.SeedOptions{Messages: 350, Bytes: 700_000})
			}
			if err := raw(t.Context(), from, to, []string{"u001"}, connections, false); err != nil {
				t.Fatal(err)
			}
			if err := raw(t.Context(), from, to, []string{"u002"}, 1, true); err != nil {
				t.Fatal(err)
			}
			v := counterpart.Compare(t, from.MasterSystem(), to.MasterSystem(), counterpart.CompareOptions{Users: []string{"u001", "u002"}})
			if v.Counts["messages in b"] != 700 {
				t.Error(v)
			}
		})
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		of   []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}} {
		if got := median(c.of); got != c.want {
			t.Errorf("median of %v is %v", c.of, got)
		}
	}
}
