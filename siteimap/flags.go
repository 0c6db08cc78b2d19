package siteimap

import (
	"slices"
	"strings"

	"waybill/mail"
)

// shownFlags are a message's marks as IMAP can write them. A keyword of another
// system may hold what an atom cannot; such bytes are shown as "_".
func shownFlags(set mail.FlagSet) []string {
	words := set.System.Names()
	for _, k := range set.Keywords {
		words = append(words, shownKeyword(k))
	}
	return words
}

func shownKeyword(k string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || strings.ContainsRune(`(){}%*"\[]`, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(k, "_"))
}

// flagSet reads the marks that a mail program names. \Recent belongs to the
// server and is left out.
func flagSet(flags []string) (mail.FlagSet, error) {
	words := make([]string, 0, len(flags))
	for _, w := range flags {
		if strings.EqualFold(w, `\Recent`) {
			continue
		}
		if strings.HasPrefix(w, `\`) && !slices.ContainsFunc(systemFlags(), func(s string) bool { return strings.EqualFold(s, w) }) {
			return mail.FlagSet{}, bad("there is no system flag " + w)
		}
		if len(w) > maxKeyword {
			return mail.FlagSet{}, no(codeLimit, "the keyword is too long")
		}
		words = append(words, w)
	}
	if len(words) > maxKeywords {
		return mail.FlagSet{}, no(codeLimit, "too many keywords for one message")
	}
	return mail.NewFlagSet(0, words...), nil
}

// Bounds of what a mail program may put on a message.
const (
	maxKeyword  = 255
	maxKeywords = 200
)

// systemFlags are the flags that a site keeps beside keywords.
func systemFlags() []string {
	return (mail.Answered | mail.Flagged | mail.Deleted | mail.Seen | mail.Draft).Names()
}

// markOp is what STORE does with the flags that it names.
type markOp uint8

const (
	markSet markOp = iota
	markAdd
	markDel
)

// changedMarks is what STORE makes of a message's marks.
func changedMarks(have mail.FlagSet, op markOp, named mail.FlagSet) mail.FlagSet {
	// A keyword that is shown otherwise than it is kept stays itself.
	same := func(kept, shown string) bool {
		return strings.EqualFold(kept, shown) || strings.EqualFold(shownKeyword(kept), shown)
	}
	names := func(k string) bool {
		return slices.ContainsFunc(named.Keywords, func(n string) bool { return same(k, n) })
	}
	kept := func(n string) bool {
		return slices.ContainsFunc(have.Keywords, func(k string) bool { return same(k, n) })
	}
	var words []string
	for _, k := range have.Keywords {
		if op == markAdd || (op == markSet) == names(k) {
			words = append(words, k)
		}
	}
	if op != markDel {
		for _, n := range named.Keywords {
			if !kept(n) {
				words = append(words, n)
			}
		}
	}
	system := named.System
	switch op {
	case markAdd:
		system = have.System | named.System
	case markDel:
		system = have.System &^ named.System
	}
	return mail.NewFlagSet(system, words...)
}
