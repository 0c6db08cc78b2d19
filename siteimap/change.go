package siteimap

import (
	"context"
	"io"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

// How many messages are changed in one transaction, and how many are read at
// once.
const (
	changedAtOnce = 2000
	readAtOnce    = 200
)

// Store is STORE: it changes marks.
func (x *session) Store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags, _ *imap.StoreOptions) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return refusal(x.store(w, set, flags))
}

func (x *session) store(w *imapserver.FetchWriter, set imap.NumSet, flags *imap.StoreFlags) error {
	op := map[imap.StoreFlagsOp]markOp{imap.StoreFlagsSet: markSet, imap.StoreFlagsAdd: markAdd, imap.StoreFlagsDel: markDel}[flags.Op]
	if err := x.writableView(); err != nil {
		return err
	}
	named, err := flagSet(flagWords(flags.Flags))
	if err != nil {
		return err
	}
	all, err := x.named(set)
	if err != nil {
		return err
	}
	found := 0
	for some := range slices.Chunk(all, changedAtOnce) {
		marked, err := x.mark(uidsOf(some), op, named)
		if err != nil {
			return err
		}
		found += len(marked)
		if flags.Silent {
			continue
		}
		for _, m := range marked {
			i, _ := slices.BinarySearch(x.view.uids, m.UID)
			one := w.CreateMessage(uint32(i + 1))
			one.WriteUID(imap.UID(m.UID))
			one.WriteFlags(imapFlags(shownFlags(m.Flags)))
			if err := one.Close(); err != nil {
				return err
			}
		}
	}
	return vanished(set, len(all)-found)
}

func flagWords(flags []imap.Flag) []string {
	words := make([]string, len(flags))
	for i, f := range flags {
		words[i] = string(f)
	}
	return words
}

// vanished is the answer when messages that were named by their numbers are gone
// (RFC 5530). Those that were named by UID are passed over in silence (RFC 9051
// 6.4.9).
func vanished(set imap.NumSet, missing int) error {
	if !byUID(set) && missing > 0 {
		return no(codeGone, "some of the messages are gone")
	}
	return nil
}

// mark changes marks in the store and remembers that this session did.
func (x *session) mark(uids []uint32, op markOp, named mail.FlagSet) ([]sitestore.Marked, error) {
	v := x.view
	marked, modseq, err := x.box.Mark(x.ctx, v.path, uids, func(have mail.FlagSet) mail.FlagSet { return changedMarks(have, op, named) })
	if err != nil {
		return nil, err
	}
	for _, m := range marked {
		if m.Changed && len(v.own) < maxOwn {
			v.own[m.UID] = modseq
		}
	}
	if modseq != 0 {
		x.server.hub.changed(v.id)
	}
	return marked, nil
}

// Expunge is EXPUNGE and UID EXPUNGE (RFC 4315 2.1), and a part of CLOSE: it
// takes out what is marked as deleted, all of it or of some messages.
func (x *session) Expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.view.readOnly && x.gate.UnderWay() == "CLOSE" {
		return nil
	}
	return refusal(x.expunge(w, uids))
}

func (x *session) expunge(w *imapserver.ExpungeWriter, uids *imap.UIDSet) error {
	if err := x.writableView(); err != nil {
		return err
	}
	deleted, err := x.box.UIDs(x.ctx, x.view.path, mail.Deleted)
	if err != nil {
		return err
	}
	all := x.view.withUIDs(deleted)
	if uids != nil {
		only, err := x.named(*uids)
		if err != nil {
			return err
		}
		wanted := uidsOf(only)
		all = slices.DeleteFunc(all, func(m message) bool {
			_, found := slices.BinarySearch(wanted, m.uid)
			return !found
		})
	}
	gone, err := x.purge(all)
	if err != nil {
		return err
	}
	return x.took(w, gone)
}

// purge takes messages out of the store.
func (x *session) purge(all []message) (gone []uint32, err error) {
	for some := range slices.Chunk(all, changedAtOnce) {
		more, err := x.box.Purge(x.ctx, x.view.path, uidsOf(some))
		if err != nil {
			return gone, err
		}
		gone = append(gone, more...)
	}
	if len(gone) > 0 {
		x.server.hub.changed(x.view.id)
	}
	return gone, nil
}

// took tells that this session took messages out.
func (x *session) took(w expunger, gone []uint32) error {
	slices.Sort(gone)
	return x.drop(w, func(uid uint32) bool {
		_, found := slices.BinarySearch(gone, uid)
		return !found
	})
}

// Copy is COPY.
func (x *session) Copy(set imap.NumSet, to string) (*imap.CopyData, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	data, _, missing, err := x.transfer(set, to, false)
	if err == nil {
		err = vanished(set, missing)
	}
	return data, refusal(err)
}

// Move is MOVE (RFC 6851): each message is in one of the two folders at any time.
func (x *session) Move(w *imapserver.MoveWriter, set imap.NumSet, to string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := x.writableView(); err != nil {
		return err
	}
	data, from, missing, err := x.transfer(set, to, true)
	if err != nil {
		return refusal(err)
	}
	if data == nil {
		return vanished(set, missing)
	}
	x.server.hub.changed(x.view.id)
	if err := w.WriteCopyData(data); err != nil {
		return err
	}
	return x.took(w, from)
}

// transfer copies or moves messages; data is nil when there were none.
func (x *session) transfer(set imap.NumSet, name string, move bool) (data *imap.CopyData, from []uint32, missing int, err error) {
	to, err := x.folder(name)
	if err != nil {
		return nil, nil, 0, orCreate(err)
	}
	all, err := x.named(set)
	if err != nil || len(all) == 0 {
		return nil, nil, 0, err
	}
	// One transaction, because COPY is whole or not at all (RFC 9051 6.4.7).
	validity, pairs, err := x.box.Transfer(x.ctx, x.view.path, uidsOf(all), to.Path, move)
	missing = len(all) - len(pairs)
	if err != nil || len(pairs) == 0 {
		return nil, nil, missing, orCreate(err)
	}
	x.server.hub.changed(to.ID)
	into := make([]uint32, len(pairs))
	for i, p := range pairs {
		from, into[i] = append(from, p.From), p.To
	}
	return &imap.CopyData{UIDValidity: validity, SourceUIDs: uidSet(from), DestUIDs: uidSet(into)}, from, missing, nil
}

// Append is APPEND: the message goes to the site as it comes in. One whose end
// does not arrive leaves nothing behind.
func (x *session) Append(name string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	data, err := x.append(name, r, options)
	return data, refusal(orCreate(err))
}

func (x *session) append(name string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	marks, err := flagSet(flagWords(options.Flags))
	if err != nil {
		return nil, err
	}
	f, err := x.folder(name)
	if err != nil {
		return nil, err
	}
	date := options.Time
	if date.IsZero() {
		date = time.Now()
	}
	body := &literal{r: r, left: r.Size()}
	outcomes, err := x.box.Append(x.ctx, f.Path, f.UIDValidity, []sitestore.Incoming{{Flags: marks, Date: date,
		Open: func(context.Context) (io.ReadCloser, error) { return body, nil }}})
	if err == nil {
		err = outcomes[0].Err
	}
	if err != nil {
		return nil, err
	}
	x.server.hub.changed(f.ID)
	return &imap.AppendData{UIDValidity: f.UIDValidity, UID: imap.UID(outcomes[0].UID)}, nil
}

func cutOff(err error) error {
	return failure.New(failure.Transient, "receive message", "", "serve.cut-off", err)
}
