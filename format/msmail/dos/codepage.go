// Package dos holds what Microsoft Mail files took from MS-DOS: code pages, and
// names of files without regard to letter case.
package dos

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/transform"

	"waybill/failure"
	"waybill/format/mapi"
)

// Default is the code page of most language versions (KB Q174153).
const Default = 850

// CodePage translates text of a postoffice. The zero value is code page 850.
type CodePage struct {
	number int
	enc    encoding.Encoding
}

// NewCodePage finds a code page by its number; 0 is Default. An unknown number is
// an error of rule "msmail.code-page".
func NewCodePage(number int) (CodePage, error) {
	switch number {
	case 0:
		number = Default
	case greek:
		return CodePage{number: number, enc: page737{}}, nil
	case 65001: // no postoffice has it; U+FFFD cannot be told from damage
		return CodePage{}, unknown(number)
	}
	enc, ok := mapi.CodePage(number)
	if !ok || enc == nil {
		return CodePage{}, unknown(number)
	}
	return CodePage{number: number, enc: enc}, nil
}

func unknown(number int) error {
	return failure.New(failure.Usage, "choose code page", "", "msmail.code-page", fmt.Errorf("code page %d is not known", number)).
		WithRemedy("name the DOS code page of the postoffice's language: 437, 737, 850, 852, 866, 932, 936, 949 or 950 (KB Q174153)")
}

// Number is the number of the code page.
func (c CodePage) Number() int {
	if c.number == 0 {
		return Default
	}
	return c.number
}

func (c CodePage) encoding() encoding.Encoding {
	if c.enc == nil {
		return charmap.CodePage850
	}
	return c.enc
}

// Decode gives the text of b. Bytes that mean nothing become U+FFFD.
func (c CodePage) Decode(b string) string {
	ascii := true
	for i := range len(b) {
		if b[i] >= utf8.RuneSelf {
			ascii = false
			break
		}
	}
	if ascii {
		return b
	}
	out, err := c.encoding().NewDecoder().String(b)
	if err != nil {
		return strings.ToValidUTF8(b, string(utf8.RuneError))
	}
	return out
}

// Encode gives the bytes of s; what the code page does not have becomes "?", and
// replaced counts it.
func (c CodePage) Encode(s string) (b string, replaced int) {
	var out strings.Builder
	enc := c.encoding().NewEncoder()
	for _, r := range s {
		if r < utf8.RuneSelf {
			out.WriteByte(byte(r))
			continue
		}
		enc.Reset()
		one, err := enc.String(string(r))
		if err != nil || one == "" || r == utf8.RuneError {
			one = "?"
			replaced++
		}
		out.WriteString(one)
	}
	return out.String(), replaced
}

// NewReader reads r, which is in this code page, as UTF-8.
func (c CodePage) NewReader(r io.Reader) io.Reader {
	return transform.NewReader(r, c.encoding().NewDecoder())
}
