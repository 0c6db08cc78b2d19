//go:build race

package ledger

// underRace says that the race detector is on. What writes a hundred thousand
// rows from one goroutine then takes minutes, and shows it nothing.
const underRace = true
