package rewrite

import (
	"bytes"
	"strings"
)

// signatures tells which fields of a header are signed. It looks when it is asked
// first.
type signatures struct {
	header []byte
	looked bool
	all    bool            // a signature does not say which, and covers everything
	names  map[string]bool // in lower case
}

// cover reports whether a signature covers the field: DKIM (RFC 6376 3.5), the
// chain of intermediaries (RFC 8617 4.1.2), or their forerunner (RFC 4870 3.3).
// What a signature covers is judged by name: one field of several counts for all.
func (s *signatures) cover(name string) bool {
	if !s.looked {
		s.look()
	}
	return s.all || s.names[strings.ToLower(name)]
}

func (s *signatures) look() {
	s.looked, s.names = true, map[string]bool{}
	for rest := s.header; ; {
		f, after, ok := cutField(rest)
		if !ok {
			return
		}
		rest = after
		forerunner := bytes.EqualFold(f.name, []byte("DomainKey-Signature"))
		if !forerunner && !bytes.EqualFold(f.name, []byte("DKIM-Signature")) && !bytes.EqualFold(f.name, []byte("ARC-Message-Signature")) {
			continue
		}
		list, listed := tagOf(string(f.whole[f.value:]), "h")
		// The forerunner covers every field when it names none.
		s.all = s.all || forerunner && !listed
		for name := range strings.SplitSeq(list, ":") {
			s.names[strings.ToLower(name)] = true
		}
	}
}

// tagOf gives a value of a list of tags (RFC 6376 3.2), without blanks.
func tagOf(list, tag string) (value string, ok bool) {
	list = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, list)
	for part := range strings.SplitSeq(list, ";") {
		if name, value, found := strings.Cut(part, "="); found && name == tag {
			return value, true
		}
	}
	return "", false
}
