package rewrite

import (
	"testing"

	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

func tableOf(smtp string) *Table {
	var m Maker
	m.Add(0, []directory.Address{{Type: "SMTP", Value: smtp}, {Type: "EX", Value: "/o=Org/cn=\xff"}})
	t := m.Table()
	return &t
}

// TestContinue goes through runs of any kind and checks that what a run left open
// is always made as that run made it.
func TestContinue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var record []byte
		made := map[Place]*Table{} // how open messages were made; nil: not rewritten
		for range rapid.IntRange(1, 6).Draw(t, "runs") {
			var now *Table
			if smtp := rapid.SampledFrom([]string{"", "a@x.example", "b@x.example", "c@x.example"}).Draw(t, "now"); smtp != "" {
				now = tableOf(smtp)
			}
			var open []Place
			for p := range made {
				open = append(open, p)
			}
			h, next, changed, err := Continue(record, open, now)
			if err != nil {
				t.Fatal(err)
			}
			same := func(p Place, want *Table) {
				got, rewrites := h.tableFor(p)
				if rewrites != (want != nil) || want != nil && !got.Equal(*want) {
					t.Fatalf("%v is made with %v (%v), want %v", p, got, rewrites, want)
				}
			}
			for p, was := range made {
				same(p, was)
			}
			same(Place{Key: "new"}, now)
			if _, _, again, err := Continue(next, open, now); err != nil || again && len(open) == 0 {
				t.Fatalf("the same once more changes %v, %v", again, err)
			}
			if changed {
				record = next
			}
			// Some are proven meanwhile, others are sent and stay open.
			for _, p := range open {
				if rapid.Bool().Draw(t, "proven") {
					delete(made, p)
				}
			}
			for range rapid.IntRange(0, 3).Draw(t, "sent") {
				p := Place{"anna", mail.Inbox, rapid.StringMatching(`[a-z\xff]{1,2}`).Draw(t, "key")}
				if _, was := made[p]; was {
					continue
				}
				if at, pinned := h.pinned[p]; pinned && at < len(h.generations)-1 {
					continue // proven in this run, and not sent again
				}
				made[p] = now
			}
		}
	})
}

func TestRecordOfDamage(t *testing.T) {
	_, good, changed, err := Continue(nil, nil, tableOf("a@x.example"))
	if err != nil || !changed {
		t.Fatal(changed, err)
	}
	empty, err := writeRecord(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{[]byte("x"), good[:len(good)/2], good[:len(good)-9], empty} {
		if _, _, _, err := Continue(bad, nil, nil); failure.ClassOf(err) != failure.Malformed || failure.RuleOf(err) != "rewrite.record" {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	if h, next, changed, err := Continue(nil, []Place{{Key: "1"}}, nil); err != nil || changed || next != nil || !h.empty() {
		t.Error("a migration that rewrites nothing has a record", changed, err)
	}
}

func FuzzRecord(f *testing.F) {
	_, good, _, _ := Continue(nil, nil, tableOf("a@x.example"))
	f.Add(good)
	_, good, _, _ = Continue(good, []Place{{"anna", mail.Inbox, "1"}}, tableOf("b@x.example"))
	f.Add(good)
	f.Fuzz(func(t *testing.T, in []byte) {
		if h, _, _, err := Continue(in, []Place{{"anna", mail.Inbox, "1"}}, nil); err == nil {
			h.tableFor(Place{"anna", mail.Inbox, "1"})
		}
	})
}
