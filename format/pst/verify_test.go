package pst

import (
	"io"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst/ndb"
	"waybill/internal/pstwrite"
)

// TestVerifyTellsWhatReadingDoes compares verifying with reading, for whole and
// for damaged attachments.
func TestVerifyTellsWhatReadingDoes(t *testing.T) {
	for _, o := range []pstwrite.Options{{Format: pstwrite.ANSI, Encryption: pstwrite.Cyclic}, {Encryption: pstwrite.Permute}, {Format: pstwrite.Unicode4K}} {
		for _, damage := range []string{"none", "flip", "lengthen", "cycle", "wipe"} {
			m, l, nids := fixture(t, o, 3)
			seen := 0
			for r := range l.Blocks() {
				if damage == "none" || r.Packed {
					break
				}
				var err error
				switch {
				case damage == "flip" && r.Kind == pstwrite.DataBlock && r.Size > 4000:
					err = l.Flip(m, r, 5)
				case damage == "wipe" && r.Kind == pstwrite.DataBlock && r.Size > 4000:
					if seen++; seen == 3 {
						clear(m.b[r.Offset : r.Offset+int64(r.Room)])
					}
				case damage == "lengthen" && r.Kind == pstwrite.InternalBlock:
					_ = l.Lengthen(m, r, 1<<20) // some are no list of blocks
				case damage == "cycle" && r.Kind == pstwrite.InternalBlock && r.Size > 100:
					_ = l.Cycle(m, r)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			f, err := Open(t.Context(), m, int64(len(m.b)), "x.pst", Options{})
			if err != nil {
				t.Fatal(err)
			}
			compared := 0
			for _, nid := range nids {
				x, err := f.Message(t.Context(), nid)
				if err != nil {
					continue
				}
				all, _ := x.Attachments(t.Context())
				for _, a := range all {
					v, _ := a.Props().Get(mapi.AttachData)
					d, is := v.Data.(*ndb.Data)
					if !is {
						continue
					}
					compared++
					n, err := d.Verify(t.Context())
					r, rerr := d.Open()
					var k int64
					if rerr == nil {
						k, rerr = io.Copy(io.Discard, r)
						_ = r.Close()
					}
					if n != k || (err == nil) != (rerr == nil) || err != nil && failure.RuleOf(err) != failure.RuleOf(rerr) {
						t.Errorf("%v %s: verified %d %v, read %d %v", o.Format, damage, n, err, k, rerr)
					}
				}
			}
			if compared == 0 && damage == "none" {
				t.Errorf("%v %s: nothing to compare", o.Format, damage)
			}
		}
	}
}
