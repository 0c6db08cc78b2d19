package wizard

import (
	"io"

	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	mf "waybill/format/migfile"
)

// Unicode is the number by which Windows calls UTF-16 with the low byte first.
const Unicode = 1200

// Encoder writes text for programs of the time: in a code page, or in UTF-16
// with a byte order mark, which directory import takes as well (KB Q184532).
type Encoder struct {
	io.WriteCloser
	page *mf.Encoder
}

// NewEncoder makes an Encoder to the code page with that number; Unicode is
// UTF-16, and 65001 is UTF-8. An unknown one is an error of rule
// "migfile.code-page".
func NewEncoder(w io.Writer, number int) (*Encoder, error) {
	if number == Unicode {
		return &Encoder{WriteCloser: transform.NewWriter(w, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder())}, nil
	}
	page, err := mf.NewCodePage(number, "")
	if err != nil {
		return nil, err
	}
	e := page.NewEncoder()
	return &Encoder{WriteCloser: transform.NewWriter(w, e), page: e}, nil
}

// Replaced counts the characters that the code page does not have; each became
// a question mark.
func (e *Encoder) Replaced() int {
	if e.page == nil {
		return 0
	}
	return e.page.Replaced
}
