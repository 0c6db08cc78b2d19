// Package oauth gets bearer tokens (RFC 6749, RFC 7523) for logging on to mail
// servers, and gets new ones before the old ones end.
package oauth

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"waybill/failure"
	"waybill/secret"
)

// The flows.
const (
	clientCredentials = "client-credentials" // RFC 6749 4.4, with a secret or a certificate (RFC 7523 2.2)
	refreshToken      = "refresh-token"      // RFC 6749 6
	serviceAccount    = "service-account"    // RFC 7523 2.1, as Google has it
)

// file is the operator's YAML file; docs/oauth2.md describes it.
type file struct {
	Flow         string   `yaml:"flow"`
	TokenURL     string   `yaml:"token-url"`
	ClientID     string   `yaml:"client-id"`
	ClientSecret string   `yaml:"client-secret"` // a place
	Scopes       []string `yaml:"scopes"`
	RefreshToken string   `yaml:"refresh-token"` // a place; {user} stands for the user
	// KeyFile is Google's JSON file, or for a client assertion the PEM file with
	// the private key; Key is the place of the same.
	KeyFile string `yaml:"key-file"`
	Key     string `yaml:"key"`
	// CertificateFile is the PEM file of the certificate that belongs to the key.
	CertificateFile string `yaml:"certificate-file"`
	// Parameters are sent along with each request, such as audience.
	Parameters map[string]string `yaml:"parameters"`
}

// maxFile bounds the YAML file; a real one has a few hundred bytes.
const maxFile = 64 << 10

// config is a file that was checked.
type config struct {
	file

	name    string
	folder  string // relative paths begin here
	secret  secret.Ref
	refresh func(user string) (secret.Ref, error)
	key     secret.Ref
}

func readFile(name string) (*config, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, bad(name, err)
	}
	if info.Size() > maxFile {
		return nil, bad(name, errors.New("the file is too large to be what it should"))
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, bad(name, err)
	}
	return parse(name, text)
}

func bad(name string, err error) error {
	return failure.New(failure.Usage, "read how to get tokens", name, "oauth.file", err).WithRemedy("docs/oauth2.md has an example for each provider")
}

func parse(name string, text []byte) (*config, error) {
	c := &config{name: name, folder: filepath.Dir(name)}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&c.file); err != nil {
		// Without the source, which may hold what should not be there.
		return nil, bad(name, errors.New(yaml.FormatError(err, false, false)))
	}
	if err := c.check(); err != nil {
		return nil, bad(name, err)
	}
	return c, nil
}

func (c *config) check() (err error) {
	if c.secret, err = place("client-secret", c.ClientSecret); err != nil {
		return err
	}
	if c.key, err = place("key", c.Key); err != nil {
		return err
	}
	if c.Key != "" && c.KeyFile != "" {
		return errors.New("key and key-file say the same thing twice")
	}
	if c.KeyFile != "" {
		if c.key, err = secret.Parse("file:" + c.beside(c.KeyFile)); err != nil {
			return fmt.Errorf("key-file: %w", err)
		}
	}
	if err := c.checkFlow(); err != nil {
		return err
	}
	for name := range c.Parameters {
		if slices.Contains([]string{"grant_type", "client_id", "client_secret", "refresh_token", "assertion", "client_assertion", "client_assertion_type", "scope", ""}, name) {
			return fmt.Errorf("parameters: %q is not for this list", name)
		}
	}
	return c.checkURL()
}

func (c *config) checkFlow() error {
	need := func(key, value string) error {
		if value == "" {
			return fmt.Errorf("the flow %s needs %s", c.Flow, key)
		}
		return nil
	}
	not := func(key, value string) error {
		if value != "" {
			return fmt.Errorf("the flow %s has no use for %s", c.Flow, key)
		}
		return nil
	}
	certified := c.CertificateFile != ""
	switch c.Flow {
	case clientCredentials:
		if certified != !c.key.IsZero() || certified == (c.ClientSecret != "") {
			return errors.New("the flow client-credentials needs either client-secret, or certificate-file with key-file or key")
		}
		return errors.Join(need("token-url", c.TokenURL), need("client-id", c.ClientID), need("scopes", strings.Join(c.Scopes, "")), not("refresh-token", c.RefreshToken))
	case refreshToken:
		if certified != !c.key.IsZero() || certified && c.ClientSecret != "" {
			return errors.New("a client proves itself by client-secret, or by certificate-file with key-file or key")
		}
		if _, err := place("refresh-token", strings.ReplaceAll(c.RefreshToken, "{user}", "user")); err != nil {
			return err
		}
		c.refresh = func(user string) (secret.Ref, error) {
			if strings.ContainsAny(user, "/\\\x00") || strings.HasPrefix(user, ".") {
				user = url.PathEscape(user)
			}
			return place("refresh-token", strings.ReplaceAll(c.RefreshToken, "{user}", user))
		}
		return errors.Join(need("token-url", c.TokenURL), need("client-id", c.ClientID), need("refresh-token", c.RefreshToken))
	case serviceAccount:
		if c.key.IsZero() {
			return errors.New("the flow service-account needs key-file, the JSON file from Google, or key")
		}
		return errors.Join(need("scopes", strings.Join(c.Scopes, "")), not("client-id", c.ClientID), not("client-secret", c.ClientSecret),
			not("refresh-token", c.RefreshToken), not("certificate-file", c.CertificateFile))
	case "":
		return errors.New("it names no flow: client-credentials, refresh-token or service-account")
	}
	return fmt.Errorf("flow %q is unknown; there are client-credentials, refresh-token and service-account", c.Flow)
}

// checkURL permits https, and http to this machine.
func (c *config) checkURL() error {
	if c.TokenURL == "" {
		return nil // the service account's file names it
	}
	return checkURL(c.TokenURL)
}

func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return errors.New("token-url is no address of a web server")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()) {
		return nil
	}
	return errors.New("token-url must be https: secrets are sent to it")
}

// place reads the place of a secret; the text itself is not shown when it is none.
func place(key, text string) (secret.Ref, error) {
	if text == "" {
		return secret.Ref{}, nil
	}
	r, err := secret.Parse(text)
	if err != nil {
		return r, fmt.Errorf("%s: %w", key, err)
	}
	return r, nil
}

// beside resolves a path relative to the YAML file.
func (c *config) beside(name string) string {
	if filepath.IsAbs(name) || strings.HasPrefix(name, "~/") {
		return name
	}
	return filepath.Join(c.folder, name)
}
