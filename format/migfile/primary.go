package migfile

import (
	"errors"
	"io"
	"strings"

	"waybill/mail"
)

// Kind is the kind of a section of a primary file.
type Kind string

// The kinds of sections.
const (
	Directory   Kind = "DIRECTORY"
	PAB         Kind = "PAB"
	MailMessage Kind = "MAILMESSAGE"
)

// PublicMessages is the owner of sections with the messages of public folders.
const PublicMessages = "PublicMessages"

// IsPublic tells whether a section with that owner holds public folders. The
// documentation spells the word with and without its last letter.
func IsPublic(owner string) bool {
	return strings.EqualFold(owner, PublicMessages) || strings.EqualFold(owner, "PublicMessage")
}

// MessageColumns are the columns of a MAILMESSAGE section, in their order.
func MessageColumns() []string {
	return []string{"Folder", "Sender", "To", "Cc", "Bcc", "Subject", "Send-Date", "Received-Date", "Priority", "Unread", "Unsent", "Body"}
}

// PABColumns are the columns of a PAB section, in their order.
func PABColumns() []string {
	return []string{"Obj-class", "Display-Name", "Email-Address", "First", "Last", "Address", "City", "State", "Zip", "Country", "Title", "Company",
		"Department", "Office", "Assistant", "Bus-Num", "Bus2-Num", "Assist-Num", "Fax-Num", "Home-Num", "Home2-Num", "Mobile-Num", "Pager-Num", "Note"}
}

// Section is a section of a primary file.
type Section struct {
	Kind Kind
	// Owner is the address in the heading, as written; empty in DIRECTORY.
	Owner string
	Place Place
	// Columns are the names in the line under the heading.
	Columns []string
	// Assumed tells that the line with the names is missing and that the
	// documented columns were taken.
	Assumed bool

	index map[string]int
}

// Record is a line of a section. A record without fields, Start set, is the
// beginning of a section.
type Record struct {
	Section *Section
	Start   bool
	Place   Place
	// End is the offset behind the record, NextLine the number of the line there.
	End      int64
	NextLine int
	Notes    []mail.Note

	fields []Field
	short  int // how many values were missing
}

// Field is the value in the column called name, compared without case; empty
// when there is no such column.
func (r Record) Field(name string) Field {
	if r.Section == nil {
		return Field{}
	}
	if i, ok := r.Section.index[strings.ToLower(name)]; ok && i < len(r.fields) {
		return r.fields[i]
	}
	return Field{}
}

// Missing tells whether the column called name exists and the row ends before it.
func (r Record) Missing(name string) bool {
	i, ok := r.Section.index[strings.ToLower(name)]
	return ok && i >= len(r.fields)-r.short
}

// First is the first value, for records that could not be read whole.
func (r Record) First() string {
	if len(r.fields) == 0 {
		return ""
	}
	return r.fields[0].Text()
}

// Primary reads a primary file.
type Primary struct {
	scan    *scanner
	section *Section
	skip    bool // up to the next heading
	pending *Record
	err     error
}

// NewPrimary reads a primary file from its start; name is for places.
func NewPrimary(r io.Reader, name string, page CodePage) *Primary {
	return &Primary{scan: newScanner(r, name, page, 1, 0)}
}

// ResumePrimary reads on inside a section that was found before; r stands at
// the offset of place, where a record or a heading begins.
func ResumePrimary(r io.Reader, page CodePage, section *Section, place Place) *Primary {
	return &Primary{scan: newScanner(r, place.File, page, place.Line, place.Offset), section: section}
}

// OnComment has tell called for every comment, without its "!", as it is passed over.
func (p *Primary) OnComment(tell func(text string)) { p.scan.comment = tell }

// Next gives the next record. An error together with a Record that has a Place
// with a line concerns that record, or the section that begins there; reading
// goes on behind it. Any other error, io.EOF among them, ends the file.
func (p *Primary) Next() (Record, error) {
	if p.pending != nil {
		r := *p.pending
		p.pending = nil
		return r, nil
	}
	for p.err == nil {
		rec, err := p.scan.next(p.section != nil && p.section.Kind == Directory)
		if err != nil && rec.place.Line == 0 {
			p.err = err
			break
		}
		out := Record{Section: p.section, Place: rec.place, End: rec.end, NextLine: rec.nextLine, fields: rec.fields}
		if err != nil {
			if p.skip {
				continue
			}
			return out, err
		}
		kind, owner, ok := headingOf(rec)
		switch {
		case ok:
			p.section = &Section{Kind: kind, Owner: owner, Place: rec.place}
			out.Section, out.Start, out.fields = p.section, true, nil
			p.skip = kind == ""
			if p.skip {
				return out, broken("read section", rec.place, "migfile.section-heading", "the heading %s lacks the address of its owner; the section is skipped (event 8124)", owner).
					WithRemedy("write the address behind the heading: MAILMESSAGE,TYPE:address")
			}
			return p.begin(out)
		case p.skip:
			continue
		case p.section == nil:
			p.skip = true
			return out, broken("read section", rec.place, "migfile.section-heading", "a line stands before the first section; everything up to the next heading is skipped (event 8124)").
				WithRemedy("the file begins with DIRECTORY, PAB,address or MAILMESSAGE,address")
		}
		return p.row(out), nil
	}
	return Record{}, p.err
}

// headingOf tells whether a record is a heading: rows have more values.
func headingOf(rec record) (Kind, string, bool) {
	n := len(rec.fields)
	for n > 1 && strings.TrimSpace(rec.fields[n-1].raw) == "" {
		n--
	}
	if n > 2 {
		return "", "", false
	}
	texts := make([]string, n)
	for i := range texts {
		texts[i] = rec.fields[i].raw
	}
	return parseHeading(strings.Join(texts, ","))
}

// begin reads the names of a section's columns.
func (p *Primary) begin(start Record) (Record, error) {
	s := start.Section
	rec, err := p.scan.next(s.Kind == Directory)
	switch {
	case errors.Is(err, io.EOF):
		p.err = io.EOF
		return start, nil
	case err != nil && rec.place.Line == 0:
		p.err = err
		return start, nil
	}
	if _, _, ok := headingOf(rec); ok && err == nil {
		// An empty section without names.
		p.scan.unread(rec)
		return start, nil
	}
	names := make([]string, len(rec.fields))
	for i, f := range rec.fields {
		names[i] = strings.TrimSpace(f.Text())
	}
	switch has := func(n string) bool { return contains(names, n) }; {
	case err == nil && s.Kind == MailMessage && has("Folder") && has("Body"),
		err == nil && s.Kind == PAB && has("Obj-class") && has("Display-Name"),
		err == nil && s.Kind == Directory && has("Obj-class") && (has("Common-Name") || has("Directory Name")):
		s.setColumns(names)
		return start, nil
	case err == nil && s.Kind == MailMessage && hasPointer(rec.fields), err == nil && s.Kind == PAB && (strings.EqualFold(names[0], "entry") || strings.EqualFold(names[0], "dl")):
		s.Assumed = true
		if s.Kind == PAB {
			s.setColumns(PABColumns())
		} else {
			s.setColumns(MessageColumns())
		}
		row := p.row(Record{Section: s, Place: rec.place, End: rec.end, NextLine: rec.nextLine, fields: rec.fields})
		p.pending = &row
		return start, nil
	}
	p.skip = true
	return start, broken("read section", rec.place, "migfile.column-heading", "the names of the columns of %s are expected under its heading (event 8030); the section is skipped (event 8124)", s.Kind).
		WithRemedy("put the line with the names of the columns under the heading")
}

func (s *Section) setColumns(names []string) {
	s.Columns = names
	s.index = make(map[string]int, len(names))
	for i, n := range names {
		n = strings.ToLower(n)
		if _, have := s.index[n]; !have {
			s.index[n] = i
		}
	}
}

func (p *Primary) row(r Record) Record {
	if n := len(r.Section.Columns); len(r.fields) < n {
		r.short = n - len(r.fields)
		r.fields = append(r.fields, make([]Field, r.short)...)
		r.Notes = append(r.Notes, mail.Note{Kind: "short-row", Text: r.Place.String() + ": the row has fewer values than there are columns; the missing ones were taken as empty"})
	} else if len(r.fields) > n && n > 0 {
		for _, f := range r.fields[n:] {
			if strings.TrimSpace(f.raw) != "" && f.raw != "0" {
				r.Notes = append(r.Notes, mail.Note{Kind: "extra-values", Text: r.Place.String() + ": the row has more values than there are columns; the last ones were left out"})
				break
			}
		}
	}
	return r
}

// unread makes rec, which is one physical line, the next record again.
func (s *scanner) unread(rec record) {
	raws := make([]string, len(rec.fields))
	for i, f := range rec.fields {
		raws[i] = f.raw
	}
	s.queue = append([]line{{text: strings.Join(raws, ","), number: rec.place.Line, off: rec.place.Offset, end: rec.end}}, s.queue...)
}

func hasPointer(fields []Field) bool {
	for _, f := range fields {
		if _, ok := f.Pointer(); ok {
			return true
		}
	}
	return false
}

func contains(names []string, name string) bool {
	for _, n := range names {
		if strings.EqualFold(n, name) {
			return true
		}
	}
	return false
}
