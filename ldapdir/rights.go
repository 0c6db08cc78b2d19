package ldapdir

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/event"
	"waybill/failure"
	"waybill/ldapdir/people"
	"waybill/rights"
)

// Class identifiers and the right to reset passwords in Active Directory
// ([MS-ADSC], [MS-ADTS] 5.1.3.2.1).
var classGUID = map[people.Kind]string{
	people.Account: "bf967aba-0de6-11d0-a285-00aa003049e2",
	people.Contact: "5cb41ed0-0e4c-11d0-a286-00aa003049e2",
	people.Group:   "bf967a9c-0de6-11d0-a285-00aa003049e2",
}

const resetPassword = "00299570-246d-11d0-a768-00aa006e0529" //nolint:gosec // the number of a right, and no password

// identity is who we are to the server (RFC 4532), or the name that we gave.
func (d *Directory) identity(ctx context.Context) string {
	name := d.o.Bind
	_ = d.s.do(ctx, "ask who we are", d.o.String(), func(c *ldap.Conn) error {
		answer, err := c.WhoAmI(nil)
		if err == nil && answer.AuthzID != "" {
			name = strings.TrimPrefix(strings.TrimPrefix(answer.AuthzID, "dn:"), "u:")
		}
		return err
	})
	return name
}

// sid is the security identifier of a name, for commands that grant; or words in
// its place.
func (d *Directory) sid(ctx context.Context, name string) string {
	short := name
	if _, after, ok := strings.Cut(name, `\`); ok {
		short = after
	}
	short, _, _ = strings.Cut(short, "@")
	sid := ""
	_, _ = d.s.search(ctx, d.o.Base, people.Equals("sAMAccountName", short), []string{"objectSid"}, func(e *ldap.Entry) error {
		sid = people.SIDText(e.GetEqualFoldRawAttributeValue("objectSid"))
		return nil
	})
	if sid == "" {
		return "SID-OF-" + short
	}
	return sid
}

// needed names the right in the directory's own words.
func (d *Directory) needed(k people.Kind) string {
	class := d.schema.Class(k)
	switch d.o.Schema {
	case people.ActiveDirectory:
		right := "Create and Delete Child (" + class + "), Write Property"
		if k == people.Account && d.o.Policy != NoPassword {
			right += ", Reset Password"
		}
		return right
	case people.Exchange55:
		return "Add Child, Modify User Attributes, Modify Admin Attributes, Delete (KB Q168753)"
	}
	return "write to the entries below, and to the container's children"
}

// grant is what gives the right: a command, or a line of a configuration.
func (d *Directory) grant(ctx context.Context, k people.Kind) string {
	container := d.schema.Container(k)
	who := d.identity(ctx)
	switch d.o.Schema {
	case people.ActiveDirectory:
		class, guid, sid := d.schema.Class(k), classGUID[k], d.sid(ctx, who)
		sddl := fmt.Sprintf("(OA;CI;CCDC;%s;;%s)(OA;CIIO;RPWP;;%s;%s)", guid, sid, guid, sid)
		windows := fmt.Sprintf(`dsacls "%s" /I:T /G "%s:CCDC;%s" and dsacls "%s" /I:S /G "%s:RPWP;;%s"`, container, who, class, container, who, class)
		if k == people.Account && d.o.Policy != NoPassword {
			sddl += fmt.Sprintf("(OA;CIIO;CR;%s;%s;%s)", resetPassword, guid, sid)
			windows += fmt.Sprintf(` and dsacls "%s" /I:S /G "%s:CA;Reset Password;%s"`, container, who, class)
		}
		return fmt.Sprintf("samba-tool dsacl set --objectdn='%s' --sddl='%s' (Windows: %s)", container, sddl, windows)
	case people.Exchange55:
		return fmt.Sprintf(`in Exchange Administrator, on the Permissions page of the container %s: give %s the role Admin`, container, who)
	}
	return fmt.Sprintf(`access to dn.subtree="%s" by dn.exact="%s" write by * break`, container, who)
}

// refusal is a finding about a missing right.
func (d *Directory) refusal(ctx context.Context, action string, k people.Kind, where, detail string) rights.Finding {
	return rights.Finding{Action: action, Identity: d.identity(ctx), Where: where, Needed: d.needed(k), Detail: detail, Grant: d.grant(ctx, k), Event: string(event.RightMissing)}
}

// explain adds to a refusal which right is missing, and how it is granted.
func (d *Directory) explain(err error, k people.Kind, dn string) error {
	if err == nil || !ruleIs(err, "ldap.rights") {
		return err
	}
	e, ok := errors.AsType[*failure.Error](err)
	if !ok {
		return err
	}
	detail := ""
	if e.Err != nil {
		detail = e.Err.Error()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return failure.New(failure.Denied, e.Op, dn, e.Rule, &rights.Refusal{Findings: []rights.Finding{d.refusal(ctx, e.Op, k, d.schema.Container(k), detail)}})
}

// effective asks Active Directory what may be done here before it is tried.
// These attributes are computed and only given by name ([MS-ADTS] 3.1.1.4.5).
func (d *Directory) effective(ctx context.Context, dn, attribute string) (names []string, told bool, err error) {
	e, err := d.s.Read(ctx, dn, attribute)
	if err != nil {
		return nil, false, err
	}
	for _, a := range e.Attributes {
		told = told || strings.EqualFold(a.Name, attribute)
	}
	return e.GetEqualFoldAttributeValues(attribute), told, nil
}
