package outlook

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"slices"
	"strconv"

	"waybill/failure"
	"waybill/format/mbox"
	"waybill/format/mime"
	"waybill/inspect"
)

// lookMbox tells about an mbox or MMDF file, after reading all of it.
func lookMbox(ctx context.Context, f file) (*inspect.Report, error) {
	s, err := mbox.Detect(ctx, f, f.size, f.name)
	if err != nil {
		return nil, err
	}
	r := &inspect.Report{Title: f.name, Kind: "an mbox file"}
	if s.Dialect() == mbox.MMDF {
		r.Kind = "an MMDF file"
	}
	r.Fact("size", "%s", amount(f.size))
	r.Fact("dialect", "%s", s.Dialect())
	r.Fact("messages", "%s", number(s.Messages))
	r.Fact("waybill", "carries %s as they are, with mbox:", count(int(s.Messages), "message"))
	if s.Quoted+s.Deep > 0 && s.Dialect() != mbox.MBoxRD {
		r.Find(inspect.Finding{
			Severity: inspect.Note, Rule: "mbox.quoted",
			Text: "lines that begin with \">From \" may have been quoted when they were written; nothing in the file tells, and they stay as they are",
		})
	}
	return r, nil
}

// isMessage tells whether a file begins like an Internet message: with a field of
// a header, or a few.
func isMessage(head []byte) bool {
	fields := 0
	for line := range bytes.Lines(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF"))) {
		line = bytes.TrimRight(line, "\r\n")
		switch {
		case len(line) == 0:
			return fields >= 2
		case line[0] == ' ' || line[0] == '\t':
			if fields == 0 {
				return false
			}
		default:
			name, _, ok := bytes.Cut(line, []byte(":"))
			if !ok || !fieldName(bytes.TrimRight(name, " \t")) {
				return false
			}
			fields++
		}
	}
	return fields >= 2
}

// fieldName is RFC 5322 3.6.8, of a length that people use.
func fieldName(name []byte) bool {
	for _, c := range name {
		if c <= ' ' || c >= 0x7F {
			return false
		}
	}
	return len(name) > 0 && len(name) < 80
}

// appleMail tells where the message begins in a file of Apple Mail (.emlx), whose
// first line is its length; 0 where it is none.
func appleMail(head []byte) int {
	line, rest, ok := bytes.Cut(head, []byte("\n"))
	digits := bytes.TrimSpace(line)
	if n, err := strconv.Atoi(string(digits)); !ok || err != nil || n <= 0 || len(line) > 20 || !isMessage(rest) {
		return 0
	}
	return len(line) + 1
}

// lookMessage tells about a single message.
func lookMessage(ctx context.Context, f file) (*inspect.Report, error) {
	r := &inspect.Report{Title: f.name, Kind: "an Internet message (EML)"}
	start := int64(appleMail(f.head))
	size := f.size - start
	if start > 0 {
		r.Kind = "a message of Apple Mail (EMLX)"
		n, _ := strconv.ParseInt(string(bytes.TrimSpace(f.head[:start])), 10, 64)
		if n > size {
			r.Find(inspect.Finding{Severity: inspect.Fault, Rule: "emlx.length", Text: "the file ends before the message does"})
		}
		size = min(size, n)
	}
	r.Fact("size", "%s", amount(f.size))
	reader := mime.NewReader(&ctxReader{ctx, io.NewSectionReader(f, start, size)})
	defects := map[string]int{}
	parts, attached, winmail := 0, 0, 0
	for {
		part, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, failure.New(failure.ClassOf(err), "inspect", f.name, "inspect.read", err)
		}
		if parts++; parts == 1 {
			for _, field := range []struct{ fact, name string }{{"subject", "Subject"}, {"sender", "From"}, {"sent", "Date"}} {
				if text := part.Header.Get(field.name); text != "" {
					r.PrivateFact(field.fact, "%s", mime.DecodeWords(text))
				}
			}
			r.Fact("type", "%s", part.Type)
		}
		if part.Attached() {
			attached++
		}
		if part.Type == "application/ms-tnef" || part.Type == "application/vnd.ms-tnef" || alike(part.Name, "winmail.dat") {
			winmail++
		}
		for _, d := range part.Defects {
			defects[d]++
		}
	}
	r.Fact("parts", "%s", list(number(int64(parts)), some(attached, "attachment")))
	for _, rule := range slices.Sorted(maps.Keys(defects)) {
		n := defects[rule]
		r.Find(inspect.Finding{Severity: inspect.Note, Rule: rule, Text: count(n, "part") + " of the message broke this rule; it is carried byte for byte all the same"})
	}
	if winmail > 0 {
		r.Find(inspect.Finding{
			Severity: inspect.Note, Rule: "tnef.wrapped", Text: count(winmail, "part") + " of TNEF (winmail.dat): what is in it is not seen by most mail programs",
			Remedy: "save winmail.dat and inspect it",
		})
	}
	r.Fact("waybill", "carries it byte for byte")
	return r, cancelled(ctx, f)
}

// ctxReader ends when its context does.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, failure.New(failure.Cancelled, "inspect", "", "cancelled", err)
	}
	return c.r.Read(p)
}

// Where Outlook Express keeps in the header of a folder what it holds; no
// specification was published, and these are the same in all files that are known.
const (
	expressClass   = 4    // which kind of file it is, as the first bytes of a GUID
	expressEntries = 0xC4 // how many messages or folders
	expressHeader  = 0x24BC
)

// lookExpress tells about a file of Outlook Express 5 or 6 (.dbx).
func lookExpress(_ context.Context, f file) (*inspect.Report, error) {
	r := &inspect.Report{Title: f.name, Kind: "a file of Outlook Express (.dbx)"}
	r.Fact("size", "%s", amount(f.size))
	if f.size < expressHeader || len(f.head) < expressEntries+4 {
		return nil, failure.New(failure.Malformed, "inspect", f.name, "dbx.truncated", errors.New("it ends within its header"))
	}
	entries := binary.LittleEndian.Uint32(f.head[expressEntries:])
	noun := ""
	switch class := binary.LittleEndian.Uint32(f.head[expressClass:]); class {
	case 0x6F74FDC5:
		r.Kind, noun = "a folder of Outlook Express (.dbx)", "message"
	case 0x6F74FDC6:
		r.Kind, noun = "the list of folders of Outlook Express (Folders.dbx)", "folder"
	case 0x6F74FDC7:
		r.Kind = "a list of Outlook Express of what was fetched (Pop3uidl.dbx)"
	default:
		r.Kind = "a file of Outlook Express (.dbx) that holds no mail"
	}
	if noun == "" {
		r.Fact("waybill", "nothing: there is no mail in it")
		return r, nil
	}
	r.Fact("entries", "%s", count(int(entries), noun))
	if int64(entries)*12 > f.size {
		r.Find(inspect.Finding{Severity: inspect.Fault, Rule: "dbx.entries", Text: "it states more entries than it has room for"})
	}
	if noun == "message" {
		r.Fact("waybill", "carries what it holds with dbx:")
	} else {
		r.Fact("waybill", "takes the names of folders from it when dbx: is given the directory that it lies in")
	}
	return r, nil
}
