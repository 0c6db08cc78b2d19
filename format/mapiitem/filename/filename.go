// Package filename makes names of files out of titles that anybody may have written.
package filename

import "strings"

// maxBytes is how long the name of a file may be, in bytes, without its
// extension. Names of 255 bytes are too long for some targets that add to them.
const maxBytes = 80

// Safe makes a name of a title that every file system takes; extension, with
// its dot, is added as it is.
func Safe(title, extension string) string {
	var b strings.Builder
	for _, r := range title {
		switch {
		case r < ' ' || r == 0x7f || strings.ContainsRune(`/\:*?"<>|`, r) || r == 0xFFFD:
			r = '_'
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F:
			continue // marks that turn the direction of text hide what a name ends with
		}
		if b.Len()+len(string(r)) > maxBytes {
			break
		}
		b.WriteRune(r)
	}
	name := strings.Trim(b.String(), " .")
	if base, _, _ := strings.Cut(strings.ToUpper(name), "."); name == "" || reserved[base] {
		name = "item" + name
	}
	return name + extension
}

// reserved are names that mean devices to Windows.
var reserved = map[string]bool{"CON": true, "PRN": true, "AUX": true, "NUL": true,
	"COM1": true, "COM2": true, "COM3": true, "COM4": true, "COM5": true, "COM6": true, "COM7": true, "COM8": true, "COM9": true,
	"LPT1": true, "LPT2": true, "LPT3": true, "LPT4": true, "LPT5": true, "LPT6": true, "LPT7": true, "LPT8": true, "LPT9": true}
