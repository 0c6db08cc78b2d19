package provider

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxText is how far a server's words are read; what counts stands at the
// beginning of them.
const maxText = 1000

// maxWait bounds the wait that a server may ask for.
const maxWait = 24 * time.Hour

// matcher is a compiled pattern over a response code and the text behind it.
type matcher struct {
	code string
	text *regexp.Regexp
}

func (m matcher) find(code, text string) ([]string, bool) {
	if m.code != "" && !strings.EqualFold(m.code, code) {
		return nil, false
	}
	if m.text == nil {
		return nil, true
	}
	groups := m.text.FindStringSubmatch(text[:min(len(text), maxText)])
	return groups, groups != nil
}

// Recognise finds the facts for a server by its host, its ID (RFC 2971, keys in
// lower case, nil when not known yet) and its capabilities (nil likewise). A
// host that is known decides, then the ID, then capabilities; a server that
// nothing matches gets what holds for all.
func Recognise(host string, id map[string]string, has func(capability string) bool) (Facts, error) {
	all, err := All()
	if err != nil {
		return Facts{}, err
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	words := strings.ToLower(id["name"] + " " + id["vendor"])
	best, rank := all[generic], 0
	for _, name := range sorted(all) {
		f := all[name]
		if r := f.Match.rank(host, words, has); r > rank {
			best, rank = f, r
		}
	}
	return best, nil
}

func sorted(all map[string]Facts) []string {
	names := make([]string, 0, len(all))
	for name := range all {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (m Match) rank(host, id string, has func(string) bool) int {
	rank := 0
	if has != nil && len(m.Capabilities) > 0 && !slices.ContainsFunc(m.Capabilities, func(c string) bool { return !has(c) }) {
		rank = 1
	}
	for _, part := range m.ID {
		if strings.Contains(id, part) {
			rank = 2
		}
	}
	for _, h := range m.Hosts {
		// A longer name is a closer match.
		if h == host || h[0] == '.' && (strings.HasSuffix(host, h) || host == h[1:]) {
			rank = max(rank, 2+len(h))
		}
	}
	return rank
}

// Throttled tells whether a server's answer asks to wait, and for how long;
// fewer is true when fewer connections are the cure. working says that the
// session has worked before. No wait is above a day.
func (f Facts) Throttled(code, text string, working bool) (wait time.Duration, fewer, ok bool) {
	for _, t := range f.Throttling {
		if t.Later && !working {
			continue
		}
		groups, found := t.pattern.find(code, text)
		if !found {
			continue
		}
		if wait = t.Wait; wait == 0 {
			wait = told(t.pattern.text.SubexpNames(), groups)
		}
		return min(wait, maxWait), t.Connections, true
	}
	return 0, false, false
}

// told reads the wait out of the groups of a pattern.
func told(names, groups []string) time.Duration {
	units := map[string]time.Duration{"ms": time.Millisecond, "s": time.Second, "min": time.Minute}
	for i, name := range names {
		unit, ok := units[name]
		if !ok || groups[i] == "" {
			continue
		}
		n, err := strconv.ParseInt(groups[i], 10, 64)
		if err != nil || n > int64(maxWait/unit) {
			return maxWait
		}
		// A wait of nothing would be asked for again at once.
		return max(time.Duration(n)*unit, time.Second)
	}
	return time.Minute
}

// Refused finds what is behind an answer to logging on in the way that auth names.
func (f Facts) Refused(code, text, auth string) (Refusal, bool) {
	for _, r := range f.Refusals {
		if len(r.Auth) > 0 && !slices.Contains(r.Auth, auth) {
			continue
		}
		if _, ok := r.pattern.find(code, text); ok {
			return r, true
		}
	}
	return Refusal{}, false
}

// IsReserved tells whether a folder's full name, levels separated by "/", is
// one under which nobody can make a folder of his own.
func (f Facts) IsReserved(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(f.Reserved, func(r string) bool {
		r = strings.ToLower(r)
		if start, ok := strings.CutSuffix(r, "*"); ok {
			return strings.HasPrefix(name, start)
		}
		return name == r
	})
}
