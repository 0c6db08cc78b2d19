package glb

import (
	"fmt"
	"strings"

	"waybill/format/msmail/evidence"
)

// AccessLayout says where the fields of ACCESS2.GLB are that say whose a record
// is. No article prints any offset of the ACCESS files; LocateAccess finds these
// by comparing the file with the address list, the mailbags and the mail.
type AccessLayout struct {
	MailboxAt int // login name, 10 characters and NUL; -1 when not found
	IDAt      int // number of the mailbag; -1 when not found
	Digits    bool
}

// Mailbox is the login name of a record; empty when its place is not known.
func (l AccessLayout) Mailbox(record []byte) string {
	if l.MailboxAt < 0 || l.MailboxAt+11 > len(record) {
		return ""
	}
	return text(record[l.MailboxAt : l.MailboxAt+11])
}

// ID is the number of the mailbag of a record.
func (l AccessLayout) ID(record []byte) (ID, bool) {
	switch {
	case l.IDAt < 0:
		return 0, false
	case l.Digits && l.IDAt+8 <= len(record):
		return ParseID(string(record[l.IDAt : l.IDAt+8]))
	case !l.Digits && l.IDAt+4 <= len(record):
		return ID(u32(record[l.IDAt:])), true
	}
	return 0, false
}

// LocateAccess finds the layout of ACCESS2.GLB. ids are the mailbags of the local
// users in ADMIN.NME, aliases their names; names are mailbox names that occur in
// mailbags and messages of the postoffice, in capitals.
func LocateAccess(t *Table, ids map[ID]bool, names map[string]bool) (AccessLayout, []evidence.Finding) {
	l := AccessLayout{MailboxAt: -1, IDAt: -1}
	id := l.locateID(t, ids)
	mailbox := l.locateMailbox(t, names)
	return l, []evidence.Finding{id, mailbox}
}

// locateID looks for the column whose values are the numbers of the users.
func (l *AccessLayout) locateID(t *Table, ids map[ID]bool) evidence.Finding {
	f := evidence.Finding{Of: t.Name + " mailbag number", Total: len(ids), Text: "values of every column compared with the numbers in ADMIN.NME"}
	var best AccessLayout
	for _, digits := range []bool{true, false} {
		for at := range t.Width() {
			try := AccessLayout{MailboxAt: -1, IDAt: at, Digits: digits}
			found := map[ID]bool{}
			for i := range t.Len() {
				if id, ok := try.ID(t.Record(i)); ok && ids[id] {
					found[id] = true
				}
			}
			if !digits && len(found) == 1 && found[0] {
				continue // every column of zeros is the number 0
			}
			switch n := len(found); {
			case n > f.For:
				if f.For > 0 && !sameIDs(t, best, try, ids) {
					f.RunnerUp = f.For
				}
				best, f.For = try, n
			case n > f.RunnerUp && !sameIDs(t, best, try, ids):
				f.RunnerUp = n
			}
		}
	}
	if f.For == 0 {
		return f
	}
	l.IDAt, l.Digits = best.IDAt, best.Digits
	form := "binary"
	if best.Digits {
		form = "digits"
	}
	f.Choice = fmt.Sprintf("offset %#02x, %s", best.IDAt, form)
	return f
}

// sameIDs reports whether two columns say the same of every record whose number is
// known: then the file holds the number twice, and neither speaks against the other.
func sameIDs(t *Table, a, b AccessLayout, ids map[ID]bool) bool {
	for i := range t.Len() {
		x, okX := a.ID(t.Record(i))
		y, okY := b.ID(t.Record(i))
		if (okX && ids[x] || okY && ids[y]) && (okX != okY || x != y) {
			return false
		}
	}
	return true
}

// locateMailbox looks for the column of login names: valid, different from each
// other, and among the names that occur in mail.
func (l *AccessLayout) locateMailbox(t *Table, names map[string]bool) evidence.Finding {
	f := evidence.Finding{Of: t.Name + " mailbox name", Total: t.Len(), Text: "columns of valid names, all different, compared with senders and recipients of mail"}
	bestScore, nextScore := 0, 0
	for at := 0; at+11 <= t.Width(); at++ {
		valid, known := l.scoreMailbox(t, at, names)
		score := valid + 2*known
		switch {
		case valid*5 < t.Len()*4: // not a column of names
		case score > bestScore:
			nextScore = bestScore
			f.RunnerUp = min(f.For, nextScore)
			bestScore, l.MailboxAt, f.For = score, at, valid
			f.Text = fmt.Sprintf("%d valid names, %d of them known from mail", valid, known)
		case score > nextScore:
			nextScore = score
		}
	}
	if l.MailboxAt < 0 {
		return f
	}
	f.RunnerUp = 0
	if bestScore > 0 {
		f.RunnerUp = f.For * nextScore / bestScore
	}
	f.Choice = fmt.Sprintf("offset %#02x", l.MailboxAt)
	return f
}

func (l *AccessLayout) scoreMailbox(t *Table, at int, names map[string]bool) (valid, known int) {
	seen := map[string]bool{}
	for i := range t.Len() {
		rec := t.Record(i)
		field := rec[at : at+11]
		name := strings.ToUpper(text(field))
		switch {
		case len(name) == len(field) || !validLogin(name): // no NUL, or no name
		case at > 0 && isNameByte(rec[at-1]): // the rest of a longer word
		case seen[name]:
		default:
			if id, ok := ParseID(name); ok {
				if own, found := l.ID(rec); found && own == id {
					continue // the mailbag's digits
				}
			}
			seen[name] = true
			valid++
			if names[name] {
				known++
			}
		}
	}
	return valid, known
}

// validLogin takes the system's own mailboxes too: $SYSTEM, *SPECIAL.
func validLogin(s string) bool {
	if len(s) > 1 && (s[0] == '$' || s[0] == '*') {
		s = s[1:]
	}
	return ValidName(s)
}

// LocateText finds the column of a table that holds, for each record, the wanted
// text; want returns false for records of which nothing is known.
func LocateText(t *Table, of string, width int, want func(i int) (string, bool)) (int, evidence.Finding) {
	return locateColumn(t, of, width, func(i, at int) (bool, bool) {
		w, ok := want(i)
		return ok && text(t.Record(i)[at:at+width]) == w, ok
	})
}

// LocateNumber finds the column that holds, for each record, the wanted number.
func LocateNumber(t *Table, of string, want func(i int) (uint32, bool)) (int, evidence.Finding) {
	return locateColumn(t, of, 4, func(i, at int) (bool, bool) {
		w, ok := want(i)
		return ok && w != 0 && u32(t.Record(i)[at:]) == w, ok
	})
}

func locateColumn(t *Table, of string, width int, agrees func(i, at int) (agree, counts bool)) (int, evidence.Finding) {
	f := evidence.Finding{Of: of, Text: "every column compared with what the address list says of the same mailbag"}
	best := -1
	for at := 0; at+width <= t.Width(); at++ {
		n, total := 0, 0
		for i := range t.Len() {
			agree, counts := agrees(i, at)
			if counts {
				total++
			}
			if agree {
				n++
			}
		}
		f.Total = total
		switch {
		case n > f.For:
			best, f.RunnerUp, f.For = at, f.For, n
		case n > f.RunnerUp:
			f.RunnerUp = n
		}
	}
	if best >= 0 {
		f.Choice = fmt.Sprintf("offset %#02x", best)
	}
	return best, f
}
