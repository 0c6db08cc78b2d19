package msg

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/internal/mapiwalk"
)

func TestDamagedMessages(t *testing.T) {
	for _, c := range []struct {
		name string
		o    *object
		rule string // of Open, or of a defect
	}{
		{"no message", (&object{}).stream("WordDocument", nil), "msg.properties"},
		{"list too short", (&object{header: 5}).unicode(mapi.Subject, "x"), "msg.properties"},
		{"list with half an entry", func() *object { o := message(); o.list = []byte{1, 2, 3}; return o }(), "msg.properties"},
		{"value missing", message().entry(mapi.MakeTag(mapi.Subject, mapi.TypeUnicode), 100), "msg.value"},
		{"value of several missing", message().value(mapi.MakeTag(0x7FF0, mapi.TypeUnicode|mapi.Multi), make([]byte, 8), 0), "msg.value"},
		{"too many values", message().value(mapi.MakeTag(0x7FF0, mapi.TypeInt16|mapi.Multi), make([]byte, 3*maxValues), 0), "msg.values"},
		{"too many properties", func() *object { o := message(); o.list = make([]byte, (maxProps+9)*entrySize); return o }(), "msg.properties"},
		{"set of a name missing", message().storage(nameStorage, message().stream(valuePrefix+"00030102", []byte{0, 0, 0, 0, 0xF0, 0, 0, 0}).children...), "msg.names"},
		{"text of a name far away", message().storage(nameStorage, message().stream(valuePrefix+"00030102", []byte{0, 0, 0, 0xFF, 5, 0, 0, 0}).children...), "msg.names"},
	} {
		m, err := openBytes(c.o.file())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		met := false
		for _, err := range m.Defects() {
			met = met || failure.RuleOf(err) == c.rule && failure.ClassOf(err) == failure.Malformed
		}
		if !met {
			t.Errorf("%s: %v, want %s", c.name, m.Defects(), c.rule)
		}
	}
	other := &object{header: 0}
	other.stream("WordDocument", []byte("x"))
	doc := other.file()
	// The builder always writes a list of properties; here it gets another name.
	doc = bytes.Replace(doc, utf16le(propertyStream), utf16le("__properties_version9.9"), 1)
	if _, err := openBytes(doc); failure.RuleOf(err) != "msg.none" {
		t.Errorf("a document: %v", err)
	}
	if _, err := openBytes([]byte("From: a@b.example\r\n\r\n")); failure.RuleOf(err) != "cfb.truncated" {
		t.Errorf("a short text: %v", err)
	}
	if _, err := openBytes(make([]byte, 4096)); failure.RuleOf(err) != "cfb.signature" {
		t.Errorf("zeros: %v", err)
	}
}

func TestEmptyValuesNeedNoStream(t *testing.T) {
	o := message().entry(mapi.MakeTag(mapi.Subject, mapi.TypeUnicode), 2).entry(mapi.MakeTag(mapi.Body, mapi.TypeString8), 1).
		entry(mapi.MakeTag(0x7FF0, mapi.TypeBinary), 0).entry(mapi.MakeTag(0x7FF1, mapi.TypeUnicode|mapi.Multi), 0)
	m, err := openBytes(o.file())
	if err != nil || len(m.Defects()) > 0 {
		t.Fatal(err, m.Defects())
	}
	for _, id := range []mapi.ID{mapi.Subject, mapi.Body, 0x7FF0, 0x7FF1} {
		if v, ok := m.Props().Get(id); !ok || v.Type&mapi.Multi == 0 && v.Data == nil {
			t.Errorf("property 0x%04X: %v, %v", id, v, ok)
		}
	}
}

// TestDeepMessages ends at a depth, with an error that says so.
func TestDeepMessages(t *testing.T) {
	o := embedded().unicode(mapi.Subject, "innermost")
	for range 1000 {
		a := attachment().number(mapi.AttachMethod, mapi.EmbeddedMessage).storage(valuePrefix+"3701000D", o.nodes()...)
		o = embedded().sub(attachPrefix, 0, a)
	}
	o.header = headerTop
	m, err := openBytes(o.file())
	if err != nil {
		t.Fatal(err)
	}
	var c mapiwalk.Counts
	var errs []error
	c.Message(t.Context(), m, func(err error) { errs = append(errs, err) })
	if c.Messages != maxDepth+1 || len(errs) != 1 || failure.RuleOf(errs[0]) != "msg.depth" || failure.ClassOf(errs[0]) != failure.TooLarge {
		t.Errorf("%d messages, %.300v", c.Messages, errs)
	}
}

func TestMissingObjects(t *testing.T) {
	o := message().
		sub(attachPrefix, 0, attachment().number(mapi.AttachMethod, mapi.EmbeddedMessage)).
		sub(attachPrefix, 1, attachment().number(mapi.AttachMethod, mapi.OLE)).
		storage(attachPrefix + "00000002").
		storage(recipPrefix + "nonsense")
	m, err := openBytes(o.file())
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.Attachments(t.Context())
	if len(all) != 3 || failure.RuleOf(err) != "msg.properties" {
		t.Fatal(len(all), err)
	}
	if _, err := all[0].Message(t.Context()); failure.RuleOf(err) != "msg.embedded" {
		t.Error(err)
	}
	if _, err := all[1].Storage(t.Context()); failure.RuleOf(err) != "msg.object" {
		t.Error(err)
	}
	if r, err := m.Recipients(t.Context()); len(r) != 1 || failure.RuleOf(err) != "msg.properties" {
		t.Error(len(r), err)
	}
}

// TestChangedFiles changes one number after the other: what comes out stays within
// the file's size.
func TestChangedFiles(t *testing.T) {
	file := example().file()
	for at := 0; at+4 <= len(file); at += 36 {
		for _, v := range []uint32{0, 1, 0x7FFFFFFF, 0xFFFFFFFE} {
			b := bytes.Clone(file)
			binary.LittleEndian.PutUint32(b[at:], v)
			m, err := openBytes(b)
			if err != nil {
				if failure.ClassOf(err) != failure.Malformed {
					t.Errorf("changed at %d: %v", at, err)
				}
				continue
			}
			var c mapiwalk.Counts
			c.Message(t.Context(), m, func(err error) {
				if failure.ClassOf(err) != failure.Malformed {
					t.Errorf("changed at %d: %v", at, err)
				}
			})
			// Objects are packed once more, and names and lists read twice.
			if c.Bytes > 4*int64(len(file)) {
				t.Errorf("changed at %d: %d bytes out of %d", at, c.Bytes, len(file))
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(example().file())
	f.Add(message().unicode(mapi.Subject, "x").file())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := openBytes(b)
		if err != nil {
			return
		}
		var c mapiwalk.Counts
		c.Message(t.Context(), m, func(error) {})
	})
}

// TestMemory reads 16 MB of contents, and holds next to nothing of them.
func TestMemory(t *testing.T) {
	o := message().sub(attachPrefix, 0, attachment().number(mapi.AttachMethod, mapi.ByValue).binary(mapi.AttachData, string(make([]byte, 16<<20))))
	file := o.file()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := openBytes(file)
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
