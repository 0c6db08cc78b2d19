package site_test

import (
	"context"
	"net/url"
	"path/filepath"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/site"
)

func location(t testing.TB, options ...string) connector.Location {
	t.Helper()
	loc := connector.Location{Scheme: "site", Path: filepath.Join(t.TempDir(), "test.site"), Options: url.Values{}}
	for i := 0; i+1 < len(options); i += 2 {
		loc.Options.Set(options[i], options[i+1])
	}
	return loc
}

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Config{NewStore: func(t *testing.T) connectortest.Store {
		loc := location(t)
		return connectortest.Store{
			OpenTarget: func(ctx context.Context) (connector.Target, error) { return site.Target(ctx, loc) },
			OpenSource: func(ctx context.Context) (connector.Source, error) { return site.Source(ctx, loc) },
			Dir:        filepath.Dir(loc.Path),
		}
	}})
}
