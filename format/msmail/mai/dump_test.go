package mai

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

// fragment are bytes 0x0B to 0x8A of the message to 300 people that KB Q104423
// prints; the file had 7159 bytes.
const fragment = `
2C 01 7F 05 32
20 02 02 00 7F 05 33 20 02 0A 00 7F 05 37 20 02
0A 00 4C 25 01 02 22 5A 65 57 59 0E 50 74 68 6C
54 18 65 4A 57 52 6E 48 29 CF C4 D6 DA C3 E0 C9
D3 C8 F8 E7 FA ED DA A2 F3 4C 82 19 C9 05 02 14
5A 65 57 59 0E 50 74 68 6C 54 18 65 38 71 29 7C
B4 D5 B3 F8 02 14 5A 65 57 59 0E 50 74 68 6C 54
18 65 39 79 28 7D B5 D4 B2 F9 02 14 5A 65 57 59
0E 50 74 68 6C 54 18 65 39 79 29`

func published(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(fragment), ""))
	if err != nil || len(b) != 128 {
		t.Fatal(len(b), err)
	}
	return b
}

// derivePublished derives the key of the published message from its sender, whose
// name the article does not hide.
func derivePublished(t *testing.T) Cipher {
	t.Helper()
	b := published(t)
	from := b[0x27-0x0B : 0x49-0x0B]
	to := [][]byte{b[0x50-0x0B : 0x64-0x0B], b[0x66-0x0B : 0x7A-0x0B]}
	m := Known{Envelope: &Envelope{From: [][]byte{from}, To: to}, Sender: "Admin"}
	c, found, ok := Derive([]Known{m}, []string{"NET1/DATA3"})
	if !ok || found.For != 3 || found.Total != 3 {
		t.Fatalf("%v: %s", ok, found)
	}
	// Without any name but the sender's one message may not be enough; then no key is
	// offered as proven.
	if other, found, ok := Derive([]Known{m}, nil); ok && other != c {
		t.Fatalf("% X: %s", other.Key, found)
	}
	return c
}

func TestPublishedStrings(t *testing.T) {
	c := derivePublished(t)
	b := published(t)
	for _, v := range []struct {
		from, to int
		plain    string
		party    Party
	}{
		{0x27, 0x49, "\x02NET1/DATA3/Admin\x00\x81Administrator\x00\x00", Party{NativeAddress, "NET1/DATA3/Admin", 0x81, "Administrator", []byte{0}}},
		{0x50, 0x64, "\x02NET1/DATA3/300\x00\x80\x00\x01\x01", Party{NativeAddress, "NET1/DATA3/300", 0x80, "", []byte{0, 1, 1}}},
		{0x66, 0x7A, "\x02NET1/DATA3/299\x00\x80\x00\x01\x01", Party{NativeAddress, "NET1/DATA3/299", 0x80, "", []byte{0, 1, 1}}},
		{0x7C, 0x8B, "\x02NET1/DATA3/298", Party{Type: NativeAddress, Address: "NET1/DATA3/298"}},
	} {
		coded := b[v.from-0x0B : v.to-0x0B]
		plain := c.Decrypt(coded)
		if string(plain) != v.plain {
			t.Errorf("%#x: %q", v.from, plain)
		}
		if !bytes.Equal(c.Encrypt([]byte(v.plain)), coded) {
			t.Errorf("%q is written otherwise", v.plain)
		}
		p, ok := ParseParty(plain)
		if !ok || p.Address != v.party.Address || p.Flag != v.party.Flag || p.Name != v.party.Name || !bytes.Equal(p.Tail, v.party.Tail) {
			t.Errorf("%#x: %+v", v.from, p)
		}
		if v.party.Flag != 0 && string(AppendParty(nil, p)) != v.plain {
			t.Errorf("%+v is written otherwise", p)
		}
	}
}

// TestPublishedMessage writes the message to 300 people and expects the published
// bytes at their places, and reads them again.
func TestPublishedMessage(t *testing.T) {
	c := derivePublished(t)
	d := Draft{Count: 300, Hops: 10, From: Native("NET1/DATA3/Admin", "Administrator"), Subject: "x"}
	for n := 300; n > 0; n-- { // names of one width, as the published length shows
		d.To = append(d.To, Native(fmt.Sprintf("NET1/DATA3/%03d", n), ""))
	}
	text := strings.Repeat("To all of you: the server rests on Sunday.\r\n", 9)
	d.Text, d.TextSize = strings.NewReader(text), int64(len(text))
	var file bytes.Buffer
	if err := Write(&file, &d, &c); err != nil {
		t.Fatal(err)
	}
	want := published(t)
	if got := file.Bytes()[0x0B:0x8B]; !bytes.Equal(got, want) {
		t.Errorf("written\n% X\nwant\n% X", got, want)
	}
	// The counter is edited in place by the article.
	for n, octets := range map[uint16]string{5: "\x05\x00", 255: "\xff\x00", 256: "\x00\x01", 300: "\x2c\x01", 500: "\xf4\x01"} {
		d.Count, d.Text = n, strings.NewReader(text)
		var again bytes.Buffer
		if err := Write(&again, &d, &c); err != nil || string(again.Bytes()[0x0B:0x0D]) != octets || !bytes.Equal(again.Bytes()[0x0D:], file.Bytes()[0x0D:]) {
			t.Errorf("%d: %v", n, err)
		}
	}
	e, err := ReadEnvelope(context.Background(), bytes.NewReader(file.Bytes()), "0000013D.MAI", int64(file.Len()))
	if err != nil || len(e.Defects) != 0 {
		t.Fatal(err, e.Defects)
	}
	if e.Count != 300 || e.Numbers[0x32] != 2 || e.Numbers[0x33] != 10 || e.Numbers[0x37] != 10 || len(e.To) != 300 {
		t.Errorf("%d %v %d", e.Count, e.Numbers, len(e.To))
	}
	m := e.Decode(&c)
	if m.Strange != 0 || m.From[0].Name != "Administrator" || m.To[299].Address != "NET1/DATA3/001" || m.Subject != "x" {
		t.Errorf("%+v", m.From)
	}
	if head := c.Decrypt(e.TextHead); string(head) != text || len(e.Text) != 1 || e.Text[0].Length != int64(len(text)) {
		t.Errorf("%q", head)
	}
}

// TestFragmentAlone reads the published bytes with a made-up beginning and no end:
// what is there is read, and the rest is missed aloud.
func TestFragmentAlone(t *testing.T) {
	c := derivePublished(t)
	file := append([]byte{0x4D, 0x83, 0x00, 0x1B, 0xF2, 0x01, 0x7F, 0x05, 0x31, 0x20, 0x02}, published(t)...)
	e, err := ReadEnvelope(context.Background(), bytes.NewReader(file), "0000013D.MAI", int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	m := e.Decode(&c)
	if e.Count != 300 || len(e.To) != 3 || m.Explained != 4 || m.To[2].Address != "NET1/DATA3/298" {
		t.Errorf("%d, %+v", e.Count, m)
	}
	if len(e.Defects) == 0 || e.Defects[0].Rule != "mai.truncated" {
		t.Errorf("the missing end is not told: %v", e.Defects)
	}
}
