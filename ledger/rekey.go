package ledger

import (
	"errors"
	"fmt"

	"waybill/failure"
)

// asides are the tables that hang on a message's key.
var asides = [...]string{"message", "exception", "note"}

// rekey gives rows new keys, as if all at the same moment: a key that one row
// leaves may be taken by another, in a ring too. A row that is not there was
// renamed before, or never was. A new key that belongs to a row which does not
// move is failure.Conflict.
func (w *writer) rekey(folder int64, moves []Rekey) error {
	leaving := make(map[string]bool, len(moves))
	taken := make(map[string]bool, len(moves))
	for _, m := range moves {
		if leaving[m.Old] || taken[m.New] {
			return rekeyConflict(folder, m, "a key is named twice")
		}
		leaving[m.Old], taken[m.New] = true, true
	}
	// Only a key that is taken and left at the same time needs the detour over a
	// name that no message can have, being longer than a key may be.
	var detours []Rekey
	for i, m := range moves {
		switch {
		case m.Old == m.New:
			continue
		case leaving[m.New]:
			aside := parked(i)
			detours = append(detours, Rekey{Old: aside, New: m.New})
			m.New = aside
		default:
			if err := w.vacant(folder, m); err != nil {
				return err
			}
		}
		if err := w.rename(folder, m); err != nil {
			return err
		}
	}
	for _, m := range detours {
		if err := w.rename(folder, m); err != nil {
			return err
		}
	}
	return nil
}

// parked is a key that no message can have.
func parked(i int) string { return fmt.Sprintf("%0*d", maxKey+1, i) }

// vacant makes sure that a row can move to a key outside of the moving ones.
func (w *writer) vacant(folder int64, m Rekey) error {
	var both int64
	_, err := w.row(`SELECT count(*) FROM message WHERE folder = ? AND key IN (?, ?)`,
		[]any{folder, []byte(m.Old), []byte(m.New)}, &both)
	if err == nil && both == 2 {
		err = rekeyConflict(folder, m, "a row with the new key is there already")
	}
	return err
}

func (w *writer) rename(folder int64, m Rekey) error {
	for _, table := range asides {
		if _, err := w.exec(`UPDATE `+table+` SET key = ? WHERE folder = ? AND key = ?`,
			[]byte(m.New), folder, []byte(m.Old)); err != nil {
			return err
		}
	}
	return nil
}

func rekeyConflict(folder int64, m Rekey, text string) error {
	return failure.New(failure.Conflict, "give a message a new key", fmt.Sprintf("folder %d, key %q", folder, m.Old), "ledger.rekey",
		fmt.Errorf("to %q: %w", m.New, errors.New(text)))
}
