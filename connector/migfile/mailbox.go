package migfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"waybill/connector"
	"waybill/connector/migfile/canon"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

// contactsFolder is where the message with a personal address book goes.
const contactsFolder = mail.Path("Contacts")

// mailbox reads the sections of one user.
type mailbox struct {
	source *source
	person *person
}

// counts gives the number of records of each folder, and the folders in the
// order in which they occur.
func (m *mailbox) counts() (map[mail.Path]int64, []mail.Path) {
	counts, order := map[mail.Path]int64{}, []mail.Path{mail.Inbox}
	add := func(p mail.Path, n int64) {
		if !slices.Contains(order, p) {
			order = append(order, p)
		}
		counts[p] += n
	}
	for _, u := range m.person.mail {
		for _, p := range u.order {
			add(p, u.folders[p])
		}
	}
	if n := len(m.person.pab); n > 0 {
		add(contactsFolder, int64(n))
	}
	return counts, order
}

func (m *mailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	_, order := m.counts()
	return withParents(order), nil
}

// withParents lists folders, each behind its parents.
func withParents(paths []mail.Path) []mail.Folder {
	var folders []mail.Folder
	seen := map[mail.Path]bool{}
	for _, p := range paths {
		names := p.Names()
		for i := range names {
			if q := mail.NewPath(names[:i+1]...); !seen[q] {
				seen[q] = true
				folders = append(folders, mail.Folder{Path: q, Use: useOf(q), Subscribed: true})
			}
		}
	}
	return folders
}

func (m *mailbox) Census(ctx context.Context, folder mail.Path, exact bool) (connector.Census, error) {
	if ctx.Err() != nil {
		return connector.Census{}, cancelled(ctx)
	}
	counts, order := m.counts()
	if err := m.known(folder, order); err != nil {
		return connector.Census{}, err
	}
	c := connector.Census{Messages: counts[folder], Bytes: -1}
	if exact {
		c.Messages, c.Bytes = 0, 0
		err := m.records(ctx, folder, func(u *run, rec mf.Record, err error) bool {
			c.Messages++
			if err == nil && u.kind == mf.MailMessage {
				c.Bytes += m.estimate(rec)
			}
			return true
		})
		return c, err
	}
	// The secondary files of the user's own pairs tell the size of all his mail.
	var total, bytes int64
	for _, n := range counts {
		total += n
	}
	seen := map[int]bool{}
	for _, u := range m.person.mail {
		if !seen[u.file] {
			seen[u.file] = true
			bytes += m.source.files.size(base(m.source.index.files[u.file]) + ".sec")
		}
	}
	if total > 0 && bytes > 0 {
		c.Bytes = bytes * counts[folder] / total * 4 / 3
	}
	return c, nil
}

// estimate tells the size of a message, nearly, without reading its content.
func (m *mailbox) estimate(rec mf.Record) int64 {
	l, err := m.source.reader.letter(rec)
	if err != nil {
		return 0
	}
	size := int64(len(l.message.Header()))
	for _, p := range l.pieces {
		if size += 200; p.Type == mf.Body {
			size += p.Length
		} else {
			size += p.Length * 78 / 57
		}
	}
	return size
}

// known tells whether the mailbox has the folder.
func (m *mailbox) known(folder mail.Path, order []mail.Path) error {
	for _, f := range withParents(order) {
		if f.Path == folder {
			return nil
		}
	}
	return failure.New(failure.Vanished, "read folder", m.person.user.ID+", "+string(folder), "migfile.no-folder", nil)
}

// records walks over what is in a folder: rows of MAILMESSAGE sections, and PAB
// sections as a whole, for which the record is the heading.
func (m *mailbox) records(ctx context.Context, folder mail.Path, visit func(*run, mf.Record, error) bool) error {
	if folder == contactsFolder {
		for _, u := range m.person.pab {
			if !visit(u, mf.Record{Section: u.section, Start: true, Place: u.place}, nil) {
				return nil
			}
		}
	}
	for _, u := range m.person.mail {
		if u.folders[folder] == 0 {
			continue
		}
		stopped := false
		err := u.scan(ctx, m.source.index, m.source.files, 0, func(rec mf.Record, err error) error {
			if m.source.reader.folderOf(rec, err) == folder && !visit(u, rec, err) {
				stopped = true
				return errStop
			}
			return nil
		})
		if err != nil || stopped {
			return err
		}
	}
	return nil
}

func (m *mailbox) key(u *run, line int) string {
	name := base(m.source.index.files[u.file])
	if len(name) > 200 {
		name = strconv.Itoa(u.file) // names on disk have at most 255 bytes
	}
	return fmt.Sprintf("%s:%d", name, line)
}

func (m *mailbox) Messages(ctx context.Context, folder mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		_, order := m.counts()
		if err := m.known(folder, order); err != nil {
			yield(mail.Message{}, err)
			return
		}
		zoneNoted := !m.source.assumed
		stopped := false
		err := m.records(ctx, folder, func(u *run, rec mf.Record, err error) bool {
			if ctx.Err() != nil {
				return false
			}
			msg := mail.Message{Key: m.key(u, rec.Place.Line), Size: -1}
			var l *letter
			if err == nil && u.kind == mf.PAB {
				l, err = m.pab(ctx, u)
			} else if err == nil {
				l, err = m.source.reader.letter(rec)
			}
			if err == nil {
				if msg.InternalDate = l.received; msg.InternalDate.IsZero() {
					msg.InternalDate = l.sent
				}
				msg.Flags, msg.Notes = l.flags, l.notes
				if !zoneNoted && !msg.InternalDate.IsZero() {
					zoneNoted = true
					msg.Notes = append(msg.Notes, mail.Note{Kind: noteZone, Text: "the dates of this folder name no zone and were read as UTC; zone= gives another"})
				}
			}
			stopped = !yield(msg, err)
			return !stopped
		})
		switch {
		case stopped:
		case ctx.Err() != nil:
			yield(mail.Message{}, cancelled(ctx))
		case err != nil:
			yield(mail.Message{}, err)
		}
	}
}

func (m *mailbox) Open(ctx context.Context, folder mail.Path, msg mail.Message) (io.ReadCloser, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	gone := failure.New(failure.Vanished, "open message", m.person.user.ID+", "+string(folder)+" "+msg.Key, "migfile.no-message", nil)
	_, number, ok := canon.CutLast(msg.Key, ':')
	line, err := strconv.Atoi(number)
	if !ok || err != nil {
		return nil, gone
	}
	for _, u := range slices.Concat(m.person.pab, m.person.mail) {
		if m.key(u, line) != msg.Key || line < u.place.Line {
			continue
		}
		if u.kind == mf.PAB {
			if line == u.place.Line && folder == contactsFolder {
				l, err := m.pab(ctx, u)
				if err != nil {
					return nil, err
				}
				return l.message.Open(ctx), nil
			}
			continue
		}
		var found *letter
		var broken error
		err := u.scan(ctx, m.source.index, m.source.files, line, func(rec mf.Record, err error) error {
			if rec.Place.Line < line {
				return nil
			}
			if rec.Place.Line == line && m.source.reader.folderOf(rec, err) == folder {
				if broken = err; err == nil {
					found, broken = m.source.reader.letter(rec)
				}
			}
			return errStop
		})
		if err = errors.Join(err, broken); err != nil {
			return nil, err
		}
		if found != nil {
			return found.message.Open(ctx), nil
		}
	}
	return nil, gone
}

func (m *mailbox) Close() error { return nil }
