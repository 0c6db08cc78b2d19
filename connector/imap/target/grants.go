package target

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/rights"
)

// Needs lists the grants that an administrator has to give himself before an
// account's mailbox can be filled. A grant on a folder reaches only what is made
// in it later, so that each folder that is there needs its own.
func (t *target) Needs(ctx context.Context, account string) ([]rights.Grant, error) {
	const op = "look at rights"
	if t.server.Auth() != server.ACLAdmin {
		return nil, nil
	}
	var needs []rights.Grant
	err := t.administer(ctx, op, account, func(x *server.Session) error {
		name := mailboxOf(x, account)
		folders, err := t.family(ctx, x, name)
		if err != nil {
			return t.fail(op, account, err)
		}
		if !slices.Contains(folders, name) {
			return failure.New(failure.Vanished, op, account, "imap.account", fmt.Errorf("there is no %s", name))
		}
		for _, folder := range folders {
			held, err := x.MyRights(ctx, folder)
			if err != nil {
				return t.fail(op, account+" "+folder, err)
			}
			if missing(held, fillRights) == "" {
				continue
			}
			before, err := t.entry(ctx, x, folder, t.operator())
			if err != nil {
				return t.fail(op, account+" "+folder, err)
			}
			needs = append(needs, rights.Grant{Account: account, Object: folder, Identity: t.operator(), Before: before, Given: united(before, fillRights), Held: held,
				Instead: "log on with auth=proxy, which needs none and keeps what was read"})
		}
		return nil
	})
	return needs, err
}

// Grant gives a right.
func (t *target) Grant(ctx context.Context, g rights.Grant) error {
	return t.administer(ctx, "grant", g.Object, func(x *server.Session) error {
		return t.fail("grant", g.Object, x.SetACL(ctx, g.Object, g.Identity, g.Given))
	})
}

// Withdraw puts back what was there before the grant, also on folders that were
// made meanwhile and got the right from the one that they lie in. Of those, all
// are meant whose entry is exactly what was given.
func (t *target) Withdraw(ctx context.Context, g rights.Grant) error {
	const op = "withdraw"
	return t.administer(ctx, op, g.Object, func(x *server.Session) error {
		folders, err := t.family(ctx, x, g.Object)
		if err != nil {
			return t.fail(op, g.Object, err)
		}
		// The folder itself comes last: as long as it has the right, a crash in
		// between leaves something that shows that this is not finished.
		slices.Reverse(folders)
		for _, folder := range folders {
			has, err := t.entry(ctx, x, folder, g.Identity)
			if err == nil && (folder == g.Object && !sameRights(has, g.Before) || folder != g.Object && sameRights(has, g.Given)) {
				err = t.restore(ctx, x, folder, g)
			}
			if err != nil && !t.vanished(ctx, x, folder, err) {
				return t.fail(op, folder, err)
			}
		}
		return nil
	})
}

func (t *target) restore(ctx context.Context, x *server.Session, folder string, g rights.Grant) error {
	if g.Before == "" {
		return x.DeleteACL(ctx, folder, g.Identity)
	}
	return x.SetACL(ctx, folder, g.Identity, g.Before)
}

// vanished reports whether a refusal means that the folder is not there any more.
func (t *target) vanished(ctx context.Context, x *server.Session, folder string, err error) bool {
	return server.Refused(err) && x.Broken() == nil && !t.listed(ctx, x, folder)
}

// family lists a mailbox, if it is there, and all folders in it.
func (t *target) family(ctx context.Context, x *server.Session, name string) ([]string, error) {
	own, err := x.List(ctx, "", name, imap.ListOptions{})
	if err != nil {
		return nil, err
	}
	base, domain := name, ""
	if at := strings.LastIndexByte(name, '@'); at >= 0 {
		base, domain = name[:at], name[at:]
	}
	below, err := x.List(ctx, "", base+x.Delimiter+"*"+domain, imap.ListOptions{})
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, it := range slices.Concat(own, below) {
		if !server.Attribute(it, `\NonExistent`, `\Noselect`) {
			folders = append(folders, server.Address(it))
		}
	}
	slices.Sort(folders)
	return slices.Compact(folders), nil
}

// entry is what an access control list says of an identity; empty without an
// entry of its own.
func (t *target) entry(ctx context.Context, x *server.Session, folder, identity string) (string, error) {
	list, err := x.GetACL(ctx, folder)
	if err != nil {
		return "", err
	}
	for _, e := range list {
		if e.Identifier == identity {
			return e.Rights, nil
		}
	}
	return "", nil
}

// united are the letters of a, and those of b that are not among them.
func united(a, b string) string { return a + missingLetters(a, b) }

func missingLetters(held, wanted string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune(held, c) {
			return -1
		}
		return c
	}, wanted)
}

// sameRights compares rights as sets. The old letters c and d follow from others
// (RFC 4314 2.1.1), and servers add them on their own.
func sameRights(a, b string) bool {
	strip := strings.NewReplacer("c", "", "d", "")
	a, b = strip.Replace(a), strip.Replace(b)
	return missingLetters(a, b) == "" && missingLetters(b, a) == ""
}
