package msg

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf16"

	"waybill/format/cfb"
	"waybill/format/mapi"
)

// storage builds a message or an attachment ([MS-OXMSG] 2.4).
type storage struct {
	list     []byte
	children []*cfb.Node
}

func (s *storage) fixed(id mapi.ID, t mapi.Type, v uint64) *storage {
	s.list = binary.LittleEndian.AppendUint32(s.list, uint32(mapi.MakeTag(id, t)))
	s.list = binary.LittleEndian.AppendUint32(s.list, 6)
	s.list = binary.LittleEndian.AppendUint64(s.list, v)
	return s
}

func (s *storage) value(id mapi.ID, t mapi.Type, b []byte, more int) *storage {
	s.children = append(s.children, &cfb.Node{Name: fmt.Sprintf("__substg1.0_%08X", uint32(mapi.MakeTag(id, t))), Data: mapi.Bytes(b)})
	return s.fixed(id, t, uint64(len(b)+more))
}

func (s *storage) text(id mapi.ID, text string) *storage {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return s.value(id, mapi.TypeUnicode, b, 2)
}

func (s *storage) time(id mapi.ID, at time.Time) *storage {
	const to1601 = 11644473600
	return s.fixed(id, mapi.TypeTime, uint64(at.Unix()+to1601)*10_000_000)
}

func (s *storage) nodes(header int) []*cfb.Node {
	list := append(make([]byte, header), s.list...)
	return append(s.children, &cfb.Node{Name: "__properties_version1.0", Data: mapi.Bytes(list)})
}

func (s *storage) attach(n int, a *storage) *storage {
	s.children = append(s.children, &cfb.Node{Name: fmt.Sprintf("__attach_version1.0_#%08X", n), Children: a.nodes(8)})
	return s
}

// write writes a .msg file.
func (s *storage) write(t testing.TB, path string) {
	t.Helper()
	names := &cfb.Node{Name: "__nameid_version1.0"}
	for _, n := range []string{"00020102", "00030102", "00040102"} {
		names.Children = append(names.Children, &cfb.Node{Name: "__substg1.0_" + n, Data: mapi.Bytes(nil)})
	}
	data, err := cfb.Pack(&cfb.Node{Name: "Root Entry", Children: append(s.nodes(32), names)})
	if err != nil {
		t.Fatal(err)
	}
	r, err := data.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, path, b)
}

func writeFile(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

var when = time.Date(2003, 4, 5, 6, 7, 8, 0, time.UTC)

func letter(class, subject, body string) *storage {
	s := &storage{}
	return s.text(mapi.MessageClass, class).text(mapi.Subject, subject).text(mapi.Body, body).
		text(mapi.SenderName, "Anna").text(mapi.SenderAddressType, "SMTP").text(mapi.SenderEmailAddress, "anna@example.org").
		time(mapi.MessageDeliveryTime, when).fixed(mapi.MessageFlags, mapi.TypeInt32, mapi.FlagRead)
}

func attachment(name string, b []byte) *storage {
	s := &storage{}
	return s.fixed(mapi.AttachMethod, mapi.TypeInt32, mapi.ByValue).text(mapi.AttachLongFilename, name).value(mapi.AttachData, mapi.TypeBinary, b, 0)
}

// office writes a directory of two users.
func office(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	letter("IPM.Note", "Grüße", "Hallo").attach(0, attachment("Bild.bin", []byte("\x00\x01\xff"))).write(t, filepath.Join(dir, "anna", "Grüße.msg"))
	letter("IPM.Note", "second", "two").write(t, filepath.Join(dir, "anna", "second.MSG"))
	letter("IPM.Contact", "Bert", "").text(0x3001, "Bert").write(t, filepath.Join(dir, "anna", "Contacts", "Bert.msg"))
	letter("IPM.Note", "deep", "three").write(t, filepath.Join(dir, "anna", "Work", "2003", "a.msg"))
	letter("IPM.Note", "bert's", "four").write(t, filepath.Join(dir, "bert", "Sent Items", "1.msg"))
	writeFile(t, filepath.Join(dir, "bert", "broken.msg"), []byte("this is no compound file"))
	writeFile(t, filepath.Join(dir, "bert", "notes.txt"), []byte("not a message"))
	return dir
}
