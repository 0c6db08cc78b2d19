package emlx

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	"waybill/mail"
)

// Bounds on what stands around a message.
const (
	maxLengthLine = 64
	maxFacts      = 1 << 20
	maxNesting    = 100
)

// open1 is an open file.
type open1 struct {
	at *files.At
	// start and size are where the message lies in the file.
	start, size int64
}

// openFile opens a file and reads the line with the length of the message.
func openFile(ctx context.Context, path string) (*open1, error) {
	at, err := files.OpenAt(ctx, path)
	if err != nil {
		return nil, err
	}
	o := &open1{at: at}
	if err := o.readLength(path); err != nil {
		_ = at.Close()
		return nil, err
	}
	return o, nil
}

func (o *open1) readLength(path string) error {
	var b [maxLengthLine]byte
	n, err := o.at.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	line, _, ok := strings.Cut(string(b[:n]), "\n")
	o.start = int64(len(line) + 1)
	o.size, err = strconv.ParseInt(strings.TrimSpace(line), 10, 63)
	if !ok || err != nil || o.size < 0 {
		return failure.New(failure.Malformed, "read message", path, "emlx.length", errors.New("the file does not begin with the length of its message"))
	}
	if have := o.at.Size() - o.start; o.size > have {
		return failure.New(failure.Malformed, "read message", fmt.Sprintf("%s, offset %d", path, o.at.Size()), "emlx.truncated",
			fmt.Errorf("the message has %d bytes, and the file ends after %d", o.size, have))
	}
	return nil
}

func (o *open1) message() io.Reader { return io.NewSectionReader(o.at, o.start, o.size) }

// describer describes the messages of a folder.
type describer struct{ drafts bool }

// describe tells what is known of a message.
func (d describer) describe(ctx context.Context, _, path string, info files.Info) (mail.Message, error) {
	m := mail.Message{Size: -1}
	o, err := openFile(ctx, path)
	if err != nil {
		return m, err
	}
	defer func() { _ = o.at.Close() }()
	facts, ok := readFacts(io.NewSectionReader(o.at, o.start+o.size, min(maxFacts, o.at.Size()-o.start-o.size)))
	if err := ctx.Err(); err != nil {
		return m, files.Fail("read message", path, "emlx.read", err)
	}
	if !ok {
		m.Notes = append(m.Notes, mail.Note{Kind: "flags-unknown", Text: "The property list behind the message is missing or broken, so its marks are not known."})
	}
	m.Flags = flags(facts["flags"])
	if !d.drafts && m.Flags.System&mail.Draft != 0 {
		// Real messages that were sent have it still.
		m.Flags.System &^= mail.Draft
		m.Notes = append(m.Notes, mail.Note{Kind: "draft-mark", Text: "The message is marked as a draft and lies among mail that is none, as sent mail does; the mark is left out."})
	}
	if hasSuffix(filepath.Base(path), partial) {
		r := newRestorer(ctx, o.message(), attachmentsOf(path))
		_, err := io.Copy(io.Discard, r)
		r.close()
		if err != nil {
			return m, err
		}
		m.Notes = append(m.Notes, r.notes()...)
		m.Size = r.written
	} else {
		m.Size = o.size
	}
	if t := facts["date-received"]; t > 0 && t < 1<<33 {
		m.InternalDate = time.Unix(t, 0).UTC()
		return m, nil
	}
	date, note, err := filesource.GuessDate(o.message(), info.ModTime)
	m.InternalDate, m.Notes = date, append(m.Notes, note)
	return m, err
}

// size tells nearly how long a message will be with its attachments.
func size(ctx context.Context, path string, info files.Info) int64 {
	n := info.Size
	if !hasSuffix(filepath.Base(path), partial) {
		return n
	}
	dir := attachmentsOf(path)
	parts, _ := files.Names(ctx, dir)
	for _, part := range parts {
		names, _ := files.Names(ctx, filepath.Join(dir, part))
		for _, name := range names {
			if info, err := files.Stat(filepath.Join(dir, part, name)); err == nil && info.IsRegular() {
				n += info.Size/57*77 + 77
			}
		}
	}
	return n
}

// openMessage opens the message in a file.
func openMessage(ctx context.Context, path string) (filesource.Body, error) {
	o, err := openFile(ctx, path)
	if err != nil {
		return nil, err
	}
	if !hasSuffix(filepath.Base(path), partial) {
		return filesource.NewBody(ctx, o.message(), o.size, o.at.Unchanged, o.at.Close), nil
	}
	r := newRestorer(ctx, o.message(), attachmentsOf(path))
	return filesource.NewBody(ctx, r, -1, o.at.Unchanged, func() error { r.close(); return o.at.Close() }), nil
}

// readFacts reads the numbers of a property list (Apple's "PropertyList-1.0.dtd"):
// a dictionary of keys, each with a value behind it.
func readFacts(r io.Reader) (map[string]int64, bool) {
	in := xml.NewDecoder(r)
	in.Strict = false
	facts := map[string]int64{}
	depth, key, ok := 0, "", false
	for {
		token, err := in.Token()
		if err != nil {
			return facts, ok
		}
		switch t := token.(type) {
		case xml.StartElement:
			if depth++; depth > maxNesting {
				return facts, ok
			}
			if depth != 3 { // plist, dict, value
				continue
			}
			switch t.Name.Local {
			case "key", "integer", "real":
				var text string
				if in.DecodeElement(&text, &t) != nil {
					return facts, ok
				}
				depth--
				if t.Name.Local == "key" {
					key = text
				} else if n, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil && n > -1<<52 && n < 1<<52 {
					facts[key], ok = int64(n), true
				}
			}
		case xml.EndElement:
			depth--
		}
	}
}

// Bits of "flags" (jwz, "emlx flags?").
var bits = []struct {
	bit  int64
	flag mail.Flags
}{{1 << 0, mail.Seen}, {1 << 1, mail.Deleted}, {1 << 2, mail.Answered}, {1 << 4, mail.Flagged}, {1 << 6, mail.Draft}, {1 << 8, mail.Forwarded}}

const (
	bitJunk    = 1 << 24
	bitNotJunk = 1 << 25
)

func flags(n int64) mail.FlagSet {
	var system mail.Flags
	for _, b := range bits {
		if n&b.bit != 0 {
			system |= b.flag
		}
	}
	var words []string
	if n&bitJunk != 0 {
		words = append(words, "$Junk")
	} else if n&bitNotJunk != 0 {
		words = append(words, "$NotJunk")
	}
	return mail.NewFlagSet(system, words...)
}
