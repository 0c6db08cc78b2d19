package mapi

// languagePages are the Windows code pages of languages ([MS-LCID] 2.1, "default
// ANSI code page") that are not written in windows-1252.
var languagePages = map[uint32]int{
	0x01: 1256, 0x02: 1251, 0x04: 936, 0x05: 1250, 0x08: 1253, 0x0D: 1255, 0x0E: 1250, 0x11: 932, 0x12: 949, 0x15: 1250,
	0x18: 1250, 0x19: 1251, 0x1A: 1250, 0x1B: 1250, 0x1C: 1250, 0x1E: 874, 0x1F: 1254, 0x20: 1256, 0x22: 1251,
	0x23: 1251, 0x24: 1250, 0x25: 1257, 0x26: 1257, 0x27: 1257, 0x29: 1256, 0x2A: 1258, 0x2C: 1254, 0x2F: 1251,
	0x3F: 1251, 0x40: 1251, 0x43: 1254, 0x44: 1251, 0x50: 1251,
}

// localePages are those of places that differ from their language's.
var localePages = map[uint32]int{
	0x0404: 950, 0x0C04: 950, 0x1404: 950, 0x0C1A: 1251, 0x1C1A: 1251, 0x201A: 1251, 0x082C: 1251, 0x0843: 1251,
}

// LocaleCodePage is the Windows code page of a locale (PidTagMessageLocaleId); 0
// where there is no locale. Texts of TypeString8 are in it where a message names
// no code page.
func LocaleCodePage(lcid uint32) int {
	if page, ok := localePages[lcid&0xFFFF]; ok {
		return page
	}
	if page, ok := languagePages[lcid&0x3FF]; ok {
		return page
	}
	if lcid == 0 {
		return 0
	}
	return 1252
}
