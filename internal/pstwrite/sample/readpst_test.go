package sample

import (
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/format/mapi"
)

func TestLibpstReadsIt(t *testing.T) {
	for name, o := range kinds() {
		t.Run(name, func(t *testing.T) {
			m, to := judged(t, o, "readpst", func(file, to string) []string {
				if err := os.Mkdir(to, 0o755); err != nil {
					t.Fatal(err)
				}
				return []string{"-q", "-j", "0", "-r", "-D", "-e", "-o", to, file}
			})
			var want []string
			others := map[string]int{}
			for _, item := range m.Items {
				switch item.Class {
				case "IPM.Note", "REPORT.IPM.Note.NDR", "IPM.Schedule.Meeting.Request":
					want = append(want, fmt.Sprintf("%+v", asMail(m, item)))
				case "IPM.Contact":
					others[".vcf"]++
				case "IPM.Appointment", "IPM.Activity":
					others[".ics"]++
				} // readpst leaves out posts, tasks, notes and lists
			}
			compare(t, want, unpacked(t, filepath.Join(to, "Personal Folders"), others))
			for kind, n := range others {
				if n != 0 {
					t.Errorf("%d items are missing or too many as %s", n, kind)
				}
			}
		})
	}
}

// asMail is what readpst must tell of an item.
func asMail(m *Manifest, item Item) read {
	r := read{folder: strings.Join(m.Folders[item.Folder].Path, "/"), subject: item.Subject, sent: item.Sent.Format(time.RFC3339)}
	for _, a := range item.Attachments {
		if a.Embedded != nil {
			r.files = append(r.files, "embedded "+a.Embedded.Subject)
		} else {
			r.files = append(r.files, a.Name+" "+a.SHA256)
		}
	}
	if item.RTFSHA256 != "" {
		r.files = append(r.files, "rtf-body.rtf "+item.RTFSHA256)
	}
	if item.Class == "IPM.Schedule.Meeting.Request" {
		r.files = append(r.files, "calendar", "calendar") // readpst writes it twice
	}
	slices.Sort(r.files)
	return r
}

// unpacked reads the mail that readpst wrote, and counts down the other files.
func unpacked(t *testing.T, top string, others map[string]int) (all []string) {
	t.Helper()
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if filepath.Ext(path) != ".eml" {
			others[filepath.Ext(path)]--
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		message, err := mail.ReadMessage(f)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		folder, _ := filepath.Rel(top, filepath.Dir(path))
		r := read{folder: filepath.ToSlash(folder), subject: subject(message)}
		if sent, err := message.Header.Date(); err == nil {
			r.sent = sent.UTC().Format(time.RFC3339)
		}
		if _, params, err := mime.ParseMediaType(message.Header.Get("Content-Type")); err == nil && params["boundary"] != "" {
			r.files = parts(t, message.Body, params["boundary"])
		}
		slices.Sort(r.files)
		all = append(all, fmt.Sprintf("%+v", r))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func subject(m *mail.Message) string {
	s, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
	if err != nil {
		s = m.Header.Get("Subject")
	}
	return mapi.DecodeText([]byte(s), 65001) // readpst copies the bytes of ANSI files
}

// parts tells of the attachments in a multipart body.
func parts(t *testing.T, body io.Reader, boundary string) (files []string) {
	t.Helper()
	r := multipart.NewReader(body, boundary)
	for {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		kind, params, _ := mime.ParseMediaType(p.Header.Get("Content-Type"))
		switch {
		case kind == "message/rfc822":
			inner, err := mail.ReadMessage(p)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, "embedded "+subject(inner))
		case kind == "text/calendar":
			files = append(files, "calendar")
		case strings.HasPrefix(kind, "multipart/"):
			files = append(files, parts(t, p, params["boundary"])...)
		case p.Header.Get("Content-Disposition") != "":
			var content io.Reader = p
			if p.Header.Get("Content-Transfer-Encoding") == "base64" {
				content = base64.NewDecoder(base64.StdEncoding, p)
			}
			b, err := io.ReadAll(content)
			if err != nil {
				t.Fatal(err)
			}
			_, name, _ := strings.Cut(p.Header.Get("Content-Disposition"), "filename*=utf-8''")
			name, _, _ = strings.Cut(name, ";")
			name, _ = url.PathUnescape(name)
			files = append(files, mapi.DecodeText([]byte(name), 65001)+" "+digestOf(string(b)))
		}
	}
}
