package connectortest

import (
	"context"
	"io"
	"slices"
	"testing"
)

// testCase is one case of the target's part.
type testCase struct {
	name string
	run  func(tr *trial)
}

// targetCases lists all cases of RunTarget.
func targetCases() []testCase {
	return slices.Concat(accountCases(), directoryCases(), folderCases(), nameCases(), appendCases(), contentCases(),
		markCases(), positionCases(), cancelCases(), crashCases(), randomCases())
}

func runTarget(t *testing.T, cfg TargetConfig, skip *skips) {
	t.Helper()
	runCases(t, Config{
		NewStore: func(t *testing.T) Store { return Store{OpenTarget: cfg.NewTarget(t)} },
		Options:  cfg.Options,
	}, skip)
}

func runCases(t *testing.T, cfg Config, skip *skips) {
	t.Helper()
	known := map[string]bool{}
	for _, c := range targetCases() {
		known[c.name] = true
		skip.run(t, c.name, func(ctx context.Context, t *testing.T) {
			c.run(&trial{T: t, ctx: ctx, cfg: &cfg, store: cfg.NewStore(t), name: c.name, closed: map[io.Closer]bool{}})
		})
	}
	for name := range cfg.Refuses {
		if !known[name] {
			t.Errorf("Refuses names %q, and there is no such case", name)
		}
	}
}
