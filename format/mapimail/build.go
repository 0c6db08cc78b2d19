package mapimail

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"sort"
	"strings"
	"time"

	"waybill/format/mapi"
	"waybill/format/mime"
)

// dateLayout is the date of a header field (RFC 5322 3.3).
const dateLayout = "Mon, 2 Jan 2006 15:04:05 -0700"

// buildHeader adds the fields that the stored header does not have: all of them
// where there is none ([MS-OXCMAIL] 2.1.3.2).
func (c *converter) buildHeader(ctx context.Context) {
	h, p := c.head, c.props
	arrived := h.has("From") // whoever sent it wrote the header
	if !h.has("Date") {
		if t := c.moment(mapi.ClientSubmitTime, mapi.MessageDeliveryTime, mapi.ReportTime, mapi.CreationTime, mapi.LastModificationTime); !t.IsZero() {
			h.addReady("Date", t.Format(dateLayout))
		}
	}
	if !arrived {
		c.addSender(ctx)
	}
	c.addRecipients(ctx)
	if !h.has("Subject") {
		h.add("Subject", c.subject())
	}
	if !h.has("Message-ID") {
		h.addIdentifiers("Message-ID", p.Text(mapi.InternetMessageID))
	}
	if !h.has("In-Reply-To") {
		h.addIdentifiers("In-Reply-To", p.Text(mapi.InReplyToID))
	}
	if !h.has("References") {
		h.addIdentifiers("References", p.Text(mapi.InternetReferences))
	}
	if !arrived {
		c.addMeaning()
		c.addReceipts(ctx)
		c.addNamed()
	}
	c.addMarks()
	if !arrived && !h.has("Message-ID") {
		// Made of what is known, so that it is the same each time.
		sum := sha256.Sum256([]byte(c.seed + "\x00" + h.String() + string(p.Binary(mapi.SearchKey))))
		h.addReady("Message-ID", "<"+hex.EncodeToString(sum[:16])+"@migrated.invalid>")
	}
}

// subject is the subject without what the PST format writes in front of it: a
// control character, and one that tells the length of its prefix ([MS-PST]
// 2.5.3.1.1.1).
func (c *converter) subject() string {
	s := c.props.Text(mapi.Subject)
	if runes := []rune(clip(s, 16)); len(runes) >= 2 && runes[0] == 1 {
		s = strings.TrimPrefix(s, string(runes[:2]))
	}
	if s == "" {
		s = c.props.Text(mapi.SubjectPrefix) + c.props.Text(mapi.NormalizedSubject)
	}
	return s
}

// addSender writes who the message is from and, where somebody sent it for
// somebody else, who sent it ([MS-OXCMAIL] 2.1.3.1.4).
func (c *converter) addSender(ctx context.Context) {
	h, p := c.head, c.props
	from := partyOf(p, mapi.SentRepresentingName, mapi.SentRepresentingAddressType, mapi.SentRepresentingEmailAddress, mapi.SentRepresentingSMTPAddress, mapi.SentRepresentingEntryID)
	sender := partyOf(p, mapi.SenderName, mapi.SenderAddressType, mapi.SenderEmailAddress, mapi.SenderSMTPAddress, mapi.SenderEntryID)
	if from.empty() {
		from, sender = sender, party{}
	}
	switch {
	case from.empty():
		if flags, _ := p.Int(mapi.MessageFlags); flags&mapi.FlagUnsent == 0 {
			c.note("sender-unknown", "The source does not tell who sent the message.")
		}
	default:
		addr := c.resolve(ctx, from)
		h.addAddresses("From", []mime.Address{addr})
		c.addLegacy("From", from)
		if sender.empty() || strings.EqualFold(sender.address, from.address) && strings.EqualFold(sender.kind, from.kind) {
			break
		}
		if second := c.resolve(ctx, sender); !h.has("Sender") && !strings.EqualFold(second.Addr, addr.Addr) {
			h.addAddresses("Sender", []mime.Address{second})
			c.addLegacy("Sender", sender)
		}
	}
	if h.has("Reply-To") {
		return
	}
	var replies []mime.Address
	entries := parseEntryList(p.Binary(mapi.ReplyRecipientEntries))
	for _, one := range entries {
		replies = append(replies, c.resolve(ctx, one))
	}
	h.addAddresses("Reply-To", replies)
	for _, one := range entries {
		c.addLegacy("Reply-To", one)
	}
	if names := p.Text(mapi.ReplyRecipientNames); len(replies) == 0 && strings.Contains(names, "@") {
		h.addAddresses("Reply-To", legalAddresses(mime.ParseAddresses(oneLine(names))))
	}
}

// addLegacy keeps an address that is none of the Internet ("EX:/o=Org/ou=...").
func (c *converter) addLegacy(name string, p party) {
	if old := p.legacy(); old != "" {
		c.head.add("X-MAPI-"+name, old)
	}
}

// addRecipients writes To, Cc and Bcc, each unless the stored header has it.
func (c *converter) addRecipients(ctx context.Context) {
	kinds := []struct {
		name    string
		kind    int64
		display mapi.ID
	}{{"To", mapi.RecipientTo, mapi.DisplayTo}, {"Cc", mapi.RecipientCc, mapi.DisplayCc}, {"Bcc", mapi.RecipientBcc, mapi.DisplayBcc}}
	for _, k := range kinds {
		if c.head.has(k.name) {
			continue
		}
		var list []mime.Address
		var old []party
		for _, row := range c.toWhom() {
			kind, ok := row.Int(mapi.RecipientType)
			// The bits above the lowest four say that a resent message was not
			// delivered before ([MS-OXOMSG] 2.2.3.1).
			if kind &= 15; !ok {
				kind = mapi.RecipientTo
			}
			if kind != k.kind {
				continue
			}
			one := recipientOf(row)
			if one.empty() {
				c.note("recipient-empty", "A recipient ("+k.name+") has neither name nor address.")
				continue
			}
			list = append(list, c.resolve(ctx, one))
			old = append(old, one)
		}
		if len(list) == 0 && len(c.recipients) == 0 && !c.delivery() {
			for name := range strings.SplitSeq(c.props.Text(k.display), ";") {
				if name = unquote(name); name != "" && len(list) < 1000 {
					list = append(list, c.resolve(ctx, party{name: name}))
				}
			}
		}
		if one := c.receiver(); k.name == "To" && c.delivery() && !one.empty() {
			list, old = []mime.Address{c.resolve(ctx, one)}, []party{one}
		}
		c.head.addAddresses(k.name, list)
		for _, one := range old {
			c.addLegacy(k.name, one)
		}
	}
}

// toWhom are the rows of those that the message itself went to: not those of a
// report about a delivery, which are the recipients of the message reported about.
func (c *converter) toWhom() []*mapi.Props {
	if c.delivery() {
		return nil
	}
	return c.recipients
}

// receiver is whose mailbox the message came to.
func (c *converter) receiver() party {
	p := c.props
	one := partyOf(p, mapi.ReceivedRepresentingName, mapi.ReceivedRepresentingAddressType, mapi.ReceivedRepresentingEmailAddress, mapi.ReceivedRepresentingSMTPAddress, 0)
	if one.empty() {
		one = partyOf(p, mapi.ReceivedByName, mapi.ReceivedByAddressType, mapi.ReceivedByEmailAddress, mapi.ReceivedBySMTPAddress, 0)
	}
	return one
}

// addMeaning writes what the sender said about the message ([MS-OXCMAIL] 2.1.3.2).
func (c *converter) addMeaning() {
	h, p := c.head, c.props
	if topic := p.Text(mapi.ConversationTopic); topic != "" && !h.has("Thread-Topic") {
		h.add("Thread-Topic", topic)
	}
	// 22 bytes, and 5 for each answer: far below a kilobyte in real conversations.
	if index := p.Binary(mapi.ConversationIndex); len(index) > 0 && len(index) <= 4096 && !h.has("Thread-Index") {
		h.addReady("Thread-Index", foldable(base64.StdEncoding.EncodeToString(index)))
	}
	if !h.has("Importance", "X-Priority") {
		switch n, ok := p.Int(mapi.Importance); {
		case ok && n == 0:
			h.addReady("Importance", "low")
			h.addReady("X-Priority", "5")
		case ok && n == 2:
			h.addReady("Importance", "high")
			h.addReady("X-Priority", "1")
		}
	}
	if n, _ := p.Int(mapi.Sensitivity); n >= 1 && n <= 3 && !h.has("Sensitivity") {
		h.addReady("Sensitivity", []string{"Personal", "Private", "Company-Confidential"}[n-1])
	}
	for _, d := range []struct {
		name string
		id   mapi.ID
	}{{"Reply-By", mapi.ReplyTime}, {"Expires", mapi.ExpiryTime}} {
		if t, ok := p.Time(d.id); ok && t.Year() >= 1900 && t.Year() < 4500 && !h.has(d.name) {
			h.addReady(d.name, t.Truncate(time.Second).Format(dateLayout))
		}
	}
	for _, l := range []struct {
		name string
		id   mapi.ID
	}{{"List-Help", mapi.ListHelp}, {"List-Subscribe", mapi.ListSubscribe}, {"List-Unsubscribe", mapi.ListUnsubscribe}} {
		if !h.has(l.name) {
			h.add(l.name, p.Text(l.id))
		}
	}
}

// foldable puts spaces into a long base64 text, at which it may be folded.
func foldable(s string) string {
	var parts []string
	for len(s) > 64 {
		parts = append(parts, s[:64])
		s = s[64:]
	}
	return strings.Join(append(parts, s), " ")
}

// addReceipts writes the requests for receipts ([MS-OXCMAIL] 2.1.3.2.10).
func (c *converter) addReceipts(ctx context.Context) {
	p := c.props
	reader := partyOf(p, mapi.ReadReceiptName, mapi.ReadReceiptAddressType, mapi.ReadReceiptEmailAddress, mapi.ReadReceiptSMTPAddress, 0)
	if reader.empty() {
		reader = partyOf(p, mapi.SentRepresentingName, mapi.SentRepresentingAddressType, mapi.SentRepresentingEmailAddress, mapi.SentRepresentingSMTPAddress, mapi.SentRepresentingEntryID)
	}
	for _, r := range []struct {
		id   mapi.ID
		name string
	}{{mapi.ReadReceiptRequested, "Disposition-Notification-To"}, {mapi.OriginatorDeliveryReportRequested, "Return-Receipt-To"}} {
		if !p.Bool(r.id) || c.head.has(r.name) || reader.empty() {
			continue
		}
		name := r.name
		if c.DisarmReceipts {
			name = "X-Disarmed-" + name
			c.note("receipt-disarmed", "The request for a receipt ("+r.name+") is kept as "+name+".")
		}
		c.head.addAddresses(name, []mime.Address{c.resolve(ctx, reader)})
	}
}

// addNamed writes the fields that the sender's program had no property for: texts
// named in the set for Internet headers ([MS-OXCMSG] 2.2.1.42).
func (c *converter) addNamed() {
	fields := map[string]string{}
	var names []string
	for n, id := range c.props.Names() {
		if n.Set != mapi.InternetHeaders || fieldName(n.Text+":") != n.Text || len(names) >= 1000 {
			continue
		}
		text := c.props.Text(id)
		if _, double := fields[n.Text]; text == "" || double || unsuitable(n.Text) || c.head.has(n.Text) {
			continue
		}
		fields[n.Text] = text
		names = append(names, n.Text)
	}
	sort.Strings(names) // the table of names has no order
	for _, name := range names {
		c.head.add(name, fields[name])
	}
}

// unsuitable reports whether a field must not come from a named property: it would
// tell of another body, or is made from properties of its own.
func unsuitable(name string) bool {
	lower := strings.ToLower(name)
	switch lower {
	case "bcc", "received", "return-path", "keywords", "x-mapi-from":
		return true
	}
	for _, list := range [][]string{structure, receipts, addressFields, traceFields} {
		if slices.Contains(list, lower) {
			return true
		}
	}
	return false
}
