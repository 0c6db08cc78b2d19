package sitestore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore/blob"
	"waybill/sitestore/index"
)

// arenaSize is how many bytes of small bodies are gathered before they are
// compared with what is stored already.
const arenaSize = 2 << 20

// staged is one item of a batch whose body was read.
type staged struct {
	digest mail.Digest
	size   int64
	err    error
	start  int // of the body in the arena, until it is written
}

// batch is one Append under way.
type batch struct {
	mailbox *Mailbox
	ctx     context.Context
	staged  []staged
	arena   *[]byte
	waiting []int // items whose bodies are in the arena
	fresh   map[mail.Digest]blob.Location
	order   []mail.Digest // of fresh, as written
	// indexing is set when the index begins to learn of the batch.
	indexing bool
}

func (b *batch) store(op string, folder mail.Path, id int64, validity uint32, items []Incoming) ([]Outcome, error) {
	m := b.mailbox
	if err := m.takeSegment(b.ctx); err != nil {
		return nil, err
	}
	arena, ok := m.store.arenas.Get().(*[]byte)
	if !ok {
		space := make([]byte, 0, arenaSize)
		arena = &space
	}
	b.arena = arena
	defer func() { *arena = (*arena)[:0]; m.store.arenas.Put(arena) }()
	where := m.where(folder)
	for i, item := range items {
		if err := index.Ended(b.ctx, op, where); err != nil {
			return nil, err
		}
		if err := b.stage(i, item); err != nil {
			return nil, err
		}
	}
	// A reader that stopped because of the context stopped the whole batch.
	if err := index.Ended(b.ctx, op, where); err != nil {
		return nil, err
	}
	if err := b.write(); err != nil {
		return nil, err
	}
	if err := m.segment.Sync(); err != nil {
		return nil, err
	}
	b.indexing = true
	outcomes, err := b.index(op, folder, id, validity, items)
	if err == nil {
		m.segment.Commit()
	}
	return outcomes, err
}

// stage reads one body. A body that is too large for the arena goes to the
// segment at once.
func (b *batch) stage(i int, item Incoming) error {
	st := &b.staged[i]
	r, err := item.Open(b.ctx)
	if err != nil {
		st.err = err
		return nil
	}
	start := len(*b.arena)
	whole, err := b.fill(r, start)
	switch {
	case err != nil:
		*b.arena = (*b.arena)[:start]
		st.err = err
	case whole:
		body := (*b.arena)[start:]
		st.digest, st.size, st.start = mail.Digest(sha256.Sum256(body)), int64(len(body)), start
		b.waiting = append(b.waiting, i)
	default:
		if err := b.stream(st, start, r); err != nil {
			return errors.Join(err, r.Close())
		}
	}
	if err := r.Close(); err != nil && st.err == nil {
		st.err = err
		if n := len(b.waiting); n > 0 && b.waiting[n-1] == i {
			b.waiting = b.waiting[:n-1]
			*b.arena = (*b.arena)[:start]
		}
	}
	if len(*b.arena)+blob.SmallBody > arenaSize {
		return b.write()
	}
	return nil
}

// fill reads into the arena behind start. It stops with whole false when the
// body is longer than a small one.
func (b *batch) fill(r io.Reader, start int) (whole bool, err error) {
	a := *b.arena
	limit := start + blob.SmallBody
	idle := 0
	for {
		n, err := r.Read(a[len(a):min(limit+1, cap(a))])
		a = a[:len(a)+n]
		*b.arena = a
		switch {
		case errors.Is(err, io.EOF) && len(a) <= limit:
			return true, nil
		case err != nil && !errors.Is(err, io.EOF):
			return false, err
		case len(a) >= limit:
			return false, nil
		case n == 0:
			if idle++; idle > 100 {
				return false, io.ErrNoProgress
			}
		default:
			idle = 0
		}
	}
}

// stream stores a large body, whose beginning is in the arena.
func (b *batch) stream(st *staged, start int, rest io.Reader) error {
	m := b.mailbox
	end := m.segment.End()
	head := (*b.arena)[start:]
	defer func() { *b.arena = (*b.arena)[:start] }()
	loc, digest, readErr, err := m.segment.PutStream(io.MultiReader(bytes.NewReader(head), watched{b.ctx, rest}))
	if err != nil {
		return err
	}
	if readErr != nil {
		st.err = readErr
		return nil
	}
	st.digest, st.size = digest, loc.Size
	known, err := m.store.known(b.ctx, []mail.Digest{st.digest})
	if err != nil {
		return err
	}
	if _, twice := b.fresh[st.digest]; twice || known[st.digest] {
		m.segment.Rewind(end)
		return nil
	}
	b.note(st.digest, loc)
	return nil
}

func (b *batch) note(digest mail.Digest, loc blob.Location) {
	b.fresh[digest] = loc
	b.order = append(b.order, digest)
}

// write stores the bodies in the arena that are not stored yet.
func (b *batch) write() error {
	if len(b.waiting) == 0 {
		return nil
	}
	digests := make([]mail.Digest, len(b.waiting))
	for k, i := range b.waiting {
		digests[k] = b.staged[i].digest
	}
	known, err := b.mailbox.store.known(b.ctx, digests)
	if err != nil {
		return err
	}
	for _, i := range b.waiting {
		st := &b.staged[i]
		if _, twice := b.fresh[st.digest]; twice || known[st.digest] {
			continue
		}
		loc, err := b.mailbox.segment.Put((*b.arena)[st.start : st.start+int(st.size)])
		if err != nil {
			return err
		}
		b.note(st.digest, loc)
	}
	b.waiting, *b.arena = b.waiting[:0], (*b.arena)[:0]
	return nil
}

// index makes the batch part of the folder.
func (b *batch) index(op string, folder mail.Path, id int64, validity uint32, items []Incoming) ([]Outcome, error) {
	m := b.mailbox
	outcomes := make([]Outcome, len(items))
	words := map[int64]string{}
	err := m.store.change(b.ctx, op, func(t *tx) error {
		var have, next, modseq int64
		var container bool
		found, err := t.Get(`SELECT uidvalidity, uidnext, modseq, container FROM folder WHERE id = ?`, []any{id}, &have, &next, &modseq, &container)
		switch {
		case err != nil:
			return err
		case !found:
			m.forget(folder)
			return noFolder(op, m.where(folder))
		case validity != 0 && int64(validity) != have:
			return failure.New(failure.Conflict, op, m.where(folder), "site.uidvalidity",
				fmt.Errorf("the folder was made anew: its UIDVALIDITY is %d, not %d", have, validity))
		case container:
			return failure.New(failure.Unsupported, op, m.where(folder), "site.folder-container", errors.New("the folder holds folders only"))
		case next+int64(len(items)) > math.MaxUint32:
			return failure.New(failure.Full, op, m.where(folder), "site.uids-used-up", errors.New("every UID of the folder was given out"))
		}
		modseq++
		messages := t.Many(`INSERT INTO message (folder, uid, digest, size, flags, keywords, date, zone, modseq) VALUES `, 9)
		var count, total int64
		for i := range items {
			st := &b.staged[i]
			if st.err != nil {
				outcomes[i] = Outcome{Err: st.err}
				continue
			}
			set, err := t.keywordID(items[i].Flags, words)
			if err != nil {
				return err
			}
			seconds, zone := dateColumns(items[i].Date)
			if err := messages.Add(id, next, st.digest[:], st.size, int64(items[i].Flags.System), set, seconds, zone, modseq); err != nil {
				return err
			}
			outcomes[i] = Outcome{UID: uint32(next)}
			next++
			count++
			total += st.size
		}
		if err := messages.Flush(); err != nil {
			return err
		}
		if err := b.indexBodies(t); err != nil {
			return err
		}
		return t.Exec(`UPDATE folder SET uidnext = ?, modseq = ?, messages = messages + ?, bytes = bytes + ? WHERE id = ?`, next, modseq, count, total, id)
	})
	m.store.changes.of(id).Add(1)
	if err != nil {
		return nil, err
	}
	m.store.remember(words)
	return outcomes, nil
}

// indexBodies records where new bodies are, and the new end of the segment. A
// body that another writer has stored since is left as it is there.
func (b *batch) indexBodies(t *tx) error {
	if len(b.order) == 0 {
		return nil
	}
	bodies := t.Many(`INSERT OR IGNORE INTO blob (digest, segment, place, stored, size, encoding) VALUES `, 6)
	for _, digest := range b.order {
		loc := b.fresh[digest]
		if err := bodies.Add(digest[:], loc.Segment, loc.Offset, loc.Stored, loc.Size, int64(loc.Encoding)); err != nil {
			return err
		}
	}
	if err := bodies.Flush(); err != nil {
		return err
	}
	seg := b.mailbox.segment
	return t.Exec(`UPDATE segment SET committed = ? WHERE id = ?`, seg.End(), seg.ID())
}
