package mbox

import (
	"bytes"
	"strconv"
	"strings"
)

const (
	headerLimit = 64 << 10 // how far into a header fields are looked for
	fieldLimit  = 8 << 10  // how much of one field is kept
)

// Fields are the header fields that mail programs use to keep a message's state
// in an mbox file, from the first 64 kB of the header. A field that stands there
// twice counts with its first appearance.
type Fields struct {
	Status, XStatus, XKeywords                 string
	MozillaStatus, MozillaStatus2, MozillaKeys string
	Date                                       string

	contentLength string
	subject, from string
	imap          bool // X-IMAP or X-IMAPbase
	seen          map[string]bool
	open          *string // the field that a continuation line belongs to
}

// add takes one line of the header.
func (f *Fields) add(head []byte) {
	if len(head) == 0 {
		return
	}
	if head[0] == ' ' || head[0] == '\t' {
		if f.open != nil && len(*f.open)+len(head) < fieldLimit {
			*f.open += " " + strings.TrimSpace(string(head))
		}
		return
	}
	f.open = nil
	name, value, ok := bytes.Cut(head, []byte(":"))
	if !ok || len(name) > 40 {
		return
	}
	lower := strings.ToLower(strings.TrimRight(string(name), " \t"))
	var slot *string
	switch lower {
	case "status":
		slot = &f.Status
	case "x-status":
		slot = &f.XStatus
	case "x-keywords":
		slot = &f.XKeywords
	case "x-mozilla-status":
		slot = &f.MozillaStatus
	case "x-mozilla-status2":
		slot = &f.MozillaStatus2
	case "x-mozilla-keys":
		slot = &f.MozillaKeys
	case "date":
		slot = &f.Date
	case "subject":
		slot = &f.subject
	case "from":
		slot = &f.from
	case "content-length":
		slot = &f.contentLength
	case "x-imap", "x-imapbase":
		f.imap = true
		return
	default:
		return
	}
	if f.seen[lower] {
		return
	}
	if f.seen == nil {
		f.seen = make(map[string]bool, 8)
	}
	f.seen[lower] = true
	*slot = strings.TrimSpace(string(value))
	f.open = slot
}

// length is the declared Content-Length, -1 when there is none or it is absurd.
func (f *Fields) length() int64 {
	n, err := strconv.ParseInt(f.contentLength, 10, 64)
	if err != nil || n < 0 || n > 1<<60 {
		return -1
	}
	return n
}

// internal recognises the message that the UW IMAP software and its kin keep at
// the head of a file for themselves ("DON'T DELETE THIS MESSAGE -- FOLDER
// INTERNAL DATA"). The subject alone does not make one: anybody may write it.
func (f *Fields) internal() bool {
	return strings.Contains(f.subject, "FOLDER INTERNAL DATA") &&
		(f.imap || strings.Contains(f.from, "Mail System Internal Data"))
}

// IsStateField reports whether the header field of that name is kept by mail
// programs for themselves, so that they may change, add or remove it while the
// message stays the same.
func IsStateField(name string) bool {
	name = strings.ToLower(name)
	switch name {
	case "status", "x-status", "x-keywords", "x-uid", "x-imap", "x-imapbase", "content-length", "lines", "x-waybill":
		return true
	}
	return strings.HasPrefix(name, "x-mozilla-")
}
