package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"waybill/failure"
)

func contentCases() []testCase {
	var cases []testCase
	for _, l := range oddLetters() {
		cases = append(cases, testCase{"content/" + l.name, func(tr *trial) { tr.oddContent(l) }})
	}
	return append(cases, testCase{"content/huge", huge})
}

// oddLetters are messages that were seen in the wild, or may be one day.
func oddLetters() []letter {
	head := string(text(1, ""))
	unix := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
	odd := func(name, body string) letter { return letter{name: name, body: []byte(body), date: born} }
	return []letter{
		odd("empty", ""),
		odd("one-byte", "x"),
		odd("CRLF-only", "\r\n"),
		odd("LF-only", "\n"),
		odd("LF-lines", unix(head+"one\r\ntwo\r\n")),
		odd("CRLF-lines", head+"one\r\ntwo\r\n"),
		odd("CR-lines", strings.ReplaceAll(head+"one\r\ntwo\r\n", "\r\n", "\r")),
		odd("mixed-lines", head+"crlf\r\nlf\ncr\rcrcrlf\r\r\nlfcr\n\r\n"),
		odd("no-final-newline", head+"the end"),
		odd("final-CR", head+"the end\r"),
		odd("many-final-newlines", head+"the end\r\n\r\n\r\n\n\n"),
		odd("NUL", head+"before\x00after\r\n\x00"),
		odd("8-bit", head+"gr\xfc\xdfe \xc3\xa4 \xff\xfe\x80\r\n"),
		odd("control", head+"\x01\x02\x08\x0b\x0c\x1a\x1b[0m\x7f\r\n"),
		odd("long-line", head+strings.Repeat("0123456789abcdef", 1<<16)+"\r\n"),
		odd("from-lines", head+"From anna Sun Mar  9 17:04:05 2003\r\nFrom \r\n>From x\r\n>>From x\r\nFrom: y\r\n\r\nFrom b@example.org Sun Mar  9 17:04:05 2003\r\n"),
		odd("from-lines-LF", unix(head+"a\r\n\r\nFrom anna Sun Mar  9 17:04:05 2003\r\n>From x\r\n\r\nFrom b@example.org Sun Mar  9 17:04:05 2003\r\n\r\n")),
		odd("from-first", "From anna Sun Mar  9 17:04:05 2003\r\nSubject: x\r\n\r\nbody\r\n"),
		odd("no-header", "\r\njust a body\r\n"),
		odd("no-header-text", "just text, no header and no empty line"),
		odd("header-only", "Subject: header only\r\nFrom: anna@example.org\r\n"),
		odd("header-cut", "Subject: header only"),
		odd("header-and-empty-line", head),
		odd("header-8-bit", "Subject: gr\xfc\xdfe\r\nFrom: \xe4@example.org\r\n\r\nbody\r\n"),
		odd("header-folded", "Subject: a\r\n\tb\r\n  c\r\n\r\nbody\r\n"),
		odd("header-status", "Status: RO\r\nX-Status: A\r\nX-UID: 5\r\nX-Keywords: old\r\nContent-Length: 3\r\nLines: 900\r\n\r\nbody, longer than three bytes\r\n"),
		odd("header-many", "Subject: many\r\n"+strings.Repeat("Received: from a.example.org by b.example.org; Sun, 09 Mar 2003 17:04:05 +0100\r\n", 3000)+"\r\nbody\r\n"),
		odd("dots", head+".\r\n..\r\n. \r\n.\n.\r\n"),
		odd("literal", head+"{5}\r\n{5+}\r\n\"quoted\\\" )\r\n* BYE\r\n+ \r\n"),
		odd("boundary", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n--b\r\nafter the end\r\n"),
	}
}

// oddContent delivers the letter between two ordinary ones.
func (tr *trial) oddContent(l letter) {
	d := tr.desk()
	start := d.position()
	letters := []letter{compose(1), l, compose(2), l}
	if reason, ok := tr.cfg.Refuses[tr.name]; ok {
		tr.Logf("may be refused: %s", reason)
		letters = d.refused(letters)
	} else {
		d.deliver(letters...)
	}
	d.wantContents(start, letters)
	d.reopen()
	d.wantContents(start, letters)
}

// refused delivers letters and returns those that were taken.
func (d *desk) refused(letters []letter) []letter {
	var taken []letter
	for i, r := range d.append(letters...) {
		if r.Err == nil {
			taken = append(taken, letters[i])
			continue
		}
		refusals := []failure.Class{failure.Denied, failure.TooLarge, failure.Full, failure.Malformed, failure.Unsupported}
		if !slices.Contains(refusals, failure.ClassOf(r.Err)) {
			d.Errorf("refusal has class %s, want one of %v: %v", failure.ClassOf(r.Err), refusals, r.Err)
		}
		if failure.RuleOf(r.Err) == failure.ClassOf(r.Err).String() {
			d.Errorf("refusal names no rule: %v", r.Err)
		}
	}
	return taken
}

// hugeSize is the length of the message that nobody may hold in memory, and
// hugeGrowth how much live memory may grow while it passes.
const (
	hugeSize   = 100 << 20
	hugeGrowth = 24 << 20
)

// huge streams a large message through the target and back.
func huge(tr *trial) {
	if testing.Short() {
		tr.Skip("a message of 100 MB is not for -short")
	}
	d := tr.desk()
	if limit := d.caps.MaxMessage; limit > 0 && limit < hugeSize {
		tr.Skip("the target does not take a message of that size")
	}
	start := d.position()
	peak := &watermark{}
	peak.begin()
	l := parcel(1, hugeSize)
	plain := l.open
	l.open = func(ctx context.Context) (io.ReadCloser, error) {
		r, err := plain(ctx)
		return &sampled{ReadCloser: r, mark: peak}, err
	}
	d.deliver(l, compose(2))
	list := d.arrived(start)
	if len(list) != 2 {
		tr.Fatalf("%d messages arrived, want 2", len(list))
	}
	_, body, err := d.mailbox.Open(d.ctx, d.path, list[0].ID)
	tr.must("read back", err)
	got, err := d.target.Fingerprint(d.ctx, &sampled{ReadCloser: body, mark: peak})
	tr.must("digest", err)
	tr.check("close", body.Close())
	if got != d.digest(l) {
		tr.Errorf("the large message differs after reading back")
	}
	if grown := peak.growth(); grown > hugeGrowth {
		tr.Errorf("live memory grew by %d MB while a message of %d MB passed; at most %d MB are allowed", grown>>20, hugeSize>>20, hugeGrowth>>20)
	}
}

// parcel is a message of exactly size bytes with an attachment, made while it is read.
func parcel(n int, size int64) letter {
	head := fmt.Sprintf("Date: Sun, 09 Mar 2003 17:04:05 +0100\r\nFrom: anna@example.org\r\nTo: bert@example.org\r\nSubject: Parcel %d\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/mixed; boundary=parcel\r\n\r\n--parcel\r\nContent-Type: text/plain\r\n\r\nSee inside.\r\n--parcel\r\n"+
		"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=parcel.bin\r\n\r\n", n)
	const tail = "\r\n--parcel--\r\n"
	l := letter{name: fmt.Sprintf("parcel %d", n), date: born, size: size}
	l.open = func(ctx context.Context) (io.ReadCloser, error) {
		inner := size - int64(len(head)) - int64(len(tail))
		filled := io.LimitReader(&lines{n: uint64(n)}, max(inner, 0))
		whole := io.MultiReader(strings.NewReader(head), filled, strings.NewReader(tail))
		return &honest{ctx: ctx, from: io.LimitReader(whole, size)}, nil
	}
	return l
}

// lines yields lines of base64 that hardly repeat, without end.
type lines struct {
	n    uint64
	rest []byte
}

func (l *lines) Read(p []byte) (int, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	done := 0
	for done < len(p) {
		if len(l.rest) == 0 {
			var line bytes.Buffer
			for line.Len() < 76 {
				l.n = l.n*6364136223846793005 + 1442695040888963407
				for shift := 16; shift < 64; shift += 12 {
					line.WriteByte(alphabet[l.n>>shift&63])
				}
			}
			line.WriteString("\r\n")
			l.rest = line.Bytes()
		}
		n := copy(p[done:], l.rest)
		l.rest = l.rest[n:]
		done += n
	}
	return done, nil
}

// watermark measures live memory, which is what remains after collection.
type watermark struct {
	base uint64
	peak atomic.Uint64
}

func live() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *watermark) begin()         { w.base = live() }
func (w *watermark) sample()        { w.peak.Store(max(w.peak.Load(), live())) }
func (w *watermark) growth() uint64 { return max(w.peak.Load(), w.base) - w.base }

// sampled measures live memory at every eighth megabyte that passes.
type sampled struct {
	io.ReadCloser
	mark *watermark
	n    int64
}

func (s *sampled) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if before := s.n >> 23; (s.n+int64(n))>>23 != before {
		s.mark.sample()
	}
	s.n += int64(n)
	return n, err
}
