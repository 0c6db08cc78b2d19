package connectortest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/mail"
)

// onFake is a store that a fake keeps.
func onFake(o fake.Options, wrap func(connector.Target) connector.Target) func(t *testing.T) connectortest.Store {
	return func(*testing.T) connectortest.Store {
		system := fake.New(o)
		return connectortest.Store{
			OpenTarget: func(context.Context) (connector.Target, error) { return wrap(system.Target()), nil },
			OpenSource: func(context.Context) (connector.Source, error) { return system.Source(), nil },
		}
	}
}

func plain(t connector.Target) connector.Target { return t }

// inMemory is what the fake deviates in.
func inMemory() connectortest.Options {
	return connectortest.Options{Skip: map[string]string{"content/huge": "the fake keeps bodies in memory"}}
}

func TestFake(t *testing.T) {
	connectortest.Run(t, connectortest.Config{NewStore: onFake(fake.Options{}, plain), Options: inMemory()})
}

// TestFakeOfSmallMeans is a system that says openly how little it can hold.
func TestFakeOfSmallMeans(t *testing.T) {
	caps := fake.New(fake.Options{}).Target().Capabilities()
	caps.Flags = mail.Seen | mail.Flagged
	caps.MaxKeywords = 26
	caps.DatePrecision = time.Minute
	caps.EarliestDate, caps.LatestDate = time.Unix(0, 0), time.Unix(1<<31-1, 0)
	caps.MaxMessage = 64 << 10
	caps.BatchMessages = 3
	caps.Parallel = 1
	caps.CreateAccounts, caps.DeleteAccounts, caps.Contacts, caps.Lists = false, false, false, false
	options := inMemory()
	options.Accounts = []string{"first", "second"}
	options.Skip["append/many"] = "a small system takes few messages"
	options.Refuses = map[string]string{
		"content/long-line":   "above the limit of 64 kB",
		"content/header-many": "above the limit of 64 kB",
	}
	connectortest.Run(t, connectortest.Config{Options: options, NewStore: func(*testing.T) connectortest.Store {
		system := fake.New(fake.Options{Capabilities: &caps, IgnoreCase: true, Silent: true})
		for _, id := range options.Accounts {
			system.AddUser(directory.User{ID: id})
		}
		return connectortest.Store{
			OpenTarget: func(context.Context) (connector.Target, error) { return system.Target(), nil },
			OpenSource: func(context.Context) (connector.Source, error) { return system.Source(), nil },
		}
	}})
}

// TestFakeThatKeepsTheMeaning rewrites line ends, says so, and has fingerprints
// that do not see them.
func TestFakeThatKeepsTheMeaning(t *testing.T) {
	canon := func(body []byte) []byte {
		for bytes.Contains(body, []byte("\r\n")) {
			body = bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n"))
		}
		return body
	}
	wrap := func(target connector.Target) connector.Target {
		w := &wrappedTarget{Target: target, box: rewrite(canon)}
		w.caps = func(c connector.Capabilities) connector.Capabilities {
			c.Fidelity = connector.Canonical
			return c
		}
		w.fingerprint = func(ctx context.Context, r io.Reader) (mail.Digest, error) {
			if _, err := target.Fingerprint(ctx, bytes.NewReader(nil)); err != nil {
				return mail.Digest{}, err
			}
			body, err := io.ReadAll(r)
			return sha256.Sum256(canon(body)), err
		}
		return w
	}
	connectortest.Run(t, connectortest.Config{NewStore: onFake(fake.Options{}, wrap), Options: inMemory()})
}
