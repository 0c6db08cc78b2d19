package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"waybill/failure"
	"waybill/secret"
)

// identity is who logs on, and as whom it works then.
type identity struct {
	// key is what connections are kept under: the user, or nothing for the
	// administrator's own.
	key   string
	user  string // whose mailbox
	login string // authentication identity
	// mailbox is the server's name for the user where login is an administrator's.
	mailbox string
	// acting is the authorisation identity (RFC 4616): whose rights are wanted
	// where that is not login.
	acting string
	// password is where the password is; with tokens it stays empty, and with
	// OAuth2 it gives the token itself.
	password secret.Ref
}

// own is the user of the location, where that is a mailbox of its own.
func (c *Config) own() []string {
	if c.user == "" || (c.auth != Plain && c.auth != OAuth2) {
		return nil
	}
	if _, mapped := c.rows[c.user]; mapped || len(c.names) > 0 {
		return nil
	}
	return []string{c.user}
}

// administrator is the location's user, working as itself.
func (c *Config) administrator() identity {
	return identity{user: c.user, login: c.user, mailbox: c.user, password: c.o.Password}
}

// identify says how to log on so that the user's mailbox can be worked on.
func (c *Config) identify(user string) (identity, error) {
	if user == "" || strings.ContainsAny(user, "\x00\r\n") {
		return identity{}, failure.New(failure.Usage, "log on", c.host, "imap.login.name", fmt.Errorf("nobody can log on as %q", user))
	}
	row, mapped := c.rows[user]
	login, place := user, ""
	if mapped {
		var other string
		if other, place = c.loginIn(row); other != "" {
			login = other
		}
	}
	id := identity{key: user, user: user, login: login, mailbox: login}
	switch c.auth {
	case Proxy:
		id.login, id.acting, id.password = c.user, login, c.o.Password
		return id, nil
	case DovecotMaster:
		id.login, id.password = login+c.separator+c.user, c.o.Password
		return id, nil
	case ACLAdmin:
		id.key, id.login, id.password = "", c.user, c.o.Password
		return id, nil
	case OAuth2:
		if c.o.OAuth != "" {
			return id, nil
		}
	}
	switch {
	case place != "":
		ref, err := secret.Parse(place)
		if err != nil {
			return identity{}, c.rowError(row, cause(err), "a place is env:NAME, file:PATH, command:PROGRAM or keyring:SERVICE/ACCOUNT")
		}
		id.password = ref
	case login == c.user && !c.o.Password.IsZero():
		id.password = c.o.Password
	case login == c.user:
		return identity{}, c.noPassword()
	case mapped:
		return identity{}, c.rowError(row, fmt.Sprintf("there is no password for %s", login), "fill the column "+c.side.String()+"-password with the password's place, or let an administrator log on (auth=proxy, dovecot-master, acl-admin; docs/logon.md)")
	default:
		return identity{}, failure.New(failure.Usage, "log on", c.host, "imap.login.no-password", fmt.Errorf("nothing says how to log on as %s", user)).
			WithRemedy("name the user and the password's place in the user map, or let an administrator log on (docs/logon.md)")
	}
	return id, nil
}

// secretFor fetches the password or the token. fresh is false for a token that
// was used before.
func (c *Config) secretFor(ctx context.Context, id identity) (v secret.Value, fresh bool, err error) {
	if c.auth == OAuth2 && c.tokens != nil {
		return c.tokens.Token(ctx, id.login)
	}
	v, err = id.password.Resolve(ctx)
	if err == nil && v.IsZero() {
		err = failure.New(failure.Usage, "find a password", id.password.String(), "secret.missing", errors.New("it is empty"))
	}
	return v, true, err
}
