//go:build unix

package maildir

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/mail"
)

// sample is a message that both sides must agree on.
type sample struct {
	body  string
	date  time.Time
	flags mail.FlagSet
}

func letterText(n int) string {
	return fmt.Sprintf("Date: Sun, 09 Mar 2003 17:04:05 +0100\r\nFrom: Anna <anna@example.org>\r\nSubject: Crate %d\r\n\r\nThe %d. crate.\r\n.\r\nFrom here on\r\n", n, n)
}

// samples are messages in an order that neither dates nor sizes give away. The
// dates are past ones: Dovecot takes a later one for a mistake when it stores.
func samples() []sample {
	at := func(y int) time.Time { return time.Date(y, time.March, 9, 17, 4, 5, 0, time.UTC) }
	list := []sample{
		{letterText(1), at(2003), mail.FlagSet{}},
		{letterText(2), at(1999), mail.NewFlagSet(mail.Seen)},
		{letterText(3), at(2019), mail.NewFlagSet(mail.Seen|mail.Answered|mail.Flagged|mail.Deleted|mail.Draft, "Harbour", "$Junk")},
		{letterText(4), at(1971), mail.NewFlagSet(mail.Forwarded, "harbour", "NonJunk")},
		{letterText(4), at(1971), mail.NewFlagSet(mail.Flagged)}, // a true duplicate
	}
	for n := 5; n < 40; n++ { // more than one file is flushed at once
		list = append(list, sample{letterText(n), at(1985 + n), mail.NewFlagSet(mail.Seen)})
	}
	return list
}

func items(list []sample) []connector.Item {
	items := make([]connector.Item, len(list))
	for i, s := range list {
		items[i] = connector.Item{
			Message: mail.Message{Key: fmt.Sprint(i), Size: int64(len(s.body)), InternalDate: s.date, Flags: s.flags},
			Open:    func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s.body)), nil },
		}
	}
	return items
}

// fill makes an account with folders and the samples in each, in two batches.
func fill(t *testing.T, dir string, folders ...mail.Path) []sample {
	t.Helper()
	ctx := t.Context()
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.CreateAccount(ctx, directory.User{ID: "anna"}); err != nil {
		t.Fatal(err)
	}
	box, err := target.Mailbox(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	list := samples()
	for _, path := range folders {
		if err := box.CreateFolder(ctx, mail.Folder{Path: path, Subscribed: true}); err != nil {
			t.Fatal(err)
		}
		for _, batch := range [][]sample{list[:3], list[3:]} {
			at, err := box.Position(ctx, path)
			if err != nil {
				t.Fatal(err)
			}
			receipts, err := box.Append(ctx, path, at, items(batch))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range receipts {
				if r.Err != nil || len(r.Notes) > 0 {
					t.Fatalf("receipt with %v, %v", r.Err, r.Notes)
				}
			}
		}
	}
	return list
}

// imapNames are folders, and what Dovecot calls them.
var imapNames = map[mail.Path]string{
	mail.Inbox:                      "INBOX",
	mail.NewPath("INBOX", "Sub"):    "INBOX/Sub",
	mail.NewPath("Entwürfe"):        "Entw&APw-rfe",
	mail.NewPath("R&D", "a.b", "台"): "R&-D/a.b/&U,A-",
	mail.NewPath(`back\slash ~x`):   `back\\slash ~x`,
}

func TestDovecotReadsWhatWeWrote(t *testing.T) {
	dir, _, _ := dovecotDir(t)
	paths := make([]mail.Path, 0, len(imapNames))
	for p := range imapNames {
		paths = append(paths, p)
	}
	list := fill(t, dir, paths...)
	d := openDovecot(t, dir, dir+"/anna", "mail_plugins = listescape")

	for _, command := range []string{`LIST "" *`, `LSUB "" *`} {
		answer := strings.Join(d.do(command, nil), "\n")
		for path, name := range imapNames {
			if quoted := `"/" "` + name + `"`; !strings.Contains(answer, quoted) && !strings.Contains(answer, `"/" `+name) {
				t.Errorf("%s does not show %q as %q:\n%s", command, path, name, answer)
			}
		}
	}
	for path, name := range imapNames {
		got := d.fetch(name)
		if len(got) != len(list) {
			t.Errorf("Dovecot shows %d messages in %q, want %d", len(got), name, len(list))
			continue
		}
		for i, s := range list {
			if got[i].body != s.body {
				t.Errorf("%s, message %d: Dovecot shows %q, want %q", path, i, got[i].body, s.body)
			}
			var flags []string
			for f := range strings.FieldsSeq(got[i].flags) {
				if f != `\Recent` {
					flags = append(flags, f)
				}
			}
			if set := mail.NewFlagSet(0, flags...); !set.Equal(s.flags) {
				t.Errorf("%s, message %d: Dovecot shows the flags %q, want %q", path, i, set, s.flags)
			}
			date, err := time.Parse("_2-Jan-2006 15:04:05 -0700", got[i].date)
			if err != nil || !date.Equal(s.date) {
				t.Errorf("%s, message %d: Dovecot shows the date %q, want %v (%v)", path, i, got[i].date, s.date, err)
			}
		}
	}
}

// readAll reads a user's Maildir as the engine does.
func readAll(t *testing.T, loc connector.Location, user string) map[mail.Path][]sample {
	t.Helper()
	ctx := t.Context()
	source, err := Source(ctx, loc)
	if err != nil {
		t.Fatal(err)
	}
	box, err := source.Mailbox(ctx, user)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	folders, err := box.Folders(ctx)
	if err != nil {
		t.Fatal(err)
	}
	all := map[mail.Path][]sample{}
	for _, f := range folders {
		if f.Container {
			continue
		}
		all[f.Path] = nil
		for m, err := range box.Messages(ctx, f.Path) {
			if err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
			r, err := box.Open(ctx, f.Path, m)
			if err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
			body, err := io.ReadAll(r)
			_ = r.Close()
			if err != nil {
				t.Fatalf("%s: %v", f.Path, err)
			}
			if m.Size >= 0 && m.Size != int64(len(body)) {
				t.Errorf("%s, message %s: size %d, and %d bytes were read", f.Path, m.Key, m.Size, len(body))
			}
			all[f.Path] = append(all[f.Path], sample{string(body), m.InternalDate, m.Flags})
		}
	}
	return all
}

func TestWeReadWhatDovecotWrote(t *testing.T) {
	for name, settings := range map[string]string{
		"plain": "mail_plugins = listescape",
		"gzip":  "mail_plugins = listescape zlib\nplugin {\n zlib_save = gz\n}",
		"bzip2": "mail_plugins = listescape zlib\nplugin {\n zlib_save = bz2\n}",
		"zstd":  "mail_plugins = listescape zlib\nplugin {\n zlib_save = zstd\n}",
	} {
		t.Run(name, func(t *testing.T) {
			dir, _, _ := dovecotDir(t)
			d := openDovecot(t, dir, dir+"/anna", settings)
			list := samples()
			for path, name := range imapNames {
				if path != mail.Inbox {
					d.do(`CREATE "`+name+`"`, nil)
				}
				d.do(`SUBSCRIBE "`+name+`"`, nil)
				for _, s := range list {
					flags := strings.Join(s.flags.Strings(), " ")
					d.do(fmt.Sprintf(`APPEND "%s" (%s) "%s"`, name, flags, s.date.Format("_2-Jan-2006 15:04:05 -0700")), []byte(s.body))
				}
			}
			all := readAll(t, connector.Location{Scheme: scheme, Path: dir}, "anna")
			for path := range imapNames {
				got := all[path]
				if len(got) != len(list) {
					t.Errorf("%s has %d messages, want %d", path, len(got), len(list))
					continue
				}
				for i, s := range list {
					// Dovecot stores lines ends as it likes.
					if strings.ReplaceAll(got[i].body, "\r", "") != strings.ReplaceAll(s.body, "\r", "") || !got[i].date.Equal(s.date) || !got[i].flags.Equal(s.flags) {
						t.Fatalf("%s, message %d is %v %q %q, want %v %q %q", path, i, got[i].date, got[i].flags, got[i].body, s.date, s.flags, s.body)
					}
				}
			}
			source, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: dir})
			if err != nil {
				t.Fatal(err)
			}
			box, err := source.Mailbox(t.Context(), "anna")
			if err != nil {
				t.Fatal(err)
			}
			folders, err := box.Folders(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range folders {
				if _, ok := imapNames[f.Path]; ok && !f.Subscribed {
					t.Errorf("%s was subscribed to, and is not", f.Path)
				}
			}
		})
	}
}

// pythonReads lists what Python's mailbox module finds in a Maildir.
const pythonReads = `
import mailbox, sys, hashlib
box = mailbox.Maildir(sys.argv[1], factory=None, create=False)
def show(name, box):
    for key in box.keys():
        m = box.get_message(key)
        body = box.get_bytes(key)
        print(name, key, m.get_subdir(), "".join(c for c in m.get_flags() if c.isupper()) or "-", int(m.get_date()), hashlib.sha256(body).hexdigest())
show("INBOX", box)
for name in box.list_folders():
    show(name, box.get_folder(name))
`

func TestPythonReadsWhatWeWrote(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	dir := t.TempDir()
	list := fill(t, dir, mail.Inbox, mail.NewPath("Sub", "Deep"))
	out, err := exec.CommandContext(t.Context(), python, "-c", pythonReads, dir+"/anna").CombinedOutput()
	if err != nil {
		t.Fatalf("python3: %v\n%s", err, out)
	}
	var want, got []string
	digests := map[string]string{}
	for _, s := range list {
		r := bytes.NewReader([]byte(s.body))
		target, _ := Target(t.Context(), connector.Location{Scheme: scheme, Path: dir})
		sum, err := target.Fingerprint(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		digests[s.body] = sum.String()
		flags := string(systemLetters(s.flags.System))
		if flags == "" {
			flags = "-"
		}
		for _, folder := range []string{"INBOX", "Sub.Deep"} {
			want = append(want, fmt.Sprintf("%s %s %d %s", folder, flags, s.date.Unix(), sum))
		}
	}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) != 6 || f[2] != "cur" {
			t.Fatalf("Python says %q", line)
		}
		got = append(got, strings.Join([]string{f[0], f[3], f[4], f[5]}, " "))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("Python finds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
