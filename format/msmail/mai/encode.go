package mai

import "encoding/binary"

// AppendHeader writes identifier, length and, for elements that have one, the
// qualifier of an element with that much content. Numbers take the shortest form.
func AppendHeader(b []byte, id byte, qualifier uint32, content int64) []byte {
	b = append(b, id)
	if id&qualified == 0 {
		return appendNumber(b, content)
	}
	q := appendNumber(nil, int64(qualifier))
	b = appendNumber(b, content+int64(len(q)))
	return append(b, q...)
}

// HeaderSize is the length of what AppendHeader writes.
func HeaderSize(id byte, qualifier uint32, content int64) int64 {
	return int64(len(AppendHeader(nil, id, qualifier, content)))
}

// AppendElement writes a whole element.
func AppendElement(b []byte, id byte, qualifier uint32, content []byte) []byte {
	return append(AppendHeader(b, id, qualifier, int64(len(content))), content...)
}

// AppendVendorInteger writes a vendor element that holds a number of two octets, as
// the dump in KB Q104423 shows four of.
func AppendVendorInteger(b []byte, vendor byte, n uint16) []byte {
	return AppendElement(b, VendorDefined, uint32(vendor), AppendElement(nil, Integer, 0, binary.LittleEndian.AppendUint16(nil, n)))
}

func appendNumber(b []byte, n int64) []byte {
	if n < 0x80 {
		return append(b, byte(n))
	}
	size := 1
	for rest := n >> 8; rest > 0; rest >>= 8 {
		size++
	}
	b = append(b, 0x80|byte(size))
	for i := size - 1; i >= 0; i-- {
		b = append(b, byte(n>>(8*i)))
	}
	return b
}
