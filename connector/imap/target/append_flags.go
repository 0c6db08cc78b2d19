package target

import (
	"slices"
	"strings"
	"time"

	"waybill/imap"
	"waybill/mail"
)

// permitted tells which marks last in a folder (RFC 9051 7.1, PERMANENTFLAGS).
type permitted struct {
	kept    mail.Flags      // by the server at all
	judged  bool            // the rights behind them were looked at
	all     bool            // the server did not tell
	create  bool            // any further keyword
	words   map[string]bool // in lower case
	maximum int             // of bytes in a keyword; 0: no limit
	room    int             // for keywords that the folder does not have; -1: no limit
	known   map[string]bool // keywords that the folder has
}

// Dovecot takes keywords of up to 50 characters (mail_max_keyword_length), and a
// mailbox of Cyrus holds 128 different ones.
const (
	dovecotKeyword  = 50
	cyrusKeywords   = 128
	keywordUnending = -1
)

func newPermitted(open imap.Selected, flavour string, kept mail.Flags) *permitted {
	p := &permitted{kept: kept, all: open.PermanentFlags == nil, words: map[string]bool{}, known: map[string]bool{}, room: keywordUnending}
	for _, w := range open.PermanentFlags {
		if w == `\*` {
			p.create = true
		}
		p.words[strings.ToLower(w)] = true
	}
	for _, w := range slices.Concat(open.Flags, open.PermanentFlags) {
		if !strings.HasPrefix(w, `\`) {
			p.known[strings.ToLower(w)] = true
		}
	}
	switch flavour {
	case "dovecot":
		p.maximum = dovecotKeyword
	case "cyrus":
		p.room = max(cyrusKeywords-len(p.known), 0)
	}
	return p
}

// lasting reports whether a system flag is kept.
func (p *permitted) lasting(f mail.Flags) bool {
	name := f.Names()[0]
	if !strings.HasPrefix(name, `\`) {
		return p.keyword(name)
	}
	return p.all || p.words[strings.ToLower(name)]
}

func (p *permitted) keyword(k string) bool {
	return p.all || p.create || p.words[strings.ToLower(k)]
}

// flags are the words with which a message is sent, and notes on what of its
// marks cannot be kept as it is.
func (p *permitted) flags(set mail.FlagSet) ([]string, []mail.Note) {
	var words []string
	var notes []mail.Note
	note := func(kind, text string) { notes = append(notes, mail.Note{Kind: kind, Text: text}) }
	for _, name := range set.System.Names() {
		one := mail.NewFlagSet(0, name)
		if p.kept&one.System == 0 {
			note("flag-not-kept", "the owner will not find the flag "+name)
			continue
		}
		if !p.lasting(one.System) {
			note("flag-not-permanent", "the folder does not keep the flag "+name)
			continue
		}
		words = append(words, name)
	}
	for _, k := range set.Keywords {
		word := atom(k, p.maximum)
		switch {
		case word == "" || word != k && slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, word) }):
			note("keyword-not-kept", "the keyword "+printableWord(k)+" cannot be written in IMAP")
			continue
		case !p.keyword(word):
			note("keyword-not-permanent", "the folder does not keep the keyword "+printableWord(k))
			continue
		case !p.claim(word):
			note("keyword-not-kept", "the folder holds as many different keywords as the server permits; not kept: "+printableWord(k))
			continue
		case word != k:
			note("keyword-renamed", "the keyword "+printableWord(k)+" is called "+word)
		}
		words = append(words, word)
	}
	return words, notes
}

// date is the date with which a message is sent, none where the server would
// keep another.
func date(at, earliest, latest time.Time) (time.Time, []mail.Note) {
	if at.IsZero() || !at.Before(earliest) && (latest.IsZero() || !at.After(latest)) {
		return at, nil
	}
	return time.Time{}, []mail.Note{{Kind: "date-out-of-range", Text: "the server does not keep the internal date " + at.Format(time.RFC3339)}}
}

// claim takes room for a keyword that the folder does not have yet.
func (p *permitted) claim(k string) bool {
	k = strings.ToLower(k)
	if p.room == keywordUnending || p.known[k] {
		return true
	}
	if p.room == 0 {
		return false
	}
	p.room--
	p.known[k] = true
	return true
}

// atom writes a keyword as an atom of IMAP (RFC 9051 9, flag-keyword), with "_"
// for what cannot stand in one.
func atom(k string, maximum int) string {
	var b strings.Builder
	for i := 0; i < len(k); i++ {
		if c := k[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			// One "_" for each character, whatever its length in bytes.
			if c&0xc0 != 0x80 {
				b.WriteByte('_')
			}
		} else {
			b.WriteByte(c)
		}
	}
	word := b.String()
	if maximum > 0 && len(word) > maximum {
		word = word[:maximum]
	}
	if strings.Trim(word, "_") == "" {
		return "" // nothing of it is left
	}
	return word
}

// printableWord is a keyword as it can be shown.
func printableWord(k string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, k)
}
