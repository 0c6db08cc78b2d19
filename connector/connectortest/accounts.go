package connectortest

import (
	"slices"
	"strings"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

func accountCases() []testCase {
	return []testCase{
		{"accounts/create", createAccounts},
		{"accounts/conflict", accountConflict},
		{"accounts/delete", deleteAccount},
		{"accounts/names", accountNames},
		{"accounts/unknown", unknownAccount},
		{"accounts/probe", probe},
	}
}

func (tr *trial) accounts(target connector.Target) []string {
	tr.Helper()
	list, err := check.Collect(target.Accounts(tr.Ctx))
	tr.Must("list accounts", err)
	ids := make([]string, len(list))
	for i, u := range list {
		ids[i] = u.ID
	}
	if !slices.IsSorted(ids) {
		tr.Errorf("accounts are not ordered by ID: %q", ids)
	}
	return ids
}

func (tr *trial) needAccounts(target connector.Target) {
	if !target.Capabilities().CreateAccounts {
		tr.Skip("the target cannot create accounts")
	}
}

// createAccounts makes accounts out of order and finds them in order.
func createAccounts(tr *trial) {
	target := tr.open()
	tr.needAccounts(target)
	before := tr.accounts(target)
	for _, n := range []int{2, 0, 1} {
		tr.account(target, n)
	}
	want := slices.Concat(before, []string{"anna", "bert", "cora"})
	slices.Sort(want)
	for range 2 {
		if got := tr.accounts(target); !slices.Equal(got, want) {
			tr.Errorf("accounts are %q, want %q", got, want)
		}
	}
	for u, err := range target.Accounts(tr.Ctx) {
		tr.Must("list accounts", err)
		if u.ID == "anna" && u.Name != "" && u.Name != person(0).Name {
			tr.Errorf("anna is called %q, want %q", u.Name, person(0).Name)
		}
		break
	}
	mailbox := tr.mailbox(target, "anna")
	folders, err := mailbox.Folders(tr.Ctx)
	tr.Must("list folders", err)
	for _, f := range folders {
		if f.Container {
			continue
		}
		at, err := mailbox.Position(tr.Ctx, f.Path)
		tr.Must("take position", err)
		list, err := check.Collect(mailbox.Arrived(tr.Ctx, f.Path, at))
		tr.Must("look for arrivals", err)
		if len(list) > 0 {
			tr.Errorf("a new mailbox has %d messages in %s", len(list), f.Path)
		}
	}
}

// accountConflict makes an account twice and finds the first one unharmed.
func accountConflict(tr *trial) {
	d := tr.desk()
	tr.needAccounts(d.target)
	start := d.position()
	d.deliver(post.Compose(1))
	again := person(0)
	again.Name = "Somebody Else"
	tr.WantClass("create an account again", d.target.CreateAccount(tr.Ctx, again), failure.Conflict)
	d.wantContents(start, []post.Letter{post.Compose(1)})
	for u, err := range d.target.Accounts(tr.Ctx) {
		tr.Must("list accounts", err)
		if u.ID == again.ID && u.Name == again.Name {
			tr.Errorf("the refused account took over the name")
		}
	}
}

// deleteAccount makes a canary and removes it.
func deleteAccount(tr *trial) {
	target := tr.open()
	if !target.Capabilities().CreateAccounts || !target.Capabilities().DeleteAccounts {
		tr.Skip("the target cannot create and delete accounts")
	}
	before := tr.accounts(target)
	canary := directory.User{ID: "waybill-canary", Name: "Waybill canary"}
	for range 2 {
		tr.Must("create the canary", target.CreateAccount(tr.Ctx, canary))
		mailbox, err := target.Mailbox(tr.Ctx, canary.ID)
		tr.Must("open the canary", err)
		d := &desk{trial: tr, target: target, account: canary.ID, mailbox: mailbox, caps: target.Capabilities()}
		d.path = tr.folder(target, mailbox, string(mail.Inbox))
		start := d.position()
		d.deliver(post.Compose(1))
		d.wantContents(start, []post.Letter{post.Compose(1)})
		if list := d.arrived(start); len(list) != 1 {
			tr.Errorf("a canary that was made anew has %d messages, want 1", len(list))
		}
		tr.Check("close the canary", mailbox.Close())
		tr.Must("delete the canary", target.DeleteAccount(tr.Ctx, canary.ID))
		if got := tr.accounts(target); !slices.Equal(got, before) {
			tr.Errorf("the canary left a trace: accounts are %q, were %q", got, before)
		}
		_, err = target.Mailbox(tr.Ctx, canary.ID)
		if err == nil {
			tr.Errorf("the mailbox of a deleted account opens")
		}
	}
}

// accountNames makes accounts with odd IDs. Each is taken, and is then there
// under exactly that ID, or refused, and then not there.
func accountNames(tr *trial) {
	target := tr.open()
	tr.needAccounts(target)
	before := tr.accounts(target)
	for _, id := range []string{
		"anna.hale@example.org", "d'arcy o'neil", "J\u00fcrgen", "Ju\u0308rgen", "a/b", "a\\b", "..", ".", "../up", "CON", "UPPER", "upper", "-dash",
		"a b", ".hidden", "a:b", "a%2Fb", "a,b", "a;b", "*", "\"q\"", "<a>", "a|b", "a\x00b", "line\nbreak", strings.Repeat("x", 200), "",
	} {
		err := target.CreateAccount(tr.Ctx, directory.User{ID: id, Name: "Somebody"})
		listed := tr.accounts(target)
		have := slices.Contains(listed, id)
		if err != nil {
			tr.Class("create account "+id, err)
			if have {
				tr.Errorf("account %q was refused (%v), and is listed", id, err)
			}
			continue
		}
		if !have {
			tr.Errorf("account %q was created, and is not listed in %q", id, listed)
			continue
		}
		before = append(before, id)
		mailbox, err := target.Mailbox(tr.Ctx, id)
		tr.Must("open the mailbox of "+id, err)
		tr.Check("close the mailbox of "+id, mailbox.Close())
	}
	slices.Sort(before)
	if got := tr.accounts(target); !slices.Equal(got, before) {
		tr.Errorf("accounts are %q, want %q", got, before)
	}
}

// unknownAccount opens mailboxes that are not there.
func unknownAccount(tr *trial) {
	d := tr.desk()
	for _, id := range []string{"nobody-here", "", "../anna", strings.Repeat("x", 300)} {
		mailbox, err := d.target.Mailbox(tr.Ctx, id)
		if err == nil {
			_ = mailbox.Close()
			tr.Errorf("the mailbox of %q opens, and there is no such account", id)
			continue
		}
		tr.Class("open an unknown mailbox", err)
	}
	stored, _, _ := d.target.FolderName(mail.NewPath("Not there"), 0)
	if _, err := d.mailbox.Position(d.Ctx, stored); err == nil {
		tr.Errorf("a folder that is not there has a position")
	} else {
		tr.Class("take the position of an unknown folder", err)
	}
}

// probe only looks.
func probe(tr *trial) {
	target := tr.open()
	before := tr.accounts(target)
	for range 2 {
		findings, err := target.Probe(tr.Ctx)
		tr.Must("probe", err)
		for _, f := range findings {
			if f.Action == "" || !f.OK && f.Needed == "" && f.Detail == "" {
				tr.Errorf("finding does not say what was tried or what is missing: %+v", f)
			}
		}
	}
	if got := tr.accounts(target); !slices.Equal(got, before) {
		tr.Errorf("Probe changed the accounts from %q to %q", before, got)
	}
}
