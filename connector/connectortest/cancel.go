package connectortest

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

func cancelCases() []testCase {
	return []testCase{
		{"cancel/before", cancelledBefore},
		{"cancel/arrived", cancelledInArrived},
		{"cancel/append", cancelledInAppend},
	}
}

// cancelledBefore makes every call with a context that has ended already. Each
// fails with class Cancelled and has no effect.
func cancelledBefore(tr *trial) {
	d := tr.desk()
	start := d.position()
	letters := []post.Letter{post.Compose(1), post.Compose(2)}
	d.deliver(letters...)
	list := d.arrived(start)
	if len(list) == 0 {
		tr.Fatal("nothing arrived")
	}
	id, flags := list[0].ID, list[0].Flags
	before, folders := tr.accounts(d.target), check.Paths(tr.folders(d.mailbox))

	ended, cancel := context.WithCancel(tr.Ctx)
	cancel()
	open := func() error {
		_, body, err := d.mailbox.Open(ended, d.path, id)
		if err == nil {
			_ = body.Close()
		}
		return err
	}
	type attempt struct {
		name string
		call func() error
	}
	calls := []attempt{
		{"Accounts", func() error { _, err := check.Collect(d.target.Accounts(ended)); return err }},
		{"Probe", func() error { _, err := d.target.Probe(ended); return err }},
		{"Fingerprint", func() error { _, err := d.target.Fingerprint(ended, bytes.NewReader(letters[0].Body)); return err }},
		{"Mailbox", func() error {
			mailbox, err := d.target.Mailbox(ended, d.account)
			if err == nil {
				_ = mailbox.Close()
			}
			return err
		}},
		{"Folders", func() error { _, err := d.mailbox.Folders(ended); return err }},
		{"CreateFolder", func() error { return d.mailbox.CreateFolder(ended, mail.Folder{Path: "Cancelled"}) }},
		{"DeleteFolder", func() error { return d.mailbox.DeleteFolder(ended, d.path) }},
		{"Position", func() error { _, err := d.mailbox.Position(ended, d.path); return err }},
		{"Append", func() error { _, err := d.mailbox.Append(ended, d.path, start, post.Items(letters)); return err }},
		{"Arrived", func() error { _, err := check.Collect(d.mailbox.Arrived(ended, d.path, start)); return err }},
		{"Open", open},
		{"SetFlags", func() error {
			return d.mailbox.SetFlags(ended, d.path, id, flags, mail.NewFlagSet(mail.Seen|mail.Flagged))
		}},
		{"Remove", func() error { return d.mailbox.Remove(ended, d.path, id) }},
	}
	if d.caps.CreateAccounts {
		calls = append(calls, attempt{"CreateAccount", func() error { return d.target.CreateAccount(ended, directory.User{ID: "dora"}) }})
	}
	if d.caps.DeleteAccounts {
		calls = append(calls, attempt{"DeleteAccount", func() error { return d.target.DeleteAccount(ended, d.account) }})
	}
	for _, c := range calls {
		tr.WantClass(c.name+" with a cancelled context", c.call(), failure.Cancelled)
	}
	if got := tr.accounts(d.target); !slices.Equal(got, before) {
		tr.Errorf("cancelled calls changed the accounts from %q to %q", before, got)
	}
	if got := check.Paths(tr.folders(d.mailbox)); !slices.Equal(got, folders) {
		tr.Errorf("cancelled calls changed the folders from %q to %q", folders, got)
	}
	after := d.wantContents(start, letters)
	if len(after) > 0 && !after[0].Flags.Equal(flags) {
		tr.Errorf("cancelled calls changed the flags from %q to %q", flags, after[0].Flags)
	}
}

// cancelledInArrived ends the context in the middle of the listing, which must
// not end as if it were complete.
func cancelledInArrived(tr *trial) {
	d := tr.desk()
	start := d.position()
	d.deliver(post.Many(0, 30)...)
	ctx, cancel := context.WithCancel(tr.Ctx)
	defer cancel()
	var last error
	for _, err := range d.mailbox.Arrived(ctx, d.path, start) {
		cancel()
		last = err
	}
	tr.WantClass("Arrived after its context ended", last, failure.Cancelled)
	d.wantContents(start, post.Many(0, 30))
}

// cancelledInAppend ends the context in the middle of each item's reader, drops
// the target there and looks what arrived: whole messages, in order, none twice,
// and nothing of the one that was cut.
func cancelledInAppend(tr *trial) {
	d := tr.desk()
	letters := post.Many(0, 3)
	for i := range letters {
		letters[i].Body = append(letters[i].Body, bytes.Repeat([]byte("one more line of the cut message\r\n"), 8000)...)
	}
	for k := range letters {
		for _, stubborn := range []bool{false, true} {
			d.cutAppend(letters, k, stubborn)
		}
	}
}

// cutAppend cuts item k. A stubborn reader does not notice and reads on.
func (d *desk) cutAppend(letters []post.Letter, k int, stubborn bool) {
	d.Helper()
	name := fmt.Sprintf("item %d cut, stubborn %v", k+1, stubborn)
	start := d.position()
	ctx, cancel := context.WithCancel(d.Ctx)
	defer cancel()
	sent := slices.Clone(letters)
	sent[k] = sent[k].Halfway(func() error {
		cancel()
		if stubborn {
			return nil
		}
		return failure.New(failure.Cancelled, "read message", "suite", "suite.cancelled", context.Canceled)
	})
	receipts, err := d.mailbox.Append(ctx, d.path, start, post.Items(sent))
	if err != nil {
		d.WantClass(name, err, failure.Cancelled)
	}
	delivered := map[int]bool{}
	for i, r := range receipts {
		delivered[i] = r.Err == nil
	}
	if err == nil && len(delivered) != len(letters) {
		d.Errorf("%s: Append returned %d receipts and no error", name, len(receipts))
	}
	if err == nil && k < len(letters)-1 && !slices.ContainsFunc(receipts, func(r connector.Receipt) bool { return r.Err != nil }) {
		d.Errorf("%s: Append went on as if nothing had happened", name)
	}
	d.crash()
	var got []mail.Digest
	for _, s := range d.arrived(start) {
		_, digest := d.read(s.ID)
		got = append(got, digest)
	}
	next := 0
	for i, l := range letters {
		if next < len(got) && got[next] == d.digest(l) {
			if i == k && !stubborn {
				d.Errorf("%s: it was stored, and its reader never ended", name)
			}
			next++
			delivered[i] = false
		}
		if delivered[i] {
			d.Errorf("%s: item %d has a receipt and did not arrive", name, i+1)
		}
	}
	if next != len(got) {
		d.Errorf("%s: %d messages arrived, and only %d of them are whole and in order", name, len(got), next)
	}
}
