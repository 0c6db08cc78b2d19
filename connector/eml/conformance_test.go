package eml

import (
	"context"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/internal/scratch"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Config{
		NewStore: func(t *testing.T) connectortest.Store {
			loc := connector.Location{Scheme: scheme, Path: scratch.Dir(t)}
			return connectortest.Store{
				OpenTarget: func(ctx context.Context) (connector.Target, error) { return Target(ctx, loc) },
				OpenSource: func(ctx context.Context) (connector.Source, error) { return Source(ctx, loc) },
				Dir:        loc.Path,
			}
		},
	})
}
