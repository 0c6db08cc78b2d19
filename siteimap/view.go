package siteimap

import (
	"slices"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

// view is a selected folder as its mail program knows it: message n is uids[n-1],
// until the program was told otherwise.
type view struct {
	path     mail.Path
	id       int64
	readOnly bool
	uids     []uint32
	modseq   int64 // everything up to here was told
	// missed: something was taken out that could not be told yet.
	missed bool
	// own are marks that this session set itself and need not be told of.
	own map[uint32]int64
}

// maxOwn bounds view.own; beyond it a mail program hears of its own marks.
const maxOwn = 100_000

// Select is SELECT and EXAMINE.
func (x *session) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	data, err := x.choose(name, options.ReadOnly)
	return data, refusal(err)
}

func (x *session) choose(name string, readOnly bool) (*imap.SelectData, error) {
	f, err := x.folder(name)
	if err != nil {
		return nil, err
	}
	if f.Container {
		return nil, no(codeCannot, "the folder holds folders only")
	}
	// The numbers are read before the messages: what comes in between is told
	// with the next command.
	uids, err := x.box.UIDs(x.ctx, f.Path, 0)
	if err != nil {
		return nil, err
	}
	keywords, err := x.box.KeywordsUsed(x.ctx, f.Path)
	if err != nil {
		return nil, err
	}
	tally, err := x.box.Tally(x.ctx, f.Path)
	if err != nil {
		return nil, err
	}
	words := append(systemFlags(), mail.Forwarded.Names()...)
	for _, k := range keywords {
		words = append(words, shownKeyword(k))
	}
	d := &imap.SelectData{Flags: imapFlags(words), NumMessages: uint32(len(uids)), UIDNext: imap.UID(f.UIDNext), UIDValidity: f.UIDValidity}
	if !readOnly {
		d.PermanentFlags = append(slices.Clone(d.Flags), imap.FlagWildcard)
	}
	if n := len(uids); n > 0 {
		d.UIDNext = max(d.UIDNext, imap.UID(uids[n-1]+1))
	}
	if i, found := slices.BinarySearch(uids, tally.FirstUnseen); found {
		d.FirstUnseenSeqNum = uint32(i + 1)
	}
	x.view = &view{path: f.Path, id: f.ID, readOnly: readOnly, uids: uids, modseq: f.HighestModSeq, own: map[uint32]int64{}}
	return d, nil
}

func imapFlags(words []string) []imap.Flag {
	flags := make([]imap.Flag, len(words))
	for i, w := range words {
		flags[i] = imap.Flag(w)
	}
	return flags
}

// Unselect ends what Select began (RFC 3691).
func (x *session) Unselect() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.view, x.saved = nil, nil
	return nil
}

func (x *session) writableView() error {
	if x.view.readOnly {
		return no(codeReadOnly, "the folder was opened for reading")
	}
	return nil
}

// update compares the view with the store and tells what differs.
func (x *session) update(w *imapserver.UpdateWriter, allowExpunge bool) error {
	v := x.view
	f, err := x.box.Folder(x.ctx, v.path)
	if err != nil && failure.ClassOf(err) == failure.Vanished || err == nil && f.ID != v.id {
		// Deleted or renamed: for this session it is empty.
		if !allowExpunge {
			return nil
		}
		return x.drop(w, func(uint32) bool { return false })
	}
	if err != nil {
		return err
	}
	if f.HighestModSeq == v.modseq && (!v.missed || !allowExpunge) {
		return nil
	}
	changed, err := x.box.Changed(x.ctx, v.path, v.modseq)
	if err != nil {
		return err
	}
	known := len(v.uids)
	fresh, marked := v.split(changed)
	if int64(known+len(fresh)) != f.Messages {
		v.missed = true
	}
	if v.missed && allowExpunge {
		there, err := x.box.UIDs(x.ctx, v.path, 0)
		if err != nil {
			return err
		}
		if err := x.drop(w, func(uid uint32) bool {
			_, found := slices.BinarySearch(there, uid)
			return found
		}); err != nil {
			return err
		}
		v.missed = false
	}
	if len(fresh) > 0 {
		v.uids = append(v.uids, fresh...)
		if err := w.WriteNumMessages(uint32(len(v.uids))); err != nil {
			return err
		}
		if err := w.WriteNumRecent(0); err != nil {
			return err
		}
	}
	for _, m := range marked {
		if i, found := slices.BinarySearch(v.uids, m.UID); found {
			if err := w.WriteMessageFlags(uint32(i+1), imap.UID(m.UID), imapFlags(shownFlags(m.Flags))); err != nil {
				return err
			}
		}
	}
	v.modseq = f.HighestModSeq
	return nil
}

// split tells messages that came from those that were marked by others.
func (v *view) split(changed []sitestore.Message) (fresh []uint32, marked []sitestore.Message) {
	var last uint32
	if n := len(v.uids); n > 0 {
		last = v.uids[n-1]
	}
	for _, m := range changed {
		switch {
		case m.UID > last:
			fresh = append(fresh, m.UID)
		case v.own[m.UID] == m.ModSeq:
			delete(v.own, m.UID)
		default:
			marked = append(marked, m)
		}
	}
	return fresh, marked
}

// expunger tells that a message is gone.
type expunger interface {
	WriteExpunge(seqNum uint32) error
}

// drop takes messages out of the view that are not to be kept, from the end,
// and tells of each.
func (x *session) drop(w expunger, keep func(uid uint32) bool) error {
	v := x.view
	for i := len(v.uids) - 1; i >= 0; i-- {
		if keep(v.uids[i]) {
			continue
		}
		if err := w.WriteExpunge(uint32(i + 1)); err != nil {
			return err
		}
		delete(v.own, v.uids[i])
		v.uids[i] = 0
	}
	v.uids = slices.DeleteFunc(v.uids, func(uid uint32) bool { return uid == 0 })
	return nil
}
