package mai

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// magics are how well-known files begin.
var magics = []struct {
	kind  string
	begin string
}{
	{"ZIP", "PK\x03\x04"}, {"ZIP", "PK\x05\x06"}, {"EXE", "MZ"}, {"GIF", "GIF8"}, {"PNG", "\x89PNG\r\n\x1a\n"}, {"JPEG", "\xff\xd8\xff"},
	{"PDF", "%PDF-"}, {"OLE", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"}, {"RTF", "{\\rtf"}, {"PostScript", "%!PS"}, {"TIFF", "II*\x00"}, {"TIFF", "MM\x00*"},
	{"RIFF", "RIFF"}, {"gzip", "\x1f\x8b\x08"}, {"TNEF", "\x78\x9f\x3e\x22"}, {"WordPerfect", "\xffWPC"}, {"ARJ", "\x60\xea"}, {"Lotus 1-2-3", "\x00\x00\x02\x00\x04\x04"},
	{"Lotus 1-2-3", "\x00\x00\x02\x00\x06\x04"}, {"Lotus 1-2-3", "\x00\x00\x1a\x00\x00\x10"}, {"Excel", "\x09\x00\x04\x00"}, {"Excel", "\x09\x02\x06\x00"}, {"Excel", "\x09\x04\x06\x00"},
	{"Word", "\xdb\xa5\x2d\x00"}, {"Word", "\x31\xbe\x00\x00"}, {"Write", "\x32\xbe\x00\x00"}, {"SZDD", "SZDD"}, {"help", "\x3f\x5f\x03\x00"}, {"metafile", "\xd7\xcd\xc6\x9a"},
	{"MIDI", "MThd"}, {"ZOO", "ZOO "}, {"BMP", "BM"}, {"PCX", "\x0a\x05\x01"}, {"message", "\x4d\x83"},
}

// short magics say little: two octets come by chance once in 65,000 files, and are
// taken only with the fitting name.
var shortNames = map[string][]string{
	"EXE": {".exe", ".dll", ".com", ".drv", ".fon", ".scr", ".386"}, "BMP": {".bmp", ".dib"}, "ARJ": {".arj"}, "PCX": {".pcx"}, "message": {".enc", ".mai"},
}

// ContentKind tells what kind of file begins with head, judged with the name that
// it was sent under. It is empty where nothing speaks for head being content in
// clear: then a decryption that gave it is not proven. "text" needs a name or a
// length that makes chance impossible.
func ContentKind(name string, head []byte) string {
	ext := strings.ToLower(path.Ext(name))
	for _, m := range magics {
		if !bytes.HasPrefix(head, []byte(m.begin)) {
			continue
		}
		names, short := shortNames[m.kind]
		if !short {
			return m.kind
		}
		if slices.Contains(names, ext) {
			return m.kind
		}
	}
	if len(head) > 6 && head[2] == '-' && head[3] == 'l' && head[4] == 'h' {
		return "LHA"
	}
	if len(head) >= 24 && implausible(head) == 0 && ascii(head)*10 >= len(head)*7 {
		return "text"
	}
	return ""
}

func ascii(b []byte) (n int) {
	for _, c := range b {
		if c < 0x7F {
			n++
		}
	}
	return n
}

// FileForms are the hypotheses about the encryption of a whole file: in clear, and
// as one string in each of the long forms.
func FileForms(c Cipher) []*Cipher {
	forms := []*Cipher{nil, {Key: c.Key, Long: c.Long}}
	for _, l := range longForms {
		if l != c.Long {
			forms = append(forms, &Cipher{Key: c.Key, Long: l})
		}
	}
	return forms
}
