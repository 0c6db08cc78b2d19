package mapimail

import (
	"strings"
	"testing"

	"waybill/format/mapi"
)

// FuzzTransportHeader reads any text as a stored header.
func FuzzTransportHeader(f *testing.F) {
	f.Add("Microsoft Mail Internet Headers Version 2.0\r\nFrom: a@example.org\r\nTo: \"B, C\" <b@example.org>,\r\n c@example.org\r\n\r\n--x\r\n")
	f.Add("Received: \xff\r\n \x00\r\nnone\r\n: empty\r\nSubject: =?utf-8?q?=0D=0A?=\r\nFrom: \xe4 <\xe4@\xe4>\n\n")
	f.Add("Content-Type: text/plain\nX-" + strings.Repeat("y", 120) + ": z\rTo:" + strings.Repeat(",", 300))
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		for _, v := range []any{text, ansi(text)} {
			m := &item{props: props(mapi.TransportMessageHeaders, v, mapi.Body, "x")}
			_, out := convertAll(t, m, Options{DisarmReceipts: true})
			checkForm(t, out)
		}
	})
}

// FuzzEntryList reads any bytes as entry identifiers.
func FuzzEntryList(f *testing.F) {
	entry := append([]byte{0, 0, 0, 0}, oneOffProvider...)
	entry = append(entry, "\x00\x00\x00\x00Anna\x00SMTP\x00anna@example.org\x00"...)
	list := append([]byte{1, 0, 0, 0, 80, 0, 0, 0, byte(len(entry)), 0, 0, 0}, entry...)
	f.Add(entry)
	f.Add(list)
	f.Add(append([]byte{0, 0, 0, 0}, append(exchangeProvider, 1, 0, 0, 0, 0, 0, 0, 0, '/', 'o')...))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := &item{props: props(mapi.ReplyRecipientEntries, b, mapi.SenderEntryID, b, mapi.SentRepresentingEntryID, b)}
		m.recipients = append(m.recipients, props(mapi.RecipientType, 1, mapi.EntryID, b))
		_, out := convertAll(t, m, Options{})
		checkForm(t, out)
	})
}

// FuzzSigned reads any bytes as the body of a signed message.
func FuzzSigned(f *testing.F) {
	f.Add([]byte("Content-Type: multipart/signed; boundary=b\r\n\r\n--b--"), "")
	f.Add([]byte("--b\r\n\r\n--b--"), "multipart/signed; boundary=b")
	f.Add([]byte{0x30, 0x80, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02, 0, 0, 0, 0, 0, 0, 0, 0}, "application/pkcs7-mime; smime-type=\"a b\"")
	f.Fuzz(func(t *testing.T, b []byte, kind string) {
		m := &item{
			props:       props(mapi.MessageClass, "IPM.Note.SMIME", mapi.TransportMessageHeaders, "From: a@example.org\r\nContent-Type: "+kind),
			attachments: []mapi.Attachment{attach(mapi.AttachData, b)},
		}
		_, out := convertAll(t, m, Options{})
		head, _, _ := strings.Cut(out, "\r\n\r\n")
		checkForm(t, head+"\r\n\r\n")
	})
}

// FuzzHTML looks for references and charsets in any bytes.
func FuzzHTML(f *testing.F) {
	f.Add([]byte(`<meta charset="koi8-r"><img src='cid:a%40b&amp;c'>`), 1252)
	f.Add([]byte("url(\xe6\x97 src=\"\" cid:"), 65001)
	f.Fuzz(func(t *testing.T, b []byte, page int) {
		m := &item{
			props:       props(mapi.HTML, b, mapi.InternetCodepage, page),
			attachments: []mapi.Attachment{attach(mapi.AttachContentID, "a@b&c", mapi.AttachData, []byte("x"))},
		}
		_, out := convertAll(t, m, Options{})
		checkForm(t, out)
	})
}

// FuzzRichText reads any bytes as compressed RTF.
func FuzzRichText(f *testing.F) {
	f.Add([]byte("\x2d\x00\x00\x00\x1d\x00\x00\x00MELA\x00\x00\x00\x00{\\rtf1\\ansi\\fromhtml1 {\\*\\htmltag <p>}x}"))
	f.Add([]byte("\x14\x00\x00\x00\x08\x00\x00\x00MELA\x00\x00\x00\x00{\\rtf1 x}"))
	f.Add([]byte("\x10\x00\x00\x00\xff\xff\xff\x7fLZFu\x00\x00\x00\x00\x03\x00\x0a\x00rcpg125"))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, out := convertAll(t, &item{props: props(mapi.RTFCompressed, b)}, Options{})
		checkForm(t, out)
	})
}
