// Package mail holds the values that travel through Waybill: messages, folders,
// flags, digests. It does no input or output.
package mail

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// Digest is the SHA-256 of a message's content: of its bytes where a system
// keeps bytes, of its canonical content where it does not.
type Digest [sha256.Size]byte

func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// IsZero reports whether no content was digested yet.
func (d Digest) IsZero() bool { return d == Digest{} }

// ParseDigest reads the hexadecimal form.
func ParseDigest(s string) (Digest, error) {
	var d Digest
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(d) {
		return d, fmt.Errorf("digest %q: want %d hexadecimal digits", s, 2*len(d))
	}
	copy(d[:], b)
	return d, nil
}

// Message is one message as its system knows it, without its bytes.
type Message struct {
	// Key is the message's place in its folder, in the words of its system: the
	// base of a Maildir file's name, a UID, an offset. It stays the same from
	// listing to listing as long as the message is not moved or rewritten, and
	// is unique within the folder. At most 255 bytes.
	Key string
	// Size is the length of the message in bytes, -1 when it is not known
	// before reading.
	Size int64
	// InternalDate is when the message arrived (RFC 9051 2.3.3); the zero time
	// when the system does not know.
	InternalDate time.Time
	Flags        FlagSet
	// Labels are tags that a system shows as folders (Gmail); most have none.
	Labels []string
	// Notes say what the source had to change or guess to present the message.
	Notes []Note
	// LeftOut is set when what the operator said of the source leaves the message
	// out: the rule (Kind) and the reason (Text). It is listed so that the sum is
	// right, counted as skipped, and not opened.
	LeftOut *Note
}

// Note records a property that could not be carried as it was, or bytes that
// had to be changed. Notes are counted per Kind in the waybill.
type Note struct {
	// Kind is a short stable name: "keyword-renamed", "date-unknown".
	Kind string
	// Text says what happened to this item, in a sentence.
	Text string
}
