package setup

import (
	"sort"
	"time"

	"waybill/directory"
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

	// Edited says that the plan went through the operator's hands: what it says of
	// names is their word.
	Edited bool `yaml:"-" json:"-"`
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

	// Quiet says that nothing of the mailbox changed since it was moved.
	Quiet bool `yaml:"-" json:"-"`
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

// DirectoryUser is the account as the target's directory should have it.
func (u PlanUser) DirectoryUser() directory.User {
	user := directory.User{ID: u.Account, Kind: directory.Kind(u.Kind), Name: u.Name, First: u.First, Last: u.Last, Attributes: u.Attribute}
	for _, s := range u.Addresses {
		if a, err := directory.ParseAddress(s); err == nil {
			user.Addresses = append(user.Addresses, a)
		}
	}
	return user
}

// Sum counts the totals anew, and sorts the users.
func (p *Plan) Sum() {
	p.Totals = PlanTotals{}
	for _, u := range p.Users {
		switch {
		case u.Moves():
			p.Totals.Users++
			p.Totals.Folders += len(u.Folders)
			p.Totals.Messages = AddKnown(p.Totals.Messages, u.Messages)
			p.Totals.Bytes = AddKnown(p.Totals.Bytes, u.Bytes)
		case u.Action == directory.Skip:
			p.Totals.Skipped++
		default:
			p.Totals.Conflicts++
		}
	}
	sort.SliceStable(p.Users, func(i, j int) bool { return p.Users[i].User < p.Users[j].User })
}

// AddKnown adds counts of which -1 means unknown; an unknown part makes the sum unknown.
func AddKnown(sum, n int64) int64 {
	if sum < 0 || n < 0 {
		return -1
	}
	return sum + n
}
