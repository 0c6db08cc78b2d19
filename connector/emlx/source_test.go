package emlx

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/failure"
	"waybill/format/mime"
	"waybill/internal/corpus"
	"waybill/mail"
)

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

const received = 1581000000

func emlx(message string, flags int64) string {
	return fmt.Sprintf("%-10d\n%s<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"+
		"<plist version=\"1.0\">\n<dict>\n<key>nested</key><dict><key>flags</key><integer>1</integer></dict>\n<key>date-received</key>\n<integer>%d</integer>\n<key>flags</key>\n<integer>%d</integer>\n</dict>\n</plist>\n",
		len(message), message, received, flags)
}

const letter = "From: a@example.org\nDate: Sat, 3 Jan 1998 10:00:00 +0000\nSubject: s\n\nbody\n"

// stripped is a message as it is after its attachments were taken out.
const stripped = "From: a@example.org\nSubject: parts\nContent-Type: multipart/mixed; boundary=\"out\"\n\n" +
	"--out\nContent-Type: multipart/alternative;\n boundary=in\n\n--in\nContent-Type: text/plain\n\ntext\n--in\nContent-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\nX-Apple-Content-Length: 9\n\n\n--in--\n\n" +
	"--out\nContent-Type: application/pdf;\n name=\"b.pdf\"\nContent-Transfer-Encoding: quoted-printable\nX-Apple-Content-Length: 200000\n\n--out\nContent-Type: text/plain\nX-Apple-Content-Length: 3\n\nnot taken out\n" +
	"--out\nContent-Type: application/zip\nX-Apple-Content-Length: 3\n\n--out--\n"

func office(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	inbox := filepath.Join(dir, "anna", "V10", "0F-ACCOUNT", "INBOX.mbox")
	write(t, filepath.Join(inbox, "1A-BOX", "Data", "Messages", "12.emlx"), emlx(letter, 1|1<<2|1<<4|1<<24))
	write(t, filepath.Join(inbox, "1A-BOX", "Data", "3", "Messages", "3001.emlx"), emlx(letter+"more", 1<<8))
	write(t, filepath.Join(inbox, "1A-BOX", "Data", "3", "Messages", "3002.partial.emlx"), emlx(stripped, 0))
	write(t, filepath.Join(inbox, "1A-BOX", "Data", "3", "Messages", "3003.partial.emlx"), emlx(letter, 0))
	write(t, filepath.Join(inbox, "1A-BOX", "Data", "3", "Messages", "3003.emlx"), emlx(letter, 0))
	at := filepath.Join(inbox, "1A-BOX", "Data", "3", attachmentsName, "3002")
	write(t, filepath.Join(at, "1.2", "a.png"), "\x89PNG\r\n\x1a\n\x00")
	write(t, filepath.Join(at, "1.2", ".DS_Store"), "x")
	write(t, filepath.Join(at, "2", "b.pdf"), strings.Repeat("%PDF", 50_000))
	write(t, filepath.Join(at, "3", "c.txt"), "other")
	write(t, filepath.Join(inbox, "Sub.mbox", "2B", "Data", "Messages", "5.emlx"), emlx(letter, 1<<6))
	write(t, filepath.Join(dir, "anna", "V10", "0F-ACCOUNT", "Drafts.mbox", "Messages", "6.emlx"), emlx(letter, 1<<6))
	write(t, filepath.Join(dir, "bert", "POP-b@h", "Sent Messages.mbox", "Messages", "1.emlx"), emlx(letter, 1))
	write(t, filepath.Join(dir, "bert", "POP-b@h", "Old", "Deep.mbox", "Messages", "2.emlx"), "77777\n"+letter)
	write(t, filepath.Join(dir, "bert", "POP-b@h", "Old", "Deep.mbox", "Messages", "3.emlx"), "no number\n"+letter)
	write(t, filepath.Join(dir, "bert", "IMAP-b@i", "INBOX.mbox", "Messages", "1.emlx"), fmt.Sprintf("%d\n%s", len(letter), letter))
	return dir
}

func open(t *testing.T, path string) connector.Source {
	t.Helper()
	s, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readAll gives of every message what it is, and its text.
func readAll(t *testing.T, s connector.Source) (about, texts map[string]string) {
	t.Helper()
	about, texts = map[string]string{}, map[string]string{}
	for u, err := range s.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		box, err := s.Mailbox(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		folders, err := box.Folders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range folders {
			for m, err := range box.Messages(t.Context(), f.Path) {
				key := u.ID + " " + string(f.Path) + " " + filepath.Base(m.Key)
				if err != nil {
					about[key] = failure.RuleOf(err)
					continue
				}
				var kinds []string
				for _, n := range m.Notes {
					kinds = append(kinds, n.Kind)
				}
				about[key] = strings.TrimSpace(fmt.Sprint(m.InternalDate.Year(), " ", m.Flags, " ", strings.Join(kinds, " ")))
				r, err := box.Open(t.Context(), f.Path, m)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if err != nil || int64(len(b)) != m.Size {
					t.Errorf("%s has %d bytes of %d: %v", key, len(b), m.Size, err)
				}
				_ = r.Close()
				texts[key] = string(b)
			}
		}
		_ = box.Close()
	}
	return about, texts
}

func TestOffice(t *testing.T) {
	about, texts := readAll(t, open(t, office(t)))
	want := map[string]string{
		"anna INBOX 12.emlx": `2020 \Seen \Answered \Flagged $Junk`, "anna INBOX 3001.emlx": "2020 $Forwarded", "anna INBOX 3002.partial.emlx": "2020  attachments-restored attachments-missing",
		"anna INBOX 3003.emlx": "2020", "anna INBOX/Sub 5.emlx": "2020  draft-mark", "anna Drafts 6.emlx": `2020 \Draft`,
		"bert POP-b@h/Sent Messages 1.emlx": `2020 \Seen`, "bert POP-b@h/Old/Deep 2.emlx": "emlx.truncated", "bert POP-b@h/Old/Deep 3.emlx": "emlx.length",
		"bert IMAP-b@i/INBOX 1.emlx": "1998  flags-unknown date-from-header",
	}
	if !maps.Equal(about, want) {
		t.Errorf("messages are\n%q\nwant\n%q", about, want)
	}
	if texts["anna INBOX 12.emlx"] != letter {
		t.Errorf("a message is %q", texts["anna INBOX 12.emlx"])
	}
	var parts []string
	for r := mime.NewReader(strings.NewReader(texts["anna INBOX 3002.partial.emlx"])); ; {
		p, err := r.Next()
		if err != nil {
			break
		}
		if len(p.Defects) > 0 || p.Header.Has(lengthField) && p.Type != "text/plain" && p.Type != "application/zip" {
			t.Errorf("%s has defects %v, and fields %v", p.Type, p.Defects, p.Header)
		}
		if !p.Multipart {
			b, err := io.ReadAll(p.Decoded())
			parts = append(parts, fmt.Sprintf("%s %q %v", p.Type, b[:min(len(b), 14)], err))
			if p.Type == "application/pdf" && string(b) != strings.Repeat("%PDF", 50_000) {
				t.Errorf("the large attachment has %d bytes", len(b))
			}
		}
	}
	wantParts := []string{`text/plain "text" <nil>`, `image/png "\x89PNG\r\n\x1a\n\x00" <nil>`, `application/pdf "%PDF%PDF%PDF%P" <nil>`, `text/plain "not taken out" <nil>`, `application/zip "" <nil>`}
	if strings.Join(parts, "\n") != strings.Join(wantParts, "\n") {
		t.Errorf("parts are\n%s\nwant\n%s", strings.Join(parts, "\n"), strings.Join(wantParts, "\n"))
	}
}

func TestConformance(t *testing.T) {
	dir := office(t)
	connectortest.RunSource(t, connectortest.SourceConfig{
		Dir: dir,
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			return Source(ctx, connector.Location{Scheme: scheme, Path: dir})
		},
		Change: func(t *testing.T, user string, _ mail.Path) {
			err := filepath.WalkDir(filepath.Join(dir, user), func(path string, d fs.DirEntry, err error) error {
				if err == nil && isMessage(d.Name()) {
					return os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	})
}

// Without attachments beside it a message comes out as it went in, whatever it is.
func FuzzRestore(f *testing.F) {
	f.Add([]byte(stripped))
	f.Add([]byte(letter))
	f.Add([]byte("Content-Type: message/rfc822\n\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\n--x--\n--x\nX-Apple-Content-Length: 1\n\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := newRestorer(t.Context(), bytes.NewReader(b), "/nowhere")
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, b) || r.written != int64(len(b)) {
			t.Fatalf("%q became %q, %v", b, got, err)
		}
		facts, _ := readFacts(bytes.NewReader(b))
		_ = flags(facts["flags"])
	})
}

// TestRealMail reads the files of Apple Mail in the collection. Their lengths, and
// the bytes between, were checked by hand.
func TestRealMail(t *testing.T) {
	if testing.Short() {
		t.Skip("real files")
	}
	about, texts := readAll(t, open(t, filepath.Join(corpus.Dir(t, "emlx"), "alephdata__ingest-file", "tests", "fixtures")))
	if len(about) != 2 {
		t.Fatalf("messages are %q", about)
	}
	for key, text := range texts {
		t.Logf("%s: %s, %d bytes", key, about[key], len(text))
		if !strings.HasPrefix(text, "Subject: Re: Emlx library\n") || strings.Contains(text, "<plist") || !strings.HasPrefix(about[key], "202") || !strings.Contains(about[key], `\Seen`) {
			t.Errorf("%s is %s:\n%.300s", key, about[key], text)
		}
	}
	if n := len(texts["fixtures INBOX plaintext.emlx"]); n != 497 {
		t.Errorf("the first message has %d bytes, and its file says 497", n)
	}
}
