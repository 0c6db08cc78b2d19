package outlook

import (
	"context"
	"encoding/binary"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/cfb"
	"waybill/format/mapi"
	"waybill/format/tnef"
	"waybill/inspect"
	"waybill/internal/corpus"
)

// file writes a file and gives its path.
func write(t testing.TB, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// look looks into what must be known.
func look(t testing.TB, what string) *inspect.Report {
	t.Helper()
	r, ok, err := Look(t.Context(), what)
	if err != nil || !ok {
		t.Fatalf("%s: %v, %v", what, ok, err)
	}
	return r
}

// fact gives a fact's value; empty where there is none.
func fact(r *inspect.Report, name string) string {
	for _, f := range r.Facts {
		if strings.TrimPrefix(f.Name, "of class ") == name {
			return f.Value
		}
	}
	return ""
}

// rules counts the findings by rule.
func rules(r *inspect.Report) map[string]int {
	n := map[string]int{}
	for _, f := range r.Findings {
		n[f.Rule] += 1 + r.More[f.Rule]
	}
	return n
}

// compound makes a compound file of streams.
func compound(t testing.TB, streams map[string][]byte) []byte {
	t.Helper()
	root := &cfb.Node{Name: "Root Entry"}
	for name, b := range streams {
		root.Children = append(root.Children, &cfb.Node{Name: name, Data: mapi.Bytes(b)})
	}
	data, err := cfb.Pack(root)
	if err != nil {
		t.Fatal(err)
	}
	r, err := data.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var b strings.Builder
	if _, err := readInto(&b, r); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

// winmail makes a TNEF stream with a subject ([MS-OXTNEF] 2.1.3), and as many
// wrong checksums as asked for.
func winmail(wrong int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, tnef.Signature)
	b = binary.LittleEndian.AppendUint16(b, 1)
	add := func(id uint32, data string, off uint16) {
		b = append(b, 1)
		b = binary.LittleEndian.AppendUint32(b, id)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		for _, c := range []byte(data) {
			off += uint16(c)
		}
		b = binary.LittleEndian.AppendUint16(append(b, data...), off)
	}
	add(0x00089006, "\x00\x00\x01\x00", 0)                              // attTnefVersion
	add(0x00078008, "IPM.Microsoft Mail.Note\x00", 0)                   // attMessageClass
	add(0x00018004, "A plan of the \x1b[2J harbour\x00", uint16(wrong)) // attSubject
	return b
}

const letter = "From: Anna <anna@example.org>\r\nTo: boris@example.org\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Tue, 6 May 2003 07:08:09 +0000\r\n" +
	"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n" +
	"Content-Disposition: attachment; filename=winmail.dat\r\n\r\nxx\r\n--b--\r\n"

// express is the header of a folder of Outlook Express that states n messages.
func express(n uint32) []byte {
	b := make([]byte, expressHeader)
	copy(b, "\xCF\xAD\x12\xFE\xC5\xFD\x74\x6F")
	binary.LittleEndian.PutUint32(b[expressEntries:], n)
	return b
}

func TestKindsOfFiles(t *testing.T) {
	class := []byte("I\x00P\x00M\x00.\x00C\x00o\x00n\x00t\x00a\x00c\x00t\x00")
	entry := append([]byte{0x1F, 0, 0x1A, 0, 6, 0, 0, 0}, byte(len(class)+2), 0, 0, 0, 0, 0, 0, 0)
	msg := compound(t, map[string][]byte{"__properties_version1.0": append(make([]byte, 32), entry...), "__substg1.0_001A001F": class})
	for _, test := range []struct {
		name    string
		content []byte
		kind    string            // a part of it
		facts   map[string]string // parts of them
		rules   string
	}{
		{"empty", nil, "empty", nil, "inspect.empty"},
		{"a.msg", msg, "message of Outlook (.msg)", map[string]string{"class": "IPM.Contact", "waybill": "vCard", "attachments": "0"}, ""},
		{"a.doc", compound(t, map[string][]byte{"WordDocument": []byte("x")}), "document of Word", map[string]string{"holds": "1 stream", "waybill": "nothing"}, ""},
		{"winmail.dat", winmail(0), "TNEF", map[string]string{"class": "IPM.Note", "subject": "harbour", "waybill": "as mail"}, ""},
		{"winmail.dat", winmail(1), "TNEF", nil, "tnef.checksum"},
		{"a.dbx", express(3), "folder of Outlook Express", map[string]string{"entries": "3 messages"}, ""},
		{"a.dbx", express(1 << 30), "folder of Outlook Express", nil, "dbx.entries"},
		{"a.eml", []byte(letter), "Internet message", map[string]string{"subject": "Grüße", "parts": "3, 1 attachment", "waybill": "byte for byte"}, "tnef.wrapped"},
		{"1.emlx", []byte("70 \nFrom: a@example.org\nSubject: cut\n\ncut"), "Apple Mail", map[string]string{"subject": "cut"}, "emlx.length"},
		{"a", []byte("From a@example.org Tue May  6 07:08:09 2003\nSubject: x\n\nyes\n\nFrom b@example.org Tue May  6 07:08:09 2003\nSubject: y\n\nno\n"), "mbox", map[string]string{"messages": "2"}, ""},
		{"a.zip", []byte("PK\x03\x04..."), "archive", nil, ""},
	} {
		t.Run(test.name+" "+test.kind, func(t *testing.T) {
			r := look(t, write(t, test.name, test.content))
			if !strings.Contains(r.Kind, test.kind) {
				t.Errorf("it is %q", r.Kind)
			}
			for name, part := range test.facts {
				if !strings.Contains(fact(r, name), part) {
					t.Errorf("%s is %q, want %q", name, fact(r, name), part)
				}
			}
			if got := rules(r); len(got) > 1 || test.rules == "" && len(got) > 0 || test.rules != "" && got[test.rules] == 0 {
				t.Errorf("findings %v, want %q", got, test.rules)
			}
			shared := r.Share()
			for _, f := range shared.Facts {
				if f.Private || strings.Contains(f.Value, "harbour") || strings.Contains(f.Value, "Grüße") {
					t.Errorf("%q is shared", f.Value)
				}
			}
		})
	}
}

func TestOthersAreLeftToOthers(t *testing.T) {
	dir := t.TempDir()
	for _, what := range []string{dir, "msmail:" + dir, "imap://example.org", write(t, "a.txt", []byte("Dear diary:\n\ntoday")), "nothing:" + dir} {
		if r, ok, err := Look(t.Context(), what); ok || err != nil || r != nil {
			t.Errorf("%s: %v %v %v", what, r, ok, err)
		}
	}
	if _, ok, err := Look(t.Context(), filepath.Join(dir, "not-there.pst")); ok || failure.ClassOf(err) != failure.Vanished {
		t.Errorf("%v %v", ok, err)
	}
}

func TestBrokenFilesEndInErrors(t *testing.T) {
	for rule, content := range map[string]string{
		"pst.truncated": "!BDN", "dbx.truncated": "\xCF\xAD\x12\xFE\xC5\xFD\x74\x6F", "cfb.truncated": "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
	} {
		_, ok, err := Look(t.Context(), write(t, "broken", []byte(content)))
		if ok || failure.ClassOf(err) != failure.Malformed {
			t.Errorf("%s: %v, %v", rule, ok, err)
		}
	}
}

// TestRealFiles looks into every real file of the kinds that are known: none may
// fail that another program opens, and the kind must be the one it is filed under.
func TestRealFiles(t *testing.T) {
	if testing.Short() {
		t.Skip("real files")
	}
	for kind, word := range map[string]string{"pst": "Outlook personal folders", "msg": "(.msg)", "tnef": "TNEF", "emlx": "Apple Mail"} {
		seen := 0
		err := filepath.WalkDir(corpus.Dir(t, kind), func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			r, ok, err := Look(t.Context(), path)
			if err != nil && failure.ClassOf(err) != failure.Malformed {
				t.Errorf("%s: %v", path, err)
			}
			if ok && strings.Contains(r.Kind, word) {
				seen++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if least := map[string]int{"pst": 35, "msg": 100, "tnef": 20, "emlx": 2}[kind]; seen < least {
			t.Errorf("%d files of kind %s were known, want %d", seen, kind, least)
		}
	}
}

func FuzzLook(f *testing.F) {
	for _, seed := range []string{letter, string(winmail(0)), string(express(2)), string(compound(f, map[string][]byte{"__properties_version1.0": make([]byte, 32)})),
		"From a\n\nx\n", "\x01\x01\x01\x01\nx\n", "12\nA: b\nC: d\n\n", "!BDN\x00\x00\x00\x00SM\x17\x00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		path := write(t, "any", b)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		r, ok, err := Look(ctx, path)
		switch {
		case err != nil && (ok || failure.ClassOf(err) == failure.Internal):
			t.Fatal(ok, err)
		case ok && (r == nil || r.Kind == ""):
			t.Fatal("known, and not told what it is")
		}
	})
}
