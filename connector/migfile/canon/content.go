package canon

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/mail"
)

// Content is what a migration file holds of a message, as the file holds it.
type Content struct {
	// Sender is a party as mf.Party.String writes it; empty when there is none.
	Sender      string
	To, Cc, Bcc []string
	Subject     string
	// Sent is the date as mf.FormatStamp writes it; empty when there is none.
	Sent string
	// Priority is -1, 0 or 1.
	Priority    int
	Body        Stretch
	bodyDigest  [sha256.Size]byte
	Attachments []Attachment
	// Notes say what the content leaves out.
	Notes []mail.Note
}

// Attachment is a file that a message carries.
type Attachment struct {
	Name string
	// Data is in the spool, if there is one; its size is known in any case.
	Data   Stretch
	digest [sha256.Size]byte
}

// Fingerprint digests the content.
func (c *Content) Fingerprint() mail.Digest {
	h := sha256.New()
	put := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		_, _ = h.Write(n[:])
		_, _ = io.WriteString(h, s)
	}
	put("waybill migration file content 1")
	put(c.Sender)
	for _, list := range [][]string{c.To, c.Cc, c.Bcc} {
		put(fmt.Sprint(len(list)))
		for _, s := range list {
			put(s)
		}
	}
	put(c.Subject)
	put(c.Sent)
	put(fmt.Sprint(c.Priority))
	put(string(c.bodyDigest[:]))
	for _, a := range c.Attachments {
		put(a.Name)
		put(fmt.Sprint(a.Data.Size))
		put(string(a.digest[:]))
	}
	return mail.Digest(h.Sum(nil))
}

// Extractor takes the content out of a message.
type Extractor struct {
	Page mf.CodePage
	Zone *time.Location
	// Spool takes text and attachments; nil when only digests are wanted.
	Spool *Spool

	c         *Content
	havePlain bool
	haveHTML  bool
	flat      bool // nested parts were laid side by side
	replaced  int
	// preamble is the text in front of the parts of a multipart; it becomes the
	// body when no part follows.
	preamble      *candidate
	preambleParts int
	parts         int
}

type candidate struct {
	body   Stretch
	digest [sha256.Size]byte
}

// Extract reads a message to its end.
func (x *Extractor) Extract(ctx context.Context, r io.Reader) (*Content, error) {
	x.c = &Content{}
	m := mime.NewReader(&cancelable{ctx: ctx, r: r})
	first := true
	x.setBody(candidate{digest: sha256.Sum256(nil)})
	for {
		p, err := m.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if first {
			x.header(p.Header)
			first = false
		}
		if err := x.part(p); err != nil {
			return nil, err
		}
	}
	if x.preamble != nil && x.parts == x.preambleParts && !x.havePlain && !x.haveHTML {
		x.setBody(*x.preamble)
	}
	if x.flat {
		x.note(NoteStructure, "parts inside parts were laid side by side")
	}
	if x.replaced > 0 {
		x.note(NoteCharacters, fmt.Sprintf("%d characters that code page %d does not have were replaced", x.replaced, x.Page.Number))
	}
	return x.c, nil
}

func (x *Extractor) note(kind, text string) {
	x.c.Notes = append(x.c.Notes, mail.Note{Kind: kind, Text: text})
}

func (x *Extractor) setBody(c candidate) { x.c.Body, x.c.bodyDigest = c.body, c.digest }

// fits makes a value of text in the code page, and counts what does not fit.
func (x *Extractor) fits(s string) string {
	_, n := x.Page.Encode(s)
	x.replaced += n
	return Fit(Clean(s), x.Page)
}

func (x *Extractor) parties(h mime.Header, names ...string) []string {
	var list []string
	for _, name := range names {
		for _, value := range h.All(name) {
			for _, a := range mime.ParseAddresses(value) {
				p := FromMIME(a)
				_, n := x.Page.Encode(p.Name + p.Value)
				x.replaced += n
				if s := Canonical(p, x.Page); s != "" {
					list = append(list, s)
				}
			}
		}
		if len(list) > 0 && name == "From" {
			break // Sender only stands in for it
		}
	}
	return list
}

func (x *Extractor) header(h mime.Header) {
	if from := x.parties(h, "From", "Sender"); len(from) > 0 {
		if x.c.Sender = from[0]; len(from) > 1 {
			x.note(NoteFrom, "of several senders the first is kept")
		}
	}
	x.c.To, x.c.Cc, x.c.Bcc = x.parties(h, "To"), x.parties(h, "Cc"), x.parties(h, "Bcc")
	x.c.Subject = x.fits(h.Text("Subject"))
	if t, ok := mime.ParseDate(h.Get("Date")); ok {
		if t = t.In(x.Zone); t.Year() >= 1000 && t.Year() <= 9998 {
			x.c.Sent = mf.FormatStamp(t, x.Zone)
		}
	}
	if x.c.Sent == "" {
		x.note(NoteDate, "the message has no date that can be read")
	} else if again, _ := mf.ParseStamp(x.c.Sent, x.Zone); mf.FormatStamp(again, x.Zone) != x.c.Sent {
		x.c.Sent = mf.FormatStamp(again, x.Zone) // an hour that the zone skips
	}
	x.c.Priority = priorityOf(h)
	lost := 0
	for _, f := range h {
		switch strings.ToLower(f.Name) {
		case "from", "to", "cc", "bcc", "subject", "date", "x-priority", "importance", "priority",
			"mime-version", "content-type", "content-transfer-encoding", "content-disposition":
		default:
			lost++
		}
	}
	if lost > 0 {
		x.note(NoteHeaders, fmt.Sprintf("%d header fields (Message-ID, Received and others) have no place in migration files", lost))
	}
}

func priorityOf(h mime.Header) int {
	first := func(name string) string {
		word, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(h.Get(name))), " ")
		return word
	}
	switch first("Importance") {
	case "high":
		return 1
	case "low":
		return -1
	}
	switch p := first("X-Priority"); {
	case strings.HasPrefix(p, "1"), strings.HasPrefix(p, "2"):
		return 1
	case strings.HasPrefix(p, "4"), strings.HasPrefix(p, "5"):
		return -1
	}
	switch first("Priority") {
	case "urgent":
		return 1
	case "non-urgent":
		return -1
	}
	return 0
}

// part takes one part. The first plain text that is no attachment is the body;
// without one it is the text of the first HTML. Everything else is Attached.
func (x *Extractor) part(p *mime.Part) error {
	x.parts++
	if p.Multipart {
		x.flat = x.flat || p.Depth > 0
		if x.havePlain || x.preamble != nil {
			return nil
		}
		c, err := x.text(p.Text())
		x.preamble, x.preambleParts = &c, x.parts
		return err
	}
	if !p.Attached() && p.Type == "text/plain" && !x.havePlain {
		x.havePlain = true
		c, err := x.text(p.Text())
		x.setBody(c)
		return err
	}
	index := len(x.c.Attachments) + 1
	if !p.Attached() && p.Type == "text/html" && !x.havePlain && !x.haveHTML {
		x.haveHTML = true
		return x.html(p, index)
	}
	a := Attachment{Name: x.fits(BaseName(p.Name))}
	switch {
	case p.Type == "text/html" && a.Name == "":
		a.Name = fmt.Sprintf("body-%d.html", index)
		x.note(NoteAlternative, "the message in HTML is kept as the attachment "+a.Name)
	case p.Within == "multipart/alternative" && p.Depth > 0:
		x.note(NoteAlternative, "another form of the text is kept as an attachment")
	}
	if a.Name == "" || a.Name == "." || a.Name == ".." {
		a.Name = fmt.Sprintf("attachment-%d%s", index, extensionOf(p.Type))
	}
	return x.attach(a, p.Decoded(), nil)
}

func extensionOf(kind string) string {
	switch kind {
	case "text/plain":
		return ".txt"
	case "text/calendar":
		return ".ics"
	case "message/rfc822":
		return ".eml"
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "image/gif":
		return ".gif"
	case "application/pdf":
		return ".pdf"
	}
	return ".dat"
}

// text reads a body.
func (x *Extractor) text(r io.Reader) (candidate, error) {
	var c candidate
	var out io.Writer
	if x.Spool != nil {
		out, c.body.off = x.Spool, x.Spool.size
	}
	w := newBodyWriter(x.Page, out)
	_, err := io.Copy(w, r)
	size, digest, replaced, closeErr := w.close()
	if err == nil {
		err = closeErr
	}
	x.replaced += replaced
	c.body.Size, c.digest = size, digest
	return c, err
}

// html keeps a message in HTML as an attachment and its text as the body.
func (x *Extractor) html(p *mime.Part, index int) error {
	a := Attachment{Name: fmt.Sprintf("body-%d.html", index)}
	x.note(NoteHTML, "the message in HTML is kept as the attachment "+a.Name+", its text as the body")
	charset := p.Params["charset"]
	asText := func(r io.Reader) error {
		decoded, _ := mime.NewTextReader(r, charset)
		c, err := x.text(newHTMLText(decoded))
		x.setBody(c)
		return err
	}
	if x.Spool == nil {
		return x.attach(a, p.Decoded(), asText)
	}
	if err := x.attach(a, p.Decoded(), nil); err != nil {
		return err
	}
	return asText(x.Spool.Open(x.c.Attachments[len(x.c.Attachments)-1].Data))
}

// attach reads an attachment; also, when given, reads the same bytes.
func (x *Extractor) attach(a Attachment, r io.Reader, also func(io.Reader) error) error {
	w := &digester{hash: sha256.New()}
	if x.Spool != nil {
		w.out, a.Data.off = x.Spool, x.Spool.size
	}
	if also != nil {
		tee := io.TeeReader(r, w)
		if err := also(tee); err != nil {
			return err
		}
		r = tee
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	} else if _, err := io.Copy(w, r); err != nil {
		return err
	}
	a.Data.Size = w.size
	w.hash.Sum(a.digest[:0])
	x.c.Attachments = append(x.c.Attachments, a)
	return nil
}

type digester struct {
	hash hash.Hash
	out  io.Writer
	size int64
}

func (d *digester) Write(p []byte) (int, error) {
	_, _ = d.hash.Write(p)
	d.size += int64(len(p))
	if d.out != nil {
		return d.out.Write(p)
	}
	return len(p), nil
}

// cancelable stops reading when the context ends.
type cancelable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, failure.New(failure.Cancelled, "read message", "", "cancelled", err)
	}
	return c.r.Read(p)
}
