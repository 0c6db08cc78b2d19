package secret

import (
	"errors"
	"strings"
)

// splitWords takes a command apart as a shell does with quotes, and does nothing
// else that a shell does: no variables, no patterns, no pipes. Inside '...' all
// is literal; a backslash takes the next character literally, inside "..." only
// before " and \, so that names of Windows survive there.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	var quote byte
	open := false // a word has begun, maybe an empty one
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote == '\'' && c != '\'':
			word.WriteByte(c)
		case quote == '"' && c == '\\' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'),
			quote == 0 && c == '\\' && i+1 < len(text):
			i++
			word.WriteByte(text[i])
			open = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, open = c, true
		case quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}
