package target

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"waybill/connector/imap/server"
	"waybill/directory"
	"waybill/failure"
	"waybill/imap"
)

// Accounts yields the accounts that are known of: all for an administrator, else
// those of the user map or of the location.
func (t *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		if err := server.Ended(ctx, "list accounts", t.server.Location()); err != nil {
			yield(directory.User{}, err)
			return
		}
		users, err := t.server.Users(ctx)
		if err != nil {
			yield(directory.User{}, t.fail("list accounts", t.server.Location(), err))
			return
		}
		users = slices.Clone(users)
		slices.Sort(users)
		for _, id := range slices.Compact(users) {
			if err := server.Ended(ctx, "list accounts", t.server.Location()); err != nil {
				yield(directory.User{}, err)
				return
			}
			if !yield(directory.User{ID: id}, nil) {
				return
			}
		}
	}
}

// FindAccount looks for one account by logging on to it, or in the
// administrator's list.
func (t *target) FindAccount(ctx context.Context, id string) (directory.User, bool, error) {
	if err := server.Ended(ctx, "find account", id); err != nil {
		return directory.User{}, false, err
	}
	found, err := t.server.Probe(ctx, id)
	if err != nil || !found {
		return directory.User{}, false, t.fail("find account", id, err)
	}
	return directory.User{ID: id}, true, nil
}

// mailboxOf is the name of an account's inbox for an administrator.
func mailboxOf(x *server.Session, id string) string { return "user" + x.Delimiter + id }

// accountName refuses what cannot be the name of an account of Cyrus.
func accountName(op, id, delimiter string) error {
	bad := id == "" || strings.HasPrefix(id, ".") || strings.HasSuffix(id, ".") || strings.Contains(id, "..") || len(id) > 64
	for _, c := range id {
		if c <= ' ' || c >= 0x7f || strings.ContainsRune("/%*\"\\!;<>`{|}()&~^", c) || c >= 'A' && c <= 'Z' {
			bad = true
		}
	}
	if bad || delimiter != "" && strings.Contains(id, delimiter) {
		return failure.New(failure.Unsupported, op, id, "imap.account-name",
			errors.New("an account's name on this server has small letters, digits and few other signs, and no delimiter of folders"))
	}
	return nil
}

// administer does something as the administrator who may make mailboxes.
func (t *target) administer(ctx context.Context, op, id string, do func(x *server.Session) error) error {
	if err := server.Ended(ctx, op, id); err != nil {
		return err
	}
	if t.server.Auth() != server.ACLAdmin {
		return failure.New(failure.Unsupported, op, id, "imap.accounts", errors.New("accounts of an IMAP server are made by its own tools, unless an administrator of Cyrus logs on")).
			WithRemedy("make them beforehand, use --provision-command, or log on with auth=acl-admin")
	}
	x, err := t.server.Admin(ctx)
	if err != nil {
		return err
	}
	defer x.Release()
	return do(x)
}

// CreateAccount makes user/ID with its quota, if the directory names one: the
// attribute quota is a number of bytes, or one of K, M or G.
func (t *target) CreateAccount(ctx context.Context, u directory.User) error {
	const op = "create account"
	return t.administer(ctx, op, u.ID, func(x *server.Session) error {
		if err := accountName(op, u.ID, x.Delimiter); err != nil {
			return err
		}
		quota, err := quotaOf(u)
		if err != nil {
			return err
		}
		name := mailboxOf(x, u.ID)
		items, err := x.List(ctx, "", name, imap.ListOptions{})
		if err != nil {
			return t.fail(op, u.ID, err)
		}
		if len(items) > 0 {
			return failure.New(failure.Conflict, op, u.ID, "imap.account-exists", fmt.Errorf("%s exists already", name))
		}
		if err := x.Create(ctx, name, ""); err != nil {
			if failure.ClassOf(err) == failure.Conflict {
				return failure.New(failure.Conflict, op, u.ID, "imap.account-exists", err)
			}
			return t.fail(op, u.ID, err)
		}
		if quota < 0 {
			return nil
		}
		if err := x.SetQuota(ctx, name, map[string]int64{"STORAGE": quota}); err != nil {
			// Whole or not at all: an account without its limit is not what was asked for.
			return t.fail(op, u.ID, errors.Join(err, t.unmake(context.WithoutCancel(ctx), x, name)))
		}
		return nil
	})
}

// quotaOf reads the attribute quota in KiB; -1 without one.
func quotaOf(u directory.User) (int64, error) {
	for name, value := range u.Attributes {
		if !strings.EqualFold(name, "quota") || strings.TrimSpace(value) == "" {
			continue
		}
		text, unit := strings.ToUpper(strings.TrimSpace(value)), int64(1)
		for suffix, size := range map[string]int64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
			if s, ok := strings.CutSuffix(strings.TrimSuffix(strings.TrimSuffix(text, "B"), "I"), suffix); ok {
				text, unit = strings.TrimSpace(s), size
				break
			}
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 || n > 1<<60/unit {
			return 0, failure.New(failure.Usage, "create account", u.ID, "imap.quota", fmt.Errorf("%q is no quota", value)).WithRemedy("write bytes, or 500M, or 2G")
		}
		return (n*unit + 1023) >> 10, nil
	}
	return -1, nil
}

// DeleteAccount removes an account that CreateAccount made. The administrator
// who may make a mailbox may not remove it before he has given himself the right.
func (t *target) DeleteAccount(ctx context.Context, id string) error {
	const op = "delete account"
	return t.administer(ctx, op, id, func(x *server.Session) error {
		if err := accountName(op, id, x.Delimiter); err != nil {
			return failure.New(failure.Vanished, op, id, "imap.account", err)
		}
		name := mailboxOf(x, id)
		items, err := x.List(ctx, "", name, imap.ListOptions{})
		if err != nil {
			return t.fail(op, id, err)
		}
		if len(items) == 0 {
			return failure.New(failure.Vanished, op, id, "imap.account", fmt.Errorf("there is no %s", name))
		}
		return t.fail(op, id, t.unmake(ctx, x, name))
	})
}

func (t *target) unmake(ctx context.Context, x *server.Session, name string) error {
	if err := x.SetACL(ctx, name, t.operator(), "+xc"); err != nil {
		return err
	}
	err := x.Delete(ctx, name)
	if said, ok := errors.AsType[*imap.StatusError](err); ok && (said.Code == "ALREADYEXISTS" || strings.Contains(strings.ToLower(said.Text), "already exists")) {
		// Deleted mailboxes are kept for a while under a name with the second in it.
		return failure.New(failure.Transient, "delete account", name, "imap.deleted-twice", err)
	}
	return err
}

// operator is the name under which the operator logs on.
func (t *target) operator() string {
	if t.loc.URL == nil {
		return ""
	}
	return t.loc.URL.User.Username()
}
