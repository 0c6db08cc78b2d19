package preflight

import (
	"context"
	"fmt"

	"waybill/connector"
	"waybill/event"
	"waybill/rights"
)

// room asks an open mailbox whether what is to come fits into it.
func (m *Check) room(ctx context.Context, box connector.TargetMailbox, a Account, proof *tally) {
	teller, ok := box.(connector.RoomTeller)
	if !ok {
		return
	}
	room, err := teller.Room(ctx)
	if err != nil {
		m.step(ctx, "preflight: the room of a mailbox is not known", "account", a.ID, "error", err.Error())
		return
	}
	m.maps.mu.Lock()
	m.maps.tellers = true
	if room.MaxMessage > 0 && (m.maps.limit == 0 || room.MaxMessage < m.maps.limit) {
		m.maps.limit = room.MaxMessage
	}
	m.maps.mu.Unlock()
	if a.User == "" {
		return // a canary account
	}
	const action = "hold what is to come"
	if free := room.Quota - max(room.Used, 0); room.Quota >= 0 && a.Bytes > 0 && a.Bytes > free {
		proof.add(rights.Finding{Action: action, Where: a.ID, Event: string(event.NoRoom),
			Detail: fmt.Sprintf("%d bytes are to come, and of the quota of %d bytes %d are free", a.Bytes, room.Quota, max(free, 0)),
			Needed: fmt.Sprintf("a quota of %d bytes", a.Bytes+max(room.Used, 0)), Held: fmt.Sprintf("one of %d", room.Quota)})
	}
	m.tooLarge(ctx, a, room.MaxMessage, proof)
}

// look goes through the accounts that no canary flew to: what each still has room
// for, and which messages are too large. Accounts that an earlier run has filled
// are looked at only when all are to be.
func (m *Check) look(ctx context.Context, planned []Account, tried map[string]bool, proof *tally) {
	if m.Source == nil {
		return
	}
	tellers, limit := m.maps.tellers, m.maps.limit
	if max := m.Target.Capabilities().MaxMessage; max > 0 && (limit == 0 || max < limit) {
		limit = max
	}
	var todo []Account
	flown := 0
	for _, a := range planned {
		if !a.Create {
			flown++
		}
		switch {
		case a.Unreadable, a.Proven && !m.All, tried[a.ID]:
		case !a.Create && flown <= 2: // with the first two
		case !a.Create && tellers, a.Create && limit > 0:
			todo = append(todo, a)
		}
	}
	m.each(ctx, todo, m.workers(m.Target.Capabilities().Parallel), func(a Account) {
		if a.Create {
			m.tooLarge(ctx, a, limit, proof)
			return
		}
		box, err := m.Target.Mailbox(ctx, a.ID)
		if err != nil {
			proof.add(m.notNow(a.ID, findingOf("log on to the mailbox", a.ID, err))...)
			return
		}
		m.room(ctx, box, a, proof)
		_ = box.Close() // nothing was written
	})
}

// notNow turns trouble of one mailbox among many into information.
func (m *Check) notNow(account string, findings []rights.Finding) []rights.Finding {
	for i := range findings {
		if f := &findings[i]; isTrouble(*f) {
			m.emit(event.Event{Code: event.Code(f.Event), User: account, Detail: f.Detail})
			f.OK, f.Detail = true, "could not be tried now: "+f.Detail
		}
	}
	return findings
}

// tooLarge counts the messages of a user that are larger than what is taken.
func (m *Check) tooLarge(ctx context.Context, a Account, limit int64, proof *tally) {
	if m.Source == nil || limit <= 0 || a.User == "" || a.Unreadable || a.Proven && !m.All {
		return
	}
	n, err := m.larger(ctx, a.User, limit)
	if err != nil {
		m.step(ctx, "preflight: large messages are not counted", "user", a.User, "error", err.Error())
		return
	}
	if n == 0 {
		return
	}
	detail := fmt.Sprintf("%d messages have more than the %d bytes that the target takes, and each will be refused", n, limit)
	m.emit(event.Event{Code: event.MessagesTooLarge, User: a.User, Detail: detail})
	proof.add(rights.Finding{Action: "take the largest messages", Where: a.ID, OK: true, Detail: detail, Event: string(event.MessagesTooLarge)})
}

// larger counts a user's messages of more bytes than limit, where the source can
// tell without reading them.
func (m *Check) larger(ctx context.Context, user string, limit int64) (n int64, err error) {
	box, err := m.Source.Mailbox(ctx, user)
	if err != nil {
		return 0, err
	}
	defer box.Close()
	finder, ok := connector.Find[connector.LargeFinder](box)
	if !ok {
		return 0, nil
	}
	folders, err := box.Folders(ctx)
	if err != nil {
		return 0, err
	}
	for _, f := range folders {
		if f.Container {
			continue
		}
		more, err := finder.Larger(ctx, f.Path, limit)
		if err != nil {
			m.step(ctx, "preflight: large messages are not counted", "user", user, "folder", f.Path, "error", err.Error())
			continue
		}
		n += more
	}
	return n, nil
}
