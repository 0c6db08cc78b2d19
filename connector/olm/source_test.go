package olm

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/failure"
	"waybill/format/mime"
	"waybill/internal/corpus"
	"waybill/mail"
)

const box = "Accounts/anna@example.org/com.microsoft.__Messages/"

type file struct{ name, text string }

func email(subject, more string) string {
	return `<email xml:space="preserve"><OPFMessageCopySubject xml:space="preserve">` + subject + `</OPFMessageCopySubject>` +
		`<OPFMessageCopyFromAddresses><emailAddress OPFContactEmailAddressAddress="bert@example.org" OPFContactEmailAddressName="B&amp;B"></emailAddress></OPFMessageCopyFromAddresses>` +
		`<OPFMessageCopyToAddresses><emailAddress OPFContactEmailAddressAddress="/O=X/CN=ANNA" OPFContactEmailAddressName="Anna"/></OPFMessageCopyToAddresses>` +
		`<OPFMessageCopyReceivedTime>2011-06-21T23:49:00</OPFMessageCopyReceivedTime><OPFMessageCopySentTime>2011-06-21T23:48:00</OPFMessageCopySentTime>` +
		`<OPFMessageGetIsRead>1E0</OPFMessageGetIsRead>` + more + `</email>`
}

func document(emails ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><emails elementCount="1">` + strings.Join(emails, "") + `</emails>`
}

// fixture is an archive of an account and of what is kept on the computer.
func fixture() []file {
	rich := email("Grüße", `<OPFMessageCopyBody>plain &lt;1&gt;&#1;</OPFMessageCopyBody><OPFMessageCopyHTMLBody>&lt;p&gt;hällo&lt;/p&gt;</OPFMessageCopyHTMLBody><OPFMessageGetHasHTML>1E0</OPFMessageGetHasHTML>`+
		`<OPFMessageCopyMessageID>m1@example.org</OPFMessageCopyMessageID><OPFMessageCopyInReplyTo>&lt;m0@example.org&gt;</OPFMessageCopyInReplyTo><OPFMessageCopyReferences>a@x b@x</OPFMessageCopyReferences>`+
		`<OPFMessageCopyReplyToAddresses><emailAddress OPFContactEmailAddressAddress="r@example.org" OPFContactEmailAddressName="Bür, O"/><emailAddress OPFContactEmailAddressAddress="a@b&gt;,&#10;X: y" OPFContactEmailAddressName="c"/></OPFMessageCopyReplyToAddresses><OPFMessageCopyGetFlagStatus>1</OPFMessageCopyGetFlagStatus><OPFMessageCopyCategoryList><category OPFCategoryCopyName="Team Blue"/><category>Other</category></OPFMessageCopyCategoryList>`+
		`<OPFMessageCopyAttachmentList><messageAttachment OPFAttachmentName="a.png" OPFAttachmentContentType="image/png" OPFAttachmentContentID="i1" OPFAttachmentURL="`+box+`Inbox/com.microsoft.__Attachments/x_0000"/>`+
		`<messageAttachment OPFAttachmentName="b.bin" OPFAttachmentContentType="multipart/evil" OPFAttachmentURL="`+box+`Inbox/com.microsoft.__Attachments/x_0001"/>`+
		`<messageAttachment OPFAttachmentName="gone.doc" OPFAttachmentURL="../../../etc/passwd"/></OPFMessageCopyAttachmentList>`)
	return []file{
		{"Categories.xml", "<categories/>"},
		{"Accounts/", ""}, {"Accounts/", ""},
		{box + "Inbox/com.microsoft.__Attachments/x_0000", "\x89PNG"},
		{box + "Inbox/com.microsoft.__Attachments/x_0001", "\x00\x01\xff"},
		{box + "Inbox/message_00000.xml", document(rich)},
		{box + "Inbox/message_00001.xml", document(email("two", ""), email("three", "<OPFMessageCopyBody>3</OPFMessageCopyBody>"))},
		{box + "Inbox/broken.xml", document(email("whole", ""))[:500] + "<x"},
		{box + "Drafts/message_00000.xml", document(email("draft", "<OPFMessageIsOutgoing>1E0</OPFMessageIsOutgoing><OPFMessageGetWasSent>0E0</OPFMessageGetWasSent>"))},
		{box + "Empty/", ""},
		{"Local/com.microsoft.__Messages/Old/../message_00000.xml", document(email("odd", ""))},
		{"Local/Address Book/Contacts.xml", "<contacts><contact><a>1</a></contact><contact/></contacts>"},
	}
}

func pack(t testing.TB, list []file) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range list {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = io.WriteString(w, f.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, path string, b []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) connector.Source {
	t.Helper()
	s, err := Source(t.Context(), connector.Location{Scheme: scheme, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "anna.olm"), pack(t, fixture()))
	put(t, filepath.Join(dir, "bert", "export.olm"), pack(t, fixture()[3:9]))
	paths := map[string]string{"anna": "anna.olm", "bert": "bert/export.olm"}
	more := 0
	connectortest.RunSource(t, connectortest.SourceConfig{
		Dir: dir,
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			return Source(ctx, connector.Location{Scheme: scheme, Path: dir})
		},
		Change: func(t *testing.T, user string, folder mail.Path) {
			more++
			name := strings.ReplaceAll(string(folder), "INBOX", "Inbox")
			put(t, filepath.Join(dir, paths[user]), pack(t, append(fixture(), file{fmt.Sprintf("%s%s/message_9%d.xml", box, name, more), document(email("more", ""))})))
		},
	})
}

type one struct {
	mail.Message
	err  error
	text string
}

// readAll reads what a source has, by "folder key".
func readAll(t testing.TB, s connector.Source) map[string]one {
	t.Helper()
	all := map[string]one{}
	for u, err := range s.Users(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		b, err := s.Mailbox(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		folders, err := b.Folders(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range folders {
			for m, err := range b.Messages(t.Context(), f.Path) {
				o := one{Message: m, err: err}
				if err == nil && m.LeftOut == nil {
					r, err := b.Open(t.Context(), f.Path, m)
					if o.err = err; err == nil {
						text, err := io.ReadAll(r)
						o.text, o.err = string(text), err
						_ = r.Close()
					}
				}
				all[string(f.Path)+" "+m.Key] = o
			}
		}
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestArchive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "anna.olm")
	put(t, path, pack(t, fixture()))
	all := readAll(t, open(t, path))
	for _, key := range []string{"INBOX message_00001.xml", "INBOX message_00001.xml#2", "Drafts message_00000.xml", "On My Computer/Old/.. message_00000.xml"} {
		if o, ok := all[key]; !ok || o.err != nil || o.text == "" {
			t.Errorf("%s: %v, %q", key, o.err, o.text)
		}
	}
	rich := all["INBOX message_00000.xml"]
	for _, want := range []string{"From: B&B <bert@example.org>", "To: Anna <>", "Reply-To: =?UTF-8?Q?B=C3=BCr=2C_O?= <r@example.org>, c <>\r\n", "Message-ID: <m1@example.org>", "In-Reply-To: <m0@example.org>", "References: <a@x> <b@x>", "Date: Tue, 21 Jun 2011 23:48:00 +0000",
		"multipart/mixed", "multipart/alternative", "multipart/related", "plain <1>", "h=C3=A4llo", "Content-ID: <i1>", "iVBORw==", "AAH/", "gone.doc is not in the archive", "application/octet-stream"} {
		if !strings.Contains(rich.text, want) {
			t.Errorf("the message lacks %q:\n%s", want, rich.text)
		}
	}
	if want := mail.NewFlagSet(mail.Seen|mail.Flagged, "Team_Blue", "Other"); !rich.Flags.Equal(want) {
		t.Errorf("the flags are %s", rich.Flags)
	}
	if got := rich.InternalDate.Format("2006-01-02 15:04:05"); got != "2011-06-21 23:49:00" {
		t.Errorf("it arrived at %s", got)
	}
	if f := all["Drafts message_00000.xml"].Flags.System; f != mail.Seen|mail.Draft {
		t.Errorf("a draft is %s", f.Names())
	}
	if o := all["INBOX broken.xml"]; failure.ClassOf(o.err) != failure.Malformed || failure.RuleOf(o.err) != "olm.truncated" {
		t.Errorf("damage gives %v", o.err)
	}
	for _, key := range []string{"On My Computer/Address Book Contacts.xml", "On My Computer/Address Book Contacts.xml#2"} {
		if o := all[key]; o.LeftOut == nil || o.LeftOut.Kind != RuleLeft {
			t.Errorf("%s is %+v", key, o)
		}
	}
	if len(all) != 8 {
		for key := range all {
			t.Log(key)
		}
		t.Errorf("there are %d messages", len(all))
	}
}

func TestHostile(t *testing.T) {
	whole := pack(t, fixture())
	for name, c := range map[string]struct {
		data  []byte
		class failure.Class
		rule  string
	}{
		"empty":     {nil, failure.Malformed, "olm.zip"},
		"no zip":    {[]byte("this is no archive at all, but long enough"), failure.Malformed, "olm.zip"},
		"cut":       {whole[:len(whole)-30], failure.Malformed, "olm.zip"},
		"entries":   {bytes.Repeat([]byte("PK\x01\x02"), 10), failure.Malformed, "olm.zip"},
		"directory": {append(whole[:len(whole)-22:len(whole)-22], bytes.Repeat([]byte{0xff}, 22)...), failure.Malformed, "olm.zip"},
	} {
		path := filepath.Join(t.TempDir(), "x.olm")
		put(t, path, c.data)
		_, err := open(t, path).Mailbox(t.Context(), "x")
		if failure.ClassOf(err) != c.class || failure.RuleOf(err) != c.rule {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Bytes of an attachment that are not what the directory says.
	path := filepath.Join(t.TempDir(), "x.olm")
	list := fixture()
	list[4].text = strings.Repeat("incompressible?", 3)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range list {
		w, _ := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Store})
		_, _ = io.WriteString(w, f.text)
	}
	_ = z.Close()
	put(t, path, bytes.Replace(b.Bytes(), []byte("incompressible?"), []byte("incompressible!"), 1))
	if o := readAll(t, open(t, path))["INBOX message_00000.xml"]; failure.RuleOf(o.err) != "olm.crc" {
		t.Errorf("a damaged attachment gives %v", o.err)
	}
}

// TestRealMail reads the archives of the collection twice.
func TestRealMail(t *testing.T) {
	if testing.Short() {
		t.Skip("real archives")
	}
	archives := 0
	corpus.Each(t, "olm", func(name, path string) {
		if !isArchive(name) {
			return
		}
		archives++
		first, second := readAll(t, open(t, path)), readAll(t, open(t, path))
		messages, left, attachments := 0, 0, 0
		for key, o := range first {
			switch {
			case o.err != nil:
				t.Errorf("%s: %s: %v", name, key, o.err)
			case o.LeftOut != nil:
				left++
			default:
				messages++
				if o.text != second[key].text || !o.InternalDate.Equal(second[key].InternalDate) {
					t.Errorf("%s: %s differs the second time", name, key)
				}
				if strings.Contains(o.text, "is not in the archive") {
					t.Errorf("%s: %s lacks an attachment", name, key)
				}
				r := mime.NewReader(strings.NewReader(o.text))
				for {
					p, err := r.Next()
					if err != nil {
						break
					}
					if p.Disposition != "" {
						attachments++
					}
				}
			}
		}
		t.Logf("%s: %d messages, %d attachments, %d items left out", name, messages, attachments, left)
		if messages != 22 || attachments != 38 || left != 3 {
			t.Errorf("%s has 22 messages, 38 attachments and 3 contacts; found are %d, %d, %d", name, messages, attachments, left)
		}
	})
	if archives == 0 {
		t.Error("there is no archive in the collection")
	}
}
