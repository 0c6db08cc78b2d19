package outlook

import (
	"context"
	"fmt"
	"io"
	"strings"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/pst"
	"waybill/inspect"
)

// maxNesting is how many messages inside of each other are read to find damage.
const maxNesting = 20

// lesser are the rules whose breaking loses nothing: what was read is given.
func lesser(rule string) bool {
	switch rule {
	case "pst.crc", "pst.signature", "pst.block-id", "pst.row", "pst.page-crc":
		return true
	}
	return false
}

// health reads the whole file and tells what is damaged. Where something is, every
// item is read as well, to tell which ones it costs.
func (l *pstLook) health(ctx context.Context) error {
	h, err := l.p.Check(ctx)
	if err != nil {
		return err
	}
	l.r.Fact("inside", "%s", list(count(h.Nodes, "node"), count(h.Blocks, "block")))
	if l.unlisted > 0 {
		l.r.Find(inspect.Finding{Severity: inspect.Note, Rule: "pst.unlisted", Text: count(l.unlisted, "item") + " stand in no table of their folder; they are read all the same"})
	}
	if l.orphaned > 0 {
		l.r.Find(inspect.Finding{Severity: inspect.Warning, Rule: "pst.orphaned", Text: count(l.orphaned, "item") + " have lost their folder and come in a folder of their own"})
	} else if h.Strays > 0 && !l.f.recover {
		l.r.Find(inspect.Finding{
			Severity: inspect.Warning, Rule: "pst.strays", Text: count(h.Strays, "item") + " may lie in folders that the file has lost",
			Remedy: "pst:FILE?recover=1 brings them in a folder of their own",
		})
	}
	for _, e := range h.Defects {
		severity := inspect.Fault
		if lesser(e.Rule) {
			severity = inspect.Warning
		}
		l.r.Find(finding(e, severity))
	}
	if h.Sound() {
		l.r.Fact("health", "sound: every block was read and its checksum compared")
		return nil
	}
	hurt, err := l.hurt(ctx)
	if err != nil {
		return err
	}
	l.r.Fact("health", "damaged: %s", strings.TrimSuffix(list(
		some(h.LostTrees, "broken part")+of(h.LostTrees, " of the file's trees"),
		some(h.WrongSums, "block")+of(h.WrongSums, " with a wrong checksum"),
		some(h.LostBlocks, "unreadable block"), some(h.MissingBlocks, "missing block"),
		some(h.Strays, "item")+of(h.Strays, " without a folder"),
		fmt.Sprintf("%s not whole", count(hurt, "item"))), ", "))
	return nil
}

// of is text where there is something to be said.
func of(n int, text string) string {
	if n == 0 {
		return ""
	}
	return text
}

// hurt reads all items, and counts and names those that are not whole.
func (l *pstLook) hurt(ctx context.Context) (n int, err error) {
	for _, folder := range l.folders {
		for item, err := range l.p.Items(ctx, folder.NID) {
			if failure.ClassOf(err) == failure.Cancelled && err != nil {
				return n, err
			}
			if err != nil || item.Associated {
				continue // told already, or hidden
			}
			worst, found := l.readItem(ctx, item.NID)
			if ctx.Err() != nil {
				return n, failure.New(failure.Cancelled, "inspect", l.f.name, "cancelled", ctx.Err())
			}
			if found == nil {
				continue
			}
			n++
			f := finding(found, worst)
			f.Rule, f.Where = "pst.item", strings.Join(folder.Path, "/")+" "+item.NID.String()
			f.Text = fmt.Sprintf("an item of class %s is not whole: %s", item.Class, f.Text)
			l.r.Find(f)
		}
	}
	return n, nil
}

// readItem reads an item to its end, and gives the first error or the first
// defect.
func (l *pstLook) readItem(ctx context.Context, nid pst.NID) (inspect.Severity, error) {
	m, err := l.p.Message(ctx, nid)
	if err == nil {
		err = readMessage(ctx, m, 0)
	}
	if err != nil {
		return inspect.Fault, err
	}
	if d := m.Defects(); len(d) > 0 {
		if lesser(d[0].Rule) {
			return inspect.Warning, d[0]
		}
		return inspect.Fault, d[0]
	}
	return inspect.Note, nil
}

// readMessage reads all that a message holds, and goes on behind what cannot be
// read. The error is the first.
func readMessage(ctx context.Context, m mapi.Message, depth int) error {
	first := readProps(m.Props())
	keep := func(err error) {
		if first == nil {
			first = err
		}
	}
	recipients, err := m.Recipients(ctx)
	keep(err)
	for _, p := range recipients {
		keep(readProps(p))
	}
	attachments, err := m.Attachments(ctx)
	keep(err)
	for _, a := range attachments {
		if ctx.Err() != nil {
			return first
		}
		method, _ := a.Props().Int(mapi.AttachMethod)
		if method != mapi.EmbeddedMessage {
			keep(readProps(a.Props()))
			continue
		}
		inner, err := a.Message(ctx)
		keep(err)
		if inner != nil && depth < maxNesting {
			keep(readMessage(ctx, inner, depth+1))
		}
	}
	return first
}

// readProps reads every value to its end.
func readProps(p *mapi.Props) (first error) {
	for _, v := range p.All() {
		if v.Data == nil {
			continue
		}
		r, err := v.Data.Open()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			_ = r.Close()
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return first
}
