package connectortest

import "testing"

func runTarget(t *testing.T, cfg TargetConfig, skip *skips) {
	t.Helper()
	t.Skip("the cases follow")
}

func runBoth(t *testing.T, cfg Config, skip *skips) { t.Helper() }

func runSource(t *testing.T, cfg SourceConfig, skip *skips) { t.Helper() }
