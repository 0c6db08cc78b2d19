package sitestore_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

// mark is what the model knows of a message.
type mark struct {
	body  int
	flags mail.FlagSet
}

// TestManyAtOnce marks, copies, moves and purges in two folders, and compares
// them with a model after each step.
func TestManyAtOnce(t *testing.T) {
	s := newSite(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		account := fmt.Sprintf("user%d", round)
		if err := s.AddAccount(t.Context(), directory.User{ID: account}); err != nil {
			rt.Fatal(err)
		}
		n, _ := s.Session("", "")
		m, err := n.Mailbox(t.Context(), account, true)
		if err != nil {
			rt.Fatal(err)
		}
		defer m.Close()
		folders := []mail.Path{mail.Inbox, "Other"}
		if err := m.CreateFolder(t.Context(), mail.Folder{Path: "Other"}); err != nil {
			rt.Fatal(err)
		}
		model := map[mail.Path]map[uint32]mark{mail.Inbox: {}, "Other": {}}
		next := map[mail.Path]uint32{mail.Inbox: 1, "Other": 1}
		some := rapid.SliceOfN(rapid.Uint32Range(1, 12), 0, 6)
		for step := range rapid.IntRange(1, 6).Draw(rt, "steps") {
			at := rapid.SampledFrom(folders).Draw(rt, "folder")
			to := rapid.SampledFrom(folders).Draw(rt, "to")
			uids := some.Draw(rt, "uids")
			slices.Sort(uids)
			uids = slices.Compact(uids)
			before, err := m.Folder(t.Context(), at)
			if err != nil {
				rt.Fatal(err)
			}
			there := slices.DeleteFunc(slices.Clone(uids), func(uid uint32) bool { _, ok := model[at][uid]; return !ok })
			switch rapid.IntRange(0, 3).Draw(rt, "step") {
			case 0:
				if _, err := m.Append(t.Context(), at, 0, []sitestore.Incoming{incoming(body(step, 40), "first")}); err != nil {
					rt.Fatal(err)
				}
				model[at][next[at]] = mark{step, mail.NewFlagSet(0, "first")}
				next[at]++
			case 1:
				word := rapid.SampledFrom([]string{`\Seen`, "Work", "first"}).Draw(rt, "word")
				done, modseq, err := m.Mark(t.Context(), at, uids, func(have mail.FlagSet) mail.FlagSet {
					return mail.NewFlagSet(have.System, append(have.Keywords, word)...)
				})
				if err != nil || len(done) != len(there) {
					rt.Fatalf("marked %+v of %d, %v", done, there, err)
				}
				var changed []uint32
				for _, d := range done {
					was := model[at][d.UID]
					want := mail.NewFlagSet(was.flags.System, append(slices.Clone(was.flags.Keywords), word)...)
					if !d.Flags.Equal(want) || d.Changed == want.Equal(was.flags) {
						rt.Fatalf("message %d had %v and has %v, changed %v", d.UID, was.flags, d.Flags, d.Changed)
					}
					if d.Changed {
						changed = append(changed, d.UID)
					}
					model[at][d.UID] = mark{was.body, want}
				}
				listed, err := m.Changed(t.Context(), at, before.HighestModSeq)
				if err != nil || !slices.Equal(changed, uidsOf(listed)) || (modseq == 0) != (len(changed) == 0) {
					rt.Fatalf("changed %d, listed %d, modseq %d, %v", changed, uidsOf(listed), modseq, err)
				}
			case 2:
				move := rapid.Bool().Draw(rt, "move")
				_, pairs, err := m.Transfer(t.Context(), at, uids, to, move)
				if err != nil || len(pairs) != len(there) {
					rt.Fatalf("copied %v of %d, %v", pairs, there, err)
				}
				for i, p := range pairs {
					if p.From != there[i] || p.To != next[to] {
						rt.Fatalf("copied %v, want %d to %d", p, there[i], next[to])
					}
					model[to][p.To] = model[at][p.From]
					next[to]++
				}
				for _, p := range pairs {
					if move {
						delete(model[at], p.From)
					}
				}
			case 3:
				gone, err := m.Purge(t.Context(), at, uids)
				if err != nil || !slices.Equal(gone, there) {
					rt.Fatalf("purged %d, want %d, %v", gone, there, err)
				}
				for _, uid := range gone {
					delete(model[at], uid)
				}
			}
			for _, folder := range folders {
				compare(rt, m, folder, model[folder], next[folder])
			}
		}
	})
	sound(t, s)
}

func uidsOf(messages []sitestore.Message) []uint32 {
	var uids []uint32
	for _, m := range messages {
		uids = append(uids, m.UID)
	}
	return uids
}

func compare(t *rapid.T, m *sitestore.Mailbox, folder mail.Path, want map[uint32]mark, next uint32) {
	f, err := m.Folder(t.Context(), folder)
	if err != nil || f.Messages != int64(len(want)) || f.UIDNext != next {
		t.Fatalf("%s: %+v, want %d messages and UIDNEXT %d, %v", folder, f, len(want), next, err)
	}
	keys := slices.Sorted(maps.Keys(want))
	uids, err := m.UIDs(t.Context(), folder, 0)
	if err != nil || !slices.Equal(uids, keys) {
		t.Fatalf("%s: UIDs %d, want %d, %v", folder, uids, keys, err)
	}
	seen, err := m.UIDs(t.Context(), folder, mail.Seen)
	if err != nil {
		t.Fatal(err)
	}
	tally, err := m.Tally(t.Context(), folder)
	if err != nil || tally.Unseen != int64(len(uids)-len(seen)) {
		t.Fatalf("%s: %+v with %d of %d read, %v", folder, tally, len(seen), len(uids), err)
	}
	messages, err := m.Messages(t.Context(), folder, append(slices.Clone(keys), 1000, 1001))
	if err != nil || !slices.Equal(uidsOf(messages), keys) {
		t.Fatalf("%s: messages %d, want %d, %v", folder, uidsOf(messages), keys, err)
	}
	for _, msg := range messages {
		if !msg.Flags.Equal(want[msg.UID].flags) || msg.Size != 40 {
			t.Fatalf("%s: message %d is %+v, want %v", folder, msg.UID, msg, want[msg.UID])
		}
	}
}

func TestRenameFolder(t *testing.T) {
	s := newSite(t, "anna", "bert")
	m := open(t, s, "", "anna")
	other := open(t, s, "", "bert")
	for _, p := range []mail.Path{"A/B/C", "A/Bx", "A0", "Taken"} {
		for _, box := range []*sitestore.Mailbox{m, other} {
			if err := box.CreateFolder(t.Context(), mail.Folder{Path: p}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, p := range []mail.Path{mail.Inbox, "A/B", "A/B/C"} {
		if _, err := m.Append(t.Context(), p, 0, []sitestore.Incoming{incoming(body(i, 50))}); err != nil {
			t.Fatal(err)
		}
	}
	was, err := m.Folder(t.Context(), "A/B/C")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to mail.Path
		class    failure.Class
	}{
		{"A/B", "Taken", failure.Conflict}, {"A/B", "A/B/D", failure.Conflict}, {"None", "New", failure.Vanished}, {"A", "", failure.Usage},
		{"A", mail.Path(string(make([]byte, 20_000))), failure.TooLarge},
	} {
		if err := m.RenameFolder(t.Context(), c.from, c.to); failure.ClassOf(err) != c.class || err == nil {
			t.Errorf("%.20s to %.20s: %v", c.from, c.to, err)
		}
	}
	if err := m.RenameFolder(t.Context(), "A/B", "New/Place"); err != nil {
		t.Fatal(err)
	}
	now, err := m.Folder(t.Context(), "New/Place/C")
	if err != nil || now.ID != was.ID || now.UIDValidity != was.UIDValidity || now.Messages != 1 {
		t.Errorf("%+v became %+v, %v", was, now, err)
	}
	if _, got := read(t, m, "New/Place/C", 1); string(got) != string(body(2, 50)) {
		t.Errorf("%q", got)
	}
	if err := m.RenameFolder(t.Context(), mail.Inbox, "Old inbox"); err != nil {
		t.Fatal(err)
	}
	if _, got := read(t, m, "Old inbox", 1); string(got) != string(body(0, 50)) {
		t.Errorf("%q", got)
	}
	if got := paths(t, m); !slices.Equal(got, []mail.Path{mail.Inbox, "A", "A/Bx", "A0", "New", "New/Place", "New/Place/C", "Old inbox", "Taken"}) {
		t.Errorf("%q", got)
	}
	if got := paths(t, other); !slices.Equal(got, []mail.Path{mail.Inbox, "A", "A/B", "A/B/C", "A/Bx", "A0", "Taken"}) {
		t.Errorf("another mailbox has %q", got)
	}
	sound(t, s)
}

func paths(t *testing.T, m *sitestore.Mailbox) []mail.Path {
	t.Helper()
	folders, err := m.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []mail.Path
	for _, f := range folders {
		all = append(all, f.Path)
	}
	return all
}

func TestRemoveFolder(t *testing.T) {
	s := newSite(t, "anna")
	m, again := open(t, s, "", "anna"), open(t, s, "", "anna")
	if err := m.CreateFolder(t.Context(), mail.Folder{Path: "A/B"}); err != nil {
		t.Fatal(err)
	}
	for _, p := range []mail.Path{"A", "A/B"} {
		if _, err := m.Append(t.Context(), p, 0, []sitestore.Incoming{incoming(body(1, 50))}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := again.List(t.Context(), "A/B", 1, 10); err != nil { // it knows the folder now
		t.Fatal(err)
	}
	if err := m.RemoveFolder(t.Context(), mail.Inbox); failure.ClassOf(err) != failure.Conflict {
		t.Error(err)
	}
	if err := m.RemoveFolder(t.Context(), "A"); err != nil {
		t.Fatal(err)
	}
	if f, err := m.Folder(t.Context(), "A"); err != nil || !f.Container || f.Messages != 0 || f.Bytes != 0 {
		t.Errorf("%+v, %v", f, err)
	}
	if err := m.RemoveFolder(t.Context(), "A"); failure.RuleOf(err) != "site.folder-has-folders" {
		t.Error(err)
	}
	if err := m.RemoveFolder(t.Context(), "A/B"); err != nil {
		t.Fatal(err)
	}
	if err := m.RemoveFolder(t.Context(), "A/B"); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
	// Made anew, it is another folder, also for who knew the one before.
	if err := m.CreateFolder(t.Context(), mail.Folder{Path: "A/B"}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Append(t.Context(), "A/B", 0, []sitestore.Incoming{incoming(body(2, 50))}); err != nil {
		t.Fatal(err)
	}
	if f, err := again.Folder(t.Context(), "A/B"); err != nil || f.Messages != 1 {
		t.Errorf("%+v, %v", f, err)
	}
	if _, got := read(t, again, "A/B", 1); string(got) != string(body(2, 50)) {
		t.Errorf("%q", got)
	}
	sound(t, s)
}

func TestSubscribe(t *testing.T) {
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	for _, want := range []bool{false, true, true, false} {
		if err := m.Subscribe(t.Context(), mail.Inbox, want); err != nil {
			t.Fatal(err)
		}
		if f, err := m.Folder(t.Context(), mail.Inbox); err != nil || f.Subscribed != want {
			t.Errorf("%+v, %v", f, err)
		}
	}
	if err := m.Subscribe(t.Context(), "None", true); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
	reader, err := session(t, s, "").Mailbox(t.Context(), "anna", false)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for name, err := range map[string]error{
		"subscribe": reader.Subscribe(t.Context(), mail.Inbox, true),
		"rename":    reader.RenameFolder(t.Context(), mail.Inbox, "x"),
		"remove":    reader.RemoveFolder(t.Context(), "x"),
	} {
		if failure.ClassOf(err) != failure.Denied {
			t.Errorf("%s by a reader: %v", name, err)
		}
	}
}
