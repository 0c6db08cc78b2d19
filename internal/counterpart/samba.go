package counterpart

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Samba is a running Active Directory domain controller of the domain
// waybill.test (WAYBILL), with a folder and a loopback address of its own:
// it insists on the ports 389 and 636.
type Samba struct {
	Host string // 127.0.0.x
	Dir  string
	Base string // DC=waybill,DC=test

	proc *process
}

// SambaPassword is the administrator's.
const SambaPassword = "Vogel-im-Wald-7" //nolint:gosec // of a domain that lives for one test

// NewSamba starts a domain controller for a test, or skips the test where there
// is none or we are not root.
func NewSamba(t testing.TB) *Samba {
	t.Helper()
	s, err := StartSamba(t.Context())
	orSkip(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("Samba's log:\n%s", tail(filepath.Join(s.Dir, "log")))
		}
		s.Close()
	})
	return s
}

// StartSamba provisions a domain and starts its controller, which takes some ten
// seconds; the caller ends it with Close.
func StartSamba(ctx context.Context) (*Samba, error) {
	for _, path := range []string{"/usr/sbin/samba", "/usr/bin/samba-tool", "/usr/share/samba/setup/provision.ldif", "/usr/bin/ldapsearch"} {
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("%w: Samba as domain controller (Debian: samba samba-ad-provision samba-dsdb-modules samba-vfs-modules winbind ldap-utils)", ErrMissing)
		}
	}
	if os.Geteuid() != 0 {
		return nil, fmt.Errorf("%w: a domain controller needs root for its ports", ErrMissing)
	}
	s := &Samba{Base: "DC=waybill,DC=test"}
	var err error
	// Not in memory: its databases want extended attributes of some file systems.
	if s.Dir, err = newDir(os.TempDir(), "wbs"); err != nil {
		return nil, err
	}
	for left := 20; ; left-- {
		if left == 0 {
			s.Close()
			return nil, fmt.Errorf("%w: somebody has port 389 on every address of this machine", ErrMissing)
		}
		s.Host = fmt.Sprintf("127.%d.%d.%d", 10+rand.IntN(200), rand.IntN(250), 2+rand.IntN(250))
		if l, err := net.Listen("tcp", s.Host+":389"); err == nil {
			_ = l.Close()
			break
		}
	}
	if err = s.provision(ctx); err == nil {
		err = s.run(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Samba) provision(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "samba-tool", "domain", "provision", "--targetdir="+s.Dir, "--realm=WAYBILL.TEST", "--domain=WAYBILL", "--host-name=dc"+s.suffix(),
		"--host-ip="+s.Host, "--adminpass="+SambaPassword, "--server-role=dc", "--dns-backend=NONE", "--use-rfc2307",
		"--option=interfaces="+s.Host+"/8", "--option=bind interfaces only=yes", "--option=vfs objects=dfs_samba4 acl_xattr xattr_tdb").CombinedOutput()
	if err != nil {
		return fmt.Errorf("provision a domain: %w: %s", err, out)
	}
	return nil
}

// suffix tells controllers of tests that run side by side apart.
func (s *Samba) suffix() string {
	return strings.ReplaceAll(strings.TrimPrefix(s.Host, "127."), ".", "x")
}

func (s *Samba) conf() string { return filepath.Join(s.Dir, "etc", "smb.conf") }

func (s *Samba) run(ctx context.Context) error {
	c, err := newCertificate(net.ParseIP(s.Host))
	if err != nil {
		return err
	}
	if err := write(s.Dir, map[string]string{"ca.pem": c.authority, "cert.pem": c.certificate, "key.pem": c.key}); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(s.Dir, "key.pem"), 0o600); err != nil {
		return err
	}
	// Only the services that LDAP needs: others would want ports that they cannot share.
	s.proc, err = start(filepath.Join(s.Dir, "log"), "/usr/sbin/samba", "-i", "-M", "single", "-s", s.conf(),
		"--option=ldap server require strong auth=no", "--option=server services=ldap,kdc", "--option=pid directory="+s.Dir,
		"--option=tls keyfile="+filepath.Join(s.Dir, "key.pem"), "--option=tls certfile="+filepath.Join(s.Dir, "cert.pem"), "--option=tls cafile="+s.CAFile())
	if err != nil {
		return err
	}
	for _, port := range []string{":389", ":636"} {
		if err := accepts(ctx, s.Host+port, s.proc.ended); err != nil {
			return fmt.Errorf("start Samba: %w\n%s", err, tail(filepath.Join(s.Dir, "log")))
		}
	}
	// It listens before it answers.
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := s.Search(ctx, s.Base, "(objectClass=domain)", "dn")
		if err == nil || errors.Is(err, ErrMissing) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("start Samba: %w\n%s", err, tail(filepath.Join(s.Dir, "log")))
		case <-tick.C:
		}
	}
}

// Administrator is the name of who may do everything.
func (s *Samba) Administrator() string { return "Administrator@waybill.test" }

// CAFile is the authority that signed the controller's certificate for TLS.
func (s *Samba) CAFile() string { return filepath.Join(s.Dir, "ca.pem") }

// Search asks the controller with OpenLDAP's ldapsearch.
func (s *Samba) Search(ctx context.Context, base, filter string, attributes ...string) (string, error) {
	return ldapsearch(ctx, "ldaps://"+s.Host, s.Administrator(), SambaPassword, base, filter, attributes...)
}

// Tool runs samba-tool on the controller's own database.
func (s *Samba) Tool(ctx context.Context, args ...string) (string, error) {
	args = append(args, "-s", s.conf())
	out, err := exec.CommandContext(ctx, "samba-tool", args...).CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("samba-tool %s: %w: %s", args[0], err, out)
	}
	return string(out), nil
}

// Close ends the controller and removes its folder.
func (s *Samba) Close() {
	if s.proc != nil {
		s.proc.kill()
		s.proc = nil
	}
	if s.Dir != "" {
		_ = os.RemoveAll(s.Dir)
	}
}
