package mbox

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Marker is what the first header field of a message that Waybill wrote says:
//
//	X-Waybill: v=1; fields=3; size=000000000001234; nl=0; date=1310126914; zone=+0200
//
// It makes the file exact where mbox is not: how many of the header fields that
// follow were added, the length of the message, whether a line end was added
// after it, and its internal date to the second with its zone.
type Marker struct {
	// Size is the length of the message in bytes.
	Size int64
	// Newline says that a line end was added after the message's last byte.
	Newline bool
	// Date is the internal date; the zero time when it is unknown.
	Date time.Time
	// Intact says that the message is still as it was written: the added fields
	// were found and the length is right. Otherwise another program rewrote it.
	Intact bool

	length int64   // of the marker's line
	fields []int64 // ends of the lines that may be ours, from the message's start
	ours   int     // how many of them are
	lead   int     // how many of the first are named as ours
	exact  bool    // the fields are the three that we write, in place
	state  Fields  // what they say
}

const (
	markerName  = "X-Waybill: "
	markerForm  = markerName + "v=1; fields=3; size=%015d; nl=%d; date=%s; zone=%s\n"
	markerSize  = 15
	addedFields = 3
	// maxFields is how many header lines after the marker may belong to us and
	// to the programs that add their own beside.
	maxFields = 12
)

func formatMarker(size int64, newline bool, date time.Time) string {
	when, zone := "none", "+0000"
	if !date.IsZero() {
		when, zone = strconv.FormatInt(date.Unix(), 10), date.Format("-0700")
	}
	nl := 0
	if newline {
		nl = 1
	}
	return fmt.Sprintf(markerForm, size, nl, when, zone)
}

// parseMarker reads a marker line without its line end.
func parseMarker(head []byte) (*Marker, bool) {
	text, ok := strings.CutPrefix(string(head), markerName)
	if !ok {
		return nil, false
	}
	values := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		values[k] = v
	}
	if values["v"] != "1" || values["fields"] != strconv.Itoa(addedFields) {
		return nil, false
	}
	size, err := strconv.ParseInt(values["size"], 10, 64)
	if err != nil || size < 0 || len(values["size"]) != markerSize {
		return nil, false
	}
	m := &Marker{Size: size, Newline: values["nl"] == "1"}
	if s := values["date"]; s != "none" {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return nil, false
		}
		m.Date = time.Unix(seconds, 0).UTC()
		if offset, ok := zoneOf(values["zone"]); ok && offset != 0 {
			m.Date = m.Date.In(time.FixedZone("", offset))
		}
	}
	return m, true
}

// fieldLine takes a header line after the marker; it reports false when the line
// can be neither ours nor another program's note of the message's state.
func (m *Marker) fieldLine(head []byte, length int64) bool {
	name, _, ok := strings.Cut(string(head[:min(len(head), 40)]), ":")
	if !ok || !IsStateField(name) || len(m.fields) == maxFields {
		return false
	}
	m.fields = append(m.fields, m.after(len(m.fields))+length)
	names := []string{"Status", "X-Status", "X-Keywords"}
	n := len(m.fields)
	if slices.Contains(names, name) {
		m.state.add(head)
		m.state.open = nil
		if m.lead == n-1 && n <= addedFields {
			m.lead = n
		}
	}
	if n <= addedFields {
		m.exact = (n == 1 || m.exact) && name == names[n-1]
	}
	return true
}

// settle finds out which of the fields were added, by the only length that fits:
// stored bytes, less what was added, less one byte for each quoted line.
func (m *Marker) settle(stored int64, quoted int) {
	if m.Newline {
		stored--
	}
	for i := len(m.fields); i >= 0; i-- {
		if stored-m.after(i)-int64(quoted) == m.Size {
			m.ours, m.Intact = i, true
			m.exact = m.exact && i == addedFields
			return
		}
	}
	m.exact = false
}

// prefix is how many stored bytes stand before the message's own. Where another
// program moved things about, that is at least the marker and what still stands
// below it under the names of our fields.
func (m *Marker) prefix() int64 {
	if m.Intact {
		return m.after(m.ours)
	}
	return m.after(m.lead)
}

// after is how long the marker and n fields behind it are.
func (m *Marker) after(n int) int64 {
	if n == 0 {
		return m.length
	}
	return m.fields[n-1]
}
