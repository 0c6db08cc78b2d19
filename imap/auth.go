package imap

import (
	"context"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/emersion/go-sasl"

	"waybill/failure"
	"waybill/imap/wire"
)

// Authenticate logs on by a SASL mechanism (RFC 9051 6.2.2), with the initial
// response in the command where SASL-IR is offered (RFC 4959). A server that
// names mechanisms and not this one is not asked: class Unsupported.
func (c *Conn) Authenticate(ctx context.Context, mech sasl.Client) error {
	end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	name, initial, err := mech.Start()
	if err != nil {
		return failure.New(failure.Usage, "log on", c.host, "imap.sasl", err)
	}
	name = strings.ToUpper(name)
	if !wire.IsAtom(name) || c.namesMechanisms() && !c.Has("AUTH="+name) {
		return c.unsupported("AUTH="+name, "")
	}
	c.trace.Hush = true
	defer func() {
		c.trace.Hush = false
		c.trace.Forget()
	}()

	w, cmd := c.newCommand("AUTHENTICATE")
	w.Raw(" ").Raw(name)
	if initial != nil && c.Has("SASL-IR") {
		w.Raw(" ").SecretRaw(c.encodeResponse(initial, true))
		initial = nil
	}
	if err := c.exchange(w, cmd, mech, initial); err != nil {
		return err
	}
	return c.loggedOn(cmd)
}

func (c *Conn) namesMechanisms() bool {
	for _, name := range c.caps {
		if strings.HasPrefix(strings.ToUpper(name), "AUTH=") {
			return true
		}
	}
	return false
}

// encodeResponse is base64; an empty initial response is "=" (RFC 4959 3).
func (c *Conn) encodeResponse(response []byte, first bool) string {
	if len(response) == 0 && first {
		return "="
	}
	text := base64.StdEncoding.EncodeToString(response)
	c.trace.Keep(text)
	return text
}

// maxSteps bounds the challenges of one exchange.
const maxSteps = 32

// exchange answers the server's challenges until it says how it ends. initial is
// what an empty first challenge asks for, if the command did not carry it.
func (c *Conn) exchange(w *wire.Command, cmd *command, mech sasl.Client, initial []byte) error {
	var challenge string
	cmd.plus = func(text []byte) { challenge = string(text) }
	if err := c.send(w, cmd); err != nil {
		return err
	}
	var failed error
	for n := 1; n <= maxSteps; n++ {
		more, err := c.awaitPlus(cmd, n)
		if err != nil {
			return err
		}
		if !more {
			break
		}
		var response []byte
		switch {
		case failed != nil || n == maxSteps:
			// The server goes on though we have cancelled.
		case initial != nil:
			response, initial = initial, nil
		default:
			response, failed = respond(mech, challenge)
		}
		line := "*"
		if failed == nil && n < maxSteps {
			line = c.encodeResponse(response, false)
		}
		if c.o.Trace != nil {
			c.o.Trace("C", "<secret>")
		}
		if _, err := c.w.WriteString(line + "\r\n"); err != nil {
			return c.writeFailed(err)
		}
		if err := c.w.Flush(); err != nil {
			return c.writeFailed(err)
		}
	}
	err := c.wait(cmd)
	if failed != nil && c.broken == nil {
		return failure.New(failure.Denied, "log on", c.host, "imap.sasl", errors.Join(failed, err))
	}
	return err
}

func respond(mech sasl.Client, challenge string) ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(challenge))
	if err != nil {
		return nil, errors.New("the server's challenge is not base64")
	}
	return mech.Next(text)
}

// Login logs on with LOGIN (RFC 9051 6.2.3), which is refused here when the
// server says LOGINDISABLED.
func (c *Conn) Login(ctx context.Context, user, password string) error {
	end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	if c.Has("LOGINDISABLED") {
		return failure.New(failure.Denied, "log on", c.host, "imap.login-disabled",
			errors.New("the server takes no passwords on this connection")).
			WithRemedy("connect with TLS, or use another way of authentication")
	}
	w, cmd := c.newCommand("LOGIN")
	w.Raw(" ").String(user).Raw(" ").Secret(password)
	c.trace.Keep(password)
	defer c.trace.Forget()
	if err := w.Err(); err != nil {
		// Without the cause, which may show the password.
		return failure.New(failure.Unsupported, "log on", c.host, "imap.unsendable", wire.ErrText)
	}
	if err := c.do(w, cmd); err != nil {
		return err
	}
	return c.loggedOn(cmd)
}

// loggedOn asks for the capabilities again unless the answer told them: there are
// more of them after logging on (RFC 9051 7.2.2).
func (c *Conn) loggedOn(cmd *command) error {
	c.loggedIn = true
	if cmd.answer.Code == "CAPABILITY" || cmd.toldCapabilities {
		return nil
	}
	c.forget()
	return c.askCapabilities()
}

// unsupported is the error for what the server does not offer.
func (c *Conn) unsupported(capability, folder string) error {
	return failure.New(failure.Unsupported, "use "+capability, c.where(folder), "imap.not-offered",
		errors.New("the server does not offer "+capability))
}

// ServerID tells who the server says it is (RFC 2971), keys in lower case; nil
// when it offers no ID.
func (c *Conn) ServerID(ctx context.Context) (map[string]string, error) {
	if !c.Has("ID") {
		return nil, nil
	}
	w, cmd := c.newCommand("ID")
	w.Raw(` ("name" "waybill")`)
	id := map[string]string{}
	cmd.data = func(name []byte) (bool, error) {
		if !wire.Is(name, "ID") {
			return false, nil
		}
		return true, c.r.ID(id)
	}
	if err := c.run(ctx, w, cmd); err != nil {
		return nil, err
	}
	return id, nil
}

// Namespace tells where folders live (RFC 2342).
func (c *Conn) Namespace(ctx context.Context) (Namespaces, error) {
	if !c.Has("NAMESPACE") {
		return Namespaces{}, c.unsupported("NAMESPACE", "")
	}
	w, cmd := c.newCommand("NAMESPACE")
	var n Namespaces
	cmd.data = func(name []byte) (bool, error) {
		if !wire.Is(name, "NAMESPACE") {
			return false, nil
		}
		return true, c.r.Namespaces(&n)
	}
	err := c.run(ctx, w, cmd)
	return n, err
}
