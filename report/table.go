package report

import (
	"cmp"
	"slices"
	"strings"
)

// table is the table of users: the first lines as HTML, and all of them as the
// island of JSON that the script searches, sorts and turns pages in.
type table struct {
	Users  []userLine // of which only the first pageStatic are written as HTML
	Total  int
	Left   int // users that are not on the page
	Cut    int // users whose folders are not on the page
	Open   bool
	Static int
	Island island
}

type userLine struct {
	User, Name, Kind, Account, State, Error string
	Count                                   Count
	Notes                                   []tally
	Folders                                 []folderLine
	FolderCount                             int
	FoldersCut                              bool
	Hollow                                  bool
}

type folderLine struct {
	Path, Target, Use, Error string
	Complete                 bool
	Count                    Count
}

// island holds the users as arrays, because the names of fields would be most
// of the page: user, name, account, state, found, verified, quarantined,
// refused, skipped, open, bytes, error, kind, notes, folders, number of folders.
// A folder is path, target, complete, found, verified, quarantined, refused,
// skipped, open, bytes, error, use.
type island struct {
	Open  bool    `json:"open"`
	Users [][]any `json:"users"`
}

// stateOrder puts first what needs attention.
var stateOrder = [...]string{Incomplete, Exceptions, Complete, Skipped}

func newTable(w *Waybill) table {
	t := table{Total: len(w.Mailboxes), Open: w.Totals.Open > 0}
	type ranked struct {
		m     *Mailbox
		state string
		rank  int
	}
	order := make([]ranked, len(w.Mailboxes))
	for i := range w.Mailboxes {
		m := &w.Mailboxes[i]
		state := m.Outcome()
		order[i] = ranked{m, state, slices.Index(stateOrder[:], state)}
	}
	slices.SortStableFunc(order, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), strings.Compare(strings.ToLower(a.m.User), strings.ToLower(b.m.User)))
	})
	order, t.Left = first(order, pageUsers)
	budget := pageFolders
	for _, o := range order {
		u := newUserLine(o.m, o.state)
		if len(o.m.Folders) <= budget {
			budget -= len(o.m.Folders)
			for _, f := range o.m.Folders {
				u.Folders = append(u.Folders, folderLine{Path: visible(f.Path, nameLimit), Target: visible(f.Target, nameLimit),
					Use: visible(f.Use, 20), Error: visible(f.Error, textLimit), Complete: f.Complete && f.Error == "" && f.Count.Balanced(), Count: f.Count})
			}
		} else {
			u.FoldersCut = true
			t.Cut++
		}
		t.Users = append(t.Users, u)
		t.Island.Users = append(t.Island.Users, u.row())
	}
	t.Static = min(len(t.Users), pageStatic)
	t.Island.Open = t.Open
	if t.Island.Users == nil {
		t.Island.Users = [][]any{}
	}
	return t
}

func newUserLine(m *Mailbox, state string) userLine {
	u := userLine{User: visible(m.User, nameLimit), Name: visible(m.Name, nameLimit), Kind: visible(m.Kind, 20),
		Account: visible(m.Account, nameLimit), State: state, Error: visible(m.Error, textLimit), Count: m.Count,
		FolderCount: len(m.Folders), Hollow: m.Hollow() && state == Incomplete}
	if u.Hollow {
		u.Error = strings.TrimSuffix("Mail in the source and none in the target. "+u.Error, " ")
	}
	u.Notes, _ = first(rankedNotes(m.Notes), 12)
	for _, t := range []tally{{"left the source since", m.Count.Left}, {"moved in the source", m.Count.Moved},
		{"kept, changed in the target", m.Count.Kept}, {"removed from the target", m.Count.Mirrored}} {
		if t.Count > 0 {
			u.Notes = append(u.Notes, t)
		}
	}
	return u
}

func rankedNotes(notes map[string]int64) []tally {
	list := ranked(notes)
	for i := range list {
		list[i].Kind = visible(list[i].Kind, nameLimit)
	}
	return list
}

func (u userLine) row() []any {
	c := u.Count
	notes := make([][]any, 0, len(u.Notes))
	for _, n := range u.Notes {
		notes = append(notes, []any{n.Kind, n.Count})
	}
	var folders any = 0
	if !u.FoldersCut {
		list := make([][]any, 0, len(u.Folders))
		for _, f := range u.Folders {
			list = append(list, f.row())
		}
		folders = list
	}
	return []any{u.User, u.Name, u.Account, u.State, c.Found, c.Verified, c.Quarantined, c.Refused, c.Skipped, c.Open, c.Bytes,
		u.Error, u.Kind, notes, folders, u.FolderCount}
}

func (f folderLine) row() []any {
	c, done := f.Count, 0
	if f.Complete {
		done = 1
	}
	return []any{f.Path, f.Target, done, c.Found, c.Verified, c.Quarantined, c.Refused, c.Skipped, c.Open, c.Bytes, f.Error, f.Use}
}

// Shown are the lines written as HTML.
func (t table) Shown() []userLine { return t.Users[:t.Static] }
