package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/internal/counterpart"
	"waybill/mail"
)

// boxWith opens anna's mailbox on a Dovecot, over so many connections at most,
// with n letters in it.
func boxWith(t testing.TB, connections, n int) (*targetBox, []string, *spoken) {
	t.Helper()
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	said := &spoken{}
	tg := openTarget(t, d.Location("anna"), server.Options{Password: given(t, "secret"), Connections: connections, Trace: said.trace})
	b := openBox(t, tg, "anna")
	items := make([]connector.Item, n)
	for i := range items {
		items[i] = itemOf(fmt.Sprint(i), letter(i))
	}
	_, receipts := deliver(t, b, mail.Inbox, items...)
	ids := make([]string, n)
	for i, r := range receipts {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		ids[i] = r.ID
	}
	return b, ids, said
}

// What was announced is read from one answer; what is opened in another order,
// twice, or not at all, is right all the same.
func TestReadingBack(t *testing.T) {
	for _, connections := range []int{1, 2, 8} {
		t.Run(fmt.Sprintf("%d connections", connections), func(t *testing.T) {
			b, ids, said := boxWith(t, connections, 20)
			b.AnnounceStored(t.Context(), mail.Inbox, ids)
			said.commands("FETCH")
			for i, id := range ids {
				if got := readBack(t, b, mail.Inbox, id); got != letter(i) {
					t.Fatalf("message %d is %q", i, got)
				}
			}
			if n := said.commands("FETCH"); connections > 1 && n > 0 {
				t.Errorf("%d commands for announced messages", n)
			}
			b.AnnounceStored(t.Context(), mail.Inbox, ids[:10])
			b.AnnounceStored(t.Context(), mail.Inbox, ids[10:])
			for _, i := range []int{0, 3, 2, 9, 9, 10, 19, 0} {
				if got := readBack(t, b, mail.Inbox, ids[i]); got != letter(i) {
					t.Errorf("message %d is %q", i, got)
				}
			}
			b.AnnounceStored(t.Context(), mail.Inbox, ids)
			_, receipts := deliver(t, b, mail.Inbox, itemOf("more", letter(77)))
			if got := readBack(t, b, mail.Inbox, receipts[0].ID); got != letter(77) {
				t.Errorf("what came behind the announcement is %q", got)
			}
			b.AnnounceStored(t.Context(), mail.Inbox, []string{ids[4], "5000", ids[2], "x"})
			if _, _, err := b.Open(t.Context(), mail.Inbox, "5000"); failure.ClassOf(err) != failure.Vanished {
				t.Errorf("a message that is not there: %v", err)
			}
		})
	}
}

// Several messages are open at the same time, over a connection that can read
// one, while others are delivered.
func TestManyReadersAtOnce(t *testing.T) {
	for _, connections := range []int{1, 2} {
		b, ids, _ := boxWith(t, connections, 12)
		b.AnnounceStored(t.Context(), mail.Inbox, ids[:6])
		readers := make([]io.ReadCloser, len(ids))
		for i, id := range ids {
			_, r, err := b.Open(t.Context(), mail.Inbox, id)
			if err != nil {
				t.Fatal(err)
			}
			some := make([]byte, 7)
			if _, err := io.ReadFull(r, some); err != nil || string(some) != letter(i)[:7] {
				t.Fatalf("message %d begins with %q, %v", i, some, err)
			}
			readers[i] = r
		}
		deliver(t, b, mail.Inbox, itemOf("more", letter(1)))
		for i, r := range slices.Backward(readers) {
			rest, err := io.ReadAll(r)
			if err != nil || string(rest) != letter(i)[7:] {
				t.Errorf("message %d goes on with %q, %v", i, rest, err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// An item's reader may itself read from the mailbox, with one connection for all.
func TestReadingWhileDelivering(t *testing.T) {
	b, ids, _ := boxWith(t, 1, 3)
	item := itemOf("copy", letter(1))
	item.Open = func(ctx context.Context) (io.ReadCloser, error) {
		_, r, err := b.Open(ctx, mail.Inbox, ids[1])
		return r, err
	}
	many := make([]connector.Item, 3*portionMessages)
	for i := range many {
		many[i] = item
	}
	at, receipts := deliver(t, b, mail.Inbox, many...)
	for _, r := range receipts {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	if list := arrivals(t, b, mail.Inbox, at); len(list) != len(many) {
		t.Errorf("%d messages arrived", len(list))
	}
}

// A folder that was made anew is not the one that a position is from.
func TestPositionOfAnotherFolder(t *testing.T) {
	b, _, _ := boxWith(t, 4, 1)
	if err := b.CreateFolder(t.Context(), mail.Folder{Path: "Orders"}); err != nil {
		t.Fatal(err)
	}
	at, err := b.Position(t.Context(), "Orders")
	if err != nil {
		t.Fatal(err)
	}
	old := connector.Position("1" + strings.TrimLeft(string(at), "0123456789"))
	for _, err := range b.Arrived(t.Context(), "Orders", old) {
		if failure.ClassOf(err) != failure.Conflict {
			t.Errorf("arrivals in another folder: %v", err)
		}
	}
	if _, err := b.Append(t.Context(), "Orders", old, itemsOf(itemOf("1", letter(1)))); failure.ClassOf(err) != failure.Conflict {
		t.Errorf("append to another folder: %v", err)
	}
	if list := arrivals(t, b, "Orders", at); len(list) != 0 {
		t.Errorf("%d messages arrived all the same", len(list))
	}
}

// Thinly spread UIDs are found, and no other.
func TestArrivedInThinFolders(t *testing.T) {
	b, ids, _ := boxWith(t, 4, 40)
	for i, id := range ids {
		if i%13 != 0 {
			if err := b.Remove(t.Context(), mail.Inbox, id); err != nil {
				t.Fatal(err)
			}
		}
	}
	at, err := b.Position(t.Context(), mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	validity, _, _ := strings.Cut(string(at), "/")
	for next, want := range map[string]int{"1": 4, "2": 3, "14": 3, "15": 2, "41": 0, "4000000000": 0} {
		if list := arrivals(t, b, mail.Inbox, connector.Position(validity+"/"+next)); len(list) != want {
			t.Errorf("from %s: %d messages, want %d", next, len(list), want)
		}
	}
}

// Somebody who changes flags at the same time is not overruled.
func TestSetFlagsCompares(t *testing.T) {
	b, ids, _ := boxWith(t, 4, 2)
	none, seen := mail.FlagSet{}, mail.NewFlagSet(mail.Seen, "work")
	if err := b.SetFlags(t.Context(), mail.Inbox, ids[0], none, seen); err != nil {
		t.Fatal(err)
	}
	if err := b.SetFlags(t.Context(), mail.Inbox, ids[0], none, mail.NewFlagSet(mail.Draft)); failure.ClassOf(err) != failure.Conflict {
		t.Errorf("set over another's flags: %v", err)
	}
	s, r, err := b.Open(t.Context(), mail.Inbox, ids[0])
	if err != nil || !s.Flags.Equal(seen) {
		t.Fatalf("flags %v, %v", s.Flags, err)
	}
	if err := errors.Join(r.Close(), b.SetFlags(t.Context(), mail.Inbox, ids[0], seen, none)); err != nil {
		t.Error(err)
	}
	if err := b.SetFlags(t.Context(), mail.Inbox, "99", none, seen); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("flags of nothing: %v", err)
	}
}

// Two mailboxes that were made alike are told apart, and one is told to be the
// same over another logon.
func TestIdentity(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "mastersecret"})
	tg := openTarget(t, d.MasterLocation(), server.Options{Users: userMap("anna", "bert"), Password: given(t, "mastersecret")})
	own := openTarget(t, d.Location("anna"), server.Options{Password: given(t, "secret")})
	identity := func(tg *target, user string) string {
		id, err := openBox(t, tg, user).Identity(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	if anna, bert := identity(tg, "anna"), identity(tg, "bert"); anna == bert {
		t.Errorf("both empty mailboxes are called %q", anna)
	}
	for i, user := range []string{"anna", "bert"} {
		deliver(t, openBox(t, tg, user), mail.Inbox, itemOf("1", letter(i)))
	}
	anna, bert, again := identity(tg, "anna"), identity(tg, "bert"), identity(own, "anna")
	if anna == "" || anna == bert || anna != again {
		t.Errorf("anna is %q and %q, bert is %q", anna, again, bert)
	}
}
