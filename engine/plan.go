package engine

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/event"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// Plan is what will happen, before anything happens. It is written as YAML,
// edited by the operator and handed back to Run.
type Plan struct {
	Format int       `yaml:"waybill-plan" json:"waybill_plan"` // 1
	Made   time.Time `yaml:"made" json:"made"`
	Source string    `yaml:"source" json:"source"`
	Target string    `yaml:"target" json:"target"`
	Match  string    `yaml:"match,omitempty" json:"match,omitempty"`

	Totals   PlanTotals       `yaml:"totals" json:"totals"`
	Losses   map[string]int64 `yaml:"cannot-be-carried,omitempty" json:"cannot_be_carried,omitempty"`
	Users    []PlanUser       `yaml:"users" json:"users"`
	Contacts int              `yaml:"contacts" json:"contacts"`
	Lists    int              `yaml:"lists" json:"lists"`
}

// PlanTotals sum the users who will be moved. Messages is -1 when the source
// cannot count without reading everything.
type PlanTotals struct {
	Users     int   `yaml:"users" json:"users"`
	Conflicts int   `yaml:"conflicts" json:"conflicts"`
	Skipped   int   `yaml:"skipped" json:"skipped"`
	Folders   int   `yaml:"folders" json:"folders"`
	Messages  int64 `yaml:"messages" json:"messages"`
	Bytes     int64 `yaml:"bytes" json:"bytes"`
}

// PlanUser is one user's line. Account and Action may be edited.
type PlanUser struct {
	User      string            `yaml:"user" json:"user"`
	Kind      string            `yaml:"kind,omitempty" json:"kind,omitempty"`
	Name      string            `yaml:"name,omitempty" json:"name,omitempty"`
	Account   string            `yaml:"account" json:"account"`
	Action    directory.Action  `yaml:"action" json:"action"`
	Reason    string            `yaml:"reason,omitempty" json:"reason,omitempty"`
	Error     string            `yaml:"error,omitempty" json:"error,omitempty"`
	Addresses []string          `yaml:"addresses,omitempty" json:"addresses,omitempty"`
	First     string            `yaml:"first,omitempty" json:"first,omitempty"`
	Last      string            `yaml:"last,omitempty" json:"last,omitempty"`
	Attribute map[string]string `yaml:"attributes,omitempty" json:"attributes,omitempty"`
	Messages  int64             `yaml:"messages" json:"messages"`
	Bytes     int64             `yaml:"bytes" json:"bytes"`
	Folders   []PlanFolder      `yaml:"folders,omitempty" json:"folders,omitempty"`
}

// PlanFolder is one folder. Target and Skip may be edited.
type PlanFolder struct {
	Path   mail.Path `yaml:"path" json:"path"`
	Target mail.Path `yaml:"target" json:"target"`
	// Shown is the target's own spelling, where it differs.
	Shown    string   `yaml:"shown,omitempty" json:"shown,omitempty"`
	Use      string   `yaml:"use,omitempty" json:"use,omitempty"`
	Skip     bool     `yaml:"skip,omitempty" json:"skip,omitempty"`
	Messages int64    `yaml:"messages" json:"messages"`
	Bytes    int64    `yaml:"bytes" json:"bytes"`
	Notes    []string `yaml:"notes,omitempty" json:"notes,omitempty"`
}

// Moves reports whether the user is to be moved.
func (u PlanUser) Moves() bool {
	return u.Action == directory.Create || u.Action == directory.Existing
}

// InConflict reports whether the operator must decide who the user's account is.
// A user whom the source cannot present, or whose account could not be made, is
// not moved either, and leaves nothing to decide.
func (u PlanUser) InConflict() bool { return u.Action == directory.Collide && u.Error == "" }

func (u PlanUser) directoryUser() directory.User {
	user := directory.User{ID: u.Account, Kind: directory.Kind(u.Kind), Name: u.Name, First: u.First, Last: u.Last, Attributes: u.Attribute}
	for _, s := range u.Addresses {
		if a, err := directory.ParseAddress(s); err == nil {
			user.Addresses = append(user.Addresses, a)
		}
	}
	return user
}

// MakePlan looks at both systems and changes neither. exact counts messages
// even where that means reading everything. Faults of single users are in the
// plan; the error is for what makes a plan impossible, and for user maps that
// name nobody or somebody unknown (class Usage).
func (m *Migration) MakePlan(ctx context.Context, exact bool) (*Plan, error) {
	plan := &Plan{Format: 1, Made: m.Clock.now().UTC().Truncate(time.Second), Match: string(m.Options.Match),
		Source: m.Source.Capabilities().Location, Target: m.Target.Capabilities().Location, Losses: map[string]int64{}}
	users, broken, err := m.sourceUsers(ctx)
	if err != nil {
		return nil, err
	}
	assignments, err := m.assign(ctx, users)
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
				if stops(err) {
					return nil, err
				}
				line.Error = err.Error()
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
	plan.sum()
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

func (m *Migration) assign(ctx context.Context, users []directory.User) ([]directory.Assignment, error) {
	var accounts []directory.User
	for a, err := range m.Target.Accounts(ctx) {
		if err != nil {
			return nil, err
		}
		accounts = append(accounts, a)
	}
	ours := map[string]bool{}
	if m.Ledger != nil {
		made, err := m.Ledger.Provisioned(ctx, "account")
		if err != nil {
			return nil, err
		}
		for id := range made {
			ours[id] = true
		}
	}
	assignments, unknown := directory.Match(users, accounts, directory.MatchOptions{Key: m.Options.Match, Map: m.Options.Users,
		Ours: ours, CanCreate: m.Target.Capabilities().CreateAccounts})
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

// passed finds what the ledger has of each mailbox, so that a folder which did
// not change since its last pass is not counted again.
func (m *Migration) passed(ctx context.Context) (map[string]int64, error) {
	if m.Ledger == nil {
		return nil, nil
	}
	boxes, err := m.Ledger.List(ctx)
	if err != nil {
		return nil, err
	}
	before := make(map[string]int64, len(boxes))
	for _, b := range boxes {
		before[b.User] = b.ID
	}
	return before, nil
}

func (m *Migration) planMailbox(ctx context.Context, line *PlanUser, before map[string]int64, exact bool) error {
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
	if id := before[line.User]; id != 0 {
		before, err := m.Ledger.Folders(ctx, id)
		if err != nil {
			return err
		}
		for _, f := range before {
			known[f.Path] = f
		}
	}
	names := newNaming(m.Target)
	for _, f := range folders {
		stored, shown, notes := names.name(f.Path)
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
				if stops(err) {
					return err
				}
				pf.Notes = append(pf.Notes, "cannot be read: "+err.Error())
				m.emit(event.Event{Code: event.FolderUnreadable, User: line.User, Folder: string(f.Path), Detail: err.Error()})
				census = connector.Census{Messages: -1, Bytes: -1}
			}
			pf.Messages, pf.Bytes = census.Messages, census.Bytes
			line.Messages = addKnown(line.Messages, census.Messages)
			line.Bytes = addKnown(line.Bytes, census.Bytes)
		}
		line.Folders = append(line.Folders, pf)
	}
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
	if known.Complete && census.State != "" && census.State == known.Census {
		census.Messages, census.Bytes = known.Found, known.FoundBytes
		return census, nil
	}
	if census.Bytes < 0 {
		return box.Census(ctx, path, true)
	}
	return census, nil
}

// addKnown adds counts of which -1 means unknown; an unknown part makes the sum unknown.
func addKnown(sum, n int64) int64 {
	if sum < 0 || n < 0 {
		return -1
	}
	return sum + n
}

func (m *Migration) planDirectory(ctx context.Context, plan *Plan) error {
	book, err := m.Source.Book(ctx)
	if err != nil {
		return err
	}
	plan.Contacts, plan.Lists = len(book.Contacts), len(book.Lists)
	caps := m.Target.Capabilities()
	if !caps.Contacts && plan.Contacts > 0 {
		plan.Losses["contacts (the target's directory holds none)"] = int64(plan.Contacts)
	}
	if !caps.Lists && plan.Lists > 0 {
		plan.Losses["distribution lists (the target's directory holds none)"] = int64(plan.Lists)
	}
	from := m.Source.Capabilities()
	for _, n := range (mail.Flags(0xff) & from.Flags &^ caps.Flags).Names() {
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

func (p *Plan) sum() {
	p.Totals = PlanTotals{}
	for _, u := range p.Users {
		switch {
		case u.Moves():
			p.Totals.Users++
			p.Totals.Folders += len(u.Folders)
			p.Totals.Messages = addKnown(p.Totals.Messages, u.Messages)
			p.Totals.Bytes = addKnown(p.Totals.Bytes, u.Bytes)
		case u.Action == directory.Skip:
			p.Totals.Skipped++
		default:
			p.Totals.Conflicts++
		}
	}
	sort.SliceStable(p.Users, func(i, j int) bool { return p.Users[i].User < p.Users[j].User })
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
