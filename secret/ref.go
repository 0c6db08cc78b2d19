// Package secret finds passwords and tokens where the operator keeps them, and
// keeps them out of logs, ledgers and reports.
package secret

import (
	"context"
	"errors"
	"os"
	"strings"

	"waybill/failure"
)

// Ref says where a secret is, without holding it: "env:NAME", "file:PATH",
// "command:PROGRAM ARGUMENTS" or "keyring:SERVICE/ACCOUNT". The zero Ref names
// nothing.
type Ref struct {
	kind, place string
}

const places = "write env:NAME, file:PATH, command:PROGRAM or keyring:SERVICE/ACCOUNT"

// Parse reads a reference. What is wrong is said without the text, which may be
// a password that somebody wrote in the wrong place.
func Parse(text string) (Ref, error) {
	refuse := func(what string) (Ref, error) {
		return Ref{}, failure.New(failure.Usage, "read the place of a password", "", "secret.reference", errors.New(what)).WithRemedy(places)
	}
	kind, place, ok := strings.Cut(text, ":")
	if !ok || place == "" {
		return refuse("it names no place")
	}
	switch kind {
	case "env", "file":
	case "command":
		if words, err := splitWords(place); err != nil || len(words) == 0 {
			return refuse("the command's quotes are not closed, or there is no command")
		}
	case "keyring":
		if service, account, ok := strings.Cut(place, "/"); !ok || service == "" || account == "" {
			return refuse("a keyring's entry is SERVICE/ACCOUNT")
		}
	default:
		return refuse("a password itself does not belong here")
	}
	return Ref{kind: kind, place: place}, nil
}

// IsZero reports whether the reference names nothing.
func (r Ref) IsZero() bool { return r.kind == "" }

// String is the reference, which is no secret.
func (r Ref) String() string {
	if r.IsZero() {
		return ""
	}
	return r.kind + ":" + r.place
}

// Resolve fetches the secret: the variable's value, or the first line of the
// file or of what the program prints, without its line end. The error names the
// place, never the secret. A program is given a minute.
func (r Ref) Resolve(ctx context.Context) (Value, error) { return r.resolve(ctx, false) }

// ResolveAll fetches a secret of several lines, such as a private key: all of the
// file or of what the program prints. Everything else is as with Resolve.
func (r Ref) ResolveAll(ctx context.Context) (Value, error) { return r.resolve(ctx, true) }

func (r Ref) resolve(ctx context.Context, whole bool) (Value, error) {
	var raw []byte
	var err error
	switch r.kind {
	case "env":
		text, ok := os.LookupEnv(r.place)
		if !ok {
			return Value{}, r.fail(failure.Usage, "secret.missing", errors.New("the environment has no such variable")).WithRemedy("set it, or name another place")
		}
		raw, whole = []byte(text), true
	case "file":
		raw, err = r.readFile()
	case "command":
		words, _ := splitWords(r.place) // Parse has seen to it
		raw, err = r.run(ctx, words)
	case "keyring":
		raw, err = r.askKeyring(ctx)
	default:
		err = r.fail(failure.Usage, "secret.missing", errors.New("no place is named")).WithRemedy(places)
	}
	if err != nil {
		return Value{}, err
	}
	text := string(raw)
	if !whole {
		text = firstLine(raw)
	}
	switch {
	case text == "":
		return Value{}, r.fail(failure.Usage, "secret.missing", errors.New("nothing is there")).WithRemedy("put the secret into its first line, or name another place")
	case len(text) > maxBytes:
		return Value{}, r.fail(failure.TooLarge, "secret.too-large", errors.New("a secret has at most 64 kB"))
	case strings.ContainsRune(text, 0):
		return Value{}, r.fail(failure.Malformed, "secret.malformed", errors.New("it holds a NUL byte, which no password may"))
	}
	return Of(text), nil
}

func (r Ref) fail(class failure.Class, rule string, err error) *failure.Error {
	return failure.New(class, "find a password", r.String(), rule, err)
}
