package mai

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"
	"waybill/failure"
)

func drawKey(t *rapid.T) Key {
	return Key(rapid.SliceOfN(rapid.Byte(), 8, 8).Draw(t, "key"))
}

func TestCipherIsItsOwnInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Cipher{Key: drawKey(t), Long: rapid.SampledFrom(longForms).Draw(t, "long")}
		plain := rapid.SliceOfN(rapid.Byte(), 0, 700).Draw(t, "plain")
		coded := c.Encrypt(plain)
		if !bytes.Equal(c.Decrypt(coded), plain) {
			t.Fatal("not the inverse")
		}
		streamed, err := io.ReadAll(iotest.OneByteReader(c.NewReader(iotest.HalfReader(bytes.NewReader(coded)))))
		if err != nil || !bytes.Equal(streamed, plain) {
			t.Fatal("streamed otherwise")
		}
		var w bytes.Buffer
		cw := c.NewWriter(&w)
		cut := rapid.IntRange(0, len(plain)).Draw(t, "cut")
		_, _ = cw.Write(plain[:cut])
		_, _ = cw.Write(plain[cut:])
		if !bytes.Equal(w.Bytes(), coded) {
			t.Fatal("written otherwise")
		}
	})
}

func TestParties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[A-Za-z ]{0,30}`).Draw(t, "name")
		p := Native(rapid.StringMatching(`[A-Z0-9]{1,10}/[A-Z0-9]{1,10}/[A-Z0-9]{1,10}`).Draw(t, "address"), name)
		plain := AppendParty(nil, p)
		got, ok := ParseParty(plain)
		if !ok || got.Address != p.Address || got.Name != name || !bytes.Equal(AppendParty(nil, got), plain) {
			t.Fatalf("%+v became %+v", p, got)
		}
	})
	for _, bad := range []string{"", "\x02", "\x02\x00", "\x02NET/PO\x00\x80", "\x02NE\x01/P/A\x00", "\x05ab\x7fc\x00"} {
		if p, ok := ParseParty([]byte(bad)); ok {
			t.Errorf("%q is taken for %+v", bad, p)
		}
	}
}

func draft(t *rapid.T) (*Draft, string) {
	d := &Draft{Count: uint16(rapid.IntRange(0, 65535).Draw(t, "count")), Hops: 10, From: Native("NET/PO/"+rapid.StringMatching(`[A-Z]{3,10}`).Draw(t, "from"), "Anna Berg"),
		Subject: rapid.StringMatching(`[A-Za-z0-9 ]{12,40}`).Draw(t, "subject"), Clock: time.Date(1995, 7, 4, 9, 5, 7, 0, time.UTC), Priority: rapid.SampledFrom([]string{"", "1", "5", "R"}).Draw(t, "priority")}
	for range rapid.IntRange(1, 9).Draw(t, "to") {
		d.To = append(d.To, Native("NET/PO/"+rapid.StringMatching(`[A-Z]{1,10}`).Draw(t, "to"), ""))
	}
	for range rapid.IntRange(0, 3).Draw(t, "cc") {
		d.Cc = append(d.Cc, Native("NET/PO/CC", "See See"))
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "files") {
		d.Files = append(d.Files, NamedFile{ID: 0x1000, HasID: true, Name: "A.TXT", Clock: d.Clock, HasDate: i != 1, Size: int64(i) * 1000})
	}
	text := strings.Repeat(rapid.StringMatching(`[a-z ,.\r\n]{1,60}`).Draw(t, "text"), rapid.IntRange(0, 40).Draw(t, "repeat"))
	d.Text, d.TextSize = strings.NewReader(text), int64(len(text))
	return d, text
}

func TestMessagesSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Cipher{Key: drawKey(t)}
		d, text := draft(t)
		var file bytes.Buffer
		if err := Write(&file, d, &c); err != nil {
			t.Fatal(err)
		}
		e, err := ReadEnvelope(context.Background(), iotest.HalfReader(bytes.NewReader(file.Bytes())), "x.MAI", int64(file.Len()))
		if err != nil || len(e.Defects) != 0 {
			t.Fatal(err, e.Defects)
		}
		m := e.Decode(&c)
		if e.Count != int(d.Count) || m.Strange != 0 || len(m.To) != len(d.To) || len(m.Cc) != len(d.Cc) || m.Subject != d.Subject || !m.Clock.Equal(d.Clock) || m.Priority != d.Priority || len(m.Files) != len(d.Files) {
			t.Fatalf("%+v", m)
		}
		for i, f := range m.Files {
			if f.ID != 0x1000 || f.Name != "A.TXT" || f.Size != int64(i)*1000 || f.HasDate != d.Files[i].HasDate {
				t.Fatalf("%+v", f)
			}
		}
		if got := c.Decrypt(e.TextHead); string(got) != text {
			t.Fatalf("%q became %q", text, got)
		}
		// Cut anywhere, it says so and gives what is there.
		cut := rapid.IntRange(1, file.Len()-1).Draw(t, "cut")
		e, err = ReadEnvelope(context.Background(), bytes.NewReader(file.Bytes()[:cut]), "x.MAI", int64(cut))
		if err == nil && len(e.Defects) == 0 {
			t.Fatalf("cut at %d of %d, and nothing is told", cut, file.Len())
		}
	})
}

// TestDeriveFindsAnyKey writes a postoffice's worth of messages with a key of its own
// and expects the key back, however little is known.
func TestDeriveFindsAnyKey(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Cipher{Key: drawKey(t)}
		var known []Known
		for range 4 {
			d, _ := draft(t)
			if !rapid.Bool().Draw(t, "subject known") {
				d.Subject = ""
			}
			var file bytes.Buffer
			if err := Write(&file, d, &c); err != nil {
				t.Fatal(err)
			}
			e, err := ReadEnvelope(context.Background(), &file, "x.MAI", int64(file.Len()))
			if err != nil {
				t.Fatal(err)
			}
			known = append(known, Known{Envelope: e, Sender: d.From.Address[len("NET/PO/"):], Subject: d.Subject})
		}
		got, found, ok := Derive(known, []string{"OTHER/PLACE", "NET/PO"})
		if !ok || got.Key != c.Key || found.For != found.Total {
			t.Fatalf("% X taken for % X: %s", c.Key, got.Key, found)
		}
	})
}

func TestDeriveDoesNotInvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var known []Known
		for range 4 {
			b := rapid.SliceOfN(rapid.Byte(), 40, 60)
			known = append(known, Known{Envelope: &Envelope{From: [][]byte{b.Draw(t, "from")}, To: [][]byte{b.Draw(t, "to")}, Subject: b.Draw(t, "subject")}, Sender: "ANNA", Subject: "The quick brown fox"})
		}
		if _, found, ok := Derive(known, []string{"NET/PO"}); ok {
			t.Fatalf("random bytes are explained: %s", found)
		}
	})
	if _, found, ok := Derive(nil, nil); ok || found.Confidence() != 0 {
		t.Error("nothing proves something")
	}
}

func TestDeriveLongForms(t *testing.T) {
	text := []byte(strings.Repeat("It was a dark and stormy night; the rain fell in torrents.\r\n", 700))
	for _, l := range longForms {
		c := Cipher{Key: Key{1, 2, 3, 0x84, 5, 6, 0x77, 8}, Long: l}
		var known []Known
		for range 4 {
			known = append(known, Known{Envelope: &Envelope{TextHead: c.Encrypt(text)}})
		}
		got, sure, found := DeriveLong(Cipher{Key: c.Key}, known)
		if got.Long != l || !found.Proven() || sure < 1<<40 {
			t.Errorf("%s: %s", l, found)
		}
		// Short texts leave forms that cannot be told apart, and that is said.
		for i := range known {
			known[i].Envelope.TextHead = known[i].Envelope.TextHead[:300]
		}
		_, sure, _ = DeriveLong(Cipher{Key: c.Key}, known)
		if !l.Fold && l.Block != 256 && sure > 512 {
			t.Errorf("%s: sure up to %d", l, sure)
		}
	}
	if _, sure, found := DeriveLong(Cipher{}, []Known{{Envelope: &Envelope{TextHead: make([]byte, 200)}}}); found.Proven() || sure != 256 {
		t.Error("short texts prove nothing")
	}
}

func TestHostileMessages(t *testing.T) {
	deep := bytes.Repeat([]byte{Sequence, 0x80}, 5000)
	for name, c := range map[string]struct {
		file []byte
		rule string
	}{
		"empty":         {nil, "mai.empty"},
		"not a message": {[]byte("Hello, world"), "mai.container"},
		"long length":   {[]byte{0x4D, 0xFF, 1, 2, 3}, "mai.container"},
		"length 2^56":   {[]byte{0x4D, 0x88, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0x4C, 2, 5, 0x20}, "mai.truncated"},
		"past parent":   {[]byte{0x4D, 8, 1, 0x4C, 4, 5, 2, 0x7F, 'a', 'b'}, "mai.length"},
		"deep":          {append([]byte{0x4D, 0x80, 1}, deep...), "mai.depth"},
		"trailing":      {[]byte{0x4D, 1, 1, 'x', 'y', 'z'}, "mai.trailing"},
	} {
		e, err := ReadEnvelope(context.Background(), bytes.NewReader(c.file), "h.MAI", int64(len(c.file)))
		rule := failure.RuleOf(err)
		if err == nil {
			rule = ""
			for _, d := range e.Defects {
				if d.Rule == c.rule {
					rule = d.Rule
				}
			}
		}
		if rule != c.rule {
			t.Errorf("%s: %q, %v", name, rule, err)
		}
	}
	// A disk that fails is no damage of the message.
	failing := io.MultiReader(bytes.NewReader([]byte{0x4D, 0x83, 1, 0, 0, 1, 0x4C}), iotest.ErrReader(errors.New("bad sector")))
	if _, err := ReadEnvelope(context.Background(), failing, "h.MAI", 65541); failure.RuleOf(err) != "mai.read" {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ReadEnvelope(ctx, bytes.NewReader([]byte{0x4D, 1, 1}), "h.MAI", 3); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

func TestContentKind(t *testing.T) {
	for _, c := range []struct{ name, head, want string }{
		{"a.zip", "PK\x03\x04....", "ZIP"}, {"a.exe", "MZ\x90", "EXE"}, {"a.doc", "MZ\x90", ""}, {"x", "\x78\x9f\x3e\x22\x01", "TNEF"},
		{"a.txt", "A letter that is long enough to be one.\r\n", "text"}, {"a.txt", "short", ""}, {"a.bin", strings.Repeat("\x01\x90", 40), ""}, {"a.lzh", "\x20\x00-lh5-", "LHA"}, {"a.txt", "", ""},
	} {
		if got := ContentKind(c.name, []byte(c.head)); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.name, c.head, got, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	for s, want := range map[string]string{"19950704090507": "1995-07-04 09:05:07", "19950704-0905": "1995-07-04 09:05:00", "1995-07-04 09:05": "1995-07-04 09:05:00", "19950704-090507+0100": "1995-07-04 09:05:07", "19950704": "1995-07-04 00:00:00"} {
		if at, ok := ParseDate(s); !ok || at.Format(time.DateTime) != want {
			t.Errorf("%s: %v %v", s, at, ok)
		}
	}
	for _, s := range []string{"", "00000062", "19951304", "0000001A", "95-07-04", "A.TXT", "1995070x"} {
		if at, ok := ParseDate(s); ok {
			t.Errorf("%q is taken for %v", s, at)
		}
	}
}

func FuzzEnvelope(f *testing.F) {
	c := Cipher{Key: Key{1, 2, 3, 4, 5, 6, 7, 8}}
	var file bytes.Buffer
	d := Draft{From: Native("N/P/A", "A"), To: []Party{Native("N/P/B", "")}, Subject: "s", Clock: time.Date(1999, 1, 2, 3, 4, 5, 0, time.UTC),
		Files: []NamedFile{{ID: 7, Name: "x.doc", Size: 5}}, Text: strings.NewReader("text"), TextSize: 4}
	if err := Write(&file, &d, &c); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add([]byte{0x4D, 0x80, 1, 0x4C, 0x80, 8, 0x0A, 0x80, 2, 1, 'x', 1, 1, 1})
	f.Add([]byte{0x4D, 0x20, 1, 0xCC, 9, 5, 0x24, 2, 1, 1, 2, 1, 'x'})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ReadEnvelope(context.Background(), bytes.NewReader(b), "f.MAI", int64(len(b)))
		if err != nil {
			return
		}
		held := len(e.TextHead)
		for _, list := range [][][]byte{e.From, e.To, e.Cc, e.Bcc} {
			for _, s := range list {
				held += len(s)
			}
		}
		if held > len(b) {
			t.Fatalf("%d bytes of strings in a file of %d", held, len(b))
		}
		for _, s := range e.Text {
			if s.Offset < 0 || s.Length < 0 || s.Offset+s.Length > int64(len(b)) {
				t.Fatalf("text at %+v of %d", s, len(b))
			}
		}
		m := e.Decode(&c)
		_, _, _ = Derive([]Known{{Envelope: e, Sender: "A", Subject: m.Subject}}, []string{"N/P"})
		_, _, _ = DeriveLong(c, []Known{{Envelope: e}})
	})
}
