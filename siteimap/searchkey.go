package siteimap

import (
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"waybill/mail"
	"waybill/siteimap/parts"
)

const (
	// maxKeys bounds how many things one search looks for.
	maxKeys = 1000
	// maxNesting is how deep search keys may nest.
	maxNesting = 100
)

// searching turns what go-imap read of a search into keys.
type searching struct {
	session *session
	count   int
	depth   int
	err     error
}

// keys are all true for what is searched for.
func (p *searching) keys(c *imap.SearchCriteria) (all []key) {
	if p.depth++; p.depth > maxNesting || p.err != nil {
		p.refuse(bad("too deeply nested"))
		return nil
	}
	defer func() { p.depth-- }()
	for _, set := range c.SeqNum {
		all = append(all, p.inSet(set))
	}
	for _, set := range c.UID {
		all = append(all, p.inSet(set))
	}
	for word, day := range map[string]time.Time{"SINCE": c.Since, "BEFORE": c.Before, "SENTSINCE": c.SentSince, "SENTBEFORE": c.SentBefore} {
		if !day.IsZero() {
			all = append(all, dateKey(word, day))
		}
	}
	for _, f := range c.Flag {
		all = append(all, flagKey(f, true))
	}
	for _, f := range c.NotFlag {
		all = append(all, flagKey(f, false))
	}
	if c.Larger > 0 {
		all = append(all, func(m *found) (bool, error) { return m.Size > c.Larger, nil })
	}
	if c.Smaller > 0 {
		all = append(all, func(m *found) (bool, error) { return m.Size < c.Smaller, nil })
	}
	for _, h := range c.Header {
		all = append(all, headerKey(h.Key, h.Value))
	}
	for _, text := range c.Body {
		all = append(all, func(m *found) (bool, error) { return m.contains(text, false) })
	}
	for _, text := range c.Text {
		all = append(all, func(m *found) (bool, error) { return m.contains(text, true) })
	}
	for i := range c.Not {
		not := p.keys(&c.Not[i])
		all = append(all, func(m *found) (bool, error) {
			ok, err := every(not, m)
			return !ok, err
		})
	}
	for i := range c.Or {
		one, two := p.keys(&c.Or[i][0]), p.keys(&c.Or[i][1])
		all = append(all, func(m *found) (bool, error) {
			if ok, err := every(one, m); ok || err != nil {
				return ok, err
			}
			return every(two, m)
		})
	}
	if p.count += len(all); p.count > maxKeys {
		p.refuse(bad("too many search keys"))
	}
	return all
}

func (p *searching) refuse(err error) {
	if p.err == nil {
		p.err = err
	}
}

// inSet is true for the messages of a set.
func (p *searching) inSet(set imap.NumSet) key {
	if !byUID(set) {
		// Numbers beyond the folder are no mistake here: they match nothing.
		last := uint32(len(p.session.view.uids))
		ranges, _ := rangesOf(set)
		return func(m *found) (bool, error) {
			for _, r := range ranges {
				if first, end := r.bounds(last); m.seq >= first && m.seq <= end {
					return true, nil
				}
			}
			return false, nil
		}
	}
	all, err := p.session.named(set)
	if err != nil {
		p.refuse(err)
	}
	in := make(map[uint32]bool, len(all))
	for _, m := range all {
		in[m.uid] = true
	}
	return func(m *found) (bool, error) { return in[m.UID], nil }
}

// flagKey looks at a flag. No message is \Recent here.
func flagKey(flag imap.Flag, want bool) key {
	if !strings.HasPrefix(string(flag), `\`) {
		return keywordKey(string(flag), want)
	}
	system := mail.NewFlagSet(0, string(flag)).System
	return func(m *found) (bool, error) { return (system != 0 && m.Flags.System&system == system) == want, nil }
}

func keywordKey(word string, want bool) key {
	return func(m *found) (bool, error) {
		has := false
		for _, f := range shownFlags(m.Flags) {
			has = has || strings.EqualFold(f, word)
		}
		return has == want, nil
	}
}

// dateKey compares days, whatever the time and the zone (RFC 9051 6.4.4).
func dateKey(word string, day time.Time) key {
	sent := strings.HasPrefix(word, "SENT")
	want := day.Format(time.DateOnly)
	return func(m *found) (bool, error) {
		date := m.Date
		if sent {
			values, err := m.header("Date")
			if err != nil || len(values) == 0 {
				return false, err
			}
			if date, err = parts.ParseDate(values[0]); err != nil {
				return false, nil
			}
		}
		switch have := date.Format(time.DateOnly); strings.TrimPrefix(word, "SENT") {
		case "SINCE":
			return have >= want, nil
		default:
			return have < want, nil
		}
	}
}

// headerKey looks for a text in a field; an empty text asks whether there is
// such a field.
func headerKey(name, text string) key {
	want := parts.Fold(text)
	return func(m *found) (bool, error) {
		values, err := m.header(name)
		for _, v := range values {
			if strings.Contains(parts.Fold(v), want) {
				return true, err
			}
		}
		return false, err
	}
}
