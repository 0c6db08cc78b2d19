package msmail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"waybill/failure"
	"waybill/format/msmail/dos"
	"waybill/format/msmail/mai"
	"waybill/format/msmail/mbg"
	"waybill/inspect"
)

// How much is looked at for the statistics.
const (
	sampleMessages = 500
	sampleElements = 2000 // of one message
	sampleBags     = 200
	sampleRows     = 4096
	maxKinds       = 40
)

// sample adds statistics of structure to a report: which elements messages are made
// of, and which bytes of mailbag rows are in use whose meaning was never published.
// An owner who shares a report helps to settle what is unknown. No text goes into it.
func sample(ctx context.Context, fsys fs.FS, r *inspect.Report) error {
	tree := dos.NewTree(fsys)
	if err := sampleElementsOf(ctx, tree, r); err != nil {
		return err
	}
	return sampleRowsOf(ctx, tree, r)
}

// kind is one kind of element with the lengths that were seen.
type kind struct {
	count    int
	min, max int64
}

func sampleElementsOf(ctx context.Context, tree *dos.Tree, r *inspect.Report) error {
	kinds := map[string]*kind{}
	looked := 0
	for _, digit := range "0123456789ABCDEF" {
		dir := "MAI/MA" + string(digit)
		entries, err := tree.List(dir)
		if err != nil {
			return err
		}
		for i, e := range entries {
			if i >= sampleMessages/16 || ctx.Err() != nil {
				break
			}
			if e.Dir || e.Other || e.Twin || !strings.EqualFold(path.Ext(e.Name), ".MAI") {
				continue
			}
			looked++
			if err := sampleMessage(tree, dir+"/"+e.Name, kinds); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return failure.New(failure.Cancelled, "inspect", "", "", ctx.Err())
	}
	r.Fact("looked at for statistics", "%d messages", looked)
	names := slices.SortedFunc(maps.Keys(kinds), func(a, b string) int {
		if d := kinds[b].count - kinds[a].count; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	for _, name := range names[:min(len(names), maxKinds)] {
		k := kinds[name]
		r.Fact("element "+name, "%d times, %d to %d octets", k.count, k.min, k.max)
	}
	return nil
}

// sampleMessage counts the elements of one message; a broken one counts as far as
// it can be read.
func sampleMessage(tree *dos.Tree, name string, kinds map[string]*kind) error {
	f, size, err := tree.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	defer func() { _ = f.Close() }()
	s := mai.NewScanner(f, name, size)
	inside := make([]string, 0, 4)
	for range sampleElements {
		e, err := s.Next()
		if err != nil {
			return nil // damage is told as a finding
		}
		label := labelOf(e)
		inside = append(inside[:min(e.Depth, len(inside))], label)
		if e.Depth > 2 {
			continue
		}
		label = strings.Join(inside, " ")
		k := kinds[label]
		if k == nil {
			if len(kinds) >= 10*maxKinds {
				continue
			}
			k = &kind{min: e.Length, max: e.Length}
			kinds[label] = k
		}
		k.count++
		k.min, k.max = min(k.min, e.Length), max(k.max, e.Length)
	}
	return nil
}

// labelOf names an element by its identifier, and by the qualifier where it has one.
func labelOf(e mai.Element) string {
	switch e.ID {
	case mai.Field, mai.MessageElement, mai.VendorDefined:
		return fmt.Sprintf("%02X/%02X", e.ID, e.Qualifier)
	}
	return fmt.Sprintf("%02X", e.ID)
}

// unknown are the bytes of a row without a published meaning, or with a guessed one.
var unknown = []struct{ at, size int }{{0x00, 2}, {0x36, 2}, {0x42, 1}, {0x4C, 2}, {0x4E, 4}, {0x52, 6}, {0x58, 2}, {0x5A, 18}, {0x6C, 4}, {0x70, 4}}

func sampleRowsOf(ctx context.Context, tree *dos.Tree, r *inspect.Report) error {
	entries, err := tree.List("MBG")
	if err != nil {
		return err
	}
	used, values := make([]int, len(unknown)), make([]map[string]bool, len(unknown))
	rows, bags := 0, 0
	for _, e := range entries {
		if ctx.Err() != nil {
			return failure.New(failure.Cancelled, "inspect", "", "", ctx.Err())
		}
		if e.Dir || e.Other || e.Twin || !strings.EqualFold(path.Ext(e.Name), ".MBG") || bags >= sampleBags {
			continue
		}
		bags++
		f, _, err := tree.Open("MBG/" + e.Name)
		if err != nil {
			return err
		}
		in := io.LimitReader(f, sampleRows*mbg.RowSize)
		for {
			var row mbg.Row
			if _, err := io.ReadFull(in, row[:]); err != nil {
				break // of a mailbag that ends in the middle of a row, a finding tells
			}
			rows++
			for i, u := range unknown {
				b := string(row[u.at : u.at+u.size])
				if strings.Trim(b, "\x00") != "" {
					used[i]++
				}
				if values[i] == nil {
					values[i] = map[string]bool{}
				}
				if len(values[i]) < 1000 {
					values[i][b] = true
				}
			}
		}
		if err := f.Close(); err != nil {
			return failure.New(failure.ClassOf(err), "inspect", "MBG/"+e.Name, "inspect.read", err)
		}
	}
	for i, u := range unknown {
		if rows > 0 {
			r.Fact(fmt.Sprintf("row bytes %02X to %02X", u.at, u.at+u.size-1), "not zero in %d of %d rows, %d different values", used[i], rows, len(values[i]))
		}
	}
	return nil
}
