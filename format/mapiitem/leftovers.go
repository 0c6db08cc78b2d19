package mapiitem

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/format/mapiitem/bookkeeping"
	"waybill/format/mapiitem/contentline"
)

// userFields writes the fields that users defined, which are named by text in the
// set of public strings ([MS-OXCMSG] 2.2.1, [MS-OXPROPS] 1.3.2).
func (c *converter) userFields() {
	type field struct {
		name string
		id   mapi.ID
	}
	var fields []field
	for n, id := range c.p.Names() {
		if n.Set == mapi.PublicStrings && n.Text != "" && !c.p.seen[id] && !bookkeeping.Field(n.Text) {
			fields = append(fields, field{n.Text, id})
		}
	}
	slices.SortFunc(fields, func(a, b field) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id))
	})
	for _, f := range fields {
		for _, text := range c.asTexts(f.id) {
			c.doc.AddText("X-OUTLOOK-FIELD", text, contentline.P("X-NAME", f.name))
		}
	}
}

// asTexts says a value of any plain type as text; none for what is no plain value.
func (c *converter) asTexts(id mapi.ID) []string {
	v, ok := c.p.Get(id)
	if !ok {
		return nil
	}
	switch v.Type {
	case mapi.TypeString8, mapi.TypeUnicode, mapi.TypeString8 | mapi.Multi, mapi.TypeUnicode | mapi.Multi:
		return c.p.texts(id)
	case mapi.TypeBool:
		return []string{strconv.FormatBool(c.p.bool(id))}
	case mapi.TypeInt16, mapi.TypeInt32, mapi.TypeInt64:
		n, _ := c.p.int(id)
		return []string{strconv.FormatInt(n, 10)}
	case mapi.TypeCurrency: // in units of 1/10,000: [MS-OXCDATA] 2.11.1
		n, _ := c.p.int(id)
		return []string{strconv.FormatFloat(float64(n)/10000, 'f', -1, 64)}
	case mapi.TypeFloat64:
		c.p.skip(id)
		return []string{strconv.FormatFloat(math.Float64frombits(v.Bits), 'f', -1, 64)}
	case mapi.TypeTime:
		if t, ok := c.p.time(id); ok {
			return []string{t.Format(time.RFC3339)}
		}
	}
	return nil
}

// maxNamed bounds how many properties one note names.
const maxNamed = 40

// leftovers notes the properties that nobody asked for, those apart that only
// say how Outlook and its stores keep the item.
func (c *converter) leftovers() {
	names := map[mapi.ID]mapi.Name{}
	for n, id := range c.p.Names() {
		if have, there := names[id]; !there || fmt.Sprint(n) < fmt.Sprint(have) {
			names[id] = n
		}
	}
	var left []string
	for _, id := range c.p.IDs() {
		v, ok := c.p.Get(id)
		if c.p.seen[id] || !ok || empty(v) {
			continue
		}
		name, named := names[id]
		switch {
		case id == importance && v.Bits == 1: // normal
		case id == flagStatus && v.Bits == 2: // a flag to follow up
			left = append(left, "follow-up flag")
		case !named && (id >= 0x8000 || !bookkeeping.Tag(id)):
			left = append(left, fmt.Sprintf("0x%04X", uint16(id)))
		case named && !bookkeeping.Name(name):
			left = append(left, nameText(name))
		}
	}
	if len(left) == 0 {
		return
	}
	more := ""
	if len(left) > maxNamed {
		more = fmt.Sprintf(" and %d more", len(left)-maxNamed)
		left = left[:maxNamed]
	}
	c.note("properties-left-out", "Properties of Outlook that the item's text form has no place for: %s%s.", strings.Join(left, ", "), more)
}

func nameText(n mapi.Name) string {
	if n.Text != "" {
		return strconv.Quote(n.Text)
	}
	set := map[mapi.GUID]string{mapi.SetCommon: "common", mapi.SetAppointment: "appointment", mapi.SetTask: "task",
		mapi.SetAddress: "address", mapi.SetLog: "log", mapi.SetNote: "note", mapi.SetMeeting: "meeting"}[n.Set]
	if set == "" {
		set = fmt.Sprintf("%x", n.Set[:4])
	}
	return fmt.Sprintf("%s 0x%04X", set, n.ID)
}

// empty tells values that say nothing: no text, zero, false.
func empty(v mapi.Value) bool {
	switch {
	case v.Type&mapi.Multi != 0:
		return len(v.Many) == 0
	case v.Data != nil:
		return v.Data.Size() == 0
	default:
		return v.Bits == 0
	}
}
