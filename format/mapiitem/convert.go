package mapiitem

import (
	"context"

	"waybill/format/mapi"
)

// Convert turns an item into its text form. It is nil without an error when the
// item is of a class that is mail (or unknown, which is best carried as mail).
func Convert(ctx context.Context, m mapi.Message, o Options) (*Item, error) {
	return nil, nil
}
