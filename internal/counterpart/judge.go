package counterpart

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// System is a mailbox as the judge reaches it: not through our connectors.
type System struct {
	Location string // imap://USER@HOST:PORT, imap://USER*ADMIN@HOST:PORT, maildir:DIR
	Password string
}

// System is one user's mailbox for the judge; "{user}" stands for all of the
// users in CompareOptions.Users, when all have that password.
func (d *Dovecot) System(user string) System { return System{judged(user, d.Addr), d.Password(user)} }

// MasterSystem is everybody's mailbox, reached by the master user.
func (d *Dovecot) MasterSystem() System {
	return System{"imap://{user}*" + d.Options.MasterUser + "@" + d.Addr, d.Options.MasterPassword}
}

// System is one user's mailbox for the judge.
func (c *Cyrus) System(user string) System { return System{judged(user, c.Addr), c.Password(user)} }

// ProxySystem is everybody's mailbox, reached by the administrator.
func (c *Cyrus) ProxySystem() System {
	return System{"imap://{user}*" + c.Admin + "@" + c.Addr, c.AdminPassword}
}

// Maildir is one user's Maildir++ for the judge.
func Maildir(dir string) System { return System{Location: "maildir:" + dir} }

func judged(user, addr string) string {
	if user == "{user}" {
		return "imap://{user}@" + addr
	}
	return "imap://" + url.User(user).String() + "@" + addr
}

// CompareOptions say what the judge does not mind.
type CompareOptions struct {
	Users []string // for "{user}" in locations; "anna=a.smith" where names differ
	// CRLF: line ends may differ. Cyrus: raw 8-bit bytes in headers may have
	// become X. Dovecot: NUL may have become 0x80, a bare LF and CR CR LF may have
	// become CRLF, and CR at the end may be gone.
	CRLF, Cyrus, Dovecot bool
	Zone                 bool              // the zone of the date counts too
	NoDate               bool              // the date does not count
	Containers           bool              // folders that hold folders only count too
	IgnoreFlags          []string          // flags and keywords that do not count
	MayBeAdded           []string          // folders that the second may have beyond those of the first
	Rename               map[string]string // folders of the first and their names in the second
}

func (o CompareOptions) arguments() []string {
	var args []string
	for name, on := range map[string]bool{"--crlf": o.CRLF, "--cyrus": o.Cyrus, "--dovecot": o.Dovecot, "--zone": o.Zone, "--no-date": o.NoDate, "--containers": o.Containers} {
		if on {
			args = append(args, name)
		}
	}
	for name, list := range map[string][]string{"--users": o.Users, "--ignore-flags": o.IgnoreFlags, "--may-be-added": o.MayBeAdded} {
		if len(list) > 0 {
			args = append(args, name+"="+strings.Join(list, ","))
		}
	}
	for a, b := range o.Rename {
		args = append(args, "--rename="+a+"="+b)
	}
	return args
}

// Verdict is what the judge found.
type Verdict struct {
	Differences int
	// Counts has "messages in a", "folders in b", "different: message missing" ...
	Counts map[string]int
	// Examples are differences of each kind, a few of each.
	Examples map[string][]string
}

func (v Verdict) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d differences; %v", v.Differences, v.Counts)
	for _, kind := range sortedKeys(v.Examples) {
		fmt.Fprintf(&b, "\n%s:\n  %s", kind, strings.Join(v.Examples[kind], "\n  "))
	}
	return b.String()
}

// Judge compares two systems and returns what differs. The error wraps
// ErrMissing where there is no Python.
func Judge(ctx context.Context, a, b System, o CompareOptions) (Verdict, error) {
	out, err := script(ctx, []string{"JUDGE_PASSWORD_A=" + a.Password, "JUDGE_PASSWORD_B=" + b.Password}, "compare.py",
		append(o.arguments(), "--json", a.Location, b.Location)...)
	var unequal *exec.ExitError
	if err != nil && (!errors.As(err, &unequal) || unequal.ExitCode() != 1) {
		return Verdict{}, err
	}
	var v Verdict
	if err := json.Unmarshal(out, &v); err != nil {
		return Verdict{}, fmt.Errorf("compare.py: %w: %s", err, out)
	}
	return v, nil
}

// Compare fails the test when the two systems differ.
func Compare(t testing.TB, a, b System, o CompareOptions) Verdict {
	t.Helper()
	v, err := Judge(t.Context(), a, b, o)
	orSkip(t, err)
	if v.Differences > 0 {
		t.Errorf("%s and %s: %s", a.Location, b.Location, v)
	}
	return v
}

// SeedOptions say what mail to generate. The zero value is 200 messages, 2 MB,
// 28 folders.
type SeedOptions struct {
	Users    []string // for "{user}" in the location
	Seed     int      // the same gives the same mail
	Messages int
	Bytes    int64 // of all messages together, about
	Big      int   // how many of them have 5 to 10 MB
	Folders  int
	Odd      int // odd messages to add, up to 12: raw 8-bit headers, NUL, bare LF ...
}

// Seeded is what was made. Folders that the server refused have their mail in
// INBOX instead.
type Seeded struct {
	Messages        int
	Bytes           int64
	Folders         int
	RefusedFolders  []string `json:"refused folders"`
	RefusedMessages []string `json:"refused messages"`
}

// Fill fills a system with generated mail, over IMAP or as files; owner, when
// not empty, is UID:GID for files.
func Fill(ctx context.Context, to System, owner string, o SeedOptions) (Seeded, error) {
	if o.Messages == 0 {
		o.Messages = 200
	}
	if o.Bytes == 0 {
		o.Bytes = int64(o.Messages) * 10_000
	}
	args := []string{"--seed=" + strconv.Itoa(o.Seed), "--messages=" + strconv.Itoa(o.Messages), "--bytes=" + strconv.FormatInt(o.Bytes, 10),
		"--big=" + strconv.Itoa(o.Big), "--odd=" + strconv.Itoa(o.Odd)}
	if o.Folders > 0 {
		args = append(args, "--folders="+strconv.Itoa(o.Folders))
	}
	if len(o.Users) > 0 {
		args = append(args, "--users="+strings.Join(o.Users, ","))
	}
	if owner != "" {
		args = append(args, "--owner="+owner)
	}
	out, err := script(ctx, []string{"JUDGE_PASSWORD=" + to.Password}, "seed.py", append(args, to.Location)...)
	var made Seeded
	if err == nil {
		err = json.Unmarshal(out, &made)
	}
	return made, err
}

// Seed fills a system with generated mail for a test.
func Seed(t testing.TB, to System, o SeedOptions) Seeded {
	t.Helper()
	made, err := Fill(t.Context(), to, "", o)
	orSkip(t, err)
	return made
}

// Fill fills a user's mailbox, which must not be in use yet: directly as files
// where the format permits it, which is much faster.
func (d *Dovecot) Fill(ctx context.Context, user string, o SeedOptions) (Seeded, error) {
	if (d.Options.Format != "" && d.Options.Format != "maildir") || d.Options.FormatOptions != "" {
		return Fill(ctx, d.System(user), "", o)
	}
	owner := ""
	if d.mail.root {
		owner = d.mail.uid + ":" + d.mail.gid
	}
	return Fill(ctx, Maildir(filepath.Join(d.Home(user), "mail")), owner, o)
}

// Seed is Fill for a test.
func (d *Dovecot) Seed(t testing.TB, user string, o SeedOptions) Seeded {
	t.Helper()
	made, err := d.Fill(t.Context(), user, o)
	orSkip(t, err)
	return made
}

// script runs one of the judge's programs.
func script(ctx context.Context, env []string, name string, args ...string) ([]byte, error) {
	python, err := exec.LookPath("python3")
	if err != nil {
		return nil, fmt.Errorf("%w: python3", ErrMissing)
	}
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, python, append([]string{"-B", filepath.Join(root, "test", "judge", name)}, args...)...)
	cmd.Env = append(append(os.Environ(), "PYTHONUTF8=1"), env...)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		return out, fmt.Errorf("%s: %w: %s", name, err, complaints.String())
	}
	return out, nil
}

// moduleRoot is where go.mod is, above the working folder.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("%w: the judge's programs are in the source tree, above the working folder", ErrMissing)
		}
	}
}
