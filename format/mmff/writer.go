package mmff

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// Writer writes messages.
type Writer struct {
	out  io.Writer
	page mf.CodePage
	end  string
}

// NewWriter writes lines that end with CR LF, which programs read with -F2.
func NewWriter(w io.Writer, page mf.CodePage) *Writer {
	return &Writer{out: w, page: page, end: "\r\n"}
}

// Write writes a message. Sizes of the text and of the attachments are those in
// m; text and data must have exactly as many bytes, in the code page. Contents in
// files of their own are named and not copied. An error of class Internal says
// that a size was wrong, and the message is then not whole.
func (w *Writer) Write(m *Message, text io.Reader, data []io.Reader) error {
	var b strings.Builder
	line := func(token, value string) { b.WriteString(token + ":" + oneLine(value) + w.end) }
	version := m.Version
	if version == "" {
		version = "3.00"
	}
	line("VERSION", version)
	for _, a := range m.To {
		line("TO", a.String())
	}
	if m.From != (Address{}) {
		line("FROM", m.From.String())
	}
	for _, o := range []struct{ token, value string }{{"DATE", m.Date}, {"TIME", m.Time}, {"SUBJECT", m.Subject}, {"PRIORITY", m.Priority}} {
		if o.value != "" {
			line(o.token, o.value)
		}
	}
	for _, e := range m.Ext {
		value, _ := w.page.Encode(oneLine(e.Value))
		line("EXT", fmt.Sprintf("%s:%d:%s", e.Kind, len(value)+len(w.end), e.Name))
		b.WriteString(oneLine(e.Value) + w.end)
	}
	contents := []io.Reader{}
	sizes := []int64{}
	for i, a := range m.Attachments {
		if a.File != "" {
			line("XATTACH", a.File+" "+a.Name)
			continue
		}
		if i >= len(data) {
			return mismatch(a.Name, errors.New("the attachment has no data"))
		}
		line("ATTACHMENT", fmt.Sprintf("%s %d", oneLine(a.Name), a.Size))
		contents, sizes = append(contents, data[i]), append(sizes, a.Size)
	}
	if m.Text.File != "" {
		line("XTEXT", m.Text.File)
	} else {
		line("TEXT", fmt.Sprint(m.Text.Size))
		contents, sizes = append([]io.Reader{text}, contents...), append([]int64{m.Text.Size}, sizes...)
	}
	header, _ := w.page.Encode(b.String())
	if _, err := w.out.Write(header); err != nil {
		return err
	}
	for i, c := range contents {
		n, err := io.Copy(w.out, c)
		if err != nil {
			return err
		}
		if n != sizes[i] {
			return mismatch(m.Subject, fmt.Errorf("%d bytes of content, and %d were announced", n, sizes[i]))
		}
	}
	return nil
}

func mismatch(where string, err error) error {
	return failure.New(failure.Internal, "write message", where, "mmff.size", err)
}

// oneLine keeps a value on its line.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
