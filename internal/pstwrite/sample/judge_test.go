package sample

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/internal/pstwrite"
)

// kinds are the kinds of files that other readers are shown.
func kinds() map[string]pstwrite.Options {
	return map[string]pstwrite.Options{
		"unicode": {}, "unicode-permute": {Encryption: pstwrite.Permute}, "unicode-cyclic": {Encryption: pstwrite.Cyclic},
		"ansi": {Format: pstwrite.ANSI}, "ansi-permute": {Format: pstwrite.ANSI, Encryption: pstwrite.Permute},
		"ansi-cyclic": {Format: pstwrite.ANSI, Encryption: pstwrite.Cyclic}, "4k": {Format: pstwrite.Unicode4K},
	}
}

// judged makes a sample and has a program unpack it into a directory.
func judged(t *testing.T, o pstwrite.Options, program string, args func(file, to string) []string) (*Manifest, string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skip("there is no " + program + "; scripts/test-deps installs it")
	}
	dir := t.TempDir()
	o.Password = "secret"
	m, err := Write(filepath.Join(dir, "user.pst"), Options{
		Options: o, Messages: 110, Folders: 12, Bytes: 1 << 20, Seed: 7, BasicPlane: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	to := filepath.Join(dir, "out")
	cmd := exec.CommandContext(t.Context(), program, args(m.Path, to)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TZ=UTC")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return m, to
}

// read is an item as another program gave it, in the words of the manifest.
type read struct {
	folder, subject, sent, text string
	to                          int
	files                       []string
}

// TestLibpffReadsIt shows pffexport each format and each encoding once: it takes
// seconds for each file. TestLibpstReadsIt shows all to readpst.
func TestLibpffReadsIt(t *testing.T) {
	for name, o := range kinds() {
		if !slices.Contains([]string{"unicode-cyclic", "ansi-permute", "4k"}, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			m, to := judged(t, o, "pffexport", func(file, to string) []string {
				return []string{"-q", "-f", "text", "-t", to, file}
			})
			var want []string
			for _, item := range m.Items {
				if item.Class != "IPM.Post" { // pffexport leaves posts out
					want = append(want, fmt.Sprintf("%+v", expected(m, item)))
				}
			}
			compare(t, want, exported(t, to+".export/Top of Outlook data file"))
		})
	}
}

// expected is what a program must tell of an item.
func expected(m *Manifest, item Item) read {
	safe := strings.NewReplacer("&", "_", ":", "_")
	r := read{folder: safe.Replace(strings.Join(m.Folders[item.Folder].Path, "/")), subject: item.Subject, to: len(item.To) + len(item.Cc)}
	r.text = item.TextSHA256
	if !item.Sent.IsZero() {
		r.sent = item.Sent.Format(time.RFC3339)
	}
	if item.Class == "IPM.Schedule.Meeting.Request" {
		r.to = 0 // pffexport leaves out who is invited
	}
	if item.Class == "IPM.Appointment" {
		r.text = "" // pffexport leaves out its text
	}
	for _, a := range item.Attachments {
		if a.Embedded != nil {
			r.files = append(r.files, "embedded "+a.Embedded.Subject)
		} else {
			r.files = append(r.files, a.Name+" "+a.SHA256)
		}
	}
	slices.Sort(r.files)
	return r
}

// compare compares two lists without regard to order.
func compare(t *testing.T, want, have []string) {
	t.Helper()
	if len(want) < 90 {
		t.Fatalf("only %d items are expected", len(want))
	}
	count := map[string]int{}
	for _, s := range want {
		count[s]++
	}
	for _, s := range have {
		if count[s]--; count[s] < 0 {
			t.Errorf("read and not written: %.600s", s)
		}
	}
	for s, n := range count {
		if n > 0 {
			t.Errorf("written and not read: %.600s", s)
		}
	}
}

var (
	fieldLine = regexp.MustCompile(`(?m)^([A-Z][A-Za-z0-9 ]*):\t+(.*?)\r?$`)
	numbered  = regexp.MustCompile(`^\d+_`)
	itemDir   = regexp.MustCompile(`^[A-Z][a-zA-Z]+\d{5}$`)
)

// exported reads what pffexport wrote.
func exported(t *testing.T, top string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() || !itemDir.MatchString(d.Name()) {
			return err
		}
		folder, _ := filepath.Rel(top, filepath.Dir(path))
		r := read{folder: filepath.ToSlash(folder)}
		fields(t, &r, path)
		if body, err := os.ReadFile(filepath.Join(path, "Message.txt")); err == nil {
			text := strings.ReplaceAll(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n", "\r\n")
			r.text = digestOf(text)
		}
		entries, _ := os.ReadDir(filepath.Join(path, "Attachments"))
		for _, e := range entries {
			at := filepath.Join(path, "Attachments", e.Name())
			if e.IsDir() {
				var inner read
				fields(t, &inner, filepath.Join(at, "Message00001"))
				r.files = append(r.files, "embedded "+inner.subject)
				continue
			}
			r.files = append(r.files, numbered.ReplaceAllString(e.Name(), "")+" "+fileSum(t, at))
		}
		slices.Sort(r.files)
		all = append(all, fmt.Sprintf("%+v", r))
		return fs.SkipDir
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// fields reads the lists of names and values beside an item's texts.
func fields(t *testing.T, r *read, dir string) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%s holds nothing", dir)
	}
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		switch filepath.Base(name) {
		case "Recipients.txt":
			r.to = strings.Count(string(b), "Display name:")
		case "Message.txt", "InternetHeaders.txt":
		default:
			for _, f := range fieldLine.FindAllStringSubmatch(string(b), -1) {
				switch f[1] {
				case "Subject":
					r.subject = f[2]
				case "Client submit time":
					if sent, err := time.Parse("Jan 02, 2006 15:04:05.000000000 MST", f[2]); err == nil {
						r.sent = sent.Format(time.RFC3339)
					}
				}
			}
		}
	}
}

func fileSum(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
