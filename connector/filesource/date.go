package filesource

import (
	"errors"
	"io"
	"time"

	"waybill/format/mime"
	"waybill/mail"
)

// GuessDate finds a date of arrival where the system has none: the Date field of
// the header that r begins with, or else the time of the file. The note tells
// which. An error is one of reading r.
func GuessDate(r io.Reader, modified time.Time) (time.Time, mail.Note, error) {
	part, err := mime.NewReader(r).Next()
	if err != nil && !errors.Is(err, io.EOF) {
		return time.Time{}, mail.Note{}, err
	}
	if part != nil {
		if date, ok := mime.ParseDate(part.Header.Get("Date")); ok && date.Year() >= 1970 && date.Year() < 2200 {
			return date, mail.Note{Kind: "date-from-header", Text: "The message has no date of arrival; the Date field of its header stands for it."}, nil
		}
	}
	return time.Unix(modified.Unix(), 0).UTC(), mail.Note{Kind: "date-from-file", Text: "The message has no date of arrival and no readable Date field; the time of the file stands for it."}, nil
}
