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

func TestTrimmer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.SampledFrom([]byte{0, 0, 0, 'a', 'b'})).Draw(t, "text")
		got, err := io.ReadAll(iotest.HalfReader(&trimmer{r: iotest.OneByteReader(bytes.NewReader(text))}))
		if err != nil || !bytes.Equal(got, bytes.TrimRight(text, "\x00")) {
			t.Fatalf("%q became %q, %v", text, got, err)
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
