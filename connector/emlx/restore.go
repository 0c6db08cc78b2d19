package emlx

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"waybill/connector/files"
	"waybill/failure"
	"waybill/format/mime"
	"waybill/mail"
)

// attachmentsName is the directory beside Messages with attachments in files:
// Attachments/<message>/<part>/<file>.
const attachmentsName = "Attachments"

// lengthField is in the header of a part whose body lies elsewhere.
const lengthField = "x-apple-content-length"

// Bounds on the structure of a message; what is beyond them is given as it is.
const (
	maxParts  = 50 // multiparts in each other
	maxHeader = 256 << 10
	maxBlank  = 64
	lineGroup = 57 * 64 // bytes of an attachment that become 64 lines of base64
)

func attachmentsOf(path string) string {
	name := filepath.Base(path)
	return filepath.Join(filepath.Dir(filepath.Dir(path)), attachmentsName, name[:len(name)-len(partial)])
}

// restorer gives a message with its attachments put back into the parts that they
// were taken from. Parts are numbered as in IMAP (RFC 9051 6.4.5.1). All other
// bytes stay as they are.
type restorer struct {
	ctx context.Context
	in  *bufio.Reader
	dir string

	levels []level
	number string // of the part whose header or body is read
	nested bool   // the header is that of a message in a message
	state  restoreState
	header []byte // held back until it is known whether the body is empty
	blank  int    // how many empty lines of the body are in it
	end    int    // where the header's fields end

	pending []byte // a boundary that waits for an attachment before it
	fresh   bool   // a line begins
	newline string

	out     bytes.Buffer
	file    *files.Reader
	raw     [lineGroup]byte
	written int64

	restored, missing int
}

type restoreState uint8

const (
	inHeader restoreState = iota
	inEmpty               // behind a header whose body should be empty
	inBody
)

// level is a multipart that is open.
type level struct {
	boundary, prefix string
	parts            int
}

func newRestorer(ctx context.Context, r io.Reader, dir string) *restorer {
	return &restorer{ctx: ctx, in: bufio.NewReaderSize(r, 64<<10), dir: dir, fresh: true, newline: "\n"}
}

func (r *restorer) close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}

func (r *restorer) notes() []mail.Note {
	var notes []mail.Note
	if r.restored > 0 {
		notes = append(notes, mail.Note{Kind: "attachments-restored", Text: fmt.Sprintf("%d attachments that lay in files beside the message were put back; their lines may be broken in other places than before.", r.restored)})
	}
	if r.missing > 0 {
		notes = append(notes, mail.Note{Kind: "attachments-missing", Text: fmt.Sprintf("%d attachments were never fetched from the server, or their files are missing; their parts are empty.", r.missing)})
	}
	return notes
}

func (r *restorer) Read(p []byte) (int, error) {
	for r.out.Len() == 0 {
		if err := r.ctx.Err(); err != nil {
			return 0, files.Fail("read message", r.dir, "emlx.read", err)
		}
		if err := r.step(); err != nil {
			if errors.Is(err, io.EOF) && r.out.Len() > 0 {
				break
			}
			return 0, err
		}
	}
	n, err := r.out.Read(p)
	r.written += int64(n)
	return n, err
}

// step puts more of the message into out.
func (r *restorer) step() error {
	if r.file != nil {
		return r.encode()
	}
	if line := r.pending; line != nil {
		r.pending = nil
		r.line(line, true)
		return nil
	}
	part, err := r.in.ReadSlice('\n')
	if err != nil && !errors.Is(err, bufio.ErrBufferFull) && !errors.Is(err, io.EOF) {
		return err
	}
	if len(part) == 0 {
		r.flush(true)
		if r.file != nil || r.out.Len() > 0 {
			return nil
		}
		return io.EOF
	}
	r.line(part, r.fresh)
	r.fresh = err == nil
	return nil
}

// line takes a line, or a piece of a long one; fresh tells that it begins one.
func (r *restorer) line(line []byte, fresh bool) {
	content := bytes.TrimRight(line, "\r\n \t")
	if fresh && r.levelOf(content) >= 0 {
		if r.state != inBody {
			r.flush(true)
		}
		if r.file != nil { // its bytes come first
			r.pending = bytes.Clone(line)
			return
		}
		r.enter(content)
		r.out.Write(line)
		return
	}
	switch r.state {
	case inBody:
		r.out.Write(line)
	case inHeader:
		r.header = append(r.header, line...)
		switch {
		case len(content) == 0:
			r.endHeader(len(r.header) - len(line))
		case len(r.header) > maxHeader:
			r.state = inBody
			r.flush(false)
		}
	case inEmpty:
		if r.header = append(r.header, line...); len(content) > 0 || r.blank >= maxBlank {
			r.flush(false)
		}
		r.blank++
	}
}

// levelOf finds the multipart whose boundary a line is; -1 where it is none.
func (r *restorer) levelOf(line []byte) int {
	if len(line) < 3 || line[0] != '-' || line[1] != '-' {
		return -1
	}
	for i, l := range slices.Backward(r.levels) {
		if rest, ok := strings.CutPrefix(string(line[2:]), l.boundary); ok && (rest == "" || rest == "--") {
			return i
		}
	}
	return -1
}

// enter goes on to the part that a boundary begins, or behind the multipart that
// it ends.
func (r *restorer) enter(line []byte) {
	i := r.levelOf(line)
	r.levels = r.levels[:i+1]
	if len(line) == len(r.levels[i].boundary)+4 {
		r.levels = r.levels[:i]
		r.state = inBody
		return
	}
	r.levels[i].parts++
	r.number = r.levels[i].prefix + strconv.Itoa(r.levels[i].parts)
	r.state, r.nested = inHeader, false
}

// endHeader looks at a whole header, whose fields end at an offset.
func (r *restorer) endHeader(end int) {
	r.end, r.blank = end, 0
	fields := splitFields(r.header[:end])
	kind, params := mime.ParseParams(fields["content-type"])
	top := r.number == "" || r.nested
	prefix := ""
	if r.number != "" {
		prefix = r.number + "."
	}
	kind = strings.ToLower(kind)
	_, elsewhere := fields[lengthField]
	switch {
	case strings.HasPrefix(kind, "multipart/") && params["boundary"] != "" && len(r.levels) < maxParts:
		r.levels = append(r.levels, level{boundary: params["boundary"], prefix: prefix})
		r.state = inBody
	case kind == "message/rfc822" && !elsewhere && strings.Count(r.number, ".") < maxParts:
		if top {
			r.number = prefix + "1"
		}
		r.state, r.nested = inHeader, true
	default:
		if top {
			r.number = prefix + "1"
		}
		r.state = inBody
		if elsewhere {
			r.state = inEmpty
			return
		}
	}
	state := r.state
	r.flush(false)
	r.state = state
}

// splitFields gives the fields of a header by their names in lower case; of two of
// one name the first counts.
func splitFields(header []byte) map[string]string {
	fields := map[string]string{}
	name := ""
	for line := range bytes.Lines(header) {
		text := strings.TrimRight(string(line), "\r\n")
		if text != "" && (text[0] == ' ' || text[0] == '\t') {
			if name != "" {
				fields[name] += text
			}
			continue
		}
		field, value, _ := strings.Cut(text, ":")
		name = strings.ToLower(strings.TrimSpace(field))
		if _, twice := fields[name]; twice {
			name = ""
			continue
		}
		fields[name] = strings.TrimSpace(value)
	}
	return fields
}

// flush gives the header that is held back. Where its body is empty, and the
// attachment is there, the header is changed and the attachment follows.
func (r *restorer) flush(ended bool) {
	header := r.header
	r.header = nil
	if r.state == inEmpty && ended {
		if r.open() {
			r.restored++
			r.rewrite(header[:r.end])
			r.state = inBody
			return
		}
		r.missing++
	}
	r.out.Write(header)
	if r.state == inEmpty {
		r.state = inBody
	}
}

// open opens the file of the part's attachment.
func (r *restorer) open() bool {
	dir := filepath.Join(r.dir, r.number)
	names, err := files.Names(r.ctx, dir)
	if err != nil {
		return false
	}
	for _, name := range names {
		if strings.HasPrefix(name, ".") || files.IsDir(filepath.Join(dir, name)) {
			continue
		}
		if f, err := files.Open(r.ctx, filepath.Join(dir, name)); err == nil {
			r.file = f
			return true
		}
	}
	return false
}

// rewrite gives the fields of a header, with the encoding of what follows.
func (r *restorer) rewrite(fields []byte) {
	leave := false
	for line := range bytes.Lines(fields) {
		if bytes.HasSuffix(line, []byte("\r\n")) {
			r.newline = "\r\n"
		}
		if line[0] != ' ' && line[0] != '\t' {
			name, _, _ := strings.Cut(string(line), ":")
			name = strings.ToLower(strings.TrimSpace(name))
			leave = name == lengthField || name == "content-transfer-encoding"
		}
		if !leave {
			r.out.Write(line)
		}
	}
	r.out.WriteString("Content-Transfer-Encoding: base64" + r.newline + r.newline)
}

// encode gives the next lines of an attachment.
func (r *restorer) encode() error {
	n, err := io.ReadFull(r.file, r.raw[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		class := failure.ClassOf(err)
		return failure.New(class, "read attachment", r.dir+", part "+r.number, "emlx.attachment", err)
	}
	for b := r.raw[:n]; len(b) > 0; {
		k := min(57, len(b))
		r.out.WriteString(base64.StdEncoding.EncodeToString(b[:k]))
		r.out.WriteString(r.newline)
		b = b[k:]
	}
	if n < len(r.raw) {
		r.close()
	}
	return nil
}
