package mbox

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/internal/corpus"
	"waybill/mail"
)

// memory is a file in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := off + int64(len(p)); need > int64(len(m.b)) {
		m.b = append(m.b, make([]byte, need-int64(len(m.b)))...)
	}
	return copy(m.b[off:], p), nil
}

func (m *memory) append(t testing.TB, env Envelope, body io.Reader) Written {
	t.Helper()
	w, err := Append(m, int64(len(m.b)), env, body)
	if err != nil {
		t.Fatal(err)
	}
	if w.End != int64(len(m.b)) {
		t.Fatalf("the message ends at %d, and the file at %d", w.End, len(m.b))
	}
	return w
}

// wantBack reads a file that only Append wrote and compares.
func wantBack(t testing.TB, m *memory, bodies [][]byte, envelopes []Envelope) {
	t.Helper()
	list, _ := readAll(t, m.b)
	if len(list) != len(bodies) {
		t.Fatalf("%d messages were written, and %d read", len(bodies), len(list))
	}
	for i, e := range list {
		if e.Kind != Message || e.Marker == nil || !e.Marker.Intact || len(e.Notes) > 0 {
			t.Fatalf("message %d is odd: %+v", i, e)
		}
		if got := content(t, m.b, e, false); !bytes.Equal(got, bodies[i]) {
			t.Fatalf("message %d is %.200q, want %.200q", i, got, bodies[i])
		}
		if envelopes == nil {
			continue
		}
		want := envelopes[i]
		if !e.Marker.Date.Equal(want.Date) || want.Date.IsZero() != e.Marker.Date.IsZero() {
			t.Fatalf("date is %v, want %v", e.Marker.Date, want.Date)
		}
		if flags, _ := e.State().Flags(); !flags.Equal(want.Flags) {
			t.Fatalf("flags are %v, want %v", flags, want.Flags)
		}
	}
}

func TestRoundTripProperty(t *testing.T) {
	piece := rapid.SampledFrom([]string{"From ", ">", ">>From x", "\n", "\r\n", "\r", "\x00", "a", "Fro", "From", "From a@b Fri Jul  8 12:08:34 2011\n",
		"X-Waybill: v=1; fields=3; size=000000000000000; nl=0; date=0; zone=+0000\n", "Status: RO\n", "X-Status: \n", "X-UID: 3\n",
		"Content-Length: 3\n\n", "\x01\x01\x01\x01\n", "Subject: x\n\n", "\xff\xfe", " ", "X-Keywords: a\n"})
	date := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 9).Draw(t, "no date") == 0 {
			return time.Time{}
		}
		offset := rapid.IntRange(-12*60, 14*60).Draw(t, "zone") * 60
		return time.Unix(rapid.Int64Range(-70_000_000_000, 300_000_000_000).Draw(t, "seconds"), 0).In(time.FixedZone("", offset))
	})
	flags := rapid.Custom(func(t *rapid.T) mail.FlagSet {
		return mail.NewFlagSet(mail.Flags(rapid.IntRange(0, 63).Draw(t, "flags")),
			rapid.SliceOfN(rapid.StringN(1, 40, 80), 0, 5).Draw(t, "keywords")...)
	})
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(rt, "messages")
		var m memory
		var bodies [][]byte
		var envelopes []Envelope
		for range n {
			body := []byte(strings.Join(rapid.SliceOfN(piece, 0, 12).Draw(rt, "body"), ""))
			env := Envelope{Date: date.Draw(rt, "date"), Flags: flags.Draw(rt, "flags")}
			var r io.Reader = bytes.NewReader(body)
			if rapid.Bool().Draw(rt, "byte by byte") {
				r = iotest.OneByteReader(r)
			}
			w := m.append(t, env, r)
			if w.Size != int64(len(body)) {
				rt.Fatalf("size %d, want %d", w.Size, len(body))
			}
			bodies, envelopes = append(bodies, body), append(envelopes, env)
		}
		wantBack(t, &m, bodies, envelopes)

		// Other flags can be written in place, and nothing else changes.
		list, _ := readAll(t, m.b)
		i := rapid.IntRange(0, n-1).Draw(rt, "changed")
		want := flags.Draw(rt, "new flags")
		off, text, err := list[i].Rewrite(want)
		if err != nil {
			if failure.ClassOf(err) != failure.Unsupported {
				rt.Fatal(err)
			}
			return
		}
		_, _ = m.WriteAt(text, off)
		envelopes[i].Flags = want
		wantBack(t, &m, bodies, envelopes)
	})
}

// TestManyMarks quotes lines whose marks are longer than every buffer.
func TestManyMarks(t *testing.T) {
	var bodies [][]byte
	var m memory
	for _, n := range []int{1, headSize - 6, headSize - 5, headSize - 3, headSize - 1, headSize, headSize + 1, bufferSize - 3, bufferSize, 3*bufferSize + 7} {
		for _, tail := range []string{"From x\n", "From \nFrom \n", "Fro\n", "From", "From ", ""} {
			body := []byte("A: b\n\n" + strings.Repeat(">", n) + tail)
			m.append(t, Envelope{}, bytes.NewReader(body))
			bodies = append(bodies, body)
		}
	}
	wantBack(t, &m, bodies, nil)
}

func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{"", "a", "\n", "From x\n>From y\n>>From z", "A: b\r\n\r\nFrom c\r\n", "\r", ">", "Fr", "Status: R\n\nx"} {
		f.Add([]byte(s), []byte(s))
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var m memory
		m.append(t, Envelope{}, bytes.NewReader(a))
		m.append(t, Envelope{Date: time.Unix(1310126914, 0)}, bytes.NewReader(b))
		wantBack(t, &m, [][]byte{a, b}, nil)
	})
}

// TestRoundTripCorpus writes every file of the corpora as a message.
func TestRoundTripCorpus(t *testing.T) {
	for _, kind := range []string{"mbox", "eml"} {
		t.Run(kind, func(t *testing.T) {
			var m memory
			var bodies [][]byte
			err := filepath.WalkDir(corpus.Dir(t, kind), func(path string, d fs.DirEntry, err error) error {
				if err != nil || !d.Type().IsRegular() {
					return err
				}
				body, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				m.append(t, Envelope{Date: time.Unix(1e9, 0)}, bytes.NewReader(body))
				bodies = append(bodies, body)
				if len(m.b) > 32<<20 { // one file of moderate size after the other
					wantBack(t, &m, bodies, nil)
					m.b, bodies = m.b[:0], nil
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			wantBack(t, &m, bodies, nil)
		})
	}
}

func TestAppendFailures(t *testing.T) {
	broken := failure.New(failure.Transient, "read", "x", "test.broken", nil)
	_, err := Append(&memory{}, 0, Envelope{}, iotest.ErrReader(broken))
	var body *BodyError
	if !errors.As(err, &body) || failure.ClassOf(err) != failure.Transient {
		t.Errorf("an error of the body comes back as %v", err)
	}
	_, err = Append(&memory{}, 0, Envelope{Flags: mail.NewFlagSet(0, strings.Repeat("k", 2*headSize))}, strings.NewReader("x"))
	if failure.ClassOf(err) != failure.Unsupported {
		t.Errorf("a keyword that is too long gives %v", err)
	}
}

// TestRewrittenByOthers takes what mail programs do to a file.
func TestRewrittenByOthers(t *testing.T) {
	const body = "Subject: x\nStatus: R\n\n>From me\nFrom you\n"
	var m memory
	m.append(t, Envelope{Flags: mail.NewFlagSet(mail.Flagged)}, strings.NewReader(body))
	for _, c := range []struct {
		name, old, new string
		intact         bool
		flags          mail.Flags
	}{
		{"other flags", "Status:  O\nX-Status:    F", "Status: RO\nX-Status:   AD", true, mail.Seen | mail.Answered | mail.Deleted},
		{"fields added", "X-Keywords:", "X-UID: 12\nX-Keywords:", true, mail.Flagged},
		{"fields removed", "Status:  O\nX-Status:    F\nX-Keywords: " + strings.Repeat(" ", keywordWidth) + "\n", "", true, 0},
		{"fields moved", "Status:  O\nX-Status:    F\n", "Lines: 3\nX-Status: D\n", true, mail.Deleted},
		{"text changed", "From you", "From your", false, mail.Flagged | mail.Seen},
	} {
		data := []byte(strings.Replace(string(m.b), c.old, c.new, 1))
		if bytes.Equal(data, m.b) {
			t.Fatalf("%s: nothing was replaced", c.name)
		}
		list, _ := readAll(t, data)
		if len(list) != 1 || list[0].Marker == nil || list[0].Marker.Intact != c.intact {
			t.Errorf("%s: %+v, want intact %v", c.name, list, c.intact)
			continue
		}
		if got := string(content(t, data, list[0], false)); c.intact && got != body {
			t.Errorf("%s: content is %q", c.name, got)
		} else if !c.intact && !strings.HasSuffix(got, "\n\n>From me\nFrom your\n") {
			t.Errorf("%s: content is %q", c.name, got)
		}
		if flags, _ := list[0].State().Flags(); c.intact && flags.System != c.flags {
			t.Errorf("%s: flags are %v, want %v", c.name, flags, c.flags)
		}
	}
}

// written is a file with messages of all sorts, for other programs to judge.
func written(t *testing.T) (path string, bodies []string) {
	bodies = []string{
		"Subject: one\n\nFrom here\n>From there\n\n\n", "Subject: two\r\n\r\nFrom a@b Fri Jul  8 12:08:34 2011\r\nX: y\r\n",
		"Subject: three\n\nno newline at the end", "Subject: four\n", "no header at all\n", "", "Subject: seven\n\n" + strings.Repeat("From x\n", 3),
	}
	var m memory
	for i, b := range bodies {
		m.append(t, Envelope{Date: time.Unix(1310126914+int64(i), 0), Flags: mail.NewFlagSet(mail.Flags(i)&(mail.Seen|mail.Answered|mail.Flagged), "work", "a b")}, strings.NewReader(b))
	}
	path = filepath.Join(t.TempDir(), "test.mbox")
	if err := os.WriteFile(path, m.b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path, bodies
}

// TestPythonReads lets Python's mailbox module judge what we write: number of
// messages, flags, dates and, after unquoting, bytes.
func TestPythonReads(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	path, bodies := written(t)
	const script = `import mailbox, sys, calendar, time
for i, m in enumerate(mailbox.mbox(sys.argv[1])):
    date = calendar.timegm(time.strptime(m.get_from().split(' ', 1)[1]))
    print(i, date, ''.join(sorted(m.get_flags())), m['X-Keywords'].split(), m.get('subject'))`
	out, err := exec.Command(python, "-c", script, path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(bodies) {
		t.Fatalf("Python finds %d messages, want %d:\n%s", len(lines), len(bodies), out)
	}
	flags := []string{"O", "OR", "AO", "AOR", "FO", "FOR", "AFO"}
	subjects := []string{"one", "two", "three", "four", "None", "None", "seven"}
	for i, l := range lines {
		want := strconv.Itoa(i) + " " + strconv.Itoa(1310126914+i) + " " + flags[i] + " ['a%20b', 'work'] " + subjects[i]
		if l != want {
			t.Errorf("Python reads %q, want %q", l, want)
		}
	}
}

// TestFormailReads lets formail count.
func TestFormailReads(t *testing.T) {
	formail, err := exec.LookPath("formail")
	if err != nil {
		t.Skip("formail (Debian package procmail) is not installed")
	}
	path, bodies := written(t)
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close() }()
	cmd := exec.Command(formail, "-s", "sh", "-c", "cat >/dev/null; echo x")
	cmd.Stdin = in
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "x\n"); n != len(bodies) {
		t.Errorf("formail finds %d messages, want %d", n, len(bodies))
	}
}
