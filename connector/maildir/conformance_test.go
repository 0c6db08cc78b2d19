package maildir

import (
	"context"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/internal/scratch"
)

func TestConformance(t *testing.T) {
	for _, names := range []string{"utf7", "utf8"} {
		t.Run(names, func(t *testing.T) {
			connectortest.Run(t, connectortest.Config{
				NewStore: func(t *testing.T) connectortest.Store {
					loc := connector.Location{Scheme: scheme, Path: scratch.Dir(t), Options: map[string][]string{"names": {names}}}
					return connectortest.Store{
						OpenTarget: func(ctx context.Context) (connector.Target, error) { return Target(ctx, loc) },
						OpenSource: func(ctx context.Context) (connector.Source, error) { return Source(ctx, loc) },
						Dir:        loc.Path,
					}
				},
			})
		})
	}
}
