package canon

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/mail"
)

var everyRule = map[string]Rules{
	"cyrus": For("cyrus", false), "cyrus repaired": For("cyrus", true),
	"dovecot": For("dovecot", false), "dovecot repaired": For("dovecot", true), "other": For("other", false),
}

// bufferSink is a plain sink, for comparing.
type bufferSink struct{ bytes.Buffer }

func (b *bufferSink) same(p []byte)  { b.Write(p) }
func (b *bufferSink) other(p []byte) { b.Write(p) }
func (b *bufferSink) drop(int)       {}

func through(c change, message string, cuts ...int) (string, Findings) {
	var m machine
	var out bufferSink
	m.reset(c)
	for _, cut := range cuts {
		cut = min(cut, len(message))
		m.write([]byte(message[:cut]), &out)
		message = message[cut:]
	}
	m.write([]byte(message), &out)
	m.end(&out)
	return out.String(), m.found
}

func TestForms(t *testing.T) {
	head := "Subject: a\r\n\r\n"
	long := strings.Repeat("n", 5000) + ": x\r\n\r\nbody"
	for _, c := range []struct {
		name, rules, in, sent, kept string
	}{
		{"as it should be", "cyrus", head + "one\r\n", head + "one\r\n", head + "one\r\n"},
		{"bare LF", "other", "Subject: a\n\none\ntwo", "Subject: a\r\n\r\none\r\ntwo", "Subject: a\r\n\r\none\r\ntwo"},
		{"bare CR", "dovecot", head + "a\rb", head + "a\rb", head + "a\rb"},
		{"CR at the end", "dovecot", head + "a\r\r", head + "a\r\r", head + "a"},
		{"CR at the end", "cyrus", head + "a\r\r", head + "a\r\r", head + "a\r\r"},
		{"CR CR LF", "dovecot", head + "a\r\r\nb\r\r\r\n", head + "a\r\r\nb\r\r\r\n", head + "a\r\nb\r\n"},
		{"CR CR LF elsewhere", "cyrus", head + "a\r\r\n", head + "a\r\r\n", head + "a\r\r\n"},
		{"NUL", "dovecot", head + "\x00a\x00", head + "\x00a\x00", head + "\x80a\x80"},
		{"NUL", "cyrus repaired", "Sub\x00: a\r\n\r\n\x00", "Sub\x80: a\r\n\r\n\x80", "SubX: a\r\n\r\n\x80"},
		{"NUL", "other", head + "\x00", head + "\x00", head + "\x00"},
		{"8-bit", "cyrus", "Subject: \xc3\xa4\r\n\r\n\xc3\xa4", "Subject: \xc3\xa4\r\n\r\n\xc3\xa4", "Subject: XX\r\n\r\n\xc3\xa4"},
		{"8-bit in LF lines", "cyrus", "Subject: \xe4\n\n\xe4\n", "Subject: \xe4\r\n\r\n\xe4\r\n", "Subject: X\r\n\r\n\xe4\r\n"},
		{"8-bit", "dovecot", "Subject: \xe4\r\n\r\n", "Subject: \xe4\r\n\r\n", "Subject: \xe4\r\n\r\n"},
		{"space before colon", "cyrus repaired", "To: x\r\nSubject \t: a\r\n\r\n b : c\r\n", "To: x\r\nSubject: a\r\n\r\n b : c\r\n", "To: x\r\nSubject: a\r\n\r\n b : c\r\n"},
		{"space before colon", "cyrus", "Subject : a\r\n\r\n", "Subject : a\r\n\r\n", "Subject : a\r\n\r\n"},
		{"no header", "cyrus repaired", "just text\r\nmore: x\r\n", "\r\njust text\r\nmore: x\r\n", "\r\njust text\r\nmore: x\r\n"},
		{"no header nor line end", "cyrus repaired", "just text, 8-bit \xe4", "\r\njust text, 8-bit \xe4", "\r\njust text, 8-bit \xe4"},
		{"one word", "cyrus repaired", "x", "\r\nx", "\r\nx"},
		{"line without name", "cyrus repaired", "A: b\r\nno name\r\nC: d\r\n\r\n", "A: b\r\nX-Waybill-Line: no name\r\nC: d\r\n\r\n", "A: b\r\nX-Waybill-Line: no name\r\nC: d\r\n\r\n"},
		{"colon first", "cyrus repaired", "A: b\r\n: c\r\n\r\n", "A: b\r\nX-Waybill-Line: : c\r\n\r\n", "A: b\r\nX-Waybill-Line: : c\r\n\r\n"},
		{"From of mbox", "cyrus repaired", "From x y\r\nA: b\r\n\r\n", "From x y\r\nA: b\r\n\r\n", "From x y\r\nA: b\r\n\r\n"},
		{"quoted From of mbox", "cyrus repaired", ">From x\r\nA: b\r\n\r\n", "X-Waybill-Line: >From x\r\nA: b\r\n\r\n", "X-Waybill-Line: >From x\r\nA: b\r\n\r\n"},
		{"folded", "cyrus repaired", "A: b\r\n c d\r\n\te\r\n\r\n", "A: b\r\n c d\r\n\te\r\n\r\n", "A: b\r\n c d\r\n\te\r\n\r\n"},
		{"header cut", "cyrus repaired", "A: b", "A: b\r\n", "A: b\r\n"},
		{"header only", "cyrus repaired", "A: b\r\n", "A: b\r\n", "A: b\r\n"},
		{"name cut", "cyrus repaired", "A: b\r\nnam", "A: b\r\nX-Waybill-Line: nam\r\n", "A: b\r\nX-Waybill-Line: nam\r\n"},
		{"endless name", "cyrus repaired", long, "\r\n" + long, "\r\n" + long},
		{"empty", "cyrus repaired", "", "\r\n", "\r\n"},
		{"empty", "dovecot repaired", "", "\r\n", "\r\n"},
		{"empty", "other", "", "", ""},
		{"control", "cyrus repaired", "A: b\r\nB\x01: c\r\n\r\n", "A: b\r\nX-Waybill-Line: B\x01: c\r\n\r\n", "A: b\r\nX-Waybill-Line: B\x01: c\r\n\r\n"},
	} {
		t.Run(c.name+" for "+c.rules, func(t *testing.T) {
			r := everyRule[c.rules]
			if got, _ := through(r.sent(), c.in); got != c.sent {
				t.Errorf("sent as %q, want %q", got, c.sent)
			}
			if got, _ := through(r.kept(), c.in); got != c.kept {
				t.Errorf("kept as %q, want %q", got, c.kept)
			}
		})
	}
}

// odd draws messages in which everything that matters is frequent.
func odd(t *rapid.T, label string) string {
	piece := rapid.SampledFrom([]string{"\r", "\n", "\r\n", "\r\n\r\n", "\x00", "\xe4", ":", " ", "\t", "a", "Subject", ": x", ">From", "From ", "\x01", "body of a line",
		strings.Repeat("\r", 70), strings.Repeat("n", 4094)})
	return strings.Join(rapid.SliceOfN(piece, 0, 24).Draw(t, label), "")
}

// Neither form depends on how the message comes in pieces, and both are
// idempotent; what is kept of what was sent is what is kept of the original.
func TestFormsAreSteady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := everyRule[rapid.SampledFrom([]string{"cyrus", "cyrus repaired", "dovecot", "dovecot repaired", "other"}).Draw(t, "rules")]
		message := odd(t, "message")
		cuts := rapid.SliceOfN(rapid.IntRange(0, 9), 0, 30).Draw(t, "cuts")
		for _, c := range []change{r.sent(), r.kept()} {
			whole, found := through(c, message)
			cut, foundCut := through(c, message, cuts...)
			if cut != whole {
				t.Fatalf("%q in pieces %v gives %q, in one %q", message, cuts, cut, whole)
			}
			foundCut.Doubled, found.Doubled = 0, 0
			if found != foundCut {
				t.Fatalf("%q in pieces %v: found %+v, in one %+v", message, cuts, foundCut, found)
			}
			if again, _ := through(c, whole); again != whole {
				t.Fatalf("%q becomes %q and then %q", message, whole, again)
			}
		}
		sent, _ := through(r.sent(), message)
		kept, _ := through(r.kept(), message)
		if of, _ := through(r.kept(), sent); of != kept {
			t.Fatalf("%q is sent as %q, of which %q is kept, want %q", message, sent, of, kept)
		}
	})
}

// What is sent after repairs has nothing left that would be refused.
func TestRepairedIsTaken(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		flavour := rapid.SampledFrom([]string{"cyrus", "dovecot"}).Draw(t, "flavour")
		message := odd(t, "message")
		strict, repairing := For(flavour, false), For(flavour, true)
		sent, found := through(repairing.sent(), message)
		_, left := through(strict.sent(), sent)
		if err := strict.Refusal(left, "x"); err != nil {
			t.Fatalf("%q is repaired to %q: %v", message, sent, err)
		}
		_, before := through(strict.sent(), message)
		if refused := strict.Refusal(before, "x"); refused != nil != (found.Repaired > 0) {
			t.Fatalf("%q: %v, and %d repairs", message, refused, found.Repaired)
		}
		if err := repairing.Refusal(found, "x"); err != nil {
			t.Fatalf("%q: refused although it is repaired: %v", message, err)
		}
	})
}

// A digest is that of the bytes and of the kept form, however they come.
func TestDigest(t *testing.T) {
	digests := map[string]*Digest{}
	for name, r := range everyRule {
		digests[name] = NewDigest(r)
	}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"cyrus", "cyrus repaired", "dovecot", "dovecot repaired", "other"}).Draw(t, "rules")
		message := odd(t, "message")
		d := digests[name]
		d.Reset()
		rest := message
		for _, cut := range rapid.SliceOfN(rapid.IntRange(0, 9), 0, 30).Draw(t, "cuts") {
			cut = min(cut, len(rest))
			_, _ = d.Write([]byte(rest[:cut]))
			rest = rest[cut:]
		}
		_, _ = d.Write([]byte(rest))
		raw, kept := d.Sum()
		want, _ := through(everyRule[name].kept(), message)
		if raw != sha256.Sum256([]byte(message)) {
			t.Fatalf("%q: the digest of the bytes is wrong", message)
		}
		if kept != sha256.Sum256([]byte(want)) {
			t.Fatalf("%q: the fingerprint is not that of %q", message, want)
		}
		again, keptAgain := d.Sum()
		if again != raw || keptAgain != kept {
			t.Fatal("asking twice gives another sum")
		}
		fingerprint, err := NewPool(everyRule[name]).Fingerprint(t.Context(), strings.NewReader(message))
		if err != nil || fingerprint != kept {
			t.Fatalf("fingerprint %v, %v; want %v", fingerprint, err, kept)
		}
	})
}

func TestDigestDoesNotAllocate(t *testing.T) {
	for _, eol := range []string{"\r\n", "\n"} {
		message := []byte(strings.Repeat("Subject: something\n", 20) + "\n" + strings.Repeat("a line of text\n", 1000))
		message = bytes.ReplaceAll(message, []byte("\n"), []byte(eol))
		d := NewDigest(For("cyrus", true))
		var a, b mail.Digest
		// The whole process is counted, so that now and then somebody else's shows.
		n := raceAllocates + 1.0
		for try := 0; n > raceAllocates && try < 5; try++ {
			n = testing.AllocsPerRun(20, func() {
				d.Reset()
				_, _ = d.Write(message)
				a, b = d.Sum()
			})
		}
		if n > raceAllocates {
			t.Errorf("lines end in %q: %v allocations for each message", eol, n)
		}
		if (a == b) != (eol == "\r\n") {
			t.Errorf("lines end in %q: the fingerprint equals the digest of the bytes: %v", eol, a == b)
		}
	}
}

func TestNotes(t *testing.T) {
	for _, c := range []struct{ rules, in, want, rule string }{
		{"dovecot", "A: b\n\nc\n", "", ""},
		{"dovecot", "A: b\r\n\r\nc\n", "line-ends", ""},
		{"dovecot", "A: b\r\n\r\nc\r\r\n", "line-ends", ""},
		{"dovecot", "A: b\r\n\r\nc\r", "line-ends", ""},
		{"dovecot", "A: b\r\n\r\n\x00", "nul-changed", ""},
		{"dovecot", "", "", "imap.message-empty"},
		{"dovecot repaired", "", "repaired", ""},
		{"cyrus", "A: \xe4\r\n\r\n\xe4", "header-8bit-changed", ""},
		{"cyrus", "A: b\r\n\r\n\x00", "", "imap.message-nul"},
		{"cyrus", "A : b\r\n\r\n", "", "imap.message-header"},
		{"cyrus", "text", "", "imap.message-header"},
		{"cyrus", "", "", "imap.message-empty"},
		{"cyrus repaired", "A : b\n\n\x00", "nul-changed repaired", ""},
		{"other", "\x00\xe4 : \r\n", "", ""},
	} {
		r := everyRule[c.rules]
		var out bytes.Buffer
		s := NewSender(r)
		s.Reset(&out)
		_, _ = s.Write([]byte(c.in))
		found, err := s.Close()
		if err != nil {
			t.Fatal(err)
		}
		var kinds []string
		for _, n := range r.Notes(found) {
			if n.Text == "" {
				t.Errorf("%q for %s: note %s has no text", c.in, c.rules, n.Kind)
			}
			kinds = append(kinds, n.Kind)
		}
		refusal := r.Refusal(found, "INBOX")
		switch {
		case c.rule != "" && (failure.RuleOf(refusal) != c.rule || failure.ClassOf(refusal) != failure.Malformed):
			t.Errorf("%q for %s: refusal %v, want rule %s", c.in, c.rules, refusal, c.rule)
		case c.rule == "" && refusal != nil:
			t.Errorf("%q for %s: refused: %v", c.in, c.rules, refusal)
		case c.rule == "" && strings.Join(kinds, " ") != c.want:
			t.Errorf("%q for %s: notes %q, want %q", c.in, c.rules, kinds, c.want)
		}
	}
}

func FuzzForms(f *testing.F) {
	for _, s := range []string{"", "\r\r\n", "A : b\r\n\r\n\x00", ">From x\nA: b\n\n", "\xe4\n", "A: b\r"} {
		f.Add(s, uint8(3))
	}
	f.Fuzz(func(t *testing.T, message string, cut uint8) {
		for name, r := range everyRule {
			kept, _ := through(r.kept(), message)
			if again, _ := through(r.kept(), kept, int(cut)); again != kept {
				t.Fatalf("%s: %q becomes %q and then %q", name, message, kept, again)
			}
			d := NewDigest(r)
			n := min(int(cut), len(message))
			_, _ = d.Write([]byte(message[:n]))
			_, _ = d.Write([]byte(message[n:]))
			if raw, got := d.Sum(); raw != sha256.Sum256([]byte(message)) || got != sha256.Sum256([]byte(kept)) {
				t.Fatalf("%s: digests of %q are wrong", name, message)
			}
		}
	})
}

func BenchmarkDigest(b *testing.B) {
	for _, flavour := range []string{"dovecot", "cyrus"} {
		for name, eol := range map[string]string{"CRLF": "\r\n", "LF": "\n"} {
			b.Run(flavour+" "+name, func(b *testing.B) {
				message := []byte(strings.ReplaceAll(strings.Repeat("Received: from a by b; today\n", 60)+"\n"+strings.Repeat(strings.Repeat("abcdefghij", 7)+"\n", 320), "\n", eol))
				d := NewDigest(For(flavour, false))
				b.SetBytes(int64(len(message)))
				b.ReportAllocs()
				for b.Loop() {
					d.Reset()
					_, _ = d.Write(message)
					_, _ = d.Sum()
				}
			})
		}
	}
}
