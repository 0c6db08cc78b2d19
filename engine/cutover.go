package engine

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"waybill/connector"
	"waybill/engine/copying"
	"waybill/engine/setup"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// Arrival is what happened in a folder of the source since it was last gone
// through.
type Arrival struct {
	User   string    `json:"user"`
	Folder mail.Path `json:"folder,omitempty"` // empty: the mailbox as a whole
	// New messages have no outcome in the ledger; -1 means that they could not be
	// counted. Changed ones have other flags, and Gone ones are there no more.
	New     int64  `json:"new"`
	Changed int64  `json:"changed,omitempty"`
	Gone    int64  `json:"gone,omitempty"`
	Error   string `json:"error,omitempty"` // why nobody can say
}

// Arrivals is what the source has and the ledger has not.
type Arrivals struct {
	Looked  time.Time `json:"looked"` // when the looking began
	New     int64     `json:"new"`
	Changed int64     `json:"changed"`
	Gone    int64     `json:"gone"`
	Unsaid  int       `json:"unsaid"` // folders and mailboxes of which nobody can say
	List    []Arrival `json:"list,omitempty"`
}

// Quiet reports whether the ledger has an outcome for all that the source holds.
func (a Arrivals) Quiet() bool { return a.New == 0 && a.Unsaid == 0 }

// Late compares the source with the ledger, mailbox by mailbox, and changes
// nothing. Folders that are as their last pass left them are not listed.
func (m *Migration) Late(ctx context.Context, plan *Plan) (Arrivals, error) {
	all := Arrivals{Looked: m.Clock.Time()}
	users, _, err := m.sourceUsers(ctx)
	if err != nil {
		return all, err
	}
	boxes, err := m.Ledger.List(ctx)
	if err != nil {
		return all, err
	}
	known := map[string]ledger.Mailbox{}
	for _, b := range boxes {
		known[b.User] = b
	}
	var look []lateLook
	planned := map[string]bool{}
	for i := range plan.Users {
		u := &plan.Users[i]
		planned[u.User] = true
		if u.Moves() {
			look = append(look, lateLook{m: m, box: known[u.User], plan: u})
		}
	}
	for _, u := range users {
		if !planned[u.ID] {
			look = append(look, lateLook{m: m, plan: &PlanUser{User: u.ID}})
		}
	}
	if err := lookAtAll(ctx, look, m.setup().Workers()); err != nil {
		return all, err
	}
	for _, l := range look {
		all.List = append(all.List, l.found...)
	}
	slices.SortStableFunc(all.List, func(a, b Arrival) int { return strings.Compare(a.User, b.User) })
	for _, a := range all.List {
		if a.Error != "" {
			all.Unsaid++
		}
		all.New += max(a.New, 0)
		all.Changed += a.Changed
		all.Gone += a.Gone
		if a.New < 0 {
			all.New++ // at least one
		}
	}
	return all, nil
}

// lookAtAll looks at mailboxes, several at the same time.
func lookAtAll(ctx context.Context, look []lateLook, workers int) error {
	next := make(chan *lateLook)
	errs := make([]error, max(1, min(workers, len(look))))
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for l := range next {
				if errs[i] == nil {
					errs[i] = l.mailbox(ctx)
				}
			}
		})
	}
	for i := range look {
		next <- &look[i]
	}
	close(next)
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// lateChunk is how many listed messages are looked up in the ledger at once.
const lateChunk = 500

// lateLook looks at one mailbox.
type lateLook struct {
	m     *Migration
	box   ledger.Mailbox
	plan  *PlanUser
	found []Arrival
}

// mailbox looks through the folders. The error is for a ledger that cannot be
// read, and for cancellation; what is wrong with the source is in found.
func (l *lateLook) mailbox(ctx context.Context) error {
	fail := func(folder mail.Path, err error) {
		l.found = append(l.found, Arrival{User: l.plan.User, Folder: folder, Error: err.Error()})
	}
	s := l.m.setup()
	var box connector.SourceMailbox
	var folders []mail.Folder
	err := s.Try(ctx, l.plan.User, "open mailbox in the source", func() (err error) {
		box, err = l.m.Source.Mailbox(ctx, l.plan.User)
		return err
	})
	if err != nil {
		fail("", err)
		return ctx.Err()
	}
	defer func() { _ = box.Close() }()
	if err := s.Try(ctx, l.plan.User, "list folders", func() (err error) { folders, err = box.Folders(ctx); return err }); err != nil {
		fail("", err)
		return ctx.Err()
	}
	passed, err := l.m.Ledger.Folders(ctx, l.box.ID)
	if err != nil {
		return err
	}
	for _, f := range folders {
		if f.Container || slices.ContainsFunc(l.plan.Folders, func(p PlanFolder) bool { return p.Path == f.Path && p.Skip }) {
			continue
		}
		var have ledger.Folder
		if i := slices.IndexFunc(passed, func(p ledger.Folder) bool { return p.Path == f.Path }); i >= 0 {
			have = passed[i]
		}
		a := Arrival{User: l.plan.User, Folder: f.Path}
		err := s.Try(ctx, l.plan.User, "look at "+string(f.Path), func() error {
			a.New, a.Changed, a.Gone = 0, 0, 0
			return l.folder(ctx, box, f.Path, have, &a)
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			fail(f.Path, err)
		case a.New != 0 || a.Changed != 0 || a.Gone != 0:
			l.found = append(l.found, a)
		}
	}
	return nil
}

// folder compares one folder with its rows.
func (l *lateLook) folder(ctx context.Context, box connector.SourceMailbox, path mail.Path, have ledger.Folder, a *Arrival) error {
	census, err := box.Census(ctx, path, have.ID == 0)
	if err != nil || setup.Unchanged(have, census) {
		return err
	}
	if have.ID == 0 {
		a.New = census.Messages
		return nil
	}
	if source, can := connector.Find[connector.ChangeLister](box); can && have.Complete && have.Census != "" {
		changed, gone, ok, err := source.Changes(ctx, path, have.Census)
		if err != nil {
			return err
		}
		if ok {
			return l.changes(ctx, have, changed, gone, a)
		}
	}
	var chunk []mail.Message
	var listed int64
	for m, err := range box.Messages(ctx, path) {
		if err != nil && m.Key == "" {
			return err
		}
		if chunk = append(chunk, m); len(chunk) == lateChunk {
			if err := l.compare(ctx, have, chunk, a); err != nil {
				return err
			}
			chunk = chunk[:0]
		}
		listed++
	}
	if err := errors.Join(ctx.Err(), l.compare(ctx, have, chunk, a)); err != nil {
		return err
	}
	if have.Complete {
		a.Gone = max(have.Found-(listed-a.New), 0)
	}
	return nil
}

func (l *lateLook) changes(ctx context.Context, have ledger.Folder, changed []mail.Message, gone []string, a *Arrival) error {
	changed, gone = copying.Distinct(changed, gone)
	if err := l.compare(ctx, have, changed, a); err != nil {
		return err
	}
	rows, err := l.m.Ledger.Lookup(ctx, have.ID, gone)
	for _, row := range rows {
		if copying.InListing(row) {
			a.Gone++
		}
	}
	return err
}

// compare counts the messages that have no outcome, or other flags than before.
func (l *lateLook) compare(ctx context.Context, have ledger.Folder, messages []mail.Message, a *Arrival) error {
	keys := make([]string, len(messages))
	for i := range messages {
		keys[i] = messages[i].Key
	}
	rows, err := l.m.Ledger.Lookup(ctx, have.ID, keys)
	if err != nil {
		return err
	}
	for i, row := range rows {
		switch {
		case row.State == ledger.Planned, row.State == ledger.Skipped && !copying.InListing(row), row.State == ledger.Quarantined && row.Class == failure.Vanished && row.Target == "":
			a.New++
		case row.State == ledger.Verified && !row.Flags.Equal(messages[i].Flags):
			a.Changed++
		}
	}
	return nil
}
