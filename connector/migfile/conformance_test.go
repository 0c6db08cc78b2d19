package migfile

import (
	"context"
	"path/filepath"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/internal/scratch"
)

func location(path string, options ...string) connector.Location {
	loc := connector.Location{Scheme: "migfile", Path: path}
	if len(options) > 0 {
		loc.Options = map[string][]string{}
		for i := 0; i+1 < len(options); i += 2 {
			loc.Options.Set(options[i], options[i+1])
		}
	}
	return loc
}

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Config{
		NewStore: func(t *testing.T) connectortest.Store {
			dir := scratch.Dir(t)
			loc := location(filepath.Join(dir, "office.pkl"))
			return connectortest.Store{
				OpenTarget: func(ctx context.Context) (connector.Target, error) { return Target(ctx, loc) },
				OpenSource: func(ctx context.Context) (connector.Source, error) { return Source(ctx, loc) },
				Dir:        dir,
			}
		},
	})
}
