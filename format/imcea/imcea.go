// Package imcea writes addresses of other mail systems as the local part of an
// Internet address, in the way of Exchange ([MS-OXCMAIL] 2.1.3.1.8):
// IMCEAEX-_O=ORG_CN=ANNA stands for the address /O=ORG/CN=ANNA of the type EX.
package imcea

import "strings"

// Prefix begins such a local part, in any letter case.
const Prefix = "IMCEA"

// Begin is how the local part of an address of a type begins. The type should be
// one of letters and digits.
func Begin(kind string) string { return Prefix + kind + "-" }

// AppendByte adds one byte of an address: "_" for "/", and "+2E" for the byte 2E
// where it is neither letter nor digit nor "=" nor "-".
func AppendByte(dst []byte, c byte) []byte {
	const digits = "0123456789ABCDEF"
	switch {
	case 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '=' || c == '-':
		return append(dst, c)
	case c == '/':
		return append(dst, '_')
	default:
		return append(dst, '+', digits[c>>4], digits[c&15])
	}
}

// Encode writes an address of a type as a local part.
func Encode(kind, address string) string {
	b := []byte(Begin(kind))
	for i := 0; i < len(address); i++ {
		b = AppendByte(b, address[i])
	}
	return string(b)
}

// Decode reads such a local part. The type comes back in capital letters, the
// address as the bytes it was, which need not be UTF-8. A "+" that begins no byte
// stays as it is.
func Decode(local string) (kind, address string, ok bool) {
	if len(local) < len(Prefix) || !strings.EqualFold(local[:len(Prefix)], Prefix) {
		return "", "", false
	}
	kind, rest, ok := strings.Cut(local[len(Prefix):], "-")
	if !ok || kind == "" || rest == "" {
		return "", "", false
	}
	b := make([]byte, 0, len(rest))
	for i := 0; i < len(rest); i++ {
		switch {
		case rest[i] == '_':
			b = append(b, '/')
		case rest[i] == '+' && i+2 < len(rest) && Hex(rest[i+1]) >= 0 && Hex(rest[i+2]) >= 0:
			b = append(b, byte(Hex(rest[i+1])<<4|Hex(rest[i+2])))
			i += 2
		default:
			b = append(b, rest[i])
		}
	}
	return strings.ToUpper(kind), string(b), true
}

// Hex is the value of a hexadecimal digit, -1 of anything else.
func Hex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	}
	return -1
}
