package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/imap/canon"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/imap/imaptest"
	"waybill/internal/counterpart"
	"waybill/mail"
)

// Of a batch with a few bad messages exactly those are refused, in the server's
// words, and finding them costs few commands.
func TestRefusedMessagesAreFound(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	var said spoken
	tg := openTarget(t, c.ProxyLocation(), server.Options{Users: userMap("anna"), Password: given(t, c.AdminPassword), Trace: said.trace})
	tg.rules = canon.Rules{} // as if nothing was known of what Cyrus refuses
	b := openBox(t, tg, "anna")
	for _, bad := range [][]int{{}, {0}, {24}, {7, 8}, {3, 11, 19}, {0, 24}} {
		var items []connector.Item
		for n := range portionMessages {
			body := letter(n)
			if slices.Contains(bad, n) {
				body = "Subject : bad\r\n\r\n"
			}
			items = append(items, itemOf(fmt.Sprint(n), body))
		}
		said.commands("APPEND")
		at, receipts := deliver(t, b, mail.Inbox, items...)
		cost := said.commands("APPEND")
		limit := 1 + int(float64(2*len(bad))*math.Ceil(math.Log2(portionMessages)))
		if cost > limit {
			t.Errorf("bad %v: %d commands, want at most %d", bad, cost, limit)
		}
		var want []string
		for n, r := range receipts {
			if slices.Contains(bad, n) != (r.Err != nil) {
				t.Errorf("bad %v: message %d: %v", bad, n, r.Err)
			}
			if r.Err != nil {
				if failure.ClassOf(r.Err) != failure.Malformed || !strings.Contains(r.Err.Error(), "invalid header") {
					t.Errorf("bad %v: refusal %v", bad, r.Err)
				}
				continue
			}
			want = append(want, letter(n))
		}
		list := arrivals(t, b, mail.Inbox, at)
		if len(list) != len(want) {
			t.Fatalf("bad %v: %d messages arrived, want %d", bad, len(list), len(want))
		}
		for i, s := range list {
			if got := readBack(t, b, mail.Inbox, s.ID); got != want[i] {
				t.Errorf("bad %v: message %d is %q, want %q", bad, i, got, want[i])
			}
		}
	}
}

// What Cyrus would refuse is known beforehand and repaired on demand; what it
// changes is noted.
func TestKnownBeforehand(t *testing.T) {
	c := counterpart.NewCyrus(t, counterpart.CyrusOptions{})
	messages := []struct{ body, rule, notes string }{
		{letter(1), "", ""},
		{"", "imap.message-empty", "repaired"},
		{"A: b\r\n\r\nx\x00y\r\n", "imap.message-nul", "nul-changed"},
		{"Subject : x\r\n\r\nx\r\n", "imap.message-header", "repaired"},
		{"just text", "imap.message-header", "repaired"},
		{">From x\r\nA: b\r\n\r\nx\r\n", "imap.message-header", "repaired"},
		{"Subject: \xe4\r\n\r\n\xe4\r\n", "", "header-8bit-changed"},
		{"Subject: a\n\nb\n", "", ""},
		{"Subject: a\r\n\r\nb\nc\r\n", "", "line-ends"},
		{"A: b", "imap.message-header", "repaired"},
	}
	for _, repair := range []bool{false, true} {
		tg := openTarget(t, c.ProxyLocation(), server.Options{Users: userMap("anna"), Password: given(t, c.AdminPassword), Repair: repair})
		b := openBox(t, tg, "anna")
		items := make([]connector.Item, len(messages))
		for i, m := range messages {
			items[i] = itemOf(fmt.Sprint(i), m.body)
		}
		_, receipts := deliver(t, b, mail.Inbox, items...)
		for i, m := range messages {
			r := receipts[i]
			if m.rule != "" && !repair {
				if failure.RuleOf(r.Err) != m.rule || failure.ClassOf(r.Err) != failure.Malformed || !strings.Contains(r.Err.Error(), "--repair") {
					t.Errorf("%q: %v, want rule %s", m.body, r.Err, m.rule)
				}
				continue
			}
			if r.Err != nil {
				t.Errorf("%q, repair %v: %v", m.body, repair, r.Err)
				continue
			}
			if kinds(r.Notes) != m.notes {
				t.Errorf("%q: notes %v, want %q", m.body, r.Notes, m.notes)
			}
			want, err := tg.Fingerprint(t.Context(), strings.NewReader(m.body))
			if err != nil {
				t.Fatal(err)
			}
			back := readBack(t, b, mail.Inbox, r.ID)
			if got, _ := tg.Fingerprint(t.Context(), strings.NewReader(back)); got != want {
				t.Errorf("%q came back as %q, and the fingerprints differ", m.body, back)
			}
		}
	}
}

// Without MULTIAPPEND, without literals that do not wait, and without UIDs in the
// answer, everything arrives all the same.
func TestOlderServers(t *testing.T) {
	for _, c := range []struct{ about, capability string }{
		{"no MULTIAPPEND", "IMAP4rev1 LITERAL+ UIDPLUS ID NAMESPACE UNSELECT"},
		{"no LITERAL+", "IMAP4rev1 UIDPLUS ID"},
		{"MULTIAPPEND without LITERAL+", "IMAP4rev1 UIDPLUS ID MULTIAPPEND"},
		{"nothing", "IMAP4rev1 ID"},
	} {
		t.Run(c.about, func(t *testing.T) {
			d := counterpart.NewDovecot(t, counterpart.DovecotOptions{MasterUser: "master", MasterPassword: "mastersecret", Capability: c.capability})
			tg := openTarget(t, d.MasterLocation(), server.Options{Users: userMap("anna"), Password: given(t, "mastersecret")})
			b := openBox(t, tg, "anna")
			if _, err := b.Position(t.Context(), "Orders"); failure.ClassOf(err) != failure.Vanished {
				t.Errorf("position in a folder that is not there: %v", err)
			}
			if err := b.CreateFolder(t.Context(), mail.Folder{Path: "Orders"}); err != nil {
				t.Fatal(err)
			}
			var all []string
			var start connector.Position
			for batch := range 3 {
				var items []connector.Item
				for n := range 30 {
					items = append(items, itemOf(fmt.Sprint(n), letter(batch*30+n), `\Seen`, "work"))
					all = append(all, letter(batch*30+n))
				}
				at, receipts := deliver(t, b, "Orders", items...)
				if batch == 0 {
					start = at
				}
				for _, r := range receipts {
					if r.Err != nil {
						t.Fatal(r.Err)
					}
				}
				if list := arrivals(t, b, "Orders", at); len(list) != 30 {
					t.Fatalf("%d messages after the position of batch %d", len(list), batch)
				}
			}
			list := arrivals(t, b, "Orders", start)
			for i, s := range list {
				if got := readBack(t, b, "Orders", s.ID); got != all[i] || s.Flags.String() != `\Seen work` || !s.InternalDate.Equal(delivered) {
					t.Fatalf("message %d is %q with %v, %v", i, got, s.Flags, s.InternalDate)
				}
			}
			if !strings.Contains(c.capability, "UIDPLUS") {
				if err := b.Remove(t.Context(), "Orders", list[0].ID); failure.ClassOf(err) != failure.Unsupported {
					t.Errorf("remove without UIDPLUS: %v", err)
				}
			}
		})
	}
}

// An answer that is lost leaves the outcome unknown; the position tells.
func TestLostAnswer(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	cutter := counterpart.CutAnswer(t, d.Addr, counterpart.Times(1, "APPEND"))
	loc := strings.Replace(d.Location("anna"), d.Addr, cutter.Addr, 1)
	tg := openTarget(t, loc, server.Options{Password: given(t, "secret")})
	b := openBox(t, tg, "anna")
	at, err := b.Position(t.Context(), mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	items := []connector.Item{itemOf("1", letter(1)), itemOf("2", letter(1)), itemOf("3", letter(2))}
	receipts, err := b.Append(t.Context(), mail.Inbox, at, items)
	if failure.ClassOf(err) != failure.Transient || len(receipts) != 0 {
		t.Fatalf("the answer is lost: %d receipts, %v", len(receipts), err)
	}
	if len(cutter.Lost()) != 1 {
		t.Fatalf("lost: %q", cutter.Lost())
	}
	if list := arrivals(t, b, mail.Inbox, at); len(list) != 3 {
		t.Errorf("%d messages arrived, want 3", len(list))
	}
	// The same mailbox goes on, over a new connection.
	next, receipts := deliver(t, b, mail.Inbox, itemOf("4", letter(4)))
	if receipts[0].ID != "4" || next == at {
		t.Errorf("receipt %+v at %s", receipts[0], next)
	}
}

// A server that offers MULTIAPPEND and does not know it: nothing is guessed, and
// from then on every message has its own command.
func TestMultiAppendThatIsNone(t *testing.T) {
	offers := "CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR LITERAL+ MULTIAPPEND UIDPLUS"
	s := imaptest.Start(t, "* OK ["+offers+"] ready",
		imaptest.Exchange{Want: "(AUTHENTICATE|LOGIN).*", Answer: "$TAG OK [" + offers + "] in\r\n"},
		imaptest.Exchange{Want: `LIST .*|NOOP`, Answer: "* LIST (\\HasNoChildren) \"/\" INBOX\r\n$TAG OK\r\n", Repeat: true},
		imaptest.Exchange{Want: `SELECT "?INBOX"?`, Answer: "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 1] ok\r\n$TAG OK [READ-WRITE] in\r\n"},
		imaptest.Exchange{Want: `APPEND "?INBOX"? .*{\d+\+}.*{\d+\+}.*`, Answer: "$TAG BAD one message at a time\r\n"},
		imaptest.Exchange{Want: `SELECT "?INBOX"?`, Answer: "* 0 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 1] ok\r\n$TAG OK [READ-WRITE] in\r\n"},
		imaptest.Exchange{Want: `APPEND "?INBOX"? .*{\d+\+}[^{]*`, Answer: "$TAG OK [APPENDUID 7 1] done\r\n"},
		imaptest.Exchange{Want: `APPEND "?INBOX"? .*{\d+\+}[^{]*`, Answer: "$TAG OK [APPENDUID 7 2] done\r\n"},
		imaptest.Exchange{Want: ".*", Answer: "$TAG OK\r\n", Repeat: true},
	)
	tg := openTarget(t, "imap://anna@"+s.Addr()+"/?tls=none", server.Options{Password: given(t, "secret")})
	b := openBox(t, tg, "anna")
	at, err := b.Position(t.Context(), mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	items := []connector.Item{itemOf("1", letter(1)), itemOf("2", letter(2))}
	if _, err := b.Append(t.Context(), mail.Inbox, at, items); failure.ClassOf(err) != failure.Transient {
		t.Fatalf("BAD for two messages: %v", err)
	}
	_, receipts := deliver(t, b, mail.Inbox, items...)
	if receipts[0].ID != "1" || receipts[1].ID != "2" {
		t.Errorf("receipts %+v", receipts)
	}
}

// A full mailbox is no fault of the message.
func TestFullMailbox(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{Quota: 20000})
	tg := openTarget(t, d.Location("anna"), server.Options{Password: given(t, "secret")})
	b := openBox(t, tg, "anna")
	room, err := b.Room(t.Context())
	if err != nil || room.Quota <= 0 || room.Quota > 20480 || room.Used != 0 {
		t.Errorf("room %+v, %v", room, err)
	}
	body := "Subject: large\r\n\r\n" + strings.Repeat("a line of text\r\n", 500)
	_, receipts := deliver(t, b, mail.Inbox, itemOf("1", body), itemOf("2", body), itemOf("3", body), itemOf("4", body))
	for i, r := range receipts {
		if r.Err != nil && failure.ClassOf(r.Err) != failure.Full {
			t.Errorf("message %d: %v", i, r.Err)
		}
	}
	if receipts[3].Err == nil {
		t.Error("the last message does not fit, and was taken")
	}
}

// Large messages, also such that grow when they are sent, pass through a file.
func TestLargeMessages(t *testing.T) {
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{})
	tg := openTarget(t, d.Location("anna"), server.Options{Password: given(t, "secret")})
	b := openBox(t, tg, "anna")
	large := "Subject: large\n\n" + strings.Repeat("0123456789\n", spillAt/8)
	broken := itemOf("broken", large)
	failing := errors.New("the disk is gone")
	plain := broken.Open
	broken.Open = func(ctx context.Context) (io.ReadCloser, error) {
		r, err := plain(ctx)
		return io.NopCloser(io.MultiReader(io.LimitReader(r, spillAt+1000), &failingReader{failing})), err
	}
	at, receipts := deliver(t, b, mail.Inbox, itemOf("1", letter(1)), itemOf("2", large), broken, itemOf("4", large), itemOf("5", letter(5)))
	if !errors.Is(receipts[2].Err, failing) {
		t.Errorf("the broken message's receipt: %v", receipts[2].Err)
	}
	list := arrivals(t, b, mail.Inbox, at)
	want := []string{letter(1), crlf(large), crlf(large), letter(5)}
	if len(list) != len(want) {
		t.Fatalf("%d messages arrived", len(list))
	}
	for i, s := range list {
		if readBack(t, b, mail.Inbox, s.ID) != want[i] {
			t.Errorf("message %d differs", i)
		}
	}
}

type failingReader struct{ err error }

func (f *failingReader) Read([]byte) (int, error) { return 0, f.err }

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestFlagsThatCanBeKept(t *testing.T) {
	some := []string{`\Seen`, `\Flagged`, "Work", `\*`}
	for _, c := range []struct {
		permanent []string
		flavour   string
		set       mail.FlagSet
		want      string
		notes     string
	}{
		{nil, "other", mail.NewFlagSet(mail.Seen|mail.Draft|mail.Forwarded, "Work", "new"), `\Seen \Draft $Forwarded new Work`, ""},
		{some, "other", mail.NewFlagSet(mail.Seen|mail.Draft|mail.Forwarded, "new"), `\Seen $Forwarded new`, "flag-not-permanent"},
		{some[:3], "other", mail.NewFlagSet(mail.Seen|mail.Forwarded, "work", "new"), `\Seen work`, "flag-not-permanent keyword-not-permanent"},
		{[]string{}, "other", mail.NewFlagSet(mail.Seen, "new"), "", "flag-not-permanent keyword-not-permanent"},
		{nil, "other", mail.NewFlagSet(0, "a b", "a(b", "äö", "]", "x"), "a_b x", "keyword-not-kept keyword-renamed keyword-not-kept keyword-not-kept"},
		{nil, "dovecot", mail.NewFlagSet(0, strings.Repeat("k", 60)), strings.Repeat("k", 50), "keyword-renamed"},
	} {
		p := newPermitted(imap.Selected{PermanentFlags: c.permanent}, c.flavour, everyFlag)
		words, notes := p.flags(c.set)
		if strings.Join(words, " ") != c.want {
			t.Errorf("%v of %v: %q, want %q", c.set, c.permanent, words, c.want)
		}
		got, want := strings.Fields(kinds(notes)), strings.Fields(c.notes)
		if len(got) != len(want) {
			t.Errorf("%v of %v: notes %v, want %v", c.set, c.permanent, notes, want)
		}
	}
	full := newPermitted(imap.Selected{Flags: strings.Fields(strings.Repeat("k ", 1)), PermanentFlags: nil}, "cyrus", everyFlag)
	full.room = 1
	if words, notes := full.flags(mail.NewFlagSet(0, "k", "one", "two")); strings.Join(words, " ") != "k one" || kinds(notes) != "keyword-not-kept" {
		t.Errorf("a full mailbox takes %q with %v", words, notes)
	}
}
