package mapimail

import (
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/format/mutf7"
	"waybill/mail"
)

// categoriesName is the property with the categories of an item ([MS-OXCMSG]
// 2.2.1.22).
var categoriesName = mapi.Name{Set: mapi.PublicStrings, Text: "Keywords"}

// flagRequest says what a flagged message waits for ([MS-OXOFLAG] 2.2.1.9).
var flagRequest = mapi.Name{Set: mapi.SetCommon, ID: 0x8530}

// maxCategories bounds the categories of one message.
const maxCategories = 200

// Marks are the flags and categories of an item of any class, with notes of what
// had to be renamed.
func Marks(p *mapi.Props) (mail.FlagSet, []mail.Note) {
	c := converter{props: p}
	set := c.flags()
	return set, c.notes
}

// flags are the marks of the message.
func (c *converter) flags() mail.FlagSet {
	p := c.props
	var f mail.Flags
	state, _ := p.Int(mapi.MessageFlags)
	if state&mapi.FlagRead != 0 {
		f |= mail.Seen
	}
	if state&mapi.FlagUnsent != 0 {
		f |= mail.Draft
	}
	// What was done last ([MS-OXOMSG] 2.2.1.9): 102 and 103 are replies, 104 is
	// forwarding. The icon tells the same (2.2.1.10) where the other is missing.
	switch verb, _ := p.Int(mapi.LastVerbExecuted); verb {
	case 102, 103:
		f |= mail.Answered
	case 104:
		f |= mail.Forwarded
	case 0:
		switch icon, _ := p.Int(mapi.IconIndex); icon {
		case 0x105:
			f |= mail.Answered
		case 0x106:
			f |= mail.Forwarded
		}
	}
	// 1 is a flag that was marked as done, 2 one that is up ([MS-OXOFLAG] 2.2.1.1).
	if status, _ := p.Int(mapi.FlagStatus); status == 2 {
		f |= mail.Flagged
	}
	var keywords []string
	for _, category := range c.categories() {
		word := keyword(category)
		if word != category {
			c.note("keyword-renamed", "The category "+category+" is the keyword "+word+".")
		}
		keywords = append(keywords, word)
	}
	return mail.NewFlagSet(f, keywords...)
}

// categories are the names of the item's categories.
func (c *converter) categories() []string {
	var names []string
	id := c.props.Find(categoriesName)
	if id == 0 {
		return nil
	}
	for _, name := range c.props.Texts(id) {
		name = strings.TrimSpace(oneLine(name))
		if name == "" {
			continue
		}
		if len(names) == maxCategories {
			c.note("categories-too-many", "Only the first categories of the message are carried.")
			break
		}
		names = append(names, clip(name, 255))
	}
	return names
}

// keyword spells a category as an atom that every IMAP server takes (RFC 9051 9,
// flag-keyword): in modified UTF-7, with "_" for what an atom cannot hold.
func keyword(category string) string {
	word := strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`(){%*"\]`, r) {
			return '_'
		}
		return r
	}, mutf7.Encode(strings.ReplaceAll(category, `\`, "_")))
	// Some servers know no longer keywords.
	return clip(word, 200)
}

// addMarks writes the marks that only a header can keep.
func (c *converter) addMarks() {
	h := c.head
	if categories := c.categories(); len(categories) > 0 {
		name := "Keywords" // RFC 5322 3.6.5
		if h.has(name) {
			name = "X-Categories" // the sender's keywords are not the owner's
		}
		words := make([]string, len(categories))
		for i, category := range categories {
			words[i] = mime.EncodeWords(strings.ReplaceAll(category, ",", ";"))
		}
		h.addReady(name, strings.Join(words, ", "))
	}
	if status, _ := c.props.Int(mapi.FlagStatus); status != 0 && !h.has("X-Message-Flag") {
		if id := c.props.Find(flagRequest); id != 0 {
			h.add("X-Message-Flag", c.props.Text(id)) // [MS-OXCMAIL] 2.1.3.2.20
		}
	}
}

// internalDate is when the message came to where it is.
func (c *converter) internalDate() time.Time {
	if t := c.moment(mapi.MessageDeliveryTime, mapi.ClientSubmitTime); !t.IsZero() {
		return t
	}
	if t, ok := mime.ParseDate(c.head.value("Date")); ok && t.Year() >= 1900 && t.Year() <= 9999 {
		return t.UTC()
	}
	return c.moment(mapi.CreationTime, mapi.LastModificationTime)
}
