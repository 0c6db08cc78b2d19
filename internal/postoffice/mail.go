package postoffice

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/format/msmail/mai"
	"waybill/format/msmail/mbg"
)

// messages makes the messages and delivers them; the files are written when it is
// known who still has them.
func (w *writer) messages() error {
	m := w.m
	for i := range w.opt.Messages {
		msg := Message{ID: w.nextLetter(), From: w.rng.IntN(len(m.Users)), Date: w.opt.Now.Add(time.Duration(i-w.opt.Messages) * 17 * time.Minute).Truncate(time.Second)}
		for _, u := range w.rng.Perm(len(m.Users))[:1+w.rng.IntN(min(len(m.Users), 4))] {
			if len(msg.To) == 0 || w.rng.IntN(3) > 0 {
				msg.To = append(msg.To, u)
			} else {
				msg.Cc = append(msg.Cc, u)
			}
		}
		msg.Subject = w.phrase(3 + w.rng.IntN(4))
		msg.Text = w.body()
		if w.rng.IntN(6) == 0 {
			msg.Subject = w.phrase(14)
			msg.Text = w.header(&msg) + msg.Text
		}
		msg.Short = msg.Subject[:min(len(msg.Subject), 40)]
		if len(msg.Subject) > 40 && !strings.Contains(msg.Text, msg.Subject) {
			msg.Subject = msg.Short
		}
		msg.Priority = []string{"", "", "", "1", "5", "R"}[w.rng.IntN(6)]
		if w.opt.Attachments > 0 && i%w.opt.Attachments == 0 {
			if err := w.attach(&msg); err != nil {
				return err
			}
		}
		m.Messages = append(m.Messages, msg)
		for _, u := range append(slices.Clone(msg.To), msg.Cc...) {
			if len(m.Users[u].Rows) < mbg.MaxRows {
				m.Users[u].Rows = append(m.Users[u].Rows, Row{Message: i, Deleted: w.rng.IntN(9) == 0})
			}
		}
	}
	for _, u := range m.Users {
		for _, r := range u.Rows {
			if !r.Deleted {
				m.Messages[r.Message].Live++
			}
		}
	}
	for i := range m.Messages {
		if err := w.message(&m.Messages[i]); err != nil {
			return err
		}
	}
	return nil
}

// header is what Windows clients write on top (KB Q119356).
func (w *writer) header(msg *Message) string {
	from := w.m.Users[msg.From].Alias
	return fmt.Sprintf("Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nFrom: %s\r\nTo:  %s\r\nSubject:  %s\r\nDate: %s\r\nPriority:\r\nMessage ID: %08X\r\nConversation ID: %08X\r\n\r\n%s\r\n\r\n",
		from, w.m.Users[msg.To[0]].Alias, msg.Subject, msg.Date.Format("2006-01-02 15:04"), w.rng.Uint32(), w.rng.Uint32(), strings.Repeat("-", 78))
}

func (w *writer) attach(msg *Message) error {
	for range 1 + w.rng.IntN(2) {
		f := File{ID: w.nextLetter()}
		size := 40 + w.rng.IntN(3000)
		switch w.rng.IntN(5) {
		case 0:
			f.Name, f.Content = "FIGURES.ZIP", append([]byte("PK\x03\x04\x14\x00"), w.noise(size)...)
		case 1:
			f.Name, f.Content = "LOGO.GIF", append([]byte("GIF87a"), w.noise(size)...)
		case 2:
			f.Name, f.Content = "WINMAIL.DAT", append([]byte{0x78, 0x9f, 0x3e, 0x22}, w.noise(size)...)
		case 3:
			f.Name, f.Content = "NOTES.TXT", []byte(strings.Repeat("A line of the notes that were taken.\r\n", 3+size/40))
		default:
			f.Name, f.Content = "PRÜFUNG.DAT", w.noise(size) // shows nothing by itself
		}
		msg.Files = append(msg.Files, f)
	}
	return nil
}

func (w *writer) noise(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(w.rng.UintN(256))
	}
	return b
}

func (w *writer) party(user int, named bool) mai.Party {
	u := w.m.Users[user]
	name := ""
	if named {
		name = w.code(u.Alias)
	}
	return mai.Native(w.m.Network+"/"+w.m.Postoffice+"/"+u.Mailbox, name)
}

// draft is a message as it is written.
func (w *writer) draft(msg *Message) *mai.Draft {
	text := w.code(msg.Text)
	d := &mai.Draft{Count: uint16(msg.Live), Hops: 10, From: w.party(msg.From, true), Subject: w.code(msg.Short), Clock: msg.Date, Priority: msg.Priority, Text: strings.NewReader(text), TextSize: int64(len(text))}
	for _, u := range msg.To {
		d.To = append(d.To, w.party(u, false))
	}
	for _, u := range msg.Cc {
		d.Cc = append(d.Cc, w.party(u, true))
	}
	for i := range msg.Files {
		f := &msg.Files[i]
		d.Files = append(d.Files, mai.NamedFile{ID: f.ID, HasID: true, Name: w.code(f.Name), Clock: msg.Date, HasDate: true, Size: int64(len(f.Content))})
	}
	return d
}

// message writes the files of a message, unless everybody deleted it.
func (w *writer) message(msg *Message) error {
	if msg.Live == 0 {
		msg.Gone = true
		return nil
	}
	var b bytes.Buffer
	if err := mai.Write(&b, w.draft(msg), &w.m.Cipher); err != nil {
		return err
	}
	if err := w.write(MessageFile(msg.ID), b.Bytes()); err != nil {
		return err
	}
	for _, f := range msg.Files { // the whole file as one string (hypothesis)
		if err := w.write(AttachmentFile(f.ID), w.m.Cipher.Encrypt(f.Content)); err != nil {
			return err
		}
	}
	return nil
}

// mailbags writes the mailbags and their keys.
func (w *writer) mailbags() error {
	for i := range w.m.Users {
		u := &w.m.Users[i]
		var bag []byte
		var key mbg.Key
		for j, r := range u.Rows {
			msg := &w.m.Messages[r.Message]
			var row mbg.Row
			row.SetSender(w.m.Users[msg.From].Mailbox)
			row.SetSubject(w.code(msg.Short))
			row.SetDate(msg.Date)
			row.SetFile(msg.ID.String())
			row.SetSize(uint32(len(msg.Text)))
			row.SetLife(24)
			row.SetUnknown(w.rng.Uint32())
			bag = append(bag, row[:]...)
			key.SetDeleted(w.m.Keys, j, r.Deleted)
		}
		if len(u.Rows) > 0 { // counters: new and all
			key.Counters(w.m.Keys)[0] = byte(len(u.Rows))
		}
		if err := w.write("MBG/"+u.ID.String()+".MBG", bag); err != nil {
			return err
		}
		if err := w.write("KEY/"+u.ID.String()+".KEY", key[:]); err != nil {
			return err
		}
	}
	return nil
}
