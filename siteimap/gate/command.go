package gate

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// Bounds of what one command may be.
const (
	maxCommand = 48 << 10 // bytes, its literals included; go-imap has 50 KiB
	maxInline  = 4096     // bytes of a literal that is no message
	maxSkipped = 4 << 30  // of a refused literal; who announces more is let go
)

var errTooLong = errors.New("the command is too long")

// announced is a literal (RFC 9051 4.3).
type announced struct {
	size int64
	sync bool // the other side waits for a word (RFC 7888: without "+")
}

// command reads a command and hands it on, or answers it.
func (g *Conn) command() error {
	if g.leaving {
		return io.EOF
	}
	g.idle = patience
	if g.loggedOn {
		g.idle = idleTime
	}
	text, message, refused, err := g.readCommand()
	if err != nil {
		return err
	}
	tag, name := nameOf(text)
	g.begin(tag, name)
	switch {
	case tag == "":
		return g.wrong("* BAD A command begins with a tag")
	case name == "":
		return g.wrong(tag + " BAD A tag is followed by a command")
	case refused != "":
		return g.Say("%s %s", tag, refused)
	}
	switch name {
	case "ID": // RFC 2971, which go-imap does not know
		return g.Say("* ID (\"name\" \"waybill\")\r\n%s OK ID completed", tag)
	case "ENABLE":
		return g.Say("* ENABLED\r\n%s OK ENABLE completed", tag)
	case "STARTTLS":
		return g.Say("%s BAD TLS is there already, or cannot be had", tag)
	case "IDLE", "AUTHENTICATE":
		g.stage = atLine
	case "LOGIN":
		text = quotedWords(text)
	case "SEARCH", "UID SEARCH":
		text = sizesApart(text)
	}
	if message != nil {
		g.stage, g.message, g.begun = atMessage, *message, false
	}
	g.ready = text
	return nil
}

// wrong answers what is no command. Who has not logged on may do that only a few
// times: a browser may have been made to send it.
func (g *Conn) wrong(answer string) error {
	if g.attempts++; !g.loggedOn && g.attempts > maxAttempts {
		g.leaving = true
	}
	return g.Say("%s", answer)
}

// readCommand reads a command up to its end, or up to APPEND's message. Literals
// become quoted strings. What is refused is read to its end.
func (g *Conn) readCommand() (text []byte, message *announced, refused string, err error) {
	literals := 0
	for {
		line, err := readLine(g.in, nil)
		if err != nil {
			return nil, nil, "", err
		}
		g.idle = progress
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		size, sync, ok := literalAt(line)
		if ok {
			line = line[:bytes.LastIndexByte(line, '{')]
		}
		if text = append(text, line...); len(text) > maxCommand {
			return nil, nil, "", errTooLong
		}
		switch {
		case !ok:
			return append(text, "\r\n"...), nil, refused, nil
		case refused == "" && takesMessage(text, literals):
			if bytes.HasSuffix(text, []byte("(~")) {
				refused = "BAD UTF8 (RFC 6855) is not offered"
				break
			}
			plus := "+"
			if sync {
				plus = ""
			}
			return append(text, "{"+strconv.FormatInt(size, 10)+plus+"}\r\n"...), &announced{size, sync}, "", nil
		case refused == "" && (size > maxInline || len(text)+2*int(size) > maxCommand):
			refused = "NO [TOOBIG] the literal is too large for this command"
		}
		if refused != "" && sync {
			return text, nil, refused, nil
		}
		if refused != "" {
			if err := g.discard(size); err != nil {
				return nil, nil, "", err
			}
			continue
		}
		if sync {
			if err := g.Say("+ Ready for literal data"); err != nil {
				return nil, nil, "", err
			}
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(g.in, data); err != nil {
			return nil, nil, "", err
		}
		literals++
		if bytes.ContainsAny(data, "\r\n\x00") {
			refused = "BAD line ends and NUL have no place in this literal"
			continue
		}
		text = append(text, quoted(data)...)
	}
}

// quoted writes a quoted string.
func quoted(data []byte) []byte {
	b := []byte{'"'}
	for _, c := range data {
		if c == '"' || c == '\\' {
			b = append(b, '\\')
		}
		b = append(b, c)
	}
	return append(b, '"')
}

func (g *Conn) discard(size int64) error {
	if size > maxSkipped {
		return errTooLong
	}
	_, err := io.CopyN(io.Discard, g.in, size)
	return err
}

// skip reads over a literal that comes without being asked for, and the rest of
// its command.
func (g *Conn) skip(size int64) error {
	for {
		if err := g.discard(size); err != nil {
			return err
		}
		line, err := readLine(g.in, nil)
		if err != nil {
			return err
		}
		more, sync, ok := literalAt(bytes.TrimRight(line, "\r\n"))
		if !ok || sync {
			return nil
		}
		size = more
	}
}

// readLine reads one line into b, its end included.
func readLine(in *bufio.Reader, b []byte) ([]byte, error) {
	for {
		piece, err := in.ReadSlice('\n')
		b = append(b, piece...)
		if err == nil || !errors.Is(err, bufio.ErrBufferFull) {
			return b, err
		}
		if len(b) > maxCommand {
			return b, errTooLong
		}
	}
}

// takesMessage reports whether a literal that was announced is APPEND's message:
// the folder's name went before it.
func takesMessage(text []byte, literals int) bool {
	words := bytes.SplitN(text[:min(len(text), 4096)], []byte(" "), 3)
	return len(words) == 3 && bytes.EqualFold(words[1], []byte("APPEND")) && (literals > 0 || len(words[2]) > 0)
}

// literalAt reads the announcement of a literal at the end of a line.
func literalAt(line []byte) (size int64, sync, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte("}"))
	open := bytes.LastIndexByte(line, '{')
	if !ok || open < 0 {
		return 0, false, false
	}
	digits, plus := bytes.CutSuffix(line[open+1:], []byte("+"))
	if len(digits) == 0 || len(digits) > 18 {
		return 0, false, false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false, false
		}
	}
	size, err := strconv.ParseInt(string(digits), 10, 64)
	return size, !plus, err == nil
}

// nameOf takes tag and name, in capitals, off a command; "" for what is missing.
func nameOf(text []byte) (tag, name string) {
	words := strings.SplitN(strings.TrimRight(string(text), "\r\n"), " ", 4)
	atom := func(i int) string {
		if i >= len(words) || words[i] == "" || strings.IndexFunc(words[i], func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`(){%*"\]+`, r) }) >= 0 {
			return ""
		}
		return strings.ToUpper(words[i])
	}
	if tag = atom(0); tag == "" {
		return "", ""
	}
	if name = atom(1); name == "UID" {
		name = "UID " + atom(2)
	}
	return words[0], name
}
