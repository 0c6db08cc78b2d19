package mai

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
)

// Known is a message with what the postoffice says of it in clear: the mailbag's
// row has the sender's mailbox name and the first 40 characters of the subject.
type Known struct {
	Envelope *Envelope
	Sender   string
	Subject  string
}

// maxVotes bounds the keys that are counted while deriving, best how many of them
// are tried on everything.
const (
	maxVotes = 1 << 14
	best     = 48
	fewest   = 2 // places that must agree beyond the eight that make a key
)

// Derive finds the key of a postoffice from its own messages. Each message begins
// with its sender's address network/postoffice/mailbox and has a subject, and the
// mailbag tells the mailbox and the subject in clear; places lists network/postoffice
// pairs that are known, and need not be complete. A key that follows from one
// string is tried on all strings of all messages; what it explains of them is the
// evidence. The cipher is not ok when it does not explain at least 80 in a hundred.
func Derive(messages []Known, places []string) (c Cipher, found evidence.Finding, ok bool) {
	found = evidence.Finding{Of: "cipher key", Text: "strings that make sense: senders and subjects as the mailbag has them, addresses of recipients"}
	votes := map[Key]int{}
	for i := range messages {
		for _, k := range candidates(&messages[i], places) {
			if _, counted := votes[k]; counted || len(votes) < maxVotes {
				votes[k]++
			}
		}
	}
	keys := make([]Key, 0, len(votes))
	for k := range votes {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Key) int {
		if votes[a] != votes[b] {
			return votes[b] - votes[a]
		}
		return bytes.Compare(a[:], b[:])
	})
	for _, k := range keys[:min(len(keys), best)] {
		agree, total := explained(messages, &Cipher{Key: k})
		switch {
		case agree > found.For:
			found.RunnerUp, c.Key = found.For, k
			found.For, found.Total = agree, total
		case agree > found.RunnerUp:
			found.RunnerUp = agree
		}
	}
	if found.For > 0 {
		found.Choice = fmt.Sprintf("a key of 8 octets, agreed on by %d of %d messages", votes[c.Key], len(messages))
	}
	return c, found, found.Proven()
}

// Explains counts the strings of one message that make sense with the cipher.
func Explains(c *Cipher, m *Known) (agree, total int) { return explained([]Known{*m}, c) }

func explained(messages []Known, c *Cipher) (agree, total int) {
	for i := range messages {
		m := &messages[i]
		for _, b := range m.Envelope.From {
			total++
			if p, ok := ParseParty(c.Decrypt(b)); ok && sensible(&p) && (p.Type != NativeAddress || m.Sender == "" || sameMailbox(p.Address, m.Sender)) {
				agree++
			}
		}
		to := m.Envelope.To
		for _, b := range to[:min(len(to), 20)] {
			total++
			if p, ok := ParseParty(c.Decrypt(b)); ok && sensible(&p) {
				agree++
			}
		}
		if b := m.Envelope.Subject; len(b) > 0 && m.Subject != "" {
			total++
			if SameSubject(string(trimNUL(c.Decrypt(b))), m.Subject) {
				agree++
			}
		}
	}
	return agree, total
}

// sensible is stricter than ParseParty: what could come by chance does not speak
// for a key.
func sensible(p *Party) bool {
	if p.Flag&^partyName != partyFlag || p.Flag == partyFlag|partyName && p.Name == "" || len(p.Tail) > 4 {
		return false
	}
	if p.Type != NativeAddress {
		return true
	}
	parts := strings.Split(p.Address, "/")
	for i, part := range parts {
		if i == len(parts)-1 {
			part = strings.TrimLeft(part, "$*")
		}
		if i < 3 && !glb.ValidName(part) {
			return false
		}
	}
	return true
}

func sameMailbox(address, sender string) bool {
	return strings.EqualFold(address[strings.LastIndexByte(address, '/')+1:], sender)
}

// SameSubject reports whether a message's subject agrees with that of its row,
// which holds 40 characters.
func SameSubject(message, row string) bool {
	a, b := strings.TrimRight(message, " "), strings.TrimRight(row, " ")
	return a == b || len(row) >= 38 && strings.HasPrefix(a, b)
}

// candidates are the keys that follow from one message.
func candidates(m *Known, places []string) []Key {
	var keys []Key
	add := func(k Key, ok bool) {
		if ok && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if b := m.Envelope.Subject; len(m.Subject) >= 8+fewest && len(b) >= len(m.Subject) {
		add(solve(b, []byte(m.Subject)))
	}
	if len(m.Envelope.From) == 0 || m.Sender == "" {
		return keys
	}
	from := m.Envelope.From[0]
	for _, place := range places {
		add(solve(from, fmt.Appendf(nil, "\x02%s/%s\x00", place, m.Sender)))
	}
	// The names of the sender's place are not known, only how long they can be.
	for network := 1; network <= 10; network++ {
		for post := 1; post <= 10; post++ {
			plain := append([]byte{NativeAddress}, make([]byte, network+post+2)...)
			for i := range plain[1:] {
				plain[1+i] = unknown
			}
			plain[1+network], plain[2+network+post] = '/', '/'
			plain = append(append(plain, m.Sender...), 0)
			add(solve(from, append(slices.Clip(plain), partyFlag|partyName)))
			add(solve(from, append(slices.Clip(plain), partyFlag)))
		}
	}
	return keys
}

// unknown stands for a letter or digit that is not known.
const unknown = 0xFF

// solve derives the key from a string whose plain text begins with plain. All
// places must agree, at least fewest beyond those that make the key, and what is
// unknown must come out as a letter or digit.
func solve(b, plain []byte) (k Key, ok bool) {
	if len(b) < len(plain) {
		return k, false
	}
	var have [8]bool
	agreeing := 0
	last := byte(0)
	for i, p := range plain {
		octet := b[i] ^ last ^ byte(i) ^ p
		last = b[i]
		switch {
		case p == unknown:
		case !have[i&7]:
			k[i&7], have[i&7] = octet, true
		case k[i&7] != octet:
			return k, false
		default:
			agreeing++
		}
	}
	if have != [8]bool{true, true, true, true, true, true, true, true} || agreeing < fewest {
		return k, false
	}
	last = 0
	for i, p := range plain {
		if c := b[i] ^ last ^ byte(i) ^ k[i&7]; p == unknown && !nameByte(c) {
			return k, false
		}
		last = b[i]
	}
	return k, true
}

func nameByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= 0x80
}

// DeriveLong finds out how strings beyond 34 octets go on, from the beginnings of
// long texts. sure is the length up to which all forms agree that read the texts
// equally well: 256 where no text is longer, and without bound where one form alone
// is left.
func DeriveLong(c Cipher, messages []Known) (_ Cipher, sure int64, f evidence.Finding) {
	f = evidence.Finding{Of: "cipher in long strings", Text: "texts of more than 256 octets that are free of control characters"}
	bad := make([]int, len(longForms))
	agree := make([]int, len(longForms))
	for i := range messages {
		head := messages[i].Envelope.TextHead
		if len(head) <= 256+16 {
			continue
		}
		f.Total++
		for j, l := range longForms {
			try := Cipher{Key: c.Key, Long: l}
			plain := try.Decrypt(head)
			bad[j] += implausible(plain) + len(plain) - ascii(plain)
			if Plausible(plain) {
				agree[j]++
			}
		}
	}
	if f.Total == 0 {
		return c, 256, f
	}
	first := 0
	for j := range longForms {
		if bad[j] < bad[first] {
			first = j
		}
	}
	c.Long, f.For = longForms[first], agree[first]
	sure = math.MaxInt64
	for j, l := range longForms {
		if j != first && bad[j] == bad[first] {
			f.RunnerUp = max(f.RunnerUp, agree[j])
			sure = min(sure, l.differsAt(), c.Long.differsAt())
		}
	}
	if f.For > 0 {
		f.Choice = c.Long.String()
	}
	if f.For*5 < f.Total*4 { // no form reads them
		sure = 256
	}
	return c, sure, f
}

// differsAt is the first place where a form is not the simple one.
func (l Long) differsAt() int64 {
	switch {
	case l.Fold:
		return 256
	case l.Block > 0:
		return l.Block
	default:
		return math.MaxInt64
	}
}

func (l Long) String() string {
	switch {
	case l.Fold:
		return "the place is folded to 8 bits"
	case l.Block > 0:
		return fmt.Sprintf("restarts after %d octets", l.Block)
	default:
		return "the place counts modulo 256"
	}
}
