package engine

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/engine/setup"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// MakePlan looks at both systems and changes neither. exact counts messages
// even where that means reading everything. Faults of single users are in the
// plan; the error is for what makes a plan impossible, and for user maps that
// name nobody or somebody unknown (class Usage).
func (m *Migration) MakePlan(ctx context.Context, exact bool) (*Plan, error) {
	plan := &Plan{Format: 1, Made: m.Clock.Time().UTC().Truncate(time.Second), Match: string(m.Options.Match),
		Source: m.Source.Capabilities().Location, Target: m.Target.Capabilities().Location, Losses: map[string]int64{}}
	m.denials = nil
	users, broken, err := m.sourceUsers(ctx)
	if err != nil {
		return nil, err
	}
	assignments, err := m.assign(ctx, users, broken)
	if err != nil {
		return nil, err
	}
	before, err := m.passed(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range assignments {
		line := planLine(a)
		if line.Moves() {
			if err := m.planMailbox(ctx, &line, before, exact); err != nil {
				if setup.Stops(err) {
					return nil, err
				}
				line.Error = err.Error()
				m.sourceDenies("open the mailbox in the source", line.User, err)
				m.emit(event.Event{Code: event.MailboxUnreadable, User: line.User, Detail: line.Error})
			}
		}
		m.step(ctx, "planned", "user", line.User, "account", line.Account, "action", line.Action, "folders", len(line.Folders), "messages", line.Messages)
		plan.Users = append(plan.Users, line)
	}
	plan.Users = append(plan.Users, broken...)
	if err := m.planDirectory(ctx, plan); err != nil {
		return nil, err
	}
	plan.Sum()
	return plan, m.checkPlan(plan)
}

// sourceUsers lists the users; those that are broken come as finished lines.
func (m *Migration) sourceUsers(ctx context.Context) (users []directory.User, broken []PlanUser, err error) {
	for u, err := range m.Source.Users(ctx) {
		switch {
		case err == nil:
			users = append(users, u)
		case u.ID == "":
			return nil, nil, err
		case m.leftOut(u.ID):
			broken = append(broken, PlanUser{User: u.ID, Account: u.ID, Action: directory.Skip, Reason: "left out by the user map; the source cannot present this user"})
		default:
			m.emit(event.Event{Code: event.MailboxUnreadable, User: u.ID, Detail: err.Error()})
			broken = append(broken, PlanUser{User: u.ID, Account: u.ID, Action: directory.Collide, Reason: "the source cannot present this user", Error: err.Error()})
		}
	}
	if len(users)+len(broken) == 0 {
		m.emit(event.Event{Code: event.UserListEmpty, Detail: m.Source.Capabilities().Location})
		return nil, nil, failure.New(failure.Usage, "list users", m.Source.Capabilities().Location, "plan.no-users", nil).
			WithRemedy("the source has no user; look at it with: waybill ls " + m.Source.Capabilities().Location)
	}
	return users, broken, nil
}

// leftOut tells whether the user map leaves a user out, by not naming it or by
// saying so.
func (m *Migration) leftOut(user string) bool {
	if m.Options.Users == nil {
		return false
	}
	i := slices.IndexFunc(m.Options.Users.Rows, func(row directory.MapRow) bool { return row.User == user })
	return i < 0 || m.Options.Users.Rows[i].Action == string(directory.Skip)
}

func (m *Migration) assign(ctx context.Context, users []directory.User, broken []PlanUser) ([]directory.Assignment, error) {
	ours := map[string]bool{}
	if m.Ledger != nil {
		made, err := m.ownAccounts(ctx)
		if err != nil {
			return nil, err
		}
		for id := range made {
			ours[id] = true
		}
	}
	accounts, doubts, err := m.accounts(ctx, m.candidates(users))
	if err != nil {
		return nil, err
	}
	assignments, unknown := directory.Match(users, accounts, directory.MatchOptions{Key: m.Options.Match, Map: m.Options.Users,
		Ours: ours, CanCreate: m.canCreateAccounts(), UniqueAddresses: m.Directory != nil || m.Target.Capabilities().UniqueAddresses})
	for i, a := range assignments {
		if doubt := doubts[a.Account]; doubt != nil && a.Action == directory.Collide {
			assignments[i].Reason += ": " + doubt.Error()
		}
	}
	unknown = slices.DeleteFunc(unknown, func(row directory.MapRow) bool {
		return slices.ContainsFunc(broken, func(u PlanUser) bool { return u.User == row.User })
	})
	for _, row := range unknown {
		m.emit(event.Event{Code: event.MapUserUnknown, User: row.User, Detail: fmt.Sprintf("%s line %d", m.Options.Users.File, row.Line)})
	}
	if len(unknown) > 0 {
		var names strings.Builder
		for i, row := range unknown {
			if i == 10 {
				fmt.Fprintf(&names, " and %d more", len(unknown)-i)
				break
			}
			fmt.Fprintf(&names, " %q (line %d)", row.User, row.Line)
		}
		return nil, failure.New(failure.Usage, "match users", m.Options.Users.File, "map.unknown-user", fmt.Errorf("the source has no user%s", &names)).
			WithRemedy("correct or remove these lines; the source's users are listed by: waybill ls " + m.Source.Capabilities().Location)
	}
	return assignments, nil
}

func planLine(a directory.Assignment) PlanUser {
	line := PlanUser{User: a.User.ID, Kind: string(a.User.Kind), Name: a.User.Name, Account: a.Account, Action: a.Action, Reason: a.Reason,
		First: a.User.First, Last: a.User.Last, Attribute: a.User.Attributes}
	for _, address := range a.User.Addresses {
		line.Addresses = append(line.Addresses, address.String())
	}
	return line
}

func (m *Migration) planMailbox(ctx context.Context, line *PlanUser, before map[string]ledger.Mailbox, exact bool) error {
	box, err := m.Source.Mailbox(ctx, line.User)
	if err != nil {
		return err
	}
	defer box.Close()
	folders, err := box.Folders(ctx)
	if err != nil {
		return err
	}
	known := map[mail.Path]ledger.Folder{}
	was := before[line.User]
	if was.ID != 0 {
		before, err := m.Ledger.Folders(ctx, was.ID)
		if err != nil {
			return err
		}
		for _, f := range before {
			known[f.Path] = f
		}
	}
	names := setup.NewNaming(m.Target, folders)
	for path, f := range known {
		names.Fix(path, f.Target)
	}
	if len(known) == 0 && line.Action == directory.Existing {
		names.There = m.glance(ctx, line.Account)
	}
	quiet := was.State == ledger.Done && was.Account == line.Account && len(folders) == len(known)
	for _, f := range folders {
		stored, shown, notes := names.Name(f)
		pf := PlanFolder{Path: f.Path, Target: stored, Use: string(f.Use)}
		if shown != string(stored) {
			pf.Shown = shown
		}
		for _, n := range append(f.Notes, notes...) {
			pf.Notes = append(pf.Notes, n.Text)
		}
		if !f.Container {
			census, err := takeCensus(ctx, box, known[f.Path], f.Path, exact)
			if err != nil {
				if setup.Stops(err) {
					return err
				}
				pf.Notes = append(pf.Notes, "cannot be read: "+err.Error())
				m.sourceDenies("read a folder of the source", line.User+": "+string(f.Path), err)
				m.emit(event.Event{Code: event.FolderUnreadable, User: line.User, Folder: string(f.Path), Detail: err.Error()})
				census = connector.Census{Messages: -1, Bytes: -1}
			}
			pf.Messages, pf.Bytes = census.Messages, census.Bytes
			quiet = quiet && setup.Unchanged(known[f.Path], census)
			line.Messages = setup.AddKnown(line.Messages, census.Messages)
			line.Bytes = setup.AddKnown(line.Bytes, census.Bytes)
		}
		quiet = quiet && known[f.Path].Complete
		line.Folders = append(line.Folders, pf)
	}
	line.Quiet = quiet
	return nil
}

// takeCensus tells how much is in a folder: from the ledger where nothing
// changed since the last pass, by counting where the size is not known otherwise
// (without it nobody can say how long a run will take).
func takeCensus(ctx context.Context, box connector.SourceMailbox, known ledger.Folder, path mail.Path, exact bool) (connector.Census, error) {
	census, err := box.Census(ctx, path, exact)
	if err != nil || exact {
		return census, err
	}
	if setup.Unchanged(known, census) {
		census.Messages, census.Bytes = known.Found, known.FoundBytes
		return census, nil
	}
	if census.Bytes < 0 {
		return box.Census(ctx, path, true)
	}
	return census, nil
}

func (m *Migration) planDirectory(ctx context.Context, plan *Plan) error {
	book, err := m.Source.Book(ctx)
	if err != nil {
		return err
	}
	plan.Contacts, plan.Lists = len(book.Contacts), len(book.Lists)
	caps := m.Target.Capabilities()
	if m.Directory != nil {
		caps.Contacts, caps.Lists = true, true
	}
	if !caps.Contacts && plan.Contacts > 0 {
		plan.Losses["contacts (the target's directory holds none)"] = int64(plan.Contacts)
	}
	if !caps.Lists && plan.Lists > 0 {
		plan.Losses["distribution lists (the target's directory holds none)"] = int64(plan.Lists)
	}
	from := m.Source.Capabilities()
	for _, n := range (mail.Flags(0xff) & from.Flags &^ caps.Flags).Names() {
		if caps.WhyFlags != "" {
			n += " (" + caps.WhyFlags + ")"
		}
		plan.Losses["flag "+n] = -1
	}
	if from.Keywords && !caps.Keywords {
		plan.Losses["keywords"] = -1
	}
	if from.DatePrecision > 0 && caps.DatePrecision == 0 {
		plan.Losses["internal dates"] = -1
	}
	if from.Subscriptions && !caps.Subscriptions {
		plan.Losses["subscriptions"] = -1
	}
	if from.EmptyFolders && !caps.EmptyFolders {
		plan.Losses["empty folders"] = -1
	}
	return nil
}

func (m *Migration) checkPlan(p *Plan) error {
	for _, u := range p.Users {
		if u.InConflict() {
			m.emit(event.Event{Code: event.MatchConflict, User: u.User, Detail: u.Reason})
		}
	}
	if p.Totals.Users == 0 && p.Totals.Conflicts == 0 {
		m.emit(event.Event{Code: event.UserListEmpty, Detail: p.Source})
		return failure.New(failure.Usage, "make plan", p.Source, "plan.no-users", fmt.Errorf("no user is left to be moved: %d skipped", p.Totals.Skipped)).
			WithRemedy("look at the user map; an empty migration is never a success")
	}
	m.emit(event.Event{Code: event.PlanMade, Detail: fmt.Sprintf("%d users, %d folders", p.Totals.Users, p.Totals.Folders)})
	return nil
}
