package outlook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"waybill/failure"
	"waybill/format/mapiitem"
	"waybill/format/pst"
	"waybill/format/pst/ndb"
	"waybill/inspect"
)

// maxClasses bounds the classes of items that are counted apart.
const maxClasses = 40

// asFailure is the outermost *failure.Error of err.
func asFailure(err error) (*failure.Error, bool) { return errors.AsType[*failure.Error](err) }

// lookPST tells about a PST or OST.
func lookPST(ctx context.Context, f file) (*inspect.Report, error) {
	p, err := pst.Open(ctx, f, f.size, f.name, pst.Options{Recover: f.recover})
	var broken error
	if err != nil && !f.recover && failure.ClassOf(err) == failure.Malformed && failure.RuleOf(err) == "pst.trees" {
		broken = err
		p, err = pst.Open(ctx, f, f.size, f.name, pst.Options{Recover: true})
	}
	if err != nil {
		return nil, errors.Join(broken, err)
	}
	l := pstLook{f: f, p: p, r: &inspect.Report{Title: f.name}, classes: map[string]int{}, kinds: map[mapiitem.Kind]int{}}
	if broken != nil {
		found := finding(broken, inspect.Fault)
		found.Remedy = "pst:FILE?recover=1 searches the file; what follows was found that way"
		l.r.Find(found)
	}
	l.describe()
	if err := l.contents(ctx); err != nil {
		return nil, err
	}
	return l.r, l.health(ctx)
}

// pstLook is a look into one file.
type pstLook struct {
	f file
	p *pst.File
	r *inspect.Report

	folders                   []pst.Folder
	classes                   map[string]int
	kinds                     map[mapiitem.Kind]int
	items, hidden, unreadable int
	unlisted, orphaned        int
	bytes                     int64
	dates                     span
}

// describe tells what the header and the store say.
func (l *pstLook) describe() {
	i := l.p.Info()
	l.r.Kind = kindOf(i)
	l.r.Fact("format", "%s, version %d, written by client version %d", formatOf(i.Format), i.Version, i.ClientVersion)
	if i.Name != "" {
		l.r.PrivateFact("name", "%s", i.Name)
	}
	l.r.Fact("size", "%s", amount(i.Size))
	if i.StatedSize != 0 && i.StatedSize != i.Size {
		l.r.Fact("stated size", "%s", amount(i.StatedSize))
	}
	l.r.Fact("encryption", "%s", encryptionOf(i.Encryption))
	asks := "none"
	if i.Password {
		asks = "set; Outlook asks for it, but it encrypts nothing and is not needed here"
	}
	l.r.Fact("password", "%s", asks)
	page := codePage(i.CodePage)
	if i.Format != ndb.ANSI {
		page += ", for the few texts that are not in Unicode"
	}
	l.r.Fact("code page", "%s", page)
	if !i.AllocationMapValid {
		l.r.Find(inspect.Finding{
			Severity: inspect.Note, Rule: "pst.allocation-map",
			Text: "the map of used space was not written to its end: Outlook, or whatever wrote the file, was broken off; nothing is lost by that alone",
		})
	}
	if i.StatedSize > i.Size {
		l.r.Find(inspect.Finding{
			Severity: inspect.Fault, Rule: "pst.truncated",
			Text:   fmt.Sprintf("%s are missing at the end of the file", amount(i.StatedSize-i.Size)),
			Remedy: "copy it again from where it came from, or take what is there: pst:FILE?recover=1",
		})
	}
}

func kindOf(i pst.Info) string {
	switch i.Client {
	case "SO":
		return "Outlook offline folders (OST)"
	case "AB":
		return "an address book of Outlook (PAB)"
	}
	return "Outlook personal folders (PST)"
}

func formatOf(f ndb.Format) string {
	switch f {
	case ndb.ANSI:
		return "ANSI (Outlook 97 to 2002)"
	case ndb.Unicode4K:
		return "Unicode with pages of 4 kB (Outlook 2013 and later)"
	default:
		return "Unicode (Outlook 2003 and later)"
	}
}

func encryptionOf(e ndb.Encryption) string {
	switch e {
	case ndb.Plain:
		return "none"
	case ndb.Permute:
		return "compressible (needs no key)"
	case ndb.Cyclic:
		return "high (needs no key)"
	default:
		return e.String()
	}
}

// contents counts folders and items.
func (l *pstLook) contents(ctx context.Context) (err error) {
	if l.folders, err = l.p.Folders(ctx); err != nil {
		return err
	}
	var search, hidden, outside int
	for _, folder := range l.folders {
		switch {
		case folder.Search:
			search++
		case folder.NonIPM:
			outside++
		case folder.Hidden:
			hidden++
		}
		l.folder(folder)
		for item, err := range l.p.Items(ctx, folder.NID) {
			if err != nil && failure.ClassOf(err) != failure.Malformed {
				return err
			}
			if err != nil {
				l.r.Find(finding(err, inspect.Fault))
				if item.NID != 0 {
					l.unreadable++
				}
				continue
			}
			l.item(item)
		}
	}
	l.r.Fact("folders", "%s", list(number(int64(len(l.folders))), some(search, "search folder"), some(hidden, "hidden folder"),
		some(outside, "folder")+map[bool]string{true: " outside of what Outlook shows"}[outside > 0]))
	if roles := rolesOf(l.folders); roles != "" {
		l.r.Fact("special folders", "%s", roles)
	}
	l.r.Fact("items", "%s", list(number(int64(l.items)), amount(l.bytes)+" as stated"))
	for _, class := range slices.Sorted(maps.Keys(l.classes)) {
		l.r.Fact("of class "+class, "%s", number(int64(l.classes[class])))
	}
	l.r.Fact("hidden items", "%s", number(int64(l.hidden)))
	l.r.Fact("dates", "%s", l.dates.String())
	l.r.Fact("waybill", "%s", l.plan())
	return nil
}

// rolesOf names the special folders that the file has.
func rolesOf(folders []pst.Folder) string {
	var roles []string
	for _, f := range folders {
		if f.Role != "" && f.Role != pst.Subtree {
			roles = append(roles, string(f.Role))
		}
	}
	slices.Sort(roles)
	return strings.Join(slices.Compact(roles), ", ")
}

// folder tells what is odd about a folder.
func (l *pstLook) folder(f pst.Folder) {
	path := strings.Join(f.Path, "/")
	switch {
	case f.Err != nil:
		found := finding(f.Err, inspect.Fault)
		found.Where = list(found.Where, path)
		l.r.Find(found)
	case f.Orphaned && f.NID != pst.Orphans:
		l.r.Find(inspect.Finding{Severity: inspect.Warning, Rule: "pst.folder-orphaned", Where: path, Private: true, Text: "the folder that it lay in is gone; it is read all the same"})
	case f.Unlisted && !f.Search && !f.NonIPM:
		l.r.Find(inspect.Finding{Severity: inspect.Note, Rule: "pst.folder-unlisted", Where: path, Private: true, Text: "the folder above does not name it; it is read all the same"})
	}
}

// item counts an item.
func (l *pstLook) item(x pst.Item) {
	if x.Associated {
		l.hidden++
		return
	}
	l.items++
	l.bytes += max(x.Size, 0)
	if x.Unlisted {
		l.unlisted++
	}
	if x.Orphaned {
		l.orphaned++
	}
	l.kinds[mapiitem.KindOf(x.Class)]++
	date := x.Delivered
	if date.IsZero() {
		date = x.Submitted
	}
	l.dates.add(date)
	class := x.Class
	if class == "" {
		class = "no class"
	}
	if _, known := l.classes[class]; !known && len(l.classes) >= maxClasses || len(class) > 100 {
		class = "other classes"
	}
	l.classes[class]++
}

// plan says what becomes of the items.
func (l *pstLook) plan() string {
	words := []string{some(l.kinds[0], "item") + " as mail"}
	if l.kinds[0] == 0 {
		words[0] = ""
	}
	for _, k := range []struct {
		kind mapiitem.Kind
		noun string
		as   string
	}{
		{mapiitem.Contact, "contact", "vCard"},
		{mapiitem.List, "distribution list", "vCard"},
		{mapiitem.Event, "appointment or message about a meeting", "iCalendar"},
		{mapiitem.Task, "task", "iCalendar"},
		{mapiitem.Note, "note", "iCalendar"},
		{mapiitem.Journal, "journal entry", "iCalendar"},
	} {
		switch n := l.kinds[k.kind]; {
		case n == 0:
		case k.kind == mapiitem.Event:
			words = append(words, number(int64(n))+" appointments or messages about meetings as iCalendar")
		case k.kind == mapiitem.Journal:
			words = append(words, number(int64(n))+" of the journal as iCalendar")
		default:
			words = append(words, count(n, k.noun)+" as "+k.as)
		}
	}
	plan := list(words...)
	if plan == "" {
		plan = "nothing"
	}
	plan = "carries " + plan
	if l.hidden > 0 {
		plan += "; leaves out " + count(l.hidden, "hidden item") + " (views, rules, settings)"
	}
	if l.unreadable > 0 {
		plan += "; " + count(l.unreadable, "item") + " cannot be read and would be listed"
	}
	return plan
}
