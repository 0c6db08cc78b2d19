package migfile

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
)

func secondaryOf(t testing.TB, in string) *Secondary {
	t.Helper()
	page, err := NewCodePage(1252, "test")
	if err != nil {
		t.Fatal(err)
	}
	return NewSecondary(strings.NewReader(in), int64(len(in)), "A.SEC", page)
}

func TestSecondary(t *testing.T) {
	const heading = SecondaryHeading + "\r\n"
	if len(heading) != 50 {
		t.Fatalf("the heading has %d bytes", len(heading))
	}
	// The published example: a body of 91 bytes at 50, and the next section at 161.
	published := heading + "Body,91,,TRUE,,,\r\n" + strings.Repeat("x", 89) + "\r\n\r\nBody,2,,TRUE,,,\r\nhi\r\n"
	tests := []struct {
		name   string
		in     string
		offset int64
		want   string // pieces, or a rule
	}{
		{"published", published, 50, "Body 91 at 68"},
		{"second", published, 161, "Body 2 at 178"},
		{"chain", heading + "Body,3,,FALSE,,,\r\nabc\r\nAttachment,4,,FALSE,\"a,b.doc\",-1,\r\ndata\r\nAttachment,0,,true,x,,Macbinary\r\n\r\n", 50, "Body 3 at 68; Attachment 4 at 108 a,b.doc; Attachment 0 at 147 x mac"},
		{"schedule", heading + "Body,0,,FALSE,,,\r\n\r\nSchedule,2,,TRUE,USER.SC2,-1,\r\nhi\r\n", 50, "Body 0 at 68; Schedule 2 at 101 USER.SC2"},
		{"LF", strings.ReplaceAll(published, "\r\n", "\n"), 49, "Body 91 at 66"},
		{"no empty line between", heading + "Body,5,,FALSE,,,\r\nabc\r\nAttachment,1,,TRUE,x,,\r\nz", 50, "Body 5 at 68; Attachment 1 at 97 x"},
		{"inside a body", published, 75, "migfile.offset"},
		{"one too far", published, 162, "migfile.offset"},
		{"behind the end", published, 5000, "migfile.offset"},
		{"negative", published, -1, "migfile.offset"},
		{"at the heading", published, 0, "migfile.offset"},
		{"too long", heading + "Body,99,,TRUE,,,\r\nabc\r\n", 50, "migfile.length"},
		{"no number", heading + "Body,3x,,TRUE,,,\r\nabc\r\n", 50, "migfile.length"},
		{"huge number", heading + "Body,99999999999999999999,,TRUE,,,\r\nabc\r\n", 50, "migfile.length"},
		{"no Islast", heading + "Body,3,,,,,\r\nabc\r\n", 50, "migfile.islast"},
		{"nothing follows", heading + "Body,3,,FALSE,,,\r\nabc\r\n", 50, "migfile.chain"},
		{"another body follows", heading + "Body,3,,FALSE,,,\r\nabc\r\nBody,1,,TRUE,,,\r\nx\r\n", 50, "migfile.chain"},
		{"a wrong length in the chain", heading + "Body,1,,FALSE,,,\r\nabc\r\nAttachment,1,,TRUE,x,,\r\nz", 50, "migfile.offset"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			chain, err := secondaryOf(t, tt.in).Chain(tt.offset)
			if strings.HasPrefix(tt.want, "migfile.") {
				if failure.RuleOf(err) != tt.want || !strings.Contains(err.Error(), "A.SEC byte ") {
					t.Fatalf("got %v, want rule %s and the place", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range chain {
				s := fmt.Sprintf("%s %d at %d", p.Type, p.Length, p.Data)
				if p.Name != "" {
					s += " " + p.Name
				}
				if p.Macbinary {
					s += " mac"
				}
				got = append(got, s)
			}
			if s := strings.Join(got, "; "); s != tt.want {
				t.Errorf("got %s, want %s", s, tt.want)
			}
		})
	}
}

func TestOther(t *testing.T) {
	s := secondaryOf(t, SecondaryHeading+"\r\nOther,5,,TRUE,,,\r\na;b\xfcc\r\nBody,0,,TRUE,,,\r\n\r\n")
	if v, err := s.Value(50); err != nil || v != "a;büc" {
		t.Errorf("got %q, %v", v, err)
	}
	if _, err := s.Value(75); failure.RuleOf(err) != "migfile.other" {
		t.Errorf("got %v", err)
	}
}

func TestSecondaryRoundTrip(t *testing.T) {
	page, _ := NewCodePage(UTF8, "test")
	rapid.Check(t, func(t *rapid.T) {
		var b bytes.Buffer
		w, err := NewSecondaryWriter(&b, 0, "A.SEC", page)
		if err != nil {
			t.Fatal(err)
		}
		var pointers []Pointer
		bodies := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 60), 1, 6).Draw(t, "bodies")
		names := make([]string, len(bodies))
		for i, body := range bodies {
			names[i] = strings.Trim(strings.Map(func(r rune) rune {
				if r == '\r' || r == '\n' {
					return '_'
				}
				return r
			}, strings.ToValidUTF8(rapid.String().Draw(t, "name"), "?")), " \t")
			kind := Attachment
			if i == 0 {
				kind = Body
			}
			p, err := w.Add(Piece{Type: kind, Length: int64(len(body)), Last: i+1 == len(bodies), Name: names[i]}, bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			pointers = append(pointers, p)
		}
		s := NewSecondary(bytes.NewReader(b.Bytes()), int64(b.Len()), "A.SEC", page)
		chain, err := s.Chain(pointers[0].Offset)
		// A section that ends in line ends cannot be told from the empty lines
		// behind it; the length tells.
		if err != nil || len(chain) != len(bodies) {
			t.Fatalf("%d sections of %d: %v in %q", len(chain), len(bodies), err, b.Bytes())
		}
		for i, p := range chain {
			data, err := io.ReadAll(s.Data(p))
			if err != nil || !bytes.Equal(data, bodies[i]) || p.Name != names[i] || p.At.Offset != pointers[i].Offset {
				t.Fatalf("section %d: %q %q at %d, want %q %q at %d; %v", i, p.Name, data, p.At.Offset, names[i], bodies[i], pointers[i].Offset, err)
			}
		}
	})
	var b bytes.Buffer
	w, _ := NewSecondaryWriter(&b, 0, "A.SEC", page)
	if _, err := w.Add(Piece{Type: Body, Length: 5}, strings.NewReader("four")); failure.RuleOf(err) != "migfile.length" {
		t.Errorf("a section that is too short: %v", err)
	}
}

func TestDataFork(t *testing.T) {
	file := make([]byte, 128, 256)
	file[1], file[86] = 4, 3
	copy(file[2:], "File")
	file = append(file, "abc"...)
	file = append(file, make([]byte, 125)...)
	fork, size, _, ok := DataFork(bytes.NewReader(file), int64(len(file)))
	if !ok || size != 3 {
		t.Fatalf("not recognised: %d, %v", size, ok)
	}
	if b, _ := io.ReadAll(fork); string(b) != "abc" {
		t.Errorf("data fork is %q", b)
	}
	file[83] = 0xff // a data fork longer than the file
	if _, _, _, ok := DataFork(bytes.NewReader(file), int64(len(file))); ok {
		t.Error("a fork beyond the end was believed")
	}
}

func FuzzSecondary(f *testing.F) {
	f.Add([]byte(SecondaryHeading+"\r\nBody,3,,FALSE,,,\r\nabc\r\nAttachment,4,,TRUE,a,-1,\r\ndata\r\n"), int64(50))
	f.Add([]byte("\nBody,9223372036854775807,,FALSE,,,\n\n"), int64(1))
	f.Fuzz(func(t *testing.T, in []byte, offset int64) {
		s := secondaryOf(t, string(in))
		chain, err := s.Chain(offset)
		if err != nil {
			if failure.ClassOf(err) != failure.Malformed {
				t.Fatalf("unexpected class: %v", err)
			}
			return
		}
		for _, p := range chain {
			if p.Data < 0 || p.Length < 0 || p.Data+p.Length > int64(len(in)) {
				t.Fatalf("section from %d, %d bytes long, in a file of %d bytes", p.Data, p.Length, len(in))
			}
			if n, err := io.Copy(io.Discard, s.Data(p)); err != nil || n != p.Length {
				t.Fatalf("read %d bytes of %d: %v", n, p.Length, err)
			}
		}
	})
}
