package pst

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"waybill/connector/files"
	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mapiitem"
	"waybill/format/mapimail"
	"waybill/format/mime"
	format "waybill/format/pst"
	"waybill/mail"
)

// Bounds on what one item may ask of the converters, which call each other for
// mail in items and items in mail.
const (
	maxNesting = 20
	maxParts   = 10_000
)

// letter is a converted item.
type letter struct {
	listed mail.Message
	// open gives its bytes; nil where the item is left out.
	open func(context.Context) io.ReadCloser
}

// maker converts one item of a file.
type maker struct {
	o    options
	from *archive
	// key tells the item from all others of the system, place names it for people.
	key, place string
	depth      int
	parts      *int
}

// fail gives an error its class and place.
func fail(op, where string, err error) error { return files.Fail(op, where, "pst.read", err) }

// blame gives an error of reading the file its class. When the file changed
// meanwhile that is the reason, whatever it looks like.
func (a *archive) blame(err error) error {
	if failure.ClassOf(err) == failure.Cancelled {
		return fail("read PST", a.path, err)
	}
	if changed := a.changed(); changed != nil {
		return changed
	}
	return fail("read PST", a.path, err)
}

// letter converts an item.
func (k maker) letter(ctx context.Context, nid format.NID) (*letter, error) {
	m, err := k.from.Message(ctx, nid)
	if err != nil {
		return nil, err
	}
	l := &letter{listed: mail.Message{Key: keyOf(nid), Size: -1}}
	class := m.Props().Text(mapi.MessageClass)
	if isItem(class) {
		err = k.item(ctx, m, class, l)
	} else {
		err = k.mail(ctx, m, l)
	}
	if err != nil {
		return nil, err
	}
	for _, d := range m.Defects() {
		l.note(d.Rule, d.Error())
	}
	return l, nil
}

func (l *letter) note(kind, text string) {
	l.listed.Notes = append(l.listed.Notes, mail.Note{Kind: kind, Text: text})
}

// isItem tells what is a contact or the like. Messages about meetings and tasks
// are mail, which carries the meeting or the task.
func isItem(class string) bool {
	if mapiitem.KindOf(class) == 0 {
		return false
	}
	class = strings.ToUpper(class)
	return !strings.HasPrefix(class, "IPM.SCHEDULE.MEETING") && !strings.HasPrefix(class, "IPM.TASKREQUEST")
}

// mail makes Internet mail of an item.
func (k maker) mail(ctx context.Context, m mapi.Message, l *letter) error {
	k.begin()
	made, err := mapimail.Convert(ctx, m, k.mailOptions())
	if err != nil {
		return err
	}
	l.listed.InternalDate, l.listed.Flags, l.listed.Notes = made.InternalDate, made.Flags, made.Notes
	l.open = made.Open
	return nil
}

func (k *maker) begin() {
	if k.parts == nil {
		k.parts = new(int)
		*k.parts = maxParts
	}
}

func (k maker) mailOptions() mapimail.Options {
	return mapimail.Options{
		Resolve: k.o.resolve(), DisarmReceipts: k.o.disarm, MaxParts: max(*k.parts, 1), Where: k.place,
		Item: func(ctx context.Context, m mapi.Message) ([]*mime.Entity, []mail.Note, error) {
			in, ok := k.inside()
			if !ok {
				return nil, nil, nil
			}
			i, err := mapiitem.Convert(ctx, m, in.itemOptions())
			if i == nil || err != nil {
				return nil, nil, err
			}
			return i.Parts(), i.Notes, nil
		},
		Calendar: func(ctx context.Context, m mapi.Message) (*mime.Entity, []mail.Note, error) {
			i, err := mapiitem.Convert(ctx, m, k.itemOptions())
			if i == nil || err != nil {
				return nil, nil, err
			}
			return i.Part(), i.Notes, nil
		},
	}
}

// inside is the maker of what lies in an item; ok is false when nothing more may.
func (k maker) inside() (maker, bool) {
	k.depth++
	*k.parts--
	return k, k.depth <= maxNesting && *k.parts > 0
}

func (k maker) itemOptions() mapiitem.Options {
	return mapiitem.Options{
		Resolve: k.o.resolve(), Key: k.key, Where: k.place, Member: k.member,
		Embedded: func(ctx context.Context, m mapi.Message) (*mapiitem.Attachment, error) {
			in, ok := k.inside()
			if !ok {
				return nil, nil
			}
			made, err := mapimail.Convert(ctx, m, in.mailOptions())
			if err != nil {
				return nil, err
			}
			name := m.Props().Text(mapi.Subject)
			if name == "" {
				name = "message"
			}
			return &mapiitem.Attachment{Name: name + ".eml", MediaType: "message/rfc822", Size: -1,
				Open: func(ctx context.Context) (io.ReadCloser, error) { return made.Open(ctx), nil }}, nil
		},
	}
}

// item makes vCard or iCalendar of an item, in the form that the options want.
func (k maker) item(ctx context.Context, m *format.Message, class string, l *letter) error {
	var notes []mail.Note
	l.listed.Flags, notes = mapimail.Marks(m.Props())
	l.listed.InternalDate = itemDate(m.Props())
	if k.o.items == left {
		l.listed.LeftOut = &mail.Note{Kind: RuleLeft, Text: fmt.Sprintf("items of the class %s are left out, as items=leave says", class)}
		return nil
	}
	k.begin()
	i, err := mapiitem.Convert(ctx, m, k.itemOptions())
	if err == nil && i == nil {
		err = errors.New("no item can be made of the class " + class)
	}
	if err != nil {
		return err
	}
	l.listed.Notes = slices.Concat(notes, i.Notes)
	if k.o.items == asMessage {
		l.open = mapiitem.AsMessage(i).Open
		return nil
	}
	l.open = i.Open
	for _, a := range i.Attachments {
		if !a.Inline {
			l.note("attachment-left", fmt.Sprintf("The attachment %q has no place in the file that the item becomes, and is left out; items=message keeps it.", a.Name))
		}
	}
	return nil
}

// itemDate is when an item came to where it is.
func itemDate(p *mapi.Props) time.Time {
	for _, id := range []mapi.ID{mapi.MessageDeliveryTime, mapi.ClientSubmitTime, mapi.CreationTime, mapi.LastModificationTime} {
		if t, ok := p.Time(id); ok && t.Year() >= 1900 {
			return t.Truncate(time.Second)
		}
	}
	return time.Time{}
}

// recordKey is PidTagRecordKey, which the entry IDs of a store carry.
const recordKey mapi.ID = 0x0FF9

// emailAddress is the first address of a contact ([MS-OXOCNTC] 2.2.1.2.3).
func emailAddress() mapi.Name { return mapi.Name{Set: mapi.SetAddress, ID: 0x8083} }

// member finds a contact of the same file by its entry ID ([MS-PST] 2.4.3.2).
func (k maker) member(ctx context.Context, entry []byte) (mapiitem.Member, bool) {
	if len(entry) != 24 || string(entry[4:20]) != string(k.from.Store().Binary(recordKey)) {
		return mapiitem.Member{}, false
	}
	nid := format.NID(entry[20]) | format.NID(entry[21])<<8 | format.NID(entry[22])<<16 | format.NID(entry[23])<<24
	if _, is := nodeOf(keyOf(nid)); !is {
		return mapiitem.Member{}, false
	}
	m, err := k.from.Message(ctx, nid)
	if err != nil {
		return mapiitem.Member{}, false
	}
	p := m.Props()
	found := mapiitem.Member{Name: p.Text(mapi.DisplayName)}
	if id := p.Find(emailAddress()); id != 0 {
		found.Address = p.Text(id)
	}
	if !strings.Contains(found.Address, "@") {
		smtp, ok := "", false
		if resolve := k.o.resolve(); resolve != nil {
			smtp, ok = resolve(ctx, found.Address)
		}
		if found.Address = ""; ok {
			found.Address = smtp
		}
	}
	return found, found.Name != "" || found.Address != ""
}
