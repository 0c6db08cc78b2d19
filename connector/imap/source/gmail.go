package source

import (
	"fmt"
	"slices"
	"strings"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/format/mutf7"
	"waybill/imap"
	"waybill/mail"
)

// labelPolicy says what becomes of messages that have labels instead of lying in
// one folder (https://developers.google.com/workspace/gmail/imap/imap-extensions).
//
// With "one" a message is listed in one folder: that of the first of its labels
// by the order; its other labels become keywords. With "copies" it is listed in
// the folder of each of its labels. In both, the folder of all mail lists what has
// no label, and folders that only show a mark (Starred, Important) are left out.
// With "folders" everything is listed as the server shows it.
//
// A message's labels decide by themselves, so that every run decides alike. Keys
// are the same under each policy: after a change of it nothing is listed under a
// key that meant something else, but messages that were moved may be listed in
// another folder, and those count as new there.
type labelPolicy struct {
	on     bool // labels have to be asked for
	copies bool
	order  []string // lower case; "*" stands for all labels that are not named
}

// usualOrder is the priority list when nobody gives one: the inbox, then what
// the user made, by name.
var usualOrder = []string{`\inbox`, "*", `\sent`, `\draft`}

// labelsFor is the policy that the operator chose, or the provider's own.
func labelsFor(s *server.Server, o server.Options) (labelPolicy, error) {
	policy := o.Labels
	if policy == "" {
		policy = s.Facts().Labels.Policy
	}
	if policy == "" && s.Has("X-GM-EXT-1") {
		policy = "one"
	}
	switch policy {
	case "one", "copies", "folders", "":
	default:
		return labelPolicy{}, failure.New(failure.Usage, "open", s.Location(), "usage.labels", fmt.Errorf("there is no policy %q for labels", policy)).
			WithRemedy("it is one, copies or folders")
	}
	if policy == "folders" || policy == "" || !s.Has("X-GM-EXT-1") {
		return labelPolicy{}, nil
	}
	return newLabelPolicy(policy == "copies", o.LabelOrder), nil
}

func newLabelPolicy(copies bool, order []string) labelPolicy {
	p := labelPolicy{on: true, copies: copies}
	for _, label := range order {
		p.order = append(p.order, strings.ToLower(canonicalLabel(label)))
	}
	for _, label := range usualOrder {
		if !slices.Contains(p.order, label) {
			p.order = append(p.order, label)
		}
	}
	return p
}

// canonicalLabel is the one spelling of a label: that of X-GM-LABELS.
func canonicalLabel(label string) string {
	switch strings.ToLower(label) {
	case "inbox", `\inbox`:
		return `\Inbox`
	case `\sent`:
		return `\Sent`
	case `\draft`, `\drafts`:
		return `\Draft`
	}
	return label
}

// label finds out what Gmail calls a folder in X-GM-LABELS.
func (b *sourceBox) label(f *sourceFolder, item imap.ListItem) {
	if !b.source.labels.on {
		return
	}
	switch {
	case f.Path == mail.Inbox:
		f.label = `\Inbox`
	case server.Attribute(item, `\Sent`):
		f.label = `\Sent`
	case server.Attribute(item, `\Drafts`):
		f.label = `\Draft`
	case server.Attribute(item, `\All`, `\AllMail`):
		f.label = "" // everything: no label of its own
	case server.Attribute(item, `\Junk`, `\Spam`, `\Trash`):
		f.label = `\Trash` // what lies there lies nowhere else
	case server.Attribute(item, `\Flagged`, `\Starred`, `\Important`):
		f.view = true
	default:
		f.label = canonicalLabel(item.Name)
	}
}

// hidden folders are not listed: they only show what is in others.
func (b *sourceBox) hidden(f *sourceFolder) bool { return b.source.labels.on && f.view }

// filters reports whether a folder lists only some of its messages.
func (p labelPolicy) filters(f *sourceFolder) bool {
	return p.on && f.label != `\Trash` && (!p.copies || f.label == "")
}

// assign decides whether a message is listed in a folder that shows it, and which
// keywords its other labels become. The labels that FETCH tells leave out that of
// the folder itself.
func (p labelPolicy) assign(f *sourceFolder, told []string) (keywords []string, notes []mail.Note, listed bool) {
	var labels []string
	for _, label := range told {
		switch strings.ToLower(label) {
		case `\starred`, `\muted`: // the one is \Flagged too, the other a setting of the program
		case `\important`:
			keywords = append(keywords, "$Important") // RFC 8457
		default:
			labels = append(labels, canonicalLabel(label))
		}
	}
	if f.label != `\Trash` {
		if f.label == "" && len(labels) > 0 {
			return nil, nil, false
		}
		if p.copies {
			return keywords, nil, true
		}
		for _, other := range labels {
			if p.before(other, f.label) {
				return nil, nil, false
			}
		}
	}
	for _, label := range labels {
		if strings.EqualFold(label, f.label) || label == `\Trash` || label == `\Junk` || label == `\Spam` {
			continue
		}
		keyword := labelKeyword(label)
		keywords = append(keywords, keyword)
		if keyword != label {
			notes = append(notes, mail.Note{Kind: "label-as-keyword", Text: fmt.Sprintf("The label %q is the keyword %q in the target.", label, keyword)})
		}
	}
	return keywords, notes, true
}

// before reports whether a message with both labels is listed under a.
func (p labelPolicy) before(a, b string) bool {
	ra, rb := p.rank(a), p.rank(b)
	if ra != rb {
		return ra < rb
	}
	la, lb := strings.ToLower(a), strings.ToLower(b)
	if la != lb {
		return la < lb
	}
	return a < b
}

func (p labelPolicy) rank(label string) int {
	label = strings.ToLower(label)
	if at := slices.Index(p.order, label); at >= 0 {
		return at
	}
	return slices.Index(p.order, "*")
}

// labelKeyword makes an atom of a label (RFC 9051 9, flag-keyword). Letters
// that are not ASCII are written in modified UTF-7, as in names of folders.
func labelKeyword(label string) string {
	label = strings.TrimPrefix(label, `\`)
	atom := strings.Map(func(c rune) rune {
		if c <= 0x20 || c >= 0x7f || strings.ContainsRune(`(){%*"\]`, c) {
			return '_'
		}
		return c
	}, mutf7.Encode(label))
	if atom == "" {
		return "_"
	}
	return atom
}
