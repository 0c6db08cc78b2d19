package fake

import (
	"context"
	"strings"

	"waybill/failure"
	"waybill/mail"
)

// Mode is when a fault strikes.
type Mode uint8

// The modes of a fault.
const (
	// Before fails the call without any effect.
	Before Mode = iota
	// After lets the call have its whole effect and loses the answer.
	After
	// Partial lets Append store the first K items of the batch and then fails
	// without a receipt. Other calls take it for Before.
	Partial
	// Hang waits until the context ends.
	Hang
)

// Fault is something that goes wrong, once or for ever.
type Fault struct {
	// Call names the method: "Append", "target.Open", "source.Read". Without
	// "source." or "target." it means both sides; "target." alone means every
	// call of that side.
	Call string
	// User and Folder narrow it; empty means any.
	User   string
	Folder mail.Path
	// N strikes the N-th matching call from now, counted from 1; 0 strikes all.
	N    int
	Mode Mode
	K    int
	// Err is what the call returns. Nil means Transient, or, where Do is set,
	// no error at all.
	Err error
	// Do, when set, is called when the fault strikes, before the call has any effect:
	// to let a message vanish, cancel a context, or count.
	Do func()

	seen int
}

// Call is one call that a System received.
type Call struct {
	Name   string // "target.Append"
	User   string
	Folder mail.Path
}

// Inject adds faults. When several match a call, the first one strikes.
func (s *System) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		f.seen = 0
		s.faults = append(s.faults, &f)
	}
}

// Heal removes all faults.
func (s *System) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Calls lists all calls so far, oldest first; only those called name when it is
// not empty, matched as in Fault.
func (s *System) Calls(name string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []Call
	for _, c := range s.log {
		if name == "" || matches(name, c.Name) {
			list = append(list, c)
		}
	}
	return list
}

func matches(wanted, call string) bool {
	side, method, _ := strings.Cut(call, ".")
	return wanted == call || wanted == method || wanted == side+"."
}

// call runs effect as the call of that name, with whatever fault is due.
func (s *System) call(ctx context.Context, name, user string, folder mail.Path, effect func(f *Fault) error) error {
	where := strings.TrimSpace(user + " " + string(folder))
	if err := cancelled(ctx, name, where); err != nil {
		return err
	}
	f := s.strike(name, user, folder)
	if f == nil {
		return effect(nil)
	}
	if f.Do != nil {
		f.Do()
	}
	if f.Mode == Hang {
		<-ctx.Done()
		return cancelled(ctx, name, where)
	}
	err := f.Err
	if err == nil && f.Do == nil {
		err = failure.New(failure.Transient, name, where, "fake.fault", nil)
	}
	if err != nil && (f.Mode == Before || f.Mode == Partial && name != "target.Append") {
		return err
	}
	if failed := effect(&Fault{Mode: f.Mode, K: f.K, Err: err}); failed != nil {
		return failed
	}
	if f.Mode == After || f.Mode == Partial {
		return err
	}
	return nil
}

// strike notes the call and finds the fault that is due.
func (s *System) strike(name, user string, folder mail.Path) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name != "source.Read" && name != "target.Read" {
		s.log = append(s.log, Call{Name: name, User: user, Folder: folder})
	}
	var due *Fault
	for _, f := range s.faults {
		if !matches(f.Call, name) || f.User != "" && f.User != user || f.Folder != "" && f.Folder != folder {
			continue
		}
		f.seen++
		if due == nil && (f.N == 0 || f.N == f.seen) {
			due = f
		}
	}
	return due
}

func cancelled(ctx context.Context, op, where string) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, op, where, "fake.cancelled", err)
	}
	return nil
}
