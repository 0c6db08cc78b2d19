package mapiitem

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/format/mapiitem/recurrence"
	"waybill/internal/pstwrite"
)

// office writes a PST with one item of each class.
func office(t *testing.T, path string, o pstwrite.Options) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := pstwrite.New(f, o)
	if err != nil {
		t.Fatal(err)
	}
	r := blob{frequency: 0x200B, kind: 1, period: 1, specific: []uint32{0x02}, end: 0x2022, count: 10, start: minutes("2024-03-18T00:00"), until: minutes("2024-05-20T00:00"),
		from: 600, to: 660, deleted: []recurrence.Minutes{minutes("2024-04-08T00:00")}, modified: []recurrence.Minutes{minutes("2024-04-09T00:00")},
		exceptions: []recurrence.Exception{{Start: minutes("2024-04-09T14:00"), End: minutes("2024-04-09T15:00"), Original: minutes("2024-04-08T10:00"), Flags: recurrence.HasSubject | recurrence.HasBody, Subject: "Verlegt"}}}
	text, named := pstwrite.Text, pstwrite.Named
	appointment := func(id uint32, p pstwrite.Prop) pstwrite.Prop { return named(mapi.SetAppointment, id, p) }
	exception := pstwrite.Message{Props: []pstwrite.Prop{text(mapi.MessageClass, "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"), text(mapi.Subject, "Verlegt"), text(mapi.Body, "Nur diesmal")}}
	items := []pstwrite.Message{
		{Props: []pstwrite.Prop{text(mapi.MessageClass, "IPM.Contact"), text(mapi.DisplayName, "Anna Müller"), text(givenName, "Anna"), text(surname, "Müller"),
			named(mapi.SetAddress, 0x8083, text(0, "anna@a.example")), named(mapi.SetAddress, 0x8082, text(0, "SMTP")), pstwrite.NamedText(mapi.PublicStrings, "Keywords", pstwrite.Texts(0, "Kunden", "Köln"))}},
		{Props: []pstwrite.Prop{text(mapi.MessageClass, "IPM.Appointment"), text(mapi.Subject, "Wochentreffen"), appointment(lidRecur, pstwrite.Binary(0, r.series())),
			appointment(lidZoneRecur, pstwrite.Binary(0, westEurope())), appointment(lidStartWhole, pstwrite.Time(0, at("2024-03-18T09:00"))), appointment(lidLocation, text(0, "Größe")),
			appointment(lidStateFlags, pstwrite.Int(0, 1))},
			Recipients:  [][]pstwrite.Prop{{text(mapi.DisplayName, "Bert"), text(mapi.AddressType, "SMTP"), text(mapi.EmailAddress, "bert@a.example"), pstwrite.Int(mapi.RecipientType, 1)}},
			Attachments: []pstwrite.Attachment{{Props: []pstwrite.Prop{pstwrite.Time(exceptionReplaceTime, at("2024-04-08T08:00")), pstwrite.Int(attachmentFlags, 2)}, Embedded: &exception}}},
		{Props: []pstwrite.Prop{text(mapi.MessageClass, "IPM.Task"), text(mapi.Subject, "Steuer"), named(mapi.SetTask, lidTaskDue, pstwrite.Time(0, at("2024-07-03T00:00"))), named(mapi.SetTask, lidTaskPercent, pstwrite.Float(0, 0.25))}},
		{Props: []pstwrite.Prop{text(mapi.MessageClass, "IPM.StickyNote"), text(mapi.Subject, "Milch"), text(mapi.Body, "Milch\r\nBrot")}},
		{Props: []pstwrite.Prop{text(mapi.MessageClass, "IPM.Activity"), text(mapi.Subject, "Anruf"), named(mapi.SetLog, lidLogStart, pstwrite.Time(0, at("2024-07-01T08:00")))}},
		{Props: []pstwrite.Prop{text(mapi.MessageClass, "IPM.Note"), text(mapi.Subject, "a mail")}},
	}
	folder, err := w.Folder(pstwrite.Root, "Items", "IPF.Note")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range items {
		if _, err := w.Add(folder, m); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOutOfStores takes items the whole way, out of each form of PST.
func TestOutOfStores(t *testing.T) {
	files := map[string][]byte{}
	for name, o := range map[string]pstwrite.Options{
		"unicode": {Format: pstwrite.Unicode, Encryption: pstwrite.Permute}, "ansi": {Format: pstwrite.ANSI, Encryption: pstwrite.Cyclic}, "4k": {Format: pstwrite.Unicode4K},
	} {
		path := filepath.Join(t.TempDir(), name+".pst")
		office(t, path, o)
		all := ""
		for _, r := range fromStore(t, path, name+".pst") {
			files[name+"-"+r.item.Name] = r.text
			all += strings.ReplaceAll(string(r.text), "\r\n ", "")
			if len(r.item.Notes) > 0 {
				t.Errorf("%s: %s: %v", name, r.where, r.item.Notes)
			}
		}
		for _, want := range []string{"N:Müller;Anna;;;", "EMAIL;PREF=1:anna@a.example", "CATEGORIES:Kunden,Köln", "RRULE:FREQ=WEEKLY;BYDAY=MO;WKST=MO;COUNT=10", "LOCATION:Größe",
			"RECURRENCE-ID;TZID=W. Europe Standard Time:20240408T100000", "DESCRIPTION:Nur diesmal", "SUMMARY:Verlegt", "ATTENDEE;CN=Bert;", "DUE;VALUE=DATE:20240703", "PERCENT-COMPLETE:25",
			`DESCRIPTION:Milch\nBrot`, "DTSTART:20240701T080000Z"} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no %q", name, want)
			}
		}
		if t.Failed() {
			t.Log(all)
		}
	}
	if len(files) != 15 {
		t.Errorf("%d items: %v", len(files), slices.Sorted(maps.Keys(files)))
	}
	expectReadable(t, files)
}
