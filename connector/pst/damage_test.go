package pst

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/mapi"
	format "waybill/format/pst"
	"waybill/internal/pstwrite"
	"waybill/mail"
)

func nid(n uint32) format.NID { return format.NID(n) }

// written makes anna.pst with messages in a folder, as fill says, and tells where
// things are.
func written(t *testing.T, fill func(w *pstwrite.Writer, to pstwrite.FolderID)) (dir string, file *os.File, at pstwrite.Layout) {
	t.Helper()
	dir = t.TempDir()
	file, err := os.OpenFile(filepath.Join(dir, "anna.pst"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	w, err := pstwrite.New(file, pstwrite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	to, err := w.Folder(pstwrite.Root, "Inbox", "IPF.Note")
	if err != nil {
		t.Fatal(err)
	}
	fill(w, to)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, file, w.Layout()
}

func add(t *testing.T, w *pstwrite.Writer, to pstwrite.FolderID, m pstwrite.Message) uint32 {
	t.Helper()
	n, err := w.Add(to, m)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func letterNamed(subject string, more ...pstwrite.Prop) pstwrite.Message {
	return pstwrite.Message{Props: append([]pstwrite.Prop{pstwrite.Text(mapi.MessageClass, "IPM.Note"), pstwrite.Text(mapi.Subject, subject), pstwrite.Text(mapi.Body, "text of "+subject)}, more...)}
}

// Of a file with one broken message all others arrive, and the broken one is told
// by its node.
func TestBrokenMessageIsSetAside(t *testing.T) {
	var nodes []uint32
	dir, file, at := written(t, func(w *pstwrite.Writer, to pstwrite.FolderID) {
		for i := range 10 {
			nodes = append(nodes, add(t, w, to, letterNamed(fmt.Sprint("letter ", i))))
		}
	})
	n, _ := at.Node(nodes[4])
	block, ok := at.Block(n.Data)
	if !ok {
		t.Fatal("no such block")
	}
	if err := at.Rewrite(file, block, func(b []byte) { clear(b) }); err != nil {
		t.Fatal(err)
	}
	box := boxOf(t, location(dir), "anna")
	messages, faults := listed(t, box, mail.Inbox)
	broken := keyOf(nid(nodes[4]))
	if len(messages) != 9 || len(faults) != 1 || faults[broken] == nil {
		t.Fatalf("%d messages, faults %v", len(messages), faults)
	}
	err := faults[broken]
	if failure.ClassOf(err) != failure.Malformed || !strings.Contains(err.Error(), nid(nodes[4]).String()) || !strings.Contains(err.Error(), "anna.pst") {
		t.Errorf("the error does not name file and node: %v", err)
	}
	if c, err := box.Census(t.Context(), mail.Inbox, true); err != nil || c.Messages != 10 {
		t.Errorf("the census counts %d, %v", c.Messages, err)
	}
}

// A damaged attachment costs the attachment: the message arrives with a note, and
// says what is missing.
func TestBrokenAttachmentIsNoted(t *testing.T) {
	dir, file, at := written(t, func(w *pstwrite.Writer, to pstwrite.FolderID) {
		m := letterNamed("with a file")
		m.Attachments = []pstwrite.Attachment{{Props: []pstwrite.Prop{pstwrite.Text(mapi.AttachLongFilename, "plan.bin")}, Data: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(strings.Repeat("0123456789abcdef", 8000))), nil
		}}}
		add(t, w, to, m)
	})
	// The blocks of the attachment are the largest: the last of them is gone.
	var last pstwrite.Region
	for b := range at.Blocks() {
		if b.Kind == pstwrite.DataBlock && b.Size > 4000 {
			last = b
		}
	}
	if last.Size == 0 {
		t.Fatal("no large block")
	}
	// Its trailer names another block.
	if _, err := file.WriteAt(make([]byte, 16), last.Offset+int64(last.Room)-16); err != nil {
		t.Fatal(err)
	}
	box := boxOf(t, location(dir), "anna")
	messages, faults := listed(t, box, mail.Inbox)
	if len(messages) != 1 || len(faults) > 0 {
		t.Fatalf("%d messages, faults %v", len(messages), faults)
	}
	noted := false
	for _, n := range messages[0].Notes {
		noted = noted || strings.HasPrefix(n.Kind, "attachment-") || strings.HasPrefix(n.Kind, "pst.")
	}
	if text := contentOf(t, box, mail.Inbox, messages[0]); !noted || !strings.Contains(text, "text of with a file") {
		t.Errorf("notes %v, message %.300q", messages[0].Notes, text)
	}
}

// A table that is gone costs nothing when the tree of nodes has the items; that it
// is gone is told.
func TestBrokenTableOfItems(t *testing.T) {
	var folder uint32
	dir, file, at := written(t, func(w *pstwrite.Writer, to pstwrite.FolderID) {
		folder = uint32(to)
		for i := range 10 {
			add(t, w, to, letterNamed(fmt.Sprint("letter ", i)))
		}
	})
	n, ok := at.Node(folder&^0x1F | 0x0E)
	if !ok {
		t.Fatal("no table")
	}
	block, _ := at.Block(n.Data)
	if err := at.Rewrite(file, block, func(b []byte) { clear(b) }); err != nil {
		t.Fatal(err)
	}
	box := boxOf(t, location(dir), "anna")
	messages, faults := listed(t, box, mail.Inbox)
	if len(messages) != 10 || len(faults) != 1 || failure.RuleOf(faults["missing-1"]) != "pst.items-lost" {
		t.Fatalf("%d messages, faults %v", len(messages), faults)
	}
}

// Items whose folder is gone come back on request only.
func TestRecoverOrphans(t *testing.T) {
	var lost uint32
	dir, file, at := written(t, func(w *pstwrite.Writer, to pstwrite.FolderID) {
		other, err := w.Folder(pstwrite.Root, "Other", "IPF.Note")
		if err != nil {
			t.Fatal(err)
		}
		add(t, w, to, letterNamed("stays"))
		add(t, w, other, letterNamed("orphan"))
		lost = uint32(other)
	})
	// The number of the folder and of its tables becomes another in the tree.
	for _, page := range at.Pages() {
		if page.Kind != pstwrite.NodePage || page.Level != 0 {
			continue
		}
		if err := at.Rewrite(file, page, func(b []byte) {
			const size = 32 // of an entry ([MS-PST] 2.2.2.7.7.4)
			for i := 0; i+size <= 488; i += size {
				id := binary.LittleEndian.Uint32(b[i:])
				other := map[uint32]uint32{0x02: 0x01, 0x0D: 0x13, 0x0E: 0x14, 0x0F: 0x15}
				if kind, is := other[id&0x1F]; is && id&^0x1F == lost&^0x1F {
					binary.LittleEndian.PutUint32(b[i:], id&^0x1F|kind)
				}
				if parent := b[i+24:]; id&0x1F == 4 && binary.LittleEndian.Uint32(parent) == lost {
					binary.LittleEndian.PutUint32(parent, 0xFFFE2)
				}
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		options []string
		want    int
	}{{nil, 0}, {[]string{"recover", "1"}, 1}} {
		box := boxOf(t, location(dir, c.options...), "anna")
		found := 0
		for path := range foldersOf(t, box) {
			messages, _ := listed(t, box, path)
			for _, m := range messages {
				if strings.Contains(contentOf(t, box, path, m), "Subject: orphan") {
					found++
					if path != recovered {
						t.Errorf("the orphan lies in %s", path)
					}
				}
			}
		}
		if found != c.want {
			t.Errorf("%v: the orphan is found %d times, want %d", c.options, found, c.want)
		}
	}
}

// Addresses of an Exchange directory are resolved by the operator's list, and
// receipts are disarmed on request.
func TestAddressesAndReceipts(t *testing.T) {
	const dn = "/o=Org/ou=Site/cn=Recipients/cn=anna"
	dir, _, _ := written(t, func(w *pstwrite.Writer, to pstwrite.FolderID) {
		m := letterNamed("to Anna", pstwrite.Bool(mapi.ReadReceiptRequested, true), pstwrite.Text(mapi.SentRepresentingEmailAddress, "bert@example.org"), pstwrite.Text(mapi.SentRepresentingAddressType, "SMTP"), pstwrite.Text(mapi.SentRepresentingName, "Bert"))
		m.Recipients = [][]pstwrite.Prop{{pstwrite.Int(mapi.RecipientType, 1), pstwrite.Text(mapi.DisplayName, "Anna"), pstwrite.Text(mapi.AddressType, "EX"), pstwrite.Text(mapi.EmailAddress, dn)}}
		add(t, w, to, m)
	})
	csv := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(csv, []byte("user,address\nanna,EX:"+strings.ToUpper(dn)+";SMTP:anna@new.example\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(options ...string) string {
		box := boxOf(t, location(dir, options...), "anna")
		messages, _ := listed(t, box, mail.Inbox)
		return contentOf(t, box, mail.Inbox, messages[0])
	}
	plain, mapped := read(), read("addresses", csv, "receipts", "disarm")
	if !strings.Contains(plain, "migrated.invalid") || !strings.Contains(plain, "\nDisposition-Notification-To:") {
		t.Errorf("without options: %s", plain)
	}
	if !strings.Contains(mapped, "anna@new.example") || strings.Contains(mapped, "\nDisposition-Notification-To:") {
		t.Errorf("with a list: %s", mapped)
	}
}
