package ldapdir

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/failure"
	"waybill/ldapdir/people"
	"waybill/secret"
)

// passwordModify is the extended operation of RFC 3062.
const passwordModify = "1.3.6.1.4.1.4203.1.11.1"

// leastAlias is how long an alias password is where the directory does not say.
const leastAlias = 8

// password is what a new account gets; the zero Value for none. A password that
// was made up is on the disk before it is used anywhere.
func (d *Directory) password(id string) (secret.Value, error) {
	if d.o.Policy == NoPassword {
		return secret.Value{}, nil
	}
	if d.fleeting[id] {
		return (&proof{Directory: d}).canaryPassword(id)
	}
	if d.secrets != nil {
		if v, ok := d.secrets.known[id]; ok {
			return v, nil // of a run that was interrupted
		}
	}
	var v secret.Value
	if d.o.Policy == AliasPassword {
		var padded bool
		v, padded = aliasPassword(id, d.o.MinPassword)
		if padded {
			d.note(id, fmt.Sprintf("its password is its name, padded with x to %d characters, as the directory wants them so long", d.o.MinPassword))
		}
	} else {
		var err error
		if v, err = randomPassword(); err != nil {
			return v, err
		}
	}
	if d.secrets != nil {
		return v, d.secrets.keep(id, v)
	}
	return v, nil
}

// leastPassword finds how long a password must be, for alias passwords.
func (d *Directory) leastPassword(ctx context.Context) error {
	if d.o.MinPassword > 0 || d.o.Policy != AliasPassword {
		return nil
	}
	d.o.MinPassword = leastAlias
	if d.o.Schema != people.ActiveDirectory {
		return nil
	}
	entry, err := d.s.Read(ctx, "", "defaultNamingContext")
	if err != nil {
		return err
	}
	domain, err := d.s.Read(ctx, entry.GetEqualFoldAttributeValue("defaultNamingContext"), "minPwdLength")
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(domain.GetEqualFoldAttributeValue("minPwdLength")); err == nil && n >= 0 && n <= 256 {
		d.o.MinPassword = max(n, 1)
	}
	return nil
}

// passwordOnCreation puts the password into the entry where the directory takes
// it there: Active Directory does, so that an account is never without one.
func (d *Directory) passwordOnCreation(id string, a *people.Attributes) error {
	if d.o.Policy == NoPassword || d.o.Schema != people.ActiveDirectory {
		return nil
	}
	v, err := d.password(id)
	if err != nil {
		return err
	}
	a.Set("unicodePwd", people.QuotedPassword(v.Reveal()))
	a.Set("userAccountControl", people.NormalAccount)
	if d.o.MustChange {
		a.Set("pwdLastSet", "0") // [MS-ADA3] 2.175: to be changed at the next logon
	}
	return nil
}

// passwordAfterCreation sets the password where that is a request of its own, so
// that the server hashes it in its own way.
func (d *Directory) passwordAfterCreation(ctx context.Context, id, dn string) error {
	if d.o.Policy == NoPassword || d.o.Schema == people.ActiveDirectory {
		return nil
	}
	v, err := d.password(id)
	if err != nil {
		return err
	}
	return d.setPassword(ctx, dn, v)
}

func (d *Directory) setPassword(ctx context.Context, dn string, v secret.Value) error {
	const op = "set the password"
	var err error
	if len(d.root.extensions) == 0 || d.root.extensions[passwordModify] {
		err = d.s.do(ctx, op, dn, func(c *ldap.Conn) error {
			_, err := c.PasswordModify(ldap.NewPasswordModifyRequest(dn, "", v.Reveal()))
			return err
		})
	} else {
		change := ldap.NewModifyRequest(dn, nil)
		change.Replace("userPassword", []string{v.Reveal()})
		err = d.s.do(ctx, op, dn, func(c *ldap.Conn) error { return c.Modify(change) })
	}
	if err != nil {
		return d.explain(err, people.Account, dn)
	}
	if !d.o.MustChange {
		return nil
	}
	// pwdReset is the password policy draft's (draft-behera-ldap-password-policy 5.3.9).
	change := ldap.NewModifyRequest(dn, nil)
	change.Replace("pwdReset", []string{"TRUE"})
	err = d.s.do(ctx, "require another password at the next logon", dn, func(c *ldap.Conn) error { return c.Modify(change) })
	if ruleIs(err, "ldap.schema") || !d.root.vocabulary.Knows("pwdReset") && err != nil {
		return failure.New(failure.Unsupported, "require another password at the next logon", dn, "ldap.no-policy", err).
			WithRemedy("load the directory's password policy (OpenLDAP: the overlay ppolicy), or leave out change=yes")
	}
	return d.explain(err, people.Account, dn)
}

// logsOn tries an account's password. One that has to be changed first is right
// all the same: Active Directory says so with 773 in its refusal.
func (d *Directory) logsOn(ctx context.Context, dn string, v secret.Value) error {
	c, err := open(ctx, d.o)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	err = c.Bind(dn, v.Reveal())
	if err != nil && ldap.IsErrorWithCode(err, ldap.LDAPResultInvalidCredentials) && (strings.Contains(err.Error(), "data 773") || strings.Contains(err.Error(), "PASSWORD_MUST_CHANGE")) {
		return nil
	}
	return classify("log on with the new password", dn, err)
}
