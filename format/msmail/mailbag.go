package msmail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"

	"waybill/failure"
	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mbg"
)

// bag is a mailbag with what Open looked at.
type bag struct {
	id   glb.ID
	rows []mbg.Row // the first ones, of some mailbags only
	// sample is the index in Postoffice.keys, while it is open.
	sample int
}

// How much of the mailbags Open looks at to find out what is not published.
const (
	sampleBags = 128
	sampleRows = 512
)

// readBags lists the mailbags, reads some of them and finds the layout of the KEY
// files.
func (p *Postoffice) readBags(ctx context.Context) error {
	entries, err := p.tree.List("MBG")
	if err != nil {
		return err
	}
	for _, e := range entries {
		base, isBag := strings.CutSuffix(strings.ToUpper(e.Name), ".MBG")
		if id, ok := glb.ParseID(base); ok && isBag && !e.Dir && !e.Twin && !e.Other {
			p.bags = append(p.bags, bag{id: id})
		}
	}
	step := max(1, (len(p.bags)+sampleBags-1)/sampleBags)
	for i := 0; i < len(p.bags); i += step {
		if ctx.Err() != nil {
			return nil
		}
		s, err := p.sampleBag(&p.bags[i])
		if err != nil {
			return err
		}
		p.bags[i].sample = len(p.keys)
		p.keys = append(p.keys, s)
	}
	return nil
}

// locateKey finds the layout of the KEY files. Messages count the users that have
// them; that helps where all rows of all mailbags were read.
func (p *Postoffice) locateKey(context.Context) error {
	counts := map[glb.ID]int{}
	for i := range p.sample {
		base, _, _ := strings.Cut(path.Base(p.sample[i].Envelope.Name), ".")
		if id, ok := glb.ParseID(base); ok && p.sample[i].Envelope.Count >= 0 {
			counts[id] = p.sample[i].Envelope.Count
		}
	}
	all := len(p.keys) == len(p.bags)
	holders := map[glb.ID]*mbg.Holder{}
	for i := range p.bags {
		b := &p.bags[i]
		if !all || p.keys[b.sample].Rows > len(b.rows) {
			all = false
			break
		}
		for j := range b.rows {
			id, ok := glb.ParseID(b.rows[j].File())
			count, counted := counts[id]
			if !ok || !counted {
				continue
			}
			if holders[id] == nil {
				holders[id] = &mbg.Holder{Count: count}
			}
			holders[id].Rows = append(holders[id].Rows, struct{ Sample, Row int }{b.sample, j})
		}
	}
	var list []mbg.Holder
	for _, h := range holders {
		if all {
			list = append(list, *h)
		}
	}
	layout, found := mbg.LocateKey(p.keys, list)
	p.keyAt, p.keyOK = layout, found.Proven()
	p.evidence = append(p.evidence, found)
	p.keys = nil
	for i := range p.bags {
		p.bags[i].rows = nil
	}
	return nil
}

func (p *Postoffice) sampleBag(b *bag) (s mbg.Sample, err error) {
	t, err := p.tableHead(bagFile("MBG", b.id), mbg.RowSize, sampleRows)
	if err != nil {
		return s, err
	}
	for i := range t.Len() {
		row := mbg.Row(t.Record(i))
		b.rows = append(b.rows, row)
		id, ok := glb.ParseID(row.File())
		s.Gone = append(s.Gone, ok && !p.tree.Exists(letterFile("MAI", id)))
	}
	if info, err := p.tree.Stat(bagFile("MBG", b.id)); err == nil {
		s.Rows = int(min(info.Size()/mbg.RowSize, 1<<20))
	}
	_, err = p.whole(bagFile("KEY", b.id), s.Key[:])
	return s, err
}

// tableHead reads the first records of a file.
func (p *Postoffice) tableHead(name string, record, n int) (glb.Table, error) {
	f, _, err := p.tree.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || failure.RuleOf(err) == "msmail.link" {
			return glb.Table{Name: name}, nil
		}
		return glb.Table{}, err
	}
	defer func() { _ = f.Close() }()
	return glb.ReadTable(io.LimitReader(f, int64(record)*int64(n)), name, 0, record)
}

// bagFile is MBG/0000001A.MBG or KEY/0000001A.KEY.
func bagFile(kind string, id glb.ID) string { return kind + "/" + id.String() + "." + kind }

// letterFile is MAI/MAD/0000013D.MAI or ATT/ATD/0000013D.ATT: the directory is
// named by the last digit (KB Q87409, Q87378).
func letterFile(kind string, id glb.ID) string {
	name := id.String()
	return path.Join(kind, kind[:2]+name[7:], name+"."+kind)
}

// Mailbags are the numbers of all mailbags, those of the system, of gateways and
// of external postoffices too.
func (p *Postoffice) Mailbags() []glb.ID {
	ids := make([]glb.ID, 0, len(p.bags))
	for i := range p.bags {
		ids = append(ids, p.bags[i].id)
	}
	return ids
}

// Mailbag lists the rows of a mailbag, in order, deleted ones too. A row that
// cannot be used is given with its error (rule "mbg.file": it names no message)
// and the listing goes on; it ends at an error without a row (Index -1). A mailbag
// that does not exist is an error of rule "msmail.mbg-missing" where its KEY is
// there, and empty otherwise.
func (p *Postoffice) Mailbag(ctx context.Context, id glb.ID) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		none := Row{Mailbag: id, Index: -1}
		name := bagFile("MBG", id)
		var key mbg.Key
		hasKey, err := p.whole(bagFile("KEY", id), key[:])
		if err != nil {
			yield(none, err)
			return
		}
		f, size, err := p.tree.Open(name)
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && !hasKey {
				return
			}
			if errors.Is(err, fs.ErrNotExist) {
				err = failure.New(failure.Malformed, "read mailbag", name, "msmail.mbg-missing", fmt.Errorf("the KEY is there and the mailbag is not")).
					WithRemedy("restore the file from a backup; the messages themselves may still be in MAI")
			}
			yield(none, err)
			return
		}
		defer func() { _ = f.Close() }()
		r := bufio.NewReaderSize(f, 128*mbg.RowSize)
		rows := int(min(size/mbg.RowSize, 1<<30))
		for i := range rows {
			if ctx.Err() != nil {
				yield(none, failure.New(failure.Cancelled, "read mailbag", name, "", ctx.Err()))
				return
			}
			var raw mbg.Row
			if _, err := io.ReadFull(r, raw[:]); err != nil {
				yield(none, failure.New(failure.ClassOf(err), "read mailbag", fmt.Sprintf("%s offset %d", name, i*mbg.RowSize), "msmail.read", err))
				return
			}
			row, err := p.row(&raw, id, i)
			if hasKey {
				row.State = p.state(&key, i)
			}
			if !yield(row, err) {
				return
			}
		}
		if stray := size % mbg.RowSize; stray != 0 {
			yield(none, failure.New(failure.Malformed, "read mailbag", fmt.Sprintf("%s offset %d", name, size-stray), "mbg.size", fmt.Errorf("%d bytes behind the last whole row", stray)))
		}
	}
}

func (p *Postoffice) row(raw *mbg.Row, bagID glb.ID, i int) (Row, error) {
	row := Row{Mailbag: bagID, Index: i, Offset: int64(i) * mbg.RowSize, Sender: p.page.Decode(raw.Sender()), Subject: p.page.Decode(raw.Subject()), Size: raw.Size(), Life: raw.Life()}
	if at, ok := raw.Date(p.zone); ok {
		row.Date = at
	}
	id, ok := glb.ParseID(raw.File())
	if !ok {
		return row, failure.New(failure.Malformed, "read mailbag", fmt.Sprintf("%s offset %d", bagFile("MBG", bagID), row.Offset+0x43), "mbg.file", fmt.Errorf("%.20q names no message", raw.File()))
	}
	row.File, row.named = id, true
	return row, nil
}

// state is what the KEY says of a row. A KEY of zeros says that nothing is deleted
// whatever its layout.
func (p *Postoffice) state(key *mbg.Key, i int) State {
	switch {
	case key.IsZero():
		return Live
	case i >= mbg.MaxRows || !p.keyOK && !bitsAgree(key, i):
		return StateUnknown
	case key.Deleted(p.keyAt, i):
		return Deleted
	default:
		return Live
	}
}

// bitsAgree reports whether all layouts say the same of a row.
func bitsAgree(key *mbg.Key, i int) bool {
	first := key.Deleted(mbg.KeyLayout{}, i)
	for _, l := range []mbg.KeyLayout{{HighBits: true}, {BitsAt: 48}, {BitsAt: 48, HighBits: true}} {
		if key.Deleted(l, i) != first {
			return false
		}
	}
	return true
}

// KeyCertainty says how far the states of rows can be relied on.
func (p *Postoffice) KeyCertainty() evidence.Certainty {
	if p.keyOK {
		return evidence.Derived
	}
	return evidence.Hypothesis
}
