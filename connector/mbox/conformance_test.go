package mbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/internal/corpus"
	"waybill/internal/scratch"
	"waybill/mail"
)

func TestConformance(t *testing.T) {
	connectortest.Run(t, connectortest.Config{
		NewStore: func(t *testing.T) connectortest.Store {
			loc := connector.Location{Scheme: "mbox", Path: scratch.Dir(t)}
			return connectortest.Store{
				OpenTarget: func(ctx context.Context) (connector.Target, error) { return Target(ctx, loc) },
				OpenSource: func(ctx context.Context) (connector.Source, error) { return Source(ctx, loc) },
				Dir:        loc.Path,
			}
		},
	})
}

func TestConformanceOfCorpus(t *testing.T) {
	dir := corpus.Dir(t, "mbox")
	connectortest.RunSource(t, connectortest.SourceConfig{
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			return Source(ctx, connector.Location{Scheme: "mbox", Path: dir})
		},
		Dir: dir,
	})
}

func TestConformanceOfMozilla(t *testing.T) {
	files := map[string]string{"anna/Inbox.msf": "x", "anna/popstate.dat": "x"}
	for i, name := range []string{"anna/Inbox", "anna/Sent", "anna/Inbox.sbd/Orders", "bert/Inbox"} {
		for n := range 3 {
			files[name] += fmt.Sprintf("From - Fri Jul  8 12:08:%02d 2011\nX-Mozilla-Status: 000%d\nX-Mozilla-Status2: 00000000\nMessage-ID: <%d.%d@example.org>\nSubject: x\n\n>From here\n\n", n, n, i, n)
		}
	}
	dir := lay(t, files)
	changes := 0
	connectortest.RunSource(t, connectortest.SourceConfig{
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			return Source(ctx, connector.Location{Scheme: "mbox", Path: dir})
		},
		Dir: dir,
		Change: func(t *testing.T, user string, folder mail.Path) {
			nodes, err := scanTree(t.Context(), filepath.Join(dir, user), "")
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range nodes {
				if n.path == folder {
					old, err := os.ReadFile(n.file)
					if err != nil {
						t.Fatal(err)
					}
					changes++
					write(t, n.file, string(old)+fromLine+head+"more\n\n", 20+changes)
					return
				}
			}
			t.Fatal(errors.New("no such folder"))
		},
	})
}
