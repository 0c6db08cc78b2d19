// Package fld reads what is known of the folders of Microsoft Mail: the indexes
// (.IDX) and folder files (.FLD) of the DOS and Macintosh clients and of shared
// and group folders, and the message stores (.MMF) of the Windows client.
//
// Sizes, the type of a folder and the free-standing facts are documented (KB
// Q77926, Q105960, Q95975, Q124041); where a field of an index record lies is not,
// and is found by LocateIndex. The messages inside a folder are FIPS PUB 98
// structures (KB Q140190, Q140107); whether they follow each other without
// anything between was never published, so Count believes its count only when it
// ends exactly at the end of the file.
package fld

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
)

// Sizes (KB Q77926, Q105960, documented).
const (
	IndexHeader = 100
	IndexRecord = 158
	Header      = 129
)

// The types of folders: byte 0x31 of an .FLD file (KB Q95975, documented for 2
// and 3).
const (
	TypeAt      = 0x31
	TypePrivate = 1 // hypothesis
	TypeGroup   = 2
	TypeShared  = 3
)

// Entry is a record of an .IDX file.
type Entry [IndexRecord]byte

// Layout says where the fields of an index record are. All are hypotheses until
// LocateIndex has tested them; -1 is not found.
type Layout struct {
	NameAt    int // folder name and NUL
	CommentAt int // comment and NUL
	OwnerAt   int // 8 hexadecimal digits, sometimes in lower case (KB Q124041, documented)
	FileAt    int // number of the .FLD file
	Digits    bool
	TypeAt    int
}

// Likely is what the test writer uses: flag, name of 41 bytes, comment of 41, owner
// and file as digits, type. Sizes of name and comment are guesses; shared folders of
// the Windows client hold 23 and 24 characters (KB Q82921).
var Likely = Layout{NameAt: 0x02, CommentAt: 0x2B, OwnerAt: 0x54, FileAt: 0x5D, Digits: true, TypeAt: 0x66}

func text(b []byte) string {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

func (e *Entry) field(at, width int) []byte {
	if at < 0 || at >= len(e) {
		return nil
	}
	return e[at:min(at+width, len(e))]
}

// Name is the folder's name in the code page.
func (e *Entry) Name(l Layout) string { return text(e.field(l.NameAt, 41)) }

// Comment is the folder's comment in the code page.
func (e *Entry) Comment(l Layout) string {
	s := text(e.field(l.CommentAt, 41))
	if !printable(s) {
		return ""
	}
	return s
}

// Owner is the mailbag of the folder's owner.
func (e *Entry) Owner(l Layout) (glb.ID, bool) { return glb.ParseID(string(e.field(l.OwnerAt, 8))) }

// File is the number of the folder's file.
func (e *Entry) File(l Layout) (glb.ID, bool) {
	if l.Digits {
		return glb.ParseID(string(e.field(l.FileAt, 8)))
	}
	b := e.field(l.FileAt, 4)
	if len(b) < 4 {
		return 0, false
	}
	return glb.ID(binary.LittleEndian.Uint32(b)), true
}

// Set writes a record in the likely layout; names are cut to fit.
func (e *Entry) Set(name, comment string, owner, file glb.ID, kind byte) {
	l := Likely
	*e = Entry{}
	e[0] = 1
	put := func(at, width int, s string) { copy(e[at:at+width-1], s) }
	put(l.NameAt, 41, name)
	put(l.CommentAt, 41, comment)
	copy(e[l.OwnerAt:], owner.String())
	copy(e[l.FileAt:], file.String())
	e[l.TypeAt] = kind
}

// LocateIndex finds the fields of the records of all indexes of a postoffice.
// files are the numbers of the .FLD files, users the mailbags; types are the types
// of the files.
func LocateIndex(records []Entry, files map[glb.ID]byte, users map[glb.ID]bool) (Layout, []evidence.Finding) {
	l := Layout{-1, -1, -1, -1, false, -1}
	file := evidence.Finding{Of: "IDX folder file", Total: min(len(records), len(files)), Text: "columns that name existing .FLD files, each once"}
	for _, digits := range []bool{true, false} {
		for at := 0; at+4 <= IndexRecord; at++ {
			try := Layout{FileAt: at, Digits: digits}
			seen := map[glb.ID]bool{}
			for i := range records {
				if id, ok := records[i].File(try); ok {
					if _, exists := files[id]; exists {
						seen[id] = true
					}
				}
			}
			if _, zero := seen[0]; !digits && zero && len(seen) == 1 {
				continue // every column of zeros is the number 0
			}
			if pick(&file, len(seen)) {
				l.FileAt, l.Digits = at, digits
			}
		}
	}
	choose(&file, l.FileAt)
	owner := evidence.Finding{Of: "IDX owner", Total: len(records), Text: "columns of 8 digits that name users, and not always the folder's file"}
	for at := 0; at+8 <= IndexRecord; at++ {
		n := 0
		for i := range records {
			if id, ok := records[i].Owner(Layout{OwnerAt: at}); ok && users[id] && (at != l.FileAt || !l.Digits) {
				n++
			}
		}
		if pick(&owner, n) {
			l.OwnerAt = at
		}
	}
	choose(&owner, l.OwnerAt)
	name := l.locateName(records)
	l.locateType(records, files)
	return l, []evidence.Finding{file, owner, name}
}

func (l *Layout) locateName(records []Entry) evidence.Finding {
	name := evidence.Finding{Of: "IDX folder name", Total: len(records), Text: "columns of printable text that begins a word"}
	second, fewer := -1, 0
	for at := 0; at+2 <= IndexRecord; at++ {
		n := 0
		for i := range records {
			s := text(records[i].field(at, 41))
			_, digits := glb.ParseID(s)
			if len(s) > 1 && len(s) < 41 && printable(s) && !digits && (at == 0 || !letter(records[i][at-1])) {
				n++
			}
		}
		switch {
		case n > name.For: // names come before comments in every list of the fields
			name.For, l.NameAt = n, at
			second, fewer = -1, 0
		case n > fewer && at >= l.NameAt+24:
			second, fewer = at, n
		}
	}
	l.CommentAt = second
	name.RunnerUp = fewer / 2
	choose(&name, l.NameAt)
	return name
}

func (l *Layout) locateType(records []Entry, files map[glb.ID]byte) {
	best := 0
	for at := range IndexRecord {
		n := 0
		kinds := map[byte]bool{}
		for i := range records {
			if id, ok := records[i].File(*l); ok && l.FileAt >= 0 {
				if kind, exists := files[id]; exists && kind == records[i][at] {
					kinds[kind] = true
					n++
				}
			}
		}
		if n > best && len(kinds) > 1 {
			best, l.TypeAt = n, at
		}
	}
}

func pick(f *evidence.Finding, n int) bool {
	switch {
	case n > f.For:
		f.RunnerUp, f.For = f.For, n
		return true
	case n > f.RunnerUp:
		f.RunnerUp = n
	}
	return false
}

func choose(f *evidence.Finding, at int) {
	if at >= 0 {
		f.Choice = fmt.Sprintf("offset %#02x", at)
	}
}

func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7F }) < 0
}

func letter(c byte) bool { return c > ' ' && c != 0x7F }
