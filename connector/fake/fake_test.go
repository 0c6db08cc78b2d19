package fake_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

func item(body string) connector.Item {
	return connector.Item{
		Message: mail.Message{Key: body, Size: int64(len(body)), InternalDate: time.Date(2003, 3, 9, 17, 4, 5, 0, time.UTC), Flags: mail.NewFlagSet(mail.Seen, "Work")},
		Open:    func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil },
	}
}

func inbox(t *testing.T, s *fake.System, user string) connector.TargetMailbox {
	t.Helper()
	s.AddUser(directory.User{ID: user})
	m, err := s.Target().Mailbox(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// bodies joins what the inbox holds.
func bodies(s *fake.System, user string) string {
	var all []string
	for _, m := range s.Messages(user, mail.Inbox) {
		all = append(all, string(m.Body))
	}
	return strings.Join(all, " ")
}

func send(t *testing.T, m connector.TargetMailbox, texts ...string) error {
	t.Helper()
	at, err := m.Position(t.Context(), mail.Inbox)
	if err != nil {
		return err
	}
	var items []connector.Item
	for _, text := range texts {
		items = append(items, item(text))
	}
	_, err = m.Append(t.Context(), mail.Inbox, at, items)
	return err
}

func TestFaultStrikesWhenItIsDue(t *testing.T) {
	own := failure.New(failure.Throttled, "append", "server", "test.slow-down", nil)
	own.RetryAfter = time.Minute
	for _, c := range []struct {
		name  string
		fault fake.Fault
		rule  string
		holds string // after two appends of two messages
	}{
		{"before the second", fake.Fault{Call: "Append", N: 2}, "fake.fault", "a b"},
		{"before every", fake.Fault{Call: "target.Append", Err: own}, "test.slow-down", ""},
		{"answer lost", fake.Fault{Call: "Append", N: 1, Mode: fake.After}, "fake.fault", "a b c d"},
		{"half a batch", fake.Fault{Call: "Append", N: 2, Mode: fake.Partial, K: 1, Err: own}, "test.slow-down", "a b c"},
		{"other user", fake.Fault{Call: "Append", User: "bert"}, "", "a b c d"},
		{"other folder", fake.Fault{Call: "Append", Folder: "Orders"}, "", "a b c d"},
		{"other side", fake.Fault{Call: "source.Append"}, "", "a b c d"},
		{"half of another call", fake.Fault{Call: "Position", N: 2, Mode: fake.Partial, K: 1}, "fake.fault", "a b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fake.New(fake.Options{})
			m := inbox(t, s, "anna")
			s.Inject(c.fault)
			err := errors.Join(send(t, m, "a", "b"), send(t, m, "c", "d"))
			if (err == nil) != (c.rule == "") || err != nil && failure.RuleOf(err) != c.rule {
				t.Errorf("error %v, want rule %q", err, c.rule)
			}
			if got := bodies(s, "anna"); got != c.holds {
				t.Errorf("the inbox holds %q, want %q", got, c.holds)
			}
			s.Heal()
			if err := send(t, m, "e"); err != nil {
				t.Errorf("after healing: %v", err)
			}
		})
	}
}

func TestFaultHangsUntilCancelled(t *testing.T) {
	s := fake.New(fake.Options{})
	m := inbox(t, s, "anna")
	ctx, cancel := context.WithCancel(t.Context())
	s.Inject(fake.Fault{Call: "Folders", Mode: fake.Hang, Do: cancel})
	if _, err := m.Folders(ctx); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("error %v, want class cancelled", err)
	}
}

func TestSecondMailbox(t *testing.T) {
	s := fake.New(fake.Options{Second: fake.SecondNoAppend})
	anna := inbox(t, s, "anna")
	bert := inbox(t, s, "bert")
	if err := send(t, anna, "a"); err != nil {
		t.Errorf("first mailbox: %v", err)
	}
	err := send(t, bert, "b")
	if failure.ClassOf(err) != failure.Denied || len(rights.From(err)) != 1 {
		t.Errorf("second mailbox at the same time: error %v, want a denial with one finding", err)
	}
	if err := anna.Close(); err != nil {
		t.Fatal(err)
	}
	if err := send(t, bert, "b"); err != nil {
		t.Errorf("second mailbox alone: %v", err)
	}

	s = fake.New(fake.Options{Second: fake.SecondNotOpen})
	inbox(t, s, "anna")
	s.AddUser(directory.User{ID: "bert"})
	if _, err := s.Target().Mailbox(t.Context(), "bert"); failure.ClassOf(err) != failure.Denied {
		t.Errorf("second mailbox: error %v, want a denial", err)
	}
	s.Crash()
	if _, err := s.Target().Mailbox(t.Context(), "bert"); err != nil {
		t.Errorf("after a crash: %v", err)
	}
}

func TestTargetThatLies(t *testing.T) {
	s := fake.New(fake.Options{DropDates: true, DropKeywords: true})
	m := inbox(t, s, "anna")
	if err := send(t, m, "a"); err != nil {
		t.Fatal(err)
	}
	got := s.Messages("anna", mail.Inbox)[0]
	if !got.Date.IsZero() || len(got.Flags.Keywords) > 0 || got.Flags.System != mail.Seen {
		t.Errorf("message has date %v and flags %q", got.Date, got.Flags)
	}
	if caps := s.Target().Capabilities(); !caps.Keywords || caps.DatePrecision == 0 {
		t.Errorf("the lie is told in the capabilities: %+v", caps)
	}
}

func TestTooLarge(t *testing.T) {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.MaxMessage = 3
	s := fake.New(fake.Options{Capabilities: &caps})
	m := inbox(t, s, "anna")
	receipts, err := m.Append(t.Context(), mail.Inbox, "", []connector.Item{item("abc"), item("abcd"), item("x")})
	if err != nil || failure.ClassOf(receipts[1].Err) != failure.TooLarge {
		t.Errorf("receipts %+v, error %v; want the second too large", receipts, err)
	}
	if got := bodies(s, "anna"); got != "abc x" {
		t.Errorf("the inbox holds %q", got)
	}
}

func TestTroubles(t *testing.T) {
	s := fake.New(fake.Options{})
	body := bytes.Repeat([]byte("x"), 1000)
	for _, trouble := range []fake.Trouble{fake.NoTrouble, fake.Vanishes, fake.Changes, fake.Unreadable} {
		s.AddMessage("anna", mail.Inbox, fake.Message{Body: body, Trouble: trouble})
	}
	s.AddMessage("anna", mail.Inbox, fake.Message{Size: 5, Stream: func() io.Reader { return strings.NewReader("12345") }})
	want := []failure.Class{failure.Internal, failure.Vanished, failure.Transient, failure.Malformed, failure.Internal}
	b, err := s.Source().Mailbox(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	i := 0
	for m, err := range b.Messages(t.Context(), mail.Inbox) {
		if err != nil {
			t.Fatal(err)
		}
		r, err := b.Open(t.Context(), mail.Inbox, m)
		if err == nil {
			var got []byte
			got, err = io.ReadAll(r)
			if err == nil && int64(len(got)) != m.Size {
				t.Errorf("message %d: %d bytes of %d", i, len(got), m.Size)
			}
		}
		if want[i] == failure.Internal && err != nil || failure.ClassOf(err) != want[i] {
			t.Errorf("message %d: error %v, want class %s", i, err, want[i])
		}
		i++
	}
	if i != len(want) {
		t.Errorf("%d messages are listed, want %d", i, len(want))
	}
	s.Vanish("anna", mail.Inbox, "1")
	if _, err := b.Open(t.Context(), mail.Inbox, mail.Message{Key: "1"}); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("a message that was taken away opens with error %v", err)
	}
}

func TestRebuiltFolderLosesPositions(t *testing.T) {
	s := fake.New(fake.Options{})
	m := inbox(t, s, "anna")
	at, err := m.Position(t.Context(), mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	s.Rebuild("anna", mail.Inbox)
	for _, err := range m.Arrived(t.Context(), mail.Inbox, at) {
		if failure.ClassOf(err) != failure.Conflict {
			t.Errorf("error %v, want class conflict", err)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	s := fake.New(fake.Options{Pause: func(ctx context.Context) error { return ctx.Err() }})
	s.Inject(fake.Fault{Call: "Append", N: 5, Mode: fake.After})
	var group sync.WaitGroup
	for _, user := range []string{"anna", "bert", "cora"} {
		m := inbox(t, s, user)
		group.Go(func() {
			for range 20 {
				_, _ = m.Append(t.Context(), mail.Inbox, "", []connector.Item{item(user)})
			}
		})
	}
	group.Wait()
	for _, user := range []string{"anna", "bert", "cora"} {
		if n := len(s.Messages(user, mail.Inbox)); n != 20 {
			t.Errorf("%s has %d messages, want 20", user, n)
		}
	}
	if n := len(s.Calls("Append")); n != 60 {
		t.Errorf("%d appends were noted, want 60", n)
	}
}
