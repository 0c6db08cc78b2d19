package office

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write examples/harbour.expected.json")

// tree lists every file of dir with its time and content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir():
			files[name] = "directory"
		case d.Type()&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			files[name] = "link " + link
			return err
		default:
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			digest := sha256.Sum256(content)
			files[name] = hex.EncodeToString(digest[:])
			if strings.HasSuffix(name, ".eml") || strings.Contains(name, "/cur/") {
				info, err := d.Info()
				if err != nil {
					return err
				}
				files[name] += fmt.Sprint(" ", info.ModTime().Unix())
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestTwoRunsWriteTheSame(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "harbour")
	if _, err := Write(dir); err != nil {
		t.Fatal(err)
	}
	first := tree(t, dir)
	if _, err := Write(dir); err != nil {
		t.Fatal(err)
	}
	second := tree(t, dir)
	if len(first) != len(second) || len(first) < 300 {
		t.Fatalf("%d files, then %d", len(first), len(second))
	}
	for name, want := range first {
		if second[name] != want {
			t.Errorf("%s: %s, then %s", name, want, second[name])
		}
	}
}

func TestForeignFolderIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	precious := filepath.Join(dir, "precious")
	if err := os.WriteFile(precious, []byte("mail"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(dir); err == nil {
		t.Error("a folder that somebody else made was replaced")
	}
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

func TestExpectedFileIsUpToDate(t *testing.T) {
	const name = "../harbour.expected.json"
	e, err := Write(filepath.Join(t.TempDir(), "harbour"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.MarshalIndent(e, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	if *update {
		if err := os.WriteFile(name, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Errorf("%s is not what the generator counts; run go test ./examples/office -update", name)
	}
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range e.Mailboxes {
		line := fmt.Sprintf("| %s | %d | %d | %d |", m.User, m.Count.Found, m.Count.Verified, m.Count.Quarantined)
		if !strings.Contains(string(readme), line) {
			t.Errorf("README.md lacks %q", line)
		}
	}
	total := fmt.Sprintf("%d found = %d verified + %d quarantined", e.Totals.Found, e.Totals.Verified, e.Totals.Quarantined)
	if !strings.Contains(string(readme), total) {
		t.Errorf("README.md lacks %q", total)
	}
}

// TestVariety checks that the example still holds the odd cases it is for.
func TestVariety(t *testing.T) {
	letters, err := load()
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]func(l *letter) bool{
		"no Message-ID":  func(l *letter) bool { return !bytes.Contains(l.raw, []byte("Message-ID:")) },
		"no Date":        func(l *letter) bool { return !bytes.Contains(l.raw, []byte("\nDate:")) },
		"nothing at all": func(l *letter) bool { return len(l.raw) == 0 },
		"10 MB":          func(l *letter) bool { return len(l.raw) > 10_000_000 },
		"NUL":            func(l *letter) bool { return bytes.IndexByte(l.raw, 0) >= 0 },
		"line of 10 kB": func(l *letter) bool {
			return slices.ContainsFunc(bytes.Split(l.raw, []byte("\n")), func(b []byte) bool { return len(b) > 10_000 })
		},
		"no final newline": func(l *letter) bool { return len(l.raw) > 0 && l.raw[len(l.raw)-1] != '\n' },
		"CR LF":            func(l *letter) bool { return bytes.Contains(l.raw, []byte("\r\n")) },
		"8-bit subject":    func(l *letter) bool { return bytes.Contains(l.raw, []byte("Subject: R\xfcckfrage")) },
		"calendar":         func(l *letter) bool { return bytes.Contains(l.raw, []byte("method=REQUEST")) },
		"bounce":           func(l *letter) bool { return bytes.Contains(l.raw, []byte("message/delivery-status")) },
		"forwarded":        func(l *letter) bool { return bytes.Contains(l.raw, []byte("message/rfc822")) },
		"flowed":           func(l *letter) bool { return bytes.Contains(l.raw, []byte("format=flowed")) },
		"PGP":              func(l *letter) bool { return bytes.Contains(l.raw, []byte("BEGIN PGP MESSAGE")) },
		"never seen":       func(l *letter) bool { return l.place.flags == "new" },
		"keywords":         func(l *letter) bool { return len(l.place.keywords) > 1 },
	}
	for _, charset := range []string{"iso-8859-1", "iso-8859-15", "windows-1252", "utf-8", "koi8-r", "iso-2022-jp", "gb18030"} {
		cases["charset "+charset] = func(l *letter) bool { return bytes.Contains(l.raw, []byte("charset="+charset)) }
	}
	same := map[string]int{}
	for _, l := range letters {
		for name, is := range cases {
			if is(l) {
				delete(cases, name)
			}
		}
		same[l.place.user+"/"+l.place.folder+"/"+string(l.raw)]++
	}
	for name := range cases {
		t.Errorf("no message has: %s", name)
	}
	if most := slices.Max(slices.Collect(func(yield func(int) bool) {
		for _, n := range same {
			if !yield(n) {
				return
			}
		}
	})); most < 3 {
		t.Error("no message is there three times in one folder")
	}
}

// TestHeadersCanBeRead lets the standard library read what ours writes.
func TestHeadersCanBeRead(t *testing.T) {
	letters, err := load()
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, l := range letters {
		if len(l.raw) == 0 || !bytes.Contains(l.raw, []byte("\n\n")) && !bytes.Contains(l.raw, []byte("\r\n\r\n")) {
			continue
		}
		m, err := mail.ReadMessage(bytes.NewReader(l.raw))
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		read++
		if m.Header.Get("From") == "" {
			t.Errorf("%s has no From", l.name)
		}
		for line := range bytes.Lines(l.raw[:bytes.Index(l.raw, []byte("Date:"))+1]) {
			if bytes.Contains(line, []byte("=?")) && len(line) > 120 {
				t.Errorf("%s: line of %d bytes with an encoded word", l.name, len(line))
			}
		}
	}
	if read < 200 {
		t.Errorf("only %d messages were read", read)
	}
}
