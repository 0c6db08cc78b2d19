package mmff

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	mf "waybill/format/migfile"
)

func page(t testing.TB, number int) mf.CodePage {
	t.Helper()
	p, err := mf.NewCodePage(number, "")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// read gives the messages of a file with their texts and attachments, and the
// rules that were broken.
func read(t testing.TB, text string) (list []*Message, contents [][]string, rules []string) {
	t.Helper()
	src := strings.NewReader(text)
	r := NewReader(src, src.Size(), "a.mmf", page(t, 850))
	for n := 0; ; n++ {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list, contents, rules
		}
		if n > len(text) {
			t.Fatal("more messages than bytes")
		}
		if err != nil {
			if m == nil {
				t.Fatal(err)
			}
			rules = append(rules, failure.RuleOf(err))
			continue
		}
		var c []string
		for _, part := range append([]Content{m.Text}, contentsOf(m)...) {
			c = append(c, text[part.Offset:part.Offset+max(part.Size, 0)])
		}
		list, contents = append(list, m), append(contents, c)
	}
}

func contentsOf(m *Message) (list []Content) {
	for _, a := range m.Attachments {
		list = append(list, a.Content)
	}
	return list
}

// The message that KB Q103801 prints, whose sizes come out with CR LF.
const (
	q103801 = "VERSION:3.00\r\nTO:CSI:COMPANY/DEPT/jsmith\r\nFROM:CSI:COMPANY/DEPT/sjones\r\nDATE:1992-11-29\r\nTIME:23:44\r\n" +
		"SUBJECT:Automatic File Transfer (1 files)\r\nPRIORITY:F\r\nATTACHMENT:config.sys 291\r\nTEXT:152\r\n"
	q103801Text = "Automatic File Transfer\r\n-----------------------\r\n\r\nUse Attachments/Save or FFAPI AppGet -w to save.\r\n\r\nAttached files:\r\n---------------\r\n\r\nconfig.sys\r\n"
	q103801File = "DEVICE=C:\\WIN\\HIMEM.SYS\r\nDOS=HIGH,UMB\r\nFILES=35\r\nBUFFERS=20\r\nLASTDRIVE=Z\r\n\r\nDEVICE=C:\\WIN\\EMM386.EXE NoEMS x=d800-dfff\r\ndevicehigh=c:\\dos\\ansi.sys\r\n\r\n" +
		"STACKS=9,256\r\nFCBS=20,0\r\n\r\ndevice=C:\\WIN\\protman.dos /i:C:\\WIN\r\ndevice=C:\\WIN\\workgrp.sys\r\ndevice=C:\\WIN\\ubnei.dos\r\ndevice=C:\\WIN\\ubxps.dos\r\n"
)

func TestPublishedMessage(t *testing.T) {
	if len(q103801Text) != 152 || len(q103801File) != 291 {
		t.Fatalf("the sizes are %d and %d", len(q103801Text), len(q103801File))
	}
	for name, text := range map[string]string{"as it is": q103801 + q103801Text + q103801File, "with the empty line": q103801 + "\r\n" + q103801Text + q103801File} {
		list, contents, rules := read(t, text+text+"\x1a")
		if len(list) != 2 || len(rules) > 0 {
			t.Fatalf("%s: %d messages, faults %v", name, len(list), rules)
		}
		m := list[1]
		if m.Number != 2 || m.Subject != "Automatic File Transfer (1 files)" || m.Priority != "F" || m.Importance() != 0 || m.To[0] != (Address{CSI, "COMPANY/DEPT/jsmith"}) ||
			contents[1][0] != q103801Text || contents[1][1] != q103801File || m.Attachments[0].Name != "config.sys" {
			t.Errorf("%s: %+v, %q", name, m, contents[1])
		}
		if sent, ok := m.Sent(time.UTC); !ok || !sent.Equal(time.Date(1992, 11, 29, 23, 44, 0, 0, time.UTC)) {
			t.Errorf("sent %v", sent)
		}
	}
}

// The extended form, as far as KB Q147034 shows it.
func TestExtended(t *testing.T) {
	list, contents, rules := read(t, "VERSION:3.00\nTO:a\nEXT:I:3:HEADLEN\n9\nEXT:S:12:LINES\none\ntwo\nsix\nTEXT:3\nabc")
	if len(list) != 1 || len(rules) > 0 || list[0].HeaderLines() != 9 || contents[0][0] != "abc" {
		t.Fatalf("%+v %v", list, rules)
	}
	if want := []Ext{{"I", "HEADLEN", "9"}, {"S", "LINES", "one\ntwo\nsix"}}; !reflect.DeepEqual(list[0].Ext, want) {
		t.Errorf("%+v", list[0].Ext)
	}
}

func TestTolerance(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		rules string
		read  int
	}{
		"CR":                       {"VERSION:3.00\rTO:a\rTEXT:2\rhi", "", 1},
		"LF, small letters":        {"version:2.10\nto:Fax:555-1\nFrom:b\nText:0\n", "", 1},
		"ATTACHMENTS":              {"VERSION:3.00\nTO:a\nATTACHMENTS:a b.txt 3\nTEXT:0\nxyz", "", 1},
		"external":                 {"VERSION:3.00\nTO:a\nXATTACH:c:\\t\\x.doc letter.doc\nXTEXT:body.txt\nVERSION:3.00\nTEXT:0\n", "", 2},
		"unknown token":            {"VERSION:3.00\nCOLOUR:red\nTEXT:0\n", "", 1},
		"text with VERSION in it":  {"VERSION:3.00\nTEXT:13\nVERSION:3.00\n", "", 1},
		"truncated text":           {"VERSION:3.00\nTEXT:10\nhi", "mmff.truncated", 0},
		"truncated header":         {"VERSION:3.00\nTO:a\n", "mmff.truncated", 0},
		"size too large, and more": {"VERSION:3.00\nTEXT:9223372036854775807\nhi\nVERSION:3.00\nTEXT:0\n", "mmff.truncated", 1},
		"sum overflows":            {"VERSION:3.00\nATTACHMENT:a 9223372036854775807\nTEXT:9223372036854775807\nVERSION:3.00\nTEXT:0\n", "mmff.truncated", 1},
		"size too small":           {"VERSION:3.00\nTEXT:1\nhello\nVERSION:3.00\nTEXT:0\n", "mmff.size", 1},
		"negative":                 {"VERSION:3.00\nTEXT:-1\nVERSION:3.00\nTEXT:0\n", "mmff.text-size", 1},
		"no size":                  {"VERSION:3.00\nATTACHMENT:abc\nTEXT:0\n\nVERSION:3.00\nTEXT:0\n", "mmff.attachment", 1},
		"no text":                  {"VERSION:3.00\nTO:a\nVERSION:3.00\nTEXT:0\n", "mmff.no-text", 1},
		"no colon":                 {"VERSION:3.00\nhello\nVERSION:3.00\nTEXT:0\n", "mmff.token", 1},
		"garbage in front":         {"hello\nworld\nVERSION:3.00\nTEXT:0\n", "mmff.version", 1},
		"garbage alone":            {"hello", "mmff.version", 0},
		"long line":                {"VERSION:3.00\nSUBJECT:" + strings.Repeat("x", MaxLine+10) + "\nTEXT:0\nVERSION:3.00\nTEXT:0\n", "mmff.line-length", 1},
		"long first line":          {strings.Repeat("x", 3*MaxLine) + "\nVERSION:3.00\nTEXT:0\n", "mmff.version", 1},
		"nothing":                  {"", "", 0},
		"blank":                    {"\r\n\x1a", "", 0},
	} {
		list, _, rules := read(t, c.text)
		if got := strings.Join(rules, " "); len(list) != c.read || got != c.rules && name != "long first line" {
			t.Errorf("%s: %d read, faults %q; want %d and %q", name, len(list), got, c.read, c.rules)
		}
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]Address{"CSI:N/P/U": {CSI, "N/P/U"}, "N/P/U": {CSI, "N/P/U"}, "jsmith": {CSI, "jsmith"}, "fax:555": {"FAX", "555"},
		"smtp:a@b.example": {"SMTP", "a@b.example"}, "a b:c": {CSI, "a b:c"}, "X400:g=a; s=b": {"X400", "g=a; s=b"}, "FAX:1^0D2": {"FAX", "1\r2"}, "FAX:": {CSI, "FAX:"}, "": {CSI, ""}} {
		got := ParseAddress(text)
		if got != want {
			t.Errorf("%q is %+v", text, got)
		}
		if again := ParseAddress(got.String()); again != got && got.Value != "" {
			t.Errorf("%q became %+v", text, again)
		}
	}
}

func TestImportance(t *testing.T) {
	for p, want := range map[string]int{"1": -1, "2": 0, "3": 0, "4": 1, "5": 1, "R": 1, "F": 0, "C": 0, "": 0} {
		m := Message{Priority: p}
		if m.Importance() != want {
			t.Errorf("priority %q is %d", p, m.Importance())
		}
		m.SetImportance(want)
		if m.Importance() != want {
			t.Errorf("%d became %q", want, m.Priority)
		}
	}
}

// What is written reads as it was, several messages in one file.
func TestRoundTrip(t *testing.T) {
	word := rapid.StringMatching(`[A-Za-zäöü0-9][A-Za-zäöü0-9:./ -]{0,20}[A-Za-z0-9]`)
	data := rapid.OneOf(rapid.SliceOfN(rapid.Byte(), 0, 50), rapid.Just([]byte("VERSION:3.00\r\nTEXT:0\r\n")), rapid.Just([]byte("\r\n")))
	p := page(t, 850)
	rapid.Check(t, func(t *rapid.T) {
		var file bytes.Buffer
		w := NewWriter(&file, p)
		var want []*Message
		var bodies [][]byte
		for i := range rapid.IntRange(1, 4).Draw(t, "n") {
			m := &Message{Number: i + 1, Version: "3.00", Subject: word.Draw(t, "subject"), From: Address{"SMTP", word.Draw(t, "from")}}
			for range rapid.IntRange(0, 3).Draw(t, "to") {
				m.To = append(m.To, Address{CSI, word.Draw(t, "to")})
			}
			m.SetSent(time.Date(1990, 1, 1, 0, rapid.IntRange(0, 1e6).Draw(t, "minute"), 0, 0, time.UTC), time.UTC)
			m.SetImportance(rapid.IntRange(-1, 1).Draw(t, "importance"))
			if rapid.Bool().Draw(t, "extended") {
				m.Ext = []Ext{{"I", "HEADLEN", fmt.Sprint(rapid.IntRange(1, 20).Draw(t, "lines"))}}
			}
			text := data.Draw(t, "text")
			m.Text.Size = int64(len(text))
			all := bytes.Clone(text)
			var parts []io.Reader
			for range rapid.IntRange(0, 3).Draw(t, "attachments") {
				b := data.Draw(t, "data")
				m.Attachments = append(m.Attachments, Attachment{Name: word.Draw(t, "name"), Content: Content{Size: int64(len(b))}})
				parts = append(parts, bytes.NewReader(b))
				all = append(all, b...)
			}
			if err := w.Write(m, bytes.NewReader(text), parts); err != nil {
				t.Fatal(err)
			}
			want, bodies = append(want, m), append(bodies, all)
		}
		src := bytes.NewReader(file.Bytes())
		r := NewReader(src, src.Size(), "x", p)
		for i, m := range want {
			got, err := r.Next()
			if err != nil {
				t.Fatalf("message %d: %v\n%q", i+1, err, file.String())
			}
			body := file.Bytes()[got.Text.Offset:got.End]
			got.Offset, got.End, got.Text.Offset = 0, 0, 0
			for n := range got.Attachments {
				got.Attachments[n].Offset = 0
			}
			if !reflect.DeepEqual(got, m) || !bytes.Equal(body, bodies[i]) {
				t.Fatalf("message %d:\n got %+v\nwant %+v\n%q", i+1, got, m, file.String())
			}
		}
		if _, err := r.Next(); !errors.Is(err, io.EOF) {
			t.Fatalf("at the end: %v", err)
		}
	})
}

func TestWriterWatchesSizes(t *testing.T) {
	w := NewWriter(io.Discard, page(t, 850))
	if err := w.Write(&Message{Text: Content{Size: 3}}, strings.NewReader("ab"), nil); failure.ClassOf(err) != failure.Internal {
		t.Error(err)
	}
	if err := w.Write(&Message{Attachments: []Attachment{{Name: "a"}}}, strings.NewReader(""), nil); failure.ClassOf(err) != failure.Internal {
		t.Error(err)
	}
}

// counted is a file that counts what is read of it.
type counted struct {
	io.ReaderAt
	n int64
}

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, off)
	c.n += int64(n)
	return n, err
}

// Sizes that lead to far places must not make reading cost much more than the
// file is long.
func TestHostileSizesAreCheap(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, "VERSION:3.00\nTEXT:%d\n", 1_000+i*7%200_000)
	}
	src := strings.NewReader(b.String())
	c := &counted{ReaderAt: src}
	r := NewReader(c, src.Size(), "x", page(t, 850))
	for {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		}
	}
	if c.n > 40*src.Size() {
		t.Errorf("%d bytes were read of a file of %d", c.n, src.Size())
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(q103801 + q103801Text + q103801File))
	f.Add([]byte("VERSION:3.00\nEXT:I:3:HEADLEN\n9\nTEXT:1\nx\nVERSION:3.00\nTEXT:0\n"))
	f.Add([]byte("\r\nVERSION:\rTEXT:2\r\r\n\x1a"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in), int64(len(in)), "f", page(t, 850))
		last := int64(-1)
		for {
			m, err := r.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if m == nil {
				t.Fatal(err)
			}
			if m.Offset <= last || m.End < m.Offset || m.End > int64(len(in)) {
				t.Fatalf("message from %d to %d behind %d", m.Offset, m.End, last)
			}
			last = m.Offset
			if err != nil {
				continue
			}
			for _, c := range append([]Content{m.Text}, contentsOf(m)...) {
				if c.File == "" && (c.Offset < m.Offset || c.Offset+c.Size > m.End || c.Size < 0) {
					t.Fatalf("content at %d of %d bytes in a message from %d to %d", c.Offset, c.Size, m.Offset, m.End)
				}
			}
		}
	})
}
