package fld

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
	"waybill/failure"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
)

func message(t interface{ Fatal(...any) }, text string) []byte {
	var b bytes.Buffer
	c := mai.Cipher{Key: mai.Key{3, 1, 4, 1, 5, 9, 2, 6}}
	if err := mai.Write(&b, &mai.Draft{From: mai.Native("N/P/A", "A"), Subject: "s", Text: strings.NewReader(text), TextSize: int64(len(text))}, &c); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCountMessages(t *testing.T) {
	ctx := context.Background()
	file := NewHeader(TypeShared)
	if kind, ok := Type(file); !ok || kind != TypeShared || len(file) != 129 {
		t.Error(kind, ok)
	}
	for n := range 5 {
		parts, proven, err := Count(ctx, bytes.NewReader(file), "1.FLD", int64(len(file)))
		if err != nil || !proven || len(parts) != n {
			t.Errorf("%d: %v %v %v", n, parts, proven, err)
		}
		for _, p := range parts {
			if _, err := mai.ReadEnvelope(ctx, bytes.NewReader(file[p.Offset:p.Offset+p.Length]), "1.FLD", p.Length); err != nil {
				t.Error(err)
			}
		}
		file = append(file, message(t, strings.Repeat("x", n*100))...)
	}
	for what, bad := range map[string][]byte{"stray": append(bytes.Clone(file), 0), "cut": file[:len(file)-1], "other": append(NewHeader(2), "garbage that is no message"...)} {
		if _, proven, err := Count(ctx, bytes.NewReader(bad), "1.FLD", int64(len(bad))); proven || err != nil {
			t.Errorf("%s: %v %v", what, proven, err)
		}
	}
	if _, _, err := Count(ctx, bytes.NewReader(file[:100]), "1.FLD", 100); failure.RuleOf(err) != "fld.header" {
		t.Error(err)
	}
	// Q95975: a group folder becomes a shared folder by one byte.
	group := NewHeader(TypeGroup)
	group[0x31] = 3
	if !bytes.Equal(group, NewHeader(TypeShared)) {
		t.Error("more than the type differs")
	}
}

func TestLocateIndex(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files, users := map[glb.ID]byte{}, map[glb.ID]bool{1: true, 2: true, 0x1A: true}
		var records []Entry
		for i := range rapid.IntRange(4, 12).Draw(t, "folders") {
			id := glb.ID(0x100 + i)
			kind := byte(2 + i%2)
			files[id] = kind
			var e Entry
			e.Set(rapid.StringMatching(`[A-Z][a-z]{2,8}( [A-Z][a-z]{2,9})?`).Draw(t, "name"), "about "+fmt.Sprint(i), rapid.SampledFrom([]glb.ID{1, 2, 0x1A}).Draw(t, "owner"), id, kind)
			if i%3 == 0 { // KB Q124041
				copy(e[Likely.OwnerAt:], strings.ToLower(string(e[Likely.OwnerAt:Likely.OwnerAt+8])))
			}
			records = append(records, e)
		}
		l, found := LocateIndex(records, files, users)
		if l != Likely || !found[0].Proven() || !found[1].Proven() {
			t.Fatalf("%+v, %v", l, found)
		}
		for i := range records {
			if id, ok := records[i].File(l); !ok || id != glb.ID(0x100+i) || records[i].Comment(l) != "about "+fmt.Sprint(i) {
				t.Fatalf("%v %q", id, records[i].Comment(l))
			}
		}
	})
	if l, _ := LocateIndex(nil, nil, nil); l.FileAt != -1 || l.NameAt != -1 {
		t.Error(l)
	}
}

func FuzzFolders(f *testing.F) {
	f.Add(append(NewHeader(2), message(f, "hello")...))
	f.Add(bytes.Repeat([]byte("00000001"), 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, _, _ := Count(context.Background(), bytes.NewReader(b), "f.FLD", int64(len(b)))
		for _, p := range parts {
			if p.Offset < Header || p.Length < 2 || p.Offset+p.Length > int64(len(b)) {
				t.Fatalf("%+v of %d", p, len(b))
			}
		}
		table, _ := glb.ReadTable(bytes.NewReader(b), "f.IDX", IndexHeader, IndexRecord)
		var records []Entry
		for i := range table.Len() {
			records = append(records, Entry(table.Record(i)))
		}
		l, _ := LocateIndex(records, map[glb.ID]byte{1: 2}, map[glb.ID]bool{1: true})
		for i := range records {
			_, _ = records[i].File(l)
			_, _ = records[i].Owner(l)
			_ = records[i].Name(l) + records[i].Comment(l)
		}
	})
}
