package engine_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/connector/fake"
	"waybill/ledger"
	"waybill/mail"
)

// letter is what the model knows of one message: one content, in one folder at a
// time in the source.
type letter struct {
	body  string
	at    mail.Path // folder in the source, empty: deleted
	key   string
	flags mail.FlagSet
	been  map[mail.Path]bool // folders in which it ever lay
	// touched says that the target's owner changed its flags, and thrown that he
	// deleted it, per folder.
	touched map[mail.Path]mail.FlagSet
	thrown  map[mail.Path]bool
}

// history is a migration with a life on both sides, and a model of it.
type history struct {
	*bench
	rt      *rapid.T
	letters []*letter
	own     map[mail.Path][]string // what the owner put into the target himself
	mirror  bool
}

var historyFolders = []mail.Path{mail.Inbox, "Archiv", "Zebra", "Neu"}

func (h *history) body(l *letter) []byte { return []byte("Subject: x\r\n\r\n" + l.body + "\r\n") }

func (h *history) add(l *letter, to mail.Path) {
	l.at = to
	l.been[to] = true
	l.key = h.src.AddMessage("anna", to, fake.Message{Body: h.body(l), Size: int64(len(h.body(l))), Flags: l.flags, Date: time.Unix(1e9+int64(len(l.body)), 0)})
}

func (h *history) pick(name string, keep func(*letter) bool) *letter {
	var list []*letter
	for _, l := range h.letters {
		if keep(l) {
			list = append(list, l)
		}
	}
	if len(list) == 0 {
		return nil
	}
	return rapid.SampledFrom(list).Draw(h.rt, name)
}

func inSource(l *letter) bool { return l.at != "" }

// source lets something happen in the source. While the outcome of a batch is
// unknown no mail leaves: of a message that leaves just then nobody can say
// whether it was delivered, and the waybill says so.
func (h *history) source(unknown bool) {
	what := rapid.SampledFrom(map[bool][]int{true: {0, 1, 4}, false: {0, 1, 2, 3, 4, 5}}[unknown])
	switch what.Draw(h.rt, "in the source") {
	case 0, 1:
		l := &letter{body: fmt.Sprint("letter ", len(h.letters)), been: map[mail.Path]bool{}, touched: map[mail.Path]mail.FlagSet{}, thrown: map[mail.Path]bool{}}
		l.flags = h.flags()
		h.letters = append(h.letters, l)
		h.add(l, h.folder())
	case 2:
		if l := h.pick("deleted", inSource); l != nil {
			h.src.Vanish("anna", l.at, l.key)
			l.at = ""
		}
	case 3:
		if l := h.pick("moved", inSource); l != nil {
			h.src.Vanish("anna", l.at, l.key)
			h.add(l, h.folder())
		}
	case 4:
		if l := h.pick("flagged", inSource); l != nil {
			l.flags = h.flags()
			h.src.Mark("anna", l.at, l.key, l.flags)
		}
	case 5:
		if l := h.pick("brought back", func(l *letter) bool { return !inSource(l) }); l != nil {
			h.add(l, h.folder())
		}
	}
}

func (h *history) folder() mail.Path {
	return rapid.SampledFrom(historyFolders).Draw(h.rt, "folder")
}

func (h *history) flags() mail.FlagSet {
	return mail.NewFlagSet(mail.Flags(rapid.IntRange(0, 3).Draw(h.rt, "flags")), rapid.SampledFrom([][]string{nil, {"work"}}).Draw(h.rt, "keywords")...)
}

// find is the place of a letter in a folder of the target.
func (h *history) find(l *letter, folder mail.Path) (at int, m fake.Message) {
	for n, m := range h.dst.Messages("anna", folder) {
		if string(m.Body) == string(h.body(l)) {
			return n, m
		}
	}
	return -1, fake.Message{}
}

func (h *history) targetKey(folder mail.Path, n int) string {
	box, err := h.dst.Source().Mailbox(context.Background(), "anna")
	if err != nil {
		h.rt.Fatal(err)
	}
	defer box.Close()
	for m := range box.Messages(context.Background(), folder) {
		if n == 0 {
			return m.Key
		}
		n--
	}
	h.rt.Fatal("no such message in the target")
	return ""
}

// owner lets the owner work in the target.
func (h *history) owner() {
	folder := h.folder()
	l := h.pick("in the target", func(l *letter) bool { at, _ := h.find(l, folder); return at >= 0 })
	switch what := rapid.IntRange(0, 2).Draw(h.rt, "in the target"); {
	case what == 0 && l != nil:
		n, m := h.find(l, folder)
		// A flag that the source never sets, so that whose it is can be told.
		l.touched[folder] = mail.NewFlagSet(mail.Flagged, "mine")
		h.dst.Mark("anna", folder, h.targetKey(folder, n), mail.NewFlagSet(m.Flags.System|mail.Flagged, append(slices.Clone(m.Flags.Keywords), "mine")...))
	case what == 1 && l != nil:
		n, _ := h.find(l, folder)
		h.dst.Vanish("anna", folder, h.targetKey(folder, n))
		l.thrown[folder] = true
		delete(l.touched, folder)
	case what == 2 && len(h.dst.Messages("anna", folder)) > 0: // a folder that exists
		body := fmt.Sprintf("Subject: own\r\n\r\n%s %d\r\n", folder, len(h.own[folder]))
		h.dst.AddMessage("anna", folder, fake.Message{Body: []byte(body), Date: time.Unix(1e9, 0)})
		h.own[folder] = append(h.own[folder], body)
	}
}

// kill runs and is stopped at some call.
func (h *history) kill() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	call := rapid.SampledFrom([]string{"target.Append", "target.Open", "target.Remove", "target.Position", "target.SetFlags", "source.Census", "source.Messages", "source.Open"}).Draw(h.rt, "call")
	fault := fake.Fault{Call: call, N: rapid.IntRange(1, 12).Draw(h.rt, "n"), Mode: rapid.SampledFrom([]fake.Mode{fake.Before, fake.After}).Draw(h.rt, "mode"), Err: context.Canceled, Do: cancel}
	h.src.Inject(fault)
	h.dst.Inject(fault)
	h.run(ctx)
	h.src.Heal()
	h.dst.Heal()
	h.dst.Crash()
}

// check compares the target with the model after a run that came to its end.
func (h *history) check() {
	for _, folder := range historyFolders {
		counts := map[string]int{}
		for _, m := range h.dst.Messages("anna", folder) {
			counts[string(m.Body)]++
		}
		for _, body := range h.own[folder] {
			if counts[body] != 1 {
				h.rt.Fatalf("%s: what the owner put there is there %d times", folder, counts[body])
			}
			delete(counts, body)
		}
		for _, l := range h.letters {
			got := counts[string(h.body(l))]
			delete(counts, string(h.body(l)))
			_, stored := h.find(l, folder)
			mine := l.touched[folder]
			switch {
			case got > 1:
				h.rt.Fatalf("%s: %q is there %d times", folder, l.body, got)
			case got == 1 && !l.been[folder]:
				h.rt.Fatalf("%s: %q never was there in the source", folder, l.body)
			case l.at == folder && got == 0 && !l.thrown[folder]:
				h.rt.Fatalf("%s: %q is not there", folder, l.body)
			case len(mine.Keywords) > 0 && got == 0:
				h.rt.Fatalf("%s: %q was touched by its owner and is gone", folder, l.body)
			case h.mirror && l.at != folder && got == 1 && len(mine.Keywords) == 0:
				h.rt.Fatalf("%s: %q left the source and is still there", folder, l.body)
			case got == 0:
				continue
			case len(mine.Keywords) > 0 && (stored.Flags.System&mail.Flagged == 0 || !slices.Contains(stored.Flags.Keywords, "mine")):
				h.rt.Fatalf("%s: the owner's flags of %q became (%s)", folder, l.body, stored.Flags)
			case l.at == folder && len(mine.Keywords) == 0 && !stored.Flags.Equal(l.flags):
				h.rt.Fatalf("%s: flags of %q are (%s), want (%s)", folder, l.body, stored.Flags, l.flags)
			}
		}
		if len(counts) > 0 {
			h.rt.Fatalf("%s holds what nobody sent: %v", folder, slices.Collect(maps.Keys(counts)))
		}
	}
	if w := h.account(); w.Open != 0 || w.Exit > 1 {
		h.rt.Fatalf("waybill %+v", w)
	}
	m, l := h.open()
	defer l.Close()
	plan, err := m.MakePlan(context.Background(), false)
	if err != nil {
		h.rt.Fatal(err)
	}
	if late, err := m.Late(context.Background(), plan); err != nil || !late.Quiet() || late.Gone+late.Changed > 0 {
		h.rt.Fatalf("after the run: %+v, %v", late, err)
	}
	h.found(l)
}

// found compares what the ledger says of the source's folders.
func (h *history) found(l *ledger.Ledger) {
	tallies, err := l.Tallies(context.Background(), 0)
	if err != nil {
		h.rt.Fatal(err)
	}
	for _, t := range tallies {
		if want := int64(len(h.src.Messages("anna", t.Path))); t.Found != want && t.Census != "" {
			h.rt.Fatalf("%s: %d messages found, the source has %d", t.Path, t.Found, want)
		}
	}
}

// last are the details of the last events.
func (r *recorder) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprint(r.events[max(0, len(r.events)-4):])
}

// TestHistories lets random things happen on both sides, between runs that may
// be killed: what the source has is in the target once, whatever its owner did
// stays done, and with deletions mirrored nothing else is there.
func TestHistories(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := &history{bench: newBench(t, fake.Options{}), rt: rt, own: map[mail.Path][]string{}}
		h.mirror = rapid.Bool().Draw(rt, "mirror")
		h.options.MirrorDeletions, h.options.MirrorSure = h.mirror, true
		h.options.BatchMessages, h.options.Workers = 3, 1
		if rapid.Bool().Draw(rt, "tells changes") {
			h.withChanges()
		}
		for _, f := range historyFolders {
			h.src.AddFolder("anna", mail.Folder{Path: f})
		}
		for range rapid.IntRange(1, 4).Draw(rt, "runs") {
			for range rapid.IntRange(0, 8).Draw(rt, "steps") {
				h.source(false)
			}
			for range rapid.IntRange(0, 2).Draw(rt, "kills") {
				h.kill()
				h.source(true)
			}
			if o := h.run(context.Background()); o.err != nil || o.result.Failed > 0 {
				rt.Fatalf("result %+v, error %v; %s", o.result, o.err, h.events.last())
			}
			h.check()
			for range rapid.IntRange(0, 3).Draw(rt, "owner") {
				h.owner()
			}
		}
	})
}
