package cli

import (
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"waybill/failure"
	"waybill/secret"
	"waybill/siteimap"
	"waybill/sitestore"
)

// defaultIMAP is where mail programs of this machine find the site.
const defaultIMAP = "127.0.0.1:1143"

// serveCmd shows a site to mail programs.
type serveCmd struct {
	Site        string `arg:"" optional:"" help:"The site: site:FILE."`
	IMAP        string `name:"imap" default:"127.0.0.1:1143" placeholder:"ADDR" help:"Where to listen for mail programs (${default}). Port 0 takes any free one."`
	IMAPS       string `name:"imaps" placeholder:"ADDR" help:"Where to listen with TLS from the start; needs a certificate."`
	Password    string `name:"password-from" placeholder:"PLACE" help:"Where the one password of all accounts is: env:NAME, file:PATH, command:PROGRAM or keyring:SERVICE/ACCOUNT. Without it a random one is made and shown; only for this machine itself."`
	TLSCert     string `name:"tls-cert" type:"path" placeholder:"PEM" help:"The certificate, with its chain. Nobody logs on without TLS then."`
	TLSKey      string `name:"tls-key" type:"path" placeholder:"PEM" help:"The certificate's key."`
	MaxMessage  int64  `name:"max-message" default:"1073741824" placeholder:"BYTES" help:"The largest message that is taken (${default})."`
	MaxSessions int    `name:"max-sessions" default:"100" placeholder:"N" help:"How many connections are served at the same time (${default})."`
}

// Run serves until it is interrupted.
func (c *serveCmd) Run(e *env) error {
	if c.Site == "" && strings.HasPrefix(c.IMAP, "site:") {
		c.Site, c.IMAP = c.IMAP, defaultIMAP // serve --imap site:FILE
	}
	if c.Site == "" {
		return c.usage("", "usage.arguments", "no site is named", "write waybill serve --imap site:FILE")
	}
	o, shown, err := c.options(e)
	if err != nil {
		return err
	}
	store, err := sitestore.Open(e.ctx, sitePath(c.Site), sitestore.Options{Command: "waybill serve"})
	if err != nil {
		return err
	}
	o.Store = store
	return errors.Join(c.serve(e, o, shown), store.Close())
}

// options checks what is asked for before anything is opened. shown is a
// password that was made here.
func (c *serveCmd) options(e *env) (o siteimap.Options, shown string, err error) {
	o = siteimap.Options{MaxMessage: c.MaxMessage, MaxConnections: c.MaxSessions}
	if e.verbose {
		o.Log = func(text string) { _, _ = fmt.Fprintln(e.stderr, "waybill:", printable(text)) }
	}
	if o.TLS, err = c.certificate(); err != nil {
		return o, "", err
	}
	if c.IMAPS != "" && o.TLS == nil {
		return o, "", c.usage(c.IMAPS, "usage.certificate", "TLS from the start needs a certificate", "add --tls-cert and --tls-key")
	}
	local, err := c.checkAddresses(e, o.TLS != nil)
	if err != nil {
		return o, "", err
	}
	if c.Password != "" {
		ref, err := secret.Parse(c.Password)
		if err != nil {
			return o, "", err
		}
		o.Password, err = ref.Resolve(e.ctx)
		return o, "", err
	}
	if !local {
		return o, "", c.usage(c.IMAP, "usage.password", "other machines could log on with a password that nobody chose", "add --password-from")
	}
	shown = strings.ToLower(rand.Text()[:16])
	o.Password = secret.Of(shown)
	return o, shown, nil
}

func (c *serveCmd) usage(where, rule, text, remedy string) error {
	return failure.New(failure.Usage, "serve site", where, rule, errors.New(text)).WithRemedy(remedy)
}

func (c *serveCmd) certificate() (*tls.Config, error) {
	if c.TLSCert == "" && c.TLSKey == "" {
		return nil, nil
	}
	if c.TLSCert == "" || c.TLSKey == "" {
		return nil, c.usage(c.TLSCert+c.TLSKey, "usage.certificate", "a certificate needs its key, and a key its certificate", "add --tls-cert and --tls-key")
	}
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, failure.New(failure.Usage, "read certificate", c.TLSCert, "usage.certificate", err).
			WithRemedy("name the two PEM files of one certificate")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// checkAddresses tells whether only this machine can reach the addresses, and
// refuses to send passwords over a network in the clear.
func (c *serveCmd) checkAddresses(e *env, secure bool) (local bool, err error) {
	local = true
	for _, address := range []string{c.IMAP, c.IMAPS} {
		if address == "" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return false, failure.New(failure.Usage, "serve site", address, "usage.address", err).WithRemedy("write HOST:PORT, for instance 127.0.0.1:1143")
		}
		ip := net.ParseIP(host)
		local = local && (host == "localhost" || ip != nil && ip.IsLoopback())
	}
	if !local && !secure && !e.servers.PlainForced {
		return false, c.usage(c.IMAP, "usage.plain", "passwords and mail would go over the network in the clear", "add --tls-cert and --tls-key, or --plain-forced if that is meant")
	}
	return local, nil
}

// serve listens until the context ends.
func (c *serveCmd) serve(e *env, o siteimap.Options, shown string) error {
	server, err := siteimap.New(o)
	if err != nil {
		return err
	}
	defer server.Close()
	var listeners []net.Listener
	defer func() {
		for _, l := range listeners {
			_ = l.Close()
		}
	}()
	addresses := []string{c.IMAP}
	if c.IMAPS != "" {
		addresses = append(addresses, c.IMAPS)
	}
	for _, address := range addresses {
		var config net.ListenConfig
		l, err := config.Listen(e.ctx, "tcp", address)
		if err != nil {
			return failure.New(failure.ClassOf(err), "serve site", address, "serve.listen", err).WithRemedy("name another address with --imap HOST:PORT")
		}
		listeners = append(listeners, l)
	}
	c.announce(e, o, listeners, shown)
	faults := make([]error, len(listeners))
	var serving sync.WaitGroup
	failed := make(chan struct{}, len(listeners))
	for i, l := range listeners {
		serving.Go(func() {
			if faults[i] = server.Serve(l, i > 0); faults[i] != nil {
				failed <- struct{}{}
			}
		})
	}
	select {
	case <-e.ctx.Done():
	case <-failed:
	}
	server.Close()
	serving.Wait()
	e.done("serve", "the site is closed")
	return errors.Join(faults...)
}

// announce says where mail programs find the site, and how they log on.
func (c *serveCmd) announce(e *env, o siteimap.Options, listeners []net.Listener, shown string) {
	security := "none"
	if o.TLS != nil {
		security = "STARTTLS"
	}
	for i, l := range listeners {
		if i > 0 {
			security = "TLS"
		}
		if e.json {
			line := map[string]any{"type": "serving", "protocol": "imap", "address": l.Addr().String(), "security": security}
			if shown != "" {
				line["password"] = shown
			}
			e.emitJSON(line)
			continue
		}
		e.say("%s is served over IMAP at %s (security: %s).", c.Site, l.Addr(), security)
	}
	if e.json {
		return
	}
	e.say("Log on with the ID of an account, or with ACCOUNT*OPERATOR to act with an operator's rights.")
	if shown != "" {
		e.say("The password of all accounts, until this program ends: %s", shown)
	}
	e.say("Interrupt (Ctrl-C) to end.")
}
