package msmail

import (
	"context"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/internal/postoffice"
)

// written writes a postoffice and gives its directory.
func written(t testing.TB, opt postoffice.Options) (string, *postoffice.Manifest) {
	t.Helper()
	dir := t.TempDir()
	m, err := postoffice.Write(dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return dir, m
}

func location(dir string, options ...string) connector.Location {
	loc := connector.Location{Scheme: scheme, Path: dir}
	if len(options) > 0 {
		loc.Options = map[string][]string{}
		for i := 0; i+1 < len(options); i += 2 {
			loc.Options.Set(options[i], options[i+1])
		}
	}
	return loc
}

func TestConformance(t *testing.T) {
	for _, seed := range []uint64{1, 2} {
		dir, _ := written(t, postoffice.Options{Seed: seed, LowerCase: seed == 2})
		connectortest.RunSource(t, connectortest.SourceConfig{
			OpenSource: func(ctx context.Context) (connector.Source, error) {
				return Source(ctx, location(dir, "zone", "Europe/Berlin"))
			},
			Dir: dir,
		})
	}
}
