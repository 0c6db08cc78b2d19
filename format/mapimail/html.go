package mapimail

import (
	"bytes"
	"html"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"waybill/format/mapi"
	"waybill/format/mime"
)

// Limits of what is remembered of an HTML body.
const (
	maxReferences = 20000
	maxReference  = 1000
	metaHead      = 8 << 10
)

// htmlScan reads HTML as it passes by: which parts it refers to, and what tells
// its charset. It takes no part in what is delivered, so that a wrong guess costs
// a picture its place and nothing else.
type htmlScan struct {
	head    []byte // the beginning, where charset declarations are
	high    bool   // there are bytes from 0x80 on
	invalid bool   // it is no UTF-8
	carry   []byte // an unfinished UTF-8 sequence
	recent  [12]byte
	taking  bool // a reference is being collected
	value   []byte
	refs    map[string]bool
}

// see takes the next piece.
func (s *htmlScan) see(p []byte) {
	if room := metaHead - len(s.head); room > 0 {
		s.head = append(s.head, p[:min(room, len(p))]...)
	}
	for _, c := range p {
		if c >= 0x80 {
			s.high = true
		}
		if s.taking {
			s.collect(c)
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		copy(s.recent[:], s.recent[1:])
		s.recent[len(s.recent)-1] = c
		if c == '=' || c == ':' || c == '(' {
			s.begin()
		}
	}
	s.validate(p)
}

// begin starts to collect where a reference follows: src=, background=, url(, cid:.
func (s *htmlScan) begin() {
	recent := string(s.recent[:])
	for _, word := range []string{"src=", "background=", "url(", "cid:"} {
		if strings.HasSuffix(recent, word) {
			s.taking = true
			s.value = s.value[:0]
			return
		}
	}
}

// collect takes one character of a reference.
func (s *htmlScan) collect(c byte) {
	switch {
	case len(s.value) == 0 && (c == '"' || c == '\'' || c == ' '):
	case c <= ' ' || strings.IndexByte(`"'<>)`, c) >= 0:
		s.end()
	case len(s.value) == maxReference:
		s.taking = false
	default:
		s.value = append(s.value, c)
	}
}

// end finishes a reference.
func (s *htmlScan) end() {
	if !s.taking {
		return
	}
	s.taking = false
	if len(s.value) == 0 || len(s.refs) >= maxReferences {
		return
	}
	if s.refs == nil {
		s.refs = map[string]bool{}
	}
	ref := html.UnescapeString(string(s.value))
	s.refs[ref] = true
	if plain, err := url.PathUnescape(ref); err == nil {
		s.refs[plain] = true
	}
}

// whole reports whether the HTML ends as a whole page does.
func (s *htmlScan) whole() bool {
	return strings.HasSuffix(strings.TrimRight(string(s.recent[:]), " \r\n\x00"), "</html>")
}

// refers reports whether the HTML shows the part with this Content-ID or
// Content-Location.
func (s *htmlScan) refers(id, location string) bool {
	return id != "" && s.refs[id] || location != "" && s.refs[location]
}

// validate looks for what is no UTF-8, across pieces.
func (s *htmlScan) validate(p []byte) {
	if s.invalid || !s.high {
		return
	}
	if len(s.carry) > 0 {
		n := min(utf8.UTFMax-len(s.carry), len(p))
		joined := slices.Concat(s.carry, p[:n])
		if !utf8.FullRune(joined) && n == len(p) {
			s.carry = joined
			return
		}
		_, size := utf8.DecodeRune(joined)
		if size == 1 {
			s.invalid = true
			return
		}
		p = p[size-len(s.carry):]
		s.carry = nil
	}
	for back := 1; back < utf8.UTFMax && back <= len(p); back++ {
		if tail := p[len(p)-back:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				s.carry = append([]byte(nil), tail...)
				p = p[:len(p)-back]
			}
			break
		}
	}
	s.invalid = !utf8.Valid(p)
}

// declared is the charset that the HTML names itself, in lower case; empty for none.
func (s *htmlScan) declared() string {
	rest := string(bytes.ToLower(s.head))
	for {
		_, after, found := strings.Cut(rest, "charset")
		if !found {
			return ""
		}
		rest = after
		name, isValue := strings.CutPrefix(strings.TrimLeft(after, " \t\r\n"), "=")
		if !isValue {
			continue
		}
		name = strings.TrimLeft(name, " \t\r\n\"'")
		end := strings.IndexFunc(name, func(r rune) bool {
			return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || strings.ContainsRune("_:.+-", r))
		})
		if end < 0 {
			end = len(name)
		}
		if end > 0 && end <= 40 {
			return name[:end]
		}
	}
}

// charset tells the charset of HTML that is stored as bytes. The property for it is
// right ([MS-OXBODY] 2.1.3.1), unless the bytes prove it wrong; then the HTML's
// own word is taken, then UTF-8 where it is that, then the message's code page.
func (s *htmlScan) charset(internetPage, messagePage int) string {
	utf8Text := s.high && !s.invalid && len(s.carry) == 0
	possible := func(name string) bool {
		switch name {
		case "utf-8":
			return !s.high || utf8Text
		case "us-ascii":
			return !s.high
		default:
			return name != "" && !strings.HasPrefix(name, "utf-16") && !strings.HasPrefix(name, "utf-32")
		}
	}
	if name := mapi.Charset(internetPage); possible(name) {
		return name
	}
	if name := s.declared(); name != "" {
		if _, known := mime.Charset(name); known && possible(name) {
			return name
		}
	}
	if utf8Text || !s.high {
		return "utf-8"
	}
	if name := mapi.Charset(messagePage); possible(name) {
		return name
	}
	return "windows-1252"
}
