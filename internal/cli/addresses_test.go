package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/connector/fake"
	"waybill/connector/rewrite"
	"waybill/directory"
	"waybill/engine"
	"waybill/engine/account"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// quietDisplay shows nothing.
type quietDisplay struct {
	engine.Progress
	lines []string
}

func (d *quietDisplay) Line(text string) { d.lines = append(d.lines, text) }
func (d *quietDisplay) Close()           {}

// addressesRun moves Anna's mail once; smtp is what the user map calls her, and
// empty where nothing is rewritten.
func addressesRun(t *testing.T, ctx context.Context, src, dst *fake.System, path, smtp string) (notes map[string]int64, result error) {
	t.Helper()
	l, err := ledger.Open(context.Background(), path, ledger.Options{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Bind(context.Background(), "fake:source", "fake:target"); err != nil {
		t.Fatal(err)
	}
	e := &env{ctx: ctx, stdout: nil, json: true}
	source, err := e.withRewriting(src.Source(), smtp != "", l)
	if err != nil {
		t.Fatal(err)
	}
	m := &engine.Migration{Source: source, Target: dst.Target(), Ledger: l,
		Options: engine.Options{BatchMessages: 2, Workers: 1, Attempts: 1, Users: &directory.UserMap{Rows: []directory.MapRow{{User: "anna"}}}}}
	if smtp != "" {
		m.Options.Users.Rows[0].Address = []directory.Address{{Type: directory.SMTP, Value: smtp}}
	}
	cmd := &migrateCmd{}
	cmd.RewriteAddresses = smtp != ""
	run, _, err := l.BeginRun(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	r := &migration{env: e, m: m, cmd: cmd, display: &quietDisplay{}}
	if r.plan, err = m.MakePlan(ctx, false); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Provision(ctx, r.plan); err != nil {
		t.Fatal(err)
	}
	if err := r.rewriteAddresses(ctx); err != nil {
		t.Fatal(err)
	}
	_, result = m.Copy(ctx, r.plan, run.ID)
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	w, err := account.Make(ctx, l, "test", r.plan.Made)
	if err != nil {
		t.Fatal(err)
	}
	if w.Totals.Found != w.Totals.Verified || len(w.Faults()) > 0 {
		result = errors.Join(result, fmt.Errorf("%+v %v %v", w.Totals, w.Faults(), w.Mailboxes))
	}
	return w.Notes, result
}

// TestAddressesChangeBetweenRuns loses the answer of any delivery, stops, and goes
// on with another address for the same person, or with none: nothing may arrive
// twice, and what was delivered keeps what it got.
func TestAddressesChangeBetweenRuns(t *testing.T) {
	const messages = 7
	for _, names := range [][2]string{{"a@x.example", "b@x.example"}, {"", "b@x.example"}, {"a@x.example", ""}} {
		for nth := 1; nth <= 3; nth++ {
			src, dst := fake.New(fake.Options{}), fake.New(fake.Options{})
			src.AddUser(directory.User{ID: "anna", Addresses: []directory.Address{{Type: directory.EX, Value: "/o=Org/cn=anna"}}})
			for i := range messages {
				src.AddMessage("anna", mail.Inbox, fake.Message{Body: fmt.Appendf(nil, "From: <IMCEAEX-_O=ORG_CN=ANNA@x.invalid>\r\nSubject: %d\r\n\r\nbody\r\n", i)})
			}
			path := filepath.Join(t.TempDir(), "ledger")
			ctx, stop := context.WithCancel(t.Context())
			lost := failure.New(failure.Transient, "append", "x", "test.lost", nil)
			arrives := nth%2 == 0
			if arrives {
				dst.Inject(fake.Fault{Call: "target.Append", N: nth, Mode: fake.After, Err: lost}, fake.Fault{Call: "target.Arrived", Err: lost})
			} else {
				dst.Inject(fake.Fault{Call: "target.Append", N: nth, Do: stop, Err: lost})
			}
			_, err := addressesRun(t, ctx, src, dst, path, names[0])
			if err == nil {
				t.Fatalf("%q, delivery %d: the run was not stopped", names, nth)
			}
			stop()
			dst.Heal()
			dst.Crash()
			// What was on its way is made as it was, arrived or not.
			sent := min(2*nth, messages)
			if have := len(dst.Messages("anna", mail.Inbox)); have != sent && arrives || have != sent-2 && !arrives {
				t.Fatalf("%q, delivery %d: %d arrived", names, nth, have)
			}
			notes, err := addressesRun(t, t.Context(), src, dst, path, names[1])
			if err != nil {
				t.Errorf("%q, delivery %d: %v", names, nth, err)
			}
			got := map[string]int{}
			subjects := map[string]int{}
			for _, m := range dst.Messages("anna", mail.Inbox) {
				lines := strings.Split(string(m.Body), "\r\n")
				got[lines[0]]++
				subjects[lines[slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "Subject") })]]++
			}
			header := func(smtp string) string {
				if smtp == "" {
					smtp = "IMCEAEX-_O=ORG_CN=ANNA@x.invalid"
				}
				return "From: <" + smtp + ">"
			}
			if len(subjects) != messages || got[header(names[0])] != sent || got[header(names[1])] != messages-sent {
				t.Errorf("%q, delivery %d of %d: %v, %v", names, nth, sent, got, subjects)
			}
			want := 0
			for i, n := range []int{sent, messages - sent} {
				if names[i] != "" {
					want += n
				}
			}
			if notes[rewrite.NoteRewritten] != int64(want) {
				t.Errorf("%q, delivery %d: %v, want %d rewritten", names, nth, notes, want)
			}
			// A third run sends nothing, whatever she is called.
			before := len(dst.Calls("target.Append"))
			if _, err := addressesRun(t, t.Context(), src, dst, path, "c@x.example"); err != nil || len(dst.Calls("target.Append")) != before {
				t.Errorf("%q, delivery %d: the third run sends, %v", names, nth, err)
			}
		}
	}
}

// TestWhoKnowsAddresses asks user map, target, source and book, in this order.
func TestWhoKnowsAddresses(t *testing.T) {
	person := func(id, ex string, smtp ...string) directory.User {
		u := directory.User{ID: id, Addresses: []directory.Address{{Type: directory.EX, Value: "/o=Org/cn=" + ex}}}
		for _, a := range smtp {
			u.Addresses = append(u.Addresses, directory.Address{Type: directory.SMTP, Value: a})
		}
		return u
	}
	src, dst := fake.New(fake.Options{}), fake.New(fake.Options{})
	src.AddUser(person("anna", "anna", "anna@old.example"))
	src.AddUser(person("bert", "bert", "bert@old.example"))
	src.AddUser(person("cora", "cora", "cora@old.example"))
	src.AddUser(person("dora", "dora"))
	src.AddUser(person("emil", "emil"))
	dst.AddUser(directory.User{ID: "bert", Addresses: []directory.Address{{Type: directory.SMTP, Value: "bert@target.example"}}})
	dst.AddUser(directory.User{ID: "anna", Addresses: []directory.Address{{Type: directory.SMTP, Value: "anna@target.example"}}})
	src.SetBook(directory.Book{
		Contacts: []directory.Contact{{ID: "finn", Addresses: person("", "finn", "finn@far.example").Addresses}},
		Lists:    []directory.List{{ID: "all", Addresses: person("", "all", "all@old.example").Addresses}, {ID: "x", Addresses: person("", "cora", "wrong@old.example").Addresses}},
	})
	rows := []directory.MapRow{{User: "anna", Action: "existing", Address: []directory.Address{{Type: directory.SMTP, Value: "anna@map.example"}}}, {User: "bert", Action: "existing"},
		{User: "cora", Action: "skip"}, {User: "dora", Account: "dora@new.example"}, {User: "emil"}}
	m := &engine.Migration{Source: src.Source(), Target: dst.Target(), Options: engine.Options{Users: &directory.UserMap{Rows: rows}}}
	plan, err := m.MakePlan(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	table, err := (&env{ctx: t.Context(), stderr: nil}).oldAddresses(t.Context(), m, plan)
	if err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]string{"anna": "anna@map.example", "bert": "bert@target.example", "cora": "cora@old.example", "dora": "dora@new.example",
		"emil": "", "finn": "finn@far.example", "all": "all@old.example"} {
		if got, _ := table.Find(directory.Address{Type: "EX", Value: "/O=ORG/CN=" + strings.ToUpper(who)}); got != want {
			t.Errorf("%s is %q, want %q", who, got, want)
		}
	}
}
