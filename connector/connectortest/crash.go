package connectortest

import (
	"errors"
	"fmt"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/failure"
	"waybill/mail"
)

func crashCases() []testCase {
	return []testCase{
		{"crash/after-each-call", crashAfterEachCall},
		{"crash/twice", crashTwice},
		{"crash/inside-append", crashInsideAppend},
	}
}

// errCrash ends a voyage where the crash was ordered.
var errCrash = errors.New("crash")

// voyage is a small migration with the memory that an engine has of one, which
// survives crashes. It delivers each letter exactly once, or the target is at fault.
type voyage struct {
	*trial
	crashes map[int]bool // numbers of the calls whose answer is lost
	calls   int

	account string
	shelves []*shelf
}

// shelf is what the voyage remembers of one folder.
type shelf struct {
	path    mail.Path
	letters []post.Letter
	base    connector.Position // taken before everything
	settled map[int]bool
	intent  []int // letters that were about to be sent
	at      connector.Position
	open    bool
}

// call makes one call of the target; where a crash is due its effect is done,
// and its answer lost.
func (v *voyage) call(f func() error) error {
	err := f()
	v.calls++
	if v.crashes[v.calls] {
		return errCrash
	}
	return err
}

func newVoyage(tr *trial, crashes ...int) *voyage {
	v := &voyage{trial: tr, crashes: map[int]bool{}}
	for _, n := range crashes {
		v.crashes[n] = true
	}
	same := post.Compose(1)
	for i, name := range []string{"Orders", "Bills"} {
		letters := append([]post.Letter{same, same}, post.Many(10*i, 4)...)
		v.shelves = append(v.shelves, &shelf{path: mail.NewPath(name), letters: append(letters, same), settled: map[int]bool{}})
	}
	return v
}

// sail migrates until nothing is left, over all crashes, and proves the outcome.
func (v *voyage) sail() {
	v.Helper()
	first := v.open()
	v.account = v.trial.account(first, 0)
	v.CloseOnce("close the target", first)
	for {
		target := v.open()
		mailbox, err := v.leg(target)
		if err == nil {
			v.prove(target, mailbox)
			return
		}
		if !errors.Is(err, errCrash) {
			v.Must(fmt.Sprintf("migrate with a crash at %v", v.crashes), err)
		}
		v.drop(target, mailbox)
	}
}

// leg goes on where the last one ended.
func (v *voyage) leg(target connector.Target) (mailbox connector.TargetMailbox, err error) {
	err = v.call(func() (err error) { mailbox, err = target.Mailbox(v.Ctx, v.account); return err })
	if err != nil {
		return mailbox, err
	}
	for _, s := range v.shelves {
		s.path, _, _ = target.FolderName(s.path, 0)
		if err := v.call(func() error { return mailbox.CreateFolder(v.Ctx, mail.Folder{Path: s.path}) }); err != nil {
			return mailbox, err
		}
		if s.base == "" {
			base, err := v.position(mailbox, s)
			if err != nil {
				return mailbox, err
			}
			s.base = base
		}
		if s.open {
			if err := v.resolve(target, mailbox, s); err != nil {
				return mailbox, err
			}
		}
		if err := v.send(mailbox, s); err != nil {
			return mailbox, err
		}
	}
	return mailbox, nil
}

func (v *voyage) position(mailbox connector.TargetMailbox, s *shelf) (at connector.Position, err error) {
	err = v.call(func() (err error) { at, err = mailbox.Position(v.Ctx, s.path); return err })
	return at, err
}

// send appends what is not settled, three at a time, each batch with its intent.
func (v *voyage) send(mailbox connector.TargetMailbox, s *shelf) error {
	for {
		var batch []int
		var sent []post.Letter
		for i, l := range s.letters {
			if !s.settled[i] && len(batch) < 3 {
				batch, sent = append(batch, i), append(sent, l)
			}
		}
		if len(batch) == 0 {
			return nil
		}
		at, err := v.position(mailbox, s)
		if err != nil {
			return err
		}
		s.at, s.intent, s.open = at, batch, true
		var receipts []connector.Receipt
		err = v.call(func() (err error) { receipts, err = mailbox.Append(v.Ctx, s.path, at, post.Items(sent)); return err })
		if err != nil {
			return err
		}
		for i, r := range receipts {
			if r.Err != nil {
				return r.Err
			}
			s.settled[batch[i]] = true
		}
		s.open = false
	}
}

// resolve finds out what became of the open intent by looking at what arrived.
func (v *voyage) resolve(target connector.Target, mailbox connector.TargetMailbox, s *shelf) error {
	var arrived []mail.Digest
	err := v.call(func() (err error) {
		arrived, err = v.digests(target, mailbox, s.path, s.at)
		return err
	})
	if err != nil {
		return err
	}
	d := &desk{trial: v.trial, target: target}
	for _, digest := range arrived {
		found := false
		for _, i := range s.intent {
			if !s.settled[i] && d.digest(s.letters[i]) == digest {
				s.settled[i], found = true, true
				break
			}
		}
		if !found {
			v.Errorf("crash at %v: a message arrived that is in no open intent, or is a piece of one", v.crashes)
		}
	}
	s.open = false
	return nil
}

func (v *voyage) digests(target connector.Target, mailbox connector.TargetMailbox, path mail.Path, since connector.Position) ([]mail.Digest, error) {
	list, err := check.Collect(mailbox.Arrived(v.Ctx, path, since))
	if err != nil {
		return nil, err
	}
	var all []mail.Digest
	for _, s := range list {
		_, body, err := mailbox.Open(v.Ctx, path, s.ID)
		if err != nil {
			return nil, err
		}
		digest, err := target.Fingerprint(v.Ctx, body)
		v.Check("close message", body.Close())
		if err != nil {
			return nil, err
		}
		all = append(all, digest)
	}
	return all, nil
}

// prove compares what was to be moved with what is there, as multisets.
func (v *voyage) prove(target connector.Target, mailbox connector.TargetMailbox) {
	v.Helper()
	d := &desk{trial: v.trial, target: target}
	for _, s := range v.shelves {
		balance := map[mail.Digest]int{}
		for _, l := range s.letters {
			balance[d.digest(l)]++
		}
		got, err := v.digests(target, mailbox, s.path, s.base)
		v.Must("read back "+string(s.path), err)
		for _, digest := range got {
			balance[digest]--
		}
		for _, n := range balance {
			if n > 0 {
				v.Errorf("crash at %v: %d copies of a message are lost in %s", v.crashes, n, s.path)
			} else if n < 0 {
				v.Errorf("crash at %v: a message is in %s %d times too often", v.crashes, s.path, -n)
			}
		}
	}
	v.CloseOnce("close the mailbox", mailbox)
}

// fresh is the trial again on a store of its own.
func (tr *trial) fresh(t *testing.T) *trial {
	again := *tr
	again.Case, again.store = check.NewCase(tr.Ctx, t), tr.cfg.NewStore(t)
	return &again
}

// crashAfterEachCall loses the answer of each call of a small migration in turn.
func crashAfterEachCall(tr *trial) {
	whole := newVoyage(tr)
	whole.sail()
	for n := 1; n <= whole.calls && !tr.Failed(); n++ {
		tr.Run(fmt.Sprint(n), func(t *testing.T) { newVoyage(tr.fresh(t), n).sail() })
	}
}

// crashTwice crashes again while the first crash is being resolved.
func crashTwice(tr *trial) {
	whole := newVoyage(tr)
	whole.sail()
	for n := 1; n <= whole.calls && !tr.Failed(); n += stride() {
		tr.Run(fmt.Sprint(n), func(t *testing.T) { newVoyage(tr.fresh(t), n, n+2, n+4, n+5).sail() })
	}
}

func stride() int {
	if testing.Short() {
		return 7
	}
	return 2
}

// crashInsideAppend kills the target in the middle of each item: the files of
// the store are put back to what they were at that moment, which is what a
// killed process leaves behind.
func crashInsideAppend(tr *trial) {
	if tr.store.Dir == "" {
		tr.Skip("the store is not in a directory that could be put back")
	}
	d := tr.desk()
	base := d.position()
	d.deliver(post.Compose(100))
	sum := []post.Letter{post.Compose(100)}
	letters := post.Many(0, 3)
	for i := range letters {
		for range 9000 {
			letters[i].Body = append(letters[i].Body, "one more line of the cut message\r\n"...)
		}
	}
	for k := range letters {
		at := d.position()
		var then *check.Snapshot
		sent := append([]post.Letter{}, letters...)
		sent[k] = sent[k].Halfway(func() (err error) {
			then, err = check.TakeSnapshot(tr.store.Dir)
			if err != nil {
				return err
			}
			return post.Broken()
		})
		_, err := d.mailbox.Append(d.Ctx, d.path, at, post.Items(sent))
		if err != nil && failure.ClassOf(err) == failure.Internal {
			tr.Must("append", err)
		}
		d.CloseOnce("close the mailbox", d.mailbox)
		d.CloseOnce("close the target", d.target)
		if then == nil {
			tr.Fatalf("Append never read item %d", k+1)
		}
		if err := then.Restore(tr.store.Dir); err != nil {
			tr.Fatal(err)
		}
		d.target = d.open()
		d.mailbox = tr.mailbox(d.target, d.account)
		got := d.arrived(at)
		if len(got) > k {
			tr.Errorf("killed in item %d of a batch: %d messages arrived", k+1, len(got))
		}
		d.wantContents(at, letters[:min(len(got), k)])
		d.deliver(letters[len(got):]...)
		sum = append(sum, letters...)
		d.wantContents(base, sum)
	}
}
