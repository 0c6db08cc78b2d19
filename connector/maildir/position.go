package maildir

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
)

// moment is a Position: the beginning that the names of one batch have in
// common. Moments of one folder only ever rise, whatever the clock does, so
// what was appended after a moment is what has a name of that moment or a later
// one, and names sort in the order of delivery.
type moment struct {
	second int64 // Unix time
	micro  int
	token  string // 16 hexadecimal digits of chance
}

// mark ends the part of a name that is ours.
const mark = ".waybill"

func (m moment) String() string { return fmt.Sprintf("%010d.M%06dW%s", m.second, m.micro, m.token) }

func (m moment) compare(o moment) int {
	switch {
	case m.second != o.second:
		return int(m.second - o.second)
	case m.micro != o.micro:
		return m.micro - o.micro
	}
	return strings.Compare(m.token, o.token)
}

// after is a new moment: now, or just behind last where the clock went back.
func after(now time.Time, last moment) moment {
	m := moment{second: max(0, now.Unix()), micro: now.Nanosecond() / 1000, token: files.Token()}
	if m.second < last.second || m.second == last.second && m.micro <= last.micro {
		m.second, m.micro = last.second, last.micro+1
		if m.micro > 999_999 {
			m.second, m.micro = m.second+1, 0
		}
	}
	return m
}

// fileBase is the name of the n-th message of the batch, without its size.
func (m moment) fileBase(n int) string { return fmt.Sprintf("%s_%06d%s", m, n, mark) }

// parseMoment reads a moment off the beginning of s.
func parseMoment(s string) (m moment, rest string, ok bool) {
	second, s, ok := strings.Cut(s, ".M")
	if !ok || len(s) < 6+1+16 || s[6] != 'W' {
		return m, "", false
	}
	var err, err2 error
	m.second, err = strconv.ParseInt(second, 10, 64)
	m.micro, err2 = strconv.Atoi(s[:6])
	m.token = s[7:23]
	if err != nil || err2 != nil || m.second < 0 || strings.Trim(second+s[:6], "0123456789") != "" || strings.Trim(m.token, "0123456789abcdef") != "" {
		return moment{}, "", false
	}
	return m, s[23:], true
}

// parseName reads the name of a file that we delivered.
func parseName(name string) (m moment, n int, ok bool) {
	m, rest, ok := parseMoment(name)
	if !ok || !strings.HasPrefix(rest, "_") {
		return moment{}, 0, false
	}
	digits, _, ok := strings.Cut(rest[1:], mark)
	n, err := strconv.Atoi(digits)
	return m, n, ok && err == nil && n >= 0
}

func parsePosition(at connector.Position) (moment, error) {
	m, rest, ok := parseMoment(string(at))
	if !ok || rest != "" {
		return moment{}, failure.New(failure.Usage, "read position", fmt.Sprintf("%.60q", at), "maildir.position",
			errors.New("this connector did not make it"))
	}
	return m, nil
}
