package mapimail

import (
	"context"
	"io"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/mail"
)

func TestMarks(t *testing.T) {
	cases := []struct {
		name string
		p    *mapi.Props
		want string
	}{
		{"none", props(), ""},
		{"read", props(mapi.MessageFlags, 1), `\Seen`},
		{"draft", props(mapi.MessageFlags, 8|1), `\Seen \Draft`},
		{"replied", props(mapi.LastVerbExecuted, 102), `\Answered`},
		{"replied to all", props(mapi.LastVerbExecuted, 103, mapi.IconIndex, 0x106), `\Answered`},
		{"forwarded", props(mapi.LastVerbExecuted, 104), `$Forwarded`},
		{"replied icon", props(mapi.IconIndex, 0x105), `\Answered`},
		{"forwarded icon", props(mapi.IconIndex, 0x106), `$Forwarded`},
		{"another verb", props(mapi.LastVerbExecuted, 1, mapi.IconIndex, 0x105), ""},
		{"flagged", props(mapi.FlagStatus, 2), `\Flagged`},
		{"done", props(mapi.FlagStatus, 1), ""},
		{"hostile categories", props(namedValue{categoriesName, []string{`\Seen`, " ", "a b", "A B", "x]\r\n* OK (", "日本"}}), `&ZeVnLA- _Seen a_b x_____OK__`},
		{"one category", props(namedValue{categoriesName, "Rot"}), "Rot"},
	}
	for _, c := range cases {
		got, _ := convertAll(t, &item{props: c.p}, Options{})
		if s := got.Flags.String(); s != c.want {
			t.Errorf("%s: %q, want %q", c.name, s, c.want)
		}
	}
}

func TestDates(t *testing.T) {
	sent, came, made := at("2001-01-01T00:00:00Z"), at("2002-01-01T00:00:00Z"), at("2003-01-01T00:00:00Z")
	cases := []struct {
		p        *mapi.Props
		header   string
		internal string
	}{
		{props(mapi.ClientSubmitTime, sent, mapi.MessageDeliveryTime, came, mapi.CreationTime, made), "2001", "2002"},
		{props(mapi.MessageDeliveryTime, came, mapi.CreationTime, made), "2002", "2002"},
		{props(mapi.ClientSubmitTime, sent, mapi.CreationTime, made), "2001", "2001"},
		{props(mapi.CreationTime, made), "2003", "2003"},
		{props(mapi.TransportMessageHeaders, "Date: Mon, 1 Jan 1999 00:00:00 +0000\r\n", mapi.CreationTime, made), "1999", "1999"},
		{props(mapi.ClientSubmitTime, at("1650-01-01T00:00:00Z")), "", "0001"},
		{props(), "", "0001"},
	}
	for i, c := range cases {
		got, text := convertAll(t, &item{props: c.p}, Options{})
		date := headOf(t, text).Get("Date")
		if (c.header == "") != (date == "") || !strings.Contains(date, c.header) || got.InternalDate.Format("2006") != c.internal {
			t.Errorf("%d: Date %q, internal date %v", i, date, got.InternalDate)
		}
	}
}

func TestSignedKeepsItsBytes(t *testing.T) {
	entity := "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\";\r\n\tboundary=\"b\"\r\n" +
		"Subject: not this one\r\n\r\npreamble\n--b\r\nContent-Type: text/plain\r\n\r\nsigned \xfc \n\r\n--b\r\nContent-Type: application/pkcs7-signature\r\n\r\nMII=\r\n--b--\r\n"
	_, body, _ := strings.Cut(entity, "\r\n\r\n")
	m := &item{
		props: props(mapi.MessageClass, "IPM.Note.SMIME.MultipartSigned", mapi.Subject, "Signed", mapi.Body, "shown by Outlook"),
		attachments: []mapi.Attachment{attach(mapi.AttachLongFilename, "SMIME.p7m", mapi.AttachMimeTag, "multipart/signed",
			mapi.AttachData, []byte(entity))},
	}
	_, text := convertAll(t, m, Options{})
	head, have, _ := strings.Cut(text, "\r\n\r\n")
	if have != body {
		t.Errorf("body %q, want %q", have, body)
	}
	if strings.Count(head, "Subject:") != 1 || strings.Count(head, "MIME-Version") != 1 || !strings.Contains(head, "\tboundary=\"b\"") {
		t.Errorf("header %q", head)
	}
	// Stored without a header of its own, it needs the one that came along.
	m.props = props(mapi.MessageClass, "IPM.Note.SMIME.MultipartSigned",
		mapi.TransportMessageHeaders, "From: a@example.org\r\nContent-Type: multipart/signed;\r\n boundary=b\r\n\r\n")
	m.attachments = []mapi.Attachment{attach(mapi.AttachData, []byte(body))}
	_, text = convertAll(t, m, Options{})
	if head, have, _ := strings.Cut(text, "\r\n\r\n"); have != body || !strings.Contains(head, "Content-Type: multipart/signed; boundary=b") {
		t.Errorf("%q", text)
	}
}

func TestEncryptedKeepsItsBytes(t *testing.T) {
	cms := append([]byte{0x30, 0x82, 1, 0, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03}, make([]byte, 300)...)
	m := &item{
		props:       props(mapi.MessageClass, "IPM.Note.SMIME", mapi.Subject, "Secret"),
		attachments: []mapi.Attachment{attach(mapi.AttachLongFilename, "smime.p7m", mapi.AttachData, cms)},
	}
	_, text := convertAll(t, m, Options{})
	p, err := mime.NewReader(strings.NewReader(text)).Next()
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(p.Decoded())
	if err != nil || string(body) != string(cms) {
		t.Errorf("the object was changed: %d bytes, %v", len(body), err)
	}
	if p.Type != "application/pkcs7-mime" || p.Params["smime-type"] != "enveloped-data" || p.Params["name"] != "smime.p7m" {
		t.Errorf("%s %v", p.Type, p.Params)
	}
	// What is not as it should be is carried with its parts, and a note.
	for name, files := range map[string][]mapi.Attachment{
		"none": nil, "two": {m.attachments[0], m.attachments[0]},
		"text":    {attach(mapi.AttachData, []byte("no such thing"))},
		"damaged": {attach(mapi.AttachData, broken{cms[:20], 315, damage})},
	} {
		m.attachments = files
		got, text := convertAll(t, m, Options{})
		if !strings.Contains(kinds(got.Notes), "smime-structure") {
			t.Errorf("%s: notes %q", name, kinds(got.Notes))
		}
		_ = headOf(t, text)
	}
}

func TestReports(t *testing.T) {
	failed := recipient(1, "Carl", "SMTP", "carl@example.org")
	failed.Set(mapi.NonDeliveryReportStatusCode, value(511))
	failed.Set(mapi.RemoteMessageTransferAgent, value("mx.example.org"))
	late := recipient(1, "Dora", "SMTP", "dora@example.org")
	late.Set(mapi.SupplementaryInfo, value("<mx #5.4.7 smtp;\r\n550 no>"))
	original := &item{props: props(mapi.MessageClass, "IPM.Note", mapi.Subject, "Original", mapi.Body, "text")}
	m := &item{
		props: props(mapi.MessageClass, "REPORT.IPM.Note.NDR", mapi.Subject, "Undeliverable", mapi.ReportText, "It failed.",
			mapi.ReceivedByName, "Anna", mapi.ReceivedByAddressType, "SMTP", mapi.ReceivedByEmailAddress, "anna@example.org"),
		recipients:  []*mapi.Props{failed, late},
		attachments: []mapi.Attachment{&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage), message: original}, attach(mapi.AttachLongFilename, "log.txt", mapi.AttachData, []byte("log"))},
	}
	_, text := convertAll(t, m, Options{})
	want := "multipart/mixed\n  multipart/report\n    text/plain\n    | It failed.\n    message/delivery-status\n    message/rfc822\n      text/plain\n      | text\n  text/plain name=log.txt attachment\n  | log\n"
	if have := outline(t, mime.NewReader(strings.NewReader(text))); have != want {
		t.Errorf("%s\nwant:\n%s", have, want)
	}
	status := "\r\n\r\nReporting-MTA: dns; unknown.invalid\r\n\r\nFinal-Recipient: rfc822; carl@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\nRemote-MTA: dns; mx.example.org\r\nX-Display-Name: Carl\r\n" +
		"\r\nFinal-Recipient: rfc822; dora@example.org\r\nAction: failed\r\nStatus: 5.4.7\r\nX-Supplementary-Info: <mx #5.4.7 smtp;  550 no>\r\nX-Display-Name: Dora\r\n"
	if !strings.Contains(text, status) {
		t.Errorf("no such status in\n%s", text)
	}
	if to := headOf(t, text).Get("To"); to != "Anna <anna@example.org>" {
		t.Errorf("To %q", to)
	}

	read := &item{props: props(mapi.MessageClass, "REPORT.IPM.Note.IPNRN", mapi.SenderName, "Carl", mapi.SenderAddressType, "SMTP",
		mapi.SenderEmailAddress, "carl@example.org", mapi.OriginalMessageID, "<1@example.org>")}
	_, text = convertAll(t, read, Options{})
	if !strings.Contains(text, "report-type=disposition-notification") || !strings.Contains(text, "\r\n\r\nFinal-Recipient: rfc822; carl@example.org\r\nOriginal-Message-ID: <1@example.org>\r\nDisposition: automatic-action/MDN-sent-automatically; displayed\r\n") {
		t.Errorf("no such notification in\n%s", text)
	}

	other := &item{props: props(mapi.MessageClass, "REPORT.IPM.Note.Something", mapi.ReportText, "text")}
	_, text = convertAll(t, other, Options{})
	if have := outline(t, mime.NewReader(strings.NewReader(text))); have != "text/plain\n| text\n" {
		t.Errorf("%s", have)
	}
}

func TestMeetingHasItsCalendar(t *testing.T) {
	m := &item{props: props(mapi.MessageClass, "IPM.Schedule.Meeting.Request", mapi.Body, "come")}
	o := Options{Calendar: func(context.Context, mapi.Message) (*mime.Entity, []mail.Note, error) {
		e := textEntity("BEGIN:VCALENDAR")
		e.Type = "text/calendar"
		return e, nil, nil
	}}
	_, text := convertAll(t, m, o)
	if have := outline(t, mime.NewReader(strings.NewReader(text))); have != "multipart/alternative\n  text/plain\n  | come\n  text/calendar\n  | BEGIN:VCALENDAR\n" {
		t.Errorf("%s", have)
	}
	o.Calendar = func(context.Context, mapi.Message) (*mime.Entity, []mail.Note, error) { return nil, nil, damage }
	got, _ := convertAll(t, m, o)
	if !strings.Contains(kinds(got.Notes), "calendar-unreadable") {
		t.Errorf("notes %q", kinds(got.Notes))
	}
}
