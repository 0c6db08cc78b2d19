package unwrap

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"waybill/connector"
	"waybill/failure"
)

// stream is TNEF with a text and files, made of the attributes that Microsoft Mail
// knew ([MS-OXTNEF] 2.1.3.3).
func stream(text string, files map[string]string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 0x223E9F78)
	b = append(b, 1, 0)
	attribute := func(level byte, id uint32, data []byte) {
		b = append(b, level)
		b = binary.LittleEndian.AppendUint32(b, id)
		b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
		b = append(b, data...)
		sum := uint16(0)
		for _, c := range data {
			sum += uint16(c)
		}
		b = binary.LittleEndian.AppendUint16(b, sum)
	}
	attribute(1, 0x00089006, []byte{0, 0, 1, 0})                // attTnefVersion
	attribute(1, 0x00069007, []byte{0xE4, 4, 0, 0, 0, 0, 0, 0}) // attOemCodepage: 1252
	attribute(1, 0x00078008, []byte("IPM.Microsoft Mail.Note\x00"))
	attribute(1, 0x0002800C, []byte(text+"\x00"))
	for name, content := range files {
		attribute(2, 0x00069002, append([]byte{1, 0, 0xFF, 0xFF, 0xFF, 0xFF}, make([]byte, 8)...))
		attribute(2, 0x00018010, []byte(name+"\x00"))
		attribute(2, 0x0006800F, []byte(content))
	}
	return b
}

func encoded(b []byte) string {
	text := base64.StdEncoding.EncodeToString(b)
	var lines strings.Builder
	for len(text) > 76 {
		lines.WriteString(text[:76] + "\r\n")
		text = text[76:]
	}
	return lines.String() + text + "\r\n"
}

// unwrapped reads a message through a reader.
func unwrapped(t *testing.T, message string) (string, *reader) {
	t.Helper()
	r := &reader{ctx: t.Context(), inner: io.NopCloser(strings.NewReader(message)), where: "INBOX 1"}
	b, err := io.ReadAll(iotest.OneByteReader(r))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return string(b), r
}

func kinds(r *reader) (all []string) {
	for _, n := range r.Notes() {
		all = append(all, n.Kind)
	}
	return all
}

const head = "From: anna@example.org\r\nsubject:  odd   spacing\r\n"

func mixed(part string) string {
	return head + "Content-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\nfirst text\n--b\r\n" + part + "\r\n--b\r\nContent-Type: text/x-after\r\n\r\nlast\r\n--b--\r\nepilogue"
}

func tnefPart(kind string) string {
	return "Content-Type: " + kind + "\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"winmail.dat\"\r\n\r\n" + encoded(stream("text of Outlook", map[string]string{"plan.txt": "the plan\x00\x01"}))
}

// What is in the part stands in its place, and every byte around it is as it was.
func TestPartIsReplaced(t *testing.T) {
	for _, kind := range []string{"application/ms-tnef; name=winmail.dat", "application/vnd.ms-tnef", "APPLICATION/Octet-Stream"} {
		message := mixed(tnefPart(kind))
		got, r := unwrapped(t, message)
		before, rest, _ := strings.Cut(message, "Content-Type: "+kind)
		_, after, _ := strings.Cut(rest, "\r\n--b\r\nContent-Type: text/x-after")
		if !strings.HasPrefix(got, before+"X-Waybill-Unwrapped: winmail.dat\r\n") || !strings.HasSuffix(got, "\r\n--b\r\nContent-Type: text/x-after"+after) {
			t.Errorf("%s: what is around the part changed:\n%s", kind, got)
		}
		if !strings.Contains(got, "text of Outlook") || !strings.Contains(got, "plan.txt") || !strings.Contains(got, base64.StdEncoding.EncodeToString([]byte("the plan\x00\x01"))) {
			t.Errorf("%s: not all is there:\n%s", kind, got)
		}
		if fmt.Sprint(kinds(r)) != "[tnef-unwrapped]" {
			t.Errorf("%s: notes %v", kind, r.Notes())
		}
		if again, _ := unwrapped(t, message); again != got {
			t.Errorf("%s: reads differently the second time", kind)
		}
	}
}

// A message that is TNEF as a whole keeps its header.
func TestWholeMessage(t *testing.T) {
	got, r := unwrapped(t, head+"MIME-Version: 1.0\r\nX-Folded: a\r\n\tb\r\n"+tnefPart("application/ms-tnef")+"")
	want := head + "X-Folded: a\r\n\tb\r\nX-Waybill-Unwrapped: winmail.dat\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed;"
	if !strings.HasPrefix(got, want) || strings.Contains(got, "ms-tnef") {
		t.Errorf("got:\n%s", got)
	}
	if fmt.Sprint(kinds(r)) != "[tnef-unwrapped]" {
		t.Errorf("notes %v", r.Notes())
	}
}

// Messages in the message are looked into, too, but nothing that is signed.
func TestNestedAndSigned(t *testing.T) {
	inner := mixed(tnefPart("application/ms-tnef"))
	nested := head + "Content-Type: multipart/mixed; boundary=outer\r\n\r\n--outer\r\nContent-Type: message/rfc822\r\n\r\n" + inner + "\r\n--outer\r\n\r\nend\r\n--outer--\r\n"
	got, _ := unwrapped(t, nested)
	flat, _ := unwrapped(t, inner)
	if want := strings.Replace(nested, inner, flat, 1); got != want {
		t.Errorf("nested:\n%s\nwant:\n%s", got, want)
	}
	signed := strings.Replace(nested, "multipart/mixed; boundary=outer", "multipart/signed; boundary=outer", 1)
	if got, _ := unwrapped(t, signed); got != signed {
		t.Errorf("what is signed changed:\n%s", got)
	}
	direct := strings.Replace(inner, "multipart/mixed", "multipart/signed", 1)
	if got, r := unwrapped(t, direct); got != direct || fmt.Sprint(kinds(r)) != "[tnef-signed]" {
		t.Errorf("what is signed changed, notes %v:\n%s", r.Notes(), got)
	}
}

// What cannot be read stays as it is.
func TestUnreadableStays(t *testing.T) {
	for name, part := range map[string]string{
		"empty":     "Content-Type: application/ms-tnef\r\n\r\n",
		"no TNEF":   "Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded([]byte("something else")),
		"signature": "Content-Type: application/ms-tnef\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encoded(stream("x", nil)[:4]),
	} {
		message := mixed(part)
		if got, r := unwrapped(t, message); got != message || fmt.Sprint(kinds(r)) != "[tnef-unreadable]" {
			t.Errorf("%s: notes %v, message\n%s", name, r.Notes(), got)
		}
	}
	many := head + "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: application/ms-tnef\r\n\r\nx\r\n", 300) + "--b--\r\n"
	if got, r := unwrapped(t, many); got != many || !strings.Contains(fmt.Sprint(kinds(r)), NoteTooMany) {
		t.Errorf("a message with many parts changed; notes %v", kinds(r)[:3])
	}
}

// A large message does not stay in memory, and errors of its reader come through.
func TestLargeAndBroken(t *testing.T) {
	big := mixed(strings.Replace(tnefPart("application/ms-tnef"), encoded(stream("text of Outlook", map[string]string{"plan.txt": "the plan\x00\x01"})),
		encoded(stream("big", map[string]string{"big.bin": strings.Repeat("0123456789", 300_000)})), 1))
	r := &reader{ctx: t.Context(), inner: io.NopCloser(strings.NewReader(big)), where: "INBOX 1"}
	n, err := io.Copy(io.Discard, r)
	if err != nil || n < 3_000_000 || r.whole.file == nil || r.whole.memory != nil {
		t.Errorf("%d bytes, in a file: %v; %v", n, r.whole.file != nil, err)
	}
	if err := r.Close(); err != nil || r.whole.file != nil {
		t.Errorf("after Close the file is open: %v", err)
	}
	broken := failure.New(failure.Transient, "read", "x", "x.y", nil)
	r = &reader{ctx: t.Context(), inner: io.NopCloser(io.MultiReader(strings.NewReader(big[:1000]), iotest.ErrReader(broken)))}
	if _, err := io.ReadAll(r); failure.RuleOf(err) != "x.y" {
		t.Errorf("reading ends with %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r = &reader{ctx: ctx, inner: io.NopCloser(strings.NewReader(big))}
	if _, err := io.ReadAll(r); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestTake(t *testing.T) {
	for text, want := range map[string]struct {
		rest   string
		wished bool
		fails  bool
	}{
		"maildir:/x":                               {"maildir:/x", false, false},
		"maildir:/x?unwrap=tnef":                   {"maildir:/x", true, false},
		"maildir:/x?unwrap=tnef&layout=fs":         {"maildir:/x?layout=fs", true, false},
		"imaps://anna@example.org?unwrap=tnef&a=b": {"imaps://anna@example.org?a=b", true, false},
		"maildir:/x?unwrap=yes":                    {"", false, true},
		"maildir:/x?unwrap=tnef&unwrap=tnef":       {"", false, true},
	} {
		loc, err := connector.ParseLocation(text)
		if err != nil {
			t.Fatal(err)
		}
		rest, wished, err := Take(loc)
		if (err != nil) != want.fails || err == nil && (rest.String() != want.rest || wished != want.wished) {
			t.Errorf("%s: %s %v %v", text, rest, wished, err)
		}
		if loc.String() != mustParse(t, text).String() {
			t.Errorf("%s was changed to %s", text, loc)
		}
	}
}

func mustParse(t *testing.T, text string) connector.Location {
	t.Helper()
	loc, err := connector.ParseLocation(text)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// FuzzReader reads anything to its end, twice the same, and leaves alone what holds
// no TNEF.
func FuzzReader(f *testing.F) {
	f.Add([]byte(mixed(tnefPart("application/ms-tnef"))))
	f.Add([]byte(head + tnefPart("application/ms-tnef")))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: application/ms-tnef\n--a--"))
	f.Add([]byte("Content-Type: message/rfc822\n\nContent-Type: application/ms-tnef\n\n"))
	f.Fuzz(func(t *testing.T, message []byte) {
		if len(message) > 1<<16 {
			return
		}
		read := func() []byte {
			r := &reader{ctx: t.Context(), inner: io.NopCloser(bytes.NewReader(message)), where: "x"}
			defer func() { _ = r.Close() }()
			b, err := io.ReadAll(r)
			if err != nil && failure.ClassOf(err) == failure.Internal {
				t.Fatalf("%v", err)
			}
			return b
		}
		first := read()
		if !bytes.Equal(first, read()) {
			t.Fatal("reads differently the second time")
		}
		lower := bytes.ToLower(message)
		if !bytes.Contains(lower, []byte("tnef")) && !bytes.Contains(lower, []byte("winmail")) && !bytes.Contains(message, []byte("%")) && !bytes.Contains(message, []byte("=?")) && !bytes.Equal(first, message) {
			t.Fatalf("changed: %q", first)
		}
	})
}
