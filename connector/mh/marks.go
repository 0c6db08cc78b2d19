package mh

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	"waybill/mail"
)

// sequencesName is the file of a folder with its sequences.
const sequencesName = ".mh_sequences"

// markNames are the files in which Sylpheed and Claws Mail keep marks.
var markNames = []string{".sylpheed_mark", ".claws_mark"}

// Bounds on such files: of a million messages in a folder none is lost.
const (
	maxLine      = 64 << 10
	maxSequences = 1000
	maxSpans     = 1 << 20
	maxMarks     = 16 << 20
)

// folder is a directory with messages.
type folder struct{ dir string }

func (f folder) beside() []string {
	list := []string{filepath.Join(f.dir, sequencesName)}
	for _, name := range markNames {
		list = append(list, filepath.Join(f.dir, name))
	}
	return list
}

func (f folder) notes() []mail.Note {
	for _, path := range f.beside() {
		if _, err := files.Stat(path); err == nil {
			return nil
		}
	}
	return []mail.Note{{Kind: "flags-unknown", Text: "The folder has no " + sequencesName + "; its messages are taken to be read."}}
}

// begin reads the marks of a folder.
func (f folder) begin(ctx context.Context) (filesource.Describe, error) {
	flags, err := f.marks(ctx)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, key, path string, info files.Info) (mail.Message, error) {
		n, _ := number(key)
		m := mail.Message{Size: info.Size, Flags: flags(n)}
		r, err := files.Open(ctx, path)
		if err != nil {
			return m, err
		}
		defer func() { _ = r.Close() }()
		var note mail.Note
		m.InternalDate, note, err = filesource.GuessDate(r, info.ModTime)
		m.Notes = []mail.Note{note}
		return m, err
	}, nil
}

// marks returns a function that tells the flags of a message by its number.
func (f folder) marks(ctx context.Context) (func(uint32) mail.FlagSet, error) {
	for _, name := range markNames {
		marks, err := readMarks(ctx, filepath.Join(f.dir, name))
		if err != nil {
			return nil, err
		}
		if marks != nil {
			return func(n uint32) mail.FlagSet { return mail.NewFlagSet(marks.of(n)) }, nil
		}
	}
	r, err := files.Open(ctx, filepath.Join(f.dir, sequencesName))
	if err != nil && failure.ClassOf(err) == failure.Vanished {
		return func(uint32) mail.FlagSet { return mail.NewFlagSet(mail.Seen) }, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	list, err := readSequences(r)
	if err != nil {
		return nil, err
	}
	return list.flags, nil
}

// span is a range of numbers, both ends included.
type span struct{ low, high uint32 }

// sequence is a named set of messages.
type sequence struct {
	name  string
	spans []span // sorted, apart
}

func (s sequence) has(n uint32) bool {
	_, found := slices.BinarySearchFunc(s.spans, n, func(s span, n uint32) int {
		switch {
		case s.high < n:
			return -1
		case s.low > n:
			return 1
		}
		return 0
	})
	return found
}

// sequences are those of one folder.
type sequences []sequence

// readSequences reads a file of sequences: "name: 1 3-5" on each line
// (mh-sequence(5)). A line that begins with a space goes on with the one before.
// What is no number is passed over.
func readSequences(r io.Reader) (sequences, error) {
	var list sequences
	spans, fresh, inName := 0, true, true
	in := bufio.NewReaderSize(r, maxLine)
	for {
		part, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
			return nil, err
		}
		text := string(part)
		if fresh && text != "" && text[0] != ' ' && text[0] != '\t' {
			var name string
			if name, text, inName = strings.Cut(text, ":"); inName && len(list) < maxSequences {
				list = append(list, sequence{name: strings.TrimSpace(name)})
			} else {
				inName = false
			}
		}
		if inName && len(list) > 0 {
			last := &list[len(list)-1]
			for word := range strings.FieldsSeq(text) {
				if s, ok := parseSpan(word); ok && spans < maxSpans {
					last.spans = append(last.spans, s)
					spans++
				}
			}
		}
		fresh = !errors.Is(err, bufio.ErrBufferFull)
		if errors.Is(err, io.EOF) {
			break
		}
	}
	for i := range list {
		list[i].spans = merge(list[i].spans)
	}
	return list, nil
}

func parseSpan(word string) (span, bool) {
	low, high, ranged := strings.Cut(word, "-")
	a, err := strconv.ParseUint(low, 10, 32)
	if err != nil {
		return span{}, false
	}
	b := a
	if ranged {
		if b, err = strconv.ParseUint(high, 10, 32); err != nil || b < a {
			return span{}, false
		}
	}
	return span{uint32(a), uint32(b)}, true
}

// merge sorts spans and joins those that touch.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int {
		if a.low < b.low {
			return -1
		}
		if a.low > b.low {
			return 1
		}
		return 0
	})
	kept := spans[:0]
	for _, s := range spans {
		if n := len(kept); n > 0 && (s.low <= kept[n-1].high || s.low == kept[n-1].high+1) {
			kept[n-1].high = max(kept[n-1].high, s.high)
			continue
		}
		kept = append(kept, s)
	}
	return kept
}

func (l sequences) flags(n uint32) mail.FlagSet {
	system := mail.Seen
	var words []string
	for _, s := range l {
		if s.name == "cur" || !s.has(n) {
			continue
		}
		switch strings.ToLower(s.name) {
		case "unseen":
			system &^= mail.Seen
		case "replied", "answered":
			system |= mail.Answered
		case "flagged":
			system |= mail.Flagged
		case "forwarded":
			system |= mail.Forwarded
		case "deleted":
			system |= mail.Deleted
		default:
			words = append(words, keyword(s.name))
		}
	}
	return mail.NewFlagSet(system, words...)
}

// keyword makes an atom of a sequence's name (RFC 9051 4.1).
func keyword(name string) string {
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r >= 0x7f || strings.ContainsRune(`(){%*"\]`, r) {
			return '_'
		}
		return r
	}, name)
}

// marks are what Sylpheed keeps, sorted by number.
type marks []mark

type mark struct{ number, bits uint32 }

// Bits of a mark, as Sylpheed and Claws Mail agree on them.
const (
	markUnread    = 1 << 1
	markMarked    = 1 << 2
	markDeleted   = 1 << 3
	markReplied   = 1 << 4
	markForwarded = 1 << 5
	markVersion   = 2
)

// readMarks reads a file of marks: its version, and two numbers for each message,
// in the order of bytes of the computer that wrote it. It is nil where there is
// no such file, or one of another version.
func readMarks(ctx context.Context, path string) (marks, error) {
	r, err := files.Open(ctx, path)
	if err != nil && failure.ClassOf(err) == failure.Vanished {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return parseMarks(r)
}

func parseMarks(r io.Reader) (marks, error) {
	in := bufio.NewReader(r)
	var head [4]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return nil, ignoreEnd(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if order.Uint32(head[:]) != markVersion {
		order = binary.BigEndian
	}
	if order.Uint32(head[:]) != markVersion {
		return nil, nil
	}
	list := marks{}
	for len(list) < maxMarks/8 {
		var pair [8]byte
		if _, err := io.ReadFull(in, pair[:]); err != nil {
			if err := ignoreEnd(err); err != nil {
				return nil, err
			}
			break
		}
		list = append(list, mark{order.Uint32(pair[:]), order.Uint32(pair[4:])})
	}
	// The last mark of a message counts: new ones are appended.
	slices.SortStableFunc(list, func(a, b mark) int {
		if a.number < b.number {
			return -1
		}
		if a.number > b.number {
			return 1
		}
		return 0
	})
	return list, nil
}

func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// of tells the flags of a message. One without a mark is new, and unread.
func (m marks) of(n uint32) mail.Flags {
	i, _ := slices.BinarySearchFunc(m, uint64(n)+1, func(have mark, n uint64) int {
		if uint64(have.number) < n {
			return -1
		}
		return 1
	})
	if i == 0 || m[i-1].number != n {
		return 0
	}
	bits := m[i-1].bits
	var f mail.Flags
	if bits&markUnread == 0 {
		f |= mail.Seen
	}
	for bit, flag := range map[uint32]mail.Flags{markMarked: mail.Flagged, markDeleted: mail.Deleted, markReplied: mail.Answered, markForwarded: mail.Forwarded} {
		if bits&bit != 0 {
			f |= flag
		}
	}
	return f
}
