package rights

import "fmt"

// Grant is a right that is given for the time of a run and taken back after it.
// It is kept in the ledger before it is given, so that a crash leaves no right
// behind that nobody knows of.
type Grant struct {
	Account string `json:"account"`
	// Object is what the right is on, in the system's own spelling: "user/anna".
	Object string `json:"object"`
	// Identity is who gets the right.
	Identity string `json:"identity"`
	// Before and Given are the rights as the system writes them; an empty Before
	// means that there was no entry, and withdrawing removes it.
	Before string `json:"before"`
	Given  string `json:"given"`
	// Held are the rights that the identity has without it, which need not come
	// from an entry of its own. Instead is a way that needs no grant, in words.
	Held    string `json:"held,omitempty"`
	Instead string `json:"-"`
}

func (g Grant) String() string {
	return fmt.Sprintf("%s for %s on %s (before: %q)", g.Given, g.Identity, g.Object, g.Before)
}
