// Package mime reads and writes Internet messages (RFC 5322, RFC 2045-2049,
// RFC 2231) as streams.
//
// The Reader walks over the parts of any message, however broken: it never
// fails because of what is in a message, only because the message could not be
// read. What it cannot understand it gives as raw bytes, and says so in
// Part.Defects. Nesting, header size and the number of parts are bounded.
//
// Message writes a standards-clean message out of parts. The same input always
// gives the same bytes: nothing is taken from a clock or a random source.
//
// Neither holds a body in memory.
package mime
