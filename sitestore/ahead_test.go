package sitestore_test

import (
	"testing"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

// TestOpenSeesChangesOfOthers opens messages one after the other, which reads
// ahead, while somebody else changes those that come next.
func TestOpenSeesChangesOfOthers(t *testing.T) {
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	var items []sitestore.Incoming
	for i := range 30 {
		items = append(items, incoming(body(i, 200)))
	}
	if _, err := m.Append(t.Context(), mail.Inbox, 0, items); err != nil {
		t.Fatal(err)
	}
	other, err := sitestore.Open(t.Context(), s.Path(), sitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	for k, by := range []*sitestore.Mailbox{m, open(t, s, "", "anna"), open(t, other, "", "anna")} {
		from := uint32(k*10 + 1)
		for uid := from; uid < from+5; uid++ {
			read(t, m, mail.Inbox, uid)
		}
		want := mail.NewFlagSet(mail.Flagged, "changed")
		if err := by.SetFlags(t.Context(), mail.Inbox, from+5, mail.FlagSet{}, want); err != nil {
			t.Fatal(err)
		}
		if msg, _ := read(t, m, mail.Inbox, from+5); !msg.Flags.Equal(want) {
			t.Errorf("%d: the message is marked %v, want %v", k, msg.Flags, want)
		}
		if err := by.Expunge(t.Context(), mail.Inbox, from+6); err != nil {
			t.Fatal(err)
		}
		if _, _, err := m.Open(t.Context(), mail.Inbox, from+6); failure.ClassOf(err) != failure.Vanished {
			t.Errorf("%d: an expunged message is still there: %v", k, err)
		}
		read(t, m, mail.Inbox, from+7)
	}
}
