package preflight

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// A preflight that is killed leaves its canaries behind. Each is therefore
// written to the ledger before it is made, and the next preflight removes what
// it finds there. Only what is recorded is removed, never what merely has a
// canary's name.

// trace is what a canary may leave in the target.
type trace struct {
	Account string `json:"account"`
	// Made says that the account itself is the canary.
	Made     bool               `json:"made,omitempty"`
	Folder   mail.Path          `json:"folder,omitempty"`
	Own      bool               `json:"own,omitempty"` // the folder is the canary's
	Position connector.Position `json:"position,omitempty"`
}

const (
	kindCanary   = "canary"
	canaryIsGone = ledger.ProvisionedRemoved
)

// leave records a trace under a name before it is made.
func (m *Check) leave(ctx context.Context, name string, t trace) error {
	if m.Ledger == nil {
		return nil // "waybill preflight" alone keeps no ledger
	}
	state, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return m.Ledger.SetProvisioned(ctx, kindCanary, name, string(state))
}

// gone records that a trace is removed.
func (m *Check) gone(name string) {
	if m.Ledger != nil {
		_ = m.Ledger.SetProvisioned(context.Background(), kindCanary, name, canaryIsGone)
	}
}

// sweep removes what an interrupted preflight of this migration left.
func (m *Check) sweep(ctx context.Context) error {
	if m.Ledger == nil {
		return nil
	}
	m.outstanding = map[string]bool{}
	for left, err := range m.Ledger.Unsettled(ctx, kindCanary) {
		if err != nil {
			return err
		}
		name := left.ID
		var t trace
		if json.Unmarshal([]byte(left.State), &t) != nil {
			continue
		}
		m.step(ctx, "preflight: remove what an interrupted one left", "account", t.Account, "folder", t.Folder)
		if err := m.sweepOne(ctx, t); err != nil && failure.ClassOf(err) != failure.Vanished {
			if stops(err) {
				return err
			}
			m.emit(event.Event{Code: event.CanaryLeft, User: t.Account, Folder: string(t.Folder), Detail: err.Error()})
			m.outstanding[name] = true
			continue
		}
		m.gone(name)
	}
	return nil
}

func (m *Check) sweepOne(ctx context.Context, t trace) error {
	if t.Made {
		return m.maker().DeleteAccount(ctx, t.Account)
	}
	box, err := m.Target.Mailbox(ctx, t.Account)
	if err != nil {
		return err
	}
	err = t.removeMessages(ctx, box)
	if t.Own {
		err = errors.Join(err, unlessVanished(box.DeleteFolder(ctx, t.Folder)))
	}
	return errors.Join(err, box.Close())
}

// removeMessages removes what the trace's canary delivered.
func (t trace) removeMessages(ctx context.Context, box connector.TargetMailbox) (err error) {
	if t.Position == "" {
		return nil
	}
	var ids []string
	for stored, arrived := range box.Arrived(ctx, t.Folder, t.Position) {
		if arrived != nil {
			err = unlessVanished(arrived)
			break
		}
		ours := t.Own
		if !ours {
			var unread error
			ours, unread = isCanary(ctx, box, t.Folder, stored.ID)
			err = errors.Join(err, unread)
		}
		if ours {
			ids = append(ids, stored.ID)
		}
	}
	for _, id := range slices.Backward(ids) {
		err = errors.Join(err, unlessVanished(box.Remove(ctx, t.Folder, id)))
	}
	return err
}

// unlessVanished is err, or nil when it says that there is nothing any more.
func unlessVanished(err error) error {
	if err != nil && failure.ClassOf(err) == failure.Vanished {
		return nil
	}
	return err
}

// isCanary looks into a message that arrived in somebody's inbox. One that is
// gone again is none.
func isCanary(ctx context.Context, box connector.TargetMailbox, folder mail.Path, id string) (bool, error) {
	_, r, err := box.Open(ctx, folder, id)
	if err != nil {
		return false, unlessVanished(err)
	}
	start := make([]byte, len(canaryStart))
	n, err := io.ReadFull(r, start)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil // shorter than a canary
	}
	return string(start[:n]) == canaryStart, errors.Join(err, r.Close())
}
