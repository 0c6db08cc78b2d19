package siteimap

import (
	"slices"

	"github.com/emersion/go-imap/v2"
)

// message is a message that a command names.
type message struct {
	seq, uid uint32
}

// numRange is a range in either direction; 0 is "*".
type numRange struct{ first, last uint32 }

// rangesOf takes a set of the library apart.
func rangesOf(set imap.NumSet) (ranges []numRange, uids bool) {
	switch set := set.(type) {
	case imap.SeqSet:
		for _, r := range set {
			ranges = append(ranges, numRange{r.Start, r.Stop})
		}
	case imap.UIDSet:
		uids = true
		for _, r := range set {
			ranges = append(ranges, numRange{uint32(r.Start), uint32(r.Stop)})
		}
	}
	return ranges, uids
}

// byUID reports whether a set names messages by UID.
func byUID(set imap.NumSet) bool {
	_, uids := set.(imap.UIDSet)
	return uids
}

// named finds the messages of a set, in ascending order. UIDs that are not
// there name nothing (RFC 9051 6.4.9); numbers beyond the folder break the
// protocol.
func (x *session) named(set imap.NumSet) ([]message, error) {
	v := x.view
	if imap.IsSearchRes(set) {
		return v.withUIDs(x.saved), nil
	}
	ranges, uids := rangesOf(set)
	// steps[i] tells how many ranges begin or end before message i+1: sets may
	// name a message any number of times.
	steps := make([]int32, len(v.uids)+1)
	last := uint32(len(v.uids))
	for _, r := range ranges {
		if !uids {
			first, end := r.bounds(last)
			if end > last || first == 0 {
				return nil, bad("there is no message of that number")
			}
			steps[first-1]++
			steps[end]--
			continue
		}
		if last == 0 {
			break
		}
		first, end := r.bounds(v.uids[last-1])
		from, _ := slices.BinarySearch(v.uids, first)
		to, found := slices.BinarySearch(v.uids, end)
		if found {
			to++
		}
		steps[from]++
		steps[to]--
	}
	var all []message
	depth := int32(0)
	for i, uid := range v.uids {
		if depth += steps[i]; depth > 0 {
			all = append(all, message{uint32(i + 1), uid})
		}
	}
	return all, nil
}

// bounds resolves "*" and turns ranges round that were given the other way.
func (r numRange) bounds(last uint32) (uint32, uint32) {
	first, end := r.first, r.last
	if first == 0 {
		first = last
	}
	if end == 0 {
		end = last
	}
	return min(first, end), max(first, end)
}

// withUIDs finds messages by UIDs in ascending order.
func (v *view) withUIDs(uids []uint32) []message {
	var all []message
	for _, uid := range uids {
		if i, found := slices.BinarySearch(v.uids, uid); found {
			all = append(all, message{uint32(i + 1), uid})
		}
	}
	return all
}

func uidsOf(messages []message) []uint32 {
	uids := make([]uint32, len(messages))
	for i, m := range messages {
		uids[i] = m.uid
	}
	return uids
}

// uidSet is a set of UIDs in ascending order.
func uidSet(uids []uint32) imap.UIDSet {
	var set imap.UIDSet
	for _, u := range uids {
		if n := len(set); n > 0 && uint32(set[n-1].Stop)+1 == u {
			set[n-1].Stop = imap.UID(u)
			continue
		}
		set = append(set, imap.UIDRange{Start: imap.UID(u), Stop: imap.UID(u)})
	}
	return set
}

// seqSet is a set of message numbers in ascending order.
func seqSet(numbers []uint32) imap.SeqSet {
	var set imap.SeqSet
	for _, r := range uidSet(numbers) {
		set = append(set, imap.SeqRange{Start: uint32(r.Start), Stop: uint32(r.Stop)})
	}
	return set
}
