package target

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

// fillRights are what filling a mailbox takes (RFC 4314 2.1): to see and read
// it, to keep every mark, to insert, to make and remove folders, and to remove
// the messages that were only a trial. With a the right to take them back is
// kept, whatever happens to the administrator's own.
const fillRights = "lrswipkxtea"

// markRights are the rights without which a server drops marks and says nothing.
var markRights = []struct {
	flag  mail.Flags
	right byte
}{{mail.Seen, 's'}, {mail.Answered, 'w'}, {mail.Flagged, 'w'}, {mail.Draft, 'w'}, {mail.Deleted, 't'}}

// explain finds the cause of a refusal that concerns a folder. Servers mislead:
// Cyrus says "Mailbox does not exist" of one in which the administrator may not
// insert, and Dovecot of one that a master user may not see.
func (t *target) explain(ctx context.Context, x *server.Session, name, where, op string, err error) error {
	if err == nil {
		return nil
	}
	err = t.server.Fail(op, where, err)
	if !server.Refused(err) || x.Broken() != nil {
		return err
	}
	switch failure.ClassOf(err) {
	case failure.Denied, failure.Vanished:
	default:
		return err
	}
	// Some folder must be there for a right on it to be missing: the inbox, or one
	// that is listed. A server that says NOPERM means what it says.
	said, _ := errors.AsType[*imap.StatusError](err)
	if !strings.EqualFold(name, "INBOX") && said.Code != "NOPERM" && !t.listed(ctx, x, name) && (failure.ClassOf(err) == failure.Vanished || speaksOfFolder(said.Text)) {
		return failure.New(failure.Vanished, op, where, "imap.folder", err)
	}
	held, told := t.held(ctx, x, name)
	switch {
	case told && missing(held, fillRights) != "":
		return t.denied(op, where, held, name, "", err)
	case !told && t.masked():
		return t.denied(op, where, "", name, "Dovecot's acl plugin takes a master user for a stranger: it says of mailboxes that they do not exist", err)
	case failure.ClassOf(err) == failure.Vanished:
		return t.denied(op, where, held, name, "a mailbox that is there is said not to be", err)
	}
	return t.denied(op, where, held, name, "", err)
}

// listed reports whether LIST shows a folder.
func (t *target) listed(ctx context.Context, x *server.Session, name string) bool {
	items, err := x.List(ctx, "", name, imap.ListOptions{})
	if err != nil {
		return false
	}
	for _, it := range items {
		if !server.Attribute(it, `\NonExistent`, `\Noselect`) {
			return true
		}
	}
	return false
}

// held are the rights that the session has on a folder, where the server tells.
func (t *target) held(ctx context.Context, x *server.Session, name string) (string, bool) {
	if !x.Has("ACL") {
		return "", false
	}
	held, err := x.MyRights(ctx, name)
	return held, err == nil
}

// missing are the letters of needed that are not in held. The old letters c and
// d stand for k with x, and for t with e (RFC 4314 2.1.1).
func missing(held, needed string) string {
	var b strings.Builder
	for _, c := range needed {
		old := 'c'
		if c == 't' || c == 'e' {
			old = 'd'
		}
		covered := strings.ContainsRune(held, c) || strings.ContainsRune("kxte", c) && strings.ContainsRune(held, old) && !strings.ContainsAny(held, "kxte")
		if !covered {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// masked reports whether a server may hide everything from the master user.
func (t *target) masked() bool {
	auth := t.server.Auth()
	return t.server.Flavour() == "dovecot" && (auth == server.DovecotMaster || auth == server.Proxy)
}

// identity is who works, for findings.
func (t *target) identity(user string) string {
	switch t.server.Auth() {
	case server.ACLAdmin:
		return t.operator() + " (administrator)"
	case server.DovecotMaster:
		return t.operator() + " (master user)"
	case server.Proxy:
		return t.operator() + " for " + user
	default:
		return user
	}
}

// denied is the error of a missing right, with what is needed, what is held, and
// what grants it.
func (t *target) denied(op, where, held, name, detail string, cause error) error {
	account, _, _ := strings.Cut(where, " ")
	f := rights.Finding{Action: op, Identity: t.identity(account), Where: where, Needed: fillRights + " (RFC 4314)", Held: held, Detail: detail, Grant: t.howToGrant(account, name, held)}
	if cause != nil {
		if f.Detail != "" {
			f.Detail += ": "
		}
		f.Detail += server.Words(cause)
	}
	return failure.New(failure.Denied, op, where, "imap.no-permission", errors.Join(&rights.Refusal{Findings: []rights.Finding{f}}, cause)).WithRemedy(t.remedy(held))
}

// dovecotRights are fillRights in Dovecot's words.
const dovecotRights = "lookup read write write-seen write-deleted insert post expunge create delete admin"

func (t *target) howToGrant(account, name, held string) string {
	switch {
	case t.server.Auth() == server.ACLAdmin:
		return fmt.Sprintf("setacl %s %s %s   (in cyradm, for the mailbox and each folder in it), or run again with --grant", server.Show(name), t.operator(), fillRights)
	case t.server.Flavour() == "dovecot" && held != "":
		return fmt.Sprintf("doveadm acl set -u %s %s owner %s", account, server.Show(name), dovecotRights)
	case t.masked():
		return server.MasterCure
	default:
		return "whoever administers " + server.Show(name) + " gives the rights " + fillRights
	}
}

func (t *target) remedy(held string) string {
	switch {
	case t.server.Auth() == server.ACLAdmin:
		return "an administrator of Cyrus may make mailboxes and not fill them: run again with --grant, which gives the right for the time of the run, or use auth=proxy, which needs none and keeps what was read"
	case t.masked() && held == "":
		return "add \"master_user=%u\" to what the userdb returns (for a passwd-file: userdb_master_user=%u), or put \"plugin { acl_user = %u }\" into dovecot.conf, and reload Dovecot"
	default:
		return "look at the rights on the folder"
	}
}

// folderWide judges a refused APPEND: nil when it is about the message, else the
// error that any other message would meet, too.
func (t *target) folderWide(ctx context.Context, x *server.Session, name, where string, refusal error) error {
	err := t.server.Fail("append", where, refusal)
	switch failure.ClassOf(err) {
	case failure.Malformed, failure.TooLarge, failure.Unsupported:
		return nil
	case failure.Vanished:
		return t.explain(ctx, x, name, where, "append", refusal)
	case failure.Denied:
		said, ok := errors.AsType[*imap.StatusError](refusal)
		if !ok || said.Code == "" && !speaksOfFolder(said.Text) {
			return nil
		}
		switch said.Code {
		case "", "NOPERM", "AUTHORIZATIONFAILED", "READ-ONLY", "ACL":
			return t.explain(ctx, x, name, where, "append", refusal)
		}
		return nil
	default:
		return err
	}
}

// mayMark refuses a folder in which flags would be dropped without a word: with
// the rights lri both Cyrus and Dovecot answer OK and keep none. The one honest
// sign is PERMANENTFLAGS, and MYRIGHTS says why.
func (t *target) mayMark(ctx context.Context, x *server.Session, l *line, where string) error {
	const op = "append"
	if l.allow.judged {
		return nil
	}
	held, told := "", false
	if l.open.ReadOnly {
		held, _ = t.held(ctx, x, l.name)
		return t.denied(op, where, held, l.name, "the folder opens for reading only", nil)
	}
	wanted := t.kept()
	for _, m := range markRights {
		flag, right := m.flag, m.right
		if wanted&flag == 0 || l.allow.lasting(flag) {
			continue
		}
		if !told {
			if held, told = t.held(ctx, x, l.name); !told {
				break // what is not kept is noted with each message
			}
		}
		if missing(held, string(right)) != "" {
			return t.denied(op, where, held, l.name, fmt.Sprintf("without the right %c the server says OK and drops the flag %s", right, flag.Names()[0]), nil)
		}
	}
	l.allow.judged = true
	return nil
}

// sharedSeen is Cyrus' annotation that makes \Seen one for all.
const sharedSeen = "/shared/vendor/cmu/cyrus-imapd/sharedseen"

// shareSeen sets sharedseen on a folder before it is filled, where the operator
// said so.
func (b *targetBox) shareSeen(ctx context.Context, x *server.Session, name, where string) error {
	if !b.t.options.SharedSeen || b.t.server.Auth() != server.ACLAdmin || b.seen[name] {
		return nil
	}
	if err := x.SetMetadata(ctx, name, sharedSeen, "true"); err != nil {
		return failure.New(failure.ClassOf(err), "share what was read", where, "imap.sharedseen", err).
			WithRemedy("leave --shared-seen away, or use auth=proxy")
	}
	b.seen[name] = true
	b.shared.Add(1)
	return nil
}
