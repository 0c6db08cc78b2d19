package mapimail

import (
	"bytes"
	"context"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
)

// textSource reads a text property as UTF-8.
func textSource(v mapi.Value, codePage int) source {
	if held, is := v.Data.(mapi.Bytes); is && len(held) <= maxHeld {
		if decoder := decoderOf(v.Type, codePage); decoder != nil {
			return heldText(held, decoder)
		}
	}
	return dataSource(v.Data).through(func(r io.Reader) io.Reader {
		if v.Type == mapi.TypeUnicode {
			r = utf16Text(r)
		} else {
			r = codePageText(r, codePage)
		}
		return &zeroTrimmer{r: r}
	})
}

// maxHeld is the longest text in memory that is decoded in one piece.
const maxHeld = 64 << 10

// heldText is textSource for a short text that is in memory.
func heldText(held []byte, decoder func() *encoding.Decoder) source {
	return source{size: -1, open: func(context.Context) (io.ReadCloser, error) {
		text, err := decoder().Bytes(held)
		if err != nil {
			return nil, failure.New(failure.Malformed, "read text", "", "mapimail.text", err)
		}
		return io.NopCloser(bytes.NewReader(bytes.TrimRight(text, "\x00"))), nil
	}}
}

// decoderOf makes decoders of a text's characters; nil where there is no table for
// them.
func decoderOf(t mapi.Type, codePage int) func() *encoding.Decoder {
	if t == mapi.TypeUnicode {
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder
	}
	if enc, ok := mapi.CodePage(codePage); ok && enc != nil {
		return enc.NewDecoder
	}
	return nil
}

// utf16Text reads UTF-16LE as UTF-8. Half characters become U+FFFD.
func utf16Text(r io.Reader) io.Reader {
	return transform.NewReader(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder())
}

// codePageText reads text in a Windows code page as UTF-8.
func codePageText(r io.Reader, codePage int) io.Reader {
	if enc, ok := mapi.CodePage(codePage); ok && enc != nil {
		return transform.NewReader(r, enc.NewDecoder())
	}
	text, _ := mime.NewTextReader(r, "")
	return text
}

// zeroTrimmer leaves out the zero bytes at the end, which some programs count as
// part of a text.
type zeroTrimmer struct {
	r     io.Reader
	zeros int64  // held back, in front of rest
	rest  []byte // to be given; ends with no zero
	after int64  // held back, behind rest
	buf   []byte
	err   error
}

func (z *zeroTrimmer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		switch {
		case len(z.rest) > 0 && z.zeros > 0:
			n := int(min(z.zeros, int64(len(p))))
			clear(p[:n])
			z.zeros -= int64(n)
			return n, nil
		case len(z.rest) > 0:
			n := copy(p, z.rest)
			z.rest = z.rest[n:]
			return n, nil
		case z.err != nil:
			return 0, z.err
		}
		z.zeros += z.after
		if z.buf == nil {
			z.buf = make([]byte, 8<<10)
		}
		n, err := z.r.Read(z.buf)
		z.rest = bytes.TrimRight(z.buf[:n], "\x00")
		z.after, z.err = int64(n-len(z.rest)), err
	}
}
