package rewrite

import (
	"bytes"
	"compress/gzip"
	"encoding/gob"
	"errors"
	"io"

	"waybill/failure"
	"waybill/mail"
)

// Place names one message of a source.
type Place struct {
	User   string
	Folder mail.Path
	Key    string
}

// History tells by which Table each message is rewritten. It is the Table of this
// run, except for messages that an earlier run sent without seeing how that ended:
// to find them in the target by their content they have to be made as they were
// made then, whatever the people are called now.
type History struct {
	// generations are in order; the last one is for every message that no other names.
	generations []generation
	pinned      map[Place]int
}

type generation struct {
	// Rewrite is unset for a run that rewrote nothing.
	Rewrite  bool
	Table    map[string]string
	Messages []Place
}

func (g generation) equal(other generation) bool {
	return g.Rewrite == other.Rewrite && Table{g.Table}.Equal(Table{other.Table})
}

// empty reports whether nothing is rewritten.
func (h *History) empty() bool {
	for _, g := range h.generations {
		if g.Rewrite {
			return false
		}
	}
	return true
}

// Pinned is the number of messages that are made as an earlier run made them.
func (h *History) Pinned() int { return len(h.pinned) }

// tableFor gives the table for a message; ok is unset where nothing is rewritten.
func (h *History) tableFor(p Place) (t Table, ok bool) {
	at, pinned := h.pinned[p]
	if !pinned {
		at = len(h.generations) - 1
	}
	g := h.generations[at]
	return Table{g.Table}, g.Rewrite
}

// Simple is the History of a migration that has only ever used one table.
func Simple(t Table) History {
	return History{generations: []generation{{Rewrite: true, Table: t.by}}}
}

// maxRecord bounds what a record unpacks to, in bytes.
const maxRecord = 1 << 30

// Continue makes the History of a new run. record is what the run before
// remembered, nil when there is none; open are the messages that were sent and
// not proven; now is the table of this run, nil when it rewrites nothing. next is
// to be remembered, before anything is sent, when changed is set.
func Continue(record []byte, open []Place, now *Table) (h History, next []byte, changed bool, err error) {
	before, err := readRecord(record)
	if err != nil {
		return h, nil, false, err
	}
	last := generation{}
	if now != nil {
		last = generation{Rewrite: true, Table: now.by}
	}
	was := map[Place]int{}
	for i, g := range before {
		for _, p := range g.Messages {
			was[p] = i
		}
	}
	kept := make([][]Place, len(before))
	for _, p := range open {
		at, named := was[p]
		if !named {
			at = len(before) - 1
		}
		kept[at] = append(kept[at], p)
	}
	h.pinned = map[Place]int{}
	for i, g := range before {
		if len(kept[i]) == 0 || g.equal(last) {
			continue
		}
		for _, p := range kept[i] {
			h.pinned[p] = len(h.generations)
		}
		g.Messages = kept[i]
		h.generations = append(h.generations, g)
	}
	h.generations = append(h.generations, last)
	if record == nil && h.empty() || len(h.pinned) == 0 && len(before) == 1 && before[0].equal(last) {
		return h, record, false, nil
	}
	next, err = writeRecord(h.generations)
	return h, next, err == nil, err
}

// readRecord reads what writeRecord wrote. Without a record nothing was rewritten.
func readRecord(record []byte) ([]generation, error) {
	if len(record) == 0 {
		return []generation{{}}, nil
	}
	fault := func(err error) error {
		return failure.New(failure.Malformed, "read addresses of the last run", "", "rewrite.record", err).
			WithRemedy("the ledger is damaged or was written by a later version")
	}
	z, err := gzip.NewReader(bytes.NewReader(record))
	if err != nil {
		return nil, fault(err)
	}
	text, err := io.ReadAll(io.LimitReader(z, maxRecord+1))
	if err == nil && len(text) > maxRecord {
		err = errors.New("larger than a gigabyte")
	}
	if err != nil {
		return nil, fault(err)
	}
	var list []generation
	if err := gob.NewDecoder(bytes.NewReader(text)).Decode(&list); err != nil {
		return nil, fault(err)
	}
	if len(list) == 0 {
		return nil, fault(errors.New("it is empty"))
	}
	return list, nil
}

// writeRecord uses gob, because keys of messages need not be text.
func writeRecord(list []generation) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := errors.Join(gob.NewEncoder(z).Encode(list), z.Close()); err != nil {
		return nil, failure.New(failure.Internal, "remember addresses", "", "rewrite.record", err)
	}
	return b.Bytes(), nil
}
