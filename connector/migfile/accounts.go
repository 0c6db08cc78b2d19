package migfile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/migfile/journal"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
)

// baseColumns are the columns of a DIRECTORY section that Waybill writes.
func baseColumns() []string {
	return []string{"Obj-class", "Mode", "Common-Name", "Display-Name", "Given-Name", "Surname", "E-mail Addresses", "E-mail Address", "Secondary-Proxy-Addresses", "Members", "Home-Server"}
}

// loadDirectory reads Directory.pri.
func (t *target) loadDirectory(ctx context.Context) error {
	f := &files{dir: t.dir, page: t.page}
	clear(t.accounts)
	clear(t.entries)
	t.columns = nil
	name := directoryFile + ".pri"
	err := f.scanPrimary(ctx, name, mf.Place{File: name}, nil, func(rec mf.Record, err error) error {
		if err != nil {
			return err
		}
		if rec.Start {
			t.columns = rec.Section.Columns
			return nil
		}
		o, err := readObject(rec)
		if err != nil {
			return err
		}
		if o.class != "mailbox" {
			t.entries[o.id] = o
			return nil
		}
		t.accounts[o.id] = &account{user: o.user(), base: o.binding}
		if n, err := strconv.Atoi(o.binding); err == nil {
			t.last = max(t.last, n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(t.dir, publicFile+".pri")); err == nil {
		t.accounts[PublicID] = publicAccount()
	}
	// Files of an account that was removed halfway keep their number.
	entries, err := os.ReadDir(t.dir)
	if err != nil {
		return journal.Error("open packing list", t.dir, err)
	}
	for _, e := range entries {
		if n, err := strconv.Atoi(base(e.Name())); err == nil {
			t.last = max(t.last, n)
		}
	}
	return nil
}

func publicAccount() *account {
	return &account{user: directory.User{ID: PublicID, Kind: directory.Public, Name: PublicID}, base: publicFile}
}

func (t *target) CreateAccount(ctx context.Context, u directory.User) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	where := t.caps.Location + " " + u.ID
	if t.accounts[u.ID] != nil {
		return failure.New(failure.Conflict, "create account", where, "migfile.object-exists", errors.New("the account exists"))
	}
	if err := t.checkID(u.ID, "create account"); err != nil {
		return err
	}
	if err := t.ensure(); err != nil {
		return err
	}
	if u.Kind == directory.Public {
		if u.ID != PublicID {
			return failure.New(failure.Usage, "create account", where, "migfile.public", fmt.Errorf("the account of the public folders is called %q", PublicID)).
				WithRemedy("map the public folders to that account")
		}
		a := publicAccount()
		if err := t.makePair(a); err != nil {
			return err
		}
		t.listed[a.base] = true
		t.accounts[u.ID] = a
		return t.writeList()
	}
	if _, taken := t.entries[u.ID]; taken || u.ID == PublicID {
		return failure.New(failure.Conflict, "create account", where, "migfile.object-exists", errors.New("another object of the directory has that name"))
	}
	o := object{class: "mailbox", id: u.ID, name: u.Name, first: u.First, last: u.Last, addresses: u.Addresses, attributes: u.Attributes,
		binding: fmt.Sprintf("%08d", t.last+1)}
	if err := t.appendObject(&o); err != nil {
		return err
	}
	t.last++
	a := &account{user: o.user(), base: o.binding}
	t.accounts[u.ID] = a
	return t.makePair(a)
}

// checkID refuses IDs that would not be the same after reading back.
func (t *target) checkID(id, op string) error {
	b, replaced := t.page.Encode(id)
	if id == "" || replaced > 0 || t.page.Decode(b) != id || strings.Trim(id, " ") != id {
		return failure.New(failure.Unsupported, op, t.caps.Location+" "+id, "migfile.common-name", fmt.Errorf("the name %q cannot be kept in code page %d", id, t.page.Number)).
			WithRemedy("give the account another name in the user map")
	}
	return nil
}

// makePair makes the files of an account, with an empty section in the primary
// one. Files that are there are left as they are.
func (t *target) makePair(a *account) error {
	pri, sec := filepath.Join(t.dir, a.base+".pri"), filepath.Join(t.dir, a.base+".sec")
	if _, err := os.Stat(sec); errors.Is(err, fs.ErrNotExist) {
		if err := journal.WriteFile(sec, []byte(mf.SecondaryHeading+"\r\n")); err != nil {
			return err
		}
	} else if err != nil {
		return journal.Error("make files", sec, err)
	}
	if _, err := os.Stat(pri); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return journal.Error("make files", pri, err)
	}
	owner := bindingType + ":" + a.base
	if a.user.Kind == directory.Public {
		owner = mf.PublicMessages
	}
	return journal.WriteFile(pri, append([]byte("!"+ownComment), append([]byte("\r\n"), t.page.Heading(mf.MailMessage, owner, mf.MessageColumns())...)...))
}

func (t *target) CreateContact(ctx context.Context, c directory.Contact) error {
	return t.createEntry(ctx, object{class: "remote", id: c.ID, name: c.Name, first: c.First, last: c.Last, addresses: c.Addresses, attributes: c.Attributes})
}

func (t *target) CreateList(ctx context.Context, l directory.List) error {
	return t.createEntry(ctx, object{class: "dl", id: l.ID, name: l.Name, addresses: l.Addresses, members: l.Members, attributes: l.Attributes})
}

func (t *target) createEntry(ctx context.Context, o object) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.checkID(o.id, "create directory object"); err != nil {
		return err
	}
	conflict := failure.New(failure.Conflict, "create directory object", t.caps.Location+" "+o.id, "migfile.object-exists", errors.New("another object has that name"))
	if t.accounts[o.id] != nil {
		return conflict
	}
	if have, ok := t.entries[o.id]; ok {
		columns := baseColumns()
		for name := range o.attributes {
			columns = append(columns, name)
		}
		row, _ := t.page.Row(o.fields(columns)...)
		again, err := t.reread(columns, row)
		if err == nil && again.same(have) {
			return nil
		}
		return conflict
	}
	if err := t.ensure(); err != nil {
		return err
	}
	if err := t.appendObject(&o); err != nil {
		return err
	}
	t.entries[o.id] = o
	return nil
}

// DeleteAccount takes the pair of files out of the packing list, then removes
// it, then takes the line out of Directory.pri: cut off anywhere, a second call
// completes it.
func (t *target) DeleteAccount(ctx context.Context, id string) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accounts[id]
	if a == nil {
		return failure.New(failure.Vanished, "delete account", t.caps.Location+" "+id, "migfile.no-account", nil)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(t.listed, a.base)
	if err := t.writeList(); err != nil {
		return err
	}
	for _, suffix := range []string{".pri", ".sec", journal.Suffix} {
		if err := os.Remove(filepath.Join(t.dir, a.base+suffix)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return journal.Error("delete account", filepath.Join(t.dir, a.base+suffix), err)
		}
	}
	if a.user.Kind != directory.Public {
		if err := t.cutObject(ctx, id); err != nil {
			return err
		}
	}
	delete(t.accounts, id)
	return nil
}

// cutObject rewrites Directory.pri without the mailbox called id.
func (t *target) cutObject(ctx context.Context, id string) error {
	name := directoryFile + ".pri"
	b, err := os.ReadFile(filepath.Join(t.dir, name))
	if err != nil {
		return journal.Error("delete account", name, err)
	}
	f := &files{dir: t.dir, page: t.page}
	err = f.scanPrimary(ctx, name, mf.Place{File: name}, nil, func(rec mf.Record, err error) error {
		if err != nil || rec.Start {
			return err
		}
		if o, err := readObject(rec); err != nil || o.class != "mailbox" || o.id != id {
			return err
		}
		b = slices.Concat(b[:rec.Place.Offset], b[rec.End:])
		return errStop
	})
	if err != nil && !errors.Is(err, errStop) {
		return err
	}
	return journal.WriteFile(filepath.Join(t.dir, name), b)
}

func (t *target) Mailbox(ctx context.Context, id string) (connector.TargetMailbox, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accounts[id]
	if a == nil {
		return nil, failure.New(failure.Vanished, "open mailbox", t.caps.Location+" "+id, "migfile.no-account", nil)
	}
	if err := t.makePair(a); err != nil {
		return nil, err
	}
	if !t.listed[a.base] {
		t.listed[a.base] = true
		if err := t.writeList(); err != nil {
			return nil, err
		}
	}
	b := &box{target: t, account: a}
	a.mu.Lock()
	defer a.mu.Unlock()
	return b, journal.Recover(t.dir, a.base)
}
