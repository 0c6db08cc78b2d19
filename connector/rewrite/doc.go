// Package rewrite puts Internet addresses in place of old ones while messages are
// read. Mail of Exchange 5.5, Microsoft Mail and Outlook names people by addresses
// that nobody can answer after a move: /o=Org/ou=Site/cn=Recipients/cn=anna,
// MS:NET/PO/ANNA, c=de;a= ;p=Org;s=Berg, and the form that gateways make of these,
// IMCEAEX-_O=ORG_OU=SITE_CN=RECIPIENTS_CN=ANNA@host ([MS-OXCMAIL] 2.1.3.1.8).
//
// Only the header in front of a message is looked at. In From, Sender, Reply-To,
// To, Cc, Bcc, their Resent- forms, Disposition-Notification-To and
// Return-Receipt-To an old address that the Table knows is replaced; names,
// comments, other addresses and folding stay as they are. The field's former text
// stands behind it in X-Waybill-Original-From and so on. Every other byte of the
// message passes as it is: messages inside the message, and what is signed or
// encrypted, are never touched.
//
// A field that a DKIM signature covers stays as it is, because a broken signature
// makes an honest message look forged. S/MIME and OpenPGP sign bodies, so that the
// header in front of them may change.
//
// The same bytes and the same Table give the same bytes.
package rewrite

// Kinds of notes, at most one of each on a message.
const (
	// NoteRewritten counts messages in which addresses were replaced.
	NoteRewritten = "address-rewritten"
	// NoteUnknown counts messages with old addresses for which nobody has another.
	NoteUnknown = "address-not-found"
	// NoteSigned counts messages whose addresses stay because they are signed.
	NoteSigned = "address-signed"
	// NoteLarge counts messages whose header was too large to be looked at.
	NoteLarge = "header-too-large"
)

// maxHeader is the largest header that is looked at, in bytes.
const maxHeader = 1 << 20
