package mbox

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"

	format "waybill/format/mbox"
)

// hasher digests what of a message mail programs leave alone: all header lines
// but those in which they keep flags, UIDs and lengths, and the body without
// the line ends at its end, which come and go with what follows in the file.
// The digest makes a key that survives other programs' rewriting of the file.
type hasher struct {
	in   *bufio.Reader
	sum  hash.Hash
	run  []byte // line ends that may be the last
	room []byte
}

func newHasher() *hasher {
	return &hasher{in: bufio.NewReaderSize(nil, 16<<10), sum: sha256.New(), run: make([]byte, 0, runLimit), room: make([]byte, 64<<10)}
}

// runLimit bounds how many line ends at the end are left out.
const runLimit = 4 << 10

// digest reads the stored bytes of e.
func (h *hasher) digest(file io.ReaderAt, e format.Entry) (uint64, error) {
	h.in.Reset(format.Raw(file, e))
	h.sum.Reset()
	h.run = h.run[:0]
	header, skip, start := true, false, true
	for {
		var text []byte
		var err error
		if header {
			text, err = h.in.ReadSlice('\n')
		} else { // lines do not matter any more
			var n int
			n, err = h.in.Read(h.room)
			text = h.room[:n]
		}
		if header && start && len(text) > 0 {
			switch name, _, ok := bytes.Cut(text[:min(len(text), 64)], []byte(":")); {
			case text[0] == ' ' || text[0] == '\t':
			case text[0] == '\n' || text[0] == '\r' && len(text) == 2:
				header, skip = false, false
			default:
				skip = ok && format.IsStateField(strings.TrimRight(string(name), " \t"))
			}
		}
		if !skip {
			h.write(text)
		}
		start = err == nil
		if err == bufio.ErrBufferFull { //nolint:errorlint // ReadSlice returns the value itself
			continue
		}
		if err == io.EOF {
			return binary.BigEndian.Uint64(h.sum.Sum(nil)), nil
		}
		if err != nil {
			return 0, err
		}
	}
}

func (h *hasher) write(p []byte) {
	body := bytes.TrimRight(p, "\r\n")
	if len(body) > 0 {
		_, _ = h.sum.Write(h.run)
		h.run = h.run[:0]
		_, _ = h.sum.Write(body)
	}
	for _, c := range p[len(body):] {
		if len(h.run) == runLimit {
			_, _ = h.sum.Write(h.run)
			h.run = h.run[:0]
		}
		h.run = append(h.run, c)
	}
}

// formatKey names the n-th message with that digest in its folder, from 0.
func formatKey(digest uint64, n int) string {
	if n == 0 {
		return fmt.Sprintf("%016x", digest)
	}
	return fmt.Sprintf("%016x-%d", digest, n+1)
}

func parseKey(key string) (digest uint64, n int, ok bool) {
	text, number, more := strings.Cut(key, "-")
	digest, err := strconv.ParseUint(text, 16, 64)
	if err != nil || len(text) != 16 {
		return 0, 0, false
	}
	if more {
		n, err = strconv.Atoi(number)
		if n--; err != nil || n < 1 {
			return 0, 0, false
		}
	}
	return digest, n, formatKey(digest, n) == key
}

// damagedKey is the key of bytes that belong to no message; a file has at most
// one such piece, before its first From_ line.
const damagedKey = "preamble"

// index finds a message's offset by its key: 20 to 40 bytes for each.
type index struct {
	first map[uint64]int64
	more  map[uint64][]int64 // of the second and later with equal content
	cr    bool               // lines of the file end with CR alone
}

func newIndex() *index {
	return &index{first: map[uint64]int64{}, more: map[uint64][]int64{}}
}

// add takes the next message of a listing and returns its key.
func (x *index) add(digest uint64, off int64) string {
	if _, taken := x.first[digest]; !taken {
		x.first[digest] = off
		return formatKey(digest, 0)
	}
	x.more[digest] = append(x.more[digest], off)
	return formatKey(digest, len(x.more[digest]))
}

func (x *index) find(key string) (off int64, ok bool) {
	digest, n, ok := parseKey(key)
	if !ok {
		return 0, false
	}
	if n == 0 {
		off, ok = x.first[digest]
		return off, ok
	}
	if list := x.more[digest]; n <= len(list) {
		return list[n-1], true
	}
	return 0, false
}
