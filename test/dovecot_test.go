package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector/site"
	"waybill/mail"
)

// overIMAP reads every folder that Dovecot shows through Python's imaplib.
const overIMAP = `import hashlib, imaplib, json, re, sys, time
c = imaplib.IMAP4_stream(sys.argv[1])
typ, names = c.list()
for line in names:
    name = re.match(rb'\(.*?\) (?:"."|NIL) (.*)$', line).group(1).strip().strip(b'"').decode()
    if b'\\Noselect' in line: continue
    typ, n = c.select('"%s"' % name, readonly=True)
    assert typ == 'OK', (name, n)
    if n[0] == b'0': continue
    typ, parts = c.fetch('1:*', '(FLAGS INTERNALDATE BODY.PEEK[])')
    # imaplib gives each message as a pair, and what follows the body apart.
    it = iter(parts)
    for p in it:
        rest = next(it)
        head = p[0] + rest
        flags = re.search(rb'FLAGS \((.*?)\)', head).group(1).decode().split()
        when = imaplib.Internaldate2tuple(head)
        print(json.dumps({"folder": name, "sha256": hashlib.sha256(p[1]).hexdigest(), "date": int(time.mktime(when)),
            "flags": [f for f in flags if f != '\\Recent']}))
c.logout()
`

// TestDovecotServesIt moves a site to a Maildir and reads that over IMAP as its
// owner would: counts, content, flags, keywords and dates.
func TestDovecotServesIt(t *testing.T) {
	t.Parallel()
	const imap = "/usr/lib/dovecot/imap"
	python, err := exec.LookPath("python3")
	if _, missing := os.Stat(imap); missing != nil || err != nil {
		t.Skip("Dovecot or python3 is not installed (Debian: dovecot-imapd, python3)")
	}
	work := t.TempDir()
	shown := map[string]mail.Path{"INBOX": mail.Inbox, "Entw&APw-rfe": mail.NewPath("Entwürfe"), "x/x/x": mail.NewPath("x", "x", "x"), "&ZeVnLIqe-": mail.NewPath("日本語")}
	var folders []mail.Path
	for _, p := range shown {
		folders = append(folders, p)
	}
	from := filepath.Join(work, "from.site")
	kinds[len(kinds)-1].fill(t, from, folders)
	expect(t, 0, work, "migrate", "--from", "site:from.site", "--to", "maildir:mail")

	want, got := counted{}, counted{}
	for k, n := range multiset(t, must(t)(site.Source(t.Context(), locate("site", from))), true) {
		if rest, ok := strings.CutPrefix(k, "anna "); ok {
			want[rest] += n
		}
	}
	box := filepath.Join(work, "mail", "anna")
	conf := filepath.Join(work, "dovecot.conf")
	text := fmt.Sprintf("base_dir = %s/run\nlog_path = %s/log\nprotocols = imap\nssl = no\nmail_fsync = never\nmail_location = maildir:%s\nnamespace inbox {\n  inbox = yes\n  separator = /\n}\n", work, work, box)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	command := fmt.Sprintf("env HOME=%s USER=anna %s -c %s", box, imap, conf)
	if os.Getuid() == 0 { // Dovecot refuses to serve mail as root
		who, err := user.Lookup("nobody")
		if err != nil {
			t.Skip("there is no user nobody to run Dovecot as")
		}
		nobody(t, work)
		if out, err := exec.Command("chown", "-R", who.Uid+":"+who.Gid, work).CombinedOutput(); err != nil {
			t.Fatalf("%v %s", err, out)
		}
		command = fmt.Sprintf("setpriv --reuid=%s --regid=%s --clear-groups %s", who.Uid, who.Gid, command)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", overIMAP, command)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	cmd.Env = append(os.Environ(), "TZ=UTC")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("imaplib: %v\n%s", err, complaints.String())
	}
	for l := range strings.Lines(string(out)) {
		var m struct {
			Folder, SHA256 string
			Date           int64
			Flags          []string
		}
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatal(err)
		}
		path, ok := shown[m.Folder]
		if !ok {
			t.Errorf("Dovecot shows a folder %q", m.Folder)
		}
		got[fmt.Sprintf("%s %s %s %d", path, m.SHA256, mail.NewFlagSet(0, m.Flags...), m.Date)]++
	}
	if want.total() != 24*len(shown) {
		t.Fatalf("the site holds %d messages", want.total())
	}
	compare(t, "over IMAP", want, got)
}
