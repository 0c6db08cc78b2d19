package counterpart

import (
	"fmt"
	"strings"
	"testing"
)

// TestCyrusAdministratorCannotAppend is the trap of Cyrus: whoever may create a
// mailbox may not fill it, and the server says that it does not exist.
func TestCyrusAdministratorCannotAppend(t *testing.T) {
	for _, o := range []CyrusOptions{{}, {UnixHierarchySep: true, AltNamespace: true}} {
		t.Run(fmt.Sprintf("unix=%v,alt=%v", o.UnixHierarchySep, o.AltNamespace), func(t *testing.T) {
			t.Parallel()
			c := NewCyrus(t, o)
			if err := c.CreateMailbox(t.Context(), c.Root("anna", "Sent"), `\Sent`); err != nil {
				t.Fatal(err)
			}
			got, err := c.Run(t.Context(), "anna", `LIST "" "*"`, "NAMESPACE")
			want := either(o.AltNamespace, "Sent", "INBOX.Sent")
			if err != nil || !strings.Contains(got, " "+want+"\r\n") && !strings.Contains(got, `"`+want+`"`) {
				t.Errorf("%v: no %s in\n%s", err, want, got)
			}
			deliver := fmt.Sprintf("APPEND %s (\\Seen) {%d+}\r\n%s", Quote(c.Root("anna")), len(message), message)
			if _, err := c.Run(t.Context(), c.Admin, deliver); err == nil || !strings.Contains(err.Error(), "Mailbox does not exist") {
				t.Errorf("without rights: %v", err)
			}
			if err := c.SetACL(t.Context(), c.Root("anna"), c.Admin, "lrswit"); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Run(t.Context(), c.Admin, deliver); err != nil {
				t.Errorf("with rights: %v", err)
			}
			inbox := fmt.Sprintf("APPEND INBOX (\\Seen) {%d+}\r\n%s", len(message), message)
			if _, err := Run(t.Context(), c.Addr, "anna*"+c.Admin, c.AdminPassword, inbox); err != nil {
				t.Errorf("as anna: %v", err)
			}
			if err := c.Restart(t.Context()); err != nil {
				t.Fatal(err)
			}
			got, err = c.Run(t.Context(), "anna", "EXAMINE INBOX", "FETCH 1:* FLAGS")
			if err != nil || !strings.Contains(got, `* 1 FETCH (FLAGS (\Recent))`) || !strings.Contains(got, `* 2 FETCH (FLAGS (\Recent \Seen))`) {
				t.Errorf("what anna sees: %v\n%s", err, got)
			}
		})
	}
}

func TestCyrusQuotaTLSAndTelemetry(t *testing.T) {
	t.Parallel()
	c := NewCyrus(t, CyrusOptions{Quota: 1, TLS: true, Telemetry: true})
	big := strings.Repeat(message, 50)
	if _, err := c.Run(t.Context(), "anna", fmt.Sprintf("APPEND INBOX {%d+}\r\n%s", len(big), big)); err == nil || !strings.Contains(err.Error(), "NO Over quota") { // without the code of RFC 5530
		t.Errorf("over quota: %v", err)
	}
	if !strings.Contains(c.Log(), "NO Over quota") {
		t.Error("no telemetry")
	}
	dial(t, c.Addr).ok("STARTTLS")
	newTalk(t, secure(t, c.TLSAddr, c.CAFile)).ok("LOGIN anna secret")
	if err := c.AddUser(t.Context(), "carla", "geheim"); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateMailbox(t.Context(), c.Root("carla")); err != nil {
		t.Fatal(err)
	}
	if out, err := c.Run(t.Context(), "carla", "EXAMINE INBOX"); err != nil {
		t.Error(out, err)
	}
	if out, err := c.Tool(t.Context(), "quota"); err != nil || !strings.Contains(out, "user.anna") {
		t.Errorf("%v %s", err, out)
	}
	c.Stop()
}
