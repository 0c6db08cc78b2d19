package fake

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"iter"
	"reflect"
	"slices"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

type target struct{ s *System }

func (c *target) Capabilities() connector.Capabilities { return c.s.caps }

func (c *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return c.s.users(ctx, "target.Accounts")
}

func (c *target) CreateAccount(ctx context.Context, u directory.User) error {
	return c.s.call(ctx, "target.CreateAccount", u.ID, "", func(*Fault) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if u.ID == "" {
			return failure.New(failure.Usage, "create account", "", "fake.no-id", nil)
		}
		if c.s.accounts[u.ID] != nil {
			return failure.New(failure.Conflict, "create account", u.ID, "fake.account-exists", nil)
		}
		c.s.needAccount(u.ID).user = u
		return nil
	})
}

func (c *target) DeleteAccount(ctx context.Context, id string) error {
	return c.s.call(ctx, "target.DeleteAccount", id, "", func(*Fault) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if c.s.accounts[id] == nil {
			return failure.New(failure.Vanished, "delete account", id, "fake.no-account", nil)
		}
		delete(c.s.accounts, id)
		return nil
	})
}

func (c *target) CreateContact(ctx context.Context, contact directory.Contact) error {
	return c.s.call(ctx, "target.CreateContact", contact.ID, "", func(*Fault) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		return add(&c.s.book.Contacts, contact, contact.ID, func(have directory.Contact) string { return have.ID })
	})
}

func (c *target) CreateList(ctx context.Context, list directory.List) error {
	return c.s.call(ctx, "target.CreateList", list.ID, "", func(*Fault) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		return add(&c.s.book.Lists, list, list.ID, func(have directory.List) string { return have.ID })
	})
}

// add puts an entry into the directory, once.
func add[T any](entries *[]T, entry T, id string, idOf func(T) string) error {
	i := slices.IndexFunc(*entries, func(have T) bool { return idOf(have) == id })
	switch {
	case i < 0:
		*entries = append(*entries, entry)
	case !reflect.DeepEqual((*entries)[i], entry):
		return failure.New(failure.Conflict, "create directory entry", id, "fake.entry-differs", nil)
	}
	return nil
}

func (c *target) FolderName(path mail.Path, attempt int) (mail.Path, string, []mail.Note) {
	if attempt == 0 {
		return path, string(path), nil
	}
	stored := path.Parent().Child(fmt.Sprintf("%s (%d)", path.Name(), attempt+1))
	return stored, string(stored), []mail.Note{{Kind: "folder-renamed", Text: "another folder has this name in other letter case"}}
}

func (c *target) Probe(ctx context.Context) ([]rights.Finding, error) {
	err := c.s.call(ctx, "target.Probe", "", "", func(*Fault) error { return nil })
	if err != nil {
		return nil, err
	}
	return slices.Clone(c.s.options.Findings), nil
}

func (c *target) Fingerprint(ctx context.Context, r io.Reader) (mail.Digest, error) {
	h := sha256.New()
	buffer := make([]byte, 32<<10)
	for {
		if err := cancelled(ctx, "digest message", ""); err != nil {
			return mail.Digest{}, err
		}
		n, err := r.Read(buffer)
		_, _ = h.Write(buffer[:n])
		if err == io.EOF {
			return mail.Digest(h.Sum(nil)), nil
		}
		if err != nil {
			return mail.Digest{}, failure.New(failure.ClassOf(err), "digest message", "", "fake.read", err)
		}
	}
}

func (c *target) Mailbox(ctx context.Context, user string) (connector.TargetMailbox, error) {
	b := &targetMailbox{s: c.s, user: c.s.lands(user)}
	err := c.s.call(ctx, "target.Mailbox", user, "", func(*Fault) error {
		if err := c.s.enter("open mailbox", user); err != nil {
			return err
		}
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if c.s.options.Second == SecondNotOpen && len(c.s.writing) > 0 {
			return denySecond("open mailbox", user)
		}
		c.s.writing = append(c.s.writing, b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if c.s.options.Identity != nil || c.s.options.Rooms != nil {
		return tellingTarget{b}, nil
	}
	return b, nil
}

func (c *target) Close() error { return nil }

// denySecond is the refusal of a second mailbox, with its finding.
func denySecond(op, user string) error {
	finding := rights.Finding{
		Action: op, Identity: "operator", Where: user,
		Needed: "Permissions Admin", Held: "Service Account Admin",
		Detail: "another mailbox is open", Grant: "fake grant operator permissions-admin",
	}
	return failure.New(failure.Denied, op, user, "fake.second-mailbox", &rights.Refusal{Findings: []rights.Finding{finding}})
}
