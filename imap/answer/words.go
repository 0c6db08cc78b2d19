package answer

import "waybill/imap/datetime"

// words keeps flags and time zones that come again and again, so that a message
// costs no memory for them.
type words struct {
	known map[string]string
	zones datetime.Zones
	arena []string
}

const (
	maxWords   = 4096
	arenaWords = 512
)

// intern is string(b), shared with earlier ones.
func (w *words) intern(b []byte) string {
	if s, ok := w.known[string(b)]; ok {
		return s
	}
	s := string(b)
	if w.known == nil {
		w.known = map[string]string{}
	}
	if len(w.known) < maxWords && len(b) < 256 {
		w.known[s] = s
	}
	return s
}

// list copies words out of a buffer that is used again. It is never nil: a
// message without flags differs from one whose flags were not told.
func (w *words) list(of []string) []string {
	if len(of) == 0 {
		return []string{}
	}
	if len(w.arena)+len(of) > cap(w.arena) {
		w.arena = make([]string, 0, max(arenaWords, len(of)))
	}
	from := len(w.arena)
	w.arena = append(w.arena, of...)
	return w.arena[from:len(w.arena):len(w.arena)]
}
