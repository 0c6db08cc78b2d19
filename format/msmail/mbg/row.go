// Package mbg reads and writes the mailbags of Microsoft Mail: the rows of .MBG
// files and the .KEY files that say which of them are deleted.
package mbg

import (
	"bytes"
	"encoding/binary"
	"strings"
	"time"
)

// RowSize is the length of a row (KB Q77926, documented). Mailbags are not
// encrypted (KB Q87417).
const RowSize = 116

// Row is one message in a mailbag. Places are derived from the dump in KB Q108027
// unless marked otherwise. Text is in the DOS code page.
type Row [RowSize]byte

// Sender is a mailbox name of at most 10 characters (documented).
func (r *Row) Sender() string     { return text(r[0x02:0x0D]) }
func (r *Row) SetSender(s string) { setText(r[0x02:0x0D], s) }

// Subject holds at most 40 characters (start documented; KB Q134202).
func (r *Row) Subject() string     { return text(r[0x0D:0x36]) }
func (r *Row) SetSubject(s string) { setText(r[0x0D:0x36], s) }

// Second is a hypothesis; it is zero in the published rows.
func (r *Row) Second() int { return int(u16(r[0x36:])) }

// Date reads the six numbers from second to year. It is the sender's local time
// (KB Q133192), given here in zone. A date that no calendar has, such as hour 24
// (KB Q96694) or all fives (KB Q123319), is not ok.
func (r *Row) Date(zone *time.Location) (at time.Time, ok bool) {
	minute, hour := int(u16(r[0x38:])), int(u16(r[0x3A:]))
	day, month, year := int(u16(r[0x3C:])), int(u16(r[0x3E:])), int(u16(r[0x40:]))
	second := r.Second()
	if second > 59 { // a hypothesis must not spoil what is known
		second = 0
	}
	if minute > 59 || hour > 23 || day < 1 || day > 31 || month < 1 || month > 12 || year < 1980 || year > 2107 {
		return time.Time{}, false
	}
	at = time.Date(year, time.Month(month), day, hour, minute, second, 0, zone)
	if at.Day() != day { // 31 February
		return time.Time{}, false
	}
	return at, true
}

// SetDate writes a date in the time zone that it has.
func (r *Row) SetDate(at time.Time) {
	for i, n := range []int{at.Second(), at.Minute(), at.Hour(), at.Day(), int(at.Month()), at.Year()} {
		binary.LittleEndian.PutUint16(r[0x36+2*i:], uint16(n))
	}
}

// File is the prefix of the message's file, 8 hexadecimal digits (documented: 54
// bytes behind the beginning of the subject). In INQUEUE3 it names a P1 envelope
// (KB Q85058).
func (r *Row) File() string     { return text(r[0x43:0x4C]) }
func (r *Row) SetFile(s string) { setText(r[0x43:0x4C], s) }

// Size is believed to be the size of the message in bytes (hypothesis).
func (r *Row) Size() uint32     { return binary.LittleEndian.Uint32(r[0x4E:]) }
func (r *Row) SetSize(n uint32) { binary.LittleEndian.PutUint32(r[0x4E:], n) }

// Life is believed to be the useful life in hours, 24 by default (hypothesis; KB
// Q96455).
func (r *Row) Life() uint16     { return u16(r[0x58:]) }
func (r *Row) SetLife(h uint16) { binary.LittleEndian.PutUint16(r[0x58:], h) }

// Unknown is a number that differs from message to message; what it means was
// never published.
func (r *Row) Unknown() uint32     { return binary.LittleEndian.Uint32(r[0x6C:]) }
func (r *Row) SetUnknown(n uint32) { binary.LittleEndian.PutUint32(r[0x6C:], n) }

func u16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }

func text(field []byte) string {
	if i := bytes.IndexByte(field, 0); i >= 0 {
		field = field[:i]
	}
	return string(field)
}

// setText cuts s to the field, which ends with NUL, as the programs did.
func setText(field []byte, s string) {
	if i := strings.IndexByte(s, 0); i >= 0 {
		s = s[:i]
	}
	if text(field) == s && len(s) < len(field) {
		return
	}
	if len(s) > len(field)-1 {
		s = s[:len(field)-1]
	}
	clear(field[copy(field, s):])
}
