package mime

import (
	"bytes"
	"strings"
)

// Limits of a header; what is over them is left out, and Part.Defects says so.
const (
	MaxHeaderBytes  = 1 << 20
	MaxHeaderFields = 10000
)

// Field is one field of a header.
type Field struct {
	Name  string
	Value string // unfolded, without white space at the ends, not decoded
	// Offset is where the field begins, in bytes from the start of the input.
	Offset int64
}

// Header is the header of a message or part, in order.
type Header []Field

// Get is the value of the first field called name, not decoded.
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether there is a field called name.
func (h Header) Has(name string) bool {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// All lists the values of all fields called name.
func (h Header) All(name string) []string {
	var all []string
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			all = append(all, f.Value)
		}
	}
	return all
}

// Text is the value of the first field called name, decoded.
func (h Header) Text(name string) string { return DecodeWords(h.Get(name)) }

// readHeader reads fields up to the empty line, the first line that cannot be
// part of a header, or a delimiter, which is left to be read again.
func (r *Reader) readHeader(first bool) (Header, []string, error) {
	var h Header
	var defects []string
	var buf bytes.Buffer
	var offset int64 = -1
	size, tooLarge := 0, false
	finish := func() {
		if offset < 0 {
			return
		}
		line := buf.String()
		name, value, _ := strings.Cut(line, ":")
		if len(h) < MaxHeaderFields {
			h = append(h, Field{strings.TrimRight(name, " \t"), strings.Trim(value, " \t\r\n"), offset})
		} else {
			tooLarge = true
		}
		offset = -1
		buf.Reset()
	}
	taking := false // the current field's bytes are wanted
	for {
		p, err := r.lines.next()
		if err != nil {
			finish()
			return h, defects, err
		}
		if p.start {
			if _, _, ok := r.delimiter(p.data); ok {
				finish()
				r.lines.unread(p)
				return h, append(defects, "mime.header-unended"), nil
			}
			if len(p.data) == 0 {
				finish()
				if tooLarge {
					defects = append(defects, "mime.header-too-large")
				}
				return h, defects, nil
			}
			switch {
			case p.data[0] == ' ' || p.data[0] == '\t':
				taking = offset >= 0
			case first && len(h) == 0 && offset < 0 && (bytes.HasPrefix(p.data, []byte("From ")) || bytes.HasPrefix(p.data, []byte(">From "))):
				taking = false // the separator line of an mbox file
			case fieldNameLength(p.data) > 0:
				finish()
				offset, taking = p.off, true
			default:
				finish()
				r.lines.unread(p)
				return h, append(defects, "mime.header-unended"), nil
			}
		}
		if taking {
			if size += len(p.data); size > MaxHeaderBytes {
				tooLarge = true
				continue
			}
			buf.Write(p.data)
		}
	}
}

// fieldNameLength is the length of the field name that line begins with, 0
// when it begins with none. 8-bit names do occur and are let through.
func fieldNameLength(line []byte) int {
	i := bytes.IndexByte(line, ':')
	if i <= 0 || i > 500 {
		return 0
	}
	name := bytes.TrimRight(line[:i], " \t")
	for _, c := range name {
		if c <= ' ' || c == 0x7f {
			return 0
		}
	}
	return len(name)
}
