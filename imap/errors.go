package imap

import (
	"errors"
	"fmt"

	"waybill/imap/fault"
)

// ErrSuperseded is what a FetchStream says when another command, or reading a
// later stream, has thrown away what was left of it.
var ErrSuperseded = errors.New("another command was made before this stream was read to its end")

// StatusError is a tagged NO or BAD, or a BYE (RFC 9051 7.1).
type StatusError = fault.StatusError

// NotSent says that nothing of what Append gave no result for can have been
// stored: each such command was cut off before its end. Whoever gets it may send
// those items again without asking the server what arrived.
type NotSent struct {
	Item int // the item at which sending ended
	Err  error
}

func (e *NotSent) Error() string {
	return fmt.Sprintf("nothing from item %d on was handed over: %v", e.Item, e.Err)
}

func (e *NotSent) Unwrap() error { return e.Err }
