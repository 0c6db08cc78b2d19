package mapiitem

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"waybill/format/mapi"
)

// photo is the beginning of a JPEG, and more.
var photo = append([]byte{0xFF, 0xD8, 0xFF, 0xE0}, []byte(strings.Repeat("picture ", 500))...)

func anna(k *maker) *fake {
	address := func(n uint32) mapi.Name { return lid(mapi.SetAddress, n) }
	m := k.item("IPM.Contact",
		mapi.DisplayName, "Dr. Anna Müller-Lüdenscheidt; jun.", givenName, "Anna", surname, "Müller-Lüdenscheidt", namePrefix, "Dr.", generation, "jun.",
		address(lidFileUnder), "Müller-Lüdenscheidt, Anna", nickname, "Änni",
		companyName, "Bahn, Post & Söhne; Berlin", department, "Einkauf", jobTitle, "Leiterin", mapi.ID(0x3A19), "Zimmer 7",
		address(0x8080), "Anna (anna@firm.example)", address(0x8082), "SMTP", address(0x8083), "anna@firm.example",
		address(0x8090), "Anna privat", address(0x8092), "EX", address(0x8093), "/o=Org/ou=Site/cn=Recipients/cn=anna",
		address(0x80A0), "Annas Fax", address(0x80A2), "EX", address(0x80A3), "/o=Org/cn=unknown",
		address(0x8062), "anna@im.example", mapi.ID(0x3A51), "https://firm.example/a b", mapi.ID(0x3A50), "https://anna.example/",
		mapi.ID(0x3A08), "+49 30 1", mapi.ID(0x3A1B), "+49 30 2", mapi.ID(0x3A09), "+49 30 3", mapi.ID(0x3A1C), "+49 170 4", mapi.ID(0x3A24), "+49 30 5", mapi.ID(0x3A21), "6", mapi.ID(0x3A1E), "7",
		address(0x8045), "Gleis 1\r\nHinterhof", address(0x8046), "Berlin", address(0x8048), "10115", address(0x8049), "Deutschland", address(0x801B), "Gleis 1\r\nHinterhof\r\n10115 Berlin",
		mapi.ID(0x3A5D), "Am \"Hang\" 3", mapi.ID(0x3A59), "Köln", address(0x8022), 1,
		mapi.ID(0x3A42), at("1980-02-29T23:00"), mapi.ID(0x3A41), at("2010-05-05T11:59"), address(0x80DF), at("2010-05-05T00:00"),
		mapi.ID(0x3A48), "Bert", mapi.ID(0x3A58), []string{"Cäsar", "Dora"}, mapi.ID(0x3A4D), 1, mapi.ID(0x3A43), "Segeln, Schach",
		mapi.Name{Set: mapi.PublicStrings, Text: "Keywords"}, []string{"Kunden", "A, B"},
		mapi.Name{Set: mapi.PublicStrings, Text: "Kundennummer"}, 4711, mapi.Name{Set: mapi.PublicStrings, Text: "Rabatt: viel"}, "x",
		mapi.Body, "Zeile eins\r\nZeile zwei; mit Komma, und \\.\r\n", sensitivity, 2, searchKey, []byte("0123456789abcdef"),
		mapi.LastModificationTime, at("2024-05-06T07:08"), mapi.ID(0x3A0F), "a property nobody knows")
	picture := k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "ContactPicture.jpg", attachmentContactPhoto, true, mapi.AttachData, photo)
	offer := k.attachment(mapi.AttachMethod, mapi.ByValue, mapi.AttachLongFilename, "Angebot.pdf", mapi.AttachData, []byte("%PDF"))
	m.attachments = []mapi.Attachment{picture, offer}
	return m
}

func TestContact(t *testing.T) {
	k := newMaker()
	i, text := convert(t, anna(k), Options{Resolve: func(_ context.Context, dn string) (string, bool) {
		return "anna@home.example", dn == "/o=Org/ou=Site/cn=Recipients/cn=anna"
	}})
	if i.Kind != Contact || i.Name != "Dr. Anna Müller-Lüdenscheidt; jun.vcf" && i.Name != "Dr. Anna Müller-Lüdenscheidt; jun..vcf" || i.MediaType != "text/vcard; charset=utf-8" {
		t.Errorf("%v %q %q", i.Kind, i.Name, i.MediaType)
	}
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	for _, want := range []string{
		`FN:Dr. Anna Müller-Lüdenscheidt\; jun.`, `N;SORT-AS="Müller-Lüdenscheidt, Anna":Müller-Lüdenscheidt;Anna;;Dr.;jun.`,
		`ORG:Bahn\, Post & Söhne\; Berlin;Einkauf`, "TITLE:Leiterin", "EMAIL;PREF=1;X-CN=Anna:anna@firm.example",
		"EMAIL;PREF=2;X-CN=Anna privat:anna@home.example", "X-OLD-EMAIL:EX:/o=Org/ou=Site/cn=Recipients/cn=anna",
		"X-EMAIL;PREF=3;TYPE=EX:EX:/o=Org/cn=unknown", "IMPP:im:anna@im.example", "URL;TYPE=work:https://firm.example/a%20b",
		"TEL;TYPE=work,voice;VALUE=text:+49 30 1", "TEL;TYPE=work,voice;VALUE=text:+49 30 2", "TEL;TYPE=cell,voice;VALUE=text:+49 170 4",
		"TEL;TYPE=work,fax;VALUE=text:+49 30 5", "TEL;TYPE=pager;VALUE=text:6", "TEL;TYPE=voice,x-car;VALUE=text:7",
		`ADR;TYPE=work;LABEL=Gleis 1^nHinterhof^n10115 Berlin:;;Gleis 1\nHinterhof;Berlin;;10115;Deutschland`,
		`ADR;TYPE=home;PREF=1:;;Am "Hang" 3;Köln;;;`, "BDAY:19800301", "ANNIVERSARY:20100505",
		"RELATED;TYPE=spouse;VALUE=text:Bert", "RELATED;TYPE=child;VALUE=text:Dora", "GENDER:F", `HOBBY:Segeln\, Schach`,
		`CATEGORIES:Kunden,A\, B`, "X-OUTLOOK-FIELD;X-NAME=Kundennummer:4711", "X-CLASS:PRIVATE",
		`NOTE:Zeile eins\nZeile zwei\; mit Komma\, und \\.\n`, "REV:20240506T070800Z",
		"PHOTO:data:image/jpeg;base64," + base64.StdEncoding.EncodeToString(photo) + "\r\n",
	} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("no %q", want)
		}
	}
	if t.Failed() {
		t.Log(unfolded)
	}
	kinds := noteKinds(i)
	for _, want := range []string{"address-unresolved", "attachment-beside", "properties-left-out"} {
		if !slices.Contains(kinds, want) {
			t.Errorf("no note %s among %v", want, i.Notes)
		}
	}
	if left := i.Notes[slices.Index(kinds, "properties-left-out")].Text; !strings.Contains(left, "0x3A0F") || strings.Contains(left, "0x300B") {
		t.Error(left)
	}
	if len(i.Attachments) != 2 || !i.Attachments[0].Inline || i.Attachments[1].Inline || i.Attachments[1].Size != 4 {
		t.Errorf("%+v", i.Attachments)
	}
	v := judge(t, map[string][]byte{"anna.vcf": []byte(text)})["anna.vcf"]
	if v.err != "" || v.card["FN"][0] != "Dr. Anna Müller-Lüdenscheidt; jun." || len(v.card["TEL"]) != 7 || v.card["BDAY"][0] != "19800301" {
		t.Errorf("%s %v", v.err, v.card)
	}
}

// TestBirthdays reads days that were stored as midnight of many time zones.
func TestBirthdays(t *testing.T) {
	for stored, want := range map[string]string{
		"1980-03-01T00:00": "19800301", "1980-02-29T23:00": "19800301", "1980-03-01T05:00": "19800301", "1980-03-01T11:59": "19800301", "1980-02-29T14:30": "19800301",
	} {
		k := newMaker()
		_, text := convert(t, k.item("IPM.Contact", mapi.DisplayName, "A", mapi.ID(0x3A42), at(stored)), Options{})
		if !strings.Contains(text, "BDAY:"+want+"\r\n") {
			t.Errorf("%s: %s", stored, text)
		}
	}
}

func TestContactWithNothing(t *testing.T) {
	i, text := convert(t, newMaker().item("ipm.contact.Custom"), Options{})
	if !strings.Contains(text, "FN:(no name)\r\n") || !slices.Contains(noteKinds(i), "name-missing") || i.Name != "(no name).vcf" {
		t.Errorf("%s %v %q", text, i.Notes, i.Name)
	}
	if i, err := Convert(t.Context(), newMaker().item("IPM.Note"), Options{}); i != nil || err != nil {
		t.Error("a mail is an item", i, err)
	}
	if i, err := Convert(t.Context(), newMaker().item("IPM.Contacts"), Options{}); i != nil || err != nil {
		t.Error("IPM.Contacts is no contact", i, err)
	}
}

func TestList(t *testing.T) {
	k := newMaker()
	oneOff := func(name, kind, address string) []byte {
		b := append(make([]byte, 4), 0x81, 0x2B, 0x1F, 0xA4, 0xBE, 0xA3, 0x10, 0x19, 0x9D, 0x6E, 0x00, 0xDD, 0x01, 0x0F, 0x54, 0x02, 0, 0, 1, 0)
		return append(b, name+"\x00"+kind+"\x00"+address+"\x00"...)
	}
	wrapped := append(append(make([]byte, 4), 0xC0, 0x91, 0xAD, 0xD3, 0x51, 0x9D, 0xCF, 0x11, 0xA4, 0xA9, 0x00, 0xAA, 0x00, 0x47, 0xFA, 0xA4, 0xC3), "contact-7"...)
	m := k.item("IPM.DistList", mapi.DisplayName, "Alle", lid(mapi.SetAddress, lidListName), "Alle; auch wir",
		lid(mapi.SetAddress, lidListMembers), [][]byte{oneOff("Anna", "SMTP", "anna@a.example"), wrapped, wrapped, oneOff("Exch", "EX", "/o=x/cn=y"), []byte("rubbish that is too short"), oneOff("M\xfcller", "SMTP", "m@a.example")},
		lid(mapi.SetAddress, lidListOneOffs), [][]byte{oneOff("Anna", "SMTP", "anna@a.example"), oneOff("Old name", "SMTP", "old@a.example"), nil, nil, nil, nil})
	asked := 0
	i, text := convert(t, m, Options{Member: func(_ context.Context, id []byte) (Member, bool) {
		asked++
		return Member{"Contact Seven", "seven@a.example"}, string(id) == "contact-7" && asked%2 == 0
	}})
	unfolded := strings.ReplaceAll(text, "\r\n ", "")
	for _, want := range []string{"KIND:group", `FN:Alle\; auch wir`, "MEMBER;X-CN=Anna:mailto:anna@a.example", "MEMBER;X-CN=Old name:mailto:old@a.example",
		"MEMBER;X-CN=Contact Seven:mailto:seven@a.example", "X-MEMBER;X-CN=Exch;X-OLD-ADDRESS=\"EX:/o=x/cn=y\":Exch", "MEMBER;X-CN=Müller:mailto:m@a.example"} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("no %q in\n%s", want, unfolded)
		}
	}
	if kinds := noteKinds(i); !slices.Contains(kinds, "member-unreadable") || !slices.Contains(kinds, "member-without-address") {
		t.Error(i.Notes)
	}
	if v := judge(t, map[string][]byte{"list.vcf": []byte(text)})["list.vcf"]; v.err != "" || len(v.card["MEMBER"]) != 4 {
		t.Errorf("%+v", v)
	}
}
