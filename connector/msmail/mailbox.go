package msmail

import (
	"context"
	"fmt"
	"io"
	"iter"
	"path"
	"sync"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/format/msmail"
	"waybill/mail"
)

// contactsFolder is where the message with personal address lists goes.
const contactsFolder = mail.Path("Contacts")

// mailbox reads what belongs to one user.
type mailbox struct {
	source  *source
	person  *person
	shelves []shelf

	mu   sync.Mutex
	open *listing // of the folder that was listed last
}

// shelf is one folder.
type shelf struct {
	mail.Folder
	from msmail.Folder // a folder file; empty for INBOX and Contacts
}

// listing is a folder with its items, in order.
type listing struct {
	path  mail.Path
	items []item
	byKey map[string]int
	notes []mail.Note // for the first message
}

// item is one message, or something that should be one.
type item struct {
	key string
	row *msmail.Row     // of a mailbag
	msg *msmail.Message // of a folder
	err error
	// stores are message stores and folders that cannot be read.
	store *msmail.Folder
}

// maxItems bounds what is remembered of one folder. A mailbag holds 4,096 rows
// (KB Q119088) and a folder 5,400 messages (KB Q86101).
const maxItems = 65536

func newMailbox(s *source, p *person) *mailbox {
	m := &mailbox{source: s, person: p}
	ids := newNames()
	ids.take(string(mail.Inbox))
	public := p.user.Kind == directory.Public
	if !public {
		inbox := mail.Folder{Path: mail.Inbox, Use: mail.UseInbox, Subscribed: true}
		if !s.opt.zoned {
			inbox.Notes = append(inbox.Notes, mail.Note{Kind: noteZone, Text: "the postoffice's dates have no zone and are read as UTC; zone=Area/City says where it was"})
		}
		m.shelves = append(m.shelves, shelf{Folder: inbox})
		if len(s.lists[p.bag]) > 0 {
			ids.take(string(contactsFolder))
			m.shelves = append(m.shelves, shelf{Folder: mail.Folder{Path: contactsFolder, Subscribed: true}})
		}
	}
	for _, f := range s.folders {
		owner, private := ownerOf(f)
		if f.Kind == msmail.MessageStore || public != isPublic(f) || !public && (!private || owner != p.bag) {
			continue
		}
		name := ids.take(firstOf(f.Name, path.Base(f.File)))
		line := mail.Folder{Path: mail.NewPath(name), Subscribed: true}
		if f.Kind == msmail.GroupFolder {
			line.Notes = append(line.Notes, mail.Note{Kind: notePermission, Text: "a group folder: only members of one group could open it, and the target does not know that"})
		}
		if !f.Readable {
			line.Notes = append(line.Notes, mail.Note{Kind: noteUnproven, Text: "cannot be read: " + f.Why + "; " + f.WayRound})
		}
		m.shelves = append(m.shelves, shelf{Folder: line, from: f})
	}
	return m
}

func (m *mailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	folders := make([]mail.Folder, 0, len(m.shelves))
	for i := range m.shelves {
		folders = append(folders, m.shelves[i].Folder)
	}
	return folders, nil
}

func (m *mailbox) find(p mail.Path) (*shelf, error) {
	for i := range m.shelves {
		if m.shelves[i].Path == p {
			return &m.shelves[i], nil
		}
	}
	return nil, failure.New(failure.Vanished, "read folder", fmt.Sprintf("%s, %.60q", m.person.user.ID, p), "msmail.no-folder", nil)
}

// list lists a folder; fresh asks the disk again.
func (m *mailbox) list(ctx context.Context, p mail.Path, fresh bool) (*listing, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	s, err := m.find(p)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !fresh && m.open != nil && m.open.path == p {
		return m.open, nil
	}
	l := &listing{path: p, byKey: map[string]int{}}
	switch {
	case s.from.File != "":
		err = m.listFolder(ctx, s, l)
	case p == contactsFolder:
		err = l.add(item{key: listKey})
	default:
		err = m.listInbox(ctx, l)
	}
	if err != nil {
		return nil, err
	}
	m.open = l
	return l, nil
}

// add gives an item a place. Keys that occur twice get the number of their place.
func (l *listing) add(it item) error {
	if len(l.items) >= maxItems {
		return failure.New(failure.TooLarge, "list folder", string(l.path), "msmail.items", fmt.Errorf("more than %d messages", maxItems))
	}
	if _, twice := l.byKey[it.key]; twice {
		it.key = fmt.Sprintf("%s.%d", it.key, len(l.items))
	}
	l.byKey[it.key] = len(l.items)
	l.items = append(l.items, it)
	return nil
}

// listInbox lists the rows of the mailbag, and the message stores of the user.
func (m *mailbox) listInbox(ctx context.Context, l *listing) error {
	deleted, unsure := 0, 0
	seen := map[string]bool{}
	for row, err := range m.source.po.Mailbag(ctx, m.person.bag) {
		switch {
		case err != nil && row.Index < 0 && failure.RuleOf(err) == "mbg.size":
			err = l.add(item{key: "rest", err: err})
		case err != nil && row.Index < 0:
			return err
		case row.State == msmail.Deleted:
			deleted++
			continue
		case err != nil:
			err = l.add(item{key: fmt.Sprintf("row-%d", row.Index), err: err})
		case seen[row.File.String()]:
			// Rows of one mailbag never name one message (KB Q77926): this row's own is lost.
			err = l.add(item{key: fmt.Sprintf("%s-row-%d", row.File, row.Index), err: failure.New(failure.Malformed, "read mailbag",
				fmt.Sprintf("MBG/%s.MBG offset %d", m.person.bag, row.Offset), "msmail.row-duplicate", fmt.Errorf("row %d (%q) names message %s, which an earlier row has", row.Index, row.Subject, row.File)).
				WithRemedy("the message that the row meant may be among those that no mailbag names; waybill inspect lists them")})
		default:
			if row.State == msmail.StateUnknown {
				unsure++
			}
			seen[row.File.String()] = true
			err = l.add(item{key: row.File.String(), row: &row})
		}
		if err != nil {
			return err
		}
	}
	if deleted > 0 {
		l.notes = append(l.notes, mail.Note{Kind: noteDeleted, Text: fmt.Sprintf("%d rows of the mailbag are deleted and left out", deleted)})
	}
	if unsure > 0 {
		l.notes = append(l.notes, mail.Note{Kind: noteState, Text: fmt.Sprintf("of %d rows it is not known whether they were deleted; they are taken as not deleted", unsure)})
	}
	return m.addStores(l)
}

// addStores adds the user's message stores, which nobody but Microsoft's own
// programs can read.
func (m *mailbox) addStores(l *listing) error {
	for i := range m.source.folders {
		f := &m.source.folders[i]
		if f.Kind != msmail.MessageStore || !f.Owned || f.Owner != m.person.bag {
			continue
		}
		if err := l.add(item{key: f.File, err: unreadable(*f), store: f}); err != nil {
			return err
		}
	}
	return nil
}

func unreadable(f msmail.Folder) error {
	rule := "fld.unreadable"
	if f.Kind == msmail.MessageStore {
		rule = "msmail.mmf"
	}
	return failure.New(failure.Unsupported, "read folder", f.File, rule, fmt.Errorf("%s (%d bytes)", f.Why, f.Size)).WithRemedy(f.WayRound)
}

func (m *mailbox) listFolder(ctx context.Context, s *shelf, l *listing) error {
	if !s.from.Readable {
		return l.add(item{key: path.Base(s.from.File), err: unreadable(s.from), store: &s.from})
	}
	n := 0
	for msg, err := range m.source.po.FolderMessages(ctx, s.from) {
		if failure.ClassOf(err) == failure.Cancelled && err != nil {
			return err
		}
		n++
		if err := l.add(item{key: fmt.Sprintf("%d", n), msg: msg, err: err}); err != nil {
			return err
		}
	}
	return nil
}

// Census counts. The sizes are those that mailbags state, which nobody vouches
// for; absurd ones do not count.
func (m *mailbox) Census(ctx context.Context, folder mail.Path, _ bool) (connector.Census, error) {
	l, err := m.list(ctx, folder, true)
	if err != nil {
		return connector.Census{}, err
	}
	c := connector.Census{Messages: int64(len(l.items))}
	for i := range l.items {
		switch it := &l.items[i]; {
		case it.row != nil && it.row.Size < maxStated:
			c.Bytes += int64(it.row.Size)
		case it.msg != nil:
			c.Bytes += it.msg.Size
		}
	}
	return c, nil
}

// maxStated is the largest size of a message that is believed.
const maxStated = 256 << 20

// Messages reads every message's structure, so that what is broken is known before
// anything is sent.
func (m *mailbox) Messages(ctx context.Context, folder mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		l, err := m.list(ctx, folder, true)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		first := true
		for i := range l.items {
			if ctx.Err() != nil {
				yield(mail.Message{}, cancelled(ctx))
				return
			}
			it := &l.items[i]
			msg := mail.Message{Key: it.key, Size: -1}
			made, err := m.make(ctx, it)
			if failure.ClassOf(err) == failure.Cancelled && err != nil {
				yield(mail.Message{}, err)
				return
			}
			if it.row != nil {
				msg.InternalDate = it.row.Date
			}
			if err == nil {
				if msg.InternalDate.IsZero() {
					msg.InternalDate = made.date
				}
				msg.Flags, msg.Notes = made.flags, made.notes
				if first {
					msg.Notes = append(msg.Notes, l.notes...)
					if !m.source.opt.zoned && !msg.InternalDate.IsZero() {
						msg.Notes = append(msg.Notes, mail.Note{Kind: noteZone, Text: "the dates of this folder name no zone and were read as UTC; zone= gives another"})
					}
				}
				first = false
			}
			if !yield(msg, err) {
				return
			}
		}
	}
}

// make makes the letter of an item.
func (m *mailbox) make(ctx context.Context, it *item) (*letter, error) {
	switch {
	case it.err != nil:
		return nil, it.err
	case it.key == listKey:
		return m.addressBook()
	case it.msg != nil:
		return m.source.letter(it.msg, it.msg.File+" message "+it.key)
	}
	msg, err := m.source.po.Message(ctx, *it.row)
	if err != nil {
		return nil, err
	}
	return m.source.letter(msg, msg.File)
}

func (m *mailbox) Open(ctx context.Context, folder mail.Path, msg mail.Message) (io.ReadCloser, error) {
	l, err := m.list(ctx, folder, false)
	if err != nil {
		return nil, err
	}
	i, ok := l.byKey[msg.Key]
	if !ok {
		return nil, failure.New(failure.Vanished, "open message", fmt.Sprintf("%s, %s %.80q", m.person.user.ID, folder, msg.Key), "msmail.no-message", nil)
	}
	made, err := m.make(ctx, &l.items[i])
	if err != nil {
		return nil, err
	}
	return made.message.Open(ctx), nil
}

func (m *mailbox) Close() error { return nil }
