package mapiitem

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mapiitem/recurrence"
	"waybill/format/mime"
)

// TestAnyTextAnywhere puts any text into all places where items have texts: no
// text may begin a line of its own, break UTF-8, or exceed a line's width.
func TestAnyTextAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.SampledFrom([]rune("a,;:\\\"\r\n\t^é漢\u202e=BEGIN")), 0, 200, -1)).Draw(t, "text")
		k := newMaker()
		class := rapid.SampledFrom([]string{"IPM.Contact", "IPM.DistList", "IPM.Appointment", "IPM.Schedule.Meeting.Request", "IPM.Task", "IPM.StickyNote", "IPM.Activity"}).Draw(t, "class")
		m := k.item(class, mapi.Subject, s, mapi.DisplayName, s, surname, s, companyName, s, mapi.Body, s, mapi.HTML, []byte(s), mapi.ID(0x3A08), s, mapi.ID(0x3A5D), s,
			lid(mapi.SetAddress, 0x8083), s, lid(mapi.SetAddress, 0x8082), "SMTP", lid(mapi.SetAddress, 0x8062), s, lid(mapi.SetAddress, 0x801A), s, mapi.ID(0x3A51), s,
			appt(lidLocation), s, appt(lidStartWhole), at("2024-07-01T08:00"), appt(lidZoneText), s, appt(lidRecurrencePattern), s, comm(lidContacts), []string{s, s},
			mapi.Name{Set: mapi.PublicStrings, Text: "Keywords"}, []string{s, "x"}, mapi.Name{Set: mapi.PublicStrings, Text: "Field " + s}, s,
			sentRepresentingName, s, sentRepresentingType, s, sentRepresentingAddress, s, taskName(lidTaskOwner), s, lid(mapi.SetLog, lidLogType), s)
		m.recipients = []*mapi.Props{k.person(s, s, 1, 1, 0)}
		m.attachments = []mapi.Attachment{k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, s, mapi.AttachMimeTag, s, mapi.AttachData, []byte(s))}
		i, err := Convert(t.Context(), m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := i.Write(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSuffix(b.String(), "\r\n"), "\r\n")
		open := []string{}
		for _, line := range lines {
			if len(line) > 75 || !utf8.ValidString(line) || strings.ContainsAny(line, "\r\n") || !strings.HasPrefix(line, " ") && !strings.Contains(strings.ReplaceAll(b.String(), "\r\n ", ""), line) {
				t.Fatalf("line %q", line)
			}
			if name, ok := strings.CutPrefix(line, "BEGIN:"); ok {
				open = append(open, name)
			}
			if name, ok := strings.CutPrefix(line, "END:"); ok {
				if len(open) == 0 || open[len(open)-1] != name {
					t.Fatalf("%s closes %v", name, open)
				}
				open = open[:len(open)-1]
			}
		}
		if len(open) != 0 {
			t.Fatalf("%v stay open", open)
		}
		if n := strings.Count(b.String(), "BEGIN:V"); n > 3 {
			t.Fatalf("%d components", n)
		}
		if strings.ContainsAny(i.Name, "/\\:\r\n\u202e") || len(i.Name) > 90 || !utf8.ValidString(i.Name) {
			t.Fatalf("name %q", i.Name)
		}
	})
}

// TestManyExceptions has a pattern with as many exceptions as 16 bits can count,
// all of one day: one event may come of them.
func TestManyExceptions(t *testing.T) {
	r := blob{frequency: 0x200B, kind: 1, period: 1, specific: []uint32{0x02}, end: 0x2022, count: 1<<32 - 1, start: minutes("2024-03-18T00:00"), until: 0xFFFFFFFF, from: 600, to: 660}
	x := recurrence.Exception{Start: 0xFFFFFFFF, End: 0, Original: minutes("2024-03-25T10:00")}
	for range 65535 {
		r.exceptions = append(r.exceptions, x)
	}
	b := r.series()
	i, text := convert(t, newMaker().item("IPM.Appointment", mapi.Subject, "S", appt(lidRecur), b), Options{})
	if n := strings.Count(text, "BEGIN:VEVENT"); n != 2 || len(i.Notes) > 10 {
		t.Errorf("%d events, %d notes", n, len(i.Notes))
	}
}

func TestCancelling(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Convert(ctx, anna(newMaker()), Options{}); failure.ClassOf(err) != failure.Cancelled {
		t.Error(err)
	}
}

func TestListsThatCannotBeRead(t *testing.T) {
	m := newMaker().item("IPM.Appointment", mapi.Subject, "S", appt(lidStartWhole), at("2024-07-01T08:00"))
	m.listError = failure.New(failure.Malformed, "read a table", "x.pst:512", "pst.crc", nil)
	i, _ := convert(t, m, Options{})
	if kinds := noteKinds(i); !slices.Contains(kinds, "attendees-unreadable") || !slices.Contains(kinds, "attachments-unreadable") {
		t.Error(i.Notes)
	}
}

// TestEmbeddedItems gives attached items to the caller's own converter.
func TestEmbeddedItems(t *testing.T) {
	k := newMaker()
	m := k.item("IPM.Appointment", mapi.Subject, "S", appt(lidStartWhole), at("2024-07-01T08:00"))
	mail := func() *fakeAttachment {
		return &fakeAttachment{props: k.props(mapi.AttachMethod, mapi.EmbeddedMessage), message: k.item("IPM.Note")}
	}
	m.attachments = []mapi.Attachment{mail(), mail(), mail()}
	n := 0
	o := Options{Embedded: func(context.Context, mapi.Message) (*Attachment, error) {
		n++
		switch n % 3 {
		case 1:
			return &Attachment{Name: "a.eml", MediaType: "message/rfc822", Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(strings.NewReader("Subject: x\r\n\r\n")), nil
			}}, nil
		case 2:
			return &Attachment{}, nil
		default:
			return nil, failure.New(failure.Malformed, "read", "x", "test", nil)
		}
	}}
	i, text := convert(t, m, o)
	if kinds := noteKinds(i); !slices.Equal(kinds, []string{"attachment-left-out", "attachment-left-out"}) || len(i.Attachments) != 1 || !strings.Contains(strings.ReplaceAll(text, "\r\n ", ""), "X-FILENAME=a.eml") {
		t.Errorf("%v %+v\n%s", i.Notes, i.Attachments, text)
	}
}

func TestAsMessage(t *testing.T) {
	i, text := convert(t, anna(newMaker()), Options{})
	read := func() []byte {
		b, err := io.ReadAll(AsMessage(i).Open(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	b := read()
	if !bytes.Equal(b, read()) {
		t.Error("written twice, the bytes differ")
	}
	r := mime.NewReader(bytes.NewReader(b))
	var types []string
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		types = append(types, p.Type)
		if p.Type == "text/vcard" {
			got, err := io.ReadAll(p.Decoded())
			if err != nil || string(got) != text {
				t.Errorf("%v: %d bytes of %d", err, len(got), len(text))
			}
		}
	}
	if want := []string{"multipart/mixed", "text/plain", "text/vcard", "application/pdf"}; !slices.Equal(types, want) {
		t.Errorf("%v, want %v", types, want)
	}
	if head, _, _ := strings.Cut(string(b), "\r\n\r\n"); !strings.Contains(head, "Date: Mon, 06 May 2024 07:08:00") && !strings.Contains(head, "Date: Mon, 6 May 2024 07:08:00") {
		t.Error(head)
	}
}

// FuzzConvert fills what is binary in an item.
func FuzzConvert(f *testing.F) {
	weekly := blob{frequency: 0x200B, kind: 1, period: 1, specific: []uint32{0x02}, end: 0x2021, start: minutes("2024-03-18T00:00"), until: minutes("2024-06-03T00:00"), from: 600, to: 660,
		exceptions: []recurrence.Exception{{Start: minutes("2024-04-09T14:00"), End: minutes("2024-04-09T15:30"), Original: minutes("2024-04-08T10:00"), Flags: 1, Subject: "x"}}}
	f.Add(weekly.series(), westEurope(), globalObject(0, 0, 0, 0), []byte("<b>x</b>"))
	f.Add(weekly.pattern(), westEurope()[:40], []byte("short"), []byte("{\\rtf1 x}"))
	f.Fuzz(func(t *testing.T, pattern, zone, id, body []byte) {
		for _, class := range []string{"IPM.Appointment", "IPM.Task", "IPM.DistList"} {
			m := newMaker().item(class, mapi.Subject, string(id), appt(lidRecur), pattern, taskName(lidTaskRecur), pattern, taskName(lidTaskRecurring), true, appt(lidZoneRecur), zone, appt(lidZoneStruct), zone,
				meet(lidGlobalID), id, mapi.HTML, body, mapi.RTFCompressed, body, lid(mapi.SetAddress, lidListStream), pattern, lid(mapi.SetAddress, lidListMembers), [][]byte{id, pattern})
			i, err := Convert(t.Context(), m, Options{})
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := i.Write(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			if limit := 100000 + 300*(len(pattern)+len(zone)+len(id)+len(body)); b.Len() > limit {
				t.Fatalf("%d bytes", b.Len())
			}
		}
	})
}
