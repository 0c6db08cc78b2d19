package mapimail

import (
	"context"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/format/mime"
)

func onlyHeader(text string) string {
	head, _, _ := strings.Cut(text, "MIME-Version: 1.0\r\n")
	return strings.ReplaceAll(head, "\r\n", "\n")
}

func TestHeaderFromProperties(t *testing.T) {
	m := &item{
		props: props(
			mapi.MessageClass, "IPM.Note",
			mapi.Subject, "\x01\x05RE: Fünf Käse",
			mapi.ClientSubmitTime, at("2003-05-06T07:08:09Z"),
			mapi.MessageDeliveryTime, at("2003-05-06T07:09:00Z"),
			mapi.SentRepresentingName, "Berg, Anna", mapi.SentRepresentingAddressType, "EX",
			mapi.SentRepresentingEmailAddress, "/o=Org/ou=Site/cn=Recipients/cn=anna",
			mapi.SenderName, "Büro", mapi.SenderAddressType, "SMTP", mapi.SenderEmailAddress, "office@example.org",
			mapi.InternetMessageID, "<1@example.org>", mapi.InReplyToID, "<0@example.org>",
			mapi.InternetReferences, "<a@example.org>\r\n <0@example.org>",
			mapi.ConversationTopic, "Fünf Käse", mapi.ConversationIndex, []byte{1, 2, 3, 4},
			mapi.Importance, 2, mapi.Sensitivity, 3, mapi.ReadReceiptRequested, true,
			namedValue{categoriesName, []string{"Rot, dunkel", "Äpfel"}},
			namedValue{mapi.Name{Set: mapi.InternetHeaders, Text: "X-Mailer"}, "Outlook 9"},
			namedValue{mapi.Name{Set: mapi.InternetHeaders, Text: "Content-Type"}, "text/enriched"},
			mapi.Body, "Hallo",
		),
		recipients: []*mapi.Props{
			recipient(1, "Carl", "SMTP", "carl@example.org"),
			recipient(2, "Dora", "EX", "/O=ORG/CN=DORA EX"),
			recipient(3, "'eve@example.org'", "SMTP", "eve@example.org"),
			recipient(1, "'Fritz'", "EX", "/o=Org/cn=fritz"),
		},
	}
	m.recipients[3].Set(mapi.AddressBookProxyAddresses, value([]string{"X400:c=DE", "smtp:f@old.example.org", "SMTP:fritz@example.org"}))
	o := Options{Resolve: func(_ context.Context, dn string) (string, bool) {
		return "anna@example.org", strings.HasSuffix(dn, "cn=anna")
	}}
	got, text := convertAll(t, m, o)
	want := `Date: Tue, 6 May 2003 07:08:09 +0000
From: "Berg, Anna" <anna@example.org>
X-MAPI-From: EX:/o=Org/ou=Site/cn=Recipients/cn=anna
Sender: =?UTF-8?B?QsO8cm8=?= <office@example.org>
To: Carl <carl@example.org>, Fritz <fritz@example.org>
X-MAPI-To: EX:/o=Org/cn=fritz
Cc: Dora <IMCEAEX-_O=ORG_CN=DORA+20EX@migrated.invalid>
X-MAPI-Cc: EX:/O=ORG/CN=DORA EX
Bcc: eve@example.org
Subject: =?UTF-8?Q?RE=3A_F=C3=BCnf_K=C3=A4se?=
Message-ID: <1@example.org>
In-Reply-To: <0@example.org>
References: <a@example.org> <0@example.org>
Thread-Topic: =?UTF-8?B?RsO8bmYgS8Okc2U=?=
Thread-Index: AQIDBA==
Importance: high
X-Priority: 1
Sensitivity: Company-Confidential
Disposition-Notification-To: "Berg, Anna" <anna@example.org>
X-Mailer: Outlook 9
Keywords: Rot; dunkel, =?UTF-8?Q?=C3=84pfel?=
`
	if have := onlyHeader(text); have != want {
		t.Errorf("header:\n%s\nwant:\n%s", have, want)
	}
	if !got.InternalDate.Equal(at("2003-05-06T07:09:00Z")) {
		t.Errorf("internal date %v", got.InternalDate)
	}
	if s := got.Flags.String(); s != "&AMQ-pfel Rot,_dunkel" {
		t.Errorf("flags %q", s)
	}
	if k := kinds(got.Notes); k != "address-unresolved keyword-renamed keyword-renamed" {
		t.Errorf("notes %q", k)
	}
	// Disarmed, the request asks for nothing any more.
	o.DisarmReceipts = true
	got, text = convertAll(t, m, o)
	h := headOf(t, text)
	if h.Get("Disposition-Notification-To") != "" || h.Get("X-Disarmed-Disposition-Notification-To") == "" || !strings.Contains(kinds(got.Notes), "receipt-disarmed") {
		t.Errorf("the receipt is still asked for: %v", h)
	}
}

func TestHeaderThatArrived(t *testing.T) {
	stored := "Microsoft Mail Internet Headers Version 2.0\r\n" +
		"Received: from a by b;\r\n\tTue, 6 May 2003 07:08:09 +0000\r\n" +
		"received: second\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary=\"x\"\r\ncontent-transfer-encoding: 7bit\r\n" +
		"From: \"Anna\" <anna@example.org>\r\nTo: J\u00f6rg <j@example.org>, list:a@example.org;\r\n" +
		"Subject: Gr\u00fc\u00dfe\x00 aus K\u00f6ln\r\nSubject: second\r\n" +
		"this is no field\r\n" +
		"Return-Receipt-To: anna@example.org\r\n" +
		"X-Long: " + strings.Repeat("w ", 600) + "\r\n" +
		"Message-ID: <M@example.org>\r\nDate: Tue, 6 May 2003 09:08:09 +0200\r\n" +
		"\r\n------=_NextPart\r\nContent-Type: text/plain\r\n\r\n"
	m := &item{
		props: props(mapi.TransportMessageHeaders, stored, mapi.Subject, "other", mapi.SenderName, "Other", mapi.Importance, 2, mapi.Body, "x",
			mapi.InternetMessageID, "<other@example.org>"),
		recipients: []*mapi.Props{recipient(1, "Other", "SMTP", "other@example.org"), recipient(3, "Blind", "SMTP", "blind@example.org")},
	}
	got, text := convertAll(t, m, Options{DisarmReceipts: true})
	want := "Received: from a by b;\n\tTue, 6 May 2003 07:08:09 +0000\nreceived: second\n" +
		"From: \"Anna\" <anna@example.org>\n" +
		"To: =?UTF-8?B?SsO2cmc=?= <j@example.org>, a@example.org\n" +
		"Subject: =?UTF-8?B?R3LDvMOfZSBhdXMgS8O2bG4=?=\nSubject: second\n" +
		"X-Unreadable-Field: this is no field\n" +
		"X-Disarmed-Return-Receipt-To: anna@example.org\n"
	have := onlyHeader(text)
	if !strings.HasPrefix(have, want) {
		t.Errorf("header:\n%s\nwant:\n%s", have, want)
	}
	rest := have[min(len(have), len(want)):]
	if !strings.HasSuffix(rest, "Message-ID: <M@example.org>\nDate: Tue, 6 May 2003 09:08:09 +0200\nBcc: Blind <blind@example.org>\n") {
		t.Errorf("the end of the header: %q", rest)
	}
	if h := headOf(t, text); strings.Count(h.Get("X-Long"), "w") != 600 {
		t.Errorf("the long field was changed: %q", h.Get("X-Long"))
	}
	if k := kinds(got.Notes); k != "header-line receipt-disarmed" {
		t.Errorf("notes %q", k)
	}
	if !got.InternalDate.Equal(at("2003-05-06T07:08:09Z")) {
		t.Errorf("internal date %v, want that of the header", got.InternalDate)
	}
}

func TestAddresses(t *testing.T) {
	oneOff := append([]byte{0, 0, 0, 0}, oneOffProvider...)
	oneOff = append(oneOff, 0, 0, 0x01, 0x90)
	oneOff = append(oneOff, wide("Anna\x00SMTP\x00anna@example.org\x00")...)
	exchange := append([]byte{0, 0, 0, 0}, exchangeProvider...)
	exchange = append(exchange, 1, 0, 0, 0, 0, 0, 0, 0)
	exchange = append(exchange, "/o=Org/cn=bob\x00"...)
	o := Options{Resolve: func(_ context.Context, dn string) (string, bool) { return "bob@example.org", dn == "/o=Org/cn=bob" }}
	cases := []struct {
		name string
		p    *mapi.Props
		want string
	}{
		{"plain", recipient(1, "Anna", "SMTP", "anna@example.org"), "Anna <anna@example.org>"},
		{"property first", props(mapi.DisplayName, "A", mapi.AddressType, "EX", mapi.EmailAddress, "/o=x", mapi.SMTPAddress, "a@example.org"), "A <a@example.org>"},
		{"one-off entry", props(mapi.RecipientEntryID, oneOff), "Anna <anna@example.org>"},
		{"exchange entry", props(mapi.DisplayName, "Bob", mapi.EntryID, exchange), "Bob <bob@example.org>"},
		{"name is the address", props(mapi.DisplayName, "carl@example.org"), "carl@example.org"},
		{"name only", props(mapi.DisplayName, "Carl"), "Carl <no-address@migrated.invalid>"},
		{"prefix", recipient(1, "D", "", "smtp:d@example.org"), "D <d@example.org>"},
		{"injection", recipient(1, "E\r\nBcc: x@example.org", "SMTP", "e@example.org\r\nX: y"), `"E  Bcc: x@example.org" <IMCEASMTP-e+40example+2Eorg+0D+0AX+3A+20y@migrated.invalid>`},
		{"fax", recipient(1, "F", "FAX", "F@+49 221/1"), "F <IMCEAFAX-F+40+2B49+20221_1@migrated.invalid>"},
		{"odd kind", recipient(1, "G", "A B", "g"), "G <no-address@migrated.invalid>"},
		{"broken entry", props(mapi.DisplayName, "H", mapi.EntryID, oneOff[:30]), "H <no-address@migrated.invalid>"},
	}
	for _, c := range cases {
		conv := &converter{Options: o, props: props(), head: &header{}}
		if got := conv.resolve(t.Context(), recipientOf(c.p)).String(); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestReplyToList(t *testing.T) {
	entry := append([]byte{0, 0, 0, 0}, oneOffProvider...)
	entry = append(entry, 0, 0, 0, 0)
	entry = append(entry, "Anna B\x00SMTP\x00ab@example.org\x00"...)
	list := []byte{2, 0, 0, 0, 0xFF, 0, 0, 0, byte(len(entry)), 0, 0, 0}
	list = append(list, entry...)
	for len(list)%4 != 0 {
		list = append(list, 0)
	}
	list = append(list, 0xFF, 0xFF, 0xFF, 0x7F, 1, 2, 3)
	_, text := convertAll(t, &item{props: props(mapi.ReplyRecipientEntries, list, mapi.Body, "x")}, Options{})
	if got := headOf(t, text).Get("Reply-To"); got != "Anna B <ab@example.org>" {
		t.Errorf("Reply-To %q", got)
	}
	_, text = convertAll(t, &item{props: props(mapi.ReplyRecipientNames, "x@example.org;y@example.org")}, Options{})
	if got := len(mime.ParseAddresses(headOf(t, text).Get("Reply-To"))); got != 2 {
		t.Errorf("%d addresses", got)
	}
}
