//go:build !race

package canon

const raceAllocates = 0
