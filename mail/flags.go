package mail

import (
	"slices"
	"strings"
)

// Flags are the system flags of a message (RFC 9051 2.3.2). \Recent is left
// out: it belongs to a session, not to a message.
type Flags uint8

// The system flags.
const (
	Seen Flags = 1 << iota
	Answered
	Flagged
	Deleted
	Draft
	// Forwarded is $Forwarded where a system keeps it as a flag of its own
	// (Maildir's P, "passed").
	Forwarded
)

var flagNames = []struct {
	Flag Flags
	Name string
}{{Seen, `\Seen`}, {Answered, `\Answered`}, {Flagged, `\Flagged`}, {Deleted, `\Deleted`}, {Draft, `\Draft`}, {Forwarded, `$Forwarded`}}

// Names lists the flags in their IMAP spelling, in a fixed order.
func (f Flags) Names() []string {
	var names []string
	for _, n := range flagNames {
		if f&n.Flag != 0 {
			names = append(names, n.Name)
		}
	}
	return names
}

// FlagSet is everything that marks a message: system flags and keywords.
type FlagSet struct {
	System Flags
	// Keywords are atoms of the user's choice (RFC 9051 2.3.2), compared
	// without case, kept as first written, sorted, without duplicates.
	Keywords []string
}

// NewFlagSet makes a FlagSet, moving system flags that are spelled as keywords
// to where they belong and putting the rest in canonical order.
func NewFlagSet(system Flags, keywords ...string) FlagSet {
	set := FlagSet{System: system}
next:
	for _, k := range keywords {
		if k == "" {
			continue
		}
		for _, n := range flagNames {
			if strings.EqualFold(k, n.Name) {
				set.System |= n.Flag
				continue next
			}
		}
		if !slices.ContainsFunc(set.Keywords, func(have string) bool { return strings.EqualFold(have, k) }) {
			set.Keywords = append(set.Keywords, k)
		}
	}
	slices.SortFunc(set.Keywords, func(a, b string) int {
		return strings.Compare(strings.ToLower(a), strings.ToLower(b))
	})
	return set
}

// Equal reports whether both sets mark a message in the same way.
func (s FlagSet) Equal(t FlagSet) bool {
	return s.System == t.System && slices.EqualFunc(s.Keywords, t.Keywords, strings.EqualFold)
}

// Strings lists system flags, then keywords.
func (s FlagSet) Strings() []string { return append(s.System.Names(), s.Keywords...) }

func (s FlagSet) String() string { return strings.Join(s.Strings(), " ") }
