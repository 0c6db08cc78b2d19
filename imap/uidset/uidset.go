// Package uidset holds sets of message numbers as IMAP writes them (RFC 9051 9,
// sequence-set): what is asked of a server, and what a server says.
package uidset

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Range is First to Last, both included. Last 0 stands for "*", the highest
// number in the mailbox.
type Range struct{ First, Last uint32 }

// Set is a set of UIDs or of sequence numbers.
type Set []Range

// Of makes a set: sorted, without duplicates and zeros, runs joined.
func Of(uids ...uint32) Set {
	if !slices.IsSorted(uids) {
		uids = slices.Clone(uids)
		slices.Sort(uids)
	}
	var set Set
	for _, uid := range uids {
		set = set.add(Range{uid, uid})
	}
	return set
}

// add appends a range that does not begin before the last one.
func (s Set) add(r Range) Set {
	if r.First == 0 {
		return s
	}
	if n := len(s); n > 0 {
		last := &s[n-1]
		if last.Last == 0 || r.First <= last.Last || r.First == last.Last+1 {
			if last.Last != 0 {
				last.Last = max(last.Last, r.Last)
				if r.Last == 0 {
					last.Last = 0
				}
			}
			return s
		}
	}
	return append(s, r)
}

// Sorted is the same set in order, runs joined.
func (s Set) Sorted() Set {
	s = slices.Clone(s)
	slices.SortFunc(s, func(a, b Range) int { return cmp.Compare(a.First, b.First) })
	var out Set
	for _, r := range s {
		out = out.add(r)
	}
	return out
}

// Count is the number of UIDs; -1 when a range ends in "*".
func (s Set) Count() int64 {
	var n int64
	for _, r := range s {
		if r.Last == 0 {
			return -1
		}
		n += int64(r.Last) - int64(r.First) + 1
	}
	return n
}

// Contains reports whether uid is in the set; "*" is taken as no bound.
func (s Set) Contains(uid uint32) bool {
	for _, r := range s {
		if uid >= r.First && (uid <= r.Last || r.Last == 0) {
			return true
		}
	}
	return false
}

// All yields every UID in order. A range that ends in "*" yields its first only.
// A server's ranges may claim four thousand million UIDs: check Count first.
func (s Set) All() iter.Seq[uint32] {
	return func(yield func(uint32) bool) {
		for _, r := range s {
			for uid := r.First; ; uid++ {
				if !yield(uid) {
					return
				}
				if uid >= r.Last {
					break
				}
			}
		}
	}
}

// String is the set as it is sent: "1:3,7,9:*".
func (s Set) String() string {
	var b []byte
	for i, r := range s {
		if i > 0 {
			b = append(b, ',')
		}
		b = r.append(b)
	}
	return string(b)
}

func (r Range) append(b []byte) []byte {
	b = strconv.AppendUint(b, uint64(r.First), 10)
	switch r.Last {
	case r.First:
	case 0:
		b = append(b, ':', '*')
	default:
		b = append(b, ':')
		b = strconv.AppendUint(b, uint64(r.Last), 10)
	}
	return b
}

// Pieces are the set as texts of little more than 7,000 bytes each: servers need
// not take lines above 8,192 (RFC 7162 4).
func (s Set) Pieces() []string {
	var out []string
	var b []byte
	for _, r := range s {
		if len(b) > maxText {
			out = append(out, string(b))
			b = b[:0]
		}
		if len(b) > 0 {
			b = append(b, ',')
		}
		b = r.append(b)
	}
	if len(b) > 0 {
		out = append(out, string(b))
	}
	return out
}

// MaxRanges bounds sets that a server sends.
const MaxRanges = 4 << 20

// maxText is how long a piece grows before the next one begins.
const maxText = 7000

// Parse reads a set in the order that it was written; "5:3" is 3 to 5
// (RFC 9051 9, seq-range). "*", zero and what is no number make it invalid: a
// server that tells UIDs must name them.
func Parse(text string) (Set, bool) {
	if text == "" {
		return nil, false
	}
	var set Set
	for piece := range strings.SplitSeq(text, ",") {
		first, last, ranged := strings.Cut(piece, ":")
		a, ok := ParseUID(first)
		b := a
		if ok && ranged {
			b, ok = ParseUID(last)
		}
		if !ok || len(set) == MaxRanges {
			return nil, false
		}
		set = append(set, Range{min(a, b), max(a, b)})
	}
	return set, true
}

// ParseUID reads one UID: a number from 1 to 4294967295.
func ParseUID(text string) (uint32, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || n > math.MaxUint32 {
		return 0, false
	}
	return uint32(n), true
}
