package target

import (
	"context"
	"fmt"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// probed is how many accounts Probe looks at: it is a hint, and what is done on
// two accounts is the proof.
const probed = 3

// Probe tells what the server says of rights, without changing anything.
func (t *target) Probe(ctx context.Context) ([]rights.Finding, error) {
	if err := server.Ended(ctx, "look at rights", t.server.Location()); err != nil {
		return nil, err
	}
	users, err := t.server.Users(ctx)
	if err != nil {
		return nil, t.fail("look at rights", t.server.Location(), err)
	}
	var findings []rights.Finding
	if t.server.Auth() == server.ACLAdmin {
		findings = append(findings, t.seenFinding())
	}
	for _, user := range users[:min(len(users), probed)] {
		f, err := t.probe(ctx, user)
		if err != nil {
			if failure.ClassOf(err) == failure.Cancelled {
				return nil, err
			}
			f = rights.From(err)
			if len(f) == 0 {
				f = []rights.Finding{{Action: "open the mailbox", Identity: t.identity(user), Where: user, Detail: err.Error()}}
			}
		}
		findings = append(findings, f...)
	}
	return findings, nil
}

// seenFinding explains what becomes of \Seen under an administrator.
func (t *target) seenFinding() rights.Finding {
	f := rights.Finding{Action: "keep what was read as read", Identity: t.identity(""), Where: t.server.Location()}
	if t.options.SharedSeen {
		f.OK, f.Detail = true, "sharedseen is set on each folder that is filled, for good"
		return f
	}
	f.Needed = "to log on as the owner (auth=proxy)"
	f.Detail = "Cyrus keeps \\Seen for each user apart: whatever rights an administrator has, the owner finds everything unread that the administrator delivers. " +
		"The plan and each message say so"
	f.Grant = "log on with auth=proxy, which keeps it (imapd.conf: \"proxyservers\" or \"admins\" names the operator), or run with --shared-seen, which changes the mailboxes for good"
	return f
}

// probe looks at one account's inbox.
func (t *target) probe(ctx context.Context, user string) ([]rights.Finding, error) {
	x, err := t.server.Session(server.Optional(ctx), user)
	if err != nil {
		return nil, err
	}
	defer x.Release()
	sp, err := t.learn(ctx, x)
	if err != nil {
		return nil, err
	}
	f := rights.Finding{Action: "fill the mailbox", Identity: t.identity(user), Where: user, Needed: fillRights + " (RFC 4314)"}
	results, err := x.Status(ctx, []string{sp.Rules.Inbox}, "MESSAGES")
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	held, told := t.held(ctx, x, sp.Rules.Inbox)
	switch {
	case told && missing(held, fillRights) != "":
		f.Held, f.Grant, f.Detail = held, t.howToGrant(user, sp.Rules.Inbox, held), "missing: "+missing(held, fillRights)
	case err != nil:
		return nil, t.explain(ctx, x, sp.Rules.Inbox, user, "open the mailbox", err)
	case told:
		f.OK, f.Held = true, held
	default:
		f.OK = true // the server does not tell; the trial will
	}
	return []rights.Finding{f}, nil
}

// MayFill looks whether a folder that is there may be filled, and changes
// nothing. A folder that is not there is no fault: it will be made.
func (b *targetBox) MayFill(ctx context.Context, folder mail.Path) error {
	l := b.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	x, err := l.connected(ctx)
	if err != nil {
		return err
	}
	name, err := b.encode(folder)
	if err != nil {
		return nil //nolint:nilerr // no folder has such a name
	}
	l.detach()
	held, told := b.t.held(ctx, x, name)
	if !told {
		if x.Broken() != nil || !b.t.listed(ctx, x, name) {
			return b.t.fail("look at rights", b.where(folder), x.Broken())
		}
		if _, err = l.enter(ctx, folder, false); err != nil {
			return err
		}
		return b.t.mayMark(ctx, x, l, b.where(folder))
	}
	const op = "fill the folder"
	if missing(held, "i") != "" {
		return b.t.denied(op, b.where(folder), held, name, "without the right i the folder takes no message", nil)
	}
	for _, m := range markRights {
		if b.t.kept()&m.flag != 0 && missing(held, string(m.right)) != "" {
			return b.t.denied(op, b.where(folder), held, name, fmt.Sprintf("without the right %c the server says OK and drops the flag %s", m.right, m.flag.Names()[0]), nil)
		}
	}
	return nil
}
