// Package parts takes messages apart as they are stored: it finds where their
// parts, headers and bodies lie, describes them as IMAP does (RFC 9051 7.5.2), and
// looks for text in them. Nothing is refused: what is no message is one piece of
// text.
package parts
