package ldapdir

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/failure"
	"waybill/ldapdir/people"
	"waybill/secret"
)

// PasswordPolicy says which password a new account gets.
type PasswordPolicy string

// The policies. They are those of the Migration Wizard (KB Q198957).
const (
	NoPassword     PasswordPolicy = "none"   // the account cannot log on until somebody sets one
	RandomPassword PasswordPolicy = "random" // written to a file that its owner alone may read
	AliasPassword  PasswordPolicy = "alias"  // the account's name, padded with "x" (KB Q200004)
)

// TLSMode says how a connection is protected.
type TLSMode string

// The modes.
const (
	StartTLS    TLSMode = "starttls" // RFC 4511 4.14
	ImplicitTLS TLSMode = "implicit" // ldaps
	PlainText   TLSMode = "none"     // to this machine, or when forced
)

// Options say which directory is meant and what goes where in it.
type Options struct {
	Host string // name or address
	Port int
	TLS  TLSMode
	people.Layout

	// Template is an entry whose attributes new accounts get, where the source
	// says nothing else.
	Template string

	// Auth is "simple", "external" (SASL, by certificate or socket), "digest-md5",
	// "ntlm" or "anonymous". Bind is the name to log on with: a DN, and for
	// Active Directory USER@DOMAIN or DOMAIN\USER too.
	Auth, Bind  string
	Password    secret.Ref
	TLSCA       string // PEM file of authorities; empty: the system's
	TLSCert     string // PEM file with our certificate and its key, for external
	TLSInsecure bool   // trust any certificate
	PlainForced bool   // permit PlainText to another machine

	Policy      PasswordPolicy
	MustChange  bool   // at the next logon
	MinPassword int    // to which the alias is padded; 0: what the directory says, or 8
	Secrets     string // file for passwords that were made up; needed for RandomPassword
	PageSize    int    // entries asked for at a time; 0 means 500
}

const forms = "write ldap://HOST/BASE?schema=ad&bind=NAME&users=CONTAINER, or ldaps:// (docs/directories.md)"

func usage(rule, where, what string) *failure.Error {
	return failure.New(failure.Usage, "read the name of a directory", where, rule, errors.New(what)).WithRemedy(forms)
}

// Parse reads a directory's name: ldap[s]://HOST[:PORT]/BASE?OPTION=VALUE&...
// It holds no password: one in it is refused.
func Parse(text string) (Options, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Options{}, usage("ldap.location", "", "it is no URL")
	}
	if u.User != nil {
		return Options{}, usage("ldap.location", u.Redacted(), "the name to log on with is the option bind, and a password does not belong here")
	}
	o := Options{Host: u.Hostname(), Layout: people.Layout{Base: strings.TrimPrefix(u.Path, "/")}, Auth: "simple", Policy: NoPassword}
	switch u.Scheme {
	case "ldap":
		o.Port, o.TLS = 389, StartTLS
		if Loopback(o.Host) {
			o.TLS = PlainText
		}
	case "ldaps":
		o.Port, o.TLS = 636, ImplicitTLS
	default:
		return Options{}, usage("ldap.location", text, "it begins with neither ldap: nor ldaps:")
	}
	if o.Host == "" {
		return Options{}, usage("ldap.location", text, "no host is named")
	}
	if u.Port() != "" {
		if o.Port, err = strconv.Atoi(u.Port()); err != nil || o.Port < 1 || o.Port > 65535 {
			return Options{}, usage("ldap.location", text, "the port is none")
		}
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Options{}, usage("ldap.location", text, "the options are not written as NAME=VALUE&NAME=VALUE")
	}
	for name, all := range values {
		if len(all) != 1 {
			return Options{}, usage("ldap.option", name, "it is given twice")
		}
		if err := o.set(name, all[0]); err != nil {
			return Options{}, err
		}
	}
	return o, o.check()
}

func (o *Options) set(name, value string) error {
	texts := map[string]*string{"schema": &o.Schema, "users": &o.Users, "contacts": &o.Contacts, "groups": &o.Groups, "template": &o.Template,
		"marker": &o.Marker, "aliases": &o.Aliases, "aliasclass": &o.AliasClass, "server": &o.HomeServer, "domain": &o.Domain, "naming": &o.Naming,
		"auth": &o.Auth, "bind": &o.Bind, "tlscert": &o.TLSCert}
	numbers := map[string]*int{"minpassword": &o.MinPassword, "page": &o.PageSize}
	switch {
	case texts[name] != nil:
		*texts[name] = value
	case numbers[name] != nil:
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 || n > 10000 {
			return usage("ldap.option", name, "want a number from 1 to 10000")
		}
		*numbers[name] = n
	case name == "tls":
		if o.TLS = TLSMode(value); o.TLS != StartTLS && o.TLS != ImplicitTLS && o.TLS != PlainText {
			return usage("ldap.option", name, "want starttls, implicit or none")
		}
	case name == "password":
		if o.Policy = PasswordPolicy(value); o.Policy != NoPassword && o.Policy != RandomPassword && o.Policy != AliasPassword {
			// The value is not repeated: somebody may have meant the password itself.
			return usage("ldap.option", name, "want none, random or alias: how new accounts get theirs")
		}
	case name == "change":
		yes, err := strconv.ParseBool(strings.NewReplacer("yes", "true", "no", "false").Replace(value))
		if err != nil {
			return usage("ldap.option", name, "want yes or no")
		}
		o.MustChange = yes
	default:
		return usage("ldap.option", name, "there is no such option")
	}
	return nil
}

// check looks at what does not depend on the server.
func (o *Options) check() error {
	if o.Schema == "" {
		o.Schema = people.InetOrgPerson
	}
	if !slices.Contains([]string{people.InetOrgPerson, people.ActiveDirectory, people.Exchange55}, o.Schema) {
		return usage("ldap.option", "schema", "want inetorgperson, ad or exchange55")
	}
	if !slices.Contains([]string{"simple", "external", "digest-md5", "ntlm", "anonymous"}, o.Auth) {
		return usage("ldap.option", "auth", "want simple, external, digest-md5, ntlm or anonymous")
	}
	if o.Bind == "" && o.Auth != "external" && o.Auth != "anonymous" {
		return usage("ldap.option", "bind", "the name to log on with is missing")
	}
	if o.Naming != "" && o.Naming != "uid" && o.Naming != "cn" {
		return usage("ldap.option", "naming", "want uid or cn")
	}
	if o.Base == "" {
		return usage("ldap.location", o.Host, "no base is named, below which people are looked for")
	}
	if o.Schema == people.Exchange55 && o.Policy != NoPassword {
		return usage("ldap.option", "password", "Exchange 5.5 keeps no passwords: the Windows NT domain does")
	}
	if o.Policy == NoPassword && o.MustChange {
		return usage("ldap.option", "change", "there is no password to change")
	}
	o.Users = o.container(o.Users, o.Base)
	o.Contacts, o.Groups = o.container(o.Contacts, o.Users), o.container(o.Groups, o.Users)
	for name, dn := range map[string]string{"base": o.Base, "users": o.Users, "contacts": o.Contacts, "groups": o.Groups, "template": o.Template} {
		if _, err := ldap.ParseDN(dn); err != nil {
			return usage("ldap.dn", name, fmt.Sprintf("%q is no distinguished name", dn))
		}
	}
	if o.Marker == "" {
		o.Marker = people.DefaultMarker(o.Schema)
	}
	return nil
}

// container completes the name of a container with the base it lies below.
func (o *Options) container(name, fallback string) string {
	if name == "" {
		return fallback
	}
	dn, err := ldap.ParseDN(name)
	base, baseErr := ldap.ParseDN(o.Base)
	if err != nil || baseErr != nil || base.AncestorOfFold(dn) || base.EqualFold(dn) {
		return name
	}
	return name + "," + o.Base
}

// Loopback reports whether host is this machine, as far as its name tells.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// String is the directory's name, without options.
func (o Options) String() string {
	scheme := "ldap"
	if o.TLS == ImplicitTLS {
		scheme = "ldaps"
	}
	return scheme + "://" + net.JoinHostPort(o.Host, strconv.Itoa(o.Port)) + "/" + o.Base
}
