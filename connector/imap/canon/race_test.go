//go:build race

package canon

// raceAllocates is what the race detector's own bookkeeping adds.
const raceAllocates = 1
