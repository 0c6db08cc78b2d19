package cli

import (
	"errors"
	"time"

	"waybill/engine"
	"waybill/failure"
)

// dateFlags bound by date which messages are moved.
type dateFlags struct {
	Since  string `placeholder:"DATE" help:"Move only messages of this day or later: 2019-05-31, or a moment as 2019-05-31T12:00:00Z. The others are counted as skipped."`
	Before string `placeholder:"DATE" help:"Move only messages from before this day or moment. Messages without a date are always moved."`
}

// with adds the range to a migration's options.
func (f dateFlags) with(o engine.Options) (engine.Options, error) {
	var err error
	if o.Dates.Since, err = parseMoment("--since", f.Since); err != nil {
		return o, err
	}
	if o.Dates.Before, err = parseMoment("--before", f.Before); err != nil {
		return o, err
	}
	if d := o.Dates; !d.Since.IsZero() && !d.Before.IsZero() && !d.Since.Before(d.Before) {
		return o, failure.New(failure.Usage, "read the command line", "--since "+f.Since+" --before "+f.Before, "usage.dates", errors.New("no moment lies between the two dates"))
	}
	return o, nil
}

// parseMoment reads a day, in the zone of this machine, or a moment; the zero
// time for an empty text.
func parseMoment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "20060102150405", "20060102"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	return time.Time{}, failure.New(failure.Usage, "read the command line", flag+" "+text, "usage.dates", errors.New("this is no date")).
		WithRemedy("write it as 2019-05-31 or 2019-05-31T12:00:00Z")
}
