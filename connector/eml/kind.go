package eml

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
)

// Endings of the files that a target writes, by what is in them. A source of
// Outlook's items may hand over the bare vCard (RFC 6350 6.1.1) or iCalendar object
// (RFC 5545 3.4), which other programs know by their endings.
const (
	cardSuffix     = ".vcf"
	calendarSuffix = ".ics"
)

// isMessage reports whether a name is that of a message file. Cards and calendars
// are messages here when a target wrote them; others belong to somebody else.
func isMessage(name string) bool {
	if len(name) > len(suffix) && name[0] != '.' && strings.EqualFold(name[len(name)-len(suffix):], suffix) {
		return true
	}
	_, _, rest, ok := files.ParseMomentName(name)
	return ok && delivered(rest)
}

// delivered reports whether rest is what follows the moment in the name of a file
// that a target wrote.
func delivered(rest string) bool {
	return slices.Contains([]string{suffix, cardSuffix, calendarSuffix}, rest)
}

// endingOf tells the ending for what begins with head.
func endingOf(head []byte) string {
	begins := func(with string) bool {
		line, rest, found := bytes.Cut(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), []byte("\n"))
		return found && len(rest) > 0 && strings.EqualFold(string(bytes.TrimSuffix(line, []byte("\r"))), with)
	}
	switch {
	case begins("BEGIN:VCARD"):
		return cardSuffix
	case begins("BEGIN:VCALENDAR"):
		return calendarSuffix
	default:
		return suffix
	}
}

// opened is an item whose first bytes were looked at.
type opened struct {
	io.Reader
	io.Closer
	ending string
}

// openItem opens an item and tells how its file is called.
func openItem(ctx context.Context, item connector.Item) (*opened, error) {
	body, err := item.Open(ctx)
	if err != nil {
		return nil, err
	}
	head := make([]byte, 32)
	n, err := io.ReadFull(body, head)
	head = head[:n]
	rest := io.Reader(body)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		rest = strings.NewReader("")
	case err != nil:
		_ = body.Close()
		return nil, err
	}
	return &opened{io.MultiReader(bytes.NewReader(head), rest), body, endingOf(head)}, nil
}
