package gate

import (
	"bytes"
	"strconv"
	"strings"
)

// quotedWords quotes name and password: some mail programs do not where they
// should, and ACCOUNT*OPERATOR is no atom.
func quotedWords(text []byte) []byte {
	words := bytes.SplitN(bytes.TrimSuffix(text, []byte("\r\n")), []byte(" "), 3)
	if len(words) < 3 {
		return text
	}
	line := append(bytes.Join(words[:2], []byte(" ")), ' ')
	for rest := words[2]; len(rest) > 0; {
		end := bytes.IndexByte(rest, ' ')
		if rest[0] == '"' {
			end = wordEnd(rest)
		} else if end < 0 {
			end = len(rest)
		}
		word := rest[:end]
		if end > 0 && word[0] != '"' && bytes.IndexByte(word, '"') < 0 {
			word = quoted(word)
		}
		line, rest = append(line, word...), rest[end:]
		if len(rest) > 0 {
			line, rest = append(line, rest[0]), rest[1:]
		}
	}
	return append(line, "\r\n"...)
}

// sizesApart writes SMALLER n as NOT LARGER n-1, which is the same: go-imap
// forgets SMALLER when a date or LARGER follows. LARGER 0 it takes for nothing.
func sizesApart(text []byte) []byte {
	arguments := map[string]int{"BCC": 1, "CC": 1, "FROM": 1, "SUBJECT": 1, "TO": 1, "BODY": 1, "TEXT": 1, "KEYWORD": 1, "UNKEYWORD": 1, "HEADER": 2, "CHARSET": 1}
	var out []byte
	pass, size := 0, ""
	text = bytes.TrimSuffix(text, []byte("\r\n"))
	for i := 0; i < len(text); {
		end := wordEnd(text[i:]) + i
		word := string(text[i:end])
		i = end
		upper := strings.ToUpper(word)
		n, err := strconv.ParseInt(upper, 10, 64)
		if size != "" && err != nil {
			out, size = append(out, size+" "...), ""
		}
		switch {
		case upper == " " || upper == "(" || upper == ")":
		case pass > 0:
			pass--
		case size != "":
			word, size = sizeKey(size, n), ""
		case (upper == "SMALLER" || upper == "LARGER") && i < len(text) && text[i] == ' ':
			size, word = upper, ""
			i++
		default:
			pass = arguments[upper]
		}
		out = append(out, word...)
	}
	return append(append(out, size...), "\r\n"...)
}

func sizeKey(key string, n int64) string {
	switch {
	case key == "LARGER" && n == 0:
		return "NOT SMALLER 1"
	case key == "SMALLER" && n == 0:
		return "NOT ALL"
	case key == "SMALLER":
		return "NOT LARGER " + strconv.FormatInt(n-1, 10)
	}
	return key + " " + strconv.FormatInt(n, 10)
}

// wordEnd is where the first word ends: a quoted string, a space or parenthesis,
// or anything up to one of these.
func wordEnd(text []byte) int {
	switch text[0] {
	case ' ', '(', ')':
		return 1
	case '"':
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return i + 1
			}
		}
		return len(text)
	}
	if n := bytes.IndexAny(text, ` ()"`); n > 0 {
		return n
	}
	return len(text)
}
