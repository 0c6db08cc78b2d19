package sample

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"

	"waybill/internal/pstwrite"
)

// Options say what is made. The zero value is a small file.
type Options struct {
	pstwrite.Options

	Owner    string // the mailbox's user, "anna"; empty: "user"
	Messages int    // items of all kinds; 0 is 100
	Folders  int    // at least this many; 0 is 8
	// Bytes is about how much the attachments by value have together; 0 makes a
	// few small ones.
	Bytes int64
	Seed  uint64
	// BasicPlane leaves out characters beyond U+FFFF, which libpff 20180714 decodes
	// wrongly.
	BasicPlane bool
	// Each takes the items instead of Manifest.Items, which would be large.
	Each func(Item) error
}

// maker makes one file.
type maker struct {
	o        Options
	r        *rand.Rand
	w        *pstwrite.Writer
	words    words
	manifest *Manifest
	ids      []pstwrite.FolderID
	byClass  map[string][]int // folders by container class
	made     int
}

// Write makes a file. It needs memory for the manifest and little else.
func Write(path string, o Options) (*Manifest, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	m, err := write(f, path, o)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return m, err
}

func write(f *os.File, path string, o Options) (*Manifest, error) {
	if o.Messages == 0 {
		o.Messages = 100
	}
	if o.Folders == 0 {
		o.Folders = 8
	}
	if o.Owner == "" {
		o.Owner = "user"
	}
	w, err := pstwrite.New(f, o.Options)
	if err != nil {
		return nil, err
	}
	m := &maker{
		o: o, w: w, r: rand.New(rand.NewPCG(o.Seed, 0x57617962696C6C)), words: wordsFor(o.Format == pstwrite.ANSI, o.BasicPlane),
		manifest: &Manifest{Path: path, Total: Total{Classes: map[string]int{}}}, byClass: map[string][]int{},
	}
	if err := m.folders(); err != nil {
		return nil, err
	}
	for m.made < o.Messages {
		if err := m.item(); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	m.manifest.Size = info.Size()
	return m.manifest, nil
}

// folders makes the tree: the ones that every mailbox has, and then a tree of
// projects, up to six deep.
func (m *maker) folders() error {
	fixed := []struct{ name, class string }{
		{"Inbox", "IPF.Note"}, {"Sent Items", "IPF.Note"}, {"Contacts", "IPF.Contact"}, {"Calendar", "IPF.Appointment"},
		{"Tasks", "IPF.Task"}, {"Notes", "IPF.StickyNote"}, {"Journal", "IPF.Journal"},
	}
	m.manifest.Folders = append(m.manifest.Folders, Folder{Path: []string{"Deleted Items"}, Class: "IPF.Note"})
	m.ids = append(m.ids, pstwrite.DeletedItems)
	m.byClass["IPF.Note"] = []int{0}
	for _, f := range fixed {
		if err := m.folder(-1, f.name, f.class); err != nil {
			return err
		}
	}
	for len(m.ids) < m.o.Folders {
		mail := m.byClass["IPF.Note"]
		up := mail[m.r.IntN(len(mail))]
		if len(m.manifest.Folders[up].Path) == 6 {
			up = -1
		}
		name := fmt.Sprintf("%s %d", pick(m.r, m.words.projects), len(m.ids))
		if err := m.folder(up, name, "IPF.Note"); err != nil {
			return err
		}
	}
	if _, err := m.w.SearchFolder("Unread Mail"); err != nil {
		return err
	}
	return nil
}

// folder makes one folder in another, or at the top.
func (m *maker) folder(up int, name, class string) error {
	parent, path := pstwrite.Root, []string(nil)
	if up >= 0 {
		parent, path = m.ids[up], m.manifest.Folders[up].Path
	}
	id, err := m.w.Folder(parent, name, class)
	if err != nil {
		return err
	}
	m.byClass[class] = append(m.byClass[class], len(m.ids))
	m.ids = append(m.ids, id)
	m.manifest.Folders = append(m.manifest.Folders, Folder{Path: append(slices.Clip(path), name), Class: class})
	return nil
}

// item makes the next item. Nine of ten are mail, and the first ones are one of
// each kind.
func (m *maker) item() error {
	kinds := []func() (string, pstwrite.Message, Item){
		m.mail, m.contact, m.appointment, m.task, m.note, m.journal, m.list, m.post, m.report, m.meeting,
	}
	n := m.made
	if n >= len(kinds) {
		n = max(0, m.r.IntN(10*len(kinds))-9*len(kinds))
	}
	class, message, item := kinds[n]()
	all := m.byClass[class]
	item.Folder = all[m.r.IntN(len(all))]
	return m.add(message, item)
}

// add writes an item and notes it down.
func (m *maker) add(message pstwrite.Message, item Item) error {
	hashes := m.attach(&message, &item)
	nid, err := m.w.Add(m.ids[item.Folder], message)
	if err != nil {
		return err
	}
	item.Node = nid
	total := &m.manifest.Total
	for i, h := range hashes {
		if h != nil {
			item.Attachments[i].SHA256 = h.sum()
			total.Bytes += item.Attachments[i].Size
		}
	}
	m.made++
	total.Items++
	total.Attachments += len(item.Attachments)
	total.Classes[item.Class]++
	m.manifest.Folders[item.Folder].Items++
	if m.o.Each != nil {
		return m.o.Each(item)
	}
	m.manifest.Items = append(m.manifest.Items, item)
	return nil
}

// pick chooses one.
func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }
