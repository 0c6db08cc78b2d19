package mmff

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"waybill/failure"
)

// place finds where the content lies: right behind the header, or behind one
// empty line, whichever makes the sizes end where a message may begin.
func (r *Reader) place(m *Message) error {
	var total int64
	for _, c := range m.inline() {
		if c.Size > r.size-total { // also keeps the sum from overflowing
			return r.tooShort(m)
		}
		total += c.Size
	}
	strict := r.off
	if total > r.size-strict {
		return r.tooShort(m)
	}
	exact, ends, err := r.ends(strict + total)
	if err != nil {
		return err
	}
	start := strict
	if n := r.lineEnd(strict); !exact && n > 0 && total <= r.size-strict-n {
		// Behind an empty line, if only so the sizes end where a message begins.
		exact, behind, err := r.ends(strict + n + total)
		if err != nil {
			return err
		}
		if exact || behind && !ends {
			ends, start = true, strict+n
			m.note("empty-line", "an empty line between the header and the text is not counted in its size")
		}
	}
	if !ends {
		return r.broken(m.Offset, r.line-1, "mmff.size", "sizes count every byte, line ends with them; a transfer that changed line ends breaks them",
			"behind text and attachments, %d bytes, no message begins", total)
	}
	for _, c := range m.inline() {
		c.Offset = start
		start += c.Size
	}
	m.End = start
	return nil
}

func (r *Reader) tooShort(m *Message) error {
	return r.broken(m.Offset, r.line-1, "mmff.truncated", "get the whole file again", "text and attachments are longer than the rest of the file, %d bytes", r.size-r.off)
}

// inline are the contents that lie in the file, in order.
func (m *Message) inline() []*Content {
	var list []*Content
	if m.Text.File == "" {
		list = append(list, &m.Text)
	}
	for i := range m.Attachments {
		if a := &m.Attachments[i]; a.File == "" {
			list = append(list, &a.Content)
		}
	}
	return list
}

// lineEnd is the length of the line end at an offset, 0 when there is none.
func (r *Reader) lineEnd(off int64) int64 {
	b, err := r.bytes(off, 2)
	switch {
	case err != nil:
	case bytes.HasPrefix(b, []byte("\r\n")):
		return 2
	case b[0] == '\r' || b[0] == '\n':
		return 1
	}
	return 0
}

// maxGap is how many empty lines may stand between two messages.
const maxGap = 4096

var versionToken = []byte("VERSION:")

// ends tells whether a message may end at an offset: the file ends there, or the
// next message begins there (exact), perhaps behind empty lines.
func (r *Reader) ends(off int64) (exact, ok bool, err error) {
	for _, n := range []int{64, maxGap} {
		// Not through the window, which stays with the header.
		b := make([]byte, min(int64(n), max(r.size-off, 0)))
		if got, err := r.r.ReadAt(b, off); got < len(b) {
			return false, false, failure.New(failure.ClassOf(err), "read message", fmt.Sprintf("%s byte %d", r.name, off), "mmff.read", err)
		}
		rest := bytes.TrimLeft(b, "\r\n\x1a\x00 \t")
		if len(rest) == 0 && off+int64(len(b)) == r.size {
			return len(bytes.Trim(b, "\x1a")) == 0, true, nil // the mark that ends DOS files
		}
		if len(rest) >= len(versionToken) || len(b) < n {
			return isVersion(b), isVersion(rest), nil
		}
	}
	return false, false, nil
}

func isVersion(b []byte) bool {
	return len(b) >= len(versionToken) && bytes.EqualFold(b[:len(versionToken)], versionToken)
}

// resync goes to the next line that begins with VERSION, behind the message m.
func (r *Reader) resync(m *Message) error {
	if r.off <= m.Offset { // always get on
		if _, err := r.readLine(); err != nil && !errors.Is(err, io.EOF) {
			r.off = min(m.Offset+MaxLine, r.size)
		}
	}
	lineStart := true // header lines end at a line's beginning
	for {
		b, err := r.bytes(r.off, 4096)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for i := range b {
			if lineStart && isVersion(b[i:]) {
				r.off += int64(i)
				return nil
			}
			if lineStart && len(b)-i < len(versionToken) && r.off+int64(len(b)) < r.size && i > 0 {
				b = b[:i] // the token may go on in the next stretch
				break
			}
			lineStart = b[i] == '\n' || b[i] == '\r'
		}
		r.off += int64(len(b))
	}
}
