package gate

import (
	"errors"
)

var (
	errInjected = errors.New("bytes behind STARTTLS")
	errLeft     = errors.New("the mail program left before it began TLS")
)

// Preface speaks with a mail program until it begins TLS (RFC 9051 6.2.1):
// nothing else can be had without it. go-imap's own STARTTLS would put the TLS
// between itself and the network. An error ends the connection.
func (g *Conn) Preface() error {
	const offered = "IMAP4rev1 SASL-IR LITERAL+ ID STARTTLS LOGINDISABLED"
	if err := g.Say("* OK [CAPABILITY %s] IMAP server ready", offered); err != nil {
		return err
	}
	for {
		text, message, refused, err := g.readCommand()
		if err != nil {
			return g.lost(err)
		}
		tag, name := nameOf(text)
		if message != nil && !message.sync {
			if err := g.skip(message.size); err != nil {
				return err
			}
		}
		switch {
		case tag == "":
			tag, refused = "*", "BAD A command begins with a tag"
		case refused != "":
		case name == "STARTTLS":
			if err := g.Say("%s OK Begin TLS now", tag); err != nil {
				return err
			}
			// Bytes behind the command were sent in the clear, by whom ever.
			if g.in.Buffered() > 0 {
				return errInjected
			}
			g.mute = true
			return g.BeginTLS()
		case name == "CAPABILITY":
			refused = "OK CAPABILITY completed"
			err = g.Say("* CAPABILITY %s", offered)
		case name == "ID":
			refused = "OK ID completed"
			err = g.Say(`* ID ("name" "waybill")`)
		case name == "NOOP":
			refused = "OK NOOP completed"
		case name == "LOGOUT":
			refused, g.leaving = "OK LOGOUT completed", true
			err = g.Say("* BYE Logging out")
		case name == "LOGIN" || name == "AUTHENTICATE":
			refused = "NO [PRIVACYREQUIRED] begin TLS before logging on"
		default:
			refused = "BAD log on first"
		}
		if refused[0] == 'B' {
			if g.attempts++; g.attempts > maxAttempts {
				g.leaving = true
			}
		}
		if err = errors.Join(err, g.Say("%s %s", tag, refused)); err != nil || g.leaving {
			return errors.Join(err, errLeft)
		}
	}
}
