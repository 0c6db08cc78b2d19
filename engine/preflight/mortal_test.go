package preflight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// life counts the calls to a target and lets something happen at one of them.
// Calls come one after the other, so that a call is either over or never began.
type life struct {
	mu   sync.Mutex
	left int    // calls until it happens; 0 never
	then func() // what happens, after the call's effect
	// lost loses the answer of that call; over loses all later ones, too, which
	// then have no effect.
	lost, over bool
	ended      bool
	made       []directory.User // by CreateAccount
}

func (l *life) call(effect func() error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended && l.over {
		return errLost()
	}
	err := effect()
	if l.left--; l.left != 0 {
		return err
	}
	l.ended = true
	if l.then != nil {
		l.then()
	}
	if l.lost || l.over {
		return errLost()
	}
	return err
}

func errLost() error {
	return failure.New(failure.Transient, "call", "target", "test.lost", errors.New("the connection is lost"))
}

// mortal is a target whose calls are counted.
type mortal struct {
	connector.Target
	life *life
}

func (m mortal) CreateAccount(ctx context.Context, u directory.User) error {
	return m.life.call(func() error { m.life.made = append(m.life.made, u); return m.Target.CreateAccount(ctx, u) })
}

func (m mortal) DeleteAccount(ctx context.Context, id string) error {
	return m.life.call(func() error { return m.Target.DeleteAccount(ctx, id) })
}

func (m mortal) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return collect(m.life, m.Target.Accounts(ctx))
}

func (m mortal) Mailbox(ctx context.Context, account string) (box connector.TargetMailbox, err error) {
	err = m.life.call(func() error {
		if box, err = m.Target.Mailbox(ctx, account); err == nil {
			box = mortalBox{box, m.life}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return box, nil
}

// collect makes one call of an iteration.
func collect[T any](l *life, from iter.Seq2[T, error]) iter.Seq2[T, error] {
	type pair struct {
		v   T
		err error
	}
	return func(yield func(T, error) bool) {
		var all []pair
		err := l.call(func() error {
			for v, err := range from {
				all = append(all, pair{v, err})
			}
			return nil
		})
		if err != nil {
			all = []pair{{err: err}}
		}
		for _, p := range all {
			if !yield(p.v, p.err) {
				return
			}
		}
	}
}

type mortalBox struct {
	connector.TargetMailbox
	life *life
}

func (b mortalBox) Folders(ctx context.Context) (list []mail.Folder, err error) {
	return list, b.life.call(func() error { list, err = b.TargetMailbox.Folders(ctx); return err })
}

func (b mortalBox) CreateFolder(ctx context.Context, f mail.Folder) error {
	return b.life.call(func() error { return b.TargetMailbox.CreateFolder(ctx, f) })
}

func (b mortalBox) DeleteFolder(ctx context.Context, p mail.Path) error {
	return b.life.call(func() error { return b.TargetMailbox.DeleteFolder(ctx, p) })
}

func (b mortalBox) Position(ctx context.Context, p mail.Path) (at connector.Position, err error) {
	err = b.life.call(func() error { at, err = b.TargetMailbox.Position(ctx, p); return err })
	return at, err
}

func (b mortalBox) Append(ctx context.Context, p mail.Path, at connector.Position, items []connector.Item) (receipts []connector.Receipt, err error) {
	err = b.life.call(func() error { receipts, err = b.TargetMailbox.Append(ctx, p, at, items); return err })
	if err != nil {
		return nil, err
	}
	return receipts, nil
}

func (b mortalBox) Arrived(ctx context.Context, p mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return collect(b.life, b.TargetMailbox.Arrived(ctx, p, since))
}

func (b mortalBox) Open(ctx context.Context, p mail.Path, id string) (s connector.Stored, r io.ReadCloser, err error) {
	err = b.life.call(func() error { s, r, err = b.TargetMailbox.Open(ctx, p, id); return err })
	if err != nil {
		return connector.Stored{}, nil, err
	}
	return s, slow{r}, nil
}

// slow reads a byte at a time, as a reader may.
type slow struct{ io.ReadCloser }

func (s slow) Read(p []byte) (int, error) { return s.ReadCloser.Read(p[:min(len(p), 1)]) }

func (b mortalBox) Remove(ctx context.Context, p mail.Path, id string) error {
	return b.life.call(func() error { return b.TargetMailbox.Remove(ctx, p, id) })
}

func (b mortalBox) Close() error { return b.life.call(b.TargetMailbox.Close) }

// holds lists everything that a system holds.
func holds(t testing.TB, s *fake.System) (all []string) {
	t.Helper()
	ctx := context.Background()
	source := s.Source()
	for u, err := range source.Users(ctx) {
		must(t, err)
		all = append(all, u.ID)
		box, err := source.Mailbox(ctx, u.ID)
		must(t, err)
		folders, err := box.Folders(ctx)
		must(t, err)
		for _, f := range folders {
			all = append(all, fmt.Sprintf("%s %s", u.ID, f.Path))
			for _, m := range s.Messages(u.ID, f.Path) {
				all = append(all, fmt.Sprintf("%s %s %q", u.ID, f.Path, m.Body))
			}
		}
		must(t, box.Close())
	}
	slices.Sort(all)
	return all
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// openLedger opens the ledger in dir, which is in memory where that is possible.
func openLedger(t testing.TB, dir string) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(context.Background(), filepath.Join(dir, "test.ledger"), ledger.Options{Command: "test"})
	must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// recorder is an event sink that tests look into.
type recorder struct {
	mu    sync.Mutex
	codes []event.Code
}

func (r *recorder) Emit(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.codes = append(r.codes, e.Code)
}

func (r *recorder) has(code event.Code) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.codes, code)
}
