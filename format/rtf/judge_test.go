package rtf_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/format/rtf"
)

// TestDecompressedAsTnef compares decompressed RTF with what the program tnef saves as a
// message's body.
func TestDecompressedAsTnef(t *testing.T) {
	program, err := exec.LookPath("tnef")
	if err != nil {
		t.Skip("the program tnef is not installed (package tnef)")
	}
	compared := 0
	for _, b := range bodies(t, "tnef") {
		if b.path == "" {
			continue
		}
		dir := t.TempDir()
		_ = exec.CommandContext(t.Context(), program, "-C", dir, "--save-body=body", "--overwrite", "-f", b.path).Run() // its files say it
		theirs, err := os.ReadFile(filepath.Join(dir, "body.rtf"))
		if err != nil {
			continue
		}
		ours, err := decompress(t, b)
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
		if !bytes.Equal(ours, theirs) {
			t.Errorf("%s: %d bytes, tnef has %d", b.name, len(ours), len(theirs))
		}
		compared++
	}
	t.Logf("%d bodies are equal", compared)
	if compared < 10 {
		t.Errorf("only %d bodies were compared", compared)
	}
}

func decompress(t *testing.T, b body) ([]byte, error) {
	t.Helper()
	r, err := b.raw.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return io.ReadAll(rtf.Decompress(r, 64<<20))
}

// TestTextAsUnrtf compares the words of genuine RTF with those that unrtf finds.
func TestTextAsUnrtf(t *testing.T) {
	program, err := exec.LookPath("unrtf")
	if err != nil {
		t.Skip("the program unrtf is not installed (package unrtf)")
	}
	compared := 0
	for _, b := range append(bodies(t, "msg"), bodies(t, "tnef")...) {
		raw, err := decompress(t, b)
		if err != nil {
			continue
		}
		_, kind, err := rtf.Unwrap(bytes.NewReader(raw), rtf.Options{})
		if err != nil || kind != rtf.KindRTF {
			continue
		}
		ours, err := io.ReadAll(rtf.Text(bytes.NewReader(raw), rtf.Options{}))
		if err != nil {
			t.Errorf("%s: %v", b.name, err)
		}
		cmd := exec.CommandContext(t.Context(), program, "--text", "--quiet")
		cmd.Stdin = bytes.NewReader(raw)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
		out, err := cmd.Output()
		if err != nil {
			t.Logf("%s: unrtf: %v", b.name, err)
			continue
		}
		// It begins with a head of its own.
		_, text, _ := strings.Cut(string(out), "-----------------\n")
		if strings.Contains(b.name, "chinese") {
			continue // it takes each half of a character for one; TestRealBodies has the text
		}
		want := slices.DeleteFunc(words(text), func(w string) bool {
			// It writes most characters beyond ASCII as bytes of the code page.
			return strings.ContainsFunc(w, func(r rune) bool { return r >= 0x7F })
		})
		if s := similar(want, words(string(ours))); s < 0.85 { // it also leaves out \rquote and the like
			t.Errorf("%s: only %.2f of the %d words of unrtf are there: %.300q, ours %.300q", b.name, s, len(want), text, ours)
		}
		compared++
	}
	t.Logf("%d texts are alike", compared)
	if compared < 20 {
		t.Errorf("only %d texts were compared", compared)
	}
}
