package sample

import (
	"bytes"
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
	items := 0
	flush := func() {
		out = append(append(out, control), group...)
		control, group, items = 0, group[:0], 0
	}
	for at := len(prefill); ; {
		from, n := longest(all, at)
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

// longest finds the longest match of at most 17 bytes before at, without overlap,
// in what the dictionary still holds.
func longest(all []byte, at int) (from, n int) {
	window := all[max(0, at-4000):at]
	for n < 17 && at+n < len(all) {
		i := bytes.LastIndex(window, all[at:at+n+1])
		if i < 0 {
			break
		}
		from, n = i+max(0, at-4000), n+1
	}
	return from, n
}
