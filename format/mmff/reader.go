package mmff

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

// Reader reads the headers of the messages in a file. Contents are only looked
// up, so a file of any size needs the memory of one header.
type Reader struct {
	r    io.ReaderAt
	size int64
	name string
	page mf.CodePage

	off    int64
	number int    // of the message
	line   int    // in the message
	window []byte // of the file, from start on
	start  int64
}

// NewReader reads a file of size bytes; name is for places. Text is in the code
// page, which the format does not name.
func NewReader(r io.ReaderAt, size int64, name string, page mf.CodePage) *Reader {
	return &Reader{r: r, size: size, name: name, page: page}
}

// At goes to the beginning of a message that was found before.
func (r *Reader) At(offset int64, number int) {
	r.off, r.number = min(max(offset, 0), r.size), number-1
}

// Next reads the next message's header. An error together with a message
// concerns that message only, of which Offset, Line and what was read before are
// known; reading goes on at the next line that begins with VERSION. Any other
// error, io.EOF among them, ends the file.
func (r *Reader) Next() (*Message, error) {
	if err := r.skipBlank(); err != nil {
		return nil, err
	}
	r.number++
	r.line = 1
	m := &Message{Offset: r.off, Number: r.number}
	err := r.header(m)
	if err == nil {
		err = r.place(m)
	}
	if err != nil {
		if failure.ClassOf(err) != failure.Malformed && failure.ClassOf(err) != failure.TooLarge {
			return nil, err
		}
		if syncErr := r.resync(m); syncErr != nil {
			return nil, syncErr
		}
		m.End = r.off
		return m, err
	}
	r.off = m.End
	return m, nil
}

// skipBlank passes over line ends and the mark at the end of DOS files.
func (r *Reader) skipBlank() error {
	for {
		c, err := r.peek()
		if err != nil {
			return err
		}
		switch c {
		case '\n', '\r', 0x1a, 0, ' ', '\t':
		default:
			return nil
		}
		r.off++
	}
}

// peek is the byte at the present place; io.EOF at the end.
func (r *Reader) peek() (byte, error) {
	b, err := r.bytes(r.off, 1)
	if err != nil {
		return 0, err
	}
	return b[0], nil
}

// bytes gives n bytes at an offset, fewer at the end of the file, io.EOF there.
func (r *Reader) bytes(off int64, n int) ([]byte, error) {
	if off >= r.size {
		return nil, io.EOF
	}
	n = int(min(int64(n), r.size-off))
	if off < r.start || off+int64(n) > r.start+int64(len(r.window)) {
		want := int(min(int64(max(n, 64<<10)), r.size-off))
		if cap(r.window) < want {
			r.window = make([]byte, want)
		}
		r.window = r.window[:want]
		got, err := r.r.ReadAt(r.window, off)
		r.window, r.start = r.window[:got], off
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, failure.New(failure.ClassOf(err), "read message", fmt.Sprintf("%s byte %d", r.name, off), "mmff.read", err)
		}
		if got < n {
			return nil, failure.New(failure.Transient, "read message", fmt.Sprintf("%s byte %d", r.name, off), "mmff.changed", errors.New("the file is shorter than it was"))
		}
	}
	return r.window[off-r.start:][:n], nil
}

// readLine reads a line and goes behind its end, which is CR, LF or CR LF.
func (r *Reader) readLine() ([]byte, error) {
	b, err := r.bytes(r.off, 512)
	if err != nil {
		return nil, err
	}
	i := bytes.IndexAny(b, "\r\n")
	if i < 0 || i+1 == len(b) {
		if b, err = r.bytes(r.off, MaxLine+2); err != nil {
			return nil, err
		}
		i = bytes.IndexAny(b, "\r\n")
	}
	if i < 0 && len(b) > MaxLine {
		return nil, r.broken(r.off, r.line, "mmff.line-length", "the file is no MMFF, or is damaged", "a line has more than %d bytes", MaxLine)
	}
	end := i + 1
	switch {
	case i < 0:
		i, end = len(b), len(b)
	case b[i] == '\r' && end < len(b) && b[end] == '\n':
		end++
	}
	r.off += int64(end)
	r.line++
	return b[:i], nil
}

// header reads up to TEXT or XTEXT.
func (r *Reader) header(m *Message) error {
	text := false
	for first := true; !text; first = false {
		at, number := r.off, r.line
		if at-m.Offset > MaxHeader {
			return r.broken(m.Offset, 1, "mmff.header-length", "the file is no MMFF, or is damaged", "the header has more than %d bytes", MaxHeader)
		}
		raw, err := r.readLine()
		if errors.Is(err, io.EOF) {
			return r.broken(m.Offset, 1, "mmff.truncated", "get the whole file again", "the file ends inside a header")
		}
		if err != nil {
			return err
		}
		line := strings.Trim(r.page.Decode(raw), " \t")
		name, value, ok := strings.Cut(line, ":")
		name = strings.ToUpper(strings.TrimSpace(name))
		if first && name != "VERSION" {
			return r.broken(at, number, "mmff.version", "a message begins with VERSION:3.00; look whether the size of the one before is right", "the line is %.60q", line)
		}
		if line == "" {
			continue
		}
		if !ok {
			return r.broken(at, number, "mmff.token", "a header line is TOKEN:value (errors 140, 144)", "the line is %.60q", line)
		}
		if !first && name == "VERSION" {
			return r.again(at, number, m)
		}
		if text, err = r.token(m, at, number, name, strings.TrimSpace(value)); err != nil {
			return err
		}
	}
	return nil
}

// again ends a message that has no text before the next one begins.
func (r *Reader) again(at int64, number int, m *Message) error {
	r.off, r.line = at, number
	return r.broken(m.Offset, 1, "mmff.no-text", "write TEXT:0 when there is none", "the message has no TEXT")
}

// token takes one line of the header; text tells that it is the last.
func (r *Reader) token(m *Message, at int64, number int, name, value string) (text bool, err error) {
	bad := func(rule, remedy, format string, args ...any) error {
		return r.broken(at, number, rule, remedy, format, args...)
	}
	switch name {
	case "VERSION":
		m.Version = value
	case "TO":
		m.To = append(m.To, ParseAddress(value))
	case "CC":
		m.Cc = append(m.Cc, ParseAddress(value))
		m.note("cc-in-basic-form", "the basic form has no CC; importing it is an error there")
	case "FROM":
		m.From = ParseAddress(value)
	case "DATE":
		m.Date = value
	case "TIME":
		m.Time = value
	case "SUBJECT":
		m.Subject = value
	case "PRIORITY":
		m.Priority = value
	case "EXT":
		return false, r.ext(m, value)
	case "ATTACHMENT", "ATTACHMENTS", "XATTACH", "XATTACHMENT":
		if len(m.Attachments) >= MaxAttachments {
			return false, failure.New(failure.TooLarge, "read message", fmt.Sprintf("%s byte %d", r.name, at), "mmff.attachments", fmt.Errorf("more than %d attachments", MaxAttachments))
		}
		a, ok := parseAttachment(value, name[0] == 'X')
		if !ok {
			return false, bad("mmff.attachment", "write ATTACHMENT:name size", "the attachment is %.60q", value)
		}
		m.Attachments = append(m.Attachments, a)
	case "TEXT":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return false, bad("mmff.text-size", "write TEXT:size, in bytes with the line ends", "the size of the text is %.40q", value)
		}
		m.Text.Size = n
		return true, nil
	case "XTEXT":
		if value == "" {
			return false, bad("mmff.text-file", "write XTEXT:file (error 146)", "no file is named")
		}
		m.Text = Content{File: value, Size: -1}
		return true, nil
	default:
		m.note("token-unknown", fmt.Sprintf("the line %s of the header is not known and was left out", strconv.QuoteToASCII(name)))
	}
	return false, nil
}

func (m *Message) note(kind, text string) {
	if len(m.Notes) < 20 {
		m.Notes = append(m.Notes, mail.Note{Kind: kind, Text: text})
	}
}

// ext reads a line of the extended form, type:size:name, and its value. The size
// counts the value with its line end (KB Q147034: 3 for "9").
func (r *Reader) ext(m *Message, value string) error {
	parts := strings.SplitN(value, ":", 3)
	at, number := r.off, r.line
	raw, err := r.readLine()
	if errors.Is(err, io.EOF) {
		return r.broken(at, number, "mmff.truncated", "get the whole file again", "the file ends inside a header")
	}
	if err != nil {
		return err
	}
	if len(parts) != 3 {
		m.note("ext-odd", "a line EXT is not type:size:name")
		return nil
	}
	data := raw
	if n, err := strconv.ParseInt(strings.TrimSpace(parts[1]), 10, 32); err == nil && n > r.off-at && n <= MaxLine && r.begins(at+n) {
		// A value of several lines.
		if all, err := r.bytes(at, int(n)); err == nil && int64(len(all)) == n {
			data = bytes.TrimRight(all, "\r\n")
			r.line += bytes.Count(all, []byte("\n")) - 1
			r.off = at + n
		}
	}
	m.Ext = append(m.Ext, Ext{Kind: strings.TrimSpace(parts[0]), Name: strings.ToUpper(strings.TrimSpace(parts[2])), Value: r.page.Decode(data)})
	return nil
}

// begins tells whether a header line begins at an offset.
func (r *Reader) begins(off int64) bool {
	b, err := r.bytes(off, maxType)
	if err != nil {
		return false
	}
	name, _, ok := strings.Cut(string(b), ":")
	switch strings.ToUpper(name) {
	case "TO", "CC", "FROM", "DATE", "TIME", "SUBJECT", "PRIORITY", "EXT", "ATTACHMENT", "ATTACHMENTS", "XATTACH", "TEXT", "XTEXT":
		return ok
	}
	return false
}

// parseAttachment reads "name size", or "physical [logical]" of a file of its own.
func parseAttachment(value string, external bool) (Attachment, bool) {
	if external {
		file, name, _ := strings.Cut(value, " ")
		if name = strings.TrimSpace(name); name == "" {
			name = file
		}
		return Attachment{Name: name, Content: Content{File: file, Size: -1}}, file != ""
	}
	i := strings.LastIndexByte(value, ' ')
	if i < 0 {
		return Attachment{}, false
	}
	n, err := strconv.ParseInt(value[i+1:], 10, 64)
	name := strings.TrimSpace(value[:i])
	return Attachment{Name: name, Content: Content{Size: n}}, err == nil && n >= 0 && name != ""
}
