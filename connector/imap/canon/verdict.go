package canon

import (
	"fmt"

	"waybill/failure"
	"waybill/mail"
)

const repairRemedy = "run with --repair to have it changed as little as possible, with a note"

// Refusal is why the server would not take the message, nil when nothing is
// known against it. where names the message.
func (r Rules) Refusal(f Findings, where string) error {
	refuse := func(rule string, at int64, what string) error {
		return failure.New(failure.Malformed, "append message", fmt.Sprintf("%s, offset %d", where, at), rule,
			fmt.Errorf("the server does not take it: %s", what)).WithRemedy(repairRemedy)
	}
	switch {
	case r.RefuseEmpty && f.Size == 0:
		return refuse("imap.message-empty", 0, "the message is empty")
	case r.RefuseNUL && f.NUL > 0:
		return refuse("imap.message-nul", f.NULAt, "the message has NUL bytes")
	case r.RefuseHeader && f.HeaderFault != HeaderFine:
		return refuse("imap.message-header", f.HeaderAt, f.HeaderFault.String())
	}
	return nil
}

// Notes say what is changed on the way or by the server. Line ends are told of
// only where a message mixes them: one that has LF throughout was kept by a
// system that writes CRLF so, and is what it was once it is sent.
func (r Rules) Notes(f Findings) []mail.Note {
	var notes []mail.Note
	add := func(kind, format string, args ...any) {
		notes = append(notes, mail.Note{Kind: kind, Text: fmt.Sprintf(format, args...)})
	}
	if f.Bare > 0 && f.CRLF > 0 {
		add("line-ends", "%d of %d lines end in LF alone and are sent with CRLF", f.Bare, f.Bare+f.CRLF)
	}
	if f.Doubled > 0 && r.oneCR {
		add("line-ends", "%d lines end in several CR before the LF, of which the server keeps one", f.Doubled)
	}
	if f.EndCR && r.oneCR {
		add("line-ends", "the message ends in CR, which the server does not keep")
	}
	if f.NUL > 0 && (r.nulAs80 || r.RepairNUL) {
		add("nul-changed", "%d NUL bytes, the first at offset %d, become 0x80", f.NUL, f.NULAt)
	}
	if f.EightBit > 0 && r.eightBitAsX {
		add("header-8bit-changed", "%d raw 8-bit bytes in the header, the first at offset %d, become X", f.EightBit, f.EightBitAt)
	}
	if r.RepairHeader && f.HeaderFault != HeaderFine {
		add("repaired", "%s (offset %d)", f.HeaderFault, f.HeaderAt)
	}
	if r.RepairEmpty && f.Size == 0 {
		add("repaired", "the message is empty and is sent as an empty line")
	}
	return notes
}
