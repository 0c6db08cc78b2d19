package mbg

import (
	"fmt"

	"waybill/format/msmail/evidence"
)

// KeySize is the length of a .KEY file, MaxRows the number of rows that it can
// tell of (KB Q77926, Q119088, documented).
const (
	KeySize = 560
	MaxRows = 4096
	bitmap  = MaxRows / 8
)

// Key is a .KEY file: 512 bytes of bits, one for each row of the mailbag, and 48
// bytes of counters. A set bit marks a deleted row (hypothesis; all zero is a
// fresh mailbag, KB Q104279, documented).
type Key [KeySize]byte

// KeyLayout says what was never published: whether the bits come before the
// counters, and which bit of a byte is the first. LocateKey finds it.
type KeyLayout struct {
	BitsAt   int // 0 or 48
	HighBits bool
}

// LikelyKey is assumed where nothing tells.
var LikelyKey = KeyLayout{}

// Deleted reports whether the bit of row i is set; rows beyond MaxRows have none.
func (k *Key) Deleted(l KeyLayout, i int) bool {
	at, bit, ok := l.place(i)
	return ok && k[at]&bit != 0
}

// SetDeleted sets or clears the bit of row i.
func (k *Key) SetDeleted(l KeyLayout, i int, deleted bool) {
	at, bit, ok := l.place(i)
	switch {
	case !ok:
	case deleted:
		k[at] |= bit
	default:
		k[at] &^= bit
	}
}

func (l KeyLayout) place(i int) (at int, bit byte, ok bool) {
	if i < 0 || i >= MaxRows {
		return 0, 0, false
	}
	bit = 1 << (i % 8)
	if l.HighBits {
		bit = 0x80 >> (i % 8)
	}
	return l.BitsAt + i/8, bit, true
}

// Beyond counts the set bits of rows that a mailbag of that many rows does not
// have.
func (k *Key) Beyond(l KeyLayout, rows int) int {
	n := 0
	for i := max(rows, 0); i < MaxRows; i++ {
		if k.Deleted(l, i) {
			n++
		}
	}
	return n
}

// Counters are the 48 bytes beside the bits: new mail, unread mail and the like;
// their order was never published.
func (k *Key) Counters(l KeyLayout) []byte {
	if l.BitsAt == 0 {
		return k[bitmap:]
	}
	return k[:KeySize-bitmap]
}

// IsZero reports whether the file is all zero: nothing is deleted, by whatever
// layout.
func (k *Key) IsZero() bool { return *k == Key{} }

// Sample is one mailbag for LocateKey.
type Sample struct {
	Key  Key
	Rows int
	// Gone says for each row whether its message file does not exist: most of
	// these were deleted. It may be shorter than Rows.
	Gone []bool
}

// Holder is a message that says how many users have it (KB Q104423), with all rows
// that name it.
type Holder struct {
	Count int
	Rows  []struct{ Sample, Row int }
}

func (h *Holder) agrees(samples []Sample, l KeyLayout) bool {
	live := 0
	for _, at := range h.Rows {
		if !samples[at.Sample].Key.Deleted(l, at.Row) {
			live++
		}
	}
	return live == h.Count
}

// LocateKey finds the layout that explains a postoffice's mailbags best: no bit is
// set behind the last row, rows whose message is gone are deleted, and as many rows
// are live as the message counts users. Only mailbags with a bit set tell anything.
func LocateKey(samples []Sample, holders []Holder) (KeyLayout, evidence.Finding) {
	f := evidence.Finding{Of: "KEY bits", Text: "bits behind the last row, rows without a message, and the messages' counts of users"}
	best, bestScore, nextScore := LikelyKey, 0, 0
	for i := range samples {
		if s := &samples[i]; !s.Key.IsZero() && s.Rows > 0 {
			f.Total++
		}
	}
	for _, l := range []KeyLayout{{0, false}, {0, true}, {48, false}, {48, true}} {
		score, agree := 0, 0
		for i := range samples {
			s := &samples[i]
			if s.Key.IsZero() || s.Rows == 0 {
				continue
			}
			points := s.score(l)
			score += points
			if points > 0 {
				agree++
			}
		}
		for i := range holders {
			if f.Total > 0 && holders[i].agrees(samples, l) {
				agree++
				score += 2
			}
		}
		switch {
		case score > bestScore:
			best, nextScore, bestScore, f.For = l, bestScore, score, agree
		case score > nextScore:
			nextScore = score
		}
	}
	if f.Total > 0 {
		f.Total += len(holders)
	}
	if bestScore > 0 {
		f.RunnerUp = f.For * nextScore / bestScore
		order := "lowest"
		if best.HighBits {
			order = "highest"
		}
		f.Choice = fmt.Sprintf("bits at offset %d, %s bit first", best.BitsAt, order)
	}
	return best, f
}

func (s *Sample) score(l KeyLayout) int {
	if s.Key.Beyond(l, s.Rows) > 0 {
		return -2
	}
	points := 1
	for i, gone := range s.Gone {
		if i >= s.Rows {
			break
		}
		switch deleted := s.Key.Deleted(l, i); {
		case gone && deleted:
			points += 3
		case gone: // a damaged mailbag, or the wrong layout
			points -= 3
		}
	}
	return points
}
