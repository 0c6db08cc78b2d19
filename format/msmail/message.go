package msmail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"waybill/failure"
	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
)

// part is a message's place: a whole file, or a piece of one.
type part struct {
	file   string
	base   int64
	length int64 // 0: to the end of the file
}

// Message is a message as far as it could be read.
type Message struct {
	File        string // MAI/MAD/0000013D.MAI
	Size        int64
	From        Party
	To, Cc, Bcc []Party
	Subject     string    // the longest form that is known
	Date        time.Time // in Options.Zone; zero when none is known
	DateFrom    string    // "message" or "mailbag"
	Priority    string    // as written: 1..5, R, C, F ...; empty for normal
	Attachments []Attachment
	TextSize    int64 // bytes of the text in the postoffice's code page
	// Header is what a Windows client wrote at the top of the text.
	Header mai.TextHeader
	// Count is how many users still have the message; only a hint, -1 unknown.
	Count int
	// Readable says that the strings of the message could be decrypted. Where it is
	// not, From and Subject are those of the mailbag, and Text fails.
	Readable bool
	// Defects say what is broken or unproven in the message. A message with one
	// whose Rule begins with "mai." is not whole.
	Defects []Finding

	po     *Postoffice
	where  part
	spans  []mai.Span
	cipher mai.Cipher
}

// Party is a sender or a recipient.
type Party struct {
	Name    string
	Address Address
}

// Whole reports whether nothing of the message is missing or unproven.
func (m *Message) Whole() bool {
	for _, d := range m.Defects {
		if strings.HasPrefix(d.Rule, "mai.") {
			return false
		}
	}
	return true
}

// Message reads the message of a row. Its text and attachments are opened when
// asked for. Errors are of class Vanished (rule "mai.missing") where the file is not
// there, and Malformed ("mai.container", "mai.empty", "mbg.file") where it is no
// message; damage that leaves something to read is in Defects.
func (p *Postoffice) Message(ctx context.Context, row Row) (*Message, error) {
	if !row.named {
		return nil, failure.New(failure.Malformed, "read message", fmt.Sprintf("%s offset %d", bagFile("MBG", row.Mailbag), row.Offset), "mbg.file", fmt.Errorf("the row names no message"))
	}
	where := part{file: letterFile("MAI", row.File)}
	e, err := p.envelope(ctx, where)
	if err != nil {
		return nil, err
	}
	return p.message(e, where, &row), nil
}

// Stranded reads a message that no mailbag names, by its number. What only a mailbag
// tells is empty.
func (p *Postoffice) Stranded(ctx context.Context, id glb.ID) (*Message, error) {
	where := part{file: letterFile("MAI", id)}
	e, err := p.envelope(ctx, where)
	if err != nil {
		return nil, err
	}
	return p.message(e, where, nil), nil
}

// open opens the bytes of a part.
func (p *Postoffice) open(ctx context.Context, where part) (io.ReadCloser, int64, error) {
	f, size, err := p.tree.Open(where.file)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = failure.New(failure.Vanished, "read message", where.file, "mai.missing", fs.ErrNotExist).
				WithRemedy("the mailbag names a message that is not there (KB Q112304, Q111042); it may be in a backup")
		}
		return nil, 0, err
	}
	size -= where.base
	if where.length > 0 {
		size = min(size, where.length)
	}
	if err := skip(f, where.base); err != nil {
		_ = f.Close()
		return nil, 0, failure.New(failure.ClassOf(err), "read message", where.file, "msmail.read", err)
	}
	return &reader{Reader: &bounded{ctx: ctx, r: f, left: max(size, 0), name: where.file}, Closer: f}, max(size, 0), nil
}

func skip(f fs.File, n int64) error {
	if n == 0 {
		return nil
	}
	if s, ok := f.(io.Seeker); ok {
		_, err := s.Seek(n, io.SeekCurrent)
		return err
	}
	_, err := io.CopyN(io.Discard, f, n)
	return err
}

type reader struct {
	io.Reader
	io.Closer
}

// bounded reads a known number of bytes; that there are fewer is an error of rule
// "mai.truncated", and the end of ctx one of class Cancelled.
type bounded struct {
	ctx  context.Context
	r    io.Reader
	left int64
	name string
}

func (b *bounded) Read(buf []byte) (int, error) {
	if b.left <= 0 {
		return 0, io.EOF
	}
	if err := b.ctx.Err(); err != nil {
		return 0, failure.New(failure.Cancelled, "read", b.name, "", err)
	}
	n, err := b.r.Read(buf[:min(int64(len(buf)), b.left)])
	b.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && b.left > 0:
		return n, failure.New(failure.Malformed, "read", b.name, "mai.truncated", io.ErrUnexpectedEOF)
	case err != nil && !errors.Is(err, io.EOF):
		return n, failure.New(failure.ClassOf(err), "read", b.name, "msmail.read", err)
	}
	return n, err
}

func (p *Postoffice) envelope(ctx context.Context, where part) (*mai.Envelope, error) {
	f, size, err := p.open(ctx, where)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return mai.ReadEnvelope(ctx, f, where.file, size)
}

// message decrypts an envelope; row is nil for messages in folders.
func (p *Postoffice) message(e *mai.Envelope, where part, row *Row) *Message {
	m := &Message{File: where.file, Size: e.Size, Count: e.Count, po: p, where: where, spans: e.Text}
	for _, s := range e.Text {
		m.TextSize += s.Length
	}
	for _, d := range e.Defects {
		m.defect(d.Rule, evidence.Derived, "Q104423", "%v", d)
	}
	known := mai.Known{Envelope: e}
	if row != nil {
		known.Sender, _ = p.page.Encode(row.Sender)
		known.Subject, _ = p.page.Encode(row.Subject)
	}
	m.cipher, m.Readable = p.cipherFor(&known)
	if !m.Readable {
		m.defect("mai.key", evidence.Hypothesis, "Q209486", "no key explains the strings of this message; sender and subject are those of the mailbag")
		if row != nil {
			m.From = Party{Address: p.mainAddress(row.Sender)}
			m.Subject = row.Subject
		}
	} else {
		if p.known && m.cipher.Key != p.cipher.Key {
			m.defect("msmail.key-own", evidence.Hypothesis, "Q209486", "the message is encrypted with a key of its own; it was derived from this message alone")
		}
		p.decode(m, e, row)
	}
	if m.Date.IsZero() && row != nil && !row.Date.IsZero() {
		m.Date, m.DateFrom = row.Date, "mailbag"
	}
	return m
}

// cipherFor is the postoffice's cipher where it explains the message, or one that
// the message itself proves.
func (p *Postoffice) cipherFor(known *mai.Known) (mai.Cipher, bool) {
	if p.known {
		if agree, total := mai.Explains(&p.cipher, known); total == 0 || agree*2 >= total {
			return p.cipher, true
		}
	}
	c, _, ok := mai.Derive([]mai.Known{*known}, nil)
	c.Long = p.cipher.Long
	return c, ok
}

func (p *Postoffice) decode(m *Message, e *mai.Envelope, row *Row) {
	d := e.Decode(&m.cipher)
	if d.Strange > 0 {
		m.defect("mai.string", evidence.Derived, "Q121715", "%d strings make no sense and are left out; %d do", d.Strange, d.Explained)
	}
	if len(d.From) > 0 {
		m.From = p.party(d.From[0])
	} else if row != nil {
		m.From = Party{Address: p.mainAddress(row.Sender)}
	}
	m.To, m.Cc, m.Bcc = p.parties(d.To), p.parties(d.Cc), p.parties(d.Bcc)
	m.Subject, m.Priority = p.page.Decode(d.Subject), d.Priority
	if d.HasDate {
		c := d.Clock
		m.Date, m.DateFrom = time.Date(c.Year(), c.Month(), c.Day(), c.Hour(), c.Minute(), c.Second(), 0, p.zone), "message"
	}
	for _, span := range e.Text {
		if span.Length > p.sure {
			m.defect("msmail.long-unproven", evidence.Hypothesis, "Q104423", "the text has %d octets, and how strings of more than %d are encrypted could not be settled; single characters may be wrong", span.Length, p.sure)
			break
		}
	}
	plain := m.cipher.Decrypt(e.TextHead)
	switch {
	case !mai.Plausible(plain):
		m.defect("mai.text", evidence.Hypothesis, "Q130322", "the text does not look like text when it is decrypted")
	default:
		m.Header = mai.ParseTextHeader(p.page.Decode(string(plain[:min(len(plain), mai.MaxTextHeader)])))
	}
	if full := m.Header.Subject; len(full) > len(m.Subject) && strings.HasPrefix(full, m.Subject) {
		m.Subject = full
	}
	if row != nil && d.Subject != "" && !mai.SameSubject(d.Subject, mustEncode(p, row.Subject)) {
		m.defect("msmail.subject", evidence.Derived, "Q99204", "the mailbag says %q and the message %q; its number may have been given out twice", row.Subject, m.Subject)
	}
	if m.Subject == "" && row != nil { // zeroed by some clients (KB Q121715)
		m.Subject = row.Subject
	}
	for _, f := range d.Files {
		a := Attachment{Name: p.page.Decode(f.Name), Size: f.Size, po: p, cipher: m.cipher}
		if f.HasDate {
			c := f.Clock
			a.Date = time.Date(c.Year(), c.Month(), c.Day(), c.Hour(), c.Minute(), c.Second(), 0, p.zone)
		}
		if f.HasID {
			a.ID, a.named = f.ID, true
			if name := letterFile("ATT", f.ID); p.tree.Exists(name) {
				a.File = name
			}
		}
		if a.File == "" {
			m.defect("att.missing", evidence.Documented, "Q103421", "attachment %q (%s) is not there", a.Name, f.ID)
		}
		m.Attachments = append(m.Attachments, a)
	}
}

func mustEncode(p *Postoffice, s string) string {
	b, _ := p.page.Encode(s)
	return b
}

func (m *Message) defect(rule string, c evidence.Certainty, article, format string, args ...any) {
	if len(m.Defects) < 256 {
		m.Defects = append(m.Defects, Finding{Rule: rule, File: m.File, Offset: -1, Text: fmt.Sprintf(format, args...), Certainty: c, EventID: "4088", Article: article})
	}
}

func (p *Postoffice) parties(list []mai.Party) []Party {
	var parties []Party
	for _, party := range list {
		parties = append(parties, p.party(party))
	}
	return parties
}

// party reads an address. Of addresses other than native ones nothing was
// published; what looks like TYPE:value is taken so (hypothesis), and the rest keeps
// the number of its type.
func (p *Postoffice) party(party mai.Party) Party {
	out := Party{Name: p.page.Decode(party.Name)}
	address := p.page.Decode(party.Address)
	kind, value, ok := strings.Cut(address, ":")
	switch {
	case party.Type == mai.NativeAddress:
		out.Address = Address{"MS", address}
	case ok && kind != "" && strings.IndexFunc(kind, func(r rune) bool { return (r|0x20 < 'a' || r|0x20 > 'z') && (r < '0' || r > '9') }) < 0:
		out.Address = Address{strings.ToUpper(kind), value}
	default:
		out.Address = Address{fmt.Sprintf("MSTYPE%02X", party.Type), address}
	}
	return out
}

// Raw opens the bytes of the message's file as they are.
func (m *Message) Raw(ctx context.Context) (io.ReadCloser, error) {
	f, _, err := m.po.open(ctx, m.where)
	return f, err
}
