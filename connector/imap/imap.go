// Package imap moves mail from and to IMAP servers (RFC 9051, RFC 3501): source
// reads, target delivers and reads back, server logs on and keeps to limits,
// names translates folders, canon knows what servers make of messages, provider
// what is known of mail providers, oauth gets tokens.
package imap

import (
	"context"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/connector/imap/source"
	"waybill/connector/imap/target"
)

// Options are what the operator says beside the system's name: nothing of it
// belongs in a ledger or a report.
type Options = server.Options

// Source opens an IMAP server for reading. It connects once.
func Source(ctx context.Context, loc connector.Location, o Options) (connector.Source, error) {
	return source.Open(ctx, loc, o)
}

// Target opens an IMAP server for writing. It connects once.
func Target(ctx context.Context, loc connector.Location, o Options) (connector.Target, error) {
	return target.Open(ctx, loc, o)
}

// Identity is what a ledger is bound to: the server's host and port, and the user
// where the location names the one mailbox. Options of the location are left out.
func Identity(loc connector.Location) string { return server.Identity(loc) }
