package connectortest

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"waybill/connector/connectortest/internal/post"
	"waybill/mail"
)

func randomCases() []testCase {
	return []testCase{
		{"random/names", randomNames},
		{"random/calls", randomCalls},
	}
}

// chance is a source of randomness that is the same in every run.
func chance(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 1997)) }

// randomNames asks for the names of folders made of pieces that encodings use,
// and wants another name for every one of them.
func randomNames(tr *trial) {
	target := tr.open()
	pieces := []string{
		"a", "b", "A", "/", "\\", ".", "..", "%", "%2F", "%2E", "&", "&-", "&AOQ-", "-", "+", "~", "_", "=", "=2F", "#", " ", "0", "1", "2E",
		"\u00e4", "a\u0308", "\U0001f4ee", "INBOX", ",", ":", "^", "\x01", "\u2024",
	}
	r := chance(1)
	names := func() []string {
		all := make([]string, 1+r.IntN(3))
		for i := range all {
			for range 1 + r.IntN(4) {
				all[i] += pieces[r.IntN(len(pieces))]
			}
		}
		return all
	}
	taken := map[mail.Path]mail.Path{}
	for range 20000 {
		path := mail.NewPath(names()...)
		stored, _, _ := target.FolderName(path, 0)
		other, clash := taken[stored]
		if clash && other != path && !equalFold(other.Names(), path.Names()) {
			tr.Fatalf("FolderName calls both %q and %q %q", other, path, stored)
		}
		taken[stored] = path
		if stored == "" || slices.Contains(stored.Names(), "") {
			tr.Fatalf("FolderName calls %q %q, which has an empty name", path, stored)
		}
	}
}

// model is what a folder must hold after some calls.
type model struct {
	letters []post.Letter
	ids     []string
}

// randomCalls makes calls in random order and compares the folder with a model
// after each.
func randomCalls(tr *trial) {
	for seed := range uint64(3) {
		d := tr.desk0(seed)
		m := &model{}
		base := d.position()
		r := chance(seed + 10)
		var log []string
		for step := range 40 {
			log = append(log, d.randomCall(r, m, step))
			list := d.wantContents(base, m.letters)
			m.ids = m.ids[:0]
			for i, s := range list {
				m.ids = append(m.ids, s.ID)
				if i < len(m.letters) && !s.Flags.Equal(m.letters[i].Flags) {
					tr.Errorf("message %d has flags %q, want %q", i+1, s.Flags, m.letters[i].Flags)
				}
			}
			if tr.Failed() {
				tr.Fatalf("after the calls %q", log)
			}
		}
		d.CloseOnce("close the mailbox", d.mailbox)
		d.CloseOnce("close the target", d.target)
	}
}

// desk0 is a desk at a folder of its own, in the account of the first one.
func (tr *trial) desk0(seed uint64) *desk {
	tr.Helper()
	if seed == 0 {
		return tr.desk()
	}
	target := tr.open()
	d := &desk{trial: tr, target: target, account: person(0).ID, caps: target.Capabilities()}
	if !d.caps.CreateAccounts {
		d.account = tr.cfg.Accounts[0]
	}
	d.mailbox = tr.mailbox(target, d.account)
	d.path = tr.folder(target, d.mailbox, fmt.Sprintf("Shelf %d", seed))
	return d
}

// randomCall makes one call and does the same to the model.
func (d *desk) randomCall(r *rand.Rand, m *model, step int) string {
	d.Helper()
	pick := 0
	if len(m.ids) > 0 {
		pick = r.IntN(len(m.ids))
	}
	switch n := r.IntN(10); {
	case n < 5 || len(m.ids) == 0:
		letters := post.Many(r.IntN(5), 1+r.IntN(4))
		for i := range letters {
			letters[i].Flags.System = mail.Seen & mail.Flags(r.IntN(2)) & d.caps.Flags
		}
		sent := slices.Clone(letters)
		if k := r.IntN(2*len(letters) + 1); k < len(letters) {
			sent[k] = sent[k].Halfway(post.Broken)
			letters = slices.Delete(letters, k, k+1)
		}
		d.append(sent...)
		m.letters = append(m.letters, letters...)
		return fmt.Sprintf("append %d", len(sent))
	case n < 7 && d.caps.Flags&(mail.Seen|mail.Flagged) == mail.Seen|mail.Flagged:
		want := mail.NewFlagSet(mail.Flags(r.IntN(8)) & (mail.Seen | mail.Flagged))
		d.Check("set flags", d.mailbox.SetFlags(d.Ctx, d.path, m.ids[pick], m.letters[pick].Flags, want))
		m.letters[pick].Flags = want
		return fmt.Sprintf("set flags of %d", pick)
	case n == 7:
		// Only the last one is taken away, which is what a canary is.
		last := len(m.ids) - 1
		d.Check("remove", d.mailbox.Remove(d.Ctx, d.path, m.ids[last]))
		m.letters = m.letters[:last]
		return "remove the last"
	case n == 8:
		d.reopen()
		return "reopen"
	default:
		d.crash()
		return fmt.Sprintf("crash at %d", step)
	}
}
