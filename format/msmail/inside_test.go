package msmail

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"pgregory.net/rapid"
	"waybill/failure"
	"waybill/format/msmail/dos"
	"waybill/format/msmail/glb"
)

// The samples of KB Q119356 and Q175958.
func TestTextHeader(t *testing.T) {
	line := strings.Repeat("-", 78)
	english := "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nFrom: Administrator\r\nTo:  TEST\r\nSubject:  test\r\nDate: 1997-10-09 10:24\r\nPriority:\r\nMessage ID: EDBA53BE\r\nParent message ID: 935DA930113BD111820200C04FC9A530\r\nConversation ID: TEST\r\n\r\n" + line + "\r\n\r\nHello\r\n"
	h := parseTextHeader(english)
	if h.Class != "IPM.Microsoft Mail.Note" || h.Subject != "test" || h.MessageID != "EDBA53BE" || h.ParentID != "935DA930113BD111820200C04FC9A530" || h.ConversationID != "TEST" || h.Lines != 11 {
		t.Errorf("%+v", h)
	}
	spanish := "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\nDe: A\nPara: B\nAsunto: hola\nFecha: 1997-10-09 10:24\nPrioridad: 1\nIdent. del mensaje: DE0CFCA6\nIdent. del mensaje principal: B4A878C0\n" + line + "\n"
	if h := parseTextHeader(spanish); h.Subject != "hola" || h.MessageID != "DE0CFCA6" || h.ParentID != "B4A878C0" || h.Priority != "1" || h.Lines != 9 {
		t.Errorf("%+v", h)
	}
	for _, text := range []string{"", "Hello\n" + line, "From: me\n" + line, "Microsoft Mail v3.0 IPM.Note\nFrom: no end"} {
		if h := parseTextHeader(text); h.Lines != 0 {
			t.Errorf("%q: %+v", text, h)
		}
	}
}

func TestTrimmer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.SampledFrom([]byte{0, 0, 0, 'a', 'b'})).Draw(t, "text")
		got, err := io.ReadAll(iotest.HalfReader(&trimmer{r: iotest.OneByteReader(bytes.NewReader(text))}))
		if err != nil || !bytes.Equal(got, bytes.TrimRight(text, "\x00")) {
			t.Fatalf("%q became %q, %v", text, got, err)
		}
	})
}

func FuzzTextHeader(f *testing.F) {
	f.Add("Microsoft Mail v3.0 IPM.Note\nSubject: x\n----------\n")
	f.Fuzz(func(t *testing.T, text string) {
		if h := parseTextHeader(text); h.Lines > strings.Count(text, "\n")+1 {
			t.Fatalf("%+v", h)
		}
	})
}

// FuzzDirectory opens postoffices whose directory files hold anything.
func FuzzDirectory(f *testing.F) {
	f.Add([]byte("network"), bytes.Repeat([]byte{1, 1}, 100), []byte("access"), []byte("groups.."), []byte{1, 2, 3, 4})
	f.Add(bytes.Repeat([]byte{1}, 122), bytes.Repeat([]byte{4, 1, 'A', 0}, 45), bytes.Repeat([]byte{'B', 0, 0}, 69), bytes.Repeat([]byte{8, 0, 0, 0}, 16), bytes.Repeat([]byte{'0'}, 560))
	f.Fuzz(func(t *testing.T, network, list, access, groups, key []byte) {
		file := func(b []byte) *fstest.MapFile { return &fstest.MapFile{Data: b} }
		fsys := fstest.MapFS{
			"GLB/MASTER.GLB": file(network), "GLB/NETWORK.GLB": file(network), "XTN/00000001.XTN": file(network), "NME/ADMIN.NME": file(list), "NME/SMTP.NME": file(list), "GLB/SMTP.GLB": file(groups),
			"NME/00000000.NME": file(list), "GRP/00000000.GRP": file(groups), "GLB/ACCESS2.GLB": file(access), "GLB/GROUP.GLB": file(groups), "GRP/ADMIN.GRP": file(groups), "GLB/NETPO.GLB": file(access),
			"KEY/00000000.KEY": file(key), "MBG/00000000.MBG": file(access), "MAI/MA0/30303030.MAI": file(key), "FOLDERS/PUB/FOLDROOT.IDX": file(list), "FOLDERS/PUB/00000000.FLD": file(access),
		}
		p, err := Open(context.Background(), fsys, Options{})
		if err != nil {
			if failure.ClassOf(err) == failure.Internal {
				t.Fatal(err)
			}
			return
		}
		members := 0
		for _, g := range p.Groups() {
			members += len(g.Members)
		}
		if limit := 5 * (len(groups)/8 + len(list)/45 + 2); members > limit {
			t.Fatalf("%d members", members)
		}
		if err := p.Check(context.Background(), func(Finding) {}); err != nil && failure.ClassOf(err) == failure.Internal {
			t.Fatal(err)
		}
	})
}

// failing is a disk that cannot read one file.
type failing struct {
	fs.FS
	name string
}

type failingFile struct{ fs.File }

func (failingFile) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (f failing) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	if err == nil && name == f.name {
		return failingFile{file}, nil
	}
	return file, err
}

// TestBadSector tells a disk that fails from a file that is damaged.
func TestBadSector(t *testing.T) {
	var list glb.Alias
	list.SetType(glb.LikelyAlias, glb.AliasLocal)
	if err := list.SetName("Anna"); err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{"GLB/MASTER.GLB": {Data: make([]byte, 176)}, "NME/ADMIN.NME": {Data: list[:]}, "MBG/00000000.MBG": {Data: make([]byte, 116)}, "KEY/00000000.KEY": {Data: make([]byte, 560)}}
	if _, err := Open(context.Background(), fsys, Options{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"NME/ADMIN.NME", "MBG/00000000.MBG"} {
		if _, err := Open(context.Background(), failing{fsys, name}, Options{}); failure.RuleOf(err) != "msmail.read" || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := &Postoffice{tree: dos.NewTree(failing{fsys, "MBG/00000000.MBG"})}
	for row, err := range p.Mailbag(context.Background(), 0) {
		if failure.RuleOf(err) != "msmail.read" || row.Index != -1 {
			t.Errorf("%+v, %v", row, err)
		}
	}
}
