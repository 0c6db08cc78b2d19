package mbg

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// dump are the two rows that KB Q108027 prints.
const dump = `
00 00 4D 61 72 74 69 61 6E 00 00 00 00 54 68 69
73 20 69 73 20 74 68 65 20 73 75 62 6A 65 63 74
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 19 00 10 00 08 00 0A 00
C9 07 00 30 30 30 30 30 30 36 32 00 00 00 28 02
00 00 00 00 00 00 00 00 18 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 98 C9 5B 00
00 00 00 00 00 00 4D 61 72 74 69 61 6E 00 00 00
00 54 68 69 73 20 69 73 20 74 68 65 20 6E 65 78
74 20 73 75 62 6A 65 63 74 00 00 00 00 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 1A 00 10 00
08 00 0A 00 C9 07 00 30 30 30 30 30 30 36 33 00
00 00 2A 02 00 00 00 00 00 00 00 00 18 00 00 00
00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
82 54 6B 00 00 00 00 00`

func TestPublishedRows(t *testing.T) {
	b, err := hex.DecodeString(strings.Join(strings.Fields(dump), ""))
	if err != nil || len(b) != 2*RowSize {
		t.Fatal(len(b), err)
	}
	for i, want := range []struct {
		subject, file string
		minute        int
		size, unknown uint32
	}{{"This is the subject", "00000062", 25, 552, 0x005BC998}, {"This is the next subject", "00000063", 26, 554, 0x006B5482}} {
		r := Row(b[i*RowSize : (i+1)*RowSize])
		at, ok := r.Date(time.UTC)
		if r.Sender() != "Martian" || r.Subject() != want.subject || r.File() != want.file || r.Size() != want.size || r.Life() != 24 || r.Unknown() != want.unknown ||
			!ok || !at.Equal(time.Date(1993, 10, 8, 16, want.minute, 0, 0, time.UTC)) {
			t.Errorf("row %d: %q %q %q %d %v", i, r.Sender(), r.Subject(), r.File(), r.Size(), at)
		}
		var made Row
		made.SetSender("Martian")
		made.SetSubject(want.subject)
		made.SetDate(at)
		made.SetFile(want.file)
		made.SetSize(want.size)
		made.SetLife(24)
		made.SetUnknown(want.unknown)
		if !bytes.Equal(made[:], b[i*RowSize:(i+1)*RowSize]) {
			t.Errorf("row %d is written % X", i, made)
		}
	}
}

func TestDates(t *testing.T) {
	for _, c := range []struct {
		n  [6]int // second to year
		ok bool
	}{
		{[6]int{0, 0, 24, 1, 1, 1995}, false}, {[6]int{0x5555, 0x5555, 0x5555, 0x5555, 0x5555, 0x5555}, false}, {[6]int{0, 0, 0, 31, 2, 1996}, false},
		{[6]int{0, 0, 0, 29, 2, 1996}, true}, {[6]int{0, 0, 0, 1, 1, 1900}, false}, {[6]int{77, 59, 23, 31, 12, 2001}, true}, {[6]int{0, 0, 0, 0, 1, 1995}, false},
	} {
		var r Row
		for i, n := range c.n {
			r[0x36+2*i], r[0x37+2*i] = byte(n), byte(n>>8)
		}
		if at, ok := r.Date(time.UTC); ok != c.ok || ok && at.Year() != c.n[5] {
			t.Errorf("%v: %v, %v", c.n, at, ok)
		}
	}
	zone := time.FixedZone("", -5*3600)
	var r Row
	r.SetDate(time.Date(1995, 7, 4, 9, 5, 7, 0, zone))
	if at, ok := r.Date(zone); !ok || at.UTC().Hour() != 14 || at.Second() != 7 {
		t.Error(at)
	}
	r.SetSubject(strings.Repeat("x", 50))
	if len(r.Subject()) != 40 {
		t.Errorf("%q", r.Subject())
	}
}

func TestRowKeepsBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), RowSize, RowSize).Draw(t, "row")
		raw[0x0C], raw[0x35], raw[0x4B] = 0, 0, 0 // fields end with NUL
		r := Row(raw)
		r.SetSender(r.Sender())
		r.SetSubject(r.Subject())
		r.SetFile(r.File())
		r.SetSize(r.Size())
		r.SetLife(r.Life())
		if at, ok := r.Date(time.UTC); ok && r.Second() < 60 {
			r.SetDate(at)
		}
		if !bytes.Equal(r[:], raw) {
			t.Fatalf("% X became % X", raw, r)
		}
	})
}

// TestLocateKey hides the layout and expects it to be found by what the mailbags
// show.
func TestLocateKey(t *testing.T) {
	layouts := []KeyLayout{{0, false}, {0, true}, {48, false}, {48, true}}
	rapid.Check(t, func(t *rapid.T) {
		l := rapid.SampledFrom(layouts).Draw(t, "layout")
		var samples []Sample
		for range 12 {
			s := Sample{Rows: rapid.IntRange(3, 60).Draw(t, "rows")}
			for i := range s.Rows {
				gone := rapid.IntRange(0, 4).Draw(t, "gone") == 0 || i == s.Rows-2
				s.Gone = append(s.Gone, gone)
				s.Key.SetDeleted(l, i, gone)
			}
			copy(s.Key.Counters(l), []byte{byte(s.Rows), 0, 2, 0})
			samples = append(samples, s)
		}
		got, f := LocateKey(samples, nil)
		if got != l || !f.Proven() {
			t.Fatalf("%+v taken for %+v, %s", l, got, f)
		}
	})
	got, f := LocateKey([]Sample{{Rows: 5}}, nil)
	if got != LikelyKey || f.Proven() {
		t.Error("an empty KEY proves nothing", f)
	}
}

// TestLocateKeyByCounts has no message gone, only counts to go by.
func TestLocateKeyByCounts(t *testing.T) {
	for _, l := range []KeyLayout{{0, false}, {0, true}, {48, false}, {48, true}} {
		samples := make([]Sample, 3)
		for i := range samples {
			samples[i].Rows = 16
		}
		holders := make([]Holder, 16)
		for row := range 16 {
			holders[row].Count = 3
			for i := range samples {
				holders[row].Rows = append(holders[row].Rows, struct{ Sample, Row int }{i, row})
				if row == 2 || row == 9 && i == 1 {
					samples[i].Key.SetDeleted(l, row, true)
					holders[row].Count--
				}
			}
		}
		samples[0].Key.Counters(l)[1] = 4
		if got, f := LocateKey(samples, holders); got != l || !f.Proven() {
			t.Errorf("%+v taken for %+v: %s", l, got, f)
		}
	}
}

func FuzzKey(f *testing.F) {
	f.Add(make([]byte, KeySize), 3)
	f.Add(bytes.Repeat([]byte{0xFF}, KeySize), 4096)
	f.Fuzz(func(t *testing.T, b []byte, rows int) {
		if len(b) < KeySize {
			return
		}
		k := Key(b[:KeySize])
		for _, l := range []KeyLayout{{0, false}, {48, true}} {
			_ = k.Deleted(l, rows)
			before := k
			k.SetDeleted(l, 17, k.Deleted(l, 17))
			if before != k || k.Beyond(l, rows) > MaxRows || len(k.Counters(l)) != 48 {
				t.Fatal("changed")
			}
		}
		if len(b) >= RowSize {
			r := Row(b[:RowSize])
			_, _ = r.Date(time.UTC)
			if len(r.Subject()) > 41 {
				t.Fatal("subject")
			}
		}
		_, _ = LocateKey([]Sample{{Key: k, Rows: rows % 5000, Gone: []bool{true}}}, []Holder{{Count: rows}})
	})
}
