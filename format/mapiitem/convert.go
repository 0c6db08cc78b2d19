package mapiitem

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
	"waybill/format/mapiitem/filename"
	"waybill/mail"
)

// product names the writer in every object (RFC 5545 3.7.3, RFC 6350 6.7.3).
const product = "-//Waybill//Items of Outlook//EN"

// Media types of what is written.
const (
	typeCard     = "text/vcard; charset=utf-8"
	typeCalendar = "text/calendar; charset=utf-8; component="
)

// KindOf tells what a message class is; 0 when it is mail, or unknown. Classes
// are compared without regard to case, and a class stands for those below it
// ([MS-OXCMSG] 2.2.1.3).
func KindOf(class string) Kind {
	class = strings.ToUpper(strings.TrimSpace(class))
	for _, known := range [...]struct {
		class string
		kind  Kind
	}{
		{"IPM.CONTACT", Contact}, {"IPM.ABCHPERSON", Contact}, {"IPM.DISTLIST", List}, {"IPM.APPOINTMENT", Event},
		{"IPM.SCHEDULE.MEETING", Event}, {exceptionClass, Event}, {"IPM.TASK", Task}, {"IPM.TASKREQUEST", Task},
		{"IPM.STICKYNOTE", Note}, {"IPM.ACTIVITY", Journal},
	} {
		if rest, is := strings.CutPrefix(class, known.class); is && (rest == "" || rest[0] == '.') {
			return known.kind
		}
	}
	return 0
}

// exceptionClass is that of the embedded message of a modified occurrence
// ([MS-OXOCAL] 2.2.10.1.4), in capitals.
const exceptionClass = "IPM.OLE.CLASS.{00061055-0000-0000-C000-000000000046}"

// Convert turns an item into its text form. It is nil without an error when the
// item is of a class that is mail (or unknown, which is best carried as mail).
//
// Attachments and bodies are read once, so that Item.Notes is complete when
// Convert returns; what cannot be read is left out with a note. The only error is
// that ctx ended: an item with nothing readable in it is converted, too.
func Convert(ctx context.Context, m mapi.Message, o Options) (*Item, error) {
	p := watch(m.Props())
	class := p.text(mapi.MessageClass)
	kind := KindOf(class)
	if kind == 0 {
		return nil, nil
	}
	if o.InlineLimit == 0 {
		o.InlineLimit = DefaultInlineLimit
	}
	c := &converter{ctx: ctx, m: m, p: p, o: o, item: &Item{Kind: kind, Class: class}}
	c.item.Title = oneLine(p.first(mapi.Subject, mapi.NormalizedSubject))
	c.item.seed = c.seed()
	var err error
	switch kind {
	case Contact:
		err = c.contact()
	case List:
		err = c.list()
	case Event:
		err = c.event()
	case Task:
		err = c.taskItem()
	case Note:
		err = c.stickyNote()
	case Journal:
		err = c.activity()
	}
	if err != nil {
		return nil, err
	}
	c.leftovers()
	extension := ".ics"
	if kind == Contact || kind == List {
		extension = ".vcf"
	}
	c.item.Name = filename.Safe(c.item.Title, extension)
	c.item.document = c.doc
	return c.item, ctxError(ctx)
}

func ctxError(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, "convert an item", "", "", err)
	}
	return nil
}

// converter holds what is known while one item is converted.
type converter struct {
	ctx  context.Context
	m    mapi.Message
	p    *props
	o    Options
	item *Item
	doc  contentline.Document
	sum  strings.Builder // the summary, for AsMessage
}

// note records what is not carried as it was. The same note is taken once.
func (c *converter) note(kind, format string, args ...any) {
	n := mail.Note{Kind: kind, Text: fmt.Sprintf(format, args...)}
	if !slices.Contains(c.item.Notes, n) {
		c.item.Notes = append(c.item.Notes, n)
	}
}

// say adds a line to the summary.
func (c *converter) say(label, text string) {
	if text = oneLine(text); text != "" {
		c.sum.WriteString(label + ": " + text + "\r\n")
		c.item.summary = c.sum.String()
	}
}

// seed digests what tells the item from others and stays the same: the search
// key, which travels with the item ([MS-OXPROPS] PidTagSearchKey) and with its
// copies, and therefore the caller's key beside it; in want of both the facts.
func (c *converter) seed() string {
	h := sha256.New()
	key := c.p.binary(searchKey)
	_, _ = fmt.Fprintf(h, "search key %x, key %q", key, c.o.Key)
	if len(key) == 0 && c.o.Key == "" {
		made, _ := c.p.Time(mapi.CreationTime)
		_, _ = fmt.Fprintf(h, "facts %q %q %d", c.item.Class, c.item.Title, made.Unix())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// madeUID is an UID for items that have none.
func (c *converter) madeUID() string {
	s := c.item.seed
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:32]
}

// stamp is when the item was last changed, for what must carry a date; the Unix
// epoch where nobody knows, so that the same item gives the same bytes.
func (c *converter) stamp() time.Time {
	for _, id := range [...]mapi.ID{mapi.LastModificationTime, mapi.CreationTime, mapi.ClientSubmitTime, mapi.MessageDeliveryTime} {
		if t, ok := c.p.time(id); ok {
			return t
		}
	}
	return time.Unix(0, 0).UTC()
}

// The forms of dates and times (RFC 5545 3.3.4, 3.3.5).
const (
	formDate  = "20060102"
	formLocal = "20060102T150405"
	formUTC   = "20060102T150405Z"
)

// oneLine makes one line of a text.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }), " ")
}
