package queuetest

import (
	"fmt"
	"sync"

	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

func (s *suite) fenced() {
	old, f := s.working("anna")
	s.must(s.Checkpoint(s.ctx, old, ledger.Change{Folder: f.ID, Open: &ledger.Intent{Seq: 1, Position: "p", Keys: []string{"a"}}}))
	s.must(s.Cancel(s.ctx, old.Mailbox))
	s.must(s.Enqueue(s.ctx, []int64{old.Mailbox}))
	_, lease := s.claim()

	s.wantFenced(s.Checkpoint(s.ctx, old, ledger.Change{Folder: f.ID, Settled: rows(ledger.Verified, "a"), Close: []int64{1},
		Complete: &ledger.Complete{Census: "x", Found: 1}}))
	s.wantFenced(s.Finish(s.ctx, old, ledger.Done, failure.Internal, ""))
	s.wantFenced(s.Snooze(s.ctx, old, s.clock.Now(), ""))
	s.wantFenced(s.FailFolder(s.ctx, old, f.ID, failure.Denied, "no"))
	if _, err := s.PutFolder(s.ctx, old, ledger.Folder{Path: "Sent", Target: "Sent"}); err == nil {
		s.Error("a fenced worker made a folder")
	}
	if keys := s.keys(f.ID); len(keys) != 0 {
		s.Errorf("a fenced worker wrote rows %q", keys)
	}
	if in, err := s.Intents(s.ctx, f.ID); err != nil || len(in) != 1 {
		s.Errorf("a fenced worker closed an intent: %v, %v", in, err)
	}
	folders, err := s.Folders(s.ctx, old.Mailbox)
	s.must(err)
	if len(folders) != 1 || folders[0].Complete || folders[0].Error != "" {
		s.Errorf("a fenced worker changed the folders: %+v", folders)
	}
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Settled: rows(ledger.Verified, "a"), Close: []int64{1}}))
}

func (s *suite) allOrNone() {
	lease, f := s.working("anna")
	g, err := s.PutFolder(s.ctx, lease, ledger.Folder{Path: "Sent", Target: "Sent"})
	s.must(err)
	good := ledger.Change{Folder: f.ID, Settled: rows(ledger.Verified, "a"), Open: &ledger.Intent{Seq: 1, Keys: []string{"b"}}}
	bad := ledger.Change{Folder: g.ID, Settled: rows(ledger.Verified, "c", "d"), Rekey: []ledger.Rekey{{Old: "x", New: "y"}, {Old: "x", New: "z"}}}
	s.wantClass(s.Checkpoint(s.ctx, lease, good, bad), failure.Conflict)
	s.wantKeys(s.keys(f.ID))
	s.wantKeys(s.keys(g.ID))
	if in, err := s.Intents(s.ctx, f.ID); err != nil || len(in) != 0 {
		s.Errorf("half of a checkpoint was written: %v, %v", in, err)
	}
	bad.Rekey = nil
	s.must(s.Checkpoint(s.ctx, lease, good, bad))
	s.wantKeys(s.keys(f.ID), "a")
	s.wantKeys(s.keys(g.ID), "c", "d")
}

// checkpointConcurrently has workers with a good lease and workers with a lost
// one write at the same time: the lost ones fail, and only they.
func (s *suite) checkpointConcurrently() {
	const workers, rounds = 8, 20
	leases := make([]ledger.Lease, workers)
	folders := make([]ledger.Folder, workers)
	for i := range workers {
		leases[i], folders[i] = s.working(fmt.Sprintf("user%d", i))
		if i%2 == 1 {
			s.must(s.Cancel(s.ctx, leases[i].Mailbox))
		}
	}
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			for n := range rounds {
				keys := []string{fmt.Sprintf("%02d-a", n), fmt.Sprintf("%02d-b", n)}
				r := rows(ledger.Verified, keys...)
				r[0].Flags = mail.NewFlagSet(mail.Seen, fmt.Sprintf("keyword%d-%d", i, n))
				r[1].Notes = []mail.Note{{Kind: fmt.Sprintf("kind-%d", n%3), Text: "text"}}
				err := s.Checkpoint(s.ctx, leases[i], ledger.Change{Folder: folders[i].ID, Settled: r})
				if lost := i%2 == 1; lost == (err == nil) {
					s.Errorf("worker %d, round %d: %v", i, n, err)
					return
				}
				if err == nil {
					got, err := s.Lookup(s.ctx, folders[i].ID, keys)
					if err != nil || got[0].Flags.String() != r[0].Flags.String() || len(got[1].Notes) != 1 || got[1].Notes[0] != r[1].Notes[0] {
						s.Errorf("worker %d, round %d: not there after the checkpoint: %+v, %v", i, n, got, err)
					}
				}
			}
		})
	}
	wg.Wait()
	for i, f := range folders {
		want := 2 * rounds
		if i%2 == 1 {
			want = 0
		}
		if got := len(s.keys(f.ID)); got != want {
			s.Errorf("folder of worker %d has %d rows, want %d", i, got, want)
		}
	}
}

func (s *suite) repeat() {
	lease, f := s.working("anna")
	first := ledger.Change{Folder: f.ID, Open: &ledger.Intent{Seq: 1, Position: "p1", Keys: []string{"a", "b"}}}
	r := rows(ledger.Delivered, "a", "b")
	r[0].Notes = []mail.Note{{Kind: "k", Text: "one"}, {Kind: "k", Text: "two"}}
	second := ledger.Change{Folder: f.ID, Settled: r, Close: []int64{1}, Open: &ledger.Intent{Seq: 2, Position: "p2", Keys: []string{"c"}}}
	third := ledger.Change{Folder: f.ID, Rekey: []ledger.Rekey{{Old: "a", New: "A"}}, Close: []int64{2}, Complete: &ledger.Complete{Census: "s", Found: 2}}
	for _, c := range []ledger.Change{first, second, third} {
		s.must(s.Checkpoint(s.ctx, lease, c))
		s.must(s.Checkpoint(s.ctx, lease, c))
	}
	s.wantKeys(s.keys(f.ID), "A", "b")
	counts, err := s.NoteCounts(s.ctx, lease.Mailbox)
	s.must(err)
	if len(counts) != 1 || counts["k"] != 2 {
		s.Errorf("notes: %v", counts)
	}
}

func (s *suite) intents() {
	lease, f := s.working("anna")
	many := make([]string, 700)
	for i := range many {
		many[i] = fmt.Sprintf("1700000%03d.M%dP1.host,S=%d", i, i*7, i)
	}
	a := ledger.Intent{Seq: 1, Position: "uidvalidity 5, uidnext 9", Keys: []string{"a", "b\xff\x00"}}
	b := ledger.Intent{Seq: 2, Position: "", Keys: many}
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Open: &b}))
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Open: &a}))
	got, err := s.Intents(s.ctx, f.ID)
	s.must(err)
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", []ledger.Intent{a, b}) {
		s.Errorf("got %+v", got)
	}
	clash := ledger.Intent{Seq: 1, Position: "elsewhere", Keys: []string{"z"}}
	s.wantClass(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Open: &clash}), failure.Conflict)
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Close: []int64{1, 77}, Open: &ledger.Intent{Seq: 3, Keys: []string{"q"}}}))
	got, err = s.Intents(s.ctx, f.ID)
	s.must(err)
	if len(got) != 2 || got[0].Seq != 2 || got[1].Seq != 3 {
		s.Errorf("after closing: %+v", got)
	}
}

func (s *suite) rekey() {
	lease, f := s.working("anna")
	set := rows(ledger.Quarantined, "1", "2", "3", "4")
	set[1].Rule, set[1].Reason = "r2", "reason 2"
	set[2].Notes = []mail.Note{{Kind: "n3", Text: "note 3"}}
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Settled: set}))
	// A chain and a ring: 2>1>0, 3>4>3; and one that was never there.
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Rekey: []ledger.Rekey{
		{Old: "2", New: "1"}, {Old: "1", New: "0"}, {Old: "3", New: "4"}, {Old: "4", New: "3"}, {Old: "never", New: "5"}}}))
	s.wantKeys(s.keys(f.ID), "0", "1", "3", "4")
	got, err := s.Lookup(s.ctx, f.ID, []string{"0", "1", "3", "4"})
	s.must(err)
	for i, was := range []int{0, 1, 3, 2} {
		want := set[was]
		want.Key = got[i].Key
		if fmt.Sprintf("%+v", got[i]) != fmt.Sprintf("%+v", want) {
			s.Errorf("row %s: got %+v, want %+v", got[i].Key, got[i], want)
		}
	}
	s.wantClass(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Rekey: []ledger.Rekey{{Old: "0", New: "4"}}}), failure.Conflict)
	s.wantKeys(s.keys(f.ID), "0", "1", "3", "4")
}

func (s *suite) complete() {
	lease, f := s.working("anna")
	if f.ID == 0 || f.Mailbox != lease.Mailbox || f.Complete || f.Use != mail.UseInbox {
		s.Fatalf("new folder: %+v", f)
	}
	put := func() ledger.Folder {
		f, err := s.PutFolder(s.ctx, lease, ledger.Folder{Path: mail.Inbox, Target: mail.Inbox, Use: mail.UseInbox})
		s.must(err)
		return f
	}
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Complete: &ledger.Complete{Census: "state 1", Found: 7}}))
	if f := put(); !f.Complete || f.Census != "state 1" || f.Found != 7 || f.Error != "" {
		s.Errorf("completed: %+v", f)
	}
	s.must(s.FailFolder(s.ctx, lease, f.ID, failure.Malformed, "cut off"))
	if f := put(); f.Complete || f.Census != "" || f.Error != "cut off" || f.Class != failure.Malformed {
		s.Errorf("failed: %+v", f)
	}
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Complete: &ledger.Complete{Found: 8}}))
	if f := put(); !f.Complete || f.Error != "" || f.Found != 8 {
		s.Errorf("completed again: %+v", f)
	}
}

func (s *suite) fixed() {
	lease, _ := s.working("anna")
	put := func(target mail.Path) ledger.Folder {
		f, err := s.PutFolder(s.ctx, lease, ledger.Folder{Path: "Gesendet", Target: target, Use: mail.UseSent})
		s.must(err)
		return f
	}
	account := func(to string) error {
		m, err := s.PutMailbox(s.ctx, ledger.Mailbox{User: "anna", Account: to})
		if err == nil && m.ID != lease.Mailbox {
			s.Errorf("the mailbox became %+v", m)
		}
		return err
	}
	f := put("Sent")
	if g := put("Sent Items"); g.ID != f.ID || g.Target != "Sent Items" {
		s.Errorf("an unused folder keeps target %q", g.Target)
	}
	s.must(account("other@new"))
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Open: &ledger.Intent{Seq: 1, Keys: []string{"a"}}}))
	if g := put("Elsewhere"); g.Target != "Sent Items" {
		s.Errorf("a folder with an intent moved to %q", g.Target)
	}
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Close: []int64{1}, Settled: rows(ledger.Delivered, "a")}))
	if g := put("Elsewhere"); g.Target != "Sent Items" {
		s.Errorf("a folder with rows moved to %q", g.Target)
	}
	s.wantClass(account("third@new"), failure.Conflict)
	s.must(account(""))
	s.must(account("other@new"))
	if m := s.job(lease.Mailbox); m.Account != "other@new" || m.State != ledger.Running || m.Attempt != lease.Attempt {
		s.Errorf("the mailbox became %+v", m)
	}
}

func (s *suite) tallies() {
	lease, f := s.working("anna")
	other, g := s.working("berta")
	set := append(rows(ledger.Verified, "v1", "v2"), rows(ledger.Skipped, "s1")...)
	unknown := ledger.Row{Key: "q1", State: ledger.Quarantined, Size: -1}
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Settled: append(set, unknown),
		Open: &ledger.Intent{Seq: 1, Keys: []string{"v1", "x", "y"}}}))
	s.must(s.Checkpoint(s.ctx, lease, ledger.Change{Folder: f.ID, Open: &ledger.Intent{Seq: 2, Keys: []string{"y", "z"}}}))
	s.must(s.Checkpoint(s.ctx, other, ledger.Change{Folder: g.ID, Settled: rows(ledger.Delivered, "d")}))

	all, err := s.Tallies(s.ctx, 0)
	s.must(err)
	one, err := s.Tallies(s.ctx, lease.Mailbox)
	s.must(err)
	if len(all) != 2 || len(one) != 1 || one[0] != all[0] {
		s.Fatalf("all %+v, one %+v", all, one)
	}
	var messages, bytes [7]int64
	messages[ledger.Sent], messages[ledger.Verified], messages[ledger.Skipped], messages[ledger.Quarantined] = 3, 2, 1, 1
	bytes[ledger.Verified], bytes[ledger.Skipped] = 201, 100
	if t := all[0]; t.Messages != messages || t.Bytes != bytes || t.Path != mail.Inbox || t.Mailbox != lease.Mailbox {
		s.Errorf("got %+v", t)
	}
	if t := all[1]; t.Messages[ledger.Delivered] != 1 || t.Folder.ID != g.ID {
		s.Errorf("got %+v", t)
	}
}
