package zone

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf16"

	"waybill/failure"
)

// Limits of what a definition may say. Windows keeps one rule per year at most,
// and names of at most 127 characters; biases stay within a day.
const (
	maxRules = 300
	maxName  = 260
	maxBias  = 24 * 60
)

func malformed(where, rule, format string, args ...any) error {
	return failure.New(failure.Malformed, "read a time zone", where, rule, fmt.Errorf(format, args...))
}

// DecodeStruct reads PidLidTimeZoneStruct ([MS-OXOCAL] 2.2.1.39). id names the
// zone; where is for errors.
func DecodeStruct(b []byte, id, where string) (*Zone, error) {
	if len(b) < 48 {
		return nil, malformed(where, "zone.truncated", "%d bytes where 48 are needed", len(b))
	}
	r, err := decodeRule(b[0:12], b[14:30], b[32:48], where)
	if err != nil {
		return nil, err
	}
	return &Zone{ID: id, Rules: []Rule{r}}, nil
}

// DecodeDefinition reads a PidLidAppointmentTimeZoneDefinition ([MS-OXOCAL]
// 2.2.1.41). where is for errors.
func DecodeDefinition(b []byte, where string) (*Zone, error) {
	if len(b) < 8 {
		return nil, malformed(where, "zone.truncated", "%d bytes", len(b))
	}
	if b[0] != 2 {
		return nil, malformed(where, "zone.version", "major version %d; 2 is known", b[0])
	}
	header := int(binary.LittleEndian.Uint16(b[2:])) // all behind itself, up to the rules
	chars := int(binary.LittleEndian.Uint16(b[6:]))
	if chars > maxName || 8+2*chars+2 > len(b) || header+4 > len(b) {
		return nil, malformed(where, "zone.name", "a name of %d characters in %d bytes", chars, len(b))
	}
	units := make([]uint16, 0, chars)
	for i := range chars {
		if u := binary.LittleEndian.Uint16(b[8+2*i:]); u != 0 {
			units = append(units, u)
		}
	}
	z := &Zone{ID: string(utf16.Decode(units))}
	n := int(binary.LittleEndian.Uint16(b[8+2*chars:]))
	rest := b[10+2*chars:]
	const size = 66
	if n == 0 || n > maxRules || n*size > len(rest) {
		return nil, malformed(where, "zone.rules", "%d rules in %d bytes", n, len(rest))
	}
	for i := range n {
		p := rest[i*size:]
		r, err := decodeRule(p[22:34], p[34:50], p[50:66], where)
		if err != nil {
			return nil, err
		}
		r.Year = int(binary.LittleEndian.Uint16(p[6:]))
		if last := len(z.Rules) - 1; last >= 0 {
			if same(&r, &z.Rules[last]) {
				continue
			}
			if r.Year <= z.Rules[last].Year { // out of order, or said twice: the later word counts
				r.Year = z.Rules[last].Year
				z.Rules[last] = r
				continue
			}
		}
		z.Rules = append(z.Rules, r)
	}
	return z, nil
}

func same(a, b *Rule) bool {
	x := *a
	x.Year = b.Year
	return x == *b
}

// decodeRule reads three biases and the two changes.
func decodeRule(biases, toStandard, toDaylight []byte, where string) (r Rule, err error) {
	var v [3]int
	for i := range v {
		v[i] = int(int32(binary.LittleEndian.Uint32(biases[4*i:])))
		if v[i] < -maxBias || v[i] > maxBias {
			return r, malformed(where, "zone.bias", "a bias of %d minutes", v[i])
		}
	}
	r.Standard = -(v[0] + v[1]) * 60
	r.Daylight = -(v[0] + v[2]) * 60
	if r.ToStandard, err = decodeChange(toStandard, where); err != nil {
		return r, err
	}
	if r.ToDaylight, err = decodeChange(toDaylight, where); err != nil {
		return r, err
	}
	if !r.Saves() {
		r.ToStandard, r.ToDaylight, r.Daylight = Change{}, Change{}, r.Standard
	}
	return r, nil
}

func decodeChange(b []byte, where string) (c Change, err error) {
	var v [8]int
	for i := range v {
		v[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	c = Change{Year: v[0], Month: time.Month(v[1]), Weekday: time.Weekday(v[2]), Nth: v[3], Second: v[4]*3600 + v[5]*60 + v[6]}
	if v[7] >= 999 {
		c.Second++ // 23:59:59.999 stands for midnight
	}
	if c.Month == 0 {
		return Change{}, nil
	}
	if v[1] > 12 || v[2] > 6 || v[4] > 23 || v[5] > 59 || v[6] > 59 || c.Nth < 1 || c.Year == 0 && c.Nth > 5 || c.Nth > 31 {
		return c, malformed(where, "zone.change", "clocks are set in month %d, on day %d of week %d, at %d:%02d", v[1], v[2], v[3], v[4], v[5])
	}
	return c, nil
}
