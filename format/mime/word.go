package mime

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// DecodeWords decodes the encoded words (RFC 2047) in a header value and makes
// valid UTF-8 of everything else. Neighbouring words of one charset are joined
// before they are decoded, because many programs cut characters in two. A word
// that breaks the rules stays as it is.
func DecodeWords(value string) string {
	if !strings.Contains(value, "=?") {
		return decodeBytes([]byte(value), "")
	}
	var out strings.Builder
	var run []byte // decoded bytes of adjacent words
	var runCharset string
	flush := func() {
		if run != nil {
			out.WriteString(decodeBytes(run, runCharset))
			run = nil
		}
	}
	plain := 0 // start of text that is not yet written
	for i := 0; i < len(value); {
		if !strings.HasPrefix(value[i:], "=?") {
			i++
			continue
		}
		charset, data, n, ok := parseWord(value[i:])
		if !ok {
			i += 2
			continue
		}
		between := value[plain:i]
		if run == nil || strings.Trim(between, " \t\r\n") != "" || !strings.EqualFold(charset, runCharset) {
			if run == nil || strings.Trim(between, " \t\r\n") != "" {
				flush()
				out.WriteString(decodeBytes([]byte(between), ""))
			}
			flush()
			run, runCharset = []byte{}, charset
		}
		run = append(run, data...)
		i += n
		plain = i
	}
	flush()
	out.WriteString(decodeBytes([]byte(value[plain:]), ""))
	return out.String()
}

// parseWord reads one encoded word at the start of s and tells its length.
func parseWord(s string) (charset string, data []byte, n int, ok bool) {
	rest := s[2:]
	charset, rest, ok = strings.Cut(rest, "?")
	if !ok || charset == "" || len(charset) > 60 || strings.ContainsAny(charset, " \t\r\n=") {
		return "", nil, 0, false
	}
	charset, _, _ = strings.Cut(charset, "*") // RFC 2231 5: a language may follow
	kind, rest, ok := strings.Cut(rest, "?")
	if !ok || len(kind) != 1 {
		return "", nil, 0, false
	}
	end := strings.Index(rest, "?=")
	if end < 0 {
		return "", nil, 0, false
	}
	text := rest[:end]
	n = len(s) - len(rest) + end + 2
	switch kind {
	case "q", "Q":
		data = decodeQWord(text)
	case "b", "B":
		data = decodeBWord(text)
	default:
		return "", nil, 0, false
	}
	return charset, data, n, true
}

func decodeQWord(s string) []byte {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			out = append(out, ' ')
		case s[i] == '=' && i+2 < len(s) && unhex(s[i+1]) >= 0 && unhex(s[i+2]) >= 0:
			out = append(out, byte(unhex(s[i+1])<<4|unhex(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return out
}

func decodeBWord(s string) []byte {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if base64Value[s[i]] < 64 {
			clean = append(clean, s[i])
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(len(clean)))
	n, _ := base64.RawStdEncoding.Decode(out, clean)
	return out[:n]
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// EncodeWords writes text as a header value: unchanged when it is plain ASCII
// that nobody could mistake, as encoded words in UTF-8 otherwise.
func EncodeWords(text string) string {
	plain := !strings.Contains(text, "=?") && text == strings.Trim(text, " \t")
	longest := 0
	for w := range strings.SplitSeq(text, " ") {
		longest = max(longest, len(w))
	}
	for i := 0; i < len(text) && plain; i++ {
		plain = text[i] >= ' ' && text[i] < 0x7f
	}
	if plain && longest < 900 {
		return text
	}
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	ascii := 0
	for i := 0; i < len(text); i++ {
		if text[i] < 0x80 {
			ascii++
		}
	}
	// 39 bytes are 52 characters of base64: with its frame one word stays below
	// the 75 characters of RFC 2047 2.
	var words []string
	for len(text) > 0 {
		n := 0
		for n < len(text) && n < 39 {
			_, size := utf8.DecodeRuneInString(text[n:])
			n += size
		}
		words = append(words, encodeWord(text[:n], ascii*3 < len(text)*2))
		text = text[n:]
	}
	return strings.Join(words, " ")
}

func encodeWord(s string, b64 bool) string {
	if b64 {
		return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?="
	}
	var q bytes.Buffer
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ' ':
			q.WriteByte('_')
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.IndexByte("!*+-/", c) >= 0:
			q.WriteByte(c)
		default:
			q.WriteByte('=')
			q.WriteByte("0123456789ABCDEF"[c>>4])
			q.WriteByte("0123456789ABCDEF"[c&15])
		}
	}
	if q.Len() > 63 { // a word has at most 75 characters (RFC 2047 2)
		return encodeWord(s, true)
	}
	return "=?UTF-8?Q?" + q.String() + "?="
}
