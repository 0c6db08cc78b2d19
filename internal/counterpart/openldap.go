package counterpart

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// OpenLDAPOptions say what kind of slapd is wanted. The zero value is one with
// dc=example,dc=org, the containers People, Contacts and Groups, and the operator.
type OpenLDAPOptions struct {
	Suffix string // default dc=example,dc=org
	// Schemas are files with schemas, by name below /etc/ldap/schema or by path;
	// default core, cosine, inetorgperson.
	Schemas []string
	// Access are lines before the default "access to * by * read"; the operator
	// may write everywhere when there are none.
	Access []string
	// Data is LDIF with the first entries; default: the containers.
	Data   string
	Policy bool   // loads the overlay ppolicy
	Limits string // a line "limits ..." or "sizelimit ..."
	TLS    bool   // offers StartTLS, and ldaps at TLSAddr
}

// OpenLDAP is a running slapd with a folder of its own. Its manager is
// cn=manager,SUFFIX with password "secret", its operator cn=operator,SUFFIX with
// password "geheim".
type OpenLDAP struct {
	Addr, TLSAddr string
	CAFile        string
	Dir           string
	Options       OpenLDAPOptions

	proc *process
}

// NewOpenLDAP starts a slapd for a test, or skips the test where there is none.
func NewOpenLDAP(t testing.TB, o OpenLDAPOptions) *OpenLDAP {
	t.Helper()
	l, err := StartOpenLDAP(t.Context(), o)
	orSkip(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("slapd's log:\n%s", tail(filepath.Join(l.Dir, "log")))
		}
		l.Close()
	})
	return l
}

// StartOpenLDAP starts a slapd; the caller ends it with Close.
func StartOpenLDAP(ctx context.Context, o OpenLDAPOptions) (*OpenLDAP, error) {
	if _, err := slapd(); err != nil {
		return nil, err
	}
	if o.Suffix == "" {
		o.Suffix = "dc=example,dc=org"
	}
	if o.Schemas == nil {
		o.Schemas = []string{"core", "cosine", "inetorgperson"}
	}
	l := &OpenLDAP{Options: o}
	var err error
	if l.Dir, err = newDir("", "wbl"); err != nil {
		return nil, err
	}
	if err := l.prepare(ctx); err != nil {
		l.Close()
		return nil, err
	}
	if err := l.Restart(ctx); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func slapd() (string, error) {
	for _, path := range []string{"/usr/sbin/slapd", "/usr/local/libexec/slapd"} {
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: OpenLDAP's server (Debian: slapd)", ErrMissing)
}

// Manager is the name that may do everything; Operator one that a migration uses.
func (l *OpenLDAP) Manager() string  { return "cn=manager," + l.Options.Suffix }
func (l *OpenLDAP) Operator() string { return "cn=operator," + l.Options.Suffix }

// prepare writes certificates and loads the first entries.
func (l *OpenLDAP) prepare(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(l.Dir, "db"), 0o700); err != nil {
		return err
	}
	if l.Options.TLS {
		c, err := newCertificate()
		if err != nil {
			return err
		}
		if err := write(l.Dir, map[string]string{"ca.pem": c.authority, "cert.pem": c.certificate, "key.pem": c.key}); err != nil {
			return err
		}
		l.CAFile = filepath.Join(l.Dir, "ca.pem")
	}
	if err := l.configure(); err != nil {
		return err
	}
	data := l.Options.Data
	if data == "" {
		data = l.containers()
	}
	add := exec.CommandContext(ctx, "slapadd", "-q", "-f", filepath.Join(l.Dir, "slapd.conf"))
	add.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin")
	if path, err := exec.LookPath("/usr/sbin/slapadd"); err == nil {
		add.Path, add.Err = path, nil
	}
	add.Stdin = strings.NewReader(data)
	if out, err := add.CombinedOutput(); err != nil {
		return fmt.Errorf("slapadd: %w: %s", err, out)
	}
	return nil
}

func (l *OpenLDAP) containers() string {
	s := l.Options.Suffix
	var b strings.Builder
	fmt.Fprintf(&b, "dn: %s\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example\n\n", s)
	for _, ou := range []string{"People", "Contacts", "Groups"} {
		fmt.Fprintf(&b, "dn: ou=%s,%s\nobjectClass: organizationalUnit\nou: %s\n\n", ou, s, ou)
	}
	fmt.Fprintf(&b, "dn: cn=operator,%s\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: operator\nuserPassword: geheim\n\n", s)
	return b.String()
}

func (l *OpenLDAP) configure() error {
	var b strings.Builder
	for _, schema := range l.Options.Schemas {
		if !strings.Contains(schema, "/") {
			schema = "/etc/ldap/schema/" + schema + ".schema"
		}
		fmt.Fprintf(&b, "include %s\n", schema)
	}
	fmt.Fprintf(&b, "pidfile %s/pid\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\n", l.Dir)
	if l.Options.Policy {
		fmt.Fprintf(&b, "moduleload ppolicy\n")
	}
	if l.Options.TLS {
		fmt.Fprintf(&b, "TLSCACertificateFile %s/ca.pem\nTLSCertificateFile %s/cert.pem\nTLSCertificateKeyFile %s/key.pem\n", l.Dir, l.Dir, l.Dir)
	}
	if l.Options.Limits != "" {
		fmt.Fprintf(&b, "%s\n", l.Options.Limits)
	}
	fmt.Fprintf(&b, "database mdb\nsuffix %q\nrootdn %q\nrootpw secret\ndirectory %s/db\nmaxsize 67108864\ndbnosync\n", l.Options.Suffix, l.Manager(), l.Dir)
	if l.Options.Policy {
		fmt.Fprintf(&b, "overlay ppolicy\n")
	}
	if len(l.Options.Access) == 0 {
		fmt.Fprintf(&b, "access to * by dn.exact=%q write by anonymous auth by * read\n", l.Operator())
	}
	for _, line := range l.Options.Access {
		fmt.Fprintf(&b, "%s\n", line)
	}
	fmt.Fprintf(&b, "access to attrs=userPassword by anonymous auth by * none\naccess to * by * read\n")
	return write(l.Dir, map[string]string{"slapd.conf": b.String()})
}

// Restart starts the server, with the configuration that Options have now, at the
// address it had before.
func (l *OpenLDAP) Restart(ctx context.Context) error {
	l.Kill()
	if err := l.configure(); err != nil {
		return err
	}
	binary, err := slapd()
	if err != nil {
		return err
	}
	for range 5 {
		if l.Addr == "" {
			l.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort()))
			l.TLSAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort()))
		}
		urls := "ldap://" + l.Addr
		if l.Options.TLS {
			urls += " ldaps://" + l.TLSAddr
		}
		if l.proc, err = start(filepath.Join(l.Dir, "log"), binary, "-h", urls, "-f", filepath.Join(l.Dir, "slapd.conf"), "-d", "stats"); err != nil {
			return err
		}
		if err = accepts(ctx, l.Addr, l.proc.ended); err == nil && l.proc.ended() == nil {
			return nil
		}
		l.Kill()
		l.Addr = ""
	}
	return fmt.Errorf("start slapd: %w\n%s", errors.Join(err, errTaken), tail(filepath.Join(l.Dir, "log")))
}

// accepts waits until a server takes connections.
func accepts(ctx context.Context, addr string, ended func() error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		if gone := ended(); gone != nil {
			return gone
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody listens at %s: %w", addr, err)
		case <-tick.C:
		}
	}
}

// Search asks the server with OpenLDAP's own ldapsearch and gives its LDIF.
func (l *OpenLDAP) Search(ctx context.Context, base, filter string, attributes ...string) (string, error) {
	return ldapsearch(ctx, "ldap://"+l.Addr, l.Manager(), "secret", base, filter, attributes...)
}

// Modify feeds LDIF to OpenLDAP's own ldapmodify, as the manager.
func (l *OpenLDAP) Modify(ctx context.Context, ldif string) error {
	cmd := exec.CommandContext(ctx, "ldapmodify", "-x", "-H", "ldap://"+l.Addr, "-D", l.Manager(), "-w", "secret")
	cmd.Stdin = strings.NewReader(ldif)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ldapmodify: %w: %s", err, out)
	}
	return nil
}

func ldapsearch(ctx context.Context, uri, bind, password, base, filter string, attributes ...string) (string, error) {
	args := []string{"-x", "-LLL", "-o", "ldif-wrap=no", "-H", uri, "-D", bind, "-w", password, "-b", base, filter}
	cmd := exec.CommandContext(ctx, "ldapsearch", append(args, attributes...)...)
	cmd.Env = append(os.Environ(), "LDAPTLS_REQCERT=never")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("%w: ldapsearch (Debian: ldap-utils)", ErrMissing)
	}
	if err != nil {
		return string(out), fmt.Errorf("ldapsearch: %w: %s", err, out)
	}
	return string(out), nil
}

// Kill ends the server at once.
func (l *OpenLDAP) Kill() {
	if l.proc != nil {
		l.proc.kill()
		l.proc = nil
	}
}

// Close ends the server and removes its folder.
func (l *OpenLDAP) Close() {
	l.Kill()
	if l.Dir != "" {
		_ = os.RemoveAll(l.Dir)
	}
}
