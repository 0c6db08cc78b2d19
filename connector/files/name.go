package files

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// MaxElement is the longest path element in bytes that EscapeName makes. It
// leaves room for suffixes below the 255 bytes that file systems allow.
const MaxElement = 200

const upperHex = "0123456789ABCDEF"

// reserved are the characters that Windows does not allow in file names, with
// the escape character itself.
const reserved = `%/\<>:"|?*`

// EscapeName writes the name of a folder or user as one path element that every
// usual file system takes: "%" and two hexadecimal digits stand for a byte that
// is reserved somewhere, for control characters, for bytes that are not UTF-8,
// for a leading dot, a trailing dot or space, and for the first letter of names
// of devices (CON, NUL, COM1). The empty name becomes a lone "%".
//
// Different names give different elements, and UnescapeName finds the name
// again. The exception is a name whose element would be longer than MaxElement:
// it is cut, a digest of the whole name is added, and ok is false. The element
// is then that of the shortened name, which UnescapeName returns.
func EscapeName(name string) (element string, ok bool) {
	element = escape(name)
	if len(element) <= MaxElement {
		return element, true
	}
	return escape(Shorten(name, MaxElement, func(s string) int { return len(escape(s)) })), false
}

// Shorten cuts name and adds "~" with 16 hexadecimal digits of the SHA-256 of
// the whole, so that length of the result is at most limit. Characters are
// never cut in the middle. The cut depends on name alone.
func Shorten(name string, limit int, length func(string) int) string {
	sum := sha256.Sum256([]byte(name))
	tail := "~" + hex.EncodeToString(sum[:8])
	// The length grows with the prefix, so the longest that fits is found by
	// halving; a name from a hostile file may be very long.
	low, high := 0, min(len(name), limit)
	for low < high {
		mid := (low + high + 1) / 2
		if length(cut(name, mid)+tail) <= limit {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return cut(name, low) + tail
}

// cut returns at most n bytes of s and no part of a character.
func cut(s string, n int) string {
	for i := 0; n > 0 && n < len(s) && i < utf8.UTFMax && !utf8.RuneStart(s[n]); i++ {
		n--
	}
	return s[:n]
}

func escape(name string) string {
	if name == "" {
		return "%"
	}
	device := isDevice(name)
	var b strings.Builder
	for i := 0; i < len(name); {
		r, n := utf8.DecodeRuneInString(name[i:])
		last := i+n == len(name)
		if r == utf8.RuneError && n == 1 || r < 0x20 || r >= 0x7f && r < 0xa0 ||
			r < utf8.RuneSelf && strings.IndexByte(reserved, byte(r)) >= 0 ||
			i == 0 && (r == '.' || device) || last && (r == '.' || r == ' ') {
			for _, c := range []byte(name[i : i+n]) {
				b.Write([]byte{'%', upperHex[c>>4], upperHex[c&15]})
			}
		} else {
			b.WriteString(name[i : i+n])
		}
		i += n
	}
	return b.String()
}

// isDevice reports whether Windows takes name for a device, whatever its
// extension (Naming Files, Paths, and Namespaces: "CON, PRN, AUX, NUL, COM0-9, LPT0-9").
func isDevice(name string) bool {
	stem, _, _ := strings.Cut(name, ".")
	stem = strings.ToUpper(strings.TrimRight(stem, " "))
	switch stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if rest, ok := strings.CutPrefix(stem, port); ok {
			switch rest {
			case "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "¹", "²", "³":
				return true
			}
		}
	}
	return false
}

// UnescapeName is the inverse of EscapeName. An element that EscapeName would
// not have written (somebody else made the file) is the name as it stands, and
// ok is false; bytes in it that are not UTF-8 are then written as "%" and two
// digits so that the name can be shown.
func UnescapeName(element string) (name string, ok bool) {
	if element == "%" {
		return "", true
	}
	var b strings.Builder
	for i := 0; i < len(element); i++ {
		if element[i] == '%' && i+2 < len(element) {
			hi, lo := strings.IndexByte(upperHex, element[i+1]), strings.IndexByte(upperHex, element[i+2])
			if hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(element[i])
	}
	name = b.String()
	if escape(name) == element {
		return name, true
	}
	return Printable(element), false
}

// Printable returns s with every byte that is not UTF-8 written as "%" and two
// hexadecimal digits. Valid text comes back unchanged.
func Printable(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			b.Write([]byte{'%', upperHex[s[i]>>4], upperHex[s[i]&15]})
		} else {
			b.WriteString(s[i : i+n])
		}
		i += n
	}
	return b.String()
}
