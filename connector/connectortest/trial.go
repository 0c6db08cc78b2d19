package connectortest

import (
	"context"
	"crypto/sha256"
	"io"
	"iter"
	"testing"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// trial is one case on one store of its own.
type trial struct {
	*testing.T
	ctx   context.Context
	cfg   *Config
	store Store
	// name of the case, under which Options.Refuses lists refusals.
	name string
	// closed are the targets and mailboxes that need no closing any more.
	closed map[io.Closer]bool
}

// open opens the store for writing and closes it at the end of the case.
func (tr *trial) open() connector.Target {
	tr.Helper()
	target, err := tr.store.OpenTarget(tr.ctx)
	tr.must("open the target", err)
	tr.Cleanup(func() { tr.close("close the target", target) })
	return target
}

// close closes what is not closed yet.
func (tr *trial) close(op string, c io.Closer) {
	tr.Helper()
	if !tr.closed[c] {
		tr.closed[c] = true
		tr.check(op, c.Close())
	}
}

// drop lets go of a target without closing it, as a crash does. It is closed at
// the end of the case, when nobody looks any more.
func (tr *trial) drop(target connector.Target, mailbox connector.TargetMailbox) {
	if tr.cfg.Crashed != nil {
		tr.cfg.Crashed(target)
	}
	for _, c := range []io.Closer{target, mailbox} {
		if c != nil && !tr.closed[c] {
			tr.closed[c] = true
			tr.Cleanup(func() { _ = c.Close() })
		}
	}
}

// account returns the ID of the n-th account, which is made if need be.
func (tr *trial) account(target connector.Target, n int) string {
	tr.Helper()
	if !target.Capabilities().CreateAccounts {
		if len(tr.cfg.Accounts) <= n {
			tr.Fatalf("the target cannot create accounts, and Options.Accounts has less than %d", n+1)
		}
		return tr.cfg.Accounts[n]
	}
	user := person(n)
	tr.must("create account "+user.ID, target.CreateAccount(tr.ctx, user))
	return user.ID
}

// person is the n-th of some invented people.
func person(n int) directory.User {
	first := []string{"Anna", "Bert", "Cora", "Dora"}[n]
	id := []string{"anna", "bert", "cora", "dora"}[n]
	return directory.User{
		ID: id, Name: first + " Hale", First: first, Last: "Hale",
		Addresses: []directory.Address{{Type: directory.SMTP, Value: id + "@example.org"}},
	}
}

// mailbox opens an account's mailbox and closes it at the end of the case.
func (tr *trial) mailbox(target connector.Target, account string) connector.TargetMailbox {
	tr.Helper()
	mailbox, err := target.Mailbox(tr.ctx, account)
	tr.must("open the mailbox of "+account, err)
	tr.Cleanup(func() { tr.close("close the mailbox of "+account, mailbox) })
	return mailbox
}

// folder makes a folder and returns the path under which the target keeps it.
func (tr *trial) folder(target connector.Target, mailbox connector.TargetMailbox, names ...string) mail.Path {
	tr.Helper()
	stored, _, _ := target.FolderName(mail.NewPath(names...), 0)
	tr.must("create folder "+string(stored), mailbox.CreateFolder(tr.ctx, mail.Folder{Path: stored, Subscribed: true}))
	return stored
}

// desk is the usual beginning of a case: a mailbox with one folder.
type desk struct {
	*trial
	target  connector.Target
	account string
	mailbox connector.TargetMailbox
	path    mail.Path
	caps    connector.Capabilities
}

func (tr *trial) desk() *desk {
	tr.Helper()
	target := tr.open()
	d := &desk{trial: tr, target: target, account: tr.account(target, 0), caps: target.Capabilities()}
	d.mailbox = tr.mailbox(target, d.account)
	d.path = tr.folder(target, d.mailbox, "Orders")
	return d
}

// reopen closes mailbox and target and opens them again.
func (d *desk) reopen() {
	d.Helper()
	d.close("close the mailbox", d.mailbox)
	d.close("close the target", d.target)
	d.target = d.open()
	d.mailbox = d.trial.mailbox(d.target, d.account)
}

// crash drops mailbox and target and opens them again.
func (d *desk) crash() {
	d.Helper()
	d.drop(d.target, d.mailbox)
	d.target = d.open()
	d.mailbox = d.trial.mailbox(d.target, d.account)
}

// position takes the folder's position.
func (d *desk) position() connector.Position {
	d.Helper()
	at, err := d.mailbox.Position(d.ctx, d.path)
	d.must("take the position of "+string(d.path), err)
	return at
}

// append delivers letters as the engine does, in batches of the size that the
// target likes, and returns one receipt for each. It judges no receipt.
func (d *desk) append(letters ...letter) []connector.Receipt {
	d.Helper()
	var receipts []connector.Receipt
	size := len(letters)
	if d.caps.BatchMessages > 0 {
		size = d.caps.BatchMessages
	}
	for rest := letters; len(rest) > 0; {
		batch := rest[:min(size, len(rest))]
		rest = rest[len(batch):]
		got, err := d.mailbox.Append(d.ctx, d.path, d.position(), items(batch))
		d.must("append to "+string(d.path), err)
		if len(got) != len(batch) {
			d.Fatalf("Append of %d items returned %d receipts", len(batch), len(got))
		}
		receipts = append(receipts, got...)
	}
	for _, r := range receipts {
		if len(r.ID) > 255 {
			d.Errorf("receipt has an ID of %d bytes; at most 255 are allowed", len(r.ID))
		}
		if r.Err != nil {
			d.class("append an item", r.Err)
		}
	}
	return receipts
}

// deliver appends letters and fails when one is not taken.
func (d *desk) deliver(letters ...letter) []connector.Receipt {
	d.Helper()
	receipts := d.append(letters...)
	for i, r := range receipts {
		if r.Err != nil {
			d.Fatalf("message %q was not taken: %v", letters[i].name, r.Err)
		}
	}
	return receipts
}

// arrived lists what arrived since a position, in order.
func (d *desk) arrived(since connector.Position) []connector.Stored {
	d.Helper()
	list, err := collect(d.mailbox.Arrived(d.ctx, d.path, since))
	d.must("look for arrivals", err)
	seen := map[string]bool{}
	for _, s := range list {
		if s.ID == "" || len(s.ID) > 255 || seen[s.ID] {
			d.Fatalf("Arrived yields the ID %q, which is empty, longer than 255 bytes or not unique", s.ID)
		}
		seen[s.ID] = true
	}
	return list
}

// read reads a message back and digests it.
func (d *desk) read(id string) (connector.Stored, mail.Digest) {
	d.Helper()
	stored, body, err := d.mailbox.Open(d.ctx, d.path, id)
	d.must("read back "+id, err)
	counted := &counter{from: body}
	digest, err := d.target.Fingerprint(d.ctx, counted)
	d.must("digest "+id, err)
	d.check("close "+id, body.Close())
	if stored.ID != id {
		d.Errorf("Open of %q returns the ID %q", id, stored.ID)
	}
	if stored.Size >= 0 && stored.Size != counted.n && d.caps.Fidelity == connector.Exact {
		d.Errorf("message %q has the size %d, and %d bytes were read", id, stored.Size, counted.n)
	}
	return stored, digest
}

// digest is what a letter's content must be equal to.
func (d *desk) digest(l letter) mail.Digest {
	d.Helper()
	body, err := l.item().Open(d.ctx)
	d.must("open letter", err)
	digest, err := d.target.Fingerprint(d.ctx, body)
	d.must("digest letter "+l.name, err)
	d.check("close letter", body.Close())
	if d.target.Capabilities().Fidelity != connector.Exact {
		return digest
	}
	again, err := l.item().Open(d.ctx)
	d.must("open letter", err)
	h := sha256.New()
	_, err = io.Copy(h, again)
	d.must("read letter", err)
	d.check("close letter", again.Close())
	if mail.Digest(h.Sum(nil)) != digest {
		d.Errorf("the target promises exact bytes, and the fingerprint of %q is not their SHA-256", l.name)
	}
	return digest
}

// wantContents reads what arrived since a position and fails unless it is the
// letters, in order.
func (d *desk) wantContents(since connector.Position, letters []letter) []connector.Stored {
	d.Helper()
	list := d.arrived(since)
	if len(list) != len(letters) {
		d.Errorf("%d messages were delivered, and %d arrived", len(letters), len(list))
	}
	for i := range min(len(list), len(letters)) {
		if _, digest := d.read(list[i].ID); digest != d.digest(letters[i]) {
			d.Errorf("message %d of %d differs from what was delivered (%q)", i+1, len(letters), letters[i].name)
		}
	}
	return list
}

// must ends the case when err is not nil.
func (tr *trial) must(op string, err error) {
	tr.Helper()
	if err != nil {
		tr.class(op, err)
		tr.Fatalf("%s: %v", op, err)
	}
}

// check fails the case when err is not nil, and goes on.
func (tr *trial) check(op string, err error) {
	tr.Helper()
	if err != nil {
		tr.class(op, err)
		tr.Errorf("%s: %v", op, err)
	}
}

// class fails the case when err has no class of its own.
func (tr *trial) class(op string, err error) {
	tr.Helper()
	if failure.ClassOf(err) == failure.Internal {
		tr.Errorf("%s: error has class %s: %v", op, failure.Internal, err)
	}
}

// wantClass fails the case unless err is of the class.
func (tr *trial) wantClass(op string, err error, class failure.Class) {
	tr.Helper()
	if err == nil {
		tr.Errorf("%s: no error, want one of class %s", op, class)
	} else if got := failure.ClassOf(err); got != class {
		tr.Errorf("%s: error of class %s, want %s: %v", op, got, class, err)
	}
}

// collect takes all values of a listing, up to its first error.
func collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var list []T
	for v, err := range seq {
		if err != nil {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
}

type counter struct {
	from io.Reader
	n    int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += int64(n)
	return n, err
}
