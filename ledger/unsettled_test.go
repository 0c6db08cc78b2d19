package ledger

import (
	"fmt"
	"path/filepath"
	"testing"
)

// What was begun is yielded once, in order, also when its state is set meanwhile
// and when there is more of it than is read at once.
func TestUnsettled(t *testing.T) {
	ctx := t.Context()
	l, err := Open(ctx, filepath.Join(t.TempDir(), "test.ledger"), Options{Command: "test"})
	must(t, err)
	defer func() { must(t, l.Close()) }()
	const all = 1203
	for i := range all {
		state := "begun"
		switch i % 3 {
		case 1:
			state = ProvisionedMade
		case 2:
			state = ProvisionedRemoved
		}
		must(t, l.SetProvisioned(ctx, "thing", fmt.Sprintf("%04d", i), state))
	}
	must(t, l.SetProvisioned(ctx, "other", "0000", "begun"))
	next := 0
	for p, err := range l.Unsettled(ctx, "thing") {
		must(t, err)
		if p.ID != fmt.Sprintf("%04d", next) || p.State != "begun" {
			t.Fatalf("yields %+v, want %04d", p, next)
		}
		must(t, l.SetProvisioned(ctx, "thing", p.ID, ProvisionedRemoved))
		next += 3
	}
	if next != all {
		t.Errorf("ended before %04d of %d", next, all)
	}
	for p := range l.Unsettled(ctx, "thing") {
		t.Errorf("still yields %+v", p)
	}
	for range l.Unsettled(ctx, "other") {
		return
	}
	t.Error("nothing of the other kind")
}
