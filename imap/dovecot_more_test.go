package imap_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"waybill/failure"
	"waybill/imap"
	"waybill/internal/counterpart"
)

func TestRightsQuotaMetadata(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{ACL: true, Quota: 1 << 20, Metadata: true})
	c := connect(t, d, nil)
	ok(t, c.Create(t.Context(), "Geteilt ü", ""))
	ok(t, c.SetACL(t.Context(), "Geteilt ü", "bert", "lr"))
	if rights := must[string](t)(c.MyRights(t.Context(), "Geteilt ü")); !strings.Contains(rights, "i") {
		t.Errorf("rights %q", rights)
	}
	if acl := must[[]imap.ACLEntry](t)(c.GetACL(t.Context(), "Geteilt ü")); !slices.Contains(acl, imap.ACLEntry{Identifier: "bert", Rights: "lr"}) {
		t.Errorf("%+v", acl)
	}
	ok(t, c.DeleteACL(t.Context(), "Geteilt ü", "bert"))
	quota := must[[]imap.Quota](t)(c.QuotaRoot(t.Context(), "INBOX"))
	if len(quota) != 1 || quota[0].Resources["STORAGE"].Limit != 1024 {
		t.Errorf("%+v", quota)
	}
	results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", []imap.AppendItem{item(strings.Repeat("x", 2<<20), time.Time{})}, imap.Multi))
	if failure.ClassOf(results[0].Err) != failure.Full {
		t.Errorf("over quota: %v", results[0].Err)
	}
	if c.Broken() != nil { // the message was refused before it was sent in full
		c = connect(t, d, nil)
	}
	ok(t, c.SetMetadata(t.Context(), "INBOX", "/private/comment", "Grüße\r\nvon hier"))
	got := must[map[string]string](t)(c.GetMetadata(t.Context(), "INBOX", "/private/comment", "/shared/comment"))
	if len(got) != 1 || got["/private/comment"] != "Grüße\r\nvon hier" {
		t.Errorf("%q", got)
	}
	ok(t, c.SetMetadata(t.Context(), "INBOX", "/private/comment", ""))
	if got := must[map[string]string](t)(c.GetMetadata(t.Context(), "INBOX", "/private/comment")); len(got) != 0 {
		t.Errorf("%q", got)
	}
	if id := must[map[string]string](t)(c.ServerID(t.Context())); id["name"] != "Dovecot" {
		t.Errorf("%q", id)
	}
	n := must[imap.Namespaces](t)(c.Namespace(t.Context()))
	if len(n.Personal) != 1 || n.Personal[0].Delimiter != "/" {
		t.Errorf("%+v", n)
	}
}

func TestPasswords(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	var trace bytes.Buffer
	o := imap.Options{Addr: d.Addr, Mode: imap.Plain, Trace: func(direction, line string) { fmt.Fprintln(&trace, direction, line) }}
	c := must[*imap.Conn](t)(imap.Dial(t.Context(), o))
	defer c.Close()
	err := c.Login(t.Context(), "anna", "Wr0ngPassw0rd")
	if failure.ClassOf(err) != failure.Denied || failure.RuleOf(err) != "imap.authentication" {
		t.Fatal(err)
	}
	err2 := c.Authenticate(t.Context(), sasl.NewPlainClient("", "anna", "Wr0ngPassw0rd"))
	err3 := c.Authenticate(t.Context(), sasl.NewLoginClient("anna", "Wr0ngPassw0rd"))
	ok(t, c.Login(t.Context(), "anna", "secret"))
	ok(t, c.Noop(t.Context()))
	for _, text := range []string{trace.String(), err.Error(), err2.Error(), err3.Error()} {
		for _, secret := range []string{"Wr0ng", "V3IwbmdQYXNzdzByZA", "AGFubmEAV3IwbmdQ", " secret"} {
			if strings.Contains(text, secret) {
				t.Errorf("%q shows %q", text, secret)
			}
		}
	}
	if !strings.Contains(trace.String(), "C W") || !strings.Contains(trace.String(), "NOOP") {
		t.Errorf("no trace: %s", trace.String())
	}
}

func TestStatusOfMany(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	c := connect(t, d, nil)
	var names []string
	for i := range 100 {
		name := fmt.Sprintf("Ordner %d ß", i)
		if i%10 != 7 {
			ok(t, c.Create(t.Context(), name, ""))
		}
		names = append(names, name)
	}
	for i, r := range must[[]imap.StatusResult](t)(c.Status(t.Context(), names, "MESSAGES", "SIZE", "MAILBOXID", "HIGHESTMODSEQ")) {
		if missing := i%10 == 7; missing != (r.Err != nil) || r.Name != names[i] || !missing && (r.Messages != 0 || r.HighestModSeq == 0) {
			t.Errorf("%s: %+v", names[i], r)
		}
	}
	ok(t, c.Noop(t.Context()))
}
