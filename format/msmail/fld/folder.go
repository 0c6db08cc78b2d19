package fld

import (
	"context"
	"errors"
	"fmt"
	"io"

	"waybill/failure"
	"waybill/format/msmail/mai"
)

// Type reads the type of a folder from the head of its file.
func Type(head []byte) (kind byte, ok bool) {
	if len(head) < Header {
		return 0, false
	}
	return head[TypeAt], true
}

// Part is a message inside a folder file.
type Part struct{ Offset, Length int64 }

// Count finds the messages of a folder file of that size behind its header: message
// elements that follow each other without a gap (hypothesis). proven is true only
// where the last one ends with the file; then each part can be read as a message.
// The file is read once, and nothing of it is held.
func Count(ctx context.Context, r io.Reader, name string, size int64) (parts []Part, proven bool, err error) {
	if size < Header {
		return nil, false, failure.New(failure.Malformed, "read folder", name, "fld.header", fmt.Errorf("%d bytes, and %d are the smallest folder", size, Header))
	}
	if _, err := io.CopyN(io.Discard, r, Header); err != nil {
		return nil, false, readError(name, err)
	}
	s := mai.NewScanner(r, name, size-Header)
	for {
		if ctx.Err() != nil {
			return nil, false, failure.New(failure.Cancelled, "read folder", name, "", ctx.Err())
		}
		e, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false, err
		}
		if e.Depth > 0 {
			continue
		}
		if e.ID != mai.MessageElement || e.Length < 0 || len(parts) >= 1<<20 {
			return nil, false, nil
		}
		parts = append(parts, Part{Header + e.Offset, e.End() - e.Offset})
	}
	if len(s.Defects()) > 0 {
		return nil, false, nil
	}
	return parts, true, nil
}

func readError(name string, err error) error {
	return failure.New(failure.ClassOf(err), "read folder", name, "fld.read", err)
}

// NewHeader makes the header of an empty folder: 129 bytes with its type (KB
// Q105960, Q95975). The rest is zero (hypothesis).
func NewHeader(kind byte) []byte {
	b := make([]byte, Header)
	b[TypeAt] = kind
	return b
}

// WayRound tells how mail gets out of what cannot be read here.
const (
	FolderWayRound = "read the folder with a client and export it: the Windows client or Outlook to a .PST, or APPGET of the FFAPI for mail that was copied back into a mailbox"
	StoreWayRound  = "open the .MMF with its owner's password in the Windows client or Outlook 97 to 2000 and export it to a .PST; then move the .PST"
)
