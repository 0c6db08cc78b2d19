package mapimail

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waybill/format/mapi"
)

// judge reads every message of a directory with Python's email package and
// prints what it finds, one line of JSON for each. Defects are those that the
// package itself reports.
const judge = `
import email, email.policy, hashlib, json, os, sys
for name in sorted(os.listdir(sys.argv[1])):
    with open(os.path.join(sys.argv[1], name), 'rb') as f:
        m = email.message_from_binary_file(f, policy=email.policy.default)
    out = {'subject': str(m['Subject'] or ''), 'to': [], 'parts': [], 'defects': []}
    for field in m.get_all('To', []):
        out['to'] += [a.addr_spec for a in field.addresses]
    for field, value in m.items():
        out['defects'] += [field + ': ' + type(d).__name__ for d in value.defects]
    for p in m.walk():
        out['defects'] += [p.get_content_type() + ': ' + type(d).__name__ for d in p.defects]
        if p.get_content_maintype() in ('multipart', 'message'):
            out['parts'].append(p.get_content_type())
            continue
        body = p.get_payload(decode=True)
        if p.get_content_maintype() == 'text' and not p.get_filename():
            out['parts'].append(p.get_content_type() + ' ' + p.get_content().strip())
        else:
            out['parts'].append(p.get_content_type() + ' ' + (p.get_filename() or '') + ' ' + hashlib.sha256(body).hexdigest())
    print(json.dumps(out))
`

// verdict is what the judge prints.
type verdict struct {
	Subject string
	To      []string
	Parts   []string
	Defects []string
}

func sum(s string) string {
	d := sha256.Sum256([]byte(s))
	return hex.EncodeToString(d[:])
}

// TestPythonReadsIt lets Python's email package judge messages of every kind.
func TestPythonReadsIt(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed")
	}
	inner := &item{props: props(mapi.Subject, "Größe", mapi.Body, "innen", mapi.SenderName, "I", mapi.SenderAddressType, "SMTP", mapi.SenderEmailAddress, "i@example.org")}
	from := []any{mapi.SenderName, "Jörg \"J\" Maier, München", mapi.SenderAddressType, "SMTP", mapi.SenderEmailAddress, "joerg@example.org", mapi.ClientSubmitTime, at("2010-01-02T03:04:05Z")}
	with := func(list ...any) *mapi.Props { return props(append(list, from...)...) }
	long := strings.Repeat("Überlänge ", 60)
	cases := []struct {
		m    *item
		want verdict
	}{
		{&item{props: with(mapi.Subject, "Plain", mapi.Body, "text")}, verdict{"Plain", nil, []string{"text/plain text"}, nil}},
		{&item{props: with(mapi.Subject, long, mapi.Body, long)}, verdict{strings.TrimSpace(long), nil, []string{"text/plain " + strings.TrimSpace(long)}, nil}},
		{&item{props: with(mapi.Subject, "日本語\r\nBcc: x@example.org", mapi.HTML, []byte("<p>\xe4"), mapi.InternetCodepage, 1252, mapi.Body, "ä"),
			recipients: []*mapi.Props{recipient(1, "Dörte, D.", "SMTP", "d@example.org"), recipient(1, "E", "EX", "/o=O/cn=é (x)"), recipient(1, "<F> \"g\"", "SMTP", "f.g@example.org")}},
			verdict{"日本語  Bcc: x@example.org", []string{"d@example.org", "IMCEAEX-_o=O_cn=+C3+A9+20+28x+29@migrated.invalid", "f.g@example.org"},
				[]string{"multipart/alternative", "text/plain ä", "text/html <p>ä"}, nil}},
		{&item{props: with(mapi.Subject, "files", mapi.Body, "x"), attachments: []mapi.Attachment{
			attach(mapi.AttachLongFilename, "Übersicht (1).pdf", mapi.AttachData, []byte("%PDF\x00\xff")),
			attach(mapi.AttachLongFilename, strings.Repeat("日", 60)+".txt", mapi.AttachData, []byte("\n\r\n\r")),
			&file{props: props(mapi.AttachMethod, mapi.EmbeddedMessage, mapi.DisplayName, "Größe"), message: inner}}},
			verdict{"files", nil, []string{"multipart/mixed", "text/plain x", "application/pdf Übersicht (1).pdf " + sum("%PDF\x00\xff"),
				"text/plain " + strings.Repeat("日", 60) + ".txt " + sum("\n\r\n\r"), "message/rfc822", "text/plain innen"}, nil}},
		{&item{props: with(mapi.MessageClass, "REPORT.IPM.Note.NDR", mapi.Subject, "NDR", mapi.ReportText, "failed"), recipients: []*mapi.Props{recipient(1, "Ä", "SMTP", "a@example.org")}},
			verdict{"NDR", nil, []string{"multipart/report", "text/plain failed", "message/delivery-status", "text/plain", "text/plain"}, nil}},
		{&item{props: with(mapi.TransportMessageHeaders, "From: J\u00f6rg <j@example.org>\r\nSubject: gr\u00fc\u00df\r\nTo: \u00c4 <a@example.org>\r\nReceived: by \u00e4 (\u00fc) with\r\n x; Tue, 6 May 2003 07:08:09 +0000\r\n", mapi.Body, "x")},
			verdict{"grüß", []string{"a@example.org"}, []string{"text/plain x"}, nil}},
	}
	dir := t.TempDir()
	for i, c := range cases {
		_, text := convertAll(t, c.m, Options{})
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%03d.eml", i)), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, err := exec.CommandContext(t.Context(), python, "-c", judge, dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("%d lines of %d: %s", len(lines), len(cases), out)
	}
	for i, c := range cases {
		var got verdict
		if err := json.Unmarshal([]byte(lines[i]), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Defects) > 0 || got.Subject != c.want.Subject || strings.Join(got.To, ",") != strings.Join(c.want.To, ",") {
			t.Errorf("%d: %+v, want %+v", i, got, c.want)
		}
		if strings.HasPrefix(c.want.Subject, "NDR") {
			got.Parts = got.Parts[:3] // the status fields are parts of Python's own
			c.want.Parts = c.want.Parts[:3]
		}
		if strings.Join(got.Parts, "\n") != strings.Join(c.want.Parts, "\n") {
			t.Errorf("%d: parts\n%s\nwant\n%s", i, strings.Join(got.Parts, "\n"), strings.Join(c.want.Parts, "\n"))
		}
	}
}
