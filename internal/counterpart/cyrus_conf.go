package counterpart

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// cyrusPrograms are those that a server needs.
func cyrusPrograms() []string {
	return []string{"usr/sbin/cyrmaster", "usr/sbin/saslpasswd2", "usr/lib/cyrus/bin/master", "usr/lib/cyrus/bin/imapd", "usr/lib/cyrus/bin/idled", "usr/lib/cyrus/bin/ctl_cyrusdb",
		"usr/lib/cyrus/bin/reconstruct", "usr/lib/cyrus/bin/quota", "usr/lib/cyrus/bin/cyr_expire", "usr/lib/cyrus/bin/cyr_info", "usr/lib/cyrus/bin/unexpunge"}
}

// prepare makes what stays the same over restarts.
func (c *Cyrus) prepare(ctx context.Context, fetched string) error {
	c.software = fetched
	if c.mail.root && !open(fetched) {
		// The owner of the mail cannot reach a folder of root's.
		c.software = filepath.Join(c.Dir, "software")
		if err := copySoftware(ctx, fetched, c.software); err != nil {
			return err
		}
	}
	for _, dir := range []string{"conf/db", "conf/socket", "conf/log", "conf/proc", "conf/lock", "conf/user", "conf/quota", "conf/msg", "spool"} {
		if err := os.MkdirAll(filepath.Join(c.Dir, dir), 0o755); err != nil {
			return err
		}
	}
	if err := write(c.Dir, map[string]string{"log": ""}); err != nil {
		return err
	}
	if c.Options.TLS {
		made, err := newCertificate()
		if err != nil {
			return err
		}
		c.CAFile = filepath.Join(c.Dir, "ca.pem")
		if err := write(c.Dir, map[string]string{"ca.pem": made.authority, "cert.pem": made.certificate, "key.pem": made.key}); err != nil {
			return err
		}
	}
	if err := c.AddUser(ctx, c.Admin, c.AdminPassword); err != nil {
		return err
	}
	for _, user := range sortedKeys(c.Options.Users) {
		if err := c.AddUser(ctx, user, c.Options.Users[user]); err != nil {
			return err
		}
	}
	return c.own(ctx, ".")
}

// AddUser makes an account, or changes its password, also while the server
// runs. Its mailbox is another matter: CreateMailbox.
func (c *Cyrus) AddUser(ctx context.Context, user, password string) error {
	argv := c.program("sbin/saslpasswd2")
	argv = append(argv[:len(argv)-2], "-p", "-c", "-f", filepath.Join(c.Dir, "sasldb2"), "-u", "localhost", user)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader(password)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("saslpasswd2 for %s: %w: %s", user, err, out)
	}
	if c.Options.Telemetry {
		if err := os.MkdirAll(filepath.Join(c.Dir, "conf", "log", user), 0o777); err != nil {
			return err
		}
		if err := c.own(ctx, "conf/log"); err != nil {
			return err
		}
	}
	if user != c.Admin {
		c.Options.Users[user] = password
	}
	return c.own(ctx, "sasldb2")
}

// own gives a file or folder to the owner of the mail.
func (c *Cyrus) own(ctx context.Context, name string) error {
	if !c.mail.root {
		return nil
	}
	out, err := exec.CommandContext(ctx, "chown", "-R", c.mail.uid+":"+c.mail.gid, filepath.Join(c.Dir, name)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("chown: %w: %s", err, out)
	}
	return nil
}

// program is the command line of one of the unpacked programs: its libraries and
// SASL's plug-ins are found beside it. It ends with "-C" and our imapd.conf.
func (c *Cyrus) program(name string, args ...string) []string {
	var folders, plugins []string
	for _, pattern := range []string{"lib/*-linux-*", "usr/lib/*-linux-*", "usr/lib"} {
		found, _ := filepath.Glob(filepath.Join(c.software, pattern)) // the pattern is well formed
		folders = append(folders, found...)
	}
	for _, folder := range folders {
		plugins = append(plugins, filepath.Join(folder, "sasl2"))
	}
	argv := []string{"env", "LD_LIBRARY_PATH=" + strings.Join(folders, ":"), "SASL_PATH=" + strings.Join(plugins, ":"), filepath.Join(c.software, "usr", name)}
	return append(append(argv, args...), "-C", c.Conf)
}

// open reports whether everybody may pass through the folder's parents.
func open(path string) bool {
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			return true
		}
	}
}

// copySoftware copies the programs that a server needs, with all libraries.
func copySoftware(ctx context.Context, from, to string) error {
	if err := os.Mkdir(to, 0o755); err != nil {
		return err
	}
	wanted := cyrusPrograms()
	for _, pattern := range []string{"lib/*-linux-*", "usr/lib/*-linux-*"} {
		found, err := filepath.Glob(filepath.Join(from, pattern))
		if err != nil {
			return err
		}
		for _, f := range found {
			name, err := filepath.Rel(from, f)
			if err != nil {
				return err
			}
			wanted = append(wanted, name)
		}
	}
	cmd := exec.CommandContext(ctx, "cp", append([]string{"-a", "--parents", "-t", to}, wanted...)...)
	cmd.Dir = from
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("copy Cyrus: %w: %s", err, out)
	}
	return nil
}

func (c *Cyrus) imapdConf() string {
	o := c.Options
	yes := func(b bool) string { return either(b, "yes", "no") }
	lines := []string{
		"configdirectory: " + c.Dir + "/conf",
		"defaultpartition: default",
		"partition-default: " + c.Dir + "/spool",
		"sievedir: " + c.Dir + "/conf/sieve",
		"cyrus_user: " + c.mail.user,
		"cyrus_group: " + c.mail.group,
		"servername: localhost",
		"admins: " + c.Admin,
		"allowplaintext: yes",
		"sasl_mech_list: PLAIN LOGIN",
		"sasl_pwcheck_method: auxprop",
		"sasl_auxprop_plugin: sasldb",
		"sasl_sasldb_path: " + c.Dir + "/sasldb2",
		"unixhierarchysep: " + yes(o.UnixHierarchySep),
		"altnamespace: " + yes(o.AltNamespace),
		"munge8bit: " + yes(!o.KeepEightBit),
	}
	if o.TLS {
		lines = append(lines, "tls_server_cert: "+c.Dir+"/cert.pem", "tls_server_key: "+c.Dir+"/key.pem")
	}
	return strings.Join(append(lines, o.Extra), "\n") + "\n"
}

func (c *Cyrus) masterConf() string {
	bin := filepath.Join(c.software, "usr", "lib", "cyrus", "bin")
	secured := ""
	if c.Options.TLS {
		secured = fmt.Sprintf("  imaps cmd=\"%s/imapd -C %s -s -U 30\" listen=\"%s\" prefork=0\n", bin, c.Conf, c.TLSAddr)
	}
	return fmt.Sprintf("START {\n  recover cmd=\"%s/ctl_cyrusdb -C %s -r\"\n}\nSERVICES {\n  imap cmd=\"%s/imapd -C %s -U 30\" listen=\"%s\" prefork=1\n%s}\nEVENTS {\n}\nDAEMON {\n  idled cmd=\"%s/idled -C %s\"\n}\n",
		bin, c.Conf, bin, c.Conf, c.Addr, secured, bin, c.Conf)
}
