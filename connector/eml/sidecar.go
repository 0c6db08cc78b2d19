package eml

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"time"

	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// sidecarName is the file in each folder with what message files do not carry.
const sidecarName = ".waybill.jsonl"

// maxLine bounds a line of the file; longer ones are not ours.
const maxLine = 1 << 20

// line is what is written about a message.
type line struct {
	File string `json:"file"`
	// Date is the internal date, RFC 3339; empty when it is not known.
	Date string `json:"date,omitempty"`
	// Flags are system flags and keywords in IMAP's spelling.
	Flags []string `json:"flags,omitempty"`
}

// facts is what the sidecar says about the messages of one folder. A message
// costs its name and a few bytes; equal sets of flags are kept once.
type facts struct {
	of   map[string]fact
	sets []mail.FlagSet
	ids  map[string]uint32
	// whole is set when the file ends with the end of a line.
	whole bool
}

type fact struct {
	seconds int64
	dated   bool
	set     uint32
}

func newFacts() *facts {
	return &facts{of: map[string]fact{}, ids: map[string]uint32{}, whole: true}
}

// readFacts reads a folder's sidecar; a folder without one has no facts. Lines
// that cannot be read, such as one cut off by a crash, say nothing.
func readFacts(ctx context.Context, dir string) (*facts, error) {
	fs := newFacts()
	r, err := files.Open(ctx, filepath.Join(dir, sidecarName))
	if err != nil {
		if failure.ClassOf(err) == failure.Vanished {
			return fs, nil
		}
		return nil, err
	}
	defer func() { _ = r.Close() }()
	in := bufio.NewReaderSize(r, maxLine)
	for {
		text, err := in.ReadSlice('\n')
		for errors.Is(err, bufio.ErrBufferFull) {
			text = nil
			_, err = in.ReadSlice('\n')
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		if len(text) > 0 {
			fs.whole = err == nil
			fs.learn(text)
		}
		if err == io.EOF {
			return fs, nil
		}
	}
}

func (fs *facts) learn(text []byte) {
	var l line
	if json.Unmarshal(bytes.TrimSpace(text), &l) == nil && l.File != "" {
		fs.set(l)
	}
}

func (fs *facts) set(l line) {
	f := fact{}
	if t, err := time.Parse(time.RFC3339, l.Date); err == nil {
		f.seconds, f.dated = t.Unix(), true
	}
	key := strings.Join(l.Flags, "\x00")
	id, ok := fs.ids[key]
	if !ok {
		id = uint32(len(fs.sets))
		fs.sets = append(fs.sets, mail.NewFlagSet(0, l.Flags...))
		fs.ids[key] = id
	}
	f.set = id
	fs.of[l.File] = f
}

// get returns date and flags of a message, and whether they are known.
func (fs *facts) get(name string) (time.Time, mail.FlagSet, bool) {
	f, ok := fs.of[name]
	if !ok {
		return time.Time{}, mail.FlagSet{}, false
	}
	var date time.Time
	if f.dated {
		date = time.Unix(f.seconds, 0).UTC()
	}
	return date, fs.sets[f.set], true
}

func newLine(name string, date time.Time, set mail.FlagSet) line {
	l := line{File: name, Flags: set.Strings()}
	if !date.IsZero() {
		l.Date = date.UTC().Format(time.RFC3339)
	}
	return l
}

// appendLines adds lines to a folder's sidecar and makes them durable. whole
// tells that the file ends with the end of a line.
func appendLines(d *files.Dir, whole bool, lines []line) error {
	var b bytes.Buffer
	if !whole {
		b.WriteByte('\n')
	}
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	for _, l := range lines {
		if err := out.Encode(l); err != nil {
			return failure.New(failure.Malformed, "write flags", d.Join(sidecarName), "eml.sidecar", err)
		}
	}
	f, err := d.Append(sidecarName)
	if err != nil {
		return err
	}
	_, err = f.Write(b.Bytes())
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return files.Fail("write flags", d.Join(sidecarName), "eml.sidecar", err)
}
