package sample

import (
	"fmt"
	"html"
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/internal/pstwrite"
)

// Properties of mail that no other package asks for ([MS-OXPROPS] 2).
const (
	importance       mapi.ID = 0x0017
	sensitivity      mapi.ID = 0x0036
	sentRepName      mapi.ID = 0x0042
	sentRepType      mapi.ID = 0x0064
	sentRepAddress   mapi.ID = 0x0065
	conversation     mapi.ID = 0x0070
	inReplyTo        mapi.ID = 0x1042
	references       mapi.ID = 0x1039
	lastVerb         mapi.ID = 0x1081
	flagStatus       mapi.ID = 0x1090
	rtfInSync        mapi.ID = 0x0E1F
	nativeBody       mapi.ID = 0x1016
	attachHidden     mapi.ID = 0x7FFE
	reportText       mapi.ID = 0x1001
	supplementary    mapi.ID = 0x0C1B
	receiptRequested mapi.ID = 0x0029
)

// mail makes a message.
func (m *maker) mail() (string, pstwrite.Message, Item) {
	message, item := m.letter("IPM.Note")
	if m.r.IntN(12) == 0 {
		inner, about := m.letter("IPM.Note")
		message.Attachments = append(message.Attachments, pstwrite.Attachment{
			Props: []pstwrite.Prop{pstwrite.Text(mapi.DisplayName, about.Subject)}, Embedded: &inner,
		})
		item.Attachments = append(item.Attachments, Attachment{Name: about.Subject, Embedded: &about})
	}
	return "IPF.Note", message, item
}

// letter makes a message without attachments but the pictures of its page.
func (m *maker) letter(class string) (pstwrite.Message, Item) {
	r := m.r
	sent := moment(r)
	fromName, fromAddress := m.words.person(r)
	subject := pick(r, []string{"", "", "RE: ", "FW: ", "AW: "}) + fmt.Sprintf("%s (%d)", pick(r, m.words.topics), m.made)
	item := Item{
		Class: class, Subject: subject, From: fromName + " <" + fromAddress + ">", Read: r.IntN(4) > 0, Sent: sent,
		Delivered: sent.Add(time.Duration(1+r.IntN(300)) * time.Second),
		MessageID: fmt.Sprintf("<%d.%016x@%s.example>", m.made, r.Uint64(), m.o.Owner),
	}
	flags := 0
	if item.Read {
		flags = 1
	}
	p := []pstwrite.Prop{
		pstwrite.Text(mapi.MessageClass, class), pstwrite.Text(mapi.Subject, subject),
		pstwrite.Time(mapi.ClientSubmitTime, item.Sent), pstwrite.Time(mapi.MessageDeliveryTime, item.Delivered),
		pstwrite.Int(mapi.MessageFlags, flags), pstwrite.Text(mapi.InternetMessageID, item.MessageID),
		pstwrite.Text(mapi.SenderName, fromName), pstwrite.Text(mapi.SenderAddressType, "SMTP"),
		pstwrite.Text(mapi.SenderEmailAddress, fromAddress), pstwrite.Text(sentRepName, fromName),
		pstwrite.Text(sentRepType, "SMTP"), pstwrite.Text(sentRepAddress, fromAddress),
		pstwrite.Int(importance, r.IntN(3)), pstwrite.Int(sensitivity, max(0, r.IntN(8)-4)%4),
	}
	if prefix, topic, is := strings.Cut(subject, ": "); is && len(prefix) == 2 {
		p = append(p, pstwrite.Text(conversation, topic), pstwrite.Text(inReplyTo, "<earlier@partner.example>"),
			pstwrite.Text(references, "<first@partner.example> <earlier@partner.example>"))
	}
	switch r.IntN(8) {
	case 0:
		p = append(p, pstwrite.Int(lastVerb, 102))
	case 1:
		p = append(p, pstwrite.Int(lastVerb, 104))
	case 2:
		p = append(p, pstwrite.Int(flagStatus, 2))
	case 3:
		p = append(p, pstwrite.Bool(receiptRequested, true))
	}
	if r.IntN(6) == 0 {
		item.Categories = []string{"Important", pick(r, m.words.projects)}
		p = append(p, pstwrite.NamedText(mapi.PublicStrings, "Keywords", pstwrite.Texts(0, item.Categories...)))
	}
	message := pstwrite.Message{Props: p}
	m.recipients(&message, &item)
	m.body(&message, &item)
	if r.IntN(2) == 0 {
		message.Props = append(message.Props, pstwrite.Text(mapi.TransportMessageHeaders, headers(item)))
	}
	return message, item
}

// headers are those of a message as it came from the Internet.
func headers(item Item) string {
	return "Received: from mx.example ([192.0.2.1])\r\n\tby mail.example; " + item.Delivered.Format(time.RFC1123Z) + "\r\n" +
		"Message-ID: " + item.MessageID + "\r\nDate: " + item.Sent.Format(time.RFC1123Z) + "\r\nX-Sample: yes\r\n\r\n"
}

// recipients adds one to four, and now and then very many.
func (m *maker) recipients(message *pstwrite.Message, item *Item) {
	count := 1 + m.r.IntN(4)
	if m.r.IntN(200) == 0 {
		count = 150
	}
	for i := range count {
		name, address := m.words.person(m.r)
		if i == 0 {
			name, address = m.o.Owner, m.o.Owner+"@office.example"
		}
		kind := 1
		if i > 1 {
			kind = 2
			item.Cc = append(item.Cc, name+" <"+address+">")
		} else {
			item.To = append(item.To, name+" <"+address+">")
		}
		row := []pstwrite.Prop{
			pstwrite.Int(mapi.RecipientType, kind), pstwrite.Text(mapi.DisplayName, name),
			pstwrite.Text(mapi.AddressType, "SMTP"), pstwrite.Text(mapi.EmailAddress, address),
			pstwrite.Text(mapi.SMTPAddress, address),
		}
		if m.r.IntN(5) == 0 { // an address inside the organisation, which only Exchange knows
			row[2] = pstwrite.Text(mapi.AddressType, "EX")
			row[3] = pstwrite.Text(mapi.EmailAddress, "/o=Office/ou=First/cn=Recipients/cn="+strings.Split(address, "@")[0])
		}
		message.Recipients = append(message.Recipients, row)
	}
}

// body adds a text, and to it a page or RTF.
func (m *maker) body(message *pstwrite.Message, item *Item) {
	text := m.words.text(m.r, 1+m.r.IntN(12))
	item.Body, item.TextSHA256 = "text", digestOf(text)
	add := func(p ...pstwrite.Prop) { message.Props = append(message.Props, p...) }
	add(pstwrite.Text(mapi.Body, text))
	switch m.r.IntN(3) {
	case 0:
		item.Body = "html"
		page := "<html><head><meta charset=\"utf-8\"></head><body>\r\n" +
			strings.ReplaceAll(html.EscapeString(text), "\r\n\r\n", "<p>\r\n")
		if m.r.IntN(3) == 0 {
			page += "<img src=\"cid:picture@sample\">"
			m.picture(message, item)
		}
		add(pstwrite.Binary(mapi.HTML, []byte(page+"</body></html>\r\n")), pstwrite.Int(mapi.InternetCodepage, 65001),
			pstwrite.Int(nativeBody, 3))
	case 1:
		page := rtf(text)
		item.Body, item.RTFSHA256 = "rtf", digestOf(string(page))
		add(pstwrite.Binary(mapi.RTFCompressed, compressRTF(page)), pstwrite.Bool(rtfInSync, true),
			pstwrite.Int(nativeBody, 2))
	}
}

// picture adds a small picture that the page shows.
func (m *maker) picture(message *pstwrite.Message, item *Item) {
	gif := []byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00" +
		"\x01\x00\x01\x00\x00\x02\x02D\x01\x00;")
	message.Attachments = append(message.Attachments, pstwrite.Attachment{
		Props: append(fileProps("picture.gif"), pstwrite.Text(mapi.AttachMimeTag, "image/gif"),
			pstwrite.Text(mapi.AttachContentID, "picture@sample"), pstwrite.Bool(attachHidden, true)),
		Data: mapi.Bytes(gif).Open,
	})
	item.Attachments = append(item.Attachments, Attachment{
		Name: "picture.gif", Inline: "picture@sample", Size: int64(len(gif)), SHA256: digestOf(string(gif)),
	})
}

// rtf writes a text as RTF.
func rtf(text string) []byte {
	var b strings.Builder
	b.WriteString("{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fswiss Arial;}}\r\n\\pard\\plain\\f0\\fs20 ")
	for _, c := range text {
		switch {
		case c == '\\' || c == '{' || c == '}':
			b.WriteString("\\" + string(c))
		case c == '\n':
			b.WriteString("\\par\r\n")
		case c == '\r':
		case c < 128:
			b.WriteRune(c)
		case c < 0x10000:
			fmt.Fprintf(&b, "\\u%d?", int16(c))
		default:
			c -= 0x10000
			fmt.Fprintf(&b, "\\u%d?\\u%d?", int16(uint16(0xD800+c>>10)), int16(uint16(0xDC00+c&0x3FF)))
		}
	}
	b.WriteString("}\r\n")
	return []byte(b.String())
}

// post makes an item that was posted into a folder.
func (m *maker) post() (string, pstwrite.Message, Item) {
	message, item := m.letter("IPM.Post")
	message.Recipients, item.To, item.Cc = nil, nil, nil
	return "IPF.Note", message, item
}

// report makes a notice that mail could not be delivered ([MS-OXCMAIL] 2.1.3.6).
func (m *maker) report() (string, pstwrite.Message, Item) {
	message, item := m.letter("REPORT.IPM.Note.NDR")
	message.Props = append(message.Props, pstwrite.Text(reportText, "The recipient does not exist."))
	for i, row := range message.Recipients {
		message.Recipients[i] = append(row, pstwrite.Text(supplementary, "550 5.1.1 unknown"))
	}
	return "IPF.Note", message, item
}
