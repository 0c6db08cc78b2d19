// Package evidence says how sure Waybill is of what it reads in a Microsoft Mail
// postoffice. Most of the formats were never published: some facts are printed in
// an article, some were read off a published dump, some are guesses. Where a guess
// can be tested on the postoffice itself, the result of the test is kept here.
package evidence

import "fmt"

// Certainty tells what a fact rests on.
type Certainty uint8

// The certainties. The zero value promises nothing.
const (
	Hypothesis Certainty = iota // inferred; accepted only where the postoffice itself proves it
	Derived                     // read off a published dump or patch instruction
	Documented                  // an article or a standard states it
)

func (c Certainty) String() string {
	switch c {
	case Documented:
		return "documented"
	case Derived:
		return "derived"
	default:
		return "hypothesis"
	}
}

// Finding is the outcome of one test of an unpublished fact on real data.
type Finding struct {
	Of     string // what was looked for: "ACCESS2.GLB mailbox name"
	Choice string // what was found: "offset 0x02"; empty when nothing was
	For    int    // items that agree with the choice
	Total  int    // items that were looked at
	// RunnerUp is how many items agree with the next best choice.
	RunnerUp int
	// Text says in a sentence what was compared with what.
	Text string
}

// Confidence is between 0 and 1: the share of items that agree, less what the
// next best choice explains as well, and little as long as few items were seen.
// Above 0.9 a choice may be relied on; see Finding.Proven.
func (f Finding) Confidence() float64 {
	if f.Total <= 0 || f.For <= 0 || f.Choice == "" {
		return 0
	}
	share := float64(f.For) / float64(f.Total)
	margin := 1 - float64(f.RunnerUp)/float64(f.For)
	if margin < 0 {
		margin = 0
	}
	// Two items that agree may be chance, ten hardly.
	weight := 1 - 1/float64(1+f.For)
	return share * weight * (0.5 + 0.5*margin)
}

// Proven reports whether the choice may be acted on: at least three items, at
// least 80 % of them agree, and no other choice explains them equally well.
func (f Finding) Proven() bool {
	return f.Choice != "" && f.For >= 3 && f.For*5 >= f.Total*4 && f.RunnerUp < f.For
}

func (f Finding) String() string {
	choice := f.Choice
	if choice == "" {
		choice = "not found"
	}
	return fmt.Sprintf("%s: %s (%d of %d agree, next best %d, confidence %.2f)", f.Of, choice, f.For, f.Total, f.RunnerUp, f.Confidence())
}
