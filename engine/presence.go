package engine

import (
	"context"
	"hash/maphash"
	"io"
	"iter"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/ledger"
	"waybill/mail"
)

// storedLister is a TargetMailbox that can list what a folder holds, all of it,
// without contents. It saves asking for each message.
type storedLister interface {
	List(ctx context.Context, folder mail.Path) iter.Seq2[connector.Stored, error]
}

const missingReason = "not in the folder any more; its owner may have moved or deleted it"

// presence are the IDs in a folder of the target, as hashes: eight bytes each.
type presence struct {
	seed maphash.Seed
	ids  []uint64
}

// listed lists a folder where presence alone is asked for and the target can; nil
// where each message has to be asked for.
func (v *verifier) listed(ctx context.Context, box connector.TargetMailbox, f ledger.Folder) *presence {
	lister, can := box.(storedLister)
	if !v.presence || !can {
		return nil
	}
	p := &presence{seed: maphash.MakeSeed()}
	for stored, err := range lister.List(ctx, f.Target) {
		if err != nil {
			return nil // asking for each message will tell what is wrong
		}
		p.ids = append(p.ids, maphash.String(p.seed, stored.ID))
	}
	slices.Sort(p.ids)
	return p
}

func (p *presence) check(row ledger.Row, c *Check) {
	if _, there := slices.BinarySearch(p.ids, maphash.String(p.seed, row.Target)); there {
		c.State = "verified"
		return
	}
	c.State, c.Reason = "missing", missingReason
}

// open finds a message in the target; without its contents where those are not
// asked for and need not be fetched.
func (v *verifier) open(ctx context.Context, box connector.TargetMailbox, f ledger.Folder, row ledger.Row) (connector.Stored, io.ReadCloser, error) {
	if marks, can := box.(connector.MarkReader); can && v.presence {
		stored, err := marks.Marks(ctx, f.Target, row.Target)
		return stored, io.NopCloser(strings.NewReader("")), err
	}
	return box.Open(ctx, f.Target, row.Target)
}
