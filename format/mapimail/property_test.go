package mapimail

import (
	"bytes"
	"io"
	"net/mail"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/format/mapi"
	"waybill/format/mime"
)

// texts are the properties that end up in headers.
var texts = []mapi.ID{
	mapi.Subject, mapi.InternetMessageID, mapi.InReplyToID, mapi.InternetReferences, mapi.ConversationTopic, mapi.SentRepresentingName,
	mapi.SentRepresentingAddressType, mapi.SentRepresentingEmailAddress, mapi.SenderName, mapi.SenderAddressType, mapi.SenderEmailAddress,
	mapi.ReplyRecipientNames, mapi.ListHelp, mapi.TransportMessageHeaders, mapi.DisplayTo, mapi.ReadReceiptName, mapi.ReadReceiptEmailAddress,
	mapi.OriginalMessageID, mapi.ReportText, mapi.ReportingMessageTransferAgent, mapi.MessageClass, mapi.SentRepresentingSMTPAddress,
	mapi.Body, mapi.ReceivedByName, mapi.ReceivedByEmailAddress,
}

// hostile makes text as senders, viruses and broken programs write it.
func hostile() *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{
		"\r\n", "\n", "\r", "\x00", "\x01", ":", " ", "\t", ",", ";", "<", ">", "@", "\"", "\\", "(", ")", "=?", "?=", "=?utf-8?q?=0D=0A?=",
		"Bcc: x@example.org", "\r\n\r\n", "anna", "anna@example.org", "ä", "日本語", "\u2028", "\u0085", "\u202e", "\ufffd", "\U0001F600",
		"--", "EX", "SMTP", "/o=Org/cn=x", strings.Repeat("w", 1100), "REPORT.IPM.Note.NDR", "IPM.Note.SMIME", "From ", "Content-Type: text/x", "[", "]", "..", "'",
	})
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Join(rapid.SliceOfN(rapid.OneOf(pieces, rapid.StringN(0, 10, 40)), 0, 12).Draw(t, "pieces"), "")
	})
}

// TestAnyTextGivesAMessage puts any text into any property: what comes out is one
// message, with the fields that were meant and no others.
func TestAnyTextGivesAMessage(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &item{props: props()}
		for _, id := range texts {
			if rapid.Bool().Draw(rt, "set") {
				m.props.Set(id, value(hostile().Draw(rt, "text")))
			}
		}
		m.props.Set(mapi.ReadReceiptRequested, value(rapid.Bool().Draw(rt, "receipt")))
		m.recipients = append(m.recipients, recipient(rapid.IntRange(0, 4).Draw(rt, "kind"), hostile().Draw(rt, "name"), hostile().Draw(rt, "type"), hostile().Draw(rt, "address")))
		m.attachments = append(m.attachments, attach(mapi.AttachLongFilename, hostile().Draw(rt, "file"), mapi.AttachMimeTag, hostile().Draw(rt, "tag"),
			mapi.AttachContentID, hostile().Draw(rt, "id"), mapi.AttachContentLocation, hostile().Draw(rt, "place"), mapi.TextAttachmentCharset, hostile().Draw(rt, "charset"),
			mapi.AttachData, []byte("content of the file")))
		_, text := convertAll(t, m, Options{DisarmReceipts: rapid.Bool().Draw(rt, "disarm")})
		checkForm(rt, text)

		r := mime.NewReader(strings.NewReader(text))
		found := false
		for first := true; ; first = false {
			p, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil || len(p.Defects) > 0 {
				rt.Fatalf("part: %v %v\n%q", err, p.Defects, text)
			}
			if first {
				for _, name := range []string{"MIME-Version", "Content-Type"} {
					if n := len(p.Header.All(name)); n != 1 {
						rt.Fatalf("%d fields %s", n, name)
					}
				}
				if m.props.Text(mapi.TransportMessageHeaders) == "" {
					for _, name := range []string{"Subject", "From", "To", "Bcc", "Message-ID"} {
						if n := len(p.Header.All(name)); n > 1 {
							rt.Fatalf("%d fields %s\n%q", n, name, text)
						}
					}
				}
			}
			body, err := io.ReadAll(p.Decoded())
			if err != nil {
				rt.Fatal(err)
			}
			found = found || string(body) == "content of the file"
		}
		if !found {
			rt.Fatalf("the attachment is not in\n%q", text)
		}
	})
}

// checkForm checks what every message must be: lines that are not too long, CR and
// LF only together, a header of ASCII that the standard library understands.
func checkForm(t interface{ Fatalf(string, ...any) }, text string) {
	head, _, ok := strings.Cut(text, "\r\n\r\n")
	if !ok {
		t.Fatalf("no empty line in %q", text)
	}
	for i := 0; i < len(head); i++ {
		if c := head[i]; c >= 0x7f || c < ' ' && c != '\r' && c != '\n' && c != '\t' {
			t.Fatalf("%q in the header %q", c, head)
		}
	}
	bare := strings.ReplaceAll(text, "\r\n", "")
	if strings.ContainsAny(bare, "\r\n") {
		t.Fatalf("CR and LF do not go together in %q", text)
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > 998 {
			t.Fatalf("a line of %d bytes: %.100q", len(line), line)
		}
	}
	m, err := mail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v\n%q", err, text)
	}
	_, _ = io.Copy(io.Discard, m.Body)
}

// TestBuiltAddressesParse puts any text into names and addresses: the fields built
// of them hold addresses that others can read.
func TestBuiltAddressesParse(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &item{props: props(mapi.Body, "x")}
		n := rapid.IntRange(1, 4).Draw(rt, "recipients")
		for range n {
			m.recipients = append(m.recipients, recipient(1, "n"+hostile().Draw(rt, "name"), hostile().Draw(rt, "type"), hostile().Draw(rt, "address")))
		}
		_, text := convertAll(t, m, Options{})
		list, err := headOf(t, text).AddressList("To")
		if err != nil || len(list) != n {
			rt.Fatalf("%d of %d addresses, %v: %q", len(list), n, err, headOf(t, text).Get("To"))
		}
	})
}

// TestSubjectSurvives sends any text through the Subject and reads it back.
func TestSubjectSurvives(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		subject := hostile().Draw(rt, "subject")
		want := strings.TrimSpace(oneLine(subject))
		if strings.HasPrefix(subject, "\x01") || strings.Contains(subject, "\x00") {
			return // a PST's mark, and the end of a text
		}
		_, text := convertAll(t, &item{props: props(mapi.Subject, subject, mapi.Body, "x")}, Options{})
		p, err := mime.NewReader(strings.NewReader(text)).Next()
		if err != nil {
			rt.Fatal(err)
		}
		if got := p.Header.Text("Subject"); got != want {
			rt.Fatalf("%q, want %q", got, want)
		}
	})
}

// TestZeroTrimmer keeps every zero but those at the end, however the pieces fall.
func TestZeroTrimmer(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := rapid.SliceOf(rapid.SampledFrom([]byte{0, 0, 0, 'a', 'b'})).Draw(rt, "bytes")
		var pieces []io.Reader
		for rest := b; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "n")
			pieces = append(pieces, bytes.NewReader(rest[:n]))
			rest = rest[n:]
		}
		got, err := io.ReadAll(&zeroTrimmer{r: io.MultiReader(pieces...)})
		if err != nil || !bytes.Equal(got, bytes.TrimRight(b, "\x00")) {
			rt.Fatalf("%q of %q, %v", got, b, err)
		}
	})
}

// TestScanInPieces gives the same answers however the HTML is cut.
func TestScanInPieces(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SampledFrom([]string{"<img src=\"cid:a@b\">", "ä", "日", "\xe4", "\xe6\x97", "background='x'", "CID:", "url(q)", "charset=koi8-r", " ", "&amp;", "%41"})
		text := []byte(strings.Join(rapid.SliceOf(words).Draw(rt, "words"), ""))
		var whole, cut htmlScan
		whole.see(text)
		whole.end()
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "n")
			cut.see(rest[:n])
			rest = rest[n:]
		}
		cut.end()
		if a, b := whole.charset(0, 0), cut.charset(0, 0); a != b {
			rt.Fatalf("%s and %s for %q", a, b, text)
		}
		if len(whole.refs) != len(cut.refs) {
			rt.Fatalf("%v and %v", whole.refs, cut.refs)
		}
	})
}
