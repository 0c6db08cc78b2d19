package counterpart

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"strings"
	"time"
)

// Quote writes a text as an IMAP quoted string.
func Quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// Run connects to an IMAP server without TLS, logs on with SASL PLAIN and says
// the commands one after another, without their tags. A user "anna*cyrus" works
// as anna with the name and password of cyrus. It returns all that the server
// answered, and an error that quotes the first answer that is not OK. Literals
// in commands have to be of the kind that does not wait ({5+}).
func Run(ctx context.Context, addr, user, password string, commands ...string) (string, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := c.SetDeadline(time.Now().Add(startLimit)); err != nil {
		return "", err
	}
	r := bufio.NewReader(c)
	if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "* OK") {
		return "", fmt.Errorf("greeting of %s: %q %w", addr, line, err)
	}
	identity := ""
	if as, admin, ok := strings.Cut(user, "*"); ok {
		identity, user = as, admin
	}
	plain := base64.StdEncoding.EncodeToString([]byte(identity + "\x00" + user + "\x00" + password))
	var all strings.Builder
	for i, command := range append([]string{"AUTHENTICATE PLAIN " + plain}, commands...) {
		tag := fmt.Sprintf("r%d ", i)
		if _, err := fmt.Fprintf(c, "%s%s\r\n", tag, command); err != nil {
			return all.String(), err
		}
		if i == 0 {
			command = "AUTHENTICATE"
		}
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return all.String(), fmt.Errorf("%s: %w", command, err)
			}
			all.WriteString(line)
			if rest, ok := strings.CutPrefix(line, tag); ok {
				if !strings.HasPrefix(rest, "OK") {
					return all.String(), fmt.Errorf("%s: %s", command, strings.TrimSpace(rest))
				}
				break
			}
		}
	}
	return all.String(), nil
}

// Run logs on as a user, or as USER*MASTER, and says the commands one after
// another; it returns all that the server answered.
func (d *Dovecot) Run(ctx context.Context, user string, commands ...string) (string, error) {
	password := d.Password(user)
	if _, master, ok := strings.Cut(user, "*"); ok {
		password = d.Password(master)
	}
	return Run(ctx, d.Addr, user, password, commands...)
}
