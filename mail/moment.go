package mail

import "time"

// SameMoment compares two dates as exactly as a system keeps them; precision is
// at least a second.
func SameMoment(a, b time.Time, precision time.Duration) bool {
	// Not a.Sub(b): its result is bounded, and centuries lie between an unknown
	// date and a real one.
	limit := max(int64((precision+time.Second-1)/time.Second), 1)
	d := a.Unix() - b.Unix()
	return d < limit && d > -limit
}
