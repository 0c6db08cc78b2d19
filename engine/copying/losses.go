package copying

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/connector"
	"waybill/mail"
)

// Holdable reduces a message's marks to what the target can hold and notes what
// falls away, so that nothing is lost silently.
func Holdable(m mail.Message, caps connector.Capabilities) (want mail.FlagSet, date time.Time, losses []mail.Note) {
	want = mail.FlagSet{System: m.Flags.System & caps.Flags, Keywords: m.Flags.Keywords}
	for _, name := range (m.Flags.System &^ caps.Flags).Names() {
		losses = append(losses, mail.Note{Kind: "flag-not-kept", Text: "the target cannot hold the flag " + name})
	}
	if !caps.Keywords && len(m.Flags.Keywords) > 0 {
		want.Keywords = nil
		losses = append(losses, mail.Note{Kind: "keyword-not-kept", Text: "the target cannot hold keywords: " + strings.Join(m.Flags.Keywords, " ")})
	}
	for _, label := range m.Labels {
		losses = append(losses, mail.Note{Kind: "label-not-kept", Text: "label " + label})
	}
	date = m.InternalDate
	switch {
	case date.IsZero():
		losses = append(losses, mail.Note{Kind: "date-unknown", Text: "the source does not know when the message arrived"})
	case caps.DatePrecision == 0:
		losses = append(losses, mail.Note{Kind: "date-not-kept", Text: "the target cannot hold the internal date " + date.Format(time.RFC3339)})
	case !caps.EarliestDate.IsZero() && date.Before(caps.EarliestDate), !caps.LatestDate.IsZero() && date.After(caps.LatestDate):
		losses = append(losses, mail.Note{Kind: "date-out-of-range", Text: "the target cannot hold the internal date " + date.Format(time.RFC3339)})
		date = time.Time{}
	}
	return want, date, losses
}

// ruleFlags is broken by a message whose flags are others in the target.
const ruleFlags = "verify.flags"

// compareMarks tells in which of flags, keywords and date a stored message
// differs from what was handed over. Differences that the target announced in a
// note are excused; so are keywords beyond a number that the target states.
func compareMarks(o *outgoing, stored connector.Stored, caps connector.Capabilities, notes []mail.Note) (rule, reason string, excused []mail.Note) {
	announced := func(prefixes ...string) bool {
		return slices.ContainsFunc(notes, func(n mail.Note) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(n.Kind, p) })
		})
	}
	if caps.DatePrecision > 0 && !o.InternalDate.IsZero() && !mail.SameMoment(o.InternalDate, stored.InternalDate, caps.DatePrecision) && !announced("date-") {
		return "verify.date", fmt.Sprintf("internal date is %s in the target, %s in the source",
			stored.InternalDate.UTC().Format(time.RFC3339), o.InternalDate.UTC().Format(time.RFC3339)), nil
	}
	if stored.Flags.Equal(o.want) || announced("flag", "keyword") {
		return "", "", nil
	}
	missing := subtract(o.want.Keywords, stored.Flags.Keywords)
	if caps.MaxKeywords > 0 && stored.Flags.System == o.want.System && len(subtract(stored.Flags.Keywords, o.want.Keywords)) == 0 {
		return "", "", []mail.Note{{Kind: "keyword-not-kept", Text: "the target's folder holds no more different keywords: " + strings.Join(missing, " ")}}
	}
	return ruleFlags, fmt.Sprintf("flags are (%s) in the target, (%s) were handed over", stored.Flags, o.want), nil
}

// subtract returns the keywords of a that b does not have.
func subtract(a, b []string) (rest []string) {
	for _, k := range a {
		if !slices.ContainsFunc(b, func(have string) bool { return strings.EqualFold(have, k) }) {
			rest = append(rest, k)
		}
	}
	return rest
}

// mergeFlagSets applies to the target's marks what changed in the source since
// base. A mark that was changed on both sides keeps the target's value: whoever
// works in the new system has the last word.
func mergeFlagSets(base, source, target mail.FlagSet) mail.FlagSet {
	changed := base.System ^ source.System
	touched := base.System ^ target.System
	system := target.System&^(changed&^touched) | source.System&(changed&^touched)
	keywords := slices.Clone(target.Keywords)
	keywords = append(keywords, subtract(source.Keywords, base.Keywords)...) // added in the source
	gone := subtract(base.Keywords, source.Keywords)                         // removed in the source
	keywords = subtract(keywords, gone)
	return mail.NewFlagSet(system, keywords...)
}
