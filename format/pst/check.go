package pst

import (
	"context"
	"errors"

	"waybill/failure"
	"waybill/format/pst/ndb"
)

// Health is what a look at the whole file finds.
type Health struct {
	// Nodes, Blocks, Folders, Items and Associated count what the trees hold.
	Nodes, Blocks, Folders, Items, Associated int
	// LostTrees counts parts of the trees that cannot be read.
	LostTrees int
	// WrongSums counts blocks whose checksum is wrong, but that can be read.
	WrongSums int
	// LostBlocks counts blocks that cannot be read: they lie outside of the file,
	// or something else stands in their place.
	LostBlocks int
	// MissingBlocks counts nodes whose data or subnodes the file does not have.
	MissingBlocks int
	// Strays counts items whose folder is not there; some may be named by a
	// folder's table all the same.
	Strays int
	// Defects are the first that were found, of all kinds.
	Defects []*failure.Error
}

// Sound tells that nothing is wrong.
func (h Health) Sound() bool {
	return h.LostTrees+h.WrongSums+h.LostBlocks+h.MissingBlocks+h.Strays+len(h.Defects) == 0
}

// Check reads the whole file and counts what is damaged. It takes as long as
// reading it, and little memory. The error is that of the file system, or of ctx;
// damage is none.
func (f *File) Check(ctx context.Context) (Health, error) {
	var h Health
	var d Defects
	lost := func(err error) { h.LostTrees++; d.AddError(err) }
	err := f.db.Nodes(ctx, func(n ndb.Node) bool {
		h.Nodes++
		switch n.NID.Kind() {
		case ndb.KindFolder, ndb.KindSearchFolder:
			h.Folders++
		case ndb.KindMessage:
			h.Items++
		case ndb.KindAssociated:
			h.Associated++
		default:
		}
		for _, id := range []ndb.BID{n.Data, n.Sub} {
			if id == 0 {
				continue
			}
			if _, err := f.db.Block(id); err != nil {
				h.MissingBlocks++
				d.AddError(err)
			}
		}
		return ctx.Err() == nil
	}, lost)
	if err == nil {
		err = f.cancelled(ctx)
	}
	if err != nil {
		return h, err
	}
	if err := f.checkBlocks(ctx, &h, &d, lost); err != nil {
		return h, err
	}
	if c, err := f.count(ctx); err == nil {
		h.Strays = c.strays
	}
	h.Defects = append(f.db.Defects.List(), d.List()...)
	return h, nil
}

// checkBlocks reads every block.
func (f *File) checkBlocks(ctx context.Context, h *Health, d *Defects, lost func(error)) error {
	var failed error
	buf := make([]byte, ndb.MaxBlock+4096)
	err := f.db.Blocks(ctx, func(k ndb.Block) bool {
		if failed = f.cancelled(ctx); failed != nil {
			return false
		}
		h.Blocks++
		var own Defects
		_, err := f.db.Read(k, buf[:0], &own)
		if own.Count() > 0 {
			h.WrongSums++
			d.Add(own.List()[0])
		}
		if err == nil {
			return true
		}
		if e, is := errors.AsType[*failure.Error](err); is && e.Class != failure.Malformed {
			failed = err
			return false
		}
		h.LostBlocks++
		d.AddError(err)
		return true
	}, lost)
	if err != nil {
		return err
	}
	return failed
}
