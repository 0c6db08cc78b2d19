//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"waybill/internal/counterpart"
)

// job is one run of one program.
type job struct {
	*bench

	target *counterpart.Dovecot
	users  []string
}

// cost is what a run took.
type cost struct{ seconds, peak float64 }

// tools are the programs by name. Each moves the mailboxes of job.users.
func tools() map[string]func(context.Context, job) (cost, error) {
	return map[string]func(context.Context, job) (cost, error){
		"raw1":      func(ctx context.Context, j job) (cost, error) { return j.raw(ctx, 1, false) },
		"raw4":      func(ctx context.Context, j job) (cost, error) { return j.raw(ctx, 4, false) },
		"rawback1":  func(ctx context.Context, j job) (cost, error) { return j.raw(ctx, 1, true) },
		"rawback4":  func(ctx context.Context, j job) (cost, error) { return j.raw(ctx, 4, true) },
		"waybill":   waybill,
		"doveadm":   func(ctx context.Context, j job) (cost, error) { return j.each(ctx, doveadm) },
		"mbsync":    func(ctx context.Context, j job) (cost, error) { return j.each(ctx, mbsync) },
		"interimap": func(ctx context.Context, j job) (cost, error) { return j.each(ctx, interimap) },
		"imapsync":  func(ctx context.Context, j job) (cost, error) { return j.each(ctx, imapsync) },
	}
}

func (j job) raw(ctx context.Context, connections int, back bool) (cost, error) {
	started := time.Now()
	err := raw(ctx, j.source, j.target, j.users, connections, back)
	return cost{seconds: time.Since(started).Seconds()}, err
}

// waybill moves everything in one run, as the master user of both servers, with
// proof of rights before and read-back of every message.
func waybill(ctx context.Context, j job) (cost, error) {
	if _, err := os.Stat(j.waybill); err != nil {
		return cost{}, fmt.Errorf("%w: %w", counterpart.ErrMissing, err)
	}
	var users strings.Builder
	users.WriteString("user,account\n")
	for _, u := range j.users {
		users.WriteString(u + "," + u + "\n")
	}
	list := filepath.Join(j.state, "users.csv")
	if err := os.WriteFile(list, []byte(users.String()), 0o644); err != nil {
		return cost{}, err
	}
	args := []string{"migrate", "--from", j.source.MasterLocation(), "--to", j.target.MasterLocation(), "--users", list,
		"--ledger", filepath.Join(j.state, "ledger"), "--report", filepath.Join(j.state, "report"), "--yes"}
	if j.workers > 0 {
		args = append(args, "--workers", strconv.Itoa(j.workers))
	}
	started := time.Now()
	peak, err := execute(ctx, j.state, []string{"WAYBILL_SOURCE_PASSWORD=" + password, "WAYBILL_TARGET_PASSWORD=" + password}, j.waybill, args...)
	return cost{time.Since(started).Seconds(), peak}, err
}

// each runs a program that moves one mailbox, several at a time.
func (j job) each(ctx context.Context, one func(j job, user string) (command, error)) (cost, error) {
	started := time.Now()
	var (
		mu     sync.Mutex
		failed []error
		peak   float64
		wait   sync.WaitGroup
	)
	queue := make(chan string)
	for range j.parallel {
		wait.Go(func() {
			for user := range queue {
				c, err := one(j, user)
				p := 0.0
				if err == nil {
					p, err = execute(ctx, c.home, c.env, c.argv[0], c.argv[1:]...)
				}
				mu.Lock()
				peak = max(peak, p)
				if err != nil {
					failed = append(failed, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, user := range j.users {
		queue <- user
	}
	close(queue)
	wait.Wait()
	return cost{time.Since(started).Seconds(), peak}, errors.Join(failed...)
}

// command is a program to run for one mailbox, in a home of its own.
type command struct {
	home string
	env  []string
	argv []string
}

// prepare makes the home for one mailbox, with files in it.
func (j job) prepare(program, user string, files map[string]string) (command, error) {
	if _, err := exec.LookPath(program); err != nil {
		return command{}, fmt.Errorf("%w: %s", counterpart.ErrMissing, program)
	}
	home := filepath.Join(j.state, user)
	for name, text := range files {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return command{}, err
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return command{}, err
		}
	}
	return command{home: home, env: []string{"HOME=" + home}}, os.MkdirAll(home, 0o700)
}

// doveadm runs on the target's host and reads the source over IMAP.
func doveadm(j job, user string) (command, error) {
	c, err := j.prepare("doveadm", user, nil)
	host, port, _ := net.SplitHostPort(j.source.Addr)
	c.argv = []string{"doveadm", "-c", j.target.Conf, "-o", "imapc_host=" + host, "-o", "imapc_port=" + port, "-o", "imapc_user=" + user,
		"-o", "imapc_password=" + password, "-o", "imapc_features=rfc822.size fetch-headers", "-o", "mail_prefetch_count=20", "-o", "mail_fsync=" + j.fsync,
		"backup", "-R", "-u", user, "imapc:"}
	return c, err
}

func mbsync(j job, user string) (command, error) {
	store := func(name, addr string) string {
		host, port, _ := net.SplitHostPort(addr)
		return fmt.Sprintf("IMAPAccount %s\nHost %s\nPort %s\nUser %s\nPass %s\nSSLType None\nAuthMechs LOGIN\n\nIMAPStore %s\nAccount %s\n\n", name, host, port, user, password, name, name)
	}
	c, err := j.prepare("mbsync", user, map[string]string{"mbsyncrc": store("source", j.source.Addr) + store("target", j.target.Addr) +
		"Channel all\nFar :source:\nNear :target:\nPatterns *\nCreate Near\nSync Pull\nCopyArrivalDate yes\nSyncState " + filepath.Join(j.state, user) + "/state/\n", "state/.keep": ""})
	c.argv = []string{"mbsync", "-q", "-c", filepath.Join(c.home, "mbsyncrc"), "-a"}
	return c, err
}

// interimap synchronises both ways; the source is ours, and nothing in it
// changes while it runs.
func interimap(j job, user string) (command, error) {
	side := func(name, addr string) string {
		host, port, _ := net.SplitHostPort(addr)
		return fmt.Sprintf("[%s]\ntype = imap\nhost = %s\nport = %s\nusername = %s\npassword = %s\nSTARTTLS = NO\ncompress = NO\n\n", name, host, port, user, password)
	}
	c, err := j.prepare("interimap", user, map[string]string{
		".config/interimap/config":     "database = " + filepath.Join(j.state, user, "db") + "\n\n" + side("local", j.target.Addr) + side("remote", j.source.Addr),
		".local/share/interimap/.keep": "",
	})
	c.env = append(c.env, "XDG_CONFIG_HOME="+filepath.Join(c.home, ".config"), "XDG_DATA_HOME="+filepath.Join(c.home, ".local/share"))
	c.argv = []string{"interimap", "-q"}
	return c, err
}

func imapsync(j job, user string) (command, error) {
	c, err := j.prepare("imapsync", user, nil)
	c.argv = []string{"imapsync", "--nolog", "--noreleasecheck", "--notls1", "--notls2", "--nossl1", "--nossl2", "--tmpdir", c.home, "--pidfile", filepath.Join(c.home, "pid"),
		"--noid", "--useuid", "--usecache"}
	for n, d := range map[string]*counterpart.Dovecot{"1": j.source, "2": j.target} {
		host, port, _ := net.SplitHostPort(d.Addr)
		c.argv = append(c.argv, "--host"+n, host, "--port"+n, port, "--user"+n, user, "--password"+n, password)
	}
	return c, err
}

// execute runs a program and returns the peak of its resident memory in MB.
func execute(ctx context.Context, dir string, env []string, name string, args ...string) (float64, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil {
		text := out.String()
		if len(text) > 3000 {
			text = text[len(text)-3000:]
		}
		err = fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(text))
	}
	peak := 0.0
	if cmd.ProcessState != nil {
		if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
			peak = float64(usage.Maxrss) * 1024 / 1e6
		}
	}
	return peak, err
}
