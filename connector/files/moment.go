package files

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Moment is a place in the order of delivery to a folder: the beginning that
// the file names of one batch have in common. Moments of one folder only ever
// rise, whatever the clock does, so what was appended after a moment is what
// has a name of that moment or a later one, and names sort as they were
// delivered.
type Moment struct {
	Second int64 // Unix time
	Micro  int
	Token  string // 16 hexadecimal digits of chance
}

func (m Moment) String() string { return fmt.Sprintf("%010d.M%06dW%s", m.Second, m.Micro, m.Token) }

// Compare orders moments.
func (m Moment) Compare(o Moment) int {
	switch {
	case m.Second != o.Second:
		if m.Second < o.Second {
			return -1
		}
		return 1
	case m.Micro != o.Micro:
		return m.Micro - o.Micro
	}
	return strings.Compare(m.Token, o.Token)
}

// NextMoment is a new moment: now, or just behind last where the clock went back.
func NextMoment(now time.Time, last Moment) Moment {
	m := Moment{Second: max(0, now.Unix()), Micro: now.Nanosecond() / 1000, Token: Token()}
	if m.Second < last.Second || m.Second == last.Second && m.Micro <= last.Micro {
		m.Second, m.Micro = last.Second, last.Micro+1
		if m.Micro > 999_999 {
			m.Second, m.Micro = m.Second+1, 0
		}
	}
	return m
}

// Name is how the name of the n-th file of the moment begins.
func (m Moment) Name(n int) string { return fmt.Sprintf("%s_%06d", m, n) }

// ParseMoment reads a moment off the beginning of s.
func ParseMoment(s string) (m Moment, rest string, ok bool) {
	second, s, ok := strings.Cut(s, ".M")
	if !ok || len(second) < 10 || len(s) < 6+1+16 || s[6] != 'W' {
		return m, "", false
	}
	var err, err2 error
	m.Second, err = strconv.ParseInt(second, 10, 64)
	m.Micro, err2 = strconv.Atoi(s[:6])
	m.Token = s[7:23]
	if err != nil || err2 != nil || strings.Trim(second+s[:6], "0123456789") != "" || strings.Trim(m.Token, "0123456789abcdef") != "" {
		return Moment{}, "", false
	}
	return m, s[23:], true
}

// ParseMomentName reads what Name wrote; rest is what follows in the name.
func ParseMomentName(name string) (m Moment, n int, rest string, ok bool) {
	m, rest, ok = ParseMoment(name)
	if !ok || len(rest) < 7 || rest[0] != '_' {
		return Moment{}, 0, "", false
	}
	end := 1
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(rest[1:end])
	return m, n, rest[end:], err == nil
}
