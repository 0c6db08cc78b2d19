package mapimail

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/format/msg"
	"waybill/format/pst"
	"waybill/format/tnef"
	"waybill/internal/corpus"
)

// facts are what two programs should agree on about one message.
type facts struct {
	where   string
	subject string
	people  []string // addresses of From, To and Cc, "from a@example.org"
	text    string   // of the first text/plain part, white space made even
	files   []string // digests of the attachments
	// made says that the item has files in what readpst writes that are no
	// attachments, but made of its properties: calendars.
	made bool
}

func even(s string) string { return strings.Join(strings.Fields(s), " ") }

// readFacts reads an Internet message.
func readFacts(t testing.TB, where string, r io.Reader) facts {
	t.Helper()
	f := facts{where: where}
	parts := mime.NewReader(r)
	haveText := false
	for first := true; ; first = false {
		p, err := parts.Next()
		if errors.Is(err, io.EOF) {
			return f
		}
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if first {
			f.subject = even(p.Header.Text("Subject"))
			for _, field := range []string{"From", "To", "Cc"} {
				for _, a := range mime.ParseAddresses(strings.Join(p.Header.All(field), ", ")) {
					addr := strings.ToLower(strings.Trim(a.Addr, "'"))
					if isSMTP(addr) && !strings.HasSuffix(addr, "migrated.invalid") {
						f.people = append(f.people, strings.ToLower(field)+" "+addr)
					}
				}
			}
		}
		switch {
		case p.Multipart, p.Type == "message/rfc822":
		case p.Name != "":
			b, err := io.ReadAll(p.Decoded())
			if err != nil {
				t.Fatal(err)
			}
			if p.Name != "rtf-body.rtf" {
				f.files = append(f.files, sum(string(b)))
			}
		case p.Type == "text/plain" && !haveText:
			b, err := io.ReadAll(p.Text())
			if err != nil {
				t.Fatal(err)
			}
			haveText, f.text = true, even(string(b))
		}
	}
}

// convertFacts converts an item of the collection: it must give a message of
// proper form.
func convertFacts(t testing.TB, where string, m mapi.Message) facts {
	t.Helper()
	got, err := Convert(t.Context(), m, Options{Where: where})
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	b, err := io.ReadAll(got.Open(t.Context()))
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	text := string(b)
	// The body of signed mail, and of attached messages, is not ours to mend.
	if class := strings.ToUpper(m.Props().Text(mapi.MessageClass)); !strings.Contains(class, "SMIME") {
		checkForm(t, text)
	}
	f := readFacts(t, where, strings.NewReader(text))
	f.made = strings.HasPrefix(strings.ToUpper(m.Props().Text(mapi.MessageClass)), "IPM.SCHEDULE.")
	return f
}

// walk calls see with every file of a kind.
func walk(t *testing.T, kind string, see func(path, name string)) {
	t.Helper()
	if testing.Short() {
		t.Skip("the collection of real files is large")
	}
	corpus.Each(t, kind, func(name, path string) { see(path, name) })
}

// mailIn converts every mail of a PST or OST file.
func mailIn(t *testing.T, path, name string) (all []facts, items int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	file, err := pst.Open(t.Context(), f, info.Size(), name, pst.Options{})
	if err != nil {
		return nil, 0
	}
	folders, _ := file.Folders(t.Context())
	for _, folder := range folders {
		if folder.Search {
			continue
		}
		for it, err := range file.Items(t.Context(), folder.NID) {
			if err != nil || it.Associated {
				continue
			}
			m, err := file.Message(t.Context(), it.NID)
			if err != nil {
				continue
			}
			items++
			got := convertFacts(t, fmt.Sprintf("%s %v", name, it.NID), m)
			if isMail(m.Props().Text(mapi.MessageClass)) {
				all = append(all, got)
			}
		}
	}
	return all, items
}

// TestMailInRealPSTs converts every item of the collected PST and OST files, and
// compares the mails with those that readpst writes.
func TestMailInRealPSTs(t *testing.T) {
	readpst, err := exec.LookPath("readpst")
	if err != nil {
		t.Skip("readpst is not installed (pst-utils)")
	}
	items, compared := 0, 0
	for _, kind := range []string{"pst", "ost"} {
		walk(t, kind, func(path, name string) {
			if filepath.Ext(path) == ".gz" {
				path = gunzip(t, path)
			}
			if ext := filepath.Ext(path); ext != ".pst" && ext != ".ost" {
				return
			}
			mine, n := mailIn(t, path, name)
			items += n
			out := t.TempDir()
			// Several jobs of it read through one file position, and mix their bytes.
			// Files that it cannot read give nothing to compare with.
			_ = exec.CommandContext(t.Context(), readpst, "-j", "0", "-e", "-D", "-8", "-o", out, path).Run()
			compared += compare(t, mine, messagesIn(t, out))
		})
	}
	t.Logf("%d items converted, %d mails compared", items, compared)
	if items < 600 || compared < 300 {
		t.Errorf("only %d items, %d of them compared", items, compared)
	}
}

// gunzip unpacks one file beside itself.
func gunzip(t *testing.T, path string) string {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	r, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	path = strings.TrimSuffix(path, ".gz")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// messagesIn reads the facts of all .eml files below a directory.
func messagesIn(t *testing.T, dir string) (list []facts) {
	t.Helper()
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".eml" {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		list = append(list, readFacts(t, path, f))
		return nil
	})
	return list
}

// compare pairs messages by subject and text, and tells where mine lack what
// theirs have. It returns how many pairs there were.
func compare(t *testing.T, mine, theirs []facts) (pairs int) {
	t.Helper()
	for _, m := range mine {
		at := slices.IndexFunc(theirs, func(o facts) bool { return o.subject == m.subject && o.text == m.text })
		if at < 0 {
			at = slices.IndexFunc(theirs, func(o facts) bool { return o.subject == m.subject })
		}
		if at < 0 {
			continue
		}
		o := theirs[at]
		theirs = slices.Delete(theirs, at, at+1)
		pairs++
		if o.text != "" && o.text != m.text {
			t.Errorf("%s: text %.200q, theirs %.200q", m.where, m.text, o.text)
		}
		for _, person := range o.people {
			if !slices.Contains(m.people, person) {
				t.Errorf("%s: %q is missing in %q", m.where, person, m.people)
			}
		}
		for _, digest := range o.files {
			if !m.made && !slices.Contains(m.files, digest) {
				t.Errorf("%s: an attachment is missing: %s", m.where, digest)
			}
		}
	}
	return pairs
}

// TestRealMsgFiles converts every .msg file, and compares some of them with what
// msgconvert makes.
func TestRealMsgFiles(t *testing.T) {
	type pair struct {
		mine facts
		path string
	}
	var list []pair
	walk(t, "msg", func(path, name string) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		m, err := msg.Open(f, info.Size(), name)
		if err != nil {
			return
		}
		mine := convertFacts(t, name, m)
		if isMail(m.Props().Text(mapi.MessageClass)) {
			list = append(list, pair{mine, path})
		}
	})
	t.Logf("%d mails converted", len(list))
	if len(list) < 150 {
		t.Errorf("only %d mails converted", len(list))
	}
	msgconvert, err := exec.LookPath("msgconvert")
	if err != nil {
		t.Skip("msgconvert is not installed (libemail-outlook-message-perl)")
	}
	// It needs a third of a second for each.
	const step = 12
	var wait sync.WaitGroup
	out := t.TempDir()
	slots := make(chan struct{}, 2)
	for i := 0; i < len(list); i += step {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			runConverter(t.Context(), msgconvert, filepath.Join(out, fmt.Sprint(i)+".eml"), list[i].path)
		})
	}
	wait.Wait()
	compared := 0
	for i := 0; i < len(list); i += step {
		f, err := os.Open(filepath.Join(out, fmt.Sprint(i)+".eml"))
		if err != nil {
			continue
		}
		theirs := readFacts(t, list[i].path, f)
		_ = f.Close()
		if strings.ContainsRune(theirs.subject, '\uFFFD') {
			theirs.subject = list[i].mine.subject // it writes texts of one byte per character as UTF-8
		}
		compared += compare(t, []facts{list[i].mine}, []facts{theirs})
	}
	t.Logf("%d compared", compared)
	if compared < len(list)/step*9/10 {
		t.Errorf("only %d compared", compared)
	}
}

func runConverter(ctx context.Context, program, to, from string) {
	_ = exec.CommandContext(ctx, program, "--outfile", to, from).Run()
}

// TestRealTNEF converts every TNEF stream that can be read.
func TestRealTNEF(t *testing.T) {
	n := 0
	walk(t, "tnef", func(path, name string) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Close() }()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		m, err := tnef.Open(t.Context(), f, info.Size(), name)
		if err != nil {
			return
		}
		convertFacts(t, name, m)
		_, _ = convertAll(t, m, Options{}) // twice the same
		n++
	})
	t.Logf("%d streams converted", n)
	if n < 20 {
		t.Errorf("only %d streams converted", n)
	}
}
