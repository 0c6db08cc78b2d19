package siteimap

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"

	"waybill/failure"
)

// penalty is how long a wrong password waits for its answer.
const penalty = time.Second

// Login is LOGIN: ACCOUNT or ACCOUNT*OPERATOR, and the password.
func (x *session) Login(name, password string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return refusal(x.logonAs(name, password))
}

// AuthenticateMechanisms are those of SASL.
func (x *session) AuthenticateMechanisms() []string { return []string{sasl.Plain} }

// Authenticate is AUTHENTICATE PLAIN (RFC 4616, RFC 4959). An authorization
// identity is the account that the operator who authenticates wants to open.
func (x *session) Authenticate(mechanism string) (sasl.Server, error) {
	if mechanism != sasl.Plain {
		return nil, no(codeCannot, "only PLAIN is offered")
	}
	return plain{sasl.NewPlainServer(func(account, name, password string) error {
		x.mu.Lock()
		defer x.mu.Unlock()
		if account == "" || account == name {
			return refusal(x.logonAs(name, password))
		}
		return refusal(x.logon(account, name, password))
	})}, nil
}

// plain answers what is no answer to PLAIN as IMAP wants it.
type plain struct{ sasl.Server }

// Next takes an answer.
func (p plain) Next(response []byte) (challenge []byte, done bool, err error) {
	challenge, done, err = p.Server.Next(response)
	if _, ok := errors.AsType[*imap.Error](err); err != nil && !ok {
		err = bad("this is no answer to PLAIN")
	}
	return challenge, done, err
}

func (x *session) logonAs(name, password string) error {
	account, operator := name, ""
	if i := strings.LastIndexByte(name, '*'); i >= 0 {
		// A "*" may belong to the account's own name.
		if _, err := x.server.opt.Store.RecipientDN(x.ctx, name); err != nil {
			account, operator = name[:i], name[i+1:]
		}
	}
	return x.logon(account, operator, password)
}

// logon opens the account's mailbox with the rights of an operator, or with the
// account's own.
func (x *session) logon(account, operator, password string) error {
	want, got := sha256.Sum256([]byte(x.server.opt.Password.Reveal())), sha256.Sum256([]byte(password))
	if subtle.ConstantTimeCompare(want[:], got[:]) != 1 {
		return x.refuse("a wrong password", account)
	}
	if operator == "" {
		operator = account
	}
	n, err := x.server.opt.Store.Session(operator, "")
	if err != nil {
		return err
	}
	box, err := n.Mailbox(x.ctx, account, true)
	if err != nil {
		if failure.ClassOf(err) == failure.Vanished {
			return x.refuse("no mailbox", account)
		}
		x.server.opt.Log(fmt.Sprintf("%s: %q may not open %q: %v", x.remote, operator, account, err))
		return err
	}
	x.box, x.account = box, account
	x.gate.LoggedOn()
	x.server.opt.Log(fmt.Sprintf("%s: %q opened the mailbox of %q", x.remote, operator, account))
	return nil
}

// refuse answers a wrong name or password, slowly and always in the same words.
func (x *session) refuse(why, account string) error {
	x.server.opt.Log(fmt.Sprintf("%s: %s for %q", x.remote, why, account))
	x.gate.Failed()
	wait := time.NewTimer(penalty)
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-x.ctx.Done():
	}
	return no(codeAuthentication, "wrong name or password")
}
