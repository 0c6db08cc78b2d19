package wire

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Command is one command as it is sent: text, and places where the server must
// say "+" before the rest may follow (RFC 9051 4.3). The first error is kept,
// and nothing may be sent then.
type Command struct {
	// NonSync says whether a literal of n bytes may be sent without waiting
	// (LITERAL+ and LITERAL-, RFC 7888); nil: never.
	NonSync func(n int64) bool
	// UTF8 allows UTF-8 inside quoted strings (RFC 6855).
	UTF8 bool

	buf    []byte
	stops  []int
	hidden []span
	err    error
}

type span struct {
	from, to int
	text     string
}

// ErrText is a CR, LF or NUL where the protocol cannot have one.
var ErrText = errors.New("holds a line end or NUL, which IMAP cannot carry here")

// Begin starts a new command with tag and first words.
func (c *Command) Begin(number int, words string) *Command {
	c.buf = append(c.buf[:0], TagPrefix)
	c.stops, c.hidden, c.err = c.stops[:0], c.hidden[:0], nil
	c.buf = strconv.AppendInt(c.buf, int64(number), 10)
	c.buf = append(c.buf, ' ')
	return c.Raw(words)
}

// Continue starts the next piece of a command that is sent piece by piece, as
// APPEND is with several messages.
func (c *Command) Continue() *Command {
	c.buf, c.stops, c.hidden, c.err = c.buf[:0], c.stops[:0], c.hidden[:0], nil
	return c
}

// Raw adds text of the protocol as it stands.
func (c *Command) Raw(text string) *Command {
	if strings.ContainsAny(text, "\r\n\x00") {
		c.refuse(fmt.Errorf("%q %w", clip(text), ErrText))
		return c
	}
	c.buf = append(c.buf, text...)
	return c
}

// Number adds a number.
func (c *Command) Number(n int64) *Command {
	c.buf = strconv.AppendInt(c.buf, n, 10)
	return c
}

// String adds text as a quoted string, or as a literal where quotes cannot hold
// it. NUL cannot be sent at all.
func (c *Command) String(text string) *Command {
	if strings.IndexByte(text, 0) >= 0 {
		c.refuse(fmt.Errorf("%q %w", clip(text), ErrText))
		return c
	}
	if !c.quotable(text) {
		return c.literal(text)
	}
	c.buf = append(c.buf, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			c.buf = append(c.buf, '\\')
		}
		c.buf = append(c.buf, text[i])
	}
	c.buf = append(c.buf, '"')
	return c
}

func (c *Command) quotable(text string) bool {
	if len(text) > 1000 {
		return false
	}
	for i := range len(text) {
		if b := text[i]; b < ' ' || b == 0x7f || b >= 0x80 && !c.UTF8 {
			return false
		}
	}
	return !c.UTF8 || utf8.ValidString(text)
}

func (c *Command) literal(text string) *Command {
	c.LiteralHeader(int64(len(text)))
	c.hide(func() { c.buf = append(c.buf, text...) }, fmt.Sprintf("<%d bytes>", len(text)))
	return c
}

// LiteralHeader adds "{n}" or "{n+}" and the line end. What follows is the
// literal, whether it is added here or sent by the caller.
func (c *Command) LiteralHeader(n int64) *Command {
	c.buf = append(c.buf, '{')
	c.buf = strconv.AppendInt(c.buf, n, 10)
	if c.NonSync != nil && c.NonSync(n) {
		c.buf = append(c.buf, "+}\r\n"...)
		return c
	}
	c.buf = append(c.buf, "}\r\n"...)
	c.stops = append(c.stops, len(c.buf))
	return c
}

// Secret adds a string that traces do not show.
func (c *Command) Secret(text string) *Command {
	c.hide(func() { c.String(text) }, "<secret>")
	return c
}

// SecretRaw adds text of the protocol that traces do not show.
func (c *Command) SecretRaw(text string) *Command {
	c.hide(func() { c.Raw(text) }, "<secret>")
	return c
}

func (c *Command) hide(add func(), text string) {
	from := len(c.buf)
	kept := len(c.hidden)
	add()
	c.hidden = append(c.hidden[:kept], span{from, len(c.buf), text})
}

// Flags adds "(flag flag)". A flag that is not an atom, with a backslash before
// it or not, is refused: it would change the command.
func (c *Command) Flags(flags []string) *Command {
	c.buf = append(c.buf, '(')
	for i, f := range flags {
		if i > 0 {
			c.buf = append(c.buf, ' ')
		}
		if !IsFlag(f) {
			c.refuse(fmt.Errorf("the flag %q is not an atom", clip(f)))
			return c
		}
		c.buf = append(c.buf, f...)
	}
	c.buf = append(c.buf, ')')
	return c
}

// IsAtom reports whether text may be sent as an atom (RFC 9051 9, ATOM-CHAR).
func IsAtom(text string) bool {
	if text == "" || len(text) > MaxAtom {
		return false
	}
	for i := range len(text) {
		if b := text[i]; b <= ' ' || b >= 0x7f || strings.IndexByte(`(){%*"\]`, b) >= 0 {
			return false
		}
	}
	return true
}

// IsFlag reports whether text may be sent as a flag or keyword. \Recent may not:
// it is the server's alone (RFC 3501 2.3.2).
func IsFlag(text string) bool {
	return IsAtom(strings.TrimPrefix(text, `\`)) && !strings.EqualFold(text, `\Recent`)
}

func (c *Command) refuse(err error) {
	if c.err == nil {
		c.err = err
	}
}

// End adds the line end.
func (c *Command) End() *Command {
	c.buf = append(c.buf, "\r\n"...)
	return c
}

// Err is why the command cannot be sent.
func (c *Command) Err() error { return c.err }

// Len is the number of bytes so far.
func (c *Command) Len() int { return len(c.buf) }

// Parts are the pieces of the command. Before each but the first the server's
// "+" must be awaited. The last may be empty, when the caller sends the literal.
func (c *Command) Parts() [][]byte {
	parts := make([][]byte, 0, len(c.stops)+1)
	from := 0
	for _, stop := range c.stops {
		parts = append(parts, c.buf[from:stop])
		from = stop
	}
	return append(parts, c.buf[from:])
}

// Shown is the command for traces: without secrets, contents of literals and the
// last line end.
func (c *Command) Shown() string {
	var b strings.Builder
	from := 0
	for _, h := range c.hidden {
		b.Write(c.buf[from:h.from])
		b.WriteString(h.text)
		from = h.to
	}
	b.Write(c.buf[from:])
	return strings.ReplaceAll(strings.TrimSuffix(b.String(), "\r\n"), "\r\n", " ")
}

func clip(text string) string {
	if len(text) > 80 {
		return text[:80] + "..."
	}
	return text
}
