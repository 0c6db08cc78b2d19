package office

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Expected is what the waybill of a correct migration of the example says.
type Expected struct {
	Totals    Count     `json:"totals"`
	Contacts  int       `json:"contacts"`
	Lists     int       `json:"lists"`
	Exit      int       `json:"exit"`
	Mailboxes []Mailbox `json:"mailboxes"`
	Broken    []Broken  `json:"broken"`
}

// Count is the arithmetic: found = verified + quarantined.
type Count struct {
	Found       int `json:"found"`
	Verified    int `json:"verified"`
	Quarantined int `json:"quarantined"`
	// Bytes is the size of the messages whose bytes are fixed by their format.
	Bytes int64 `json:"bytes"`
}

// Mailbox is one user's part.
type Mailbox struct {
	User    string   `json:"user"`
	Count   Count    `json:"count"`
	Folders []Folder `json:"folders"`
	broken  []Broken
}

// Folder is one folder's part.
type Folder struct {
	Path  string `json:"path"` // as mail.Path
	Count Count  `json:"count"`
	// SHA256 has the digest of each message in order of arrival; nil where the
	// format keeps no bytes (migration files).
	SHA256 []string `json:"sha256,omitempty"`
}

// Broken is an item that cannot be carried as it is.
type Broken struct {
	User   string `json:"user"`
	Folder string `json:"folder"`
	What   string `json:"what"`
	// Outcome is "quarantined" or "verified with a note".
	Outcome string `json:"outcome"`
}

func (f *Folder) add(content []byte) {
	f.Count.Found++
	f.Count.Verified++
	f.Count.Bytes += int64(len(content))
	digest := sha256.Sum256(content)
	f.SHA256 = append(f.SHA256, hex.EncodeToString(digest[:]))
}

func (m *Mailbox) quarantine(f *Folder, what string) {
	f.Count.Found++
	f.Count.Quarantined++
	m.broken = append(m.broken, Broken{m.User, f.Path, what, "quarantined"})
}

// sum puts mailboxes in order and adds everything up.
func (e *Expected) sum() {
	slices.SortFunc(e.Mailboxes, func(a, b Mailbox) int { return strings.Compare(a.User, b.User) })
	for i := range e.Mailboxes {
		m := &e.Mailboxes[i]
		slices.SortFunc(m.Folders, func(a, b Folder) int { return strings.Compare(a.Path, b.Path) })
		for _, f := range m.Folders {
			m.Count.add(f.Count)
		}
		e.Totals.add(m.Count)
		e.Broken = append(e.Broken, m.broken...)
	}
	if e.Totals.Quarantined > 0 {
		e.Exit = 1
	}
}

func (c *Count) add(d Count) {
	c.Found += d.Found
	c.Verified += d.Verified
	c.Quarantined += d.Quarantined
	c.Bytes += d.Bytes
}
