package rtf

import (
	"bufio"
	"errors"
	"io"
	"math"
)

type tokenKind uint8

const (
	tokenOpen  tokenKind = iota // {
	tokenClose                  // }
	tokenWord                   // \word, \wordN
	tokenBytes                  // text in a code page, not decoded
	tokenSign                   // \~ and the like: word is the sign
	tokenBin                    // \binN, already skipped
)

// token is one piece of RTF syntax.
type token struct {
	kind     tokenKind
	word     string
	param    int32
	hasParam bool
	bytes    []byte // valid until the next token
}

// Bounds of one token. Word's own longest control word has 32 letters (RTF 1.9.1,
// "Control Word").
const (
	maxWord = 32
	maxRun  = 1024
)

// lexer takes RTF apart. It never holds more than maxRun bytes.
type lexer struct {
	in     *bufio.Reader
	offset int64
	run    [maxRun]byte
}

func (l *lexer) readByte() (byte, error) {
	b, err := l.in.ReadByte()
	if err == nil {
		l.offset++
	}
	return b, err
}

func (l *lexer) unread() {
	_ = l.in.UnreadByte()
	l.offset--
}

// next gives the next token, io.EOF at the end.
func (l *lexer) next() (token, error) {
	for {
		b, err := l.readByte()
		if err != nil {
			return token{}, err
		}
		switch b {
		case '{':
			return token{kind: tokenOpen}, nil
		case '}':
			return token{kind: tokenClose}, nil
		case '\\':
			return l.control()
		case '\r', '\n', 0:
			// Ends of lines mean nothing; zeros are padding.
		default:
			return l.text(b)
		}
	}
}

// text collects a run of literal bytes.
func (l *lexer) text(first byte) (token, error) {
	l.run[0] = first
	n := 1
	for n < maxRun {
		b, err := l.readByte()
		if err != nil {
			break // comes again with the next token
		}
		if b == '{' || b == '}' || b == '\\' {
			l.unread()
			break
		}
		if b != '\r' && b != '\n' && b != 0 {
			l.run[n] = b
			n++
		}
	}
	return token{kind: tokenBytes, bytes: l.run[:n]}, nil
}

// control reads what follows a backslash.
func (l *lexer) control() (token, error) {
	b, err := l.readByte()
	if err != nil {
		return token{}, err
	}
	switch {
	case isLetter(b):
		return l.controlWord(b)
	case b == '\'':
		return l.hex()
	case b == '{' || b == '}' || b == '\\':
		l.run[0] = b
		return token{kind: tokenBytes, bytes: l.run[:1]}, nil
	case b == '\r' || b == '\n':
		// A backslash before the end of a line is \par (RTF 1.9.1).
		return token{kind: tokenWord, word: "par"}, nil
	default:
		return token{kind: tokenSign, word: string(rune(b))}, nil
	}
}

func (l *lexer) hex() (token, error) {
	v := 0
	for range 2 {
		b, err := l.readByte()
		if err != nil {
			return token{}, err
		}
		d := hexDigit(b)
		if d < 0 {
			l.unread()
			return token{kind: tokenSign, word: "'"}, nil
		}
		v = v<<4 | d
	}
	l.run[0] = byte(v)
	return token{kind: tokenBytes, bytes: l.run[:1]}, nil
}

func (l *lexer) controlWord(first byte) (token, error) {
	var word [maxWord]byte
	word[0] = first
	n, t := 1, token{kind: tokenWord}
	b, err := l.readByte()
	for ; err == nil && isLetter(b); b, err = l.readByte() {
		if n < maxWord {
			word[n] = b
		}
		n++
	}
	if n <= maxWord { // a longer one is none that means anything
		t.word = string(word[:n])
	}
	negative := err == nil && b == '-'
	if negative {
		b, err = l.readByte()
	}
	v := int64(0)
	for ; err == nil && b >= '0' && b <= '9'; b, err = l.readByte() {
		t.hasParam = true
		v = min(v*10+int64(b-'0'), math.MaxInt32)
	}
	if negative {
		v = -v
	}
	t.param = int32(v)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
		return t, err
	case err == nil && b != ' ':
		l.unread()
	}
	if t.word == "bin" && t.param > 0 {
		skipped, err := io.CopyN(io.Discard, l.in, int64(t.param))
		l.offset += skipped
		if err != nil {
			return token{}, err
		}
		t.kind = tokenBin
	}
	return t, nil
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' }

func hexDigit(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	default:
		return -1
	}
}
