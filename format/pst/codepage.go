package pst

import (
	"context"
	"slices"

	"waybill/format/mapi"
	"waybill/format/pst/ltp"
	"waybill/format/pst/ndb"
)

// messageLocale is PidTagMessageLocaleId.
const messageLocale mapi.ID = 0x3FF1

// textPage finds the code page of an item's texts that are not in Unicode: the
// one that the item names; or that of its author's language, since such texts are
// in the code page of the computer that wrote them; or that of the charset in
// which it was sent, where that belongs to one language. 0 is not known.
func textPage(p *mapi.Props) int {
	if page, ok := p.Int(mapi.MessageCodepage); ok && page > 0 && page != 1200 {
		return int(page)
	}
	if locale, ok := p.Int(messageLocale); ok && locale > 0 {
		return localePage(uint32(locale))
	}
	page, _ := p.Int(mapi.InternetCodepage)
	return internetPage[int(page)]
}

// internetPage are the Windows code pages of languages whose charset on the
// Internet is another.
var internetPage = map[int]int{
	932: 932, 50220: 932, 50221: 932, 50222: 932, 51932: 932, 20932: 932,
	936: 936, 52936: 936, 54936: 936, 950: 950, 949: 949, 51949: 949, 50225: 949,
	874: 874, 1250: 1250, 28592: 1250, 1251: 1251, 28595: 1251, 20866: 1251, 21866: 1251,
	1253: 1253, 28597: 1253, 1254: 1254, 28599: 1254, 1255: 1255, 28598: 1255, 38598: 1255,
	1256: 1256, 28596: 1256, 1257: 1257, 28594: 1257, 1258: 1258,
}

// languagePage are code pages by the primary language of a locale ([MS-LCID] 2.2;
// the ANSI code pages of Windows). What is not here has 1252.
var languagePage = map[uint32]int{
	0x01: 1256, 0x02: 1251, 0x04: 936, 0x05: 1250, 0x08: 1253, 0x0D: 1255, 0x0E: 1250, 0x11: 932, 0x12: 949, 0x15: 1250,
	0x18: 1250, 0x19: 1251, 0x1A: 1250, 0x1B: 1250, 0x1C: 1250, 0x1E: 874, 0x1F: 1254, 0x20: 1256, 0x22: 1251, 0x23: 1251,
	0x24: 1250, 0x25: 1257, 0x26: 1257, 0x27: 1257, 0x29: 1256, 0x2A: 1258, 0x2C: 1254, 0x2F: 1251, 0x3F: 1251, 0x40: 1251,
	0x43: 1254, 0x44: 1251, 0x50: 1251,
}

// localePage is the ANSI code page of a locale.
func localePage(locale uint32) int {
	switch locale & 0xFFFF {
	case 0x0404, 0x0C04, 0x1404, 0x7C04: // Chinese in traditional characters
		return 950
	case 0x0C1A, 0x1C1A, 0x201A, 0x281A, 0x301A, 0x082C, 0x0843: // Serbian, Bosnian, Azeri, Uzbek in Cyrillic
		return 1251
	}
	if page, ok := languagePage[locale&0x3FF]; ok {
		return page
	}
	return 1252
}

// sampleSize is how many items are asked for the code page of their file.
const sampleSize = 24

// guessPage finds the code page of folders and tables, which name none: that of
// most of the first items.
func (f *File) guessPage(ctx context.Context) int {
	votes, asked := map[int]int{}, 0
	_ = f.db.Nodes(ctx, func(n ndb.Node) bool {
		if n.NID.Kind() != ndb.KindMessage {
			return true
		}
		asked++
		p := mapi.NewProps(nil, 0)
		if err := ltp.Properties(f.db, n, f.where(n.NID), p, nil); err == nil {
			if page := textPage(p); page != 0 {
				votes[page]++
			}
		}
		return asked < sampleSize
	}, func(error) {})
	best := 1252
	for page, n := range votes {
		if n > votes[best] || n == votes[best] && page > best {
			best = page
		}
	}
	return best
}

// inbox finds the folder that mail is delivered to, in the table of such folders
// ([MS-OXCSTOR] 2.2.1.11); 0 where there is none.
func (f *File) inbox(ctx context.Context) NID {
	t, err := f.table(receiveFolders, nil)
	if t == nil || err != nil {
		return 0
	}
	var found NID
	for r, err := range t.Rows(ctx) {
		if err != nil {
			continue
		}
		v, _ := r.Value(receivesInto)
		class := rowText(r, mapi.MessageClass, f.o.CodePage)
		if nid := NID(v.Bits); nid.Kind() == ndb.KindFolder && nid != ndb.RootFolder && slices.Contains([]string{"", "IPM"}, class) {
			found = nid
		}
	}
	return found
}

// The table of the folders that receive, and the column of their numbers.
const (
	receiveFolders NID     = 0x62B
	receivesInto   mapi.ID = 0x6605
)
