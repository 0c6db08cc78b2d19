package office

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime/quotedprintable"
	"regexp"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/ianaindex"
)

// render makes the message as its writer's program sent it.
func (d *draft) render() ([]byte, error) {
	if d.options["empty"] {
		return nil, nil
	}
	encoder, err := encoderFor(d.charset)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	has := map[string]bool{}
	sender := ""
	for _, field := range d.header {
		key, value, _ := strings.Cut(field, ":")
		has[strings.ToLower(key)] = true
		if key == "From" {
			sender = value
		}
		line := key + ":" + encodeField(key, value, d.charset, encoder)
		if ascii(field) || d.options["raw8"] {
			if line, err = encoder.String(field); err != nil {
				return nil, err
			}
		}
		b.WriteString(line + "\n")
	}
	d.complete(&b, has, sender)
	b.WriteString("\n")
	body, err := d.renderBody(encoder)
	if err != nil {
		return nil, err
	}
	b.Write(body)
	return b.Bytes(), nil
}

// complete adds the fields that a mail program adds by itself.
func (d *draft) complete(b *bytes.Buffer, has map[string]bool, sender string) {
	if !has["date"] && !d.options["nodate"] {
		fmt.Fprintf(b, "Date: %s\n", d.at.Format("Mon, 2 Jan 2006 15:04:05 -0700"))
	}
	if !has["message-id"] && !d.options["noid"] {
		host := "harbour-hale.example"
		if m := angle.FindStringSubmatch(sender); m != nil {
			host = domain(m[1])
		}
		fmt.Fprintf(b, "Message-ID: <%s.%x@%s>\n", d.at.Format("20060102150405"), number(d.name)&0xffffff, host)
	}
	if !has["content-type"] && d.charset != "" && !d.options["nomime"] {
		encoding := map[string]string{"8bit": "8bit", "qp": "quoted-printable", "base64": "base64"}[d.encoding]
		if strings.EqualFold(d.charset, "iso-2022-jp") || strings.EqualFold(d.charset, "us-ascii") {
			encoding = "7bit"
		}
		fmt.Fprintf(b, "MIME-Version: 1.0\nContent-Type: text/plain; charset=%s\nContent-Transfer-Encoding: %s\n", d.charset, encoding)
	}
	if !has["x-mailer"] && !has["user-agent"] && strings.Contains(sender, "@harbour-hale.example") && !d.options["nomime"] {
		switch year := d.at.Year(); {
		case year < 2003:
			b.WriteString("X-Mailer: Mozilla 4.75 [de] (Win98; U)\n")
		case year < 2009:
			b.WriteString("X-Mailer: Microsoft Outlook Express 6.00.2900.2180\n")
		default:
			b.WriteString("User-Agent: Mozilla Thunderbird\n")
		}
	}
}

// renderBody encodes the lines and fills in what "@@" lines ask for.
func (d *draft) renderBody(encoder *encoding.Encoder) ([]byte, error) {
	var b bytes.Buffer
	for _, line := range d.body {
		if directive, ok := strings.CutPrefix(line, "@@"); ok {
			word, name, _ := strings.Cut(directive, " ")
			switch word {
			case "base64":
				content, ok := d.files[name]
				if !ok {
					return nil, fmt.Errorf("no file %q", name)
				}
				writeBase64(&b, content)
			case "message":
				other, ok := d.neighbours[name]
				if !ok {
					return nil, fmt.Errorf("no message %q", name)
				}
				other.files, other.neighbours = d.files, d.neighbours
				content, err := other.render()
				if err != nil {
					return nil, err
				}
				b.Write(content)
			case "fill": // N TEXT: the text N times on one line
				var n int
				_, _ = fmt.Sscan(name, &n)
				_, text, _ := strings.Cut(name, " ")
				b.WriteString(strings.Repeat(text, n) + "\n")
			case "nul":
				b.WriteString("\x00\x00\x00\n")
			default:
				return nil, fmt.Errorf("unknown %q", line)
			}
			continue
		}
		encoded, err := encoder.String(line)
		if err != nil {
			return nil, fmt.Errorf("%q in %s: %w", line, d.charset, err)
		}
		b.WriteString(encoded + "\n")
	}
	var out bytes.Buffer
	switch d.encoding {
	case "qp":
		w := quotedprintable.NewWriter(&out)
		if _, err := w.Write(b.Bytes()); err != nil {
			return nil, err
		}
		if err := w.Close(); err != nil {
			return nil, err
		}
		return bytes.ReplaceAll(out.Bytes(), []byte("\r\n"), []byte("\n")), nil
	case "base64":
		writeBase64(&out, b.Bytes())
		return out.Bytes(), nil
	}
	return b.Bytes(), nil
}

func writeBase64(b *bytes.Buffer, content []byte) {
	encoded := base64.StdEncoding.EncodeToString(content)
	for len(encoded) > 76 {
		b.WriteString(encoded[:76] + "\n")
		encoded = encoded[76:]
	}
	b.WriteString(encoded + "\n")
}

func encoderFor(charset string) (*encoding.Encoder, error) {
	if charset == "" || strings.EqualFold(charset, "utf-8") || strings.EqualFold(charset, "us-ascii") {
		return encoding.Nop.NewEncoder(), nil
	}
	e, err := ianaindex.MIME.Encoding(charset)
	if err != nil || e == nil {
		return nil, fmt.Errorf("charset %q is not known", charset)
	}
	return e.NewEncoder(), nil
}

// phrase is the part of an address field that may hold a name.
var phrase = regexp.MustCompile(`[^<>,:;"]*[^\x00-\x7f][^<>,:;"]*`)

// encodeField writes a field's text as encoded words (RFC 2047).
func encodeField(key, value, charset string, encoder *encoding.Encoder) string {
	switch key {
	case "From", "To", "Cc", "Bcc", "Reply-To", "Sender":
		value = strings.ReplaceAll(value, `"`, "")
		return phrase.ReplaceAllStringFunc(value, func(s string) string {
			trimmed := strings.TrimSpace(s)
			return strings.Replace(s, trimmed, encodeWords(trimmed, charset, encoder), 1)
		})
	}
	return " " + encodeWords(strings.TrimSpace(value), charset, encoder)
}

// encodeWords keeps each encoded word (RFC 2047) within 75 characters by taking
// a few letters at a time; the line breaks between words are no part of the text.
func encodeWords(text, charset string, encoder *encoding.Encoder) string {
	if charset == "" {
		charset = "utf-8"
	}
	base := strings.HasPrefix(charset, "iso-2022") || strings.HasPrefix(charset, "gb") || strings.HasPrefix(charset, "koi8")
	const step = 12
	var out []string
	for letters := []rune(text); len(letters) > 0; letters = letters[min(step, len(letters)):] {
		piece := string(letters[:min(step, len(letters))])
		encoded, err := encoder.String(piece)
		if err != nil {
			encoded = piece
		}
		if base {
			out = append(out, "=?"+charset+"?B?"+base64.StdEncoding.EncodeToString([]byte(encoded))+"?=")
		} else {
			out = append(out, "=?"+charset+"?Q?"+quote(encoded)+"?=")
		}
	}
	return strings.Join(out, "\n ")
}

// quote is the Q encoding (RFC 2047 4.2).
func quote(s string) string {
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case c == ' ':
			b.WriteByte('_')
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '.':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
