package connectortest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest/internal/post"
	"waybill/failure"
	"waybill/mail"
)

func markCases() []testCase {
	return []testCase{
		{"flags/each", eachFlag},
		{"flags/keywords", keywords},
		{"flags/many-keywords", manyKeywords},
		{"flags/set", setFlags},
		{"dates", dates},
	}
}

// judge delivers letters and compares flags and dates of what arrived with what
// was sent. What differs must be out of reach of the Capabilities or have a note.
func (d *desk) judge(letters []post.Letter) {
	d.Helper()
	start := d.position()
	receipts := d.deliver(letters...)
	list := d.wantContents(start, letters)
	for i := range min(len(list), len(letters)) {
		d.judgeOne(letters[i], list[i], receipts[i].Notes)
		opened, _ := d.read(list[i].ID)
		if !opened.Flags.Equal(list[i].Flags) || !opened.InternalDate.Equal(list[i].InternalDate) {
			d.Errorf("Arrived says %v, %v of %q, and Open says %v, %v", list[i].Flags, list[i].InternalDate, letters[i].Name, opened.Flags, opened.InternalDate)
		}
	}
}

func (d *desk) judgeOne(l post.Letter, got connector.Stored, notes []mail.Note) {
	d.Helper()
	wanted := mail.FlagSet{System: l.Flags.System & d.caps.Flags}
	if d.caps.Keywords {
		wanted = mail.NewFlagSet(wanted.System, l.Flags.Keywords...)
	}
	if !got.Flags.Equal(wanted) && !noted(notes, "keyword", "flag") {
		d.Errorf("message %q was sent with flags %q and has %q, and no note says why", l.Name, wanted, got.Flags)
	}
	if !d.holdsDate(l.Date) {
		return
	}
	difference := got.InternalDate.Sub(l.Date).Abs()
	if difference >= d.caps.DatePrecision && !noted(notes, "date") {
		d.Errorf("message %q was sent with date %v and has %v, and no note says why", l.Name, l.Date, got.InternalDate)
	}
}

// noted tells whether a note is about one of the subjects, with which its kind
// then begins: "keyword-renamed", "date-unknown".
func noted(notes []mail.Note, subjects ...string) bool {
	return slices.ContainsFunc(notes, func(n mail.Note) bool {
		return n.Text != "" && slices.ContainsFunc(subjects, func(s string) bool { return strings.HasPrefix(n.Kind, s) })
	})
}

func (d *desk) holdsDate(date time.Time) bool {
	c := d.caps
	early := !c.EarliestDate.IsZero() && date.Before(c.EarliestDate)
	late := !c.LatestDate.IsZero() && date.After(c.LatestDate)
	return c.DatePrecision > 0 && !date.IsZero() && !early && !late
}

// eachFlag tries the system flags one by one, in pairs and together.
func eachFlag(tr *trial) {
	d := tr.desk()
	all := []mail.Flags{mail.Seen, mail.Answered, mail.Flagged, mail.Deleted, mail.Draft, mail.Forwarded}
	sets := append([]mail.Flags{0}, all...)
	together := mail.Flags(0)
	for i, f := range all {
		together |= f
		sets = append(sets, f|all[(i+1)%len(all)], together)
	}
	letters := post.Many(0, len(sets))
	for i := range letters {
		letters[i].Flags.System = sets[i]
	}
	d.judge(letters)
}

// keywords tries one keyword after another, and several with system flags.
func keywords(tr *trial) {
	d := tr.desk()
	if !d.caps.Keywords {
		tr.Skip("the target keeps no keywords")
	}
	odd := []string{
		"$Label1", "NonJunk", "$MDNSent", "a.b", "a-b_c", "a/b", "a,b", "a:2,S", "a b", "(", "{5}", "%", "*", "\"quoted\"", "back\\slash", "]",
		"Gr\u00fc\u00dfe", "\u65e5\u672c", "line\nbreak", "tab\t", "0", "-", "+FLAGS", "NIL", "unknown-0", "a=b", "~", "\x7f", "$",
	}
	letters := post.Many(0, len(odd)+2)
	for i, k := range odd {
		letters[i].Flags = mail.NewFlagSet(0, k)
	}
	letters[len(odd)].Flags = mail.NewFlagSet(mail.Seen|mail.Flagged, "$Label1", "Work", "later")
	letters[len(odd)+1].Flags = mail.NewFlagSet(0, "WORK", "work", "Later")
	d.judge(letters)
}

// manyKeywords uses 40 different keywords in one folder, more than the letters
// a to z that Maildir programs give them.
func manyKeywords(tr *trial) {
	d := tr.desk()
	if !d.caps.Keywords {
		tr.Skip("the target keeps no keywords")
	}
	letters := post.Many(0, 40)
	for i := range letters {
		letters[i].Flags = mail.NewFlagSet(mail.Seen, fmt.Sprintf("project-%02d", i), "all")
	}
	d.judge(letters)
	// A keyword that the folder knows already still means the same.
	more := post.Many(100, 3)
	more[0].Flags = mail.NewFlagSet(0, "project-00")
	more[1].Flags = mail.NewFlagSet(0, "project-11", "project-12")
	more[2].Flags = mail.NewFlagSet(0, "all")
	d.judge(more)
}

// setFlags changes flags when they are what the caller thinks, and only then.
func setFlags(tr *trial) {
	d := tr.desk()
	if d.caps.Flags&mail.Seen == 0 || d.caps.Flags&mail.Flagged == 0 {
		tr.Skip("the target does not keep \\Seen and \\Flagged")
	}
	start := d.position()
	first := post.Compose(1)
	first.Flags.System = mail.Seen
	letters := []post.Letter{first, post.Compose(2)}
	d.deliver(letters...)
	list := d.arrived(start)
	if len(list) != 2 {
		tr.Fatalf("%d messages arrived, want 2", len(list))
	}
	id := list[0].ID
	steps := []struct {
		was, want mail.FlagSet
		ok        bool
	}{
		{mail.NewFlagSet(0), mail.NewFlagSet(mail.Flagged), false},
		{mail.NewFlagSet(mail.Seen), mail.NewFlagSet(mail.Flagged), true},
		{mail.NewFlagSet(mail.Seen), mail.NewFlagSet(0), false},
		{mail.NewFlagSet(mail.Flagged, "stranger"), mail.NewFlagSet(0), false},
		{mail.NewFlagSet(mail.Flagged), mail.NewFlagSet(mail.Flagged), true},
		{mail.NewFlagSet(mail.Flagged), mail.NewFlagSet(mail.Seen | mail.Flagged), true},
		{mail.NewFlagSet(mail.Seen | mail.Flagged), mail.NewFlagSet(0), true},
		{mail.NewFlagSet(0), mail.NewFlagSet(mail.Seen, "Work"), d.caps.Keywords},
		{mail.NewFlagSet(mail.Seen, "Work"), mail.NewFlagSet(mail.Seen, "Play"), d.caps.Keywords},
	}
	now := mail.NewFlagSet(mail.Seen)
	for i, s := range steps {
		if !d.caps.Keywords && len(s.want.Keywords) > 0 {
			break
		}
		err := d.mailbox.SetFlags(d.Ctx, d.path, id, s.was, s.want)
		if s.ok {
			tr.Check(fmt.Sprintf("step %d: set %q", i, s.want), err)
			now = s.want
		} else {
			tr.WantClass(fmt.Sprintf("step %d: set flags of a message that has %q, not %q", i, now, s.was), err, failure.Conflict)
		}
		if stored, _ := d.read(id); !stored.Flags.Equal(now) {
			tr.Errorf("step %d: message has flags %q, want %q", i, stored.Flags, now)
		}
	}
	if stored, _ := d.read(list[1].ID); !stored.Flags.Equal(mail.FlagSet{}) {
		tr.Errorf("another message got the flags %q", stored.Flags)
	}
	d.wantContents(start, letters)
	err := d.mailbox.SetFlags(d.Ctx, d.path, "999999999", mail.FlagSet{}, mail.NewFlagSet(mail.Seen))
	tr.WantClass("set flags of an unknown message", err, failure.Vanished)
}

// dates tries internal dates from all ages and zones.
func dates(tr *trial) {
	d := tr.desk()
	var letters []post.Letter
	add := func(date time.Time) {
		l := post.Compose(len(letters))
		l.Name, l.Date = date.Format(time.RFC3339Nano), date
		letters = append(letters, l)
	}
	for _, day := range []string{
		"1900-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "2000-02-29T12:00:00Z",
		"2001-09-09T01:46:40Z", "2038-01-19T03:14:07Z", "2038-01-20T00:00:00Z", "2100-02-28T23:59:59Z", "2106-02-07T06:28:16Z",
		"2003-03-09T17:04:05+14:00", "2003-03-09T17:04:05-12:00", "2003-03-09T17:04:05+05:45", "2003-03-30T02:30:00+01:00", "2003-03-09T00:00:00-00:30",
		"2003-03-09T17:04:05.999999999+01:00",
	} {
		date, err := time.Parse(time.RFC3339Nano, day)
		if err != nil {
			tr.Fatal(err)
		}
		add(date)
	}
	add(time.Time{})
	d.judge(letters)
	d.reopen()
	d.judge(letters[len(letters)-3:])
}
