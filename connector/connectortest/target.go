package connectortest

import (
	"slices"
	"testing"

	"waybill/connector/connectortest/internal/check"
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

func runTarget(t *testing.T, cfg TargetConfig, skip *check.Skips) {
	t.Helper()
	runCases(t, Config{
		NewStore: func(t *testing.T) Store { return Store{OpenTarget: cfg.NewTarget(t)} },
		Options:  cfg.Options,
	}, skip)
}

func runCases(t *testing.T, cfg Config, skip *check.Skips) {
	t.Helper()
	known := map[string]bool{}
	for _, tc := range targetCases() {
		known[tc.name] = true
		runCase(t, cfg, skip, tc)
	}
	for name := range cfg.Refuses {
		if !known[name] {
			t.Errorf("Refuses names %q, and there is no such case", name)
		}
	}
}

// runCase runs one case on a store of its own.
func runCase(t *testing.T, cfg Config, skip *check.Skips, tc testCase) {
	t.Helper()
	skip.Run(t, tc.name, func(c *check.Case) {
		tc.run(&trial{Case: c, cfg: &cfg, store: cfg.NewStore(c.T), name: tc.name})
	})
}
