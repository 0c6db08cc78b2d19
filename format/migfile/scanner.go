package migfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"waybill/failure"
)

// Limits of a primary file.
const (
	// MaxLine is the longest line in bytes.
	MaxLine = 16 << 20
	// maxJoined bounds the lines that one record may run over, because a
	// quotation mark that is never closed would run over the whole file.
	maxJoined = 200
)

// line is one physical line, decoded.
type line struct {
	text     string
	number   int
	off, end int64
	tooLong  bool
}

// record is one logical line: fields, and where they stand.
type record struct {
	fields   []Field
	place    Place
	end      int64
	nextLine int
}

// scanner cuts a primary file or a packing list into records.
type scanner struct {
	br     *bufio.Reader
	page   CodePage
	file   string
	number int
	off    int64
	queue  []line // lines that were read too far
	// comment, when set, is told every comment.
	comment func(text string)
}

func newScanner(r io.Reader, file string, page CodePage, number int, off int64) *scanner {
	return &scanner{br: bufio.NewReaderSize(r, 64<<10), page: page, file: file, number: number - 1, off: off}
}

// line reads the next physical line, whatever ends it.
func (s *scanner) line() (line, error) {
	if len(s.queue) > 0 {
		l := s.queue[0]
		s.queue = s.queue[1:]
		return l, nil
	}
	l := line{number: s.number + 1, off: s.off}
	var data []byte
	for {
		if _, err := s.br.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && s.off > l.off {
				break // the last line has no end
			}
			if errors.Is(err, io.EOF) {
				return l, io.EOF
			}
			return l, failure.New(failure.ClassOf(err), "read migration file", Place{s.file, l.number, s.off}.String(), "migfile.read", err)
		}
		buf, _ := s.br.Peek(s.br.Buffered())
		i := bytes.IndexAny(buf, "\r\n")
		n := i
		if i < 0 {
			n = len(buf)
		}
		if len(data)+n > MaxLine {
			l.tooLong = true
			data = data[:0]
		}
		if !l.tooLong {
			data = append(data, buf[:n]...)
		}
		var crlf bool
		if i >= 0 {
			crlf = buf[i] == '\r'
			n++
		}
		_, _ = s.br.Discard(n)
		s.off += int64(n)
		if i < 0 {
			continue
		}
		if next, err := s.br.Peek(1); crlf && err == nil && next[0] == '\n' {
			_, _ = s.br.Discard(1)
			s.off++
		}
		break
	}
	s.number++
	l.end = s.off
	l.text = s.page.Decode(data)
	return l, nil
}

// next reads the next record; comments and empty lines are passed over. In a
// DIRECTORY section lines are not continued. An error that comes with a record
// concerns that record only. io.EOF ends the file.
func (s *scanner) next(directory bool) (record, error) {
	for {
		first, err := s.line()
		if err != nil {
			return record{}, err
		}
		if first.tooLong {
			rec := record{place: Place{s.file, first.number, first.off}, end: first.end, nextLine: first.number + 1}
			return rec, failure.New(failure.TooLarge, "read record", rec.place.String(), "migfile.line-length", nil).
				WithRemedy("a line may have 16 MB; move long values to a secondary file")
		}
		if strings.HasPrefix(first.text, "!") {
			if s.comment != nil {
				s.comment(first.text[1:])
			}
			continue
		}
		if strings.Trim(first.text, " \t\x1a\ufeff") == "" {
			continue
		}
		return s.join(first, directory)
	}
}

// join reads the lines that belong to the record that first begins.
func (s *scanner) join(first line, directory bool) (record, error) {
	rec := record{place: Place{s.file, first.number, first.off}, end: first.end, nextLine: first.number + 1}
	text := first.text
	state := atStart
	scanned := 0
	var joined []line
	for {
		for ; scanned < len(text); scanned++ {
			state = state.next(text[scanned])
		}
		continued := state != inQuotes && !directory && strings.HasSuffix(text, `\\`)
		if state != inQuotes && !continued {
			break
		}
		next, err := s.line()
		if err != nil && !errors.Is(err, io.EOF) {
			return record{}, err
		}
		stop := err != nil || next.tooLong || len(joined) >= maxJoined || len(text)+len(next.text) > MaxLine || isHeading(next.text)
		if stop {
			if err == nil {
				joined = append(joined, next)
			}
			if state != inQuotes { // continued into nothing
				if err == nil {
					s.queue = append([]line{next}, s.queue...)
				}
				text = strings.TrimSuffix(text, `\\`)
				rec.fields = splitRecord(text)
				return rec, nil
			}
			return s.giveUp(rec, first, joined)
		}
		joined = append(joined, next)
		if continued {
			text = strings.TrimSuffix(text, `\\`) + next.text
			scanned = 0 // the marks before are looked at again: joins are few
			state = atStart
		} else {
			text += "\n" + next.text
		}
		rec.end, rec.nextLine = next.end, next.number+1
	}
	if state == misquoted {
		return s.giveUp(rec, first, joined)
	}
	rec.fields = splitRecord(text)
	return rec, nil
}

// giveUp makes an error of the first line alone; the lines that were joined to
// it are read again.
func (s *scanner) giveUp(rec record, first line, joined []line) (record, error) {
	s.queue = append(joined, s.queue...)
	rec.end, rec.nextLine = first.end, first.number+1
	name, _, _ := strings.Cut(first.text, ",")
	rec.fields = []Field{{strings.Trim(name, `"`)}}
	return rec, broken("read record", rec.place, "migfile.quote", "a quotation mark is not closed, or text stands behind one that closes").
		WithRemedy("double quotation marks inside a value and quote the whole value; look at the line before, too (event 8124)")
}

// isHeading tells whether a line begins a section.
func isHeading(text string) bool {
	kind, _, ok := parseHeading(text)
	return ok && kind != ""
}

// parseHeading reads the first line of a section. ok without a kind is a
// heading that lacks its address.
func parseHeading(text string) (kind Kind, owner string, ok bool) {
	text = strings.TrimRight(text, ", \t")
	name, rest, has := strings.Cut(text, ",")
	switch strings.ToUpper(strings.Trim(name, `" `)) {
	case "DIRECTORY":
		return Directory, "", !has
	case "PAB":
		kind = PAB
	case "MAILMESSAGE", "MAILMESSAGES":
		kind = MailMessage
	default:
		return "", "", false
	}
	if !has {
		return "", string(kind), true
	}
	fields := splitRecord(rest)
	if len(fields) != 1 {
		return "", "", false
	}
	return kind, strings.TrimSpace(fields[0].Text()), true
}
