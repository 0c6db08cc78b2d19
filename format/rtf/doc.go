// Package rtf reads the rich text of Outlook's messages: compressed RTF
// ([MS-OXRTFCP]), and the HTML or plain text that is wrapped in RTF
// ([MS-OXRTFEX]); and it makes readable plain text of genuine RTF.
//
// Everything streams. What is handed in may be damaged: readers give what can be
// read and then an error that names the rule that broke and the offset. Depth,
// words and fonts are bounded.
//
// The usual way from PidTagRtfCompressed to a body:
//
//	raw := rtf.Decompress(stream, limit)
//	body, kind, err := rtf.Unwrap(raw, rtf.Options{})
//	if kind == rtf.KindRTF { // body is the RTF as it was
//		body = rtf.Text(body, rtf.Options{})
//	}
package rtf

import (
	"io"

	"waybill/failure"
)

// Kind says what an RTF stream holds.
type Kind uint8

// The kinds.
const (
	KindRTF  Kind = iota // genuine RTF
	KindHTML             // HTML in RTF (\fromhtml1)
	KindText             // plain text in RTF (\fromtext)
)

func (k Kind) String() string {
	switch k {
	case KindHTML:
		return "html"
	case KindText:
		return "text"
	default:
		return "rtf"
	}
}

// Options say how what has no text is shown.
type Options struct {
	// Attachment gives the UTF-8 text that takes the place of the n-th placeholder
	// of an attachment (\objattph, counted from 0), HTML where the output is HTML.
	// Placeholders are in the order of PidTagRenderingPosition ([MS-OXRTFEX]
	// 2.2.3.4). Nil leaves placeholders out.
	Attachment func(n int) string
}

// Decompress reads compressed RTF and gives RTF ([MS-OXRTFCP]): both the compressed
// (LZFu) and the uncompressed (MELA) form. limit bounds the output in bytes.
//
// The errors come when the stream is read, each after everything that could be
// had: rtf.magic (it is none), rtf.truncated (it ends early, or gives fewer bytes
// than it states), rtf.size (it gives more), rtf.crc (it was changed; all bytes
// were given before), rtf.limit (more than limit bytes; class TooLarge). Errors of r
// are given as they are.
func Decompress(r io.Reader, limit int64) io.Reader { return newDecompressor(r, limit) }

// Unwrap takes the HTML or the plain text out of the RTF that wraps it, as UTF-8
// with lines as the RTF has them (CR LF). HTML keeps the charset that it declared
// inside, which no longer holds: label it UTF-8 where it is passed on. For
// KindRTF the reader gives the RTF unchanged, from its beginning; for what does
// not begin as RTF does, the error has the rule rtf.header.
//
// Errors of the reader come after everything that could be had: rtf.truncated (groups are open at
// the end), rtf.nesting (groups nest too deep; class TooLarge).
func Unwrap(r io.Reader, o Options) (io.Reader, Kind, error) { return unwrap(r, o) }

// Text renders RTF, genuine or not, as plain UTF-8 text with CR LF at the ends of
// lines: cells are set apart by tabs, bullets and numbers of lists are kept,
// fields show their results, and a link its address behind its text. Pictures,
// headers, footers and hidden text are left out. Errors are those of Unwrap.
func Text(r io.Reader, o Options) io.Reader { return newText(r, o) }

// malformed makes an error at an offset of the RTF or the compressed stream.
func malformed(rule, where string, err error) *failure.Error {
	return failure.New(failure.Malformed, "read RTF", where, rule, err)
}
