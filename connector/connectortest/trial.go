package connectortest

import (
	"crypto/sha256"
	"io"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/directory"
	"waybill/mail"
)

// trial is one case on one store of its own.
type trial struct {
	*check.Case
	cfg   *Config
	store Store
	// name of the case, under which Options.Refuses lists refusals.
	name string
}

// open opens the store for writing and closes it at the end of the case.
func (tr *trial) open() connector.Target {
	tr.Helper()
	target, err := tr.store.OpenTarget(tr.Ctx)
	tr.Must("open the target", err)
	tr.Cleanup(func() { tr.CloseOnce("close the target", target) })
	return target
}

// drop lets go of a target without closing it, as a crash does. It is closed at
// the end of the case, when nobody looks any more.
func (tr *trial) drop(target connector.Target, mailbox connector.TargetMailbox) {
	if tr.cfg.Crashed != nil {
		tr.cfg.Crashed(target)
	}
	tr.Drop(target)
	if mailbox != nil {
		tr.Drop(mailbox)
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
	tr.Must("create account "+user.ID, target.CreateAccount(tr.Ctx, user))
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
	mailbox, err := target.Mailbox(tr.Ctx, account)
	tr.Must("open the mailbox of "+account, err)
	tr.Cleanup(func() { tr.CloseOnce("close the mailbox of "+account, mailbox) })
	return mailbox
}

// folder makes a folder and returns the path under which the target keeps it.
func (tr *trial) folder(target connector.Target, mailbox connector.TargetMailbox, names ...string) mail.Path {
	tr.Helper()
	stored, _, _ := target.FolderName(mail.NewPath(names...), 0)
	tr.Must("create folder "+string(stored), mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: stored, Subscribed: true}))
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
	d.CloseOnce("close the mailbox", d.mailbox)
	d.CloseOnce("close the target", d.target)
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
	at, err := d.mailbox.Position(d.Ctx, d.path)
	d.Must("take the position of "+string(d.path), err)
	return at
}

// append delivers letters as the engine does, in batches of the size that the
// target likes, and returns one receipt for each. It judges no receipt.
func (d *desk) append(letters ...post.Letter) []connector.Receipt {
	d.Helper()
	var receipts []connector.Receipt
	size := len(letters)
	if d.caps.BatchMessages > 0 {
		size = d.caps.BatchMessages
	}
	for rest := letters; len(rest) > 0; {
		batch := rest[:min(size, len(rest))]
		rest = rest[len(batch):]
		got, err := d.mailbox.Append(d.Ctx, d.path, d.position(), post.Items(batch))
		d.Must("append to "+string(d.path), err)
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
			d.Class("append an item", r.Err)
		}
	}
	return receipts
}

// deliver appends letters and fails when one is not taken.
func (d *desk) deliver(letters ...post.Letter) []connector.Receipt {
	d.Helper()
	receipts := d.append(letters...)
	for i, r := range receipts {
		if r.Err != nil {
			d.Fatalf("message %q was not taken: %v", letters[i].Name, r.Err)
		}
	}
	return receipts
}

// arrived lists what arrived since a position, in order.
func (d *desk) arrived(since connector.Position) []connector.Stored {
	d.Helper()
	list, err := check.Collect(d.mailbox.Arrived(d.Ctx, d.path, since))
	d.Must("look for arrivals", err)
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
	stored, body, err := d.mailbox.Open(d.Ctx, d.path, id)
	d.Must("read back "+id, err)
	counted := &counter{from: body}
	digest, err := d.target.Fingerprint(d.Ctx, counted)
	d.Must("digest "+id, err)
	d.Check("close "+id, body.Close())
	if stored.ID != id {
		d.Errorf("Open of %q returns the ID %q", id, stored.ID)
	}
	if stored.Size >= 0 && stored.Size != counted.n && d.caps.Fidelity == connector.Exact {
		d.Errorf("message %q has the size %d, and %d bytes were read", id, stored.Size, counted.n)
	}
	return stored, digest
}

// digest is what a letter's content must be equal to.
func (d *desk) digest(l post.Letter) mail.Digest {
	d.Helper()
	body, err := l.Item().Open(d.Ctx)
	d.Must("open letter", err)
	digest, err := d.target.Fingerprint(d.Ctx, body)
	d.Must("digest letter "+l.Name, err)
	d.Check("close letter", body.Close())
	if d.target.Capabilities().Fidelity != connector.Exact {
		return digest
	}
	again, err := l.Item().Open(d.Ctx)
	d.Must("open letter", err)
	h := sha256.New()
	_, err = io.Copy(h, again)
	d.Must("read letter", err)
	d.Check("close letter", again.Close())
	if mail.Digest(h.Sum(nil)) != digest {
		d.Errorf("the target promises exact bytes, and the fingerprint of %q is not their SHA-256", l.Name)
	}
	return digest
}

// wantContents reads what arrived since a position and fails unless it is the
// letters, in order.
func (d *desk) wantContents(since connector.Position, letters []post.Letter) []connector.Stored {
	d.Helper()
	list := d.arrived(since)
	if len(list) != len(letters) {
		d.Errorf("%d messages were delivered, and %d arrived", len(letters), len(list))
	}
	for i := range min(len(list), len(letters)) {
		if _, digest := d.read(list[i].ID); digest != d.digest(letters[i]) {
			d.Errorf("message %d of %d differs from what was delivered (%q)", i+1, len(letters), letters[i].Name)
		}
	}
	return list
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
