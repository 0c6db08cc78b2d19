package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"unicode"

	"github.com/emersion/go-sasl"

	"waybill/secret"
)

// bearer logs on with a token, by OAUTHBEARER (RFC 7628) or by Google's XOAUTH2,
// which Exchange Online speaks too. When the server does not take the token it
// sends JSON, which is kept and answered with what ends the exchange.
type bearer struct {
	mechanism  string
	user       string
	host, port string
	token      secret.Value
	refusal    string
}

var _ sasl.Client = (*bearer)(nil)

func (b *bearer) Start() (string, []byte, error) {
	if b.mechanism == "XOAUTH2" {
		return b.mechanism, []byte("user=" + b.user + "\x01auth=Bearer " + b.token.Reveal() + "\x01\x01"), nil
	}
	// The name as GS2 has it (RFC 5801 4).
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(b.user)
	return b.mechanism, []byte("n,a=" + name + ",\x01host=" + b.host + "\x01port=" + b.port + "\x01auth=Bearer " + b.token.Reveal() + "\x01\x01"), nil
}

func (b *bearer) Next(challenge []byte) ([]byte, error) {
	if b.refusal != "" {
		return nil, errors.New("the server goes on after it has refused the token")
	}
	b.refusal = decodeChallenge(challenge)
	if b.mechanism == "XOAUTH2" {
		return []byte{}, nil
	}
	return []byte{1}, nil
}

// decodeChallenge says in words why a token was refused (RFC 7628 3.2.2).
func decodeChallenge(challenge []byte) string {
	var told struct {
		Status      any    `json:"status"` // a text, though some send a number
		Scope       string `json:"scope"`
		Schemes     string `json:"schemes"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(challenge, &told); err != nil || told.Status == nil {
		return printable("the server says " + fmt.Sprintf("%q", challenge))
	}
	var text strings.Builder
	_, _ = fmt.Fprint(&text, "status ", told.Status)
	for _, more := range []struct{ name, value string }{{"scope", told.Scope}, {"schemes", told.Schemes}, {"", told.Description}} {
		if more.value != "" {
			text.WriteString(strings.TrimRight(", "+more.name, " ") + " " + more.value)
		}
	}
	return printable(text.String())
}

// printable makes a server's words short and fit for a terminal.
func printable(text string) string {
	text = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "") + "..."
	}
	return strings.TrimSpace(text)
}

func (c *Config) bearer(mechanism, user string, token secret.Value) *bearer {
	host, port, _ := net.SplitHostPort(c.addr)
	return &bearer{mechanism: mechanism, user: user, host: host, port: port, token: token}
}

// login is the mechanism LOGIN, which asks for a name and for a password in
// whatever words the server has.
type login struct {
	user     string
	password secret.Value
	asked    int
}

func (l *login) Start() (string, []byte, error) { return "LOGIN", nil, nil }

func (l *login) Next([]byte) ([]byte, error) {
	l.asked++
	switch l.asked {
	case 1:
		return []byte(l.user), nil
	case 2:
		return []byte(l.password.Reveal()), nil
	}
	return nil, errors.New("the server asks for more than a name and a password")
}
