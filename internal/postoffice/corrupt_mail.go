package postoffice

import (
	"bytes"
	"fmt"

	"waybill/format/msmail/fld"
	"waybill/format/msmail/mai"
	"waybill/format/msmail/mbg"
)

func mailCorruptions() []Corruption {
	return []Corruption{
		{"mailbag without user", "msmail.mailbag-without-user", "Q132744", func(files Files, _ *Manifest) (string, error) {
			files["KEY/0000ABCD.KEY"] = make([]byte, mbg.KeySize)
			files["MBG/0000ABCD.MBG"] = nil
			return "MBG/0000ABCD.MBG", nil
		}},
		{"MBG missing", "msmail.mbg-missing", "Q132744", func(files Files, m *Manifest) (string, error) {
			id := busy(m).ID.String()
			delete(files, "MBG/"+id+".MBG")
			return "KEY/" + id + ".KEY", nil
		}},
		{"KEY missing", "msmail.key-missing", "Q132744", func(files Files, m *Manifest) (string, error) {
			name := "KEY/" + busy(m).ID.String() + ".KEY"
			delete(files, name)
			return name, nil
		}},
		{"both mailbag files missing", "msmail.user-without-mailbag", "Q132744", func(files Files, m *Manifest) (string, error) {
			id := busy(m).ID.String()
			delete(files, "KEY/"+id+".KEY")
			delete(files, "MBG/"+id+".MBG")
			return "MBG/" + id + ".MBG", nil
		}},
		{"KEY tells of rows that are not there", "msmail.key-beyond", "Q120220", func(files Files, m *Manifest) (string, error) {
			u := busy(m)
			return change("KEY/"+u.ID.String()+".KEY", func(b []byte, m *Manifest) []byte {
				k := mbg.Key(b)
				k.SetDeleted(m.Keys, len(u.Rows)+3, true)
				return k[:]
			})(files, m)
		}},
		{"stray bytes in a mailbag", "mbg.size", "Q77926", func(files Files, m *Manifest) (string, error) { return grow(bagName(m), 24)(files, m) }},
		{"row that names no message", "mbg.file", "Q108027", row(func(r *mbg.Row, _ *mbg.Row) { r.SetFile("NONSENSE") })},
		{"row that names another's message", "msmail.row-duplicate", "Q77926", row(func(r *mbg.Row, other *mbg.Row) { r.SetFile(other.File()) })},
		{"hour 24", "mbg.date", "Q96694", row(func(r *mbg.Row, _ *mbg.Row) { r[0x3A] = 24 })},
		{"subject of another message", "msmail.subject", "Q99204", func(files Files, m *Manifest) (string, error) {
			name := MessageFile(m.Messages[busy(m).Rows[liveRows(m)[1]].Message].ID)
			_, err := row(func(r *mbg.Row, _ *mbg.Row) { r.SetSubject("Quite another matter") })(files, m)
			return name, err
		}},
		{"message missing", "mai.missing", "Q112304", func(files Files, m *Manifest) (string, error) {
			msg := live(m)
			msg.Gone = true
			delete(files, MessageFile(msg.ID))
			return bagName(m), nil
		}},
		{"message stranded", "msmail.mai-stranded", "Q101833", func(files Files, m *Manifest) (string, error) {
			b := files[MessageFile(live(m).ID)]
			name := MessageFile(0x00BEEF00)
			files[name] = b
			return name, nil
		}},
		{"message empty", "mai.empty", "Q112304", message(func([]byte, *Manifest) []byte { return nil })},
		{"message cut", "mai.truncated", "Q104423", message(func(b []byte, _ *Manifest) []byte { return b[:len(b)*2/3] })},
		{"message garbled", "mai.key", "Q209486", message(func(b []byte, m *Manifest) []byte { return garble(b) })},
		{"no message at all", "mai.container", "Q112304", message(func(b []byte, _ *Manifest) []byte { return bytes.Repeat([]byte{0xE5}, len(b)) })},
		{"wrong key", "msmail.key-own", "Q209486", otherKey},
		{"reference count", "msmail.reference-count", "Q104423", message(func(b []byte, _ *Manifest) []byte { b[0x0B] += 9; return b })},
		{"attachment missing", "att.missing", "Q103421", attachment(func(files Files, name string) { delete(files, name) })},
		{"attachment empty", "msmail.att-empty", "Q103421", attachment(func(files Files, name string) { files[name] = nil })},
		{"attachment stranded", "msmail.att-stranded", "Q101833", func(files Files, _ *Manifest) (string, error) {
			name := AttachmentFile(0x00BEEF01)
			files[name] = []byte("x")
			return name, nil
		}},
		{"folder missing", "fld.missing", "Q105960", func(files Files, m *Manifest) (string, error) {
			delete(files, "FOLDERS/PUB/"+m.Folders[0].ID.String()+".FLD")
			return "FOLDERS/PUB/FOLDROOT.IDX", nil
		}},
		{"folder without index", "fld.orphan", "Q117197", func(files Files, _ *Manifest) (string, error) {
			name := "FOLDERS/PUB/00000777.FLD"
			files[name] = fld.NewHeader(fld.TypeShared)
			return name, nil
		}},
		{"folder in another form", "fld.unreadable", "Q149284", func(files Files, m *Manifest) (string, error) {
			return grow("FOLDERS/PUB/"+m.Folders[len(m.Folders)-1].ID.String()+".FLD", 99)(files, m)
		}},
		{"mail waits for delivery", "msmail.undelivered", "Q221963", func(files Files, m *Manifest) (string, error) {
			var r mbg.Row
			r.SetFile(live(m).ID.String())
			files["MBG/INQUEUE3.MBG"] = r[:]
			return "MBG/INQUEUE3.MBG", nil
		}},
	}
}

// busy is the user with the most rows, first the live message of the first live
// row there.
func busy(m *Manifest) *User {
	var best *User
	for i := range m.Users {
		if u := &m.Users[i]; !u.Spoiled && (best == nil || len(u.Rows) > len(best.Rows)) {
			best = u
		}
	}
	if best == nil {
		return &m.Users[0]
	}
	return best
}

func bagName(m *Manifest) string { return "MBG/" + busy(m).ID.String() + ".MBG" }

// liveRows are the rows of the busy user that are not deleted.
func liveRows(m *Manifest) (rows []int) {
	for i, r := range busy(m).Rows {
		if msg := &m.Messages[r.Message]; !r.Deleted && !msg.Gone && !msg.Spoiled {
			rows = append(rows, i)
		}
	}
	return rows
}

func live(m *Manifest) *Message { return &m.Messages[busy(m).Rows[liveRows(m)[0]].Message] }

// row changes the second live row of the busy user's mailbag; other is the first.
func row(f func(r, other *mbg.Row)) func(Files, *Manifest) (string, error) {
	return func(files Files, m *Manifest) (string, error) {
		rows := liveRows(m)
		if len(rows) < 2 {
			return "", fmt.Errorf("nobody has two messages")
		}
		return change(bagName(m), func(b []byte, _ *Manifest) []byte {
			first := mbg.Row(b[rows[0]*mbg.RowSize : (rows[0]+1)*mbg.RowSize])
			second := mbg.Row(b[rows[1]*mbg.RowSize : (rows[1]+1)*mbg.RowSize])
			f(&second, &first)
			copy(b[rows[1]*mbg.RowSize:], second[:])
			return b
		})(files, m)
	}
}

func message(f func(b []byte, m *Manifest) []byte) func(Files, *Manifest) (string, error) {
	return func(files Files, m *Manifest) (string, error) { return change(MessageFile(live(m).ID), f)(files, m) }
}

// garble changes the contents of all strings of a message, and nothing else.
func garble(b []byte) []byte {
	s := mai.NewScanner(bytes.NewReader(b), "", int64(len(b)))
	out := bytes.Clone(b)
	for {
		e, err := s.Next()
		if err != nil {
			return out
		}
		if e.ID == mai.ASCIIString {
			for i := e.Content; i < e.End(); i++ {
				out[i] = byte(int(b[i])*167 + int(i)*int(i)*31 + int(i)*13)
			}
		}
	}
}

// otherKey encrypts a message's strings with another key.
func otherKey(files Files, m *Manifest) (string, error) {
	other := mai.Cipher{Key: m.Cipher.Key, Long: m.Cipher.Long}
	for i := range other.Key {
		other.Key[i] ^= byte(0x35 + 7*i)
	}
	return message(func(b []byte, m *Manifest) []byte {
		s := mai.NewScanner(bytes.NewReader(b), "", int64(len(b)))
		out := bytes.Clone(b)
		for {
			e, err := s.Next()
			if err != nil {
				return out
			}
			if e.ID == mai.ASCIIString || e.ID == mai.Date {
				copy(out[e.Content:], other.Encrypt(m.Cipher.Decrypt(b[e.Content:e.End()])))
			}
		}
	})(files, m)
}

func attachment(f func(files Files, name string)) func(Files, *Manifest) (string, error) {
	return func(files Files, m *Manifest) (string, error) {
		for i := range m.Messages {
			if msg := &m.Messages[i]; len(msg.Files) > 0 && !msg.Gone && !msg.Spoiled {
				msg.Spoiled = true
				name := AttachmentFile(msg.Files[0].ID)
				f(files, name)
				if _, ok := files[name]; !ok {
					name = MessageFile(msg.ID)
				}
				return name, nil
			}
		}
		return "", fmt.Errorf("no message has an attachment")
	}
}
