package sample

import (
	"encoding/binary"
	"hash/crc32"
)

// prefill is the beginning of the dictionary ([MS-OXRTFCP] 2.1.2.1).
const prefill = "{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript " +
	"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par " +
	"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"

// compressRTF packs RTF as PidTagRtfCompressed holds it ([MS-OXRTFCP] 2.1.3.2).
func compressRTF(rtf []byte) []byte {
	all := append([]byte(prefill), rtf...) // the dictionary is its last 4096 bytes
	var out, group []byte
	var control byte
	items, seen := 0, &matches{}
	flush := func() {
		out = append(append(out, control), group...)
		control, group, items = 0, group[:0], 0
	}
	for at := len(prefill); ; {
		from, n := seen.longest(all, at)
		end := at == len(all)
		switch {
		case end: // a reference to the place of writing ends it
			control |= 1 << items
			group = binary.BigEndian.AppendUint16(group, uint16(at%4096)<<4)
		case n >= 2:
			control |= 1 << items
			group = binary.BigEndian.AppendUint16(group, uint16(from%4096)<<4|uint16(n-2))
			at += n
		default:
			group = append(group, all[at])
			at++
		}
		if items++; items == 8 || end {
			flush()
		}
		if end {
			break
		}
	}
	le := binary.LittleEndian
	head := le.AppendUint32(nil, uint32(len(out)+12))
	head = le.AppendUint32(head, uint32(len(rtf)))
	head = append(head, "LZFu"...)
	head = le.AppendUint32(head, ^crc32.Update(0xFFFFFFFF, crc32.IEEETable, out))
	return append(head, out...)
}

// matches finds earlier occurrences by their first three bytes.
type matches struct {
	last [1 << 13]int32 // position behind the last place of each hash; 0: none
	done int            // what was taken in
}

// longest finds a match of at most 17 bytes before at, without overlap, in what
// the dictionary still holds. It looks at the last place only.
func (m *matches) longest(all []byte, at int) (from, n int) {
	slot := func(i int) *int32 {
		return &m.last[(uint32(all[i])|uint32(all[i+1])<<8|uint32(all[i+2])<<16)*2654435761>>19]
	}
	for ; m.done+3 <= at; m.done++ {
		*slot(m.done) = int32(m.done + 1)
	}
	if at+3 > len(all) {
		return 0, 0
	}
	from = int(*slot(at)) - 1
	if from < 0 || at-from > 4000 {
		return 0, 0
	}
	for n < 17 && at+n < len(all) && from+n < at && all[from+n] == all[at+n] {
		n++
	}
	return from, n
}
