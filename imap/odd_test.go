package imap_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"waybill/imap"
	"waybill/imap/imaptest"
)

// scripted connects to a server that plays script behind CAPABILITY.
func scripted(t *testing.T, capabilities string, script ...imaptest.Exchange) *imap.Conn {
	t.Helper()
	s := imaptest.Start(t, "", append([]imaptest.Exchange{imaptest.Capability(capabilities)}, script...)...)
	c, err := imap.Dial(t.Context(), imap.Options{Addr: s.Addr(), Mode: imap.Plain, Silence: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

const everything = "CONDSTORE QRESYNC ENABLE OBJECTID X-GM-EXT-1 UIDPLUS ESEARCH LIST-EXTENDED LIST-STATUS SPECIAL-USE NAMESPACE ACL QUOTA METADATA LITERAL+ MULTIAPPEND MOVE UNSELECT ID"

// show is an item in one line.
func show(t *testing.T, it *imap.FetchItem) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%d", it.Seq, it.UID)
	if it.Flags != nil {
		fmt.Fprintf(&b, " flags%v", it.Flags)
	}
	if !it.InternalDate.IsZero() {
		fmt.Fprintf(&b, " date=%s", it.InternalDate.Format("2006-01-02T15:04:05Z07:00"))
	}
	if it.DateRaw != "" {
		fmt.Fprintf(&b, " raw=%q", it.DateRaw)
	}
	if it.Size >= 0 {
		fmt.Fprintf(&b, " size=%d", it.Size)
	}
	if it.ModSeq > 0 {
		fmt.Fprintf(&b, " modseq=%d", it.ModSeq)
	}
	if it.EmailID != "" || it.ThreadID != "" {
		fmt.Fprintf(&b, " id=%s/%s", it.EmailID, it.ThreadID)
	}
	if it.GmailMsgID > 0 {
		fmt.Fprintf(&b, " gmail=%d%q", it.GmailMsgID, it.GmailLabels)
	}
	if it.Body != nil {
		body, err := io.ReadAll(it.Body)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(body)) != it.BodySize {
			t.Errorf("%d bytes, announced %d", len(body), it.BodySize)
		}
		fmt.Fprintf(&b, " body=%q", body)
	}
	if it.Partial {
		b.WriteString(" partial")
	}
	return b.String()
}

const dateAndBody = `INTERNALDATE " 1-Feb-2003 04:05:06 +0730" BODY[] {5}` + "\r\nhello"

// Each answer to UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[]) and what is
// made of it. The connection must survive every one.
var oddFetches = []struct {
	name, answer string
	want         []string
	skipped      int
}{
	{"plain", "* 5 FETCH (UID 7 FLAGS (\\Seen a) " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[\Seen a] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"unknown items", "* 5 FETCH (X-FOO (a (b \"c)\" {3}\r\n)))) NIL) X-BAR {2}\r\nzz UID 7 FLAGS () ANNOTATION[x y] foo " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"items of other kinds", "* 5 FETCH (UID 7 X-GM-MSGID 12 EMAILID (m1) THREADID NIL MODSEQ (99) FLAGS () RFC822.SIZE 5 " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06+07:30 size=5 modseq=99 id=m1/ gmail=12[] body="hello"`}, 0},
	{"RFC822 for the body", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE \"01-Feb-2003 04:05:06 +0000\" RFC822 {5}\r\nhello)\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06Z body="hello"`}, 0},
	{"VANISHED and other lines", "* VANISHED (EARLIER) 1:4\r\n* X-WHAT is this {3}\r\nabc\r\n* 17 WHAT\r\n* 5 FETCH (UID 7 FLAGS () " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"double spaces", "*  5   FETCH  ( UID  7   FLAGS  ( \\Seen   a )  " + dateAndBody + "  )\r\n",
		[]string{`5:7 flags[\Seen a] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"space before the end", "* 5 FETCH (UID 7 FLAGS (\\Seen ) " + dateAndBody + " ) \r\n",
		[]string{`5:7 flags[\Seen] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"no closing parenthesis", "* 5 FETCH (UID 7 FLAGS (\\Seen) " + dateAndBody + "\r\n",
		[]string{`5:7 flags[\Seen] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"too many closing parentheses", "* 5 FETCH (UID 7 FLAGS () " + dateAndBody + ")))\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"literal8", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] ~{5}\r\nh\x00llo)\r\n",
		[]string{`5:7 flags[] body="h\x00llo"`}, 0},
	{"literal with plus", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {5+}\r\nhello)\r\n",
		[]string{`5:7 flags[] body="hello"`}, 0},
	{"odd flags", "* 5 FETCH (UID 7 FLAGS (\\Seen \\ a]b [c] ü x{1} \\* \"q r\" \\Recent NIL %) " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[\Seen \ a]b [c] ü x{1} \* q r NIL %] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"day 0", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE \"00-Jan-2003 04:05:06 +0000\" BODY[] \"hello\")\r\n",
		[]string{`5:7 flags[] raw="00-Jan-2003 04:05:06 +0000" body="hello"`}, 0},
	{"31 April", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE \"31-Apr-2003 04:05:06 +0000\" BODY[] \"hello\")\r\n",
		[]string{`5:7 flags[] raw="31-Apr-2003 04:05:06 +0000" body="hello"`}, 0},
	{"year of two digits", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE \"1-Jan-97 04:05:06 +0000\" BODY[] \"hello\")\r\n",
		[]string{`5:7 flags[] date=1997-01-01T04:05:06Z raw="1-Jan-97 04:05:06 +0000" body="hello"`}, 0},
	{"date without a zone", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE \"01-jan-1997 04:05:06\" BODY[] \"hello\")\r\n",
		[]string{`5:7 flags[] date=1997-01-01T04:05:06Z raw="01-jan-1997 04:05:06" body="hello"`}, 0},
	{"date as nonsense", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE yesterday BODY[] \"hello\")\r\n",
		[]string{`5:7 flags[] raw="yesterday" body="hello"`}, 0},
	{"broken envelope", "* 5 FETCH (UID 7 ENVELOPE (NIL \"subject\" ((\"a\" NIL \"b\")) \"x\\\"y\" NIL) FLAGS () " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06+07:30 body="hello"`}, 0},
	{"unbalanced envelope", "* 4 FETCH (UID 6 ENVELOPE ((\"a\" NIL)\r\n* 5 FETCH (UID 7 FLAGS () " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06+07:30 body="hello"`}, 1},
	{"quote that stays open", "* 4 FETCH (UID 6 X-FOO \"abc FLAGS ()\r\n* 5 FETCH (UID 7 FLAGS () " + dateAndBody + ")\r\n",
		[]string{`5:7 flags[] date=2003-02-01T04:05:06+07:30 body="hello"`}, 1},
	{"body before the UID", "* 5 FETCH (BODY[] {5}\r\nhello FLAGS (\\Seen) INTERNALDATE \"01-Feb-2003 04:05:06 +0000\" UID 7)\r\n",
		[]string{`5:7 flags[\Seen] date=2003-02-01T04:05:06Z body="hello"`}, 0},
	{"large body before the UID", "* 5 FETCH (BODY[] {1100000}\r\n" + strings.Repeat("0123456789\n", 100000) + " FLAGS (\\Seen) INTERNALDATE NIL UID 7)\r\n",
		[]string{fmt.Sprintf(`5:7 flags[\Seen] body=%q`, strings.Repeat("0123456789\n", 100000))}, 0},
	{"no UID", "* 5 FETCH (BODY[] {5}\r\nhello FLAGS (\\Seen))\r\n", nil, 1},
	{"flags that nobody asked for", "* 5 FETCH (FLAGS (\\Seen))\r\n* 6 FETCH (UID 8 FLAGS (a))\r\n",
		[]string{`6:8 flags[a] partial`}, 0},
	{"two answers for one message", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL)\r\n* 5 FETCH (UID 7 BODY[] {5}\r\nhello)\r\n",
		[]string{`5:7 flags[] partial`, `5:7 body="hello" partial`}, 0},
	{"NIL body", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] NIL)\r\n", []string{`5:7 flags[]`}, 0},
	{"quoted body", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] \"say \\\"hi\\\" \\\\\")\r\n", []string{`5:7 flags[] body="say \"hi\" \\"`}, 0},
	{"empty bodies", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {0}\r\n)\r\n* 6 FETCH (UID 8 FLAGS () INTERNALDATE NIL BODY[] \"\")\r\n",
		[]string{`5:7 flags[] body=""`, `6:8 flags[] body=""`}, 0},
	{"two bodies", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {5}\r\nhello BODY[] {5}\r\nworld)\r\n", []string{`5:7 flags[] body="hello"`}, 0},
	{"another section", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[TEXT] {4}\r\ntext BODY[HEADER.FIELDS (A \"B]\")] {2}\r\n\r\n BODY[]<0> {5}\r\nhello)\r\n", []string{`5:7 flags[] body="hello"`}, 0},
	{"lines that end in LF", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] {5}\nhello)\n", []string{`5:7 flags[] body="hello"`}, 0},
	{"no spaces", "* 5 FETCH(UID 7 FLAGS()INTERNALDATE NIL BODY[]{5}\r\nhello)\r\n", []string{`5:7 flags[] body="hello"`}, 0},
	{"UID and number in one", "* 5 FETCH (UID7 FLAGS(a) INTERNALDATE NIL BODY[] {5}\r\nhello)\r\n", []string{`5:7 flags[a] body="hello"`}, 0},
	{"EXPUNGE in between", "* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n* 2 EXPUNGE\r\n* 3 EXISTS\r\n* 5 FETCH (UID 8 FLAGS () INTERNALDATE NIL BODY[] \"b\")\r\n",
		[]string{`5:7 flags[] body="a"`, `5:8 flags[] body="b"`}, 0},
	{"warnings", "* BAD Invalid tag\r\n* NO [ALERT] disk nearly full {12}\r\n* OK [ALERT] moved\r\n* OK\r\n*\r\n\r\n* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n", []string{`5:7 flags[] body="a"`}, 0},
	{"continuation out of turn", "+ go on\r\n+\r\n* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n", []string{`5:7 flags[] body="a"`}, 0},
	{"answers to commands of others", "A17 OK fine\r\nW999999 NO bad\r\n* 5 FETCH (UID 7 FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n", []string{`5:7 flags[] body="a"`}, 0},
	{"negative size", "* 5 FETCH (UID 7 RFC822.SIZE -5 FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n", []string{`5:7 flags[] body="a"`}, 1},
	{"size that overflows", "* 5 FETCH (UID 7 RFC822.SIZE 99999999999999999999 FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n", []string{`5:7 flags[] body="a"`}, 1},
	{"UID that overflows", "* 5 FETCH (UID 4294967303 FLAGS ())\r\n* 6 FETCH (UID 8 FLAGS ())\r\n", []string{`6:8 flags[] partial`}, 1},
	{"UID 0", "* 5 FETCH (UID 0 FLAGS ())\r\n* 6 FETCH (UID 8 FLAGS ())\r\n", []string{`6:8 flags[] partial`}, 1},
	{"message numbers", "* 0 FETCH (UID 7)\r\n* 99999999999 FETCH (UID 7)\r\n* 99999999999999999999999 FETCH (UID 7)\r\n* -1 FETCH (UID 9)\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 0},
	{"literal of absurd length", "* 5 FETCH (UID 7 X-FOO {99999999999999999999}\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 1},
	{"literal of negative length", "* 5 FETCH (UID 7 BODY[] {-1}\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 1},
	{"a very long line", "* 5 FETCH (UID 7 X-FOO " + strings.Repeat("x", 3<<20) + ")\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 1},
	{"a very long line with a literal", "* 5 FETCH (UID 7 X-FOO " + strings.Repeat("x", 3<<20) + " {12}\r\n* 9 FETCH (a)\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 1},
	{"deep nesting", "* 5 FETCH (UID 7 X-FOO " + strings.Repeat("(", 100000) + strings.Repeat(")", 100000) + ")\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 1},
	{"not a list", "* 5 FETCH UID 7\r\n* 5 FETCH\r\n* 5 FETCH \"x\"\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 3},
	{"empty list", "* 5 FETCH ()\r\n* 6 FETCH (UID 8)\r\n", []string{`6:8 partial`}, 0},
	{"lower case", "* 5 fetch (uid 7 flags (\\seen) internaldate nil body[] {5}\r\nhello)\r\n", []string{`5:7 flags[\seen] body="hello"`}, 0},
	{"quoted numbers", "* 5 FETCH (UID \"7\" FLAGS () INTERNALDATE NIL RFC822.SIZE \"12\" BODY[] \"a\")\r\n", []string{`5:7 flags[] size=12 body="a"`}, 0},
	{"bad mod-sequence", "* 5 FETCH (UID 7 MODSEQ (abc) FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n", []string{`5:7 flags[] body="a"`}, 1},
	{"labels", "* 5 FETCH (UID 7 X-GM-MSGID 18446744073709551615 X-GM-LABELS (\"\\\\Inbox\" Work {3}\r\na b \"&APw-\") FLAGS () INTERNALDATE NIL BODY[] \"a\")\r\n",
		[]string{`5:7 flags[] gmail=18446744073709551615["\\Inbox" "Work" "a b" "ü"] body="a"`}, 0},
}

func TestOddFetches(t *testing.T) {
	for _, c := range oddFetches {
		for _, ending := range []string{"$TAG OK done\r\n", "$TAG OK\r\n", "$tag ok [X-CODE a \"b]\"] done\n"} {
			t.Run(c.name, func(t *testing.T) {
				ending := strings.ReplaceAll(ending, "$tag", "$TAG")
				conn := scripted(t, everything, imaptest.OK("SELECT .*"),
					imaptest.Exchange{Want: `UID FETCH 1:\* .*`, Answer: c.answer + ending}, imaptest.OK("NOOP"))
				if _, err := conn.Select(t.Context(), "INBOX", imap.SelectOptions{}); err != nil {
					t.Fatal(err)
				}
				s := conn.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, InternalDate: true, Body: true})
				for n := 0; ; n++ {
					it, err := s.Next()
					if errors.Is(err, io.EOF) {
						if n != len(c.want) {
							t.Errorf("%d items, want %d", n, len(c.want))
						}
						break
					}
					if err != nil {
						t.Fatal(err)
					}
					if got := show(t, it); n >= len(c.want) || got != c.want[n] {
						t.Errorf("item %d is %.300s", n, got)
					}
				}
				if len(s.Skipped()) != c.skipped {
					t.Errorf("skipped %v", s.Skipped())
				}
				if err := conn.Noop(t.Context()); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
}

// The same, and nobody reads the bodies.
func TestOddFetchesUnread(t *testing.T) {
	for _, c := range oddFetches {
		t.Run(c.name, func(t *testing.T) {
			conn := scripted(t, everything, imaptest.OK("SELECT .*"),
				imaptest.Exchange{Want: `UID FETCH 1:\* .*`, Answer: c.answer + "$TAG OK done\r\n"}, imaptest.OK("NOOP"))
			must[imap.Selected](t)(conn.Select(t.Context(), "INBOX", imap.SelectOptions{}))
			s := conn.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, InternalDate: true, Body: true})
			if len(c.want) > 0 {
				if _, err := s.Next(); err != nil {
					t.Fatal(err)
				}
			}
			ok(t, conn.Noop(t.Context()))
			if _, err := s.Next(); !errors.Is(err, imap.ErrSuperseded) {
				t.Error(err)
			}
		})
	}
}

var oddLists = []struct {
	name, answer string
	want         []string // name, "|raw" if there is one
	skipped      int
}{
	{"plain", "* LIST (\\HasChildren) \"/\" \"a\"\r\n* LIST () \"/\" b\r\n* LIST () NIL c\r\n", []string{"a", "b", "c"}, 0},
	{"literal names", "* LIST () \"/\" {3}\r\na\"b\r\n* LIST (\\Sent) \"/\" {2+}\r\nzz\r\n", []string{`a"b`, "zz"}, 0},
	{"mUTF-7", "* LIST () \"/\" \"Entw&APw-rfe\"\r\n", []string{"Entwürfe"}, 0},
	{"bad mUTF-7", "* LIST () \"/\" \"a&b\"\r\n* LIST () \"/\" \"x&AP-\"\r\n* LIST () \"/\" c\r\n", []string{"a&b|a&b", "x&AP-|x&AP-", "c"}, 0},
	{"mUTF-7 that could be shorter", "* LIST () \"/\" \"&AGE-b\"\r\n", []string{"ab|&AGE-b"}, 0},
	{"Latin-1", "* LIST () \"/\" \"Entw\xfcrfe\"\r\n", []string{"Entwürfe|Entw\xfcrfe"}, 0},
	{"UTF-8", "* LIST () \"/\" \"Entwürfe\"\r\n", []string{"Entwürfe|Entwürfe"}, 0},
	{"unquoted with spaces", "* LIST () \"/\" Sent Items (old)\r\n", []string{"Sent Items (old)"}, 0},
	{"CRLF in a name", "* LIST () \"/\" \"two\r\nlines\"\r\n* LIST () \"/\" c\r\n", []string{"two\r\nlines|two\r\nlines", "c"}, 0},
	{"open quote", "* LIST () \"/\" \"two\r\n* LIST () \"/\" c\r\n", []string{"c"}, 1},
	{"open quote at the end", "* LIST () \"/\" c\r\n* LIST () \"/\" \"two\r\n", []string{"c"}, 1},
	{"double spaces", "* LIST  ( \\A  \\B )  \"/\"  \"a\" \r\n", []string{"a"}, 0},
	{"no attributes", "* LIST \"/\" a\r\n* LIST () \"/\" c\r\n", []string{"c"}, 1},
	{"NIL for attributes", "* LIST NIL \"/\" c\r\n", []string{"c"}, 0},
	{"extended data", "* LIST () \"/\" \"a\" (\"CHILDINFO\" (\"SUBSCRIBED\"))\r\n* LIST () \"/\" b (CHILDINFO (\"SUBSCRIBED\"))\r\n", []string{"a", "b"}, 0},
	{"status first", "* STATUS \"a\" (MESSAGES 5)\r\n* LIST () \"/\" \"a\"\r\n", []string{"a:5"}, 0},
	{"status with odd parts", "* LIST () \"/\" inbox\r\n* STATUS INBOX (MESSAGES 5 X-FOO (a b) UIDNEXT -1 SIZE 99999999999999999999999 UNSEEN 3 )\r\n", []string{"inbox:5"}, 2},
	{"named NIL and empty", "* LIST () \"/\" NIL\r\n* LIST () \"/\" \"\"\r\n", []string{"NIL", ""}, 0},
	{"a long name", "* LIST () \"/\" \"" + strings.Repeat("n", 2000) + "\"\r\n", []string{strings.Repeat("n", 2000)}, 0},
	{"a name beyond all bounds", "* LIST () \"/\" {3000000}\r\n" + strings.Repeat("n", 3000000) + "\r\n* LIST () \"/\" c\r\n", []string{"c"}, 1},
	{"escapes", "* LIST () \"\\\\\" \"a\\\\b\\\"c\"\r\n", []string{`a\b"c`}, 0},
	{"NUL", "* LIST () \"/\" \"a\x00b\"\r\n", []string{"a\uFFFDb|a\x00b"}, 0},
}

func TestOddLists(t *testing.T) {
	for _, c := range oddLists {
		t.Run(c.name, func(t *testing.T) {
			conn := scripted(t, everything, imaptest.Exchange{Want: `LIST "" "\*".*`, Answer: c.answer + "$TAG OK done\r\n"}, imaptest.OK("NOOP"))
			list, err := conn.List(t.Context(), "", "*", imap.ListOptions{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range list {
				text := l.Name
				if l.Raw != "" {
					text += "|" + l.Raw
				}
				if l.Status != nil {
					text += fmt.Sprintf(":%d", l.Status.Messages)
				}
				got = append(got, text)
			}
			if fmt.Sprintf("%.300q", got) != fmt.Sprintf("%.300q", c.want) {
				t.Errorf("got %.300q, want %.300q", got, c.want)
			}
			if skipped := conn.Skipped(); len(skipped) != c.skipped {
				t.Errorf("skipped %v", skipped)
			}
			ok(t, conn.Noop(t.Context()))
		})
	}
}
