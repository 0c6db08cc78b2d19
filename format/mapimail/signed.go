package mapimail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
)

// rawMail is a message whose body exists already and is passed on byte for byte,
// because a signature covers it.
type rawMail struct {
	lead string // header, with the empty line
	body source
	skip int64 // bytes of body that lead replaces
}

func (r *rawMail) open(ctx context.Context) io.ReadCloser {
	return &rawReader{ctx: ctx, mail: r, now: strings.NewReader(r.lead)}
}

// rawReader gives the header, then the body.
type rawReader struct {
	ctx    context.Context
	mail   *rawMail
	now    io.Reader
	closer io.Closer
	err    error
}

func (r *rawReader) Read(p []byte) (int, error) {
	for {
		if r.err == nil && r.ctx.Err() != nil {
			r.err = failure.New(failure.Cancelled, "build message", "", "cancelled", r.ctx.Err())
		}
		if r.err != nil {
			return 0, r.err
		}
		n, err := r.now.Read(p)
		if !errors.Is(err, io.EOF) {
			r.err = err
			return n, err
		}
		if r.closer != nil {
			r.err = io.EOF
		} else {
			r.err = r.begin()
		}
		if n > 0 {
			return n, nil
		}
	}
}

// begin goes on with the body.
func (r *rawReader) begin() error {
	body, err := r.mail.body.open(r.ctx)
	if err != nil {
		return err
	}
	r.closer, r.now = body, body
	_, err = io.CopyN(io.Discard, body, r.mail.skip)
	if errors.Is(err, io.EOF) {
		err = failure.New(failure.Malformed, "build message", "", "mapimail.length", nil)
	}
	return err
}

func (r *rawReader) Close() error {
	if r.err == nil {
		r.err = failure.New(failure.Usage, "read message", "", "mime.closed", nil)
	}
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// signed makes a message of an item whose only attachment is its whole body,
// signed or encrypted ([MS-OXOSMIME] 2.1, 2.2). All results are nil for other
// items, and for those whose body is not as it should be: they are converted as
// any other, with the attachment, and a note.
func (c *converter) signed(ctx context.Context, attachments []mapi.Attachment) (*mime.Message, *rawMail, error) {
	if !strings.Contains(c.class+".", ".SMIME.") {
		return nil, nil, nil
	}
	odd := func(why string) (*mime.Message, *rawMail, error) {
		c.note("smime-structure", "The signed or encrypted message is carried with its parts as they are stored: "+why)
		return nil, nil, nil
	}
	if len(attachments) != 1 {
		return odd("it should have one attachment.")
	}
	p := attachments[0].Props()
	data, ok := p.Get(mapi.AttachData)
	if method, _ := p.Int(mapi.AttachMethod); !ok || data.Data == nil || data.Data.Size() == 0 || method > mapi.ByValue {
		return odd("its attachment holds no file.")
	}
	src := dataSource(data.Data)
	good, damage, err := c.examine(ctx, src, data.Data, nil)
	if err != nil {
		return nil, nil, err
	}
	if damage != nil {
		return odd("its attachment could not be read to its end.")
	}
	head, err := good.head(ctx, 64<<10)
	switch {
	case err != nil && !damaged(err):
		return nil, nil, err
	case err != nil:
		return odd("its attachment could not be read.")
	}
	if fields, skip := mimeHeader(head); fields != "" {
		if !strings.Contains(strings.ToLower("\n"+fields), "\nmime-version:") {
			fields = "MIME-Version: 1.0\r\n" + fields
		}
		return nil, &rawMail{lead: c.head.String() + fields + "\r\n", body: good, skip: skip}, nil
	}
	kind, params := mime.ParseParams(c.storedType)
	if b := params["boundary"]; kind == "multipart/signed" && b != "" && bytes.Contains(head, []byte("--"+b)) {
		lead := c.head.String() + "MIME-Version: 1.0\r\n" + mime.FormatField("Content-Type", encodeEach(oneLine(c.storedType))) + "\r\n"
		return nil, &rawMail{lead: lead, body: good}, nil
	}
	if inside := cmsKind(head); inside != "" || kind == "application/pkcs7-mime" || kind == "application/x-pkcs7-mime" {
		e := &mime.Entity{Type: "application/pkcs7-mime", Disposition: "attachment", Name: "smime.p7m", Open: good.open, Size: good.size}
		if given := params["smime-type"]; token(given) {
			inside = given
		}
		if inside != "" {
			e.Params = append(e.Params, mime.Param{Name: "smime-type", Value: inside})
		}
		e.Params = append(e.Params, mime.Param{Name: "name", Value: "smime.p7m"})
		m := &mime.Message{Lead: c.head.String(), Seed: c.seed, Root: e}
		return m, nil, nil
	}
	return odd("its attachment is neither a MIME body nor a CMS object.")
}

// mimeHeader takes the MIME fields out of the header that b begins with, each line
// ended by CR LF, and tells where the body begins. Other fields, which the
// message has already, are left out. It is empty where b begins with no such header.
func mimeHeader(b []byte) (fields string, body int64) {
	var out strings.Builder
	taking, typed, at := false, false, 0
	for at < len(b) {
		end := bytes.IndexByte(b[at:], '\n')
		if end < 0 {
			return "", 0
		}
		line := string(bytes.TrimSuffix(b[at:at+end], []byte("\r")))
		at += end + 1
		switch {
		case line == "":
			if !typed {
				return "", 0
			}
			return out.String(), int64(at)
		case line[0] == ' ' || line[0] == '\t':
		case fieldName(line) == "":
			return "", 0
		default:
			name := strings.ToLower(fieldName(line))
			taking = slices.Contains(structure, name)
			typed = typed || name == "content-type"
		}
		if taking {
			if !legal([]string{line}) && !legal([]string{"X: " + line}) {
				return "", 0
			}
			out.WriteString(line + "\r\n")
		}
	}
	return "", 0
}

// cmsKind tells what a CMS object in DER or BER is (RFC 5652 3, RFC 8551 3.2.2):
// a sequence that begins with the identifier of its content.
func cmsKind(b []byte) string {
	id := []byte{0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07}
	if len(b) < 20 || b[0] != 0x30 {
		return ""
	}
	at := bytes.Index(b[:min(len(b), 24)], id)
	if at < 0 || at+len(id) >= len(b) {
		return ""
	}
	switch b[at+len(id)] {
	case 2:
		return "signed-data"
	case 3:
		return "enveloped-data"
	default:
		return ""
	}
}
