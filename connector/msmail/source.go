package msmail

import (
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/format/msmail"
	"waybill/format/msmail/glb"
	"waybill/mail"
)

// source reads one postoffice.
type source struct {
	loc   connector.Location
	opt   options
	po    *msmail.Postoffice
	close func() error

	people  []person // ordered by ID
	byID    map[string]int
	book    directory.Book
	folders []msmail.Folder
	lists   map[glb.ID][]msmail.PersonalList
	names   fullNames
}

// person is a user with the mailbag, or public folders, or somebody who cannot be
// read.
type person struct {
	user directory.User
	bag  glb.ID
	err  error
}

// Source opens the postoffice in the directory that loc names. Its directory is
// read at once, its mail when it is asked for.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	opt, err := optionsOf(loc)
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(loc.Path)
	if err != nil {
		return nil, failure.New(failure.ClassOf(err), "open postoffice", loc.Path, "msmail.open", err).
			WithRemedy("name the directory that holds GLB, MBG, MAI and the others")
	}
	s := &source{loc: loc, opt: opt, close: root.Close}
	if err := s.read(ctx, root.FS()); err != nil {
		_ = root.Close()
		return nil, err
	}
	return s, nil
}

func (s *source) read(ctx context.Context, fsys fs.FS) (err error) {
	if s.po, err = msmail.Open(ctx, fsys, msmail.Options{CodePage: s.opt.codePage, Zone: s.opt.zone, Network: s.opt.network, Postoffice: s.opt.post}); err != nil {
		return err
	}
	if s.folders, err = s.po.Folders(ctx); err != nil {
		return err
	}
	s.lists = map[glb.ID][]msmail.PersonalList{}
	for _, l := range s.po.PersonalLists() {
		if len(l.Entries) > 0 || len(l.Groups) > 0 {
			s.lists[l.Owner] = append(s.lists[l.Owner], l)
		}
	}
	return s.readPeople(ctx)
}

// readPeople makes users, contacts and lists.
func (s *source) readPeople(ctx context.Context) error {
	ids := newNames()
	users := s.po.Users()
	byBag := map[glb.ID]string{}
	for _, u := range users {
		holds, err := s.holdsMail(ctx, u.ID)
		if err != nil {
			return err
		}
		if u.Special && !holds {
			continue
		}
		id := ids.take(firstOf(u.Mailbox, u.ID.String()))
		byBag[u.ID] = id
		s.people = append(s.people, person{user: s.userOf(u, id), bag: u.ID})
	}
	for _, u := range s.po.Twins() {
		id := ids.take(firstOf(u.Alias, u.ID.String()))
		s.people = append(s.people, person{user: directory.User{ID: id, Name: u.Alias}, bag: u.ID,
			err: failure.New(failure.Conflict, "open mailbox", "NME/ADMIN.NME, "+u.Alias, "msmail.hexid-duplicate", fmt.Errorf("the mailbag %s belongs to %s too (KB Q117738)", u.ID, byBag[u.ID])).
				WithRemedy("the mail of both lies in one mailbag and goes to " + byBag[u.ID] + "; give it to the other by hand where it is meant for both")})
	}
	for _, id := range s.bagsWithMail() {
		if _, owned := byBag[id]; owned || s.po.Foreign(id) || slices.ContainsFunc(users, func(u msmail.User) bool { return u.ID == id }) {
			continue
		}
		holds, err := s.holdsMail(ctx, id)
		if err != nil {
			return err
		}
		if !holds {
			continue
		}
		p := person{user: directory.User{ID: ids.take(id.String())}, bag: id}
		if !s.opt.orphans {
			p.err = failure.New(failure.Malformed, "open mailbox", "MBG/"+id.String()+".MBG", "msmail.mailbag-without-user", fmt.Errorf("there is mail in a mailbag that belongs to nobody (KB Q132744)")).
				WithRemedy("orphans=yes makes a user of it, who is called " + p.user.ID + "; a user map says where that mail goes")
		}
		s.people = append(s.people, p)
	}
	if slices.ContainsFunc(s.folders, isPublic) {
		s.people = append(s.people, person{user: directory.User{ID: ids.take(PublicID), Kind: directory.Public, Name: PublicID}})
	}
	s.makeBook(ids, byBag)
	slices.SortFunc(s.people, func(a, b person) int { return strings.Compare(a.user.ID, b.user.ID) })
	s.byID = map[string]int{}
	for i := range s.people {
		s.byID[s.people[i].user.ID] = i
	}
	s.learnNames()
	return nil
}

// bagsWithMail are all mailbags, and the numbers that private folders and message
// stores are kept under.
func (s *source) bagsWithMail() []glb.ID {
	ids := s.po.Mailbags()
	for _, f := range s.folders {
		if owner, ok := ownerOf(f); ok && !slices.Contains(ids, owner) {
			ids = append(ids, owner)
		}
	}
	return ids
}

// ownerOf is the mailbag that a private folder or message store belongs to: the
// folder's directory, or the name of the store, says so.
func ownerOf(f msmail.Folder) (glb.ID, bool) {
	switch f.Kind {
	case msmail.MessageStore:
		return f.Owner, f.Owned
	case msmail.PrivateFolder:
		return glb.ParseID(strings.ToUpper(path.Base(path.Dir(f.File))))
	}
	return 0, false
}

// holdsMail tells whether there is anything under a number: a row of the mailbag
// that is not deleted, a folder, a message store.
func (s *source) holdsMail(ctx context.Context, id glb.ID) (bool, error) {
	for _, f := range s.folders {
		if owner, ok := ownerOf(f); ok && owner == id {
			return true, nil
		}
	}
	for row, err := range s.po.Mailbag(ctx, id) {
		switch {
		case failure.ClassOf(err) == failure.Cancelled && err != nil:
			return false, err
		case row.State != msmail.Deleted:
			return true, nil // a mailbag that cannot be read is told of as well
		}
	}
	return false, nil
}

func isPublic(f msmail.Folder) bool {
	return f.Kind == msmail.SharedFolder || f.Kind == msmail.GroupFolder || f.Kind == msmail.UnknownFolder
}

func (s *source) Capabilities() connector.Capabilities {
	c := connector.Capabilities{System: scheme, Location: s.loc.String(), Fidelity: connector.Exact, SpecialUse: true, EmptyFolders: true, Contacts: true, Lists: true}
	c.DatePrecision = 1e9 // a second
	if s.opt.seen {
		c.Flags = mail.Seen
	}
	return c
}

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		for _, p := range s.people {
			if ctx.Err() != nil {
				yield(directory.User{}, cancelled(ctx))
				return
			}
			if !yield(p.user, p.err) {
				return
			}
		}
	}
}

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	if ctx.Err() != nil {
		return directory.Book{}, cancelled(ctx)
	}
	return s.book, nil
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	i, ok := s.byID[user]
	if !ok {
		return nil, failure.New(failure.Vanished, "open mailbox", fmt.Sprintf("%.60q", user), "msmail.no-user", nil)
	}
	p := &s.people[i]
	if p.err != nil {
		return nil, p.err
	}
	return newMailbox(s, p), nil
}

// Close closes the directory.
func (s *source) Close() error { return s.close() }

func cancelled(ctx context.Context) error {
	return failure.New(failure.Cancelled, "read postoffice", "", "cancelled", ctx.Err())
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
