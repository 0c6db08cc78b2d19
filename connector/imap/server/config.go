package server

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/imap/oauth"
	"waybill/directory"
	"waybill/failure"
	"waybill/imap"
	"waybill/secret"
)

// Config is a location with the operator's options, checked.
type Config struct {
	o         Options
	side      Side
	auth      Auth
	shown     string
	host      string
	addr      string
	mode      imap.TLSMode
	tls       *tls.Config
	user      string // of the location
	separator string // between user and master user
	compress  string // auto, yes, no
	silence   time.Duration
	rows      map[string]directory.MapRow
	names     []string // users of the map that are to be moved, in its order
	tokens    *oauth.Source
	resolve   func(ctx context.Context, host string) ([]netip.Addr, error)
}

// maxCA bounds the file with authorities.
const maxCA = 16 << 20

// Configure checks a location and options. It uses no network.
func Configure(loc connector.Location, o Options, side Side) (*Config, error) {
	c := &Config{o: o, side: side, shown: loc.String(), rows: map[string]directory.MapRow{}, resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}}
	if err := c.readLocation(loc); err != nil {
		return nil, err
	}
	if err := c.readTLS(loc); err != nil {
		return nil, err
	}
	if o.Connections < 0 || o.BytesPerSecond < 0 || o.BytesPerDay < 0 {
		return nil, c.usage("a limit is below zero", "leave it away to have no limit")
	}
	if err := c.readMap(); err != nil {
		return nil, err
	}
	if err := c.readSecrets(); err != nil {
		return nil, err
	}
	return c, nil
}

// Identity is what a ledger is bound to: the server's host and port, and the user
// where everybody logs on to a mailbox of their own and the location names one.
// Options do not count. Nothing is checked.
func Identity(loc connector.Location) string {
	if loc.URL == nil {
		return loc.String()
	}
	u := url.URL{Scheme: "imap", Host: net.JoinHostPort(strings.ToLower(loc.URL.Hostname()), portOf(loc))}
	switch loc.Options.Get("auth") {
	case "", Plain.String(), OAuth2.String():
		if name := loc.URL.User.Username(); name != "" {
			u.User = url.User(name)
		}
	}
	return u.String()
}

func portOf(loc connector.Location) string {
	if port := loc.URL.Port(); port != "" {
		return port
	}
	if loc.Scheme == "imaps" {
		return "993"
	}
	return "143"
}

func (c *Config) usage(what, remedy string) error {
	return failure.New(failure.Usage, "open", c.shown, "usage.location", errors.New(what)).WithRemedy(remedy)
}

func (c *Config) readLocation(loc connector.Location) error {
	if loc.URL == nil || loc.Scheme != "imap" && loc.Scheme != "imaps" {
		return c.usage("this is no IMAP server", "write imaps://USER@HOST or imap://USER@HOST")
	}
	if err := loc.RejectOptions("auth", "tls", "compress", "separator", "silence"); err != nil {
		return err
	}
	for name, values := range loc.Options {
		if len(values) > 1 {
			return c.usage(name+" stands twice", "keep one of the two")
		}
	}
	if loc.URL.Path != "" && loc.URL.Path != "/" {
		return c.usage("nothing may follow the host but options", "leave "+loc.URL.Path+" away; folders are chosen in the plan")
	}
	c.host, c.user = loc.URL.Hostname(), loc.URL.User.Username()
	port, err := strconv.Atoi(portOf(loc))
	if err != nil || port < 1 || port > 65535 {
		return c.usage("the port is no number from 1 to 65535", "IMAP has 143 and 993")
	}
	c.addr = net.JoinHostPort(c.host, strconv.Itoa(port))

	words := authNames[:]
	auth := loc.Options.Get("auth")
	if auth == "" && c.o.OAuth != "" {
		auth = OAuth2.String()
	}
	if auth != "" {
		i := slices.Index(words, auth)
		if i < 0 {
			return c.usage(fmt.Sprintf("no way of logging on is called %q", auth), "auth= takes "+strings.Join(words, ", "))
		}
		c.auth = Auth(i)
	}
	if c.separator = loc.Options.Get("separator"); c.separator != "" && c.auth != DovecotMaster {
		return c.usage("separator= belongs to auth=dovecot-master", "leave it away")
	} else if c.separator == "" {
		c.separator = "*"
	}
	switch c.compress = loc.Options.Get("compress"); c.compress {
	case "":
		c.compress = "auto"
	case "auto", "yes", "no":
	default:
		return c.usage(fmt.Sprintf("compress=%s is unknown", c.compress), "compress= takes auto, yes, no")
	}
	return c.readSilence(loc.Options.Get("silence"))
}

// readSilence takes the longest time without a byte of progress, in seconds.
func (c *Config) readSilence(text string) error {
	if text == "" {
		return nil // the client's own
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 1 || seconds > 3600 {
		return c.usage("silence="+text+" is no number of seconds from 1 to 3600", "leave it away for 60")
	}
	c.silence = time.Duration(seconds) * time.Second
	return nil
}

func (c *Config) readTLS(loc connector.Location) error {
	mode := loc.Options.Get("tls")
	switch {
	case mode == "" && loc.Scheme == "imaps":
		c.mode = imap.Implicit
	case mode == "" || mode == "starttls" && loc.Scheme == "imap":
		c.mode = imap.StartTLS
	case mode == "none" && loc.Scheme == "imap":
		c.mode = imap.Plain
	case loc.Scheme == "imaps":
		return c.usage("imaps:// has TLS from the first byte", "leave tls= away, or write imap://")
	default:
		return c.usage(fmt.Sprintf("tls=%s is unknown", mode), "tls= takes starttls, none; TLS from the first byte is imaps://")
	}
	if c.mode == imap.Plain {
		if ip, err := netip.ParseAddr(c.host); err == nil && !ip.Unmap().IsLoopback() {
			return c.mustNotBePlain()
		}
		return nil
	}
	c.tls = &tls.Config{ServerName: c.host, MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.o.TLSInsecure} //nolint:gosec // the operator says so with a flag, and is warned
	if c.o.TLSCA == "" {
		return nil
	}
	if info, err := os.Stat(c.o.TLSCA); err == nil && info.Size() > maxCA {
		return c.caError(errors.New("the file is too large to be what it should"))
	}
	pem, err := os.ReadFile(c.o.TLSCA)
	if err != nil {
		return c.caError(err)
	}
	c.tls.RootCAs = x509.NewCertPool()
	if !c.tls.RootCAs.AppendCertsFromPEM(pem) {
		return c.caError(errors.New("there is no certificate in PEM"))
	}
	return nil
}

func (c *Config) caError(err error) error {
	return failure.New(failure.Usage, "read the authorities to trust", c.o.TLSCA, "usage.tls-ca", err)
}

func (c *Config) mustNotBePlain() error {
	if c.o.PlainForced {
		return nil
	}
	return failure.New(failure.Usage, "open", c.shown, "usage.tls", errors.New("tls=none would send passwords and mail to another machine in the clear")).
		WithRemedy("use imaps:// or STARTTLS; --plain-forced permits it nevertheless")
}

// mustBeLocal resolves the host of a connection without TLS: every address must
// be this machine's own.
func (c *Config) mustBeLocal(ctx context.Context) error {
	if c.o.PlainForced {
		return nil
	}
	if ip, err := netip.ParseAddr(c.host); err == nil && ip.Unmap().IsLoopback() {
		return nil
	}
	addresses, err := c.resolve(ctx, c.host)
	if err != nil {
		return c.connectError(ctx, err)
	}
	for _, ip := range addresses {
		if !ip.Unmap().IsLoopback() {
			return c.mustNotBePlain()
		}
	}
	return nil
}

// readMap takes the rows of the user map that concern this side.
func (c *Config) readMap() error {
	if c.o.Users == nil {
		return nil
	}
	var faults []error
	for _, row := range c.o.Users.Rows {
		name := c.nameIn(row)
		_, twice := c.rows[name]
		if !twice {
			c.rows[name] = row
		}
		skipped := row.Action == string(directory.Skip)
		if !skipped || c.side == SourceSide {
			if !twice {
				c.names = append(c.names, name)
			}
		}
		_, place := c.loginIn(row)
		if skipped {
			continue
		}
		if place != "" && c.auth != Plain && c.auth != OAuth2 {
			faults = append(faults, c.rowError(row, fmt.Sprintf("a user has a password, and auth=%s logs on as the administrator", c.auth), "empty the column "+c.side.String()+"-password, or use auth=plain"))
		} else if place != "" {
			if _, err := secret.Parse(place); err != nil {
				faults = append(faults, c.rowError(row, cause(err), "in the column "+c.side.String()+"-password stands a place: env:NAME, file:PATH, command:PROGRAM or keyring:SERVICE/ACCOUNT"))
			}
		} else if _, err := c.identify(name); err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// nameIn is what this side calls the user of a row.
func (c *Config) nameIn(row directory.MapRow) string {
	if c.side == TargetSide && row.Account != "" {
		return row.Account
	}
	return row.User
}

// loginIn is the name to log on with, where a row gives another, and the place
// of the password.
func (c *Config) loginIn(row directory.MapRow) (login, place string) {
	if c.side == TargetSide {
		return row.TargetLogin, row.TargetPassword
	}
	return row.SourceLogin, row.SourcePassword
}

func (c *Config) rowError(row directory.MapRow, what, remedy string) error {
	return failure.New(failure.Usage, "read user map", fmt.Sprintf("%s line %d", c.o.Users.File, row.Line), "map.password", errors.New(what)).WithRemedy(remedy)
}

// readSecrets sees to it that there is a password, or a way to get tokens.
func (c *Config) readSecrets() error {
	if c.o.OAuth != "" && c.auth != OAuth2 {
		return c.usage("--"+c.side.String()+"-oauth belongs to auth=oauth2", "leave one of the two away")
	}
	if c.auth == OAuth2 && c.o.OAuth != "" {
		var err error
		if c.tokens, err = oauth.Open(c.o.OAuth, c.o.Warn); err != nil {
			return err
		}
	}
	if c.auth == Plain || c.auth == OAuth2 {
		if c.user == "" && len(c.names) == 0 {
			return c.usage("nobody is named to log on as", "write imaps://USER@"+c.host+", or give a user map with --users")
		}
		if len(c.names) > 0 {
			return nil // the rows were looked at
		}
	}
	if c.user == "" {
		return c.usage(fmt.Sprintf("auth=%s needs the administrator's name", c.auth), "write imaps://ADMIN@"+c.host+"/?auth="+c.auth.String())
	}
	if c.o.Password.IsZero() && c.tokens == nil {
		return c.noPassword()
	}
	return nil
}

func (c *Config) noPassword() error {
	if c.auth == OAuth2 {
		return failure.New(failure.Usage, "open", c.shown, "usage.oauth", errors.New("nothing says where tokens come from")).
			WithRemedy("give --" + c.side.String() + "-oauth FILE.yaml (docs/oauth2.md)")
	}
	return failure.New(failure.Usage, "open", c.shown, "usage.password", fmt.Errorf("there is no password for %s", c.user)).
		WithRemedy(fmt.Sprintf("set WAYBILL_%s_PASSWORD, or name a place with --%s-password-from", strings.ToUpper(c.side.String()), c.side))
}

func cause(err error) string {
	if f, ok := errors.AsType[*failure.Error](err); ok && f.Err != nil {
		return f.Err.Error()
	}
	return err.Error()
}
