package test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/eml"
	"waybill/connector/maildir"
	"waybill/connector/mbox"
	"waybill/connector/site"
	"waybill/internal/corpus"
	"waybill/report"
)

// stage lays the files of a corpus out as a system: name gives the path of each.
func stage(t *testing.T, from, to string, name func(user string, n int, path string) string) (files int) {
	t.Helper()
	counts := map[string]int{}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, _ := filepath.Rel(from, path)
		user, _, _ := strings.Cut(rel, string(filepath.Separator))
		counts[user]++
		target := filepath.Join(to, name(user, counts[user], path))
		if target == to {
			return nil
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		return os.WriteFile(target, body, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRealMailGoesRound moves every mbox and EML file of the collection to a
// site, on to Maildir, on to mbox and back to a site, and compares the content
// after each step.
func TestRealMailGoesRound(t *testing.T) {
	if testing.Short() {
		t.Skip("moves thousands of messages; left out with -short")
	}
	for _, kind := range []string{"eml", "mbox"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			from, work := corpus.Dir(t, kind), t.TempDir()
			start := filepath.Join(work, "start")
			var first func() connector.Source
			ctx := context.Background()
			if kind == "eml" {
				stage(t, from, start, func(user string, n int, _ string) string {
					return filepath.Join(user, fmt.Sprintf("%05d.eml", n))
				})
				first = func() connector.Source { return must(t)(eml.Source(ctx, locate("eml", start))) }
			} else {
				stage(t, from, start, func(user string, n int, path string) string {
					if strings.HasSuffix(path, ".zip") {
						return ""
					}
					return filepath.Join(user, fmt.Sprintf("%03d.mbox", n))
				})
				first = func() connector.Source { return must(t)(mbox.Source(ctx, locate("mbox", start))) }
			}
			want := multiset(t, first(), true)
			t.Logf("%d messages", want.total())
			if want.total() < 100 {
				t.Fatalf("only %d messages in the collection", want.total())
			}
			steps := []struct {
				scheme, path string
				open         func(context.Context, connector.Location) (connector.Source, error)
			}{
				{"site", filepath.Join(work, "one.site"), site.Source},
				{"maildir", filepath.Join(work, "maildir"), maildir.Source},
				{"mbox", filepath.Join(work, "mbox"), mbox.Source},
				{"eml", filepath.Join(work, "eml"), eml.Source},
				{"site", filepath.Join(work, "two.site"), site.Source},
			}
			name := kind + ":" + start
			for i, s := range steps {
				to := s.scheme + ":" + s.path
				ledger, papers := filepath.Join(work, fmt.Sprintf("%d.ledger", i)), filepath.Join(work, fmt.Sprintf("%d.report", i))
				code, out := waybill(t, work, "migrate", "--from", name, "--to", to, "--ledger", ledger, "--report", papers)
				// At first some files turn out to be no mail at all (1), or all
				// files of one origin (2); afterwards everything is sound.
				if code > 2 || code > 0 && i > 0 {
					t.Fatalf("%s -> %s ended with %d:\n%s", name, to, code, out)
				}
				w := readWaybill(t, papers)
				if !w.Totals.Balanced() || w.Totals.Verified != int64(want.total()) {
					t.Errorf("%s -> %s: totals %+v, want %d verified", name, to, w.Totals, want.total())
				}
				for m, err := range report.ReadMessages(papers) {
					if err != nil {
						t.Fatal(err)
					}
					if m.Rule == "" || m.Reason == "" {
						t.Errorf("%s %s %s: %s without a rule", m.User, m.Folder, m.Key, m.State)
					}
				}
				got := multiset(t, must(t)(s.open(ctx, locate(s.scheme, s.path))), true)
				compare(t, name+" -> "+to, want, got)
				name = to
			}
		})
	}
}
