package mbox

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// Envelope is what is stored beside a message's bytes.
type Envelope struct {
	// Sender is the envelope sender; empty, or one that cannot stand in a From_
	// line, becomes NoSender.
	Sender string
	// Date is the internal date, kept to the second with its zone; zero: unknown.
	Date  time.Time
	Flags mail.FlagSet
}

// NoSender stands in the From_ line for an unknown envelope sender.
const NoSender = "MAILER-DAEMON"

// Written tells where a message was put.
type Written struct {
	From int64 // offset of the From_ line
	End  int64 // offset behind the message and its empty line
	Size int64 // bytes of the message
}

// BodyError wraps an error of the reader that a message came from, to tell it
// from an error of the file.
type BodyError struct{ Err error }

func (e *BodyError) Error() string { return "read message: " + e.Err.Error() }
func (e *BodyError) Unwrap() error { return e.Err }

// Append writes a message at off, which must be at the start of the file or
// behind an empty line. The message may be any bytes; Content gives back the very
// same. It needs the same small memory whatever the message's size. After an
// error the file holds a part of the message from off on; the caller cuts it off.
func Append(w io.WriterAt, off int64, env Envelope, body io.Reader) (Written, error) {
	out := &cursor{w: w, off: off}
	b := bufio.NewWriterSize(out, 64<<10)
	fields, err := stateFields(env.Flags, keywordRoom(env.Flags))
	if err != nil {
		return Written{}, failure.New(failure.Unsupported, "write mbox", "", "mbox.keywords", err)
	}
	fromLine := formatFromLine(env)
	_, _ = b.WriteString(fromLine)
	_, _ = b.WriteString(formatMarker(0, false, env.Date))
	_, _ = b.WriteString(fields)
	q := newQuoter(b)
	if err = copyBody(q, body); err != nil {
		return Written{}, err
	}
	newline := q.size > 0 && q.last != '\n'
	if newline {
		_ = b.WriteByte('\n')
	}
	_ = b.WriteByte('\n')
	if err = b.Flush(); err == nil {
		_, err = w.WriteAt([]byte(formatMarker(q.size, newline, env.Date)), off+int64(len(fromLine)))
	}
	if err != nil {
		return Written{}, err
	}
	return Written{From: off, End: out.off, Size: q.size}, nil
}

func copyBody(q *quoter, body io.Reader) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := body.Read(buf)
		if _, werr := q.Write(buf[:n]); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			return q.Close()
		}
		if err != nil {
			return &BodyError{Err: err}
		}
	}
}

// formatFromLine writes the date in UTC, as ctime does. Years that ctime cannot
// write are moved into its range; the marker has the true date.
func formatFromLine(env Envelope) string {
	sender := env.Sender
	if sender == "" || strings.ContainsFunc(sender, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		sender = NoSender
	}
	date := env.Date.UTC()
	switch {
	case env.Date.IsZero():
		date = time.Unix(0, 0).UTC()
	case date.Year() < 1000:
		date = time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)
	case date.Year() > 9999:
		date = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return "From " + sender + " " + date.Format(time.ANSIC) + "\n"
}

// cursor writes on from an offset.
type cursor struct {
	w   io.WriterAt
	off int64
}

func (c *cursor) Write(p []byte) (int, error) {
	n, err := c.w.WriteAt(p, c.off)
	c.off += int64(n)
	return n, err
}

// Rewrite gives the bytes that change the flags of a message that Waybill wrote,
// and the offset to write them at. The message's length stays the same. It fails
// with class Unsupported where another program changed the message or the
// keywords do not fit.
func (e Entry) Rewrite(set mail.FlagSet) (off int64, text []byte, err error) {
	m := e.Marker
	if m == nil || !m.Intact || !m.exact {
		return 0, nil, failure.New(failure.Unsupported, "change flags", "", "mbox.flags-in-place",
			errors.New("the message was written or rewritten by another program and has no room for flags"))
	}
	width := int(m.fields[2]-m.fields[1]) - len("X-Keywords: \n")
	fields, err := stateFields(set, max(width, 0))
	if err != nil {
		return 0, nil, failure.New(failure.Unsupported, "change flags", "", "mbox.flags-in-place", err)
	}
	if int64(len(fields)) != m.fields[2]-m.length {
		return 0, nil, failure.New(failure.Unsupported, "change flags", "", "mbox.flags-in-place",
			errors.New("another program changed the fields that hold the flags"))
	}
	return e.Start + m.length, []byte(fields), nil
}
