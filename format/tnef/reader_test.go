package tnef

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/format/mapi"
)

var (
	keywords = mapi.Name{Set: mapi.PublicStrings, Text: "Keywords"}
	location = mapi.Name{Set: mapi.SetAppointment, ID: 0x8208}
)

func openBytes(ctx context.Context, b []byte) (*Message, error) {
	return Open(ctx, bytes.NewReader(b), int64(len(b)), "winmail.dat")
}

func content(t *testing.T, d mapi.Data) string {
	t.Helper()
	r, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != d.Size() {
		t.Errorf("%d bytes, stated %d", len(b), d.Size())
	}
	return string(b)
}

// example has something of everything.
func example() *stream {
	inner := newStream().own(attMAPIProps, (&list{}).unicode(mapi.Subject, "inner").bytes()).
		attachment(1).part(attAttachTitle, []byte("deep.txt\x00")).part(attAttachData, []byte("deep"))
	props := (&list{}).
		unicode(mapi.Subject, "Grüße 😀").
		tag(mapi.Body, mapi.TypeString8).values([]byte("\xcf\xf0\xe8\x00")).
		number(mapi.MessageFlags, 1).
		tag(0x8123, mapi.TypeUnicode|mapi.Multi).name(keywords).values(utf16le("red\x00"), utf16le("grün\x00")).
		tag(0x8123, mapi.TypeUnicode).name(location).values(utf16le("Raum 5\x00")). // the number is taken
		tag(0x7FF0, mapi.TypeBinary).values([]byte("abcde"))
	props.tag(0x0029, mapi.TypeBool)
	props.b = le.AppendUint32(props.b, 1)
	props.tag(mapi.MessageDeliveryTime, mapi.TypeTime)
	props.b = le.AppendUint64(props.b, 133_000_000_000_000_000)
	props.tag(0x7FF1, mapi.TypeInt16|mapi.Multi)
	props.b = le.AppendUint32(le.AppendUint32(le.AppendUint32(props.b, 2), 7), 8)
	props.tag(0x7FF2, mapi.TypeGUID)
	props.b = append(props.b, "0123456789abcdef"...)
	rows := le.AppendUint32(nil, 2)
	for _, name := range []string{"Anna", "Ben"} {
		rows = append(rows, (&list{}).unicode(mapi.DisplayName, name).number(mapi.RecipientType, 1).bytes()...)
	}
	object := func(class mapi.GUID, b []byte) []byte {
		return (&list{}).number(mapi.AttachMethod, map[bool]uint32{true: mapi.EmbeddedMessage, false: mapi.OLE}[class == messageInterface]).
			tag(mapi.AttachData, mapi.TypeObject).values(append(class[:], b...)).bytes()
	}
	return newStream().
		own(attOemCodepage, le.AppendUint32(le.AppendUint32(nil, 1251), 0)).
		own(attMessageClass, []byte("IPM.Microsoft Mail.Note\x00")).
		own(attSubject, []byte("the older subject\x00")).
		own(attMAPIProps, props.bytes()).
		own(attRecipTable, rows).
		attachment(1).part(attAttachTitle, []byte("a.txt\x00")).part(attAttachData, []byte("contents")).
		part(attAttachment, (&list{}).unicode(mapi.AttachLongFilename, "a long name.txt").bytes()).
		attachment(2).part(attAttachment, object(messageInterface, inner.b)).
		attachment(2).part(attAttachment, object(storageInterface, []byte("a compound file")))
}

func TestStream(t *testing.T) {
	m, err := openBytes(t.Context(), example().b)
	if err != nil || len(m.Defects()) > 0 {
		t.Fatal(err, m.Defects())
	}
	p := m.Props()
	for _, c := range []struct{ got, want any }{
		{p.Text(mapi.Subject), "Grüße 😀"},
		{p.Text(mapi.Body), "При"},
		{p.Text(mapi.MessageClass), "IPM.Note"},
		{p.Text(p.Find(location)), "Raum 5"},
		{p.Find(keywords), mapi.ID(0x8123)},
		{p.Find(location) != 0x8123, true},
		{p.Bool(0x0029), true},
		{string(p.Binary(0x7FF0)), "abcde"},
		{string(p.Binary(0x7FF2)), "0123456789abcdef"},
	} {
		if c.got != c.want {
			t.Errorf("%v, want %v", c.got, c.want)
		}
	}
	if got := p.Texts(p.Find(keywords)); !slices.Equal(got, []string{"red", "grün"}) {
		t.Errorf("keywords %q", got)
	}
	if v, _ := p.Get(0x7FF1); len(v.Many) != 2 || v.Many[1].Bits != 8 {
		t.Errorf("numbers %v", v)
	}
	if at, ok := p.Time(mapi.MessageDeliveryTime); !ok || at.Year() != 2022 {
		t.Errorf("delivered %v", at)
	}
	recipients, err := m.Recipients(t.Context())
	if err != nil || len(recipients) != 2 || recipients[1].Text(mapi.DisplayName) != "Ben" {
		t.Error(recipients, err)
	}
}

func TestAttachments(t *testing.T) {
	m, err := openBytes(t.Context(), example().b)
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.Attachments(t.Context())
	if err != nil || len(all) != 3 {
		t.Fatal(len(all), err)
	}
	file := all[0].Props()
	if v, _ := file.Get(mapi.AttachData); content(t, v.Data) != "contents" || file.Text(mapi.AttachLongFilename) != "a long name.txt" || file.Text(mapi.AttachFilename) != "a.txt" {
		t.Error("the file differs")
	}
	if method, _ := file.Int(mapi.AttachMethod); method != mapi.ByValue {
		t.Errorf("method %d", method)
	}
	if e, err := all[0].Message(t.Context()); e != nil || err != nil {
		t.Error(e, err)
	}
	inner, err := all[1].Message(t.Context())
	if err != nil || inner == nil || inner.Props().Text(mapi.Subject) != "inner" {
		t.Fatal(inner, err)
	}
	deep, err := inner.Attachments(t.Context())
	if err != nil || len(deep) != 1 || string(deep[0].Props().Binary(mapi.AttachData)) != "deep" {
		t.Error(deep, err)
	}
	object, err := all[2].Storage(t.Context())
	if err != nil || content(t, object) != "a compound file" {
		t.Error(err)
	}
	for i, want := range []bool{false, false, true} {
		if s, err := all[i].Storage(t.Context()); err != nil || (s != nil) != want {
			t.Errorf("attachment %d: object %v, %v", i, s, err)
		}
	}
}

func date(v ...uint16) (b []byte) {
	for _, n := range v {
		b = le.AppendUint16(b, n)
	}
	return b
}

// TestOlderAttributes are all that Microsoft Mail had.
func TestOlderAttributes(t *testing.T) {
	from := append(date(4, 32, 5, 19), "Anna\x00SMTP:anna@a.example\x00"...)
	owner := append(date(4), "Ben\x00"...)
	owner = append(append(owner, date(6)...), "FAX:1\x00"...)
	request := newStream().
		own(attFrom, from).own(attSubject, []byte("Hallo\x00")).own(attBody, []byte("Text\r\n\x00")).
		own(attDateSent, date(1996, 2, 29, 13, 5, 7, 4)).own(attDateRecd, date(1996, 2, 30, 0, 0, 0, 0)).
		own(attMessageStatus, []byte{0x20}).own(attMessageClass, []byte("IPM.Microsoft Schedule.MtgReq\x00")).
		own(attMessageID, []byte("00FFa0\x00")).own(attPriority, date(1)).own(attOwner, owner).
		own(attAidOwner, le.AppendUint32(nil, 77)).own(attRequestRes, date(1)).own(attOriginalMessageClass, []byte("IPM.Old\x00"))
	m, err := openBytes(t.Context(), request.b)
	if err != nil || len(m.Defects()) > 0 {
		t.Fatal(err, m.Defects())
	}
	p := m.Props()
	for id, want := range map[mapi.ID]string{
		mapi.SenderName: "Anna", mapi.SenderAddressType: "SMTP", mapi.SenderEmailAddress: "anna@a.example",
		mapi.Subject: "Hallo", mapi.Body: "Text\r\n", mapi.MessageClass: "IPM.Schedule.Meeting.Request",
		partySentFor.name: "Ben", partySentFor.kind: "FAX", partySentFor.address: "1", originalClass: "IPM.Old",
	} {
		if got := p.Text(id); got != want {
			t.Errorf("0x%04X is %q, want %q", id, got, want)
		}
	}
	for id, want := range map[mapi.ID]int64{importance: 2, mapi.MessageFlags: 3, ownerAppointment: 77, responseRequested: 1} {
		if got, ok := p.Int(id); got != want || !ok {
			t.Errorf("0x%04X is %d, want %d", id, got, want)
		}
	}
	if at, _ := p.Time(mapi.ClientSubmitTime); !at.Equal(time.Date(1996, 2, 29, 13, 5, 7, 0, time.UTC)) {
		t.Errorf("sent %v", at)
	}
	if at, ok := p.Time(mapi.MessageDeliveryTime); ok {
		t.Errorf("30 February became %v", at)
	}
	if got := string(p.Binary(searchKey)); got != "\x00\xff\xa0" {
		t.Errorf("key %q", got)
	}
	response := newStream().own(attMessageClass, []byte("IPM.Microsoft Schedule.MtgRespP\x00")).own(attOwner, owner)
	if m, err = openBytes(t.Context(), response.b); err != nil || m.Props().Text(partyReceived.name) != "Ben" {
		t.Error("the owner of a response", err)
	}
	mac := newStream().part(attAttachRendData, append(date(1, 0, 0, 0, 0), 1, 0, 0, 0)).part(attAttachMetaFile, []byte("WMF"))
	if m, err = openBytes(t.Context(), mac.b); err != nil {
		t.Fatal(err)
	}
	all, err := m.Attachments(t.Context())
	if err != nil || len(all) != 1 || len(all[0].Props().Binary(mapi.AttachEncoding)) != 9 || string(all[0].Props().Binary(mapi.AttachRendering)) != "WMF" {
		t.Error(all, err)
	}
}

func TestAnyPropertiesAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &list{}
		want := map[mapi.Name]string{}
		for i := range rapid.IntRange(0, 60).Draw(t, "count") {
			n := mapi.Name{Set: mapi.SetTask, ID: uint32(i)}
			if rapid.Bool().Draw(t, "by text") {
				n = mapi.Name{Set: mapi.SetTask, Text: rapid.StringMatching(`[a-zä]{1,9}`).Draw(t, "name") + string(rune('a'+i))}
			}
			want[n] = rapid.StringMatching(`[^\x00]{0,50}`).Draw(t, "value")
			l.tag(mapi.ID(0x8000+rapid.IntRange(0, 20).Draw(t, "number")), mapi.TypeUnicode).name(n).values(utf16le(want[n] + "\x00"))
		}
		m, err := openBytes(context.Background(), newStream().own(attMAPIProps, l.bytes()).b)
		if err != nil || len(m.Defects()) > 0 {
			t.Fatal(err, m.Defects())
		}
		for n, text := range want {
			if got := m.Props().Text(m.Props().Find(n)); got != text {
				t.Fatalf("%v is %q, want %q", n, got, text)
			}
		}
	})
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m, err := openBytes(ctx, example().b)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := openBytes(ctx, example().b); !errors.Is(err, context.Canceled) || failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
	if _, err := m.Attachments(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := m.Recipients(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
