package mh

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/failure"
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

func letter(n int) string {
	return fmt.Sprintf("From: a@example.org\nDate: Sat, 3 Jan 1998 10:00:00 +0000\nSubject: %d\n\nbody\n", n)
}

func office(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	anna := filepath.Join(dir, "anna")
	for _, n := range []int{1, 2, 3, 9, 10, 11} {
		write(t, filepath.Join(anna, "inbox", fmt.Sprint(n)), letter(n))
	}
	write(t, filepath.Join(anna, "inbox", ",4"), "removed")
	write(t, filepath.Join(anna, "inbox", "012"), "no number")
	write(t, filepath.Join(anna, "inbox", sequencesName), "cur: 3\nunseen: 10-4000000000 2\nreplied: 1\n  9\nflagged: 3-3 x 5-1\nWork list: 1 2 3\nbroken\n")
	write(t, filepath.Join(anna, "draft", "1"), "no header")
	write(t, filepath.Join(anna, "lists", "2003", "1"), letter(1))
	write(t, filepath.Join(anna, "lists", "2003", ".sylpheed_mark"), "\x02\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x34\x00\x00\x00cut")
	write(t, filepath.Join(dir, "bert", "1"), letter(1))
	write(t, filepath.Join(dir, "bert", "work", "5"), letter(5))
	return dir
}

func open1(t *testing.T, path string) connector.Source {
	t.Helper()
	s, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// readAll tells of every folder its role and of every message its flags.
func readAll(t *testing.T, s connector.Source) (all map[string]string, order []string) {
	t.Helper()
	all = map[string]string{}
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
			all[u.ID+" "+string(f.Path)] = string(f.Use)
			for m, err := range box.Messages(t.Context(), f.Path) {
				if err != nil {
					t.Fatal(err)
				}
				key := u.ID + " " + string(f.Path) + " " + m.Key
				order = append(order, key)
				all[key] = m.Flags.String()
				r, err := box.Open(t.Context(), f.Path, m)
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r)
				if err != nil || int64(len(b)) != m.Size || m.InternalDate.IsZero() {
					t.Errorf("%s has %d bytes of %d and is of %v, %v", key, len(b), m.Size, m.InternalDate, err)
				}
				_ = r.Close()
			}
		}
		_ = box.Close()
	}
	return all, order
}

func TestOffice(t *testing.T) {
	all, order := readAll(t, open1(t, office(t)))
	want := map[string]string{
		"anna INBOX": "Inbox", "anna INBOX 1": `\Seen \Answered Work_list`, "anna INBOX 2": "Work_list", "anna INBOX 3": `\Seen \Flagged Work_list`,
		"anna INBOX 9": `\Seen \Answered`, "anna INBOX 10": "", "anna INBOX 11": "",
		"anna draft": "Drafts", "anna draft 1": `\Seen`, "anna lists": "", "anna lists/2003": "",
		"bert INBOX": "Inbox", "bert INBOX 1": `\Seen`, "bert work": "", "bert work 5": `\Seen`,
	}
	want["anna lists/2003 1"] = `\Seen \Answered \Flagged $Forwarded`
	if !maps.Equal(all, want) {
		t.Errorf("the mail is\n%q\nwant\n%q", all, want)
	}
	if i := slices.Index(order, "anna INBOX 9"); i < 0 || order[i+1] != "anna INBOX 10" {
		t.Errorf("the order is %q", order)
	}
}

func TestConformance(t *testing.T) {
	dir := office(t)
	connectortest.RunSource(t, connectortest.SourceConfig{
		Dir: dir,
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			return Source(ctx, connector.Location{Scheme: scheme, Path: dir})
		},
		Change: func(t *testing.T, user string, folder mail.Path) {
			where := filepath.Join(dir, user, strings.Replace(string(folder), "INBOX", "inbox", 1))
			if user == "bert" && folder == mail.Inbox {
				where = filepath.Join(dir, user)
			}
			write(t, filepath.Join(where, sequencesName), "unseen: 1-9\n")
		},
	})
}

// Every sequence has what it was given, whatever the order and however its
// spans overlap.
func TestSequences(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		spans := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) span {
			low := rapid.Uint32Range(0, 40).Draw(r, "low")
			return span{low, low + rapid.Uint32Range(0, 5).Draw(r, "more")}
		}), 0, 12).Draw(r, "spans")
		var text strings.Builder
		text.WriteString("unseen:")
		for _, s := range spans {
			if s.low == s.high {
				fmt.Fprintf(&text, " %d", s.low)
			} else {
				fmt.Fprintf(&text, " %d-%d", s.low, s.high)
			}
		}
		list, err := readSequences(strings.NewReader(text.String()))
		if err != nil || len(list) != 1 {
			r.Fatalf("%v, %v", list, err)
		}
		for n := range uint32(50) {
			want := slices.ContainsFunc(spans, func(s span) bool { return s.low <= n && n <= s.high })
			if list[0].has(n) != want || (list.flags(n).System&mail.Seen == 0) != want {
				r.Fatalf("%d is in %q: %t", n, text.String(), !want)
			}
		}
	})
}

func FuzzMarks(f *testing.F) {
	f.Add([]byte("unseen: 1-4294967295 3\ncur: 1\n 2"))
	f.Add([]byte("\x02\x00\x00\x00\x01\x00\x00\x00\x03\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := readSequences(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		marks, err := parseMarks(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range []uint32{0, 1, 3, 1<<32 - 1} {
			set := list.flags(n)
			if !set.Equal(mail.NewFlagSet(set.System, set.Keywords...)) {
				t.Fatalf("flags %q", set)
			}
			_ = marks.of(n)
		}
	})
}

// TestRealMail counts the messages of each real folder as Python's mailbox module
// did.
func TestRealMail(t *testing.T) {
	if testing.Short() {
		t.Skip("real files")
	}
	dir := corpus.Dir(t, "mh")
	root := filepath.Join(dir, "KDE__mailimporter", "sylpheed", "Mail")
	_, order := readAll(t, open1(t, root))
	counts := map[string]string{}
	for _, key := range order {
		folder := strings.TrimPrefix(key[:strings.LastIndexByte(key, ' ')], "Mail ")
		folder = "mh/KDE__mailimporter/sylpheed/Mail/" + strings.Replace(folder, "INBOX", "inbox", 1) + "/"
		n := 0
		_, _ = fmt.Sscan(counts[folder], &n)
		counts[folder] = fmt.Sprint(n + 1)
	}
	f, err := os.Open(filepath.Join(filepath.Dir(dir), "GROUNDTRUTH.csv"))
	if err != nil {
		t.Skip("what other programs counted is not there")
	}
	defer func() { _ = f.Close() }()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for _, row := range rows {
		if len(row) > 12 && row[1] == "mh" && strings.HasPrefix(row[5], "python") {
			compared++
			if counts[row[0]] != row[12] {
				t.Errorf("%s has %s messages, and Python counts %s", row[0], counts[row[0]], row[12])
			}
		}
	}
	t.Logf("%d messages in %d folders; %d folders compared", len(order), len(counts), compared)
	if compared == 0 || len(order) == 0 {
		t.Error("nothing was compared")
	}
}

func TestNoDirectory(t *testing.T) {
	if _, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: t.TempDir() + "/none"}); failure.ClassOf(err) != failure.Vanished {
		t.Error(err)
	}
}
