package imap_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"waybill/failure"
	"waybill/imap"
	"waybill/imap/imaptest"
)

// zeros is a message of n bytes.
func zeros(n int64) imap.AppendItem {
	return imap.AppendItem{Size: n, Body: io.LimitReader(endless{}, n)}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

func small(n int) (items []imap.AppendItem) {
	for i := range n {
		items = append(items, item(message(i), time.Time{}))
	}
	return items
}

// outcomes says for each result what is known: the UID, "ok" without one, or the
// class of its error.
func outcomes(results []imap.AppendResult) string {
	var out []string
	for _, r := range results {
		switch {
		case r.Err != nil:
			out = append(out, failure.ClassOf(r.Err).String())
		case r.UID != 0:
			out = append(out, imap.UIDs(r.UID).String())
		default:
			out = append(out, "ok")
		}
	}
	return strings.Join(out, " ")
}

const (
	stored = "$TAG OK [APPENDUID 9 %] done\r\n"
	any5   = `APPEND "INBOX" \{.*`
)

func TestAppendOutcomes(t *testing.T) {
	okUID := func(uid string) imaptest.Exchange {
		return imaptest.Exchange{Want: any5, Answer: strings.ReplaceAll(stored, "%", uid)}
	}
	no := imaptest.Exchange{Want: any5, Answer: "$TAG NO [LIMIT] too large\r\n"}
	for _, c := range []struct {
		name         string
		capabilities string
		mode         imap.AppendMode
		items        []imap.AppendItem
		script       []imaptest.Exchange
		want         string // outcomes
		unknown      bool   // an error, and others may have been stored
		notSent      bool   // an error, and nothing else was stored
	}{
		{"one by one", "LITERAL+", imap.Pipelined, small(3), []imaptest.Exchange{okUID("4"), no, okUID("5")}, "4 too-large 5", false, false},
		{"one by one with permission", "", imap.Pipelined, small(3), []imaptest.Exchange{okUID("4"), no, okUID("5")}, "4 too-large 5", false, false},
		{"refused instead of permitted", "", imap.Pipelined, small(3), []imaptest.Exchange{okUID("4"), {Want: any5, Answer: "$TAG NO [OVERQUOTA] full\r\n", NoContinue: true}, okUID("5")}, "4 full 5", false, false},
		{"many in one", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{okUID("4:6")}, "4 5 6", false, false},
		{"many in one with permission", "MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{okUID("4,5,9")}, "4 5 9", false, false},
		{"many in one refused at the first", "MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{{Want: any5, Answer: "$TAG NO [TRYCREATE] no such\r\n", NoContinue: true}}, "vanished vanished vanished", false, false},
		{"many in one refused", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{no}, "too-large too-large too-large", false, false},
		{"many in one for a server without", "LITERAL+", imap.Multi, small(2), []imaptest.Exchange{okUID("4"), okUID("5")}, "4 5", false, false},
		{"LITERAL-", "LITERAL-", imap.Pipelined, []imap.AppendItem{zeros(4096), zeros(4097)}, []imaptest.Exchange{{Want: `APPEND "INBOX" \{4096\+.*`, Answer: "$TAG OK\r\n"}, {Want: `APPEND "INBOX" \{4097\}.*`, Answer: "$TAG OK\r\n"}}, "ok ok", false, false},
		{"UIDs in a falling order", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{okUID("6:4")}, "4 5 6", false, false},
		{"UIDs out of order", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{okUID("6,4,5")}, "ok ok ok", false, false},
		{"UIDs with a star", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{okUID("6:*")}, "ok ok ok", false, false},
		{"too few UIDs", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{okUID("6:7")}, "ok ok ok", false, false},
		{"too many UIDs", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{okUID("1:4294967295")}, "ok ok ok", false, false},
		{"UID 0", "LITERAL+", imap.Pipelined, small(1), []imaptest.Exchange{okUID("0")}, "ok", false, false},
		{"no message and a line out of turn", "LITERAL+", imap.Pipelined, append(append(small(1), item("", time.Time{})), small(1)...), []imaptest.Exchange{okUID("4"), {Want: any5, Answer: "$TAG NO Zero-length message literal\r\n* BAD Invalid tag\r\n"}, okUID("5")}, "4 denied 5", false, false},
		{"refused early, the rest is sent", "LITERAL+", imap.Pipelined, []imap.AppendItem{zeros(900 << 10), zeros(10)}, []imaptest.Exchange{{Want: any5, Answer: "$TAG NO [TOOBIG] no\r\n", Early: true}, okUID("5")}, "too-large 5", false, false},
		{"refused early, the rest is not sent", "LITERAL+", imap.Pipelined, []imap.AppendItem{zeros(1 << 40)}, []imaptest.Exchange{{Want: any5, Answer: "$TAG NO [TOOBIG] no\r\n", Early: true}}, "too-large", false, false},
		{"refused early, one of two", "LITERAL+", imap.Pipelined, []imap.AppendItem{zeros(1 << 40), zeros(5)}, []imaptest.Exchange{{Want: any5, Answer: "$TAG NO [TOOBIG] no\r\n", Early: true}}, "too-large", false, true},
		{"confirmed before it was sent", "LITERAL+", imap.Pipelined, []imap.AppendItem{zeros(1 << 40)}, []imaptest.Exchange{{Want: any5, Answer: "$TAG OK fine\r\n", Early: true}}, "", true, false},
		{"the answer is lost", "LITERAL+", imap.Pipelined, small(3), []imaptest.Exchange{okUID("4"), {Want: any5, Answer: "$TAG OK\r\n", CutAt: -1}}, "4", true, false},
		{"half an answer", "LITERAL+ MULTIAPPEND", imap.Multi, small(3), []imaptest.Exchange{{Want: any5, Answer: "$TAG OK [APPENDUID 9 1:3] done\r\n", CutAt: 20}}, "", true, false},
		{"goodbye before the answer", "LITERAL+", imap.Pipelined, small(3), []imaptest.Exchange{okUID("4"), {Want: any5, Answer: "* BYE restart\r\n", CutAt: 100}}, "4", true, false},
		{"cut in the middle of a literal", "LITERAL+ MULTIAPPEND", imap.Multi, []imap.AppendItem{zeros(10), zeros(1 << 40)}, []imaptest.Exchange{{Want: any5, CutReading: 1 << 20}}, "", false, true},
		{"goodbye in the middle of a literal", "LITERAL+ MULTIAPPEND", imap.Multi, []imap.AppendItem{zeros(10), zeros(1 << 40)}, []imaptest.Exchange{{Want: any5, Answer: "* BYE restart\r\n", Early: true, CutReading: 1 << 20}}, "", false, true},
		{"cut with one whole message before", "LITERAL+", imap.Pipelined, []imap.AppendItem{zeros(10), zeros(1 << 40)}, []imaptest.Exchange{okUID("4"), {Want: any5, CutReading: 1 << 20}}, "4", false, true},
		{"cut with one unknown message before", "LITERAL+", imap.Pipelined, []imap.AppendItem{zeros(10), zeros(1 << 40)}, []imaptest.Exchange{{Want: any5}, {Want: any5, CutReading: 1 << 20}}, "", true, false},
		{"no permission ever", "", imap.Pipelined, small(2), []imaptest.Exchange{{Want: any5, Answer: "", NoContinue: true, StallAt: -1}}, "", false, true},
		{"not a flag", "LITERAL+", imap.Pipelined, []imap.AppendItem{item("a", time.Time{}), item("b", time.Time{}, "a b"), item("c", time.Time{}, `\Recent`), item("d", time.Time{}, "x)\r\nW1 NOOP")}, []imaptest.Exchange{okUID("4")}, "4 unsupported unsupported unsupported", false, false},
		{"not a flag among many", "LITERAL+ MULTIAPPEND", imap.Multi, []imap.AppendItem{item("a", time.Time{}), item("b", time.Time{}, "a]b")}, nil, "unsupported unsupported", false, false},
		{"not a date", "LITERAL+", imap.Pipelined, []imap.AppendItem{item("a", time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)), item("b", time.Time{})}, []imaptest.Exchange{okUID("4")}, "unsupported 4", false, false},
		{"above the limit", "LITERAL+ APPENDLIMIT=100", imap.Pipelined, []imap.AppendItem{zeros(100), zeros(101)}, []imaptest.Exchange{okUID("4")}, "4 too-large", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			patience := 20 * time.Second
			if c.name == "no permission ever" {
				patience = 300 * time.Millisecond
			}
			conn := scriptedWith(t, c.capabilities, patience, c.script)
			results, err := conn.Append(t.Context(), "INBOX", c.items, c.mode)
			if got := outcomes(results); got != c.want {
				t.Errorf("outcomes %q, want %q", got, c.want)
			}
			var notSent *imap.NotSent
			if is := errors.As(err, &notSent); (err != nil) != (c.unknown || c.notSent) || is != c.notSent {
				t.Errorf("error %v", err)
			}
			if err != nil && conn.Broken() == nil {
				t.Error("the connection may be used still")
			}
		})
	}
}

// scriptedWith is scripted with the capabilities in the greeting.
func scriptedWith(t *testing.T, capabilities string, patience time.Duration, script []imaptest.Exchange) *imap.Conn {
	t.Helper()
	s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 "+capabilities+"] ready", append(script, imaptest.OK("NOOP"))...)
	c, err := imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: imap.Plain, Silence: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Answers may come in another order than the commands.
func TestAnswersInAnotherOrder(t *testing.T) {
	s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 LITERAL+] ready",
		imaptest.Exchange{Want: any5}, imaptest.Exchange{Want: any5, Answer: "W2 OK [APPENDUID 9 8] b\r\nW1 NO a\r\n"},
		imaptest.Exchange{Want: any5}, imaptest.Exchange{Want: any5, Answer: "W4 OK c\r\n", CutAt: 9})
	c := must[*imap.Conn](t)(imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: imap.Plain}))
	results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", small(2), imap.Pipelined))
	if outcomes(results) != "denied 8" {
		t.Error(outcomes(results))
	}
	results, err := c.Append(t.Context(), "INBOX", small(2), imap.Pipelined)
	var notSent *imap.NotSent
	if len(results) != 0 || err == nil || errors.As(err, &notSent) {
		t.Errorf("%s, %v", outcomes(results), err)
	}
}

func TestAppendIsCancelled(t *testing.T) {
	for name, exchange := range map[string]imaptest.Exchange{
		"while the answer is awaited": {Want: any5, StallAt: -1},
		"while it is written":         {Want: any5, StallReading: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			n := int64(100)
			if exchange.StallReading > 0 {
				n = 1 << 40
			}
			body := &hooked{Reader: io.LimitReader(endless{}, n), at: min(n, 16<<20), do: cancel}
			if exchange.StallAt != 0 {
				exchange.Do = func(string) { cancel() }
				body.at = -1
			}
			s := imaptest.Start(t, "* OK [CAPABILITY IMAP4rev1 LITERAL+] ready", exchange)
			c := must[*imap.Conn](t)(imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: imap.Plain}))
			if exchange.StallReading > 0 {
				time.AfterFunc(50*time.Millisecond, cancel) // the buffers between may be smaller than what the hook waits for
			}
			results, err := c.Append(ctx, "INBOX", []imap.AppendItem{{Size: n, Body: body}}, imap.Pipelined)
			var notSent *imap.NotSent
			if len(results) > 0 || failure.ClassOf(err) != failure.Cancelled || errors.As(err, &notSent) != (n > 100) {
				t.Errorf("%v, %v", results, err)
			}
			if failure.ClassOf(c.Noop(t.Context())) != failure.Cancelled {
				t.Error("the connection may be used still")
			}
		})
	}
}

type hooked struct {
	io.Reader
	at int64
	do func()
}

func (h *hooked) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if h.at > 0 {
		if h.at -= int64(n); h.at <= 0 {
			h.do()
		}
	}
	return n, err
}
