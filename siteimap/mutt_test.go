package siteimap_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/internal/counterpart"
	"waybill/mail"
	"waybill/siteimap"
)

// TestMutt has mutt copy messages into files.
func TestMutt(t *testing.T) {
	mutt := program(t, "mutt")
	store := newSite(t, "anna")
	fill(t, store, "anna", mail.Inbox, "Subject: first-entry\r\n\r\nfirst\r\n", "Subject: last-entry\r\n\r\nsecond\r\n")
	host, port, _ := net.SplitHostPort(serve(t, siteimap.Options{Store: store}, false))
	for command, want := range map[string]string{"first-entry": "first\n", "last-entry": "second\n"} {
		dir := t.TempDir()
		rc := filepath.Join(dir, "muttrc")
		text := fmt.Sprintf("set imap_user=anna\nset imap_pass=%[1]q\nset ssl_starttls=no\nset ssl_force_tls=no\nset confirmcreate=no\nset confirmappend=no\nset copy=no\nset delete=no\nset quit=yes\n"+
			"set folder=%[3]s\nset header_cache=\nset wait_key=no\npush '<%[2]s><copy-message>%[3]s/copied<enter><quit>'\n", password, command, dir)
		if err := os.WriteFile(rc, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		reader := exec.CommandContext(ctx, mutt, "-n", "-F", rc, "-f", "imap://"+net.JoinHostPort(host, port)+"/INBOX")
		reader.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=xterm")
		said, err := counterpart.OnTerminal(reader)
		if err != nil {
			t.Fatalf("mutt: %v; it said %q", err, said)
		}
		got, err := os.ReadFile(filepath.Join(dir, "copied"))
		if err != nil {
			t.Fatalf("%v; mutt said %q", err, said)
		}
		if !strings.Contains(string(got), "Subject: "+command+"\n") || !strings.Contains(string(got), "\n"+want) {
			t.Errorf("mutt copied its %s as:\n%s", command, got)
		}
	}
}
