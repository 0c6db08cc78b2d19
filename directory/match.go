package directory

import (
	"fmt"
	"maps"
	"slices"
	"sort"
)

// MatchKey tells by what a source user may be matched to an account that
// exists in the target already. Nothing is ever matched without the operator
// having stated the key, or named the account in the user map.
type MatchKey string

// The keys.
const (
	MatchNothing MatchKey = ""
	MatchName    MatchKey = "name"    // account ID equals user ID
	MatchAddress MatchKey = "address" // a common SMTP address, belonging to one account only
)

// Action is what is to be done about a user's account.
type Action string

// The actions.
const (
	Create   Action = "create"   // make the account
	Existing Action = "existing" // use the account that is there
	Skip     Action = "skip"     // leave the user out
	Collide  Action = "conflict" // the operator must decide; the user is not moved
)

// Assignment says where a user goes.
type Assignment struct {
	User    User
	Account string
	Action  Action
	Reason  string // why, in a sentence
}

// MatchOptions carry what the operator said.
type MatchOptions struct {
	Key MatchKey
	Map *UserMap // nil: everybody
	// Ours are accounts that an earlier run of the same migration made.
	Ours map[string]bool
	// CanCreate tells whether the target can make accounts.
	CanCreate bool
	// UniqueAddresses says that the target gives an address to one recipient only.
	UniqueAddresses bool
}

// Match decides for every source user which account the mailbox goes to. Users
// that a given map does not name are skipped. unknown lists the rows of the map
// that name a user the source does not have.
func Match(users, accounts []User, opt MatchOptions) (assignments []Assignment, unknown []MapRow) {
	m := newMatcher(accounts, opt)
	present := make(map[string]bool, len(users))
	for _, u := range users {
		present[u.ID] = true
		assignments = append(assignments, m.assign(u))
	}
	if opt.Map != nil {
		for _, row := range opt.Map.Rows {
			if !present[row.User] {
				unknown = append(unknown, row)
			}
		}
	}
	markShared(assignments)
	if opt.UniqueAddresses {
		markTaken(assignments, accounts)
	}
	return assignments, unknown
}

type matcher struct {
	opt       MatchOptions
	rows      map[string]MapRow
	byID      map[string]User
	byAddress map[string][]string
}

func newMatcher(accounts []User, opt MatchOptions) *matcher {
	m := &matcher{opt: opt, rows: map[string]MapRow{}, byID: map[string]User{}, byAddress: map[string][]string{}}
	for _, a := range accounts {
		m.byID[a.ID] = a
		for _, address := range a.Addresses {
			if address.Type == SMTP {
				m.byAddress[address.Key()] = append(m.byAddress[address.Key()], a.ID)
			}
		}
	}
	if opt.Map != nil {
		for _, row := range opt.Map.Rows {
			m.rows[row.User] = row
		}
	}
	return m
}

func (m *matcher) assign(u User) Assignment {
	row, named := m.rows[u.ID]
	if m.opt.Map != nil && !named {
		return Assignment{User: u, Account: u.ID, Action: Skip, Reason: "not in the user map"}
	}
	if row.Action == string(Skip) {
		return Assignment{User: u, Account: u.ID, Action: Skip, Reason: "skipped by the user map"}
	}
	if row.Name != "" {
		u.Name = row.Name
	}
	u = row.describe(u)
	a := Assignment{User: u, Account: u.ID}
	if row.Account != "" {
		a.Account = row.Account
	}
	_, exists := m.byID[a.Account]
	switch {
	case exists && row.Action == string(Create) && !m.opt.Ours[a.Account]:
		return a.with(Collide, fmt.Sprintf("the user map says create, and account %q exists", a.Account))
	case exists && (row.Account != "" || row.Action == string(Existing)):
		return a.with(Existing, "named by the user map")
	case row.Action == string(Existing):
		return a.with(Collide, fmt.Sprintf("the user map says existing, and there is no account %q", a.Account))
	case exists && m.opt.Ours[a.Account]:
		return a.with(Existing, "made by an earlier run of this migration")
	case m.opt.Key == MatchAddress && row.Account == "" && row.Action != string(Create):
		if found, ok := m.assignByAddress(a); ok {
			return found
		}
	}
	switch {
	case exists && m.opt.Key == MatchName:
		return a.with(Existing, "same name, as --match name says")
	case exists:
		return a.with(Collide, fmt.Sprintf("account %q exists, and nothing says that it belongs to this user", a.Account))
	case !m.opt.CanCreate:
		return a.with(Collide, fmt.Sprintf("there is no account %q, and this target cannot make accounts", a.Account))
	}
	return a.with(Create, "no such account yet")
}

// describe gives a user what the operator's word says of the account, beside the
// name.
func (row MapRow) describe(u User) User {
	if len(row.Address) > 0 {
		u.Addresses = append(append([]Address{}, row.Address...), u.Addresses...)
	}
	if len(row.Proxies) > 0 {
		u.Addresses = append([]Address{}, u.Addresses...)
		for _, p := range row.Proxies {
			if !slices.ContainsFunc(u.Addresses, func(have Address) bool { return have.Key() == p.Key() }) {
				u.Addresses = append(u.Addresses, p)
			}
		}
	}
	if row.First != "" {
		u.First = row.First
	}
	if row.Last != "" {
		u.Last = row.Last
	}
	if len(row.Attributes) > 0 {
		u.Attributes = maps.Clone(u.Attributes)
		if u.Attributes == nil {
			u.Attributes = map[string]string{}
		}
		maps.Copy(u.Attributes, row.Attributes)
	}
	return u
}

func (m *matcher) assignByAddress(a Assignment) (Assignment, bool) {
	candidates := map[string]bool{}
	for _, address := range a.User.Addresses {
		if address.Type == SMTP {
			for _, id := range m.byAddress[address.Key()] {
				candidates[id] = true
			}
		}
	}
	ids := make([]string, 0, len(candidates))
	for id := range candidates {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	switch len(ids) {
	case 0:
		return a, false
	case 1:
		a.Account = ids[0]
		return a.with(Existing, "same address, as --match address says"), true
	}
	return a.with(Collide, fmt.Sprintf("the user's addresses belong to several accounts: %q", ids)), true
}

func (a Assignment) with(action Action, reason string) Assignment {
	a.Action, a.Reason = action, reason
	return a
}

// markShared turns users who would share an account into conflicts: two
// people's mail in one mailbox cannot be taken apart again.
func markShared(assignments []Assignment) {
	first := map[string]int{}
	for i, a := range assignments {
		if a.Action != Create && a.Action != Existing {
			continue
		}
		j, taken := first[a.Account]
		if !taken {
			first[a.Account] = i
			continue
		}
		reason := func(other string) string {
			return fmt.Sprintf("account %q is also meant for user %q", a.Account, other)
		}
		assignments[i] = a.with(Collide, reason(assignments[j].User.ID))
		if assignments[j].Action != Collide {
			assignments[j] = assignments[j].with(Collide, reason(a.User.ID))
		}
	}
}

// markTaken turns users into conflicts whose accounts are to be made with an
// address that an account has already, or that a user before them gets. Found when
// the account is made, it would cost that user's mailbox in the middle of a run.
func markTaken(assignments []Assignment, accounts []User) {
	holder := map[string]string{}
	for _, a := range accounts {
		for _, address := range a.Addresses {
			holder[address.Key()] = fmt.Sprintf("account %q", a.ID)
		}
	}
	for i, a := range assignments {
		if a.Action != Create {
			continue
		}
		taken := slices.IndexFunc(a.User.Addresses, func(address Address) bool { return holder[address.Key()] != "" })
		if taken >= 0 {
			address := a.User.Addresses[taken]
			assignments[i] = a.with(Collide, fmt.Sprintf("the address %s belongs to %s", address, holder[address.Key()]))
			continue
		}
		for _, address := range a.User.Addresses {
			holder[address.Key()] = fmt.Sprintf("user %q", a.User.ID)
		}
	}
}
