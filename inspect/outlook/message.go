package outlook

import (
	"context"
	"path"
	"strings"

	"waybill/failure"
	"waybill/format/cfb"
	"waybill/format/mapi"
	"waybill/format/mapiitem"
	"waybill/format/msg"
	"waybill/format/tnef"
	"waybill/inspect"
)

// maxShown bounds the attachments that are told of one by one, and maxStreams
// the streams of a compound file.
const (
	maxShown   = 50
	maxStreams = 1 << 20
)

// lookCompound tells about a compound file: a .msg, or what else it may be.
func lookCompound(ctx context.Context, f file) (*inspect.Report, error) {
	m, err := msg.Open(f, f.size, f.name)
	if err == nil {
		r := &inspect.Report{Title: f.name, Kind: "a message of Outlook (.msg)"}
		r.Fact("size", "%s", amount(f.size))
		describe(ctx, r, m)
		for _, d := range m.Defects() {
			r.Find(finding(d, inspect.Fault))
		}
		return r, cancelled(ctx, f)
	}
	if e, is := asFailure(err); !is || e.Rule != "msg.none" {
		return nil, err
	}
	c, err := cfb.Open(f, f.size, f.name)
	if err != nil {
		return nil, err
	}
	r := &inspect.Report{Title: f.name, Kind: compoundOf(c.Root)}
	streams, storages, bytes := 0, 0, int64(0)
	todo := []*cfb.Node{c.Root}
	for len(todo) > 0 && streams+storages < maxStreams {
		n := todo[len(todo)-1]
		todo = append(todo[:len(todo)-1], n.Children...)
		if n.Data == nil {
			storages++
			continue
		}
		streams++
		bytes += max(n.Data.Size(), 0)
	}
	r.Fact("size", "%s", amount(f.size))
	r.Fact("holds", "%s", list(count(streams, "stream"), count(storages, "storage"), amount(bytes)))
	r.Fact("waybill", "nothing: it is no message")
	for _, d := range c.Defects() {
		r.Find(finding(d, inspect.Fault))
	}
	return r, cancelled(ctx, f)
}

// compoundOf names the program of a compound file by a stream that only its files
// have.
func compoundOf(root *cfb.Node) string {
	for _, known := range []struct{ stream, kind string }{
		{"WordDocument", "a document of Word"},
		{"Workbook", "a workbook of Excel"},
		{"Book", "a workbook of Excel"},
		{"PowerPoint Document", "a presentation of PowerPoint"},
		{"VisioDocument", "a drawing of Visio"},
		{"EncryptedPackage", "an encrypted document of Office"},
	} {
		if root.Child(known.stream) != nil {
			return known.kind + " (compound file)"
		}
	}
	return "a compound file that is no message"
}

// lookTNEF tells about a winmail.dat.
func lookTNEF(ctx context.Context, f file) (*inspect.Report, error) {
	m, err := tnef.Open(ctx, f, f.size, f.name)
	if err != nil {
		return nil, err
	}
	r := &inspect.Report{Title: f.name, Kind: "a TNEF stream of Outlook or Exchange (winmail.dat)"}
	r.Fact("size", "%s", amount(f.size))
	describe(ctx, r, m)
	for _, d := range m.Defects() {
		severity := inspect.Fault
		if failure.RuleOf(d) == "tnef.checksum" {
			severity = inspect.Warning
		}
		r.Find(finding(d, severity))
	}
	return r, cancelled(ctx, f)
}

// describe tells what a message is and what is attached to it, and reads it to
// its end.
func describe(ctx context.Context, r *inspect.Report, m mapi.Message) {
	p := m.Props()
	class := p.Text(mapi.MessageClass)
	if class == "" {
		class = "not stated"
	}
	r.Fact("class", "%s", class)
	for _, t := range []struct {
		name string
		id   mapi.ID
	}{{"subject", mapi.Subject}, {"sender", mapi.SenderName}, {"address", mapi.SenderEmailAddress}} {
		if text := p.Text(t.id); text != "" {
			r.PrivateFact(t.name, "%s", text)
		}
	}
	for _, t := range []struct {
		name string
		id   mapi.ID
	}{{"sent", mapi.ClientSubmitTime}, {"delivered", mapi.MessageDeliveryTime}, {"changed", mapi.LastModificationTime}} {
		if when, ok := p.Time(t.id); ok {
			r.Fact(t.name, "%s", when.UTC().Format("2006-01-02 15:04:05 MST"))
		}
	}
	var bodies []string
	for _, b := range []struct {
		name string
		id   mapi.ID
	}{{"text", mapi.Body}, {"HTML", mapi.HTML}, {"RTF", mapi.RTFCompressed}} {
		if v, ok := p.Get(b.id); ok && (v.Data == nil || v.Data.Size() != 0) {
			bodies = append(bodies, b.name)
		}
	}
	r.Fact("body", "%s", orNone(strings.Join(bodies, ", ")))
	if v, ok := p.Get(mapi.TransportMessageHeaders); ok && v.Data != nil {
		r.Fact("header", "the one that it arrived with is there, %s", amount(v.Data.Size()))
	}
	r.Fact("code page", "%s", codePage(p.CodePage))
	recipients, err := m.Recipients(ctx)
	if err != nil {
		r.Find(finding(err, inspect.Fault))
	}
	r.Fact("recipients", "%s", number(int64(len(recipients))))
	attached(ctx, r, m)
	if kind := mapiitem.KindOf(class); kind != 0 {
		r.Fact("waybill", "carries it as %s: %s", map[bool]string{true: "vCard", false: "iCalendar"}[kind == mapiitem.Contact || kind == mapiitem.List], kind)
	} else {
		r.Fact("waybill", "carries it as mail")
	}
	if err := readMessage(ctx, m, 0); err != nil {
		r.Find(finding(err, inspect.Fault))
	}
}

// attached tells about the attachments.
func attached(ctx context.Context, r *inspect.Report, m mapi.Message) {
	all, err := m.Attachments(ctx)
	if err != nil {
		r.Find(finding(err, inspect.Fault))
	}
	r.Fact("attachments", "%s", number(int64(len(all))))
	for i, a := range all {
		if i == maxShown {
			r.Fact("more attachments", "%s", number(int64(len(all)-i)))
			break
		}
		p := a.Props()
		name := p.Text(mapi.AttachLongFilename)
		if name == "" {
			name = p.Text(mapi.AttachFilename)
		}
		if name == "" {
			name = p.Text(mapi.DisplayName)
		}
		r.PrivateFact("attachment "+number(int64(i+1)), "%s", list(name, methodOf(p), p.Text(mapi.AttachMimeTag), sizeOf(p)))
	}
}

// methodOf says how an attachment is kept ([MS-OXCMSG] 2.2.2.9).
func methodOf(p *mapi.Props) string {
	method, _ := p.Int(mapi.AttachMethod)
	switch method {
	case mapi.ByReference, mapi.ByReferenceOnly, mapi.ByWebReference:
		return "a reference to a file that lies elsewhere"
	case mapi.EmbeddedMessage:
		return "a message"
	case mapi.OLE:
		return "an OLE object"
	}
	return ""
}

func sizeOf(p *mapi.Props) string {
	v, ok := p.Get(mapi.AttachData)
	if !ok || v.Data == nil || v.Data.Size() < 0 {
		return ""
	}
	return amount(v.Data.Size())
}

// orNone stands for an empty text.
func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// cancelled is the error of a look that was broken off.
func cancelled(ctx context.Context, f file) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, "inspect", path.Base(f.name), "cancelled", err)
	}
	return nil
}

// alike compares without regard to case.
func alike(a, b string) bool { return strings.EqualFold(a, b) }
