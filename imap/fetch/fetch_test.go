package fetch_test

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"waybill/imap/answer"
	"waybill/imap/fetch"
	"waybill/imap/uidset"
	"waybill/imap/wire"
)

func TestWhatIsAskedFor(t *testing.T) {
	everything := func(string) bool { return true }
	nothing := func(string) bool { return false }
	all := fetch.Request{UIDs: uidset.Of(1), Flags: true, InternalDate: true, Size: true, Body: true, ModSeq: true, EmailID: true, Gmail: true, ChangedSince: 7, Vanished: true}
	for _, c := range []struct {
		r     fetch.Request
		has   func(string) bool
		text  string
		wants fetch.Want
	}{
		{fetch.Request{}, everything, "(UID)", fetch.UID},
		{all, everything, "(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ EMAILID THREADID X-GM-MSGID X-GM-LABELS BODY.PEEK[]) (CHANGEDSINCE 7 VANISHED)",
			fetch.UID | fetch.Flags | fetch.Date | fetch.Size | fetch.ModSeq | fetch.EmailID | fetch.ThreadID | fetch.GmailID | fetch.Labels | fetch.Body},
		{all, nothing, "(UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]) (CHANGEDSINCE 7 VANISHED)",
			fetch.UID | fetch.Flags | fetch.Date | fetch.Size | fetch.Body},
		{fetch.Request{Header: true}, nothing, "(UID BODY.PEEK[HEADER])", fetch.UID | fetch.Header},
		{fetch.Request{HeaderFields: []string{"Date", "From"}}, nothing, `(UID BODY.PEEK[HEADER.FIELDS ("Date" "From")])`, fetch.UID | fetch.Header},
		{fetch.Request{ModSeq: true}, func(c string) bool { return c == "QRESYNC" }, "(UID MODSEQ)", fetch.UID | fetch.ModSeq},
	} {
		var w wire.Command
		r := c.r.Offered(c.has)
		r.Put(w.Begin(1, "x"))
		if got := strings.TrimPrefix(w.Shown(), "W1 x"); got != c.text || r.Wants() != c.wants {
			t.Errorf("%+v: %s, wants %b", c.r, got, r.Wants())
		}
	}
}

// A literal that is not read is passed over, and the response behind it is found;
// one that is read has the length that was announced.
func FuzzRead(f *testing.F) {
	for _, s := range []string{
		`(UID 7 FLAGS (\Seen a) INTERNALDATE " 1-Feb-2003 04:05:06 +0730" BODY[] {5}` + "\r\nhello)", "(BODY[] {5}\r\nhello UID 7 RFC822.SIZE 5)",
		`(UID7 BODY[] "text" MODSEQ (12) EMAILID (M1) THREADID NIL X-GM-MSGID 1278455344230334865 X-GM-LABELS (\Inbox "a b"))`,
		"(BODY[HEADER.FIELDS (DATE)] {2}\r\n\r\n UID 1)", "(UID 0)", "(RFC822.SIZE -1 UID 3)", "(", "NIL", "(UID 4294967296)",
	} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, whole bool) {
		r := &answer.Reader{Reader: wire.NewReader(strings.NewReader("* 5 FETCH " + text + "\r\n"))}
		if err := r.Begin(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			r.Take('*')
			r.Space()
			r.Atom()
		}
		var item fetch.Item
		var body bytes.Buffer
		odd := 0
		take := func(fetch.Want) (bool, error) {
			n, ok := r.Literal()
			if !ok {
				return false, r.Wrong("a literal")
			}
			item.BodySize = n
			if got, err := io.CopyN(&body, r, n); err != nil || got != n {
				return false, err
			}
			return false, r.LeaveLiteral()
		}
		if !whole {
			take = nil
		}
		have, err := fetch.Read(r, &item, fetch.Body, take, func(error) { odd++ })
		if err == nil && have&fetch.UID != 0 && item.UID == 0 {
			t.Fatal("the UID 0")
		}
		if err == nil && whole && body.Len() > 0 && item.Body == nil && int64(body.Len()) != item.BodySize {
			t.Fatalf("%d bytes of %d", body.Len(), item.BodySize)
		}
		if err == nil && have&fetch.Flags != 0 && item.Flags == nil || item.Size < -1 || odd > wire.MaxElements {
			t.Fatalf("%+v", item)
		}
		for range len(text) + 3 {
			if r.Begin() != nil {
				return
			}
		}
		t.Fatal("the reader does not end")
	})
}
