package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// addressReader prints what Python finds in the address fields of all messages
// below a directory, and the digest of each body.
const addressReader = `import email, email.utils, hashlib, json, os, sys
for top, dirs, files in os.walk(sys.argv[1]):
    if os.path.basename(top) not in ("cur", "new"): continue
    for f in files:
        raw = open(os.path.join(top, f), "rb").read()
        m = email.message_from_bytes(raw)
        get = lambda name: [list(a) for a in email.utils.getaddresses([str(v) for v in m.get_all(name, [])])]
        print(json.dumps({"Subject": m["Subject"], "From": get("From"), "To": get("To"), "OldFrom": get("X-Waybill-Original-From"), "OldTo": get("X-Waybill-Original-To"),
            "Body": hashlib.sha256(raw.partition(b"\r\n\r\n")[2]).hexdigest()}))
`

// readAddresses is what Python sees, by subject.
func readAddresses(t *testing.T, python, dir string) map[string]string {
	t.Helper()
	out, err := exec.Command(python, "-c", addressReader, dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for line := range strings.Lines(string(out)) {
		var m struct {
			Subject, Body            string
			From, To, OldFrom, OldTo [][2]string
		}
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		seen[m.Subject+" body"] = m.Body
		for name, list := range map[string][][2]string{"from": m.From, "to": m.To, "old from": m.OldFrom, "old to": m.OldTo} {
			seen[m.Subject+" "+name] = fmt.Sprint(list)
		}
	}
	return seen
}

// TestOldAddresses moves mail with addresses of Exchange, Microsoft Mail and X.400.
func TestOldAddresses(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed (Debian: python3)")
	}
	const (
		annaEX = "IMCEAEX-_O=ORG_OU=SITE_CN=RECIPIENTS_CN=ANNA@migrated.invalid"
		zoeEX  = "IMCEAEX-_O=ORG_OU=SITE_CN=RECIPIENTS_CN=ZOE@migrated.invalid"
		inner  = "--x\r\nContent-Type: message/rfc822\r\n\r\nFrom: <" + annaEX + ">\r\n\r\nin\r\n--x--\r\n"
	)
	e := newErrand(t)
	letters := []string{
		"From: \"Berg, Anna\" <" + annaEX + ">\r\nTo: Bert <MS:NET/PO/BERT>,\r\n\tc@far.example\r\nSubject: 0\r\n\r\nFrom: " + annaEX + "\r\n",
		"From: c@far.example\r\nTo: <" + zoeEX + ">, \"/G=Bert/S=Bo/PRMD=Org/C=de/\"@gw.example\r\nSubject: 1\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + inner,
		"DKIM-Signature: v=1; h=from:subject; b=x\r\nFrom: <" + annaEX + ">\r\nTo: c@far.example\r\nSubject: 2\r\n\r\nsigned\r\n",
		"From: d@far.example\r\nTo: c@far.example\r\nSubject: 3\r\n\r\nnothing old\r\n",
	}
	for i, text := range letters {
		e.write(fmt.Sprintf("mail/anna/cur/150000000%d.M%dP1.kogge:2,S", i, i), text)
	}
	for _, sub := range []string{"new", "tmp"} {
		if err := os.MkdirAll(filepath.Join(e.dir, "mail/anna", sub), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	e.write("mail/bert/cur/1500000009.M9P1.kogge:2,S", "Subject: 4\r\n\r\nx\r\n")
	// A ";" joins addresses in a user map, so that Bert's X.400 address has slashes.
	users := func(anna string) {
		e.write("users.csv", "user,account,address\nanna,anna,SMTP:"+anna+";EX:/o=Org/ou=Site/cn=Recipients/cn=anna\n"+
			"bert,bert,bert@new.example;MS:NET/PO/BERT;X400:/C=de/PRMD=Org/S=Bo/G=Bert\n")
	}
	users("anna@new.example")
	args := []string{"--from", "maildir:mail", "--to", "maildir:out", "--users", "users.csv", "--rewrite-addresses"}
	e.ends(0, []string{"known for 3 old addresses"}, append([]string{"plan"}, args...)...)
	e.ends(0, []string{"5 found = 5 verified", "known for 3 old addresses"}, append([]string{"migrate", "--report", "first"}, args...)...)

	var waybill struct{ Notes map[string]int64 }
	if err := json.Unmarshal([]byte(e.read("first/report.json")), &waybill); err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string]int64{"address-rewritten": 2, "address-not-found": 1, "address-signed": 1} {
		if waybill.Notes[kind] != want {
			t.Errorf("%d notes %s, want %d: %v", waybill.Notes[kind], kind, want, waybill.Notes)
		}
	}
	was, now := readAddresses(t, python, filepath.Join(e.dir, "mail")), readAddresses(t, python, filepath.Join(e.dir, "out"))
	for what, want := range map[string]string{
		"0 from": "[[Berg, Anna anna@new.example]]", "0 to": "[[Bert bert@new.example] [ c@far.example]]", "0 old from": was["0 from"], "0 old to": was["0 to"],
		"1 from": was["1 from"], "1 to": "[[ " + zoeEX + "] [ bert@new.example]]", "1 old to": was["1 to"], "1 old from": "[]",
		"2 from": was["2 from"], "2 old from": "[]", "3 to": was["3 to"], "3 old to": "[]",
	} {
		if now[what] != want {
			t.Errorf("%s is %s, want %s", what, now[what], want)
		}
	}
	for i := range len(letters) + 1 {
		if body := fmt.Sprint(i, " body"); now[body] != was[body] || was[body] == "" {
			t.Errorf("the body of message %d changed", i)
		}
	}

	// With another address for Anna, what was delivered stays, and what comes is new.
	users("a.berg@new.example")
	e.write("mail/anna/cur/1500000008.M8P1.kogge:2,S", strings.Replace(letters[0], "Subject: 0", "Subject: 8", 1))
	e.ends(0, []string{"6 found = 6 verified"}, append([]string{"cutover", "--full", "--report", "second"}, args...)...)
	e.ends(0, []string{"6 as delivered"}, "verify")
	after := readAddresses(t, python, filepath.Join(e.dir, "out"))
	if after["0 from"] != now["0 from"] || after["8 from"] != "[[Berg, Anna a.berg@new.example]]" {
		t.Errorf("after the map changed: %s and %s", after["0 from"], after["8 from"])
	}
	// Without the option new mail comes as it is.
	e.write("mail/anna/cur/1500000007.M7P1.kogge:2,S", strings.Replace(letters[0], "Subject: 0", "Subject: 7", 1))
	e.ends(0, []string{"7 found = 7 verified"}, append([]string{"migrate", "--report", "third"}, slices.Delete(slices.Clone(args), len(args)-1, len(args))...)...)
	if last := readAddresses(t, python, filepath.Join(e.dir, "out")); last["7 from"] != was["0 from"] || last["7 old from"] != "[]" {
		t.Errorf("without the option: %s", last["7 from"])
	}
	e.ends(0, []string{"7 as delivered"}, "verify")
}
