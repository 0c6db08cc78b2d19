package migfile

import (
	"context"
	"errors"
	"io"
	"os"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// Refused says which lines a recovery file is to hold.
type Refused struct {
	// Keys are those of messages.
	Keys map[string]bool
	// Users are the IDs whose line in a DIRECTORY section is wanted as well, so
	// that the messages find their owner.
	Users map[string]bool
}

// Recover writes a primary file with the lines that were refused, as they stand,
// each under the heading of its section: what the Migration Wizard called a
// recovery file (event 8002). Lines of DIRECTORY sections that cannot be read are
// among them in any case. It returns the number of lines that were refused; the
// lines of Users do not count, and without any other nothing is written.
//
// The pointers in the lines lead to the secondary files of the packing list, so
// the recovery file belongs beside them.
func (s *source) Recover(ctx context.Context, out io.Writer, r Refused) (lines int, err error) {
	c := &recovery{source: s, out: out, refused: r}
	for n := range s.index.files {
		if err := c.count(ctx, n); err != nil {
			return 0, err
		}
	}
	if c.lines == 0 {
		return 0, nil
	}
	c.write = true
	if _, err := io.WriteString(out, "! Lines that were refused (event 8002). Correct them, put this file and its packing list beside the\r\n"+
		"! secondary files, and migrate from that packing list with a new ledger and the key: name.\r\n"); err != nil {
		return 0, recoveryError(err)
	}
	for n := range s.index.files {
		if err := c.count(ctx, n); err != nil {
			return 0, err
		}
	}
	return c.lines, nil
}

// recovery goes over the primary files twice: once to count, once to write.
type recovery struct {
	source  *source
	out     io.Writer
	refused Refused
	write   bool
	lines   int
}

// count goes over one primary file.
func (c *recovery) count(ctx context.Context, number int) error {
	name := c.source.index.files[number]
	file, err := c.source.files.primary(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	var heading mf.Place
	firstRow, headed := int64(-1), false
	whole := int64(-1) // where a section begins that is copied to its end
	flush := func(to int64) error {
		from := whole
		if whole = -1; from < 0 || !c.write {
			return nil
		}
		return c.copy(file, name, from, to, true)
	}
	err = c.source.files.scanPrimary(ctx, name, mf.Place{File: name}, nil, func(rec mf.Record, err error) error {
		key := c.key(number, rec.Place.Line)
		if rec.Start {
			if err := flush(rec.Place.Offset); err != nil {
				return err
			}
			heading, firstRow, headed = rec.Place, -1, false
			// A personal address book is one message, named by its heading; of a
			// section that cannot be read nothing else is known.
			if err != nil || rec.Section.Kind == mf.PAB && c.refused.Keys[key] {
				whole = rec.Place.Offset
				c.add()
			}
			return nil
		}
		if firstRow < 0 {
			firstRow = rec.Place.Offset
		}
		wanted, refused := c.wants(key, rec, err)
		if refused && whole < 0 {
			c.add()
		}
		if !c.write || !wanted || whole >= 0 {
			return nil
		}
		if !headed && rec.Section != nil {
			headed = true
			if err := c.copy(file, name, heading.Offset, firstRow, true); err != nil {
				return err
			}
		}
		return c.copy(file, name, rec.Place.Offset, rec.End, false)
	})
	if err != nil {
		return err
	}
	return flush(c.source.files.size(name))
}

func (c *recovery) add() {
	if !c.write {
		c.lines++
	}
}

func (c *recovery) key(number, line int) string {
	return (&mailbox{source: c.source}).key(&run{file: number}, line)
}

// wants tells whether a line belongs into the file, and whether it was refused.
func (c *recovery) wants(key string, rec mf.Record, err error) (wanted, refused bool) {
	if rec.Section != nil && rec.Section.Kind == mf.Directory {
		o, broken := readObject(rec)
		if err != nil || broken != nil {
			return true, true
		}
		return o.class == "mailbox" && c.refused.Users[o.id], false
	}
	if rec.Section != nil && rec.Section.Kind == mf.PAB {
		return false, false
	}
	return c.refused.Keys[key], c.refused.Keys[key]
}

// copy copies a stretch of the primary file.
func (c *recovery) copy(file *os.File, name string, from, to int64, section bool) error {
	if section {
		if _, err := io.WriteString(c.out, "\r\n"); err != nil {
			return recoveryError(err)
		}
	}
	if to <= from {
		return nil
	}
	if _, err := io.Copy(c.out, io.NewSectionReader(file, from, to-from)); err != nil {
		return recoveryError(err)
	}
	last := make([]byte, 1)
	if _, err := file.ReadAt(last, to-1); err != nil && !errors.Is(err, io.EOF) {
		return failure.New(failure.ClassOf(err), "read migration file", name, "migfile.read", err)
	}
	if last[0] != '\n' && last[0] != '\r' { // the last line of a file that ends without a line end
		if _, err := io.WriteString(c.out, "\r\n"); err != nil {
			return recoveryError(err)
		}
	}
	return nil
}

// PackingList names the recovery file and the secondary files that its lines
// lead to.
func (s *source) PackingList(primary string) mf.PackingList {
	list := mf.PackingList{CodePage: s.files.page, Files: []string{primary}}
	list.Files = append(list.Files, s.secondaries...)
	return list
}

func recoveryError(err error) error {
	return failure.New(failure.ClassOf(err), "write recovery file", "", "migfile.recovery", err)
}
