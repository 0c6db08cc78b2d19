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
		return mapi.LocaleCodePage(uint32(locale))
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
