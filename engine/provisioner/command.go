// Package provisioner makes accounts with a command of the operator's, for mail
// systems that have no protocol for it: a Dovecot passwd-file, a directory, a
// hosting provider's tool.
//
// The command is a line for "sh -c". It never sees facts of a user as part of
// that line, only as variables of its environment, so that no name can become a
// command. It is idempotent by contract: it may be run again for an account that
// it has made, or half made, and then ends with 0 as well.
package provisioner

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"waybill/failure"
)

// DefaultTimeout is how long a command may take when nobody says otherwise.
const DefaultTimeout = time.Minute

// tempFail is EX_TEMPFAIL of sysexits.h: the command asks to be tried again.
const tempFail = 75

// Command is a line for "sh -c" that is run once for each account.
type Command struct {
	Line    string
	Timeout time.Duration // 0: DefaultTimeout
	// Told gets what each run printed, made harmless and of 4 kB at most, with a
	// word about how it ended; nil: nobody.
	Told func(account, text string)
}

// Run runs the command for one account. An exit code that is not 0 is an error
// of class Denied with the last words of the command, 75 (EX_TEMPFAIL) one of
// class Transient, and so is a command that takes longer than its Timeout: it is
// ended then, with the programs that it started.
func (c Command) Run(ctx context.Context, f Facts) error {
	env, err := f.environ()
	if err != nil {
		return err
	}
	limit := c.Timeout
	if limit <= 0 {
		limit = DefaultTimeout
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	cmd := exec.CommandContext(limited, "sh", "-c", c.Line)
	cmd.Env = append(inherited(os.Environ()), env...)
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.WaitDelay = 2 * time.Second // its children may hold the pipes open
	endTogether(cmd)
	began := time.Now()
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended with 0, and left something running behind
	}
	took := time.Since(began).Round(10 * time.Millisecond)
	text := out.String()
	fail := func(class failure.Class, rule string, cause error) *failure.Error {
		return failure.New(class, "run the provisioning command", f.Account, rule, cause)
	}
	how := fmt.Sprintf("ended with 0 after %s", took)
	switch exit, _ := errors.AsType[*exec.ExitError](err); {
	case err == nil:
	case ctx.Err() != nil:
		how, err = "was stopped with the run", fail(failure.Cancelled, "provision.cancelled", ctx.Err())
	case limited.Err() != nil:
		how = fmt.Sprintf("was ended after %s", limit)
		err = fail(failure.Transient, "provision.timeout", fmt.Errorf("the command took longer than %s%s", limit, said(text))).
			WithRemedy("run it by hand: it may wait for an answer; or give it more time with --provision-timeout")
	case exit != nil && exit.ExitCode() == tempFail:
		how = fmt.Sprintf("ended with %d after %s", tempFail, took)
		err = fail(failure.Transient, "provision.tempfail", fmt.Errorf("the command asks to be tried again%s", said(text)))
	case exit != nil:
		how = fmt.Sprintf("ended with %s after %s", exit.ProcessState, took)
		err = fail(failure.Denied, "provision.failed", fmt.Errorf("the command ended with %s%s", exit.ProcessState, said(text))).
			WithRemedy("run the command by hand, with the variables of docs/provisioning.md set for this account")
	default:
		how = "could not be started"
		err = fail(failure.Unsupported, "provision.start", err).WithRemedy("the command needs a shell called sh")
	}
	if c.Told != nil {
		if text != "" {
			how += ": " + text
		}
		c.Told(f.Account, how)
	}
	return err
}

// said is the last line of what a command printed, for an error's text.
func said(text string) string {
	text = strings.TrimSpace(text)
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		text = text[i+1:]
	}
	if len(text) > 300 {
		text = strings.ToValidUTF8(text[:300], "")
	}
	if text == "" {
		return ""
	}
	return ": " + text
}

// inherited is this program's environment without what belongs to itself, among
// that the passwords of both systems.
func inherited(env []string) []string {
	kept := make([]string, 0, len(env))
	for _, v := range env {
		if !strings.HasPrefix(v, prefix) {
			kept = append(kept, v)
		}
	}
	return kept
}

var _ io.Writer = (*output)(nil)
