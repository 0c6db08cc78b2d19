package source

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
	"waybill/rights"
)

// unreadable explains why a folder cannot be opened. Servers say that a folder
// does not exist when a right is missing, so that counts only when it is not
// listed any more.
func (l *sourceLink) unreadable(ctx context.Context, x *server.Session, f *sourceFolder, refusal error) error {
	const op = "examine folder"
	if class := failure.ClassOf(refusal); class == failure.Transient || class == failure.Throttled || class == failure.Cancelled {
		return l.source.fail(ctx, op, l.where(f), refusal)
	}
	if throttled := l.source.fail(ctx, op, l.where(f), refusal); failure.ClassOf(throttled) == failure.Throttled {
		return throttled
	}
	if f.Path != mail.Inbox {
		// RawName's mark is not a pattern; such a folder is taken for listed.
		items, err := x.List(ctx, "", f.name, imap.ListOptions{})
		if err == nil && len(items) == 0 && !strings.ContainsAny(f.name, "%*\x00") {
			return failure.New(failure.Vanished, op, l.where(f), "imap.folder", refusal)
		}
	}
	held := ""
	if x.Has("ACL") {
		if got, err := x.MyRights(ctx, f.name); err == nil {
			held = got
			if strings.Contains(got, "r") {
				held += ", r among them"
			}
		}
	}
	finding := rights.Finding{
		Action: "read the folder", Identity: l.operator(), Where: l.where(f),
		Needed: "l and r (RFC 4314)", Held: held, Detail: server.Words(refusal), Grant: l.grant(x, f),
	}
	e := failure.New(failure.Denied, op, l.where(f), "imap.no-permission", errors.Join(&rights.Refusal{Findings: []rights.Finding{finding}}, refusal))
	return e.WithRemedy(l.remedy(f))
}

// operator is who works, in words.
func (l *sourceLink) operator() string {
	name := ""
	if l.source.loc.URL != nil {
		name = l.source.loc.URL.User.Username()
	}
	switch l.source.server.Auth() {
	case server.ACLAdmin:
		return name + " (administrator)"
	case server.DovecotMaster:
		return name + " (master user)"
	case server.Proxy:
		return name + " for " + l.user
	default:
		return l.user
	}
}

// masked reports whether Dovecot's master users have rights of their own here,
// which hides everything from them.
func (l *sourceLink) masked() bool {
	auth := l.source.server.Auth()
	return (auth == server.DovecotMaster || auth == server.Proxy) && l.source.server.Flavour() == "dovecot"
}

func (l *sourceLink) grant(x *server.Session, f *sourceFolder) string {
	switch {
	case l.source.server.Auth() == server.ACLAdmin:
		name := ""
		if l.source.loc.URL != nil {
			name = l.source.loc.URL.User.Username()
		}
		return fmt.Sprintf("setacl %s %s lrs   (in cyradm, for the folder and each below it; afterwards: deleteacl %s %s)", server.Show(f.name), name, server.Show(f.name), name)
	case l.masked():
		return server.MasterCure
	case x.Has("ACL"):
		return fmt.Sprintf("SETACL %s %s lrs, by whoever administers the folder", server.Show(f.name), l.user)
	default:
		return "the server's administrator gives " + l.user + " the right to read the folder"
	}
}

// remedy is the whole story where the server's words mislead.
func (l *sourceLink) remedy(f *sourceFolder) string {
	switch {
	case l.masked():
		return "Dovecot's acl plugin is on, and it takes a master user for a stranger: it lists the inbox and says of everything that it does not exist. " +
			"Nothing can be said about what the mailbox holds. Add \"master_user=%u\" to what the userdb returns (for a passwd-file: userdb_master_user=%u), " +
			"or put \"plugin { acl_user = %u }\" into dovecot.conf, and reload Dovecot"
	case l.source.server.Auth() == server.ACLAdmin:
		return "an administrator of Cyrus may list and administer mailboxes, not read them: grant him the right for the time of the run, or use auth=proxy, which needs none"
	case f.Path == mail.Inbox:
		return "a mailbox that cannot be opened is not taken for an empty one: look at the right to read it"
	default:
		return "the folder is listed and cannot be opened: look at the right to read it"
	}
}

// show is a folder's name for people.
