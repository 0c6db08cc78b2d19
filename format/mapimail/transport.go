package mapimail

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"waybill/format/mapi"
	"waybill/format/mime"
)

// structure are the fields of a stored header that told of a body which is now
// built anew (RFC 2045 3).
var structure = []string{
	"mime-version", "content-type", "content-transfer-encoding", "content-disposition", "content-id",
	"content-description", "content-length", "content-location", "content-base", "content-md5", "lines",
}

// receipts are the fields that make a mail program, or a server, send a receipt.
var receipts = []string{
	"disposition-notification-to", "return-receipt-to", "x-confirm-reading-to", "read-receipt-to",
	"generate-delivery-report", "x-receipt-to", "return-receipt-requested",
}

// addressFields hold addresses (RFC 5322 3.6).
var addressFields = []string{
	"from", "sender", "reply-to", "to", "cc", "bcc", "resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc",
	"disposition-notification-to", "return-receipt-to", "errors-to", "apparently-to",
}

// traceFields are made of words for programs, among which an encoded word can only
// stand for a single word.
var traceFields = []string{
	"received", "return-path", "message-id", "in-reply-to", "references", "dkim-signature", "authentication-results", "date",
	"arc-seal", "arc-message-signature", "arc-authentication-results", "received-spf", "x-received", "resent-date", "resent-message-id",
}

// transportHeader reads the header that the message arrived with ([MS-OXOMSG]
// 2.2.1.61): its fields in their order, those of the MIME structure left out.
func (c *converter) transportHeader(ctx context.Context) (*header, error) {
	h := &header{}
	v, ok := c.stored(mapi.TransportMessageHeaders, mapi.TypeUnicode, mapi.TypeString8)
	if !ok {
		return h, nil
	}
	b, err := textSource(v, c.codePage()).head(ctx, mime.MaxHeaderBytes+1)
	switch {
	case err != nil && !damaged(err):
		return nil, err
	case err != nil:
		c.note("header-unreadable", "The end of the message's header could not be read: "+err.Error())
	case len(b) > mime.MaxHeaderBytes:
		b = b[:mime.MaxHeaderBytes]
		c.note("header-too-long", fmt.Sprintf("Only the first %d bytes of the message's header are carried.", len(b)))
	}
	c.parseHeader(h, strings.ToValidUTF8(strings.ReplaceAll(string(b), "\x00", ""), "\uFFFD"))
	return h, nil
}

// parseHeader adds the fields in text to h.
func (c *converter) parseHeader(h *header, text string) {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\r", "\n")
	odd := 0
	var lines []string // of the current field
	finish := func() {
		if len(lines) > 0 {
			c.transportField(h, lines)
		}
		lines = nil
	}
	first := true
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case line == "":
			finish()
			if len(h.fields) > 0 {
				return // headers of the parts may follow, which are built anew
			}
		case strings.TrimSpace(line) == "": // an old form of folding (RFC 5322 4.2)
		case line[0] == ' ' || line[0] == '\t':
			if len(lines) > 0 {
				lines = append(lines, line)
			}
		case fieldName(line) != "":
			finish()
			lines = []string{line}
		case first: // "Microsoft Mail Internet Headers Version 2.0"
		case strings.HasPrefix(line, "--"):
			finish()
			return // the boundary in front of the first part
		default:
			finish()
			if odd++; odd <= 20 {
				c.note("header-line", "A line of the message's header is no field, and is kept as X-Unreadable-Field: "+clip(oneLine(line), 200))
				h.add("X-Unreadable-Field", line)
			}
		}
		first = false
	}
	finish()
}

// fieldName is the name that a line begins with (RFC 5322 3.6.8); empty for none.
func fieldName(line string) string {
	name, _, ok := strings.Cut(line, ":")
	name = strings.TrimRight(name, " \t")
	if !ok || name == "" || len(name) > 100 || !printable(name) {
		return ""
	}
	return name
}

// transportField adds a stored field: as it is, if that is a legal field, and
// encoded otherwise.
func (c *converter) transportField(h *header, lines []string) {
	name := fieldName(lines[0])
	lower := strings.ToLower(name)
	if slices.Contains(structure, lower) {
		if _, value, _ := strings.Cut(strings.Join(lines, ""), ":"); lower == "content-type" && c.storedType == "" {
			c.storedType = strings.TrimSpace(value)
		}
		return
	}
	if c.DisarmReceipts && slices.Contains(receipts, lower) {
		lines = slices.Clone(lines)
		lines[0] = "X-Disarmed-" + lines[0]
		c.note("receipt-disarmed", "The request for a receipt ("+name+") is kept as X-Disarmed-"+name+".")
		name = "X-Disarmed-" + name
		lower = strings.ToLower(name)
	}
	if legal(lines) {
		h.fields = append(h.fields, field{lower, strings.Join(lines, "\r\n") + "\r\n"})
		return
	}
	_, value, _ := strings.Cut(strings.Join(lines, ""), ":") // unfolded (RFC 5322 2.2.3)
	value = clip(strings.TrimSpace(oneLine(value)), mime.MaxHeaderBytes)
	switch {
	case slices.Contains(addressFields, strings.TrimPrefix(lower, "x-disarmed-")):
		h.addAddresses(name, legalAddresses(mime.ParseAddresses(value)))
	case slices.Contains(traceFields, lower):
		h.addReady(name, encodeEach(value))
	default:
		h.addReady(name, mime.EncodeWords(mime.DecodeWords(value)))
	}
}

// legal reports whether a field can be written line by line as it is: ASCII, lines
// that are not too long (RFC 5322 2.1.1), none of them empty.
func legal(lines []string) bool {
	for i, line := range lines {
		if len(line) > 990 || i > 0 && strings.TrimSpace(line) == "" {
			return false
		}
		for j := 0; j < len(line); j++ {
			if line[j] >= 0x7f || line[j] < ' ' && line[j] != '\t' {
				return false
			}
		}
	}
	name, _, _ := strings.Cut(lines[0], ":")
	return printable(name)
}

// legalAddresses makes addresses that can be written: what is no address becomes
// a name with an address that leads nowhere.
func legalAddresses(list []mime.Address) []mime.Address {
	var out []mime.Address
	for _, a := range list {
		a.Name = clip(oneLine(a.Name), maxName)
		if a.Addr = oneLine(a.Addr); !isSMTP(a.Addr) {
			if a.Name == "" {
				a.Name = clip(a.Addr, maxName)
			}
			a.Addr = noAddress
		}
		out = append(out, a)
	}
	return out
}

// encodeEach encodes the words that are not ASCII, and those too long for a line.
func encodeEach(value string) string {
	words := strings.Split(value, " ")
	for i, word := range words {
		words[i] = mime.EncodeWords(word)
	}
	return strings.Join(words, " ")
}
