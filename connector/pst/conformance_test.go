package pst

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
	"waybill/internal/scratch"
	"waybill/mail"
)

// office writes files of users and makes them old enough for their times to count.
func office(t *testing.T, o sample.Options, users ...string) (dir string, manifests map[string]*sample.Manifest) {
	t.Helper()
	dir = scratch.Dir(t)
	manifests, err := sample.Office(dir, users, o)
	if err != nil {
		t.Fatal(err)
	}
	age(t, dir)
	return dir, manifests
}

func age(t *testing.T, dir string) {
	t.Helper()
	past := time.Now().Add(-time.Hour)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, past, past)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func location(path string, options ...string) connector.Location {
	loc := connector.Location{Scheme: scheme, Path: path}
	if len(options) > 0 {
		loc.Options = map[string][]string{}
	}
	for i := 0; i+1 < len(options); i += 2 {
		loc.Options.Set(options[i], options[i+1])
	}
	return loc
}

func TestConformance(t *testing.T) {
	for _, o := range []pstwrite.Options{
		{Format: pstwrite.Unicode, Encryption: pstwrite.Permute},
		{Format: pstwrite.ANSI, Encryption: pstwrite.Cyclic},
		{Format: pstwrite.Unicode4K},
	} {
		dir, _ := office(t, sample.Options{Options: o, Messages: 25, BasicPlane: true}, "anna", "bert")
		connectortest.RunSource(t, connectortest.SourceConfig{
			OpenSource: func(ctx context.Context) (connector.Source, error) { return Source(ctx, location(dir)) },
			Dir:        dir,
			Change: func(t *testing.T, user string, _ mail.Path) {
				// Another file in its place, with the same times.
				if _, err := sample.Write(filepath.Join(dir, user+".pst"), sample.Options{Options: o, Owner: user, Messages: 26, BasicPlane: true}); err != nil {
					t.Fatal(err)
				}
				age(t, dir)
			},
		})
	}
}
