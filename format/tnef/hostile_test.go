package tnef

import (
	"bytes"
	"runtime"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/internal/mapiwalk"
)

func TestDamagedStreams(t *testing.T) {
	good := func() *stream { return newStream().own(attSubject, []byte("kept\x00")) }
	props := func(b ...byte) []byte { return good().own(attMAPIProps, b).b }
	for _, c := range []struct {
		name string
		b    []byte
		open bool // Open fails
		rule string
	}{
		{"nothing", nil, true, "tnef.truncated"},
		{"no signature", []byte("From: a@b.example"), true, "tnef.signature"},
		{"signature alone", newStream().b[:6], true, "tnef.truncated"},
		{"garbage behind the signature", append(newStream().b[:6], "garbage garbage"...), true, "tnef.level"},
		{"garbage at the end", append(good().b, "garbage garbage"...), false, "tnef.level"},
		{"padding at the end", append(good().b, "\r\n\r\n\x00"...), false, ""},
		{"cut in a header", good().own(attBody, []byte("x")).b[:len(good().b)+4], false, "tnef.truncated"},
		{"cut in data", good().own(attBody, []byte("long text")).b[:len(good().b)+12], false, "tnef.truncated"},
		{"cut in a checksum", good().own(attBody, []byte("x")).b[:len(good().b)+11], false, "tnef.truncated"},
		{"wrong checksum", append(good().own(attBody, []byte("x")).b[:len(good().b)+10], 9, 9), false, "tnef.checksum"},
		{"2^32 properties", props(0xFF, 0xFF, 0xFF, 0xFF), false, "tnef.props"},
		{"unknown type", props(1, 0, 0, 0, 0x99, 0, 0x37, 0x7F), false, "tnef.props"},
		{"value of 4 GB", props(1, 0, 0, 0, 0x02, 1, 0x37, 0x7F, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF), false, "tnef.props"},
		{"2^32 values", props(1, 0, 0, 0, 0x02, 0x11, 0x37, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF), false, "tnef.props"},
		{"object without interface", props(1, 0, 0, 0, 0x0D, 0, 1, 0x37, 1, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4), false, "tnef.props"},
		{"long name", props(append([]byte{1, 0, 0, 0, 0x1F, 0, 0, 0x80, 15: 0}, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xFF, 0xFF, 0, 0)...), false, "tnef.props"},
		{"party cut off", good().own(attFrom, []byte{4, 0, 9, 0, 99, 0, 99, 0, 'x'}).b, false, "tnef.attribute"},
		{"part before its beginning", good().part(attAttachTitle, []byte("a\x00")).b, false, "tnef.attribute"},
	} {
		m, err := openBytes(t.Context(), c.b)
		if c.open {
			if failure.RuleOf(err) != c.rule || failure.ClassOf(err) != failure.Malformed {
				t.Errorf("%s: %v, want %s", c.name, err, c.rule)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		met := c.rule == "" && len(m.Defects()) == 0
		for _, err := range m.Defects() {
			met = met || failure.RuleOf(err) == c.rule
		}
		if !met || m.Props().Text(mapi.Subject) != "kept" {
			t.Errorf("%s: %v, want %q; subject %q", c.name, m.Defects(), c.rule, m.Props().Text(mapi.Subject))
		}
	}
}

// TestCutContents gives what is there of an attachment, and then an error.
func TestCutContents(t *testing.T) {
	b := newStream().attachment(1).part(attAttachData, bytes.Repeat([]byte("x"), 1000)).b
	m, err := openBytes(t.Context(), b[:len(b)-500])
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.Attachments(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(all, err)
	}
	v, _ := all[0].Props().Get(mapi.AttachData)
	var c mapiwalk.Counts
	var got error
	c.Data(v.Data, func(err error) { got = err })
	if c.Bytes != 502 || v.Data.Size() != -1 || failure.RuleOf(got) != "tnef.truncated" {
		t.Errorf("%d bytes, stated %d, %v", c.Bytes, v.Data.Size(), got)
	}
}

// TestDeepStreams ends at a depth, with an error that says so.
func TestDeepStreams(t *testing.T) {
	s := newStream().own(attSubject, []byte("innermost\x00"))
	for range 300 {
		l := (&list{}).number(mapi.AttachMethod, mapi.EmbeddedMessage).tag(mapi.AttachData, mapi.TypeObject).values(append(messageInterface[:], s.b...))
		s = newStream().attachment(2).part(attAttachment, l.bytes())
	}
	m, err := openBytes(t.Context(), s.b)
	if err != nil {
		t.Fatal(err)
	}
	messages, depth := 0, error(nil)
	for depth == nil && m != nil {
		messages++
		all, err := m.Attachments(t.Context())
		if err != nil || len(all) != 1 {
			t.Fatal(len(all), err)
		}
		next, err := all[0].Message(t.Context())
		if depth = err; err == nil {
			m = next.(*Message)
		}
	}
	if messages != maxDepth+1 || failure.RuleOf(depth) != "tnef.depth" || failure.ClassOf(depth) != failure.TooLarge {
		t.Errorf("%d messages, %v", messages, depth)
	}
}

func TestTooManyAttributes(t *testing.T) {
	s := newStream()
	for range maxAttributes {
		s.own(attTnefVersion, nil)
	}
	if _, err := openBytes(t.Context(), s.b); failure.RuleOf(err) != "tnef.attributes" || failure.ClassOf(err) != failure.TooLarge {
		t.Error(err)
	}
}

// TestOneNumberForManyNames takes time in proportion to the names.
func TestOneNumberForManyNames(t *testing.T) {
	l := &list{}
	for i := range 60000 {
		l.tag(0x8000, mapi.TypeNull).name(mapi.Name{Set: mapi.SetTask, ID: uint32(i)})
	}
	m, err := openBytes(t.Context(), newStream().own(attMAPIProps, l.bytes()).b)
	if err != nil || m.Props().Len() < 32000 {
		t.Error(err, m.Props().Len())
	}
}

// TestChangedStreams changes one byte after the other, and reads all that there is.
func TestChangedStreams(t *testing.T) {
	good := example().b
	for at := 6; at < len(good); at++ {
		for _, v := range []byte{0, 0x7F, 0xFF} {
			b := bytes.Clone(good)
			b[at] = v
			m, err := openBytes(t.Context(), b)
			if err != nil {
				if failure.ClassOf(err) != failure.Malformed {
					t.Errorf("changed at %d: %v", at, err)
				}
				continue
			}
			var c mapiwalk.Counts
			c.Message(t.Context(), m, func(error) {})
			if c.Bytes > 4*int64(len(good)) {
				t.Errorf("changed at %d: %d bytes out of %d", at, c.Bytes, len(good))
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(example().b)
	f.Add(newStream().own(attSubject, []byte("x\x00")).b)
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := openBytes(t.Context(), b)
		if err != nil {
			return
		}
		var c mapiwalk.Counts
		c.Message(t.Context(), m, func(error) {})
		if c.Bytes > 1000*int64(len(b)) {
			t.Errorf("%d bytes out of %d", c.Bytes, len(b))
		}
	})
}

// TestMemory reads 16 MB of contents, and holds next to nothing of them.
func TestMemory(t *testing.T) {
	b := newStream().attachment(1).part(attAttachData, make([]byte, 16<<20)).b
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := openBytes(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	var c mapiwalk.Counts
	c.Message(t.Context(), m, func(err error) { t.Error(err) })
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 || c.Bytes < 16<<20 {
		t.Errorf("%d bytes were read with %d of memory", c.Bytes, used)
	}
}
