package connectortest_test

import (
	"context"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/fake"
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
