package test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"waybill/internal/counterpart"
	"waybill/internal/postoffice"
	"waybill/report"
)

// TestPostofficeServers moves a postoffice into Cyrus, with the accounts, contacts
// and groups in a Samba domain: a postoffice with every documented corruption. With
// WAYBILL_PROOF it has 200 users and 20,000 messages; without it the test is left
// out, because domain and server need a minute to start where others work.
func TestPostofficeServers(t *testing.T) {
	if os.Getenv("WAYBILL_PROOF") == "" {
		t.Skip("WAYBILL_PROOF is not set; make proof sets it")
	}
	opt := postoffice.Options{Seed: 43, Users: 200, Messages: 20_000, Groups: 12}
	if os.Getenv("WAYBILL_PROOF") == "small" {
		opt.Users, opt.Messages = 64, 400
	}
	domain := counterpart.NewSamba(t)
	const unit = "OU=Post"
	if out, err := domain.Tool(t.Context(), "ou", "create", unit+","+domain.Base); err != nil {
		t.Fatal(out, err)
	}
	cyrus := counterpart.NewCyrus(t, counterpart.CyrusOptions{NoMailboxes: true, UnixHierarchySep: true, AltNamespace: true, KeepEightBit: true, Extra: "autocreate_quota: -1"})
	e := newErrand(t)
	m, done := damagedPostoffice(t, e.dir, opt)
	// Everybody but the public folders, who need no account; the broken name gets
	// another one.
	users := "user,account,address,action\n"
	for u, err := range openPostoffice(t, e.dir).Users(t.Context()) {
		switch {
		case u.Kind != "" || err != nil:
			users += u.ID + ",,,skip\n"
		default:
			login := "m" + strings.ToLower(strings.ReplaceAll(u.ID, "-", ""))
			users += u.ID + "," + login + "," + login + "@waybill.test,create\n"
		}
	}
	e.write("users.csv", users)
	e.env = []string{"WAYBILL_TARGET_PASSWORD=" + cyrus.AdminPassword, "WAYBILL_DIRECTORY_PASSWORD=" + counterpart.SambaPassword}
	place := "ldap://" + domain.Host + "/" + domain.Base + "?schema=ad&bind=" + domain.Administrator() + "&users=" + unit + "&password=random&tls=starttls"
	args := []string{"migrate", "--from", "msmail:post?zone=Europe/Berlin", "--to", cyrus.ACLLocation(), "--grant", "--users", "users.csv",
		"--directory", place, "--directory-passwords", "passwords.csv", "--tls-ca", domain.CAFile(), "--rewrite-addresses", "--yes"}
	code, out := tried(e, args...)
	if code > 2 {
		t.Fatalf("ended with %d:\n%s", code, out)
	}
	w := readWaybill(t, filepath.Join(e.dir, "waybill-report"))
	checkDamaged(t, e.dir, m, done, w)
	t.Logf("%d found, %d verified, %d quarantined; directory %+v", w.Totals.Found, w.Totals.Verified, w.Totals.Quarantined, w.Directory)
	if w.Directory.Lists != len(m.Groups) || w.Totals.Refused > 0 {
		t.Errorf("directory %+v, want %d lists; totals %+v", w.Directory, len(m.Groups), w.Totals)
	}
	people, err := domain.Search(t.Context(), unit+","+domain.Base, "(objectClass=user)", "proxyAddresses")
	if err != nil {
		t.Fatal(err)
	}
	admin := m.Users[0]
	if !strings.Contains(people, "proxyAddresses: SMTP:madmin@waybill.test") || !strings.Contains(people, "proxyAddresses: MS:"+m.Network+"/"+m.Postoffice+"/"+admin.Mailbox) {
		t.Errorf("the administrator's addresses are not in the domain:\n%.2000s", people)
	}
	// Again: nothing is sent twice.
	if code, out := tried(e, args...); code > 2 {
		t.Fatalf("the second run ended with %d:\n%s", code, out)
	}
	if again := readWaybill(t, filepath.Join(e.dir, "waybill-report")); again.Totals.Verified != w.Totals.Verified || again.Totals.Found != w.Totals.Found {
		t.Errorf("the second run made %+v of %+v", again.Totals, w.Totals)
	}
	inCyrus(t, cyrus, w)
}

// tried runs the program and returns its exit code and output.
func tried(e *errand, args ...string) (int, string) {
	e.t.Helper()
	cmd := e.command(e.t.Context(), args...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		e.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

// inCyrus compares the number of messages of some mailboxes with what Cyrus itself says.
func inCyrus(t *testing.T, cyrus *counterpart.Cyrus, w *report.Waybill) {
	t.Helper()
	seen := 0
	for _, b := range w.Mailboxes {
		want := inboxOf(w, b.User).Verified
		if b.State != report.Complete || want == 0 {
			continue
		}
		if seen++; seen > 20 {
			return
		}
		if err := cyrus.SetACL(t.Context(), cyrus.Root(b.Account), cyrus.Admin, "lrs"); err != nil {
			t.Fatal(err)
		}
		out, err := cyrus.Run(t.Context(), cyrus.Admin, "STATUS "+cyrus.Root(b.Account)+" (MESSAGES)")
		if err != nil || !strings.Contains(out, "(MESSAGES "+strconv.FormatInt(want, 10)+")") {
			t.Errorf("%s: Cyrus says %q, want %d: %v", b.Account, out, want, err)
		}
	}
	if seen == 0 {
		t.Error("no mailbox is complete")
	}
}
