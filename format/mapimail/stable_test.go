package mapimail

import (
	"testing"

	"waybill/format/mapi"
)

// TestBytesStayTheSame pins the bytes of a message that has something of
// everything. Migrations recognise what they delivered by its digest: another
// digest here means that a migration which goes on with another version of the
// program delivers messages twice, unless it finds them in its ledger.
func TestBytesStayTheSame(t *testing.T) {
	inner := &item{props: props(mapi.MessageClass, "IPM.Note", mapi.Subject, "Größe", mapi.Body, "innen", mapi.SearchKey, []byte{1, 2})}
	m := &item{
		props: props(mapi.Subject, "Alles über alles", mapi.Body, "Text äöü", mapi.HTML, []byte("<p>\xe4<img src=cid:p>"), mapi.InternetCodepage, 1252,
			mapi.SenderName, "A", mapi.SenderAddressType, "EX", mapi.SenderEmailAddress, "/o=O/cn=a", mapi.ClientSubmitTime, at("2010-01-02T03:04:05Z"),
			namedValue{categoriesName, []string{"b", "a c"}},
			namedValue{mapi.Name{Set: mapi.InternetHeaders, Text: "X-B"}, "2"}, namedValue{mapi.Name{Set: mapi.InternetHeaders, Text: "X-A"}, "1"}),
		recipients: []*mapi.Props{recipient(1, "B", "SMTP", "b@example.org"), recipient(2, "Ç", "", "")},
		attachments: []mapi.Attachment{
			attach(mapi.AttachContentID, "p", mapi.AttachMimeTag, "image/png", mapi.AttachData, []byte("PNG")),
			attach(mapi.AttachLongFilename, "ü.bin", mapi.AttachData, broken{[]byte("12"), 3, damage}),
			&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage, mapi.DisplayName, "Größe"), message: inner},
		},
	}
	const want = "69a9a7fecb7b18c5d300ff5b6569a4dd41beec711aab93cb97d4c9e9715b81f3"
	_, text := convertAll(t, m, Options{Where: "anywhere"})
	if got := sum(text); got != want {
		t.Errorf("digest %s, want %s, of\n%s", got, want, text)
	}
	if _, other := convertAll(t, m, Options{Where: "elsewhere"}); other != text {
		t.Error("the bytes depend on where the item was")
	}
}
