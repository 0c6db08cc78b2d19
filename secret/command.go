package secret

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"time"
	"unicode"

	"waybill/failure"
)

// patience is how long a program may take; somebody may have to touch a key.
const patience = time.Minute

// run starts a program, without a shell and without input, and takes what it
// prints, or the beginning of that.
func (r Ref) run(ctx context.Context, words []string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(limited, words[0], words[1:]...)
	var out, complaints bounded
	cmd.Stdout, cmd.Stderr = &out, &complaints
	cmd.WaitDelay = time.Second // its children may hold the pipes open
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, r.fail(failure.Cancelled, "secret.cancelled", ctx.Err())
	case limited.Err() != nil:
		return nil, r.fail(failure.Transient, "secret.timeout", fmt.Errorf("the program took longer than %s", patience)).WithRemedy("run it by hand: it may wait for an answer")
	case err != nil && !errors.Is(err, exec.ErrWaitDelay):
		what := err.Error()
		if words := complaint(complaints, firstLine(out)); words != "" {
			what += ": " + words
		}
		return nil, r.fail(failure.Usage, "secret.command", errors.New(what)).WithRemedy("run it by hand: it must print the secret and end with status 0")
	}
	return out, nil
}

// complaint is the first line that a program wrote to its standard error, unless
// it holds the secret, or something that may be it.
func complaint(raw []byte, secret string) string {
	line := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return ' '
		}
		return c
	}, firstLine(raw))
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "")
	}
	if secret != "" && strings.Contains(firstLine(raw), secret) {
		return ""
	}
	return strings.TrimSpace(line)
}

// bounded keeps the first bytes, one more than a secret may have, and takes the
// rest without keeping it.
type bounded []byte

func (b *bounded) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(maxBytes+1-len(*b), len(p))]...)
	return len(p), nil
}

// askKeyring asks the keyring of the desktop through the program that comes with
// it: the Secret Service's secret-tool, or macOS' security.
func (r Ref) askKeyring(ctx context.Context) ([]byte, error) {
	service, account, _ := strings.Cut(r.place, "/")
	words, remedy := keyringCommand(runtime.GOOS, service, account)
	if words == nil {
		return nil, r.fail(failure.Unsupported, "secret.keyring", errors.New("the keyring of this system cannot be asked")).WithRemedy("name the password's place as file:PATH, env:NAME or command:PROGRAM")
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return nil, r.fail(failure.Unsupported, "secret.keyring", fmt.Errorf("the program %s is not installed", words[0])).WithRemedy("install it (Debian: libsecret-tools), or name another place")
	}
	text, err := r.run(ctx, words)
	if err != nil && failure.RuleOf(err) == "secret.command" || err == nil && firstLine(text) == "" {
		return nil, r.fail(failure.Usage, "secret.missing", errors.New("the keyring has no such entry, or is locked")).WithRemedy(remedy)
	}
	return text, err
}

func keyringCommand(system, service, account string) (words []string, remedy string) {
	switch system {
	case "linux", "freebsd", "openbsd", "netbsd", "dragonfly":
		return []string{"secret-tool", "lookup", "service", service, "account", account},
			fmt.Sprintf("store it with: secret-tool store --label=%q service %q account %q", service, service, account)
	case "darwin":
		return []string{"security", "find-generic-password", "-s", service, "-a", account, "-w"},
			fmt.Sprintf("store it with: security add-generic-password -s %q -a %q -w", service, account)
	}
	return nil, ""
}
