package ledger

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/mail"
)

// model is what a ledger should hold of one folder.
type model struct {
	rows    map[string]Row
	intents map[int64]Intent
}

// TestModel does random checkpoints to a ledger and to a model of it, with
// restarts in between, and compares all that can be read.
func TestModel(t *testing.T) {
	base := t.TempDir()
	ctx := context.Background()
	keys := rapid.OneOf(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f"}), rapid.StringMatching(`[a-f\x00é:]{1,8}`))
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(base, "")
		must(t, err)
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "model.ledger")
		l, err := Open(ctx, path, Options{})
		must(t, err)
		defer func() { _ = l.Close() }()
		_, lease, f := working(t, l, "anna")
		want := model{map[string]Row{}, map[int64]Intent{}}

		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			if rapid.IntRange(0, 5).Draw(rt, "restart") == 0 {
				must(t, l.Close())
				l, err = Open(ctx, path, Options{})
				must(t, err)
				m, next, ok, err := l.Claim(ctx)
				if err != nil || !ok || m.ID != lease.Mailbox || next.Attempt != lease.Attempt+1 {
					rt.Fatalf("claim after restart: %+v, %v, %v", m, ok, err)
				}
				lease = next
			}
			c := drawChange(rt, f.ID, keys, want)
			err := l.Checkpoint(ctx, lease, c)
			if next, ok := want.apply(c); ok {
				want = next
				if err != nil {
					rt.Fatalf("checkpoint: %v", err)
				}
			} else if failure.ClassOf(err) != failure.Conflict {
				rt.Fatalf("checkpoint that cannot be: %v", err)
			}
			want.compare(rt, l, f)
		}
	})
}

func drawChange(rt *rapid.T, folder int64, keys *rapid.Generator[string], have model) Change {
	c := Change{Folder: folder}
	for range rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(manyRows, manyRows+3)).Draw(rt, "rows") {
		r := Row{Key: keys.Draw(rt, "key"), State: State(rapid.IntRange(int(Delivered), int(Skipped)).Draw(rt, "state")),
			Size: rapid.Int64Range(-1, 1<<40).Draw(rt, "size"), Target: rapid.SampledFrom([]string{"", "7", "cur/x\xff"}).Draw(rt, "target")}
		if rapid.Bool().Draw(rt, "dated") {
			r.Date = time.Unix(rapid.Int64Range(-1<<33, 1<<33).Draw(rt, "date"), 0).UTC()
		}
		if rapid.Bool().Draw(rt, "marked") {
			r.Flags = mail.NewFlagSet(mail.Flags(rapid.IntRange(0, 63).Draw(rt, "flags")), rapid.SliceOfN(rapid.StringMatching(`[a-z "\[]{1,3}`), 0, 2).Draw(rt, "keywords")...)
			r.Digest = mail.Digest{byte(rapid.IntRange(0, 3).Draw(rt, "digest"))}
		}
		if r.State != Verified && rapid.Bool().Draw(rt, "excused") {
			r.Rule, r.Reason, r.Class = "rule", rapid.String().Draw(rt, "reason"), failure.Denied
			r.Reason = clean(r.Reason)
		}
		for range rapid.IntRange(0, 2).Draw(rt, "notes") {
			r.Notes = append(r.Notes, mail.Note{Kind: rapid.SampledFrom([]string{"x", "y"}).Draw(rt, "kind"), Text: "text"})
		}
		c.Settled = append(c.Settled, r)
	}
	for range rapid.IntRange(0, 3).Draw(rt, "moves") {
		c.Rekey = append(c.Rekey, Rekey{keys.Draw(rt, "old"), keys.Draw(rt, "new")})
	}
	if rapid.Bool().Draw(rt, "close") {
		c.Close = slices.Collect(maps.Keys(have.intents))
	}
	if rapid.Bool().Draw(rt, "open") {
		c.Open = &Intent{Seq: int64(rapid.IntRange(1, 5).Draw(rt, "seq")), Position: rapid.SampledFrom([]string{"", "p"}).Draw(rt, "position"),
			Keys: rapid.SliceOfN(keys, 1, 4).Draw(rt, "sent")}
	}
	return c
}

// apply gives the model after the change, false when the change is impossible.
func (m model) apply(c Change) (model, bool) {
	next := model{maps.Clone(m.rows), maps.Clone(m.intents)}
	old, taken := map[string]bool{}, map[string]bool{}
	for _, k := range c.Rekey {
		if old[k.Old] || taken[k.New] {
			return m, false
		}
		old[k.Old], taken[k.New] = true, true
		delete(next.rows, k.Old)
	}
	for _, k := range c.Rekey {
		if r, there := m.rows[k.Old]; there {
			if _, in := next.rows[k.New]; in {
				return m, false
			}
			r.Key = k.New
			next.rows[k.New] = r
		}
	}
	for _, r := range c.Settled {
		next.rows[r.Key] = r
	}
	for _, s := range c.Close {
		delete(next.intents, s)
	}
	if c.Open != nil {
		if have, open := next.intents[c.Open.Seq]; open && fmt.Sprint(have) != fmt.Sprint(*c.Open) {
			return m, false
		}
		next.intents[c.Open.Seq] = *c.Open
	}
	return next, true
}

func (m model) compare(rt *rapid.T, l *Ledger, f Folder) {
	ctx := context.Background()
	keys := slices.Sorted(maps.Keys(m.rows))
	var rows []Row
	for r, err := range l.Rows(ctx, f.ID) {
		if err != nil {
			rt.Fatal(err)
		}
		rows = append(rows, r)
	}
	found, err := l.Lookup(ctx, f.ID, append(slices.Clone(keys), "not there"))
	if err != nil || len(rows) != len(keys) || found[len(keys)].State != Planned {
		rt.Fatalf("%d rows, want %d; %v", len(rows), len(keys), err)
	}
	var t Tally
	t.Messages, t.Bytes = [7]int64{}, [7]int64{}
	for i, k := range keys {
		r := m.rows[k]
		if !sameRow(rows[i], r) || !sameRow(found[i], r) {
			rt.Fatalf("key %q:\nwant  %+v\nrows  %+v\nfound %+v", k, r, rows[i], found[i])
		}
		t.Messages[r.State]++
		t.Bytes[r.State] += max(r.Size, 0)
	}
	open := map[string]bool{}
	for _, in := range m.intents {
		for _, k := range in.Keys {
			if _, there := m.rows[k]; !there {
				open[k] = true
			}
		}
	}
	t.Messages[Sent] = int64(len(open))
	tallies, err := l.Tallies(ctx, 0)
	if err != nil || len(tallies) != 1 || tallies[0].Messages != t.Messages || tallies[0].Bytes != t.Bytes {
		rt.Fatalf("tallies %+v, %v; want %+v", tallies, err, t)
	}
	intents, err := l.Intents(ctx, f.ID)
	if err != nil || len(intents) != len(m.intents) {
		rt.Fatalf("intents %v, %v; want %v", intents, err, m.intents)
	}
	for _, in := range intents {
		if fmt.Sprint(in) != fmt.Sprint(m.intents[in.Seq]) {
			rt.Fatalf("intent %+v, want %+v", in, m.intents[in.Seq])
		}
	}
}
