package counterpart

import (
	"cmp"
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
)

// account is whom the mail belongs to.
type account struct {
	user, group string
	uid, gid    string
	root        bool // we are root, and it is somebody else
}

// mailAccount is nobody when we are root, as Dovecot refuses to serve mail as
// root, and else ourselves.
func mailAccount() (account, error) {
	name := "nobody"
	if os.Getuid() != 0 {
		who, err := user.Current()
		if err != nil {
			return account{}, err
		}
		name = who.Username
	}
	who, err := user.Lookup(name)
	if err != nil {
		return account{}, fmt.Errorf("%w: a user to own the mail: %w", ErrMissing, err)
	}
	group, err := user.LookupGroupId(who.Gid)
	if err != nil {
		return account{}, fmt.Errorf("%w: a group to own the mail: %w", ErrMissing, err)
	}
	return account{user: name, group: group.Name, uid: who.Uid, gid: who.Gid, root: os.Getuid() == 0}, nil
}

// prepare makes what stays the same over restarts.
func (d *Dovecot) prepare() error {
	o := d.Options
	files := map[string]string{"log": "", "users": "", "oauth2.conf": "introspection_mode = local\nusername_attribute = sub\n" +
		"local_validation_key_dict = fs:posix:prefix=" + d.Dir + "/keys/\n"}
	for name, password := range o.Users {
		files["users"] += d.line(name, password)
	}
	if o.MasterUser != "" {
		files["masters"] = o.MasterUser + ":{PLAIN}" + o.MasterPassword + "\n"
	}
	if len(o.OAuthKey) > 0 {
		files["keys/default/HS256/default"] = base64.StdEncoding.EncodeToString(o.OAuthKey)
	}
	if err := write(d.Dir, files); err != nil {
		return err
	}
	if err := os.Chmod(filepath.Join(d.Dir, "log"), 0o666); err != nil {
		return err
	}
	home := filepath.Join(d.Dir, "home")
	if err := os.Mkdir(home, 0o777); err != nil {
		return err
	}
	if err := os.Chmod(home, 0o777); err != nil {
		return err
	}
	if !o.TLS {
		return nil
	}
	d.CAFile = filepath.Join(d.Dir, "ca.pem")
	made, err := newCertificate()
	if err != nil {
		return err
	}
	return write(d.Dir, map[string]string{"ca.pem": made.authority, "cert.pem": made.certificate, "key.pem": made.key})
}

// line is a user's entry in the file of users.
func (d *Dovecot) line(name, password string) string {
	return fmt.Sprintf("%s:{PLAIN}%s:%s:%s::%s::\n", name, password, d.mail.uid, d.mail.gid, d.Home(name))
}

// AddUser makes one more account while the server runs, and returns when the
// server knows it: Dovecot looks at its file of users once a second.
func (d *Dovecot) AddUser(ctx context.Context, name, password string) error {
	path := filepath.Join(d.Dir, "users")
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// A new file in the old one's place, so that nobody reads half of it.
	if err := write(d.Dir, map[string]string{"users.new": string(text) + d.line(name, password)}); err != nil {
		return err
	}
	d.Options.Users[name] = password
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if _, err := d.Doveadm(ctx, "user", name); err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// conf is dovecot.conf for version 2.3.
func (d *Dovecot) conf() string {
	o := d.Options
	var b strings.Builder
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	say("base_dir = %s/run\nstate_dir = %s/state\ninstance_name = %s", d.Dir, d.Dir, filepath.Base(d.Dir))
	say("log_path = %s/log\nprotocols = imap\nlisten = 127.0.0.1\ndisable_plaintext_auth = no", d.Dir)
	say("auth_mechanisms = plain login%s", either(len(o.OAuthKey) > 0, " xoauth2 oauthbearer", ""))
	say("auth_username_chars =\nauth_failure_delay = 0\nfirst_valid_uid = 1\ndefault_vsz_limit = 2G\nmail_max_userip_connections = %d", cmp.Or(o.MaxUserIPConnections, 1000))
	say("mail_fsync = %s\nmail_location = %s:~/mail%s", cmp.Or(o.MailFsync, "never"), cmp.Or(o.Format, "maildir"), o.FormatOptions)
	if !d.mail.root {
		say("default_internal_user = %s\ndefault_internal_group = %s\ndefault_login_user = %s", d.mail.user, d.mail.group, d.mail.user)
		for _, service := range []string{"anvil", "imap-login", "stats"} {
			say("service %s {\n  chroot =\n}", service)
		}
	}
	say("service imap-login {\n  service_count = 0\n  client_limit = 2000\n  process_min_avail = 1\n  inet_listener imap {\n    port = %d\n  }\n  inet_listener imaps {\n    port = %d\n  }\n}", d.plain, either(o.TLS, d.secured, 0))
	say("service imap {\n  process_limit = 1000\n}\nservice anvil {\n  client_limit = 4000\n  unix_listener anvil-auth-penalty {\n    mode = 0\n  }\n}\nservice auth {\n  client_limit = 8000\n}")
	d.auth(say)
	d.plugins(say)
	say("namespace inbox {\n  inbox = yes\n  separator = %s\n  prefix = %s", cmp.Or(o.Separator, "/"), o.Prefix)
	for _, name := range sortedKeys(o.SpecialUse) {
		say("  mailbox \"%s\" {\n    special_use = %s\n    auto = subscribe\n  }", name, o.SpecialUse[name])
	}
	say("}")
	if o.TLS {
		say("ssl = yes\nssl_cert = <%s/cert.pem\nssl_key = <%s/key.pem", d.Dir, d.Dir)
	} else {
		say("ssl = no")
	}
	if o.Capability != "" {
		say("imap_capability = %s", o.Capability)
	}
	say("%s", o.Extra)
	return b.String()
}

func (d *Dovecot) auth(say func(string, ...any)) {
	o := d.Options
	if o.MasterUser != "" {
		say("auth_master_user_separator = *\npassdb {\n  driver = passwd-file\n  args = %s/masters\n  master = yes\n  result_success = continue\n}", d.Dir)
	}
	if len(o.OAuthKey) > 0 {
		say("passdb {\n  driver = oauth2\n  mechanisms = xoauth2 oauthbearer\n  args = %s/oauth2.conf\n}", d.Dir)
	}
	say("passdb {\n  driver = passwd-file\n  args = %s/users\n}\nuserdb {\n  driver = passwd-file\n  args = %s/users\n}", d.Dir, d.Dir)
}

func (d *Dovecot) plugins(say func(string, ...any)) {
	o := d.Options
	var all, imap []string
	if o.ACL {
		all, imap = append(all, "acl"), append(imap, "imap_acl")
		say("plugin {\n  acl = vfile\n  acl_defaults_from_inbox = no\n%s}", either(o.ACLUserFix, "  acl_user = %u\n", ""))
	}
	if o.Quota > 0 {
		all, imap = append(all, "quota"), append(imap, "imap_quota")
		say("plugin {\n  quota = count:User quota\n  quota_vsizes = yes\n  quota_grace = 0\n  quota_rule = *:bytes=%d\n}", o.Quota)
	}
	if o.Metadata {
		say("mail_attribute_dict = file:%%h/attributes\nprotocol imap {\n  imap_metadata = yes\n}")
	}
	if len(all) > 0 {
		say("mail_plugins = %s\nprotocol imap {\n  mail_plugins = $mail_plugins %s\n}", strings.Join(all, " "), strings.Join(imap, " "))
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func either[T any](yes bool, a, b T) T {
	if yes {
		return a
	}
	return b
}
