package dos

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"waybill/failure"
)

func TestCodePages(t *testing.T) {
	for _, c := range []struct {
		number     int
		bytes, txt string
	}{
		{0, "M\x81ller", "Müller"}, {437, "\x84", "ä"}, {737, "\x80\x97\xe0\xff\xb0", "ΑΩω\u00a0░"}, {852, "\xab", "ź"}, {866, "\x8c", "М"}, {932, "\x93\xfa", "日"}, {950, "\xa4\xa4", "中"},
	} {
		page, err := NewCodePage(c.number)
		if err != nil {
			t.Fatal(err)
		}
		if got := page.Decode(c.bytes); got != c.txt {
			t.Errorf("%d: %q, want %q", c.number, got, c.txt)
		}
		if got, replaced := page.Encode(c.txt); got != c.bytes || replaced != 0 {
			t.Errorf("%d: written %q, %d replaced", c.number, got, replaced)
		}
		if got, err := io.ReadAll(page.NewReader(strings.NewReader(c.bytes))); err != nil || string(got) != c.txt {
			t.Errorf("%d: streamed %q, %v", c.number, got, err)
		}
	}
	if _, err := NewCodePage(4711); failure.RuleOf(err) != "msmail.code-page" {
		t.Error(err)
	}
	if len(upper737) != 128 {
		t.Errorf("code page 737 has %d upper characters", len(upper737))
	}
	page, _ := NewCodePage(737)
	if got, replaced := page.Encode("日é\ufffd"); got != "???" || replaced != 3 {
		t.Errorf("%q, %d", got, replaced)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
		if got, replaced := page.Encode(page.Decode(b)); got != b || replaced != 0 {
			t.Fatalf("%q became %q", b, got)
		}
	})
}

func TestNamesWithoutCase(t *testing.T) {
	fsys := fstest.MapFS{"glb/Master.glb": {Data: []byte("x")}, "GLB2/a": {}, "GLB2/A": {Data: []byte("yy")}}
	tree := NewTree(fsys)
	f, size, err := tree.Open("GLB/MASTER.GLB")
	if err != nil || size != 1 {
		t.Fatal(err, size)
	}
	_ = f.Close()
	if !tree.Exists("Glb/master.GLB") || tree.Exists("GLB") || tree.Exists("GLB/NO") || tree.Exists("NO/NO") {
		t.Error("exists")
	}
	if info, err := tree.Stat("glb2/a"); err != nil || info.Size() != 2 {
		t.Errorf("of two names that differ in case the first counts: %v", err)
	}
	if list, err := tree.List("glb2"); err != nil || len(list) != 2 || list[0].Twin || !list[1].Twin {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := tree.List("missing"); err != nil || list != nil {
		t.Errorf("%v, %v", list, err)
	}
	for _, bad := range []string{"../x", "/etc/passwd", "a//b", "GLB/../GLB/MASTER.GLB"} {
		if _, _, err := tree.Open(bad); failure.RuleOf(err) != "msmail.name" {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, _, err := tree.Open("GLB/NO"); !errors.Is(err, fs.ErrNotExist) || failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
	if _, _, err := tree.Open("GLB"); err == nil {
		t.Error("a directory was opened as a file")
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(secret, filepath.Join(dir, "MASTER.GLB")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(filepath.Dir(secret), filepath.Join(dir, "GLB")); err != nil {
		t.Skip(err)
	}
	tree := NewTree(os.DirFS(dir))
	for _, name := range []string{"master.glb", "glb/secret"} {
		if _, _, err := tree.Open(name); failure.RuleOf(err) != "msmail.link" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
