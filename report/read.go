package report

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"waybill/failure"
)

// maxJSON bounds report.json, in bytes: some hundred times what 10,000
// mailboxes need.
const maxJSON = 4 << 30

// maxLine bounds a line of messages.jsonl, in bytes. Keys are at most 255
// bytes and reasons are sentences; names of folders can be long.
const maxLine = 4 << 20

// Read reads report.json from dir. A directory without one is an error of class
// Vanished; a file that is no waybill, or one of a later format, is Malformed or
// Unsupported.
func Read(dir string) (*Waybill, error) {
	path := filepath.Join(dir, JSONFile)
	f, err := os.Open(path)
	if err != nil {
		e := failure.New(failure.ClassOf(err), "read the waybill", path, "report.open", err)
		if e.Class == failure.Vanished {
			return nil, e.WithRemedy("name the directory that a run or \"waybill report\" wrote")
		}
		return nil, e
	}
	defer f.Close()
	return parse(path, f)
}

func parse(path string, r io.Reader) (*Waybill, error) {
	in := &io.LimitedReader{R: r, N: maxJSON}
	d := json.NewDecoder(in)
	var w Waybill
	if err := d.Decode(&w); err != nil {
		if in.N == 0 {
			return nil, failure.New(failure.TooLarge, "read the waybill", path, "report.too-large", nil)
		}
		return nil, malformed(path+", byte "+strconv.FormatInt(d.InputOffset(), 10), "report.json", "%w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed(path+", byte "+strconv.FormatInt(d.InputOffset(), 10), "report.trailing", "there is more after the end of the waybill")
	}
	switch {
	case w.Format < 1:
		return nil, malformed(path, "report.format", "this is JSON, but not a waybill")
	case w.Format > Format:
		return nil, failure.New(failure.Unsupported, "read the waybill", path, "report.format", nil).
			WithRemedy("it was written by a later version; read it with that")
	}
	return &w, nil
}

// ReadMessages streams messages.jsonl from dir. A line that cannot be read ends
// the stream with an error that names its number; so does a last line without
// its end, for then the file was cut.
func ReadMessages(dir string) Messages {
	return func(yield func(Message, error) bool) {
		path := filepath.Join(dir, MessagesFile)
		f, err := os.Open(path)
		if err != nil {
			yield(Message{}, failure.New(failure.ClassOf(err), "read the waybill", path, "report.open", err))
			return
		}
		defer f.Close()
		parseMessages(path, f, yield)
	}
}

func parseMessages(path string, r io.Reader, yield func(Message, error) bool) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	lines.Split(wholeLines)
	number := 0
	for lines.Scan() {
		number++
		where := path + ", line " + strconv.Itoa(number)
		line := lines.Bytes()
		if !bytes.HasSuffix(line, []byte("\n")) {
			yield(Message{}, malformed(where, "report.truncated", "the file ends in the middle of a line"))
			return
		}
		var m Message
		if err := json.Unmarshal(line, &m); err != nil {
			yield(Message{}, malformed(where, "report.jsonl", "%w", err))
			return
		}
		if m.State == "" {
			yield(Message{}, malformed(where, "report.jsonl", "a message without a state"))
			return
		}
		if !yield(m, nil) {
			return
		}
	}
	if err := lines.Err(); err != nil {
		where := path + ", line " + strconv.Itoa(number+1)
		if errors.Is(err, bufio.ErrTooLong) {
			yield(Message{}, malformed(where, "report.jsonl", "the line is longer than %d bytes", maxLine))
			return
		}
		yield(Message{}, failure.New(failure.ClassOf(err), "read the waybill", where, "report.read", err))
	}
}

// wholeLines splits after each line feed and keeps it, so that a last line
// without one can be told.
func wholeLines(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}
