package mbox

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill/failure"
	"waybill/internal/corpus"
)

// readAll lists a file and checks that its entries cover it without gap.
func readAll(t testing.TB, data []byte) ([]Entry, Stats) {
	t.Helper()
	r := NewReader(bytes.NewReader(data), int64(len(data)), Options{Name: "test.mbox"})
	var list []Entry
	at := int64(0)
	for {
		e, err := r.Next(context.Background())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e.Offset != at || e.End <= e.Offset || e.From < e.Offset && e.Kind != Damaged || e.Length < 0 ||
			e.Start < e.Offset || e.Start+e.Length > e.End || e.FromLength < 0 {
			t.Fatalf("entry %d at %d..%d (expected to begin at %d) has From_ at %d+%d and stored bytes at %d+%d", len(list),
				e.Offset, e.End, at, e.From, e.FromLength, e.Start, e.Length)
		}
		if e.Kind != Damaged && e.FromLength > 0 && e.Start != e.From+e.FromLength {
			t.Fatalf("the message does not begin behind its From_ line: %+v", e)
		}
		if sep := data[e.Start+e.Length : e.End]; e.Kind != Damaged && len(bytes.Trim(sep, "\r\n\x01")) > 0 {
			t.Fatalf("the separator %q has more than line ends", sep)
		}
		at = e.End
		list = append(list, e)
	}
	if rest := data[at:]; len(bytes.Trim(rest, "\r\n\x01\xef\xbb\xbf")) > 0 {
		t.Fatalf("no entry has the bytes from %d on: %.60q", at, rest)
	}
	return list, r.Stats()
}

func content(t testing.TB, data []byte, e Entry, unquote bool) []byte {
	t.Helper()
	b, err := io.ReadAll(Content(bytes.NewReader(data), e, unquote))
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != e.Size(unquote) {
		t.Fatalf("Size is %d, and %d bytes were read", e.Size(unquote), len(b))
	}
	return b
}

func kinds(e Entry) []string {
	var k []string
	for _, n := range e.Notes {
		k = append(k, n.Kind)
	}
	return k
}

func TestReader(t *testing.T) {
	const from = "From a@example.org Fri Jul  8 12:08:34 2011\n"
	const head = "Subject: x\n\n"
	type want struct {
		bodies  []string // of all entries; a Damaged one is "!" and its rule, an Internal one "#"
		dialect Dialect
		notes   []string // of all entries
	}
	for _, c := range []struct {
		name, file string
		want
	}{
		{"empty", "", want{dialect: Plain}},
		{"only line ends", "\n\n\n", want{dialect: Plain}},
		{"one", from + head + "body\n\n", want{bodies: []string{head + "body\n"}, dialect: Plain}},
		{"no empty line at the end", from + head + "body\n", want{bodies: []string{head + "body\n"}, dialect: Plain}},
		{"no final newline", from + head + "body", want{bodies: []string{head + "body"}, dialect: Plain}},
		{"header cut", from + "Subject: x\nFro", want{[]string{"Subject: x\nFro"}, Plain, []string{"mbox.truncated"}}},
		{"two", from + head + "1\n\n" + from + head + "2\n\n", want{bodies: []string{head + "1\n", head + "2\n"}, dialect: Plain}},
		{"two, body ends with empty lines", from + head + "1\n\n\n\n" + from + head + "2\n\n", want{bodies: []string{head + "1\n\n\n", head + "2\n"}, dialect: Plain}},
		{"CRLF", strings.ReplaceAll(from+head+"1\n\n"+from+head+"2\n\n", "\n", "\r\n"),
			want{bodies: []string{"Subject: x\r\n\r\n1\r\n", "Subject: x\r\n\r\n2\r\n"}, dialect: Plain}},
		{"CR", strings.ReplaceAll(from+head+"1\n\n"+from+head+"2\n\n", "\n", "\r"),
			want{bodies: []string{"Subject: x\r\r1\r", "Subject: x\r\r2\r"}, dialect: Plain}},
		{"no header", from + "\n1\n\n" + from + "\n2\n\n", want{bodies: []string{"\n1\n", "\n2\n"}, dialect: Plain}},
		{"nothing between From_ lines", from + "\n" + from + head, want{bodies: []string{"", "Subject: x\n"}, dialect: Plain}},
		{"no empty line between", from + head + "1\n" + from + head + "2\n\n",
			want{[]string{head + "1\n", head + "2\n"}, Plain, []string{"mbox.no-empty-line"}}},
		{"prose", from + head + "Dear all\n\nFrom Russia with love\nYear: 1963\n\nFrom here on\n\n",
			want{bodies: []string{head + "Dear all\n\nFrom Russia with love\nYear: 1963\n\nFrom here on\n"}, dialect: Plain}},
		{"prose with a date", from + head + "Dear all\n\nFrom what I heard on Fri Jul  8 12:08:34 2011 we may hope\n\n",
			want{bodies: []string{head + "Dear all\n\nFrom what I heard on Fri Jul  8 12:08:34 2011 we may hope\n"}, dialect: Plain}},
		{"undated address", "From 184434779@xxx\n" + head + "1\n\nFrom 184434780@xxx\n" + head + "2\n\n",
			want{[]string{head + "1\n", head + "2\n"}, Plain, []string{"mbox.from-line", "mbox.from-line"}}},
		{"Mozilla", "From - \n" + head + "1\nFrom - Fri Jul  8 12:08:34 2011\n" + head + "2\n\n",
			want{[]string{head + "1\n", head + "2\n"}, Plain, []string{"mbox.no-empty-line"}}},
		{"byte order mark", "\xef\xbb\xbf" + from + head + "1\n\n", want{bodies: []string{head + "1\n"}, dialect: Plain}},
		{"empty lines first", "\n\n" + from + head + "1\n\n", want{bodies: []string{head + "1\n"}, dialect: Plain}},
		{"preamble", "lost words\n\n" + from + head + "1\n\n", want{bodies: []string{"!mbox.preamble", head + "1\n"}, dialect: Plain}},
		{"not mbox", "Dear diary\n\nFrom now on I write\n", want{bodies: []string{"!mbox.not-mbox"}, dialect: Plain}},
		{"mbx", "*mbx*\r\n1234567800000001\r\n", want{bodies: []string{"!mbox.mbx"}, dialect: Plain}},
		{"gzip", "\x1f\x8b\x08\x00abc", want{bodies: []string{"!mbox.archive"}, dialect: Plain}},
		{"Foxmail", strings.Repeat("\x10", 7) + strings.Repeat("\x11", 6) + "S\nSubject: x\n", want{bodies: []string{"!mbox.foxmail"}, dialect: Plain}},
		{"NUL before the first", "\x00\x00\n" + from + head + "1\n\n", want{bodies: []string{"!mbox.preamble", head + "1\n"}, dialect: Plain}},
		{"NUL and 8-bit inside", from + head + "a\x00b\xff\n\n", want{bodies: []string{head + "a\x00b\xff\n"}, dialect: Plain}},
		{"internal data", from + "From: Mail System Internal Data <MAILER-DAEMON@h>\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\ntext\n\n" + from + head + "1\n\n",
			want{bodies: []string{"#", head + "1\n"}, dialect: Plain}},
		{"internal data later", from + head + "1\n\n" + from + "Subject: FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nmine\n\n",
			want{bodies: []string{head + "1\n", "Subject: FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nmine\n"}, dialect: Plain}},
		{"mboxo stays", from + head + ">From me\n\n", want{bodies: []string{head + ">From me\n"}, dialect: MBoxO}},
		{"mboxrd", from + head + ">From me\n>>From you\n>> From\n\n", want{bodies: []string{head + "From me\n>From you\n>> From\n"}, dialect: MBoxRD}},
		{"mboxrd header", from + ">From uucp\n" + head + ">>From you\n\n", want{bodies: []string{">From uucp\n" + head + ">From you\n"}, dialect: MBoxRD}},
		{"no mboxrd", from + head + "text\nFrom me\n>>From you\n\n", want{bodies: []string{head + "text\nFrom me\n>>From you\n"}, dialect: MBoxO}},
		{"mboxcl2", from + "Content-Length: 50\n\n\n" + from + "fine.\n\n" + from + head + "2\n\n",
			want{bodies: []string{"Content-Length: 50\n\n\n" + from + "fine.\n", head + "2\n"}, dialect: MBoxCL2}},
		{"Content-Length without line end", from + "Content-Length: 3\n\nabc\n" + from + head + "2\n\n",
			want{bodies: []string{"Content-Length: 3\n\nabc", head + "2\n"}, dialect: Plain}},
		{"Content-Length counts the empty line", from + "Content-Length: 5\n\nabc\n\n" + from + head + "2\n\n",
			want{bodies: []string{"Content-Length: 5\n\nabc\n\n", head + "2\n"}, dialect: Plain}},
		{"Content-Length at the end", from + "Content-Length: 4\n\nabc\n", want{bodies: []string{"Content-Length: 4\n\nabc\n"}, dialect: MBoxCL}},
		{"Content-Length lies", from + "Content-Length: 6\n\nabc\n\n" + from + head + "2\n\n",
			want{[]string{"Content-Length: 6\n\nabc\n", head + "2\n"}, Plain, []string{"mbox.content-length"}}},
		{"Content-Length over the end", from + "Content-Length: 999\n\nabc\n\n" + from + head + "2\n\n",
			want{[]string{"Content-Length: 999\n\nabc\n", head + "2\n"}, Plain, []string{"mbox.content-length"}}},
		{"truncated", from + "Content-Length: 999\n\nabc", want{[]string{"Content-Length: 999\n\nabc"}, Plain, []string{"mbox.truncated"}}},
		{"Content-Length absurd", from + "Content-Length: 99999999999999999999\n\nabc\n\n", want{bodies: []string{"Content-Length: 99999999999999999999\n\nabc\n"}, dialect: Plain}},
		{"MMDF", "\x01\x01\x01\x01\n" + from + head + "1\n\x01\x01\x01\x01\n\x01\x01\x01\x01\n" + head + "From here\n\n\x01\x01\x01\x01\n",
			want{bodies: []string{head + "1\n", head + "From here\n\n"}, dialect: MMDF}},
		{"MMDF cut", "\x01\x01\x01\x01\n" + head + "1", want{[]string{head + "1"}, MMDF, []string{"mbox.truncated"}}},
		{"long lines", from + head + strings.Repeat("x", 3*bufferSize) + "\n\n" + from + "X-Long: " + strings.Repeat("y", 2*bufferSize) + "\n\nz\n\n",
			want{bodies: []string{head + strings.Repeat("x", 3*bufferSize) + "\n", "X-Long: " + strings.Repeat("y", 2*bufferSize) + "\n\nz\n"}, dialect: Plain}},
	} {
		t.Run(c.name, func(t *testing.T) {
			list, stats := readAll(t, []byte(c.file))
			if got := stats.Dialect(); got != c.dialect {
				t.Errorf("dialect is %s, want %s (%+v)", got, c.dialect, stats)
			}
			var bodies, notes []string
			for _, e := range list {
				switch e.Kind {
				case Damaged:
					if failure.ClassOf(e.Err) != failure.Malformed {
						t.Errorf("class of %v", e.Err)
					}
					bodies = append(bodies, "!"+failure.RuleOf(e.Err))
				case Internal:
					bodies = append(bodies, "#")
				default:
					bodies = append(bodies, string(content(t, []byte(c.file), e, stats.Dialect() == MBoxRD)))
				}
				notes = append(notes, kinds(e)...)
			}
			if !slices.Equal(bodies, c.bodies) {
				t.Errorf("messages are %.300q,\nwant %.300q", bodies, c.bodies)
			}
			if !slices.Equal(notes, c.notes) {
				t.Errorf("notes are %q, want %q", notes, c.notes)
			}
		})
	}
}

func TestParseFromLine(t *testing.T) {
	noon := time.Date(2011, 7, 8, 12, 8, 34, 0, time.UTC)
	for _, c := range []struct {
		line, sender string
		date         time.Time
		zoned        bool
	}{
		{"From a@b Fri Jul  8 12:08:34 2011", "a@b", noon, false},
		{"From a@b  Fri Jul  8 12:08:34 2011\r", "a@b", noon, false},
		{"From a@b Fri Jul 8 12:08 2011", "a@b", noon.Truncate(time.Minute), false},
		{"From a@b Fri Jul  8 12:08:34 2011 +0200", "a@b", noon.Add(-2 * time.Hour), true},
		{"From a@b Fri Jul  8 12:08:34 -0330 2011", "a@b", noon.Add(3*time.Hour + 30*time.Minute), true},
		{"From a@b Fri Jul  8 12:08:34 MET 2011", "a@b", noon.Add(-time.Hour), true},
		{"From a@b Fri Jul  8 12:08:34 MET DST 2011", "a@b", noon.Add(-time.Hour), true},
		{"From a@b Fri Jul  8 12:08:34 2011 remote from host", "a@b", noon, false},
		{"From a@b Fri, 8 Jul 2011 12:08:34 +0000", "a@b", noon, true},
		{"From a@b 8 July 2011 12:08:34", "a@b", noon, false},
		{"From a@b Fri Jul  8 12:08:34 11", "a@b", noon, false},
		{"From user at example.org  Fri Jul  8 12:08:34 2011", "user at example.org", noon, false},
		{"From MAILER-DAEMON Fri Jul  8 12:08:34 2011", "MAILER-DAEMON", noon, false},
		{"From - Fri Jul  8 12:08:34 2011", "-", noon, false},
		{"From -", "-", time.Time{}, false},
		{"From ", "", time.Time{}, false},
		{"From a@b", "a@b", time.Time{}, false},
		{"From a@b Fri Jul 48 12:08:34 2011", "a@b Fri Jul 48 12:08:34 2011", time.Time{}, false},
		{"From a@b Fri Jul  8 32:08:34 2011", "a@b Fri Jul 8 32:08:34 2011", time.Time{}, false},
		{"From a@b Thu Jan  1 00:00:00 1960", "a@b", time.Date(1960, 1, 1, 0, 0, 0, 0, time.UTC), false},
		{"From may@b Sun May  1 01:02:03 2050", "may@b", time.Date(2050, 5, 1, 1, 2, 3, 0, time.UTC), false},
	} {
		f := ParseFromLine([]byte(c.line))
		if f.Sender != c.sender || !f.Date.Equal(c.date) || f.Zoned != c.zoned {
			t.Errorf("%q gives %q, %v, zone %v; want %q, %v, %v", c.line, f.Sender, f.Date, f.Zoned, c.sender, c.date, c.zoned)
		}
	}
}

// TestCorpusCounts compares with what formail and Python count. All differences
// were looked into; the table says who is right.
func TestCorpusCounts(t *testing.T) {
	dir := filepath.Dir(corpus.Dir(t, "mbox"))
	differences := map[string]struct {
		messages, damaged int
		why               string
	}{
		"testFOXMAIL.box":         {0, 1, "a Foxmail box; the others find no From_ line either"},
		"empty.zip":               {0, 1, "an empty ZIP archive, which is named as what it is"},
		"importtest.mbox.zip":     {0, 1, "a ZIP archive; the others were given what is in it, or find From_ lines by chance"},
		"content-length.mbox.txt": {29, 0, "formail wants empty lines between messages; Netscape wrote none"},
		"issue1189.mbox.txt":      {4, 0, "formail wants a date in the From_ line"},
		"unmunged.mbox.txt":       {2, 0, "Python takes \"From Russia with love\" for a message twice and misses the first, after a byte order mark"},
		"jwz.mbox":                {152, 1, "a listing that looks like mbox; each From_ line follows a line of its header"},
		"substring.mbox":          {3, 1, "as jwz.mbox"},
		"tests.mbx":               {9, 0, "formail believes a wrong Content-Length"},
		"mbox.win":                {45, 0, "formail does not see empty lines with CRLF"},
		"testmbox.dos":            {10, 0, "formail does not see empty lines with CRLF"},
		"import.mbox":             {3, 0, "formail wants empty lines between messages"},
		"mbox_unquoted":           {2, 0, "Python takes \"From \" in a body for a message; formail wants a date"},
		"cherry.mbox":             {0, 1, "no mbox file"},
		"endive.mbox":             {0, 1, "no mbox file"},
		"fig.mbox":                {0, 0, "an MMDF file with an opening line and no message"},
		"mboxcl2":                 {3, 0, "Python takes \"From perl5-porters:\" in a body, which Content-Length covers, for a message"},
		"mboxcl2.lies":            {3, 0, "formail believes a wrong Content-Length; Python as in mboxcl2"},
		"esearch.mbox":            {7, 0, "formail wants a header"},
		"search-partial.mbox":     {5, 0, "formail wants a header"},
		"sort-arrival.mbox":       {5, 0, "formail wants a header"},
		"sort-subject.mbox":       {15, 0, "formail wants a header"},
		"testmbox.mac":            {10, 0, "the others do not know CR as line end"},
	}
	used := map[string]bool{}
	for file, tools := range groundTruth(t, dir) {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(file)))
		if err != nil {
			t.Error(err)
			continue
		}
		list, stats := readAll(t, data)
		messages, damaged := 0, 0
		for _, e := range list {
			switch e.Kind {
			case Message:
				messages++
			case Damaged:
				damaged++
			}
		}
		base := filepath.Base(file)
		if d, ok := differences[base]; ok {
			used[base] = true
			if messages != d.messages || damaged != d.damaged {
				t.Errorf("%s: %d messages and %d damaged, want %d and %d (%s)", file, messages, damaged, d.messages, d.damaged, d.why)
			}
			continue
		}
		for tool, n := range tools {
			if tool == "regex ^From " || n == "" {
				continue
			}
			if want, err := strconv.Atoi(n); err != nil || messages != want || damaged != 0 {
				t.Errorf("%s: %d messages, %d damaged; %s says %s (%+v)", file, messages, damaged, tool, n, stats)
			}
		}
	}
	for base := range differences {
		if !used[base] {
			t.Errorf("the table explains %s, which is not there", base)
		}
	}
}

func FuzzReader(f *testing.F) {
	const from = "From a@example.org Fri Jul  8 12:08:34 2011\n"
	for _, s := range []string{"", from, from + "A: b\n\nc\n\n" + from, from + "Content-Length: 4\n\nabc\n" + from, "\x01\x01\x01\x01\n" + from + "\x01\x01\x01\x01\n",
		from + formatMarker(3, true, time.Unix(5, 0)) + "Status:  O\nX-Status:     \nX-Keywords: \nabc\n\n", "x\r" + from, "From -\rA: b\r\r"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		list, _ := readAll(t, data)
		for _, e := range list {
			if e.Kind != Damaged {
				content(t, data, e, false)
				content(t, data, e, true)
				if _, notes := e.State().Flags(); len(notes) > 1 {
					t.Error("more than one note about flags")
				}
			}
		}
		// Every entry is the same when it is read alone. Only one after bytes that
		// belong to no message may look different: what stands before it is not seen.
		alone := NewReader(nil, 0, Options{Buffer: 1})
		for _, e := range list {
			if e.Kind != Message || e.Offset == 0 {
				continue
			}
			alone.Reset(bytes.NewReader(data), int64(len(data)), Options{From: e.Offset, CR: e.cr})
			got, err := alone.Next(context.Background())
			if err != nil || got.Offset != e.Offset || got.End != e.End || got.Start != e.Start || got.Length != e.Length || got.Quoted != e.Quoted {
				t.Errorf("entry at %d is %+v when it is read alone (%v), and was %+v", e.Offset, got, err, e)
			}
		}
	})
}
