package entryid

import (
	"bytes"
	"encoding/hex"
	"strings"
	"time"
)

// GlobalObject makes an UID of a PidLidGlobalObjectId ([MS-OXOCAL] 2.2.1.27, with
// [MS-OXCICAL] 2.1.3.1.1.20.26): the UID of another program that is wrapped in
// it, or its digits with the day of the occurrence set to zero. It is empty for
// what is no such id. day is that day, where there is one.
func GlobalObject(b []byte) (uid string, day time.Time) {
	const head = 40
	if len(b) < head {
		return "", time.Time{}
	}
	year, month, date := int(b[16])<<8|int(b[17]), time.Month(b[18]), int(b[19])
	if year != 0 && month >= 1 && month <= 12 && date >= 1 && date <= 31 {
		day = time.Date(year, month, date, 0, 0, 0, 0, time.UTC)
	}
	if wrapped, ok := bytes.CutPrefix(b[head:], []byte("vCal-Uid\x01\x00\x00\x00")); ok {
		wrapped, _, _ = bytes.Cut(wrapped, []byte{0})
		if s := strings.Join(strings.Fields(strings.ToValidUTF8(string(wrapped), "\uFFFD")), " "); s != "" {
			return s, day
		}
	}
	clean := bytes.Clone(b)
	clear(clean[16:20])
	return strings.ToUpper(hex.EncodeToString(clean)), day
}
