package pstwrite

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/format/mapi"
)

func TestSmoke(t *testing.T) {
	for _, o := range []Options{
		{Format: Unicode}, {Format: Unicode, Encryption: Permute}, {Format: Unicode, Encryption: Cyclic},
		{Format: ANSI}, {Format: ANSI, Encryption: Permute}, {Format: ANSI, Encryption: Cyclic}, {Format: Unicode4K},
	} {
		name := fmt.Sprintf("/tmp/pstw/out/f%d-e%d.pst", o.Format, o.Encryption)
		os.MkdirAll(filepath.Dir(name), 0o755)
		f, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w, err := New(f, o)
		if err != nil {
			t.Fatal(err)
		}
		in, err := w.Folder(Root, "Inbox", "IPF.Note")
		if err != nil {
			t.Fatal(err)
		}
		sub, _ := w.Folder(in, "Projekte äöü", "IPF.Note")
		for i := range 300 {
			m := Message{
				Props: []Prop{
					Text(mapi.Subject, fmt.Sprintf("RE: Subject %d", i)),
					Text(mapi.Body, strings.Repeat(fmt.Sprintf("Line of text %d\r\n", i), 1+i*10)),
					Time(mapi.ClientSubmitTime, time.Date(2020, 1, 2, 3, 4, i, 0, time.UTC)),
					Time(mapi.MessageDeliveryTime, time.Date(2020, 1, 2, 3, 5, i, 0, time.UTC)),
					Text(mapi.SenderName, "Anna Sender"), Text(mapi.SenderEmailAddress, "anna@example.com"), Text(mapi.SenderAddressType, "SMTP"),
					NamedText(mapi.PublicStrings, "Keywords", Texts(0, "red", "blue")),
					Named(mapi.SetCommon, 0x8503, Bool(0, true)),
				},
				Recipients: [][]Prop{{Text(mapi.DisplayName, "Bob"), Text(mapi.EmailAddress, "bob@example.com"), Text(mapi.AddressType, "SMTP"), Text(mapi.SMTPAddress, "bob@example.com"), Int(mapi.RecipientType, 1)}},
			}
			if i%10 == 0 {
				data := bytes.Repeat([]byte{byte(i), 1, 2, 3, 4}, i*300+100)
				m.Attachments = []Attachment{{
					Props: []Prop{Text(mapi.AttachLongFilename, fmt.Sprintf("file%d.bin", i)), Text(mapi.AttachFilename, "file.bin")},
					Data:  func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
				}}
			}
			if i%50 == 7 {
				m.Attachments = append(m.Attachments, Attachment{
					Props:    []Prop{Text(mapi.DisplayName, "inner")},
					Embedded: &Message{Props: []Prop{Text(mapi.Subject, "Inner message"), Text(mapi.Body, "inner body"), Text(mapi.SenderName, "Carl")}},
				})
			}
			to := in
			if i%3 == 0 {
				to = sub
			}
			if _, err := w.Add(to, m); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
}
