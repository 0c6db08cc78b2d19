package sitestore

import (
	"context"
	"fmt"
	"strings"

	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/rights"
	"waybill/sitestore/acl"
)

// Session is an operator at work on a site. It checks rights; the Store behind
// it does not.
type Session struct {
	store    *Store
	operator string
	behave   string // overrides the site's setting when not empty
	shown    string // the site's file as the operator wrote it
}

// Session begins work as operator; empty means the site's creator. An unknown
// operator holds nothing. behave overrides the site's behaviour when it is not
// empty.
func (s *Store) Session(operator, behave string) (*Session, error) {
	if operator == "" {
		operator = s.info.Creator
	}
	if err := checkBehaviour(behave); err != nil {
		return nil, err
	}
	return &Session{store: s, operator: operator, behave: behave, shown: s.path}, nil
}

// Operator is who works.
func (n *Session) Operator() string { return n.operator }

// Shown sets how the site's file is written in commands, for instance as the
// operator gave it.
func (n *Session) Shown(path string) { n.shown = path }

// need is rights on one object.
type need struct {
	object acl.DN
	rights acl.Rights
	role   acl.Role // what to grant; empty: Permissions Admin
}

// check tells which of needs are held, one finding for each right.
func (n *Session) check(ctx context.Context, action string, needs ...need) ([]rights.Finding, error) {
	var findings []rights.Finding
	for _, need := range needs {
		held, err := n.store.Effective(ctx, n.operator, need.object)
		if err != nil {
			return nil, err
		}
		for _, right := range need.rights.Single() {
			f := rights.Finding{Action: action, Identity: n.operator, Where: string(need.object),
				Needed: right.String(), Held: held.Held(), OK: held.Rights.Has(right)}
			if f.OK {
				f.Held = ""
				for _, o := range held.Why(right) {
					f.Held += o.String() + "; "
				}
				f.Held = strings.TrimSuffix(f.Held, "; ")
			} else {
				f.Event = string(event.RightMissing)
				f.Grant = n.grant(need.role, n.word(need.object))
			}
			findings = append(findings, f)
		}
	}
	return findings, nil
}

// word is how the commands call an object.
func (n *Session) word(object acl.DN) string {
	if level := object.Level(); level != acl.Object {
		return string(level)
	}
	return string(object)
}

// grant is the command that grants role on an object.
func (n *Session) grant(role acl.Role, on string) string {
	if role == "" {
		role = acl.PermissionsAdmin
	}
	return fmt.Sprintf("waybill site grant %s --to %s --role %q --on %s", quote(n.shown), quote(n.operator), string(role), quote(on))
}

// require refuses with findings when a right is missing.
func (n *Session) require(ctx context.Context, op, action string, needs ...need) error {
	findings, err := n.check(ctx, action, needs...)
	if err != nil {
		return err
	}
	return refusal(op, n.store.path, "site.rights", findings)
}

// refusal makes an error of the findings that are not OK, nil when all are.
func refusal(op, where, rule string, findings []rights.Finding) error {
	var missing []rights.Finding
	for _, f := range findings {
		if !f.OK {
			missing = append(missing, f)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return failure.New(failure.Denied, op, where, rule, &rights.Refusal{Findings: missing}).
		WithRemedy("grant what is missing with the commands given, and run again")
}

func (n *Session) logonNeed() need {
	return need{object: n.store.info.SiteDN(), rights: acl.Logon}
}

func (n *Session) createNeeds() []need {
	return []need{n.logonNeed(), {object: n.store.info.SiteDN(), rights: acl.AddChild | acl.ModifyUser | acl.ModifyAdmin}}
}

// administrationNeeds is what opening everybody's mailbox needs: the rights of
// Permissions Admin on all three levels (KB Q255888).
func (n *Session) administrationNeeds() []need {
	i := n.store.info
	var needs []need
	for _, dn := range []acl.DN{i.OrganizationDN(), i.SiteDN(), i.ConfigurationDN()} {
		needs = append(needs, need{object: dn, rights: acl.Prescribed(dn.Level())})
	}
	return needs
}

// Logon checks that the operator may work on the site at all.
func (n *Session) Logon(ctx context.Context) error {
	return n.require(ctx, "log on to site", "log on to the site", n.logonNeed())
}

// MayCreateAccount checks what making an account of that kind needs.
func (n *Session) MayCreateAccount(ctx context.Context, kind directory.Kind) error {
	if err := n.require(ctx, "create account", "create mailboxes", n.createNeeds()...); err != nil {
		return err
	}
	if kind != directory.Public {
		return nil
	}
	f, err := n.topLevel(ctx)
	if err != nil {
		return err
	}
	return refusal("create account", n.store.path, "site.rights", []rights.Finding{f})
}

// topLevel tells whether the operator may make public folders. An operator
// without a mailbox can only be covered by an entry for everybody (KB Q149284).
func (n *Session) topLevel(ctx context.Context) (rights.Finding, error) {
	f := rights.Finding{Action: "create top-level public folders", Identity: n.operator,
		Where: string(n.store.info.ConfigurationDN()), Needed: "a place in the list " + TopLevelFolders}
	principals, err := n.store.TopLevel(ctx)
	if err != nil {
		return f, err
	}
	_, err = n.store.RecipientDN(ctx, n.operator)
	hasMailbox := err == nil
	if err != nil && failure.ClassOf(err) != failure.Vanished {
		return f, err
	}
	for _, p := range principals {
		if strings.EqualFold(p, acl.Everybody) || hasMailbox && strings.EqualFold(p, n.operator) {
			f.OK, f.Held = true, p+" is in the list"
			return f, nil
		}
	}
	to := n.operator
	f.Held, f.Event = "nothing", string(event.RightMissing)
	if !hasMailbox {
		to, f.Detail = acl.Everybody, "an operator without a mailbox can only be covered by everybody"
	}
	f.Grant = fmt.Sprintf("waybill site grant %s --to %s --role %q --on configuration", quote(n.shown), quote(to), TopLevelFolders)
	return f, nil
}

// MayDeleteAccount checks what removing an account needs.
func (n *Session) MayDeleteAccount(ctx context.Context) error {
	return n.require(ctx, "delete account", "delete mailboxes", n.logonNeed(), need{object: n.store.info.SiteDN(), rights: acl.Delete})
}

// MayCreateEntry checks what making a contact or a list needs.
func (n *Session) MayCreateEntry(ctx context.Context) error {
	return n.require(ctx, "create directory entry", "create contacts and lists", n.logonNeed(), need{object: n.store.info.SiteDN(), rights: acl.AddChild})
}

// Probe tells which of the rights that a migration needs are held.
func (n *Session) Probe(ctx context.Context) ([]rights.Finding, error) {
	var all []rights.Finding
	steps := []struct {
		action string
		needs  []need
	}{
		{"create and log on to mailboxes", n.createNeeds()},
		{"delete mailboxes", []need{{object: n.store.info.SiteDN(), rights: acl.Delete}}},
		{"write to everybody's mailbox", n.administrationNeeds()},
	}
	for _, step := range steps {
		findings, err := n.check(ctx, step.action, step.needs...)
		if err != nil {
			return nil, err
		}
		all = append(all, findings...)
	}
	f, err := n.topLevel(ctx)
	return append(all, f), err
}

// access is how an operator came into a mailbox.
type access struct {
	own           bool // the operator's own mailbox
	owner         bool // Mailbox Owner on it
	ownerOf       []acl.Origin
	administrator bool // the prescribed rights on all three levels
	// reliable: own, or administrator or owner without the help of the role
	// Service Account Admin.
	reliable bool
}

// mailboxAccess checks whether the operator may open a mailbox: as its owner,
// with Mailbox Owner on it, or as an administrator of the store.
func (n *Session) mailboxAccess(ctx context.Context, op, name string, object acl.DN) (access, error) {
	if err := n.Logon(ctx); err != nil && name != n.operator {
		return access{}, err
	}
	if name == n.operator {
		return access{own: true, reliable: true}, nil
	}
	held, err := n.store.Effective(ctx, n.operator, object)
	if err != nil {
		return access{}, err
	}
	a := access{owner: held.Rights.Has(acl.MailboxOwner), ownerOf: held.Why(acl.MailboxOwner)}
	for _, o := range a.ownerOf {
		a.reliable = a.reliable || o.Role != acl.ServiceAccountAdmin
	}
	a.administrator = true
	plain := true
	for _, need := range n.administrationNeeds() {
		e, err := n.store.Effective(ctx, n.operator, need.object)
		if err != nil {
			return access{}, err
		}
		a.administrator = a.administrator && e.Rights.Has(need.rights)
		var without acl.Rights
		for _, o := range e.Origins {
			if o.Role != acl.ServiceAccountAdmin {
				without |= o.Rights
			}
		}
		plain = plain && without.Has(need.rights)
	}
	a.reliable = a.reliable || plain
	if a.owner || a.administrator {
		return a, nil
	}
	findings, err := n.check(ctx, "open the mailbox of "+name, n.administrationNeeds()...)
	if err != nil {
		return access{}, err
	}
	return access{}, refusal(op, string(object), "site.rights", findings)
}

// quote writes a word for a shell.
func quote(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/:@+=,", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !safe(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
