package olm

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"

	"waybill/failure"
	"waybill/format/mime"
)

// Bounds on what is kept of a message.
const (
	maxField       = 1 << 16
	maxAddresses   = 10_000
	maxAttachments = 10_000
	maxCategories  = 100
)

// Names of the elements that hold bodies.
const (
	TextBody = "OPFMessageCopyBody"
	HTMLBody = "OPFMessageCopyHTMLBody"
	Source   = "OPFMessageCopySource"
)

// Mail is a message without its bodies. Times without a zone are in UTC.
type Mail struct {
	Subject, MessageID, InReplyTo, References string
	From, Sender, To, Cc, Bcc, ReplyTo        []mime.Address
	Sent, Received, Modified                  time.Time
	ThreadTopic, ThreadIndex                  string
	Categories                                []string
	Read, Outgoing, WasSent, HasHTML          bool
	// FlagStatus is not 0 for a message that has a flag; Completed tells that what
	// the flag asked for is done.
	FlagStatus int
	Completed  bool
	// Priority is 1 (highest) to 5; 3 is normal, 0 not told.
	Priority    int
	Attachments []Attachment
	// Meeting names the entry that holds the invitation.
	Meeting string
	// Bodies are those of TextBody, HTMLBody and Source that are not empty.
	Bodies map[string]Body
	// Cut is the number of texts and list elements that were too long or too many.
	Cut int
}

// Attachment is one attachment of a message. Entry names the file in the archive.
type Attachment struct{ Name, Type, ContentID, Entry string }

// Body describes a body.
type Body struct {
	Size   int64 // in bytes of UTF-8
	Digest [sha256.Size]byte
	Tagged bool // there is a "<" in it
}

// reader reads the messages of a document.
type reader struct {
	s     *scanner
	where string
	m     *Mail
	field string // the element below <email> that we are in
	text  bytes.Buffer
	sum   hash.Hash
	body  Body
	blank bool
}

// ReadMail calls f with every message of a document, in order, until f returns
// false. Errors are those of r, or of class Malformed or TooLarge with the rules
// olm.tag, olm.truncated, olm.doctype, olm.depth and the like.
func ReadMail(r io.Reader, where string, f func(*Mail) bool) error {
	d := &reader{s: newScanner(r, where), where: where}
	for {
		t, err := d.s.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		depth := len(d.s.open)
		if depth == 1 && t.kind == startTag && t.name != "emails" {
			return failure.New(failure.Malformed, "read document", where, "olm.no-message", fmt.Errorf("it begins with <%s>, not with <emails>", t.name))
		}
		if depth == 1 && t.kind == endTag && t.name == "email" && d.m != nil {
			m := d.m
			d.m = nil
			if !f(m) {
				return nil
			}
			continue
		}
		d.take(t, depth)
	}
}

// take notes what a token says. depth is that of open elements, behind it.
func (d *reader) take(t token, depth int) {
	switch {
	case t.kind == startTag && depth == 2 && t.name == "email":
		d.m = &Mail{Bodies: map[string]Body{}}
	case d.m == nil:
	case t.kind == startTag && depth == 3:
		d.field, d.sum, d.body, d.blank = t.name, nil, Body{}, true
		d.text.Reset()
		if t.name == TextBody || t.name == HTMLBody || t.name == Source {
			d.sum = sha256.New()
		}
	case t.kind == startTag && depth == 4:
		d.element(t)
	case t.kind == textRun && depth >= 3:
		d.addText(t.text)
	case t.kind == endTag && depth == 2:
		d.end(t.name)
	case t.kind == endTag && depth == 3 && d.field == "OPFMessageCopyCategoryList":
		d.category(d.text.String())
		d.text.Reset()
	}
}

func (d *reader) addText(text []byte) {
	if d.sum != nil {
		_, _ = d.sum.Write(text)
		d.body.Size += int64(len(text))
		d.body.Tagged = d.body.Tagged || bytes.IndexByte(text, '<') >= 0
		d.blank = d.blank && len(bytes.TrimSpace(text)) == 0
		return
	}
	if room := maxField - d.text.Len(); len(text) > room {
		d.m.Cut++
		text = bytes.ToValidUTF8(text[:room], nil)
	}
	d.text.Write(text)
}

func (d *reader) category(name string) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
	case len(d.m.Categories) == maxCategories:
		d.m.Cut++
	default:
		d.m.Categories = append(d.m.Categories, name)
	}
}

// element notes an element of a list.
func (d *reader) element(t token) {
	m := d.m
	switch t.name {
	case "emailAddress":
		list := m.addresses(d.field)
		if list == nil {
			return
		}
		if len(*list) == maxAddresses {
			m.Cut++
			return
		}
		*list = append(*list, mime.Address{Name: strings.TrimSpace(t.attrs["OPFContactEmailAddressName"]), Addr: strings.TrimSpace(t.attrs["OPFContactEmailAddressAddress"])})
	case "messageAttachment":
		if len(m.Attachments) == maxAttachments {
			m.Cut++
			return
		}
		m.Attachments = append(m.Attachments, Attachment{Name: t.attrs["OPFAttachmentName"], Type: t.attrs["OPFAttachmentContentType"],
			ContentID: t.attrs["OPFAttachmentContentID"], Entry: t.attrs["OPFAttachmentURL"]})
	case "category":
		d.text.Reset()
		d.category(t.attrs["OPFCategoryCopyName"])
	}
}

// addresses is the list that an element stands for, nil for none.
func (m *Mail) addresses(field string) *[]mime.Address {
	switch field {
	case "OPFMessageCopyFromAddresses":
		return &m.From
	case "OPFMessageCopySenderAddress":
		return &m.Sender
	case "OPFMessageCopyToAddresses":
		return &m.To
	case "OPFMessageCopyCCAddresses":
		return &m.Cc
	case "OPFMessageCopyBCCAddresses":
		return &m.Bcc
	case "OPFMessageCopyReplyToAddresses":
		return &m.ReplyTo
	}
	return nil
}

// end notes the text of an element that ended.
func (d *reader) end(name string) {
	m := d.m
	if d.sum != nil {
		if d.sum.Sum(d.body.Digest[:0]); !d.blank {
			m.Bodies[name] = d.body
		}
		d.sum = nil
		return
	}
	text := d.text.String()
	word := strings.TrimSpace(text)
	number := number(word)
	switch name {
	case "OPFMessageCopySubject":
		m.Subject = text
	case "OPFMessageCopyMessageID":
		m.MessageID = word
	case "OPFMessageCopyInReplyTo":
		m.InReplyTo = word
	case "OPFMessageCopyReferences":
		m.References = word
	case "OPFMessageCopyThreadTopic":
		m.ThreadTopic = word
	case "OPFMessageCopyThreadIndex":
		m.ThreadIndex = word
	case "OPFMessageCopySentTime":
		m.Sent = moment(word)
	case "OPFMessageCopyReceivedTime":
		m.Received = moment(word)
	case "OPFMessageCopyModDate":
		m.Modified = moment(word)
	case "OPFMessageCopyCompletedDateTime":
		m.Completed = word != ""
	case "OPFMessageCopyMeetingData":
		m.Meeting = word
	case "OPFMessageCopyGetFlagStatus":
		m.FlagStatus = number
	case "OPFMessageGetPriority":
		m.Priority = number
	case "OPFMessageGetIsRead":
		m.Read = number != 0
	case "OPFMessageGetHasHTML":
		m.HasHTML = number != 0
	case "OPFMessageGetWasSent":
		m.WasSent = number != 0
	case "OPFMessageIsOutgoing":
		m.Outgoing = number != 0
	}
	d.text.Reset()
}

// number reads a number as Outlook writes it: "3", "1E0", "true".
func number(word string) int {
	if strings.EqualFold(word, "true") {
		return 1
	}
	f, err := strconv.ParseFloat(word, 64)
	if err != nil || f != f || f < -1e6 || f > 1e6 {
		return 0
	}
	return int(f)
}

// moment reads a date, the zero time when there is none.
func moment(word string) time.Time {
	t, ok := mime.ParseDate(word)
	if !ok || t.Year() < 1970 || t.Year() >= 2200 {
		return time.Time{}
	}
	return t.UTC().Truncate(time.Second)
}
