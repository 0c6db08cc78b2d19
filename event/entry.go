package event

import (
	"slices"
	"strings"
)

// Entry is one page of the catalogue.
type Entry struct {
	Code     Code
	Severity Severity
	// Text is what happened, in one sentence; Event.Detail adds the particulars.
	Text string
	// Explanation tells why it happens and what it means for the mail.
	Explanation string
	// Remedy is what the operator can do about it.
	Remedy string
	// Ancestors are the events of the Exchange Migration Wizard that reported
	// the same trouble, for administrators who know those.
	Ancestors []Ancestor
	// SeeAlso are related events.
	SeeAlso []Code
}

// Ancestor is an event of the Migration Wizard (mailmig.exe, Exchange 4.0-2003)
// that an Entry descends from.
type Ancestor struct {
	// ID is the number in the Windows event log: "7044".
	ID string
	// Source is the event source when it was not MSExchangeMig.
	Source string
	// Articles are the Knowledge Base articles about it: "Q255888".
	Articles []string
	// Said is what it said or meant.
	Said string
	// Difference tells what was different then.
	Difference string
}

// All returns the whole catalogue, ordered by code. The caller owns the slice.
func All() []Entry {
	var all []Entry
	for digit := byte('1'); digit <= '8'; digit++ {
		all = append(all, phase(digit)...)
	}
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(string(a.Code), string(b.Code)) })
	return all
}

// Lookup finds the entry of a code.
func Lookup(code Code) (Entry, bool) {
	if len(code) != len("W0000") {
		return Entry{}, false
	}
	// Only the phase is built: events are filled one by one while mail moves.
	for _, e := range phase(code[1]) {
		if e.Code == code {
			return e, true
		}
	}
	return Entry{}, false
}

func phase(digit byte) []Entry {
	switch digit {
	case '1':
		return planEntries()
	case '2':
		return preflightEntries()
	case '3':
		return provisionEntries()
	case '4':
		return slices.Concat(copyEntries(), outcomeEntries())
	case '5':
		return verifyEntries()
	case '6':
		return runEntries()
	case '7':
		return systemEntries()
	case '8':
		return mapEntries()
	}
	return nil
}

// ByAncestor finds the entries that descend from an event of the Migration
// Wizard ("7044") or from a Knowledge Base article ("Q255888"), ordered by code.
func ByAncestor(id string) []Entry {
	id = strings.TrimSpace(id)
	var found []Entry
	for _, e := range All() {
		if slices.ContainsFunc(e.Ancestors, func(a Ancestor) bool {
			return a.ID == id || slices.ContainsFunc(a.Articles, func(q string) bool { return strings.EqualFold(q, id) })
		}) {
			found = append(found, e)
		}
	}
	return found
}

// Fill sets Severity and Text from the catalogue, and Remedy unless the event
// brings one that suits its case better. An event whose code is not in the
// catalogue counts as an error, so that it is not overlooked.
func Fill(e Event) Event {
	entry, ok := Lookup(e.Code)
	if !ok {
		e.Severity = Error.String()
		if e.Text == "" {
			e.Text = "An event that the catalogue does not know."
		}
		return e
	}
	e.Severity = entry.Severity.String()
	e.Text = entry.Text
	if e.Remedy == "" {
		e.Remedy = entry.Remedy
	}
	return e
}
