package imap_test

import (
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"

	"waybill/failure"
	"waybill/imap"
	"waybill/internal/counterpart"
)

// What Cyrus refuses costs neither the connection nor the messages beside it.
func TestCyrus(t *testing.T) {
	d := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	c := must[*imap.Conn](t)(imap.Dial(t.Context(), imap.Options{Addr: d.Addr, Mode: imap.Plain, Silence: 20 * time.Second}))
	defer c.Close()
	ok(t, c.Authenticate(t.Context(), sasl.NewPlainClient("", "anna", "secret")))
	if _, offered := c.AppendLimit(); !c.Has("MULTIAPPEND") || !c.Has("LITERAL+") || !c.Has("ACL") {
		t.Errorf("%q, limit %v", c.Capabilities(), offered)
	}
	bad := item("Subject: x\nbare newlines\n\n", time.Time{})
	empty := item("", time.Time{})
	zone := time.FixedZone("", 5*3600+30*60)
	for _, mode := range []imap.AppendMode{imap.Pipelined, imap.Synchronising} {
		items := []imap.AppendItem{item(message(1), time.Date(1999, 1, 2, 3, 4, 5, 0, zone), `\Seen`, "$Forwarded"), empty, item(message(2), time.Time{}), bad, item(message(3), time.Time{})}
		results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", items, mode))
		for i, r := range results {
			if refused := i == 1 || i == 3; refused != (r.Err != nil) || !refused && r.UID == 0 {
				t.Errorf("mode %d, item %d: %+v", mode, i, r)
			}
		}
		ok(t, c.Noop(t.Context()))
		bad.Body.(*strings.Reader).Reset("Subject: x\nbare newlines\n\n")
	}
	results := must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", []imap.AppendItem{item(message(4), time.Time{}), bad, item(message(5), time.Time{})}, imap.Multi))
	for _, r := range results {
		if failure.ClassOf(r.Err) != failure.Denied {
			t.Errorf("%+v", r)
		}
	}
	results = must[[]imap.AppendResult](t)(c.Append(t.Context(), "INBOX", small(20), imap.Multi))
	for i, r := range results {
		if r.Err != nil || r.UID == 0 || i > 0 && r.UID != results[i-1].UID+1 {
			t.Errorf("item %d: %+v", i, r)
		}
	}
	s := must[imap.Selected](t)(c.Select(t.Context(), "INBOX", imap.SelectOptions{ReadOnly: true, CondStore: true}))
	items, bodies := all(t, c.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, InternalDate: true, Size: true, Body: true, ModSeq: true, EmailID: true}))
	if s.Exists != 26 || len(items) != 26 || bodies[0] != message(1) || items[0].EmailID == "" || items[0].Partial {
		t.Fatalf("%d messages, %d items", s.Exists, len(items))
	}
	if want := time.Date(1999, 1, 2, 3, 4, 5, 0, zone); !items[0].InternalDate.Equal(want) {
		t.Errorf("%v, want %v", items[0].InternalDate, want)
	}
	if found := must[imap.UIDSet](t)(c.Search(t.Context(), "KEYWORD $Forwarded")); found.Count() != 2 {
		t.Errorf("%s", found)
	}
	ok(t, c.Unselect(t.Context()))
	if c.Has("COMPRESS=DEFLATE") {
		ok(t, c.Compress(t.Context()))
		must[imap.Selected](t)(c.Select(t.Context(), "INBOX", imap.SelectOptions{ReadOnly: true}))
		if again, _ := all(t, c.Fetch(t.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Body: true})); len(again) != 26 {
			t.Errorf("%d messages", len(again))
		}
	}
	if id := must[map[string]string](t)(c.ServerID(t.Context())); !strings.Contains(id["name"], "Cyrus") {
		t.Errorf("%q", id)
	}
	if len(c.Skipped()) > 0 {
		t.Error(c.Skipped())
	}
}
