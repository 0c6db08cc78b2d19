package answer

import (
	"strings"

	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// Search adds the numbers behind SEARCH to found; "(MODSEQ n)" may follow.
func (r *Reader) Search(found *uidset.Set) error {
	for {
		r.Space()
		if b := r.Peek(); b == 0 || b == '(' {
			return nil
		}
		uid, err := r.Number()
		if err != nil {
			return err
		}
		if uid == 0 || uid > 1<<32-1 || len(*found) == uidset.MaxRanges {
			return r.Wrong("UIDs")
		}
		u := uint32(uid)
		if n := len(*found); n > 0 && (*found)[n-1].Last+1 == u {
			(*found)[n-1].Last = u
			continue
		}
		*found = append(*found, uidset.Range{First: u, Last: u})
	}
}

// ESearch adds to found what stands in "(TAG "x") UID ALL 1:5,7" (RFC 4731 3.1).
func (r *Reader) ESearch(found *uidset.Set) error {
	r.Space()
	if r.Peek() == '(' {
		if err := r.SkipValue(); err != nil {
			return err
		}
	}
	for r.More() {
		name := r.Atom()
		switch {
		case len(name) == 0:
			return r.Wrong("a name")
		case wire.Is(name, "UID"):
		case wire.Is(name, "ALL"):
			r.Space()
			set, ok := uidset.Parse(string(r.Atom()))
			if !ok || len(*found)+len(set) > uidset.MaxRanges {
				return r.Wrong("UIDs")
			}
			*found = append(*found, set...)
		default:
			if err := r.SkipValue(); err != nil {
				return err
			}
		}
	}
	return nil
}

// Vanished reads the UIDs that are gone; earlier tells of those that went before
// this session (RFC 7162 3.2.10).
func (r *Reader) Vanished() (set uidset.Set, earlier bool, err error) {
	r.Space()
	if r.Peek() == '(' {
		earlier = true
		if err := r.SkipValue(); err != nil {
			return nil, false, err
		}
		r.Space()
	}
	set, ok := uidset.Parse(string(r.Atom()))
	if !ok {
		return nil, false, r.Wrong("UIDs")
	}
	return set, earlier, nil
}

// Copied is what COPYUID tells (RFC 4315 3); all zero when it was not told or
// made no sense. Source and Dest have the same count and order.
type Copied struct {
	UIDValidity  uint32
	Source, Dest uidset.Set
}

// CopyUID reads COPYUID (RFC 4315 3). Sets that do not have the same number
// of UIDs, or that name none ("*"), tell nothing.
func (s Line) CopyUID() (Copied, bool) {
	if s.Code != "COPYUID" {
		return Copied{}, false
	}
	fields := strings.Fields(s.Argument)
	if len(fields) != 3 {
		return Copied{}, false
	}
	validity, ok1 := uidset.ParseUID(fields[0])
	source, ok2 := uidset.Parse(fields[1])
	dest, ok3 := uidset.Parse(fields[2])
	if !ok1 || !ok2 || !ok3 || source.Count() != dest.Count() {
		return Copied{}, false
	}
	return Copied{validity, source, dest}, true
}

// AppendUID reads APPENDUID for n messages: the UIDs in the order of the
// messages. A set of another length, or one that does not rise, tells nothing.
func (s Line) AppendUID(n int) (validity uint32, uids []uint32) {
	if s.Code != "APPENDUID" {
		return 0, nil
	}
	first, rest, _ := strings.Cut(s.Argument, " ")
	validity, ok1 := uidset.ParseUID(first)
	set, ok2 := uidset.Parse(strings.TrimSpace(rest))
	if !ok1 {
		return 0, nil
	}
	if !ok2 || set.Count() != int64(n) {
		return validity, nil
	}
	uids = make([]uint32, 0, n)
	for uid := range set.All() {
		if len(uids) > 0 && uid <= uids[len(uids)-1] {
			return validity, nil
		}
		uids = append(uids, uid)
	}
	return validity, uids
}
