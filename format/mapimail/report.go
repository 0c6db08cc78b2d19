package mapimail

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"waybill/format/mapi"
	"waybill/format/mime"
)

// reports are the kinds of report by the end of their class, longest first
// ([MS-OXOMSG] 2.2.2.1, [MS-OXCMAIL] 2.1.3.6).
var reports = []struct {
	suffix string
	action string // of RFC 3464 2.3.3; empty for a disposition notification
	says   string // of RFC 8098 3.2.6
	text   string // where the report has none of its own
}{
	{".EXPANDED.DR", "expanded", "", "The message was delivered to a distribution list."},
	{".RELAYED.DR", "relayed", "", "The message was passed on to a system that does not report."},
	{".DELAYED.DR", "delayed", "", "The message is delayed."},
	{".NDR", "failed", "", "The message could not be delivered."},
	{".DR", "delivered", "", "The message was delivered."},
	{".IPNNRN", "", "deleted", "The message was deleted without being read."},
	{".IPNRN", "", "displayed", "The message was read."},
}

// delivery reports whether the item reports what became of a delivery: its
// recipients are then those of the message that it reports about.
func (c *converter) delivery() bool {
	return strings.HasPrefix(c.class, "REPORT.") && strings.HasSuffix(c.class, "DR")
}

// report makes multipart/report (RFC 6522) of a report ([MS-OXCMAIL] 2.1.3.6).
// rest are the attachments; a message among them is the one reported about.
func (c *converter) report(ctx context.Context, main *mime.Entity, rest []*mime.Entity) *mime.Entity {
	at := 0
	for at < len(reports) && !strings.HasSuffix(c.class, reports[at].suffix) {
		at++
	}
	if at == len(reports) { // a class that nobody described: a plain message
		if main == nil {
			main = textEntity("")
		}
		if len(rest) == 0 {
			return main
		}
		return &mime.Entity{Type: "multipart/mixed", Parts: append([]*mime.Entity{main}, rest...)}
	}
	kind := reports[at]
	if main == nil {
		text := kind.text + "\n"
		if subject := oneLine(c.props.Text(mapi.OriginalSubject)); subject != "" {
			text += "\nSubject: " + subject + "\n"
		}
		main = textEntity(text)
	}
	var name, lines string
	if kind.action != "" {
		name, lines = "delivery-status", c.deliveryStatus(ctx, kind.action)
	} else {
		name, lines = "disposition-notification", c.disposition(ctx, kind.says)
	}
	parts := []*mime.Entity{main, {Type: "message/" + name, Message: true, Size: int64(len(lines)), Open: open(lines)}}
	var others []*mime.Entity
	for _, e := range rest {
		if e.Type == "message/rfc822" && len(parts) == 2 {
			parts = append(parts, e)
		} else {
			others = append(others, e)
		}
	}
	report := &mime.Entity{Type: "multipart/report", Params: []mime.Param{{Name: "report-type", Value: name}}, Parts: parts}
	if len(others) == 0 {
		return report
	}
	return &mime.Entity{Type: "multipart/mixed", Parts: append([]*mime.Entity{report}, others...)}
}

// reportText is what the report says in words: about the message, or about each of
// its recipients.
func (c *converter) reportText() string {
	if text := c.props.Text(mapi.ReportText); text != "" {
		return text
	}
	var texts []string
	for _, row := range c.recipients {
		text := row.Text(mapi.ReportText)
		if text != "" && !slices.Contains(texts, text) && len(texts) < 100 {
			texts = append(texts, text)
		}
	}
	return strings.Join(texts, "\n")
}

// deliveryStatus writes what became of each recipient (RFC 3464; [MS-OXCMAIL]
// 2.1.3.6.1).
func (c *converter) deliveryStatus(ctx context.Context, action string) string {
	h := &header{}
	agent := hostName(c.props.Text(mapi.ReportingMessageTransferAgent))
	if agent == "" {
		agent = "unknown.invalid" // the field has to be there
	}
	h.addReady("Reporting-MTA", "dns; "+agent)
	var out strings.Builder
	out.WriteString(h.String())
	for _, row := range c.recipients {
		one := recipientOf(row)
		addr := c.resolve(ctx, one)
		if addr.Addr == "" {
			continue
		}
		h := &header{}
		h.addReady("Final-Recipient", "rfc822; "+addr.Addr)
		h.addReady("Action", action)
		h.addReady("Status", status(row, action))
		if agent := hostName(row.Text(mapi.RemoteMessageTransferAgent)); agent != "" {
			h.addReady("Remote-MTA", "dns; "+agent)
		}
		h.add("X-Supplementary-Info", row.Text(mapi.SupplementaryInfo))
		h.add("X-Display-Name", addr.Name)
		h.add("X-MAPI-Recipient", one.legacy())
		out.WriteString("\r\n" + h.String())
	}
	return out.String()
}

var statusText = regexp.MustCompile(`\b[245]\.[0-9]{1,3}\.[0-9]{1,3}\b`)

// status is the status code of a recipient (RFC 3463): that of the property, which
// packs its three numbers into one ([MS-OXCMAIL] 2.2.3.7.1.3), or the one in the
// text, or the general one.
func status(row *mapi.Props, action string) string {
	if n, ok := row.Int(mapi.NonDeliveryReportStatusCode); ok && (n/100 == 2 || n/100 == 4 || n/100 == 5) {
		return fmt.Sprintf("%d.%d.%d", n/100, n/10%10, n%10)
	}
	if found := statusText.FindString(row.Text(mapi.SupplementaryInfo)); found != "" {
		return found
	}
	switch action {
	case "failed":
		return "5.0.0"
	case "delayed":
		return "4.0.0"
	default:
		return "2.0.0"
	}
}

// disposition writes what the reader did with the message (RFC 8098; [MS-OXCMAIL]
// 2.1.3.6.2).
func (c *converter) disposition(ctx context.Context, says string) string {
	p := c.props
	reader := partyOf(p, mapi.SenderName, mapi.SenderAddressType, mapi.SenderEmailAddress, mapi.SenderSMTPAddress, mapi.SenderEntryID)
	if reader.empty() {
		reader = partyOf(p, mapi.SentRepresentingName, mapi.SentRepresentingAddressType, mapi.SentRepresentingEmailAddress, mapi.SentRepresentingSMTPAddress, mapi.SentRepresentingEntryID)
	}
	addr := c.resolve(ctx, reader)
	if addr.Addr == "" {
		addr.Addr = noAddress
	}
	h := &header{}
	h.addReady("Final-Recipient", "rfc822; "+addr.Addr)
	h.addIdentifiers("Original-Message-ID", p.Text(mapi.OriginalMessageID))
	h.addReady("Disposition", "automatic-action/MDN-sent-automatically; "+says)
	h.add("X-Display-Name", addr.Name)
	return h.String()
}

// hostName is a name of a host as it can stand in a field; empty for any other text.
func hostName(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 255 || !printable(s) {
		return ""
	}
	return s
}
