package directory

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatch(t *testing.T) {
	anna := User{ID: "anna", Addresses: []Address{{SMTP, "anna@example.org"}, {MS, "NET/PO/ANNA"}}}
	account := func(id string, addresses ...string) User {
		u := User{ID: id}
		for _, a := range addresses {
			u.Addresses = append(u.Addresses, Address{SMTP, a})
		}
		return u
	}
	row := func(r MapRow) *UserMap { r.User = "anna"; return &UserMap{Rows: []MapRow{r}} }
	for _, c := range []struct {
		name     string
		accounts []User
		opt      MatchOptions
		action   Action
		account  string
	}{
		{"nobody there", nil, MatchOptions{CanCreate: true}, Create, "anna"},
		{"accounts cannot be made", nil, MatchOptions{}, Collide, "anna"},
		{"same name, and no key", []User{account("anna")}, MatchOptions{CanCreate: true}, Collide, "anna"},
		{"same name, as stated", []User{account("anna")}, MatchOptions{Key: MatchName}, Existing, "anna"},
		{"same address, and no key", []User{account("ab", "anna@example.org")}, MatchOptions{CanCreate: true}, Create, "anna"},
		{"same address, as stated", []User{account("ab", "ANNA@Example.org")}, MatchOptions{Key: MatchAddress}, Existing, "ab"},
		{"same address of two", []User{account("a", "anna@example.org"), account("b", "anna@example.org")}, MatchOptions{Key: MatchAddress, CanCreate: true}, Collide, "anna"},
		{"same name, and the key is the address", []User{account("anna", "other@example.org")}, MatchOptions{Key: MatchAddress, CanCreate: true}, Collide, "anna"},
		{"ours", []User{account("anna")}, MatchOptions{Ours: map[string]bool{"anna": true}}, Existing, "anna"},
		{"not in the map", nil, MatchOptions{Map: &UserMap{}, CanCreate: true}, Skip, "anna"},
		{"skipped by the map", []User{account("anna")}, MatchOptions{Map: row(MapRow{Action: "skip"}), Key: MatchName}, Skip, "anna"},
		{"map names an account", []User{account("ab")}, MatchOptions{Map: row(MapRow{Account: "ab"})}, Existing, "ab"},
		{"map names an account to be made", nil, MatchOptions{Map: row(MapRow{Account: "ab"}), CanCreate: true}, Create, "ab"},
		{"map says existing", []User{account("anna")}, MatchOptions{Map: row(MapRow{Action: "existing"})}, Existing, "anna"},
		{"map says existing in vain", nil, MatchOptions{Map: row(MapRow{Action: "existing"}), CanCreate: true}, Collide, "anna"},
		{"map says create in vain", []User{account("anna")}, MatchOptions{Map: row(MapRow{Action: "create"}), Key: MatchName, CanCreate: true}, Collide, "anna"},
		{"map says create, and it was", []User{account("anna")}, MatchOptions{Map: row(MapRow{Action: "create"}), Ours: map[string]bool{"anna": true}}, Existing, "anna"},
		{"map says create, against the key", []User{account("ab", "anna@example.org")}, MatchOptions{Map: row(MapRow{Action: "create"}), Key: MatchAddress, CanCreate: true}, Create, "anna"},
		{"map gives the address", []User{account("ab", "a.berg@example.org")},
			MatchOptions{Map: row(MapRow{Address: []Address{{SMTP, "a.berg@example.org"}}}), Key: MatchAddress}, Existing, "ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, unknown := Match([]User{anna}, c.accounts, c.opt)
			if len(got) != 1 || len(unknown) != 0 {
				t.Fatalf("%d assignments, unknown %v", len(got), unknown)
			}
			if got[0].Action != c.action || got[0].Account != c.account || got[0].Reason == "" {
				t.Errorf("%s to %q because %q; want %s to %q", got[0].Action, got[0].Account, got[0].Reason, c.action, c.account)
			}
		})
	}
}

func TestMapChangesTheUser(t *testing.T) {
	u := User{ID: "anna", Name: "old", Addresses: []Address{{SMTP, "old@example.org"}}}
	m := &UserMap{Rows: []MapRow{{User: "anna", Name: "new", Address: []Address{{SMTP, "new@example.org"}}}}}
	got, _ := Match([]User{u}, nil, MatchOptions{Map: m, CanCreate: true})
	if first, _ := got[0].User.Address(SMTP); got[0].User.Name != "new" || first.Value != "new@example.org" || len(got[0].User.Addresses) != 2 {
		t.Errorf("user is %+v", got[0].User)
	}
	if u.Name != "old" || len(u.Addresses) != 1 {
		t.Errorf("the user that was given is changed: %+v", u)
	}
}

func TestMapDescribesTheAccount(t *testing.T) {
	u := User{ID: "anna", First: "A", Addresses: []Address{{SMTP, "a@x"}}, Attributes: map[string]string{"Title": "Dr"}}
	m := &UserMap{Rows: []MapRow{{User: "anna", Last: "Berg", Proxies: []Address{{SMTP, "A@X"}, {Migrate, "MS:N/P/A"}}, Attributes: map[string]string{"Comment": "x"}}}}
	got, _ := Match([]User{u}, nil, MatchOptions{Map: m, CanCreate: true})
	who := got[0].User
	if who.First != "A" || who.Last != "Berg" || len(who.Addresses) != 2 || who.Addresses[1].Type != Migrate || len(who.Attributes) != 2 {
		t.Errorf("user is %+v", who)
	}
	if len(u.Attributes) != 1 || len(u.Addresses) != 1 {
		t.Errorf("the user that was given is changed: %+v", u)
	}
}

// TestNothingIsAdopted is the promise that no account is taken for somebody's
// because of its name, whatever systems and user map look like.
func TestNothingIsAdopted(t *testing.T) {
	ids := rapid.SampledFrom([]string{"anna", "bert", "cora", "dora"})
	address := rapid.Custom(func(t *rapid.T) Address {
		return Address{rapid.SampledFrom([]string{SMTP, MS}).Draw(t, "type"), rapid.SampledFrom([]string{"a@x", "A@X", "b@x", "c@x"}).Draw(t, "value")}
	})
	users := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) User {
		return User{ID: ids.Draw(t, "id"), Addresses: rapid.SliceOfN(address, 0, 2).Draw(t, "addresses")}
	}), 0, 4, func(u User) string { return u.ID })
	rows := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) MapRow {
		return MapRow{User: ids.Draw(t, "user"), Account: rapid.OneOf(rapid.Just(""), ids).Draw(t, "account"),
			Action: rapid.SampledFrom([]string{"", "create", "existing", "skip"}).Draw(t, "action"), Address: rapid.SliceOfN(address, 0, 1).Draw(t, "addresses")}
	}), 0, 4, func(r MapRow) string { return r.User })

	rapid.Check(t, func(t *rapid.T) {
		source, accounts := users.Draw(t, "source"), users.Draw(t, "target")
		opt := MatchOptions{Key: rapid.SampledFrom([]MatchKey{MatchNothing, MatchName, MatchAddress}).Draw(t, "key"), CanCreate: rapid.Bool().Draw(t, "can create"),
			Ours: rapid.MapOfN(ids, rapid.Just(true), 0, 2).Draw(t, "ours")}
		if rapid.Bool().Draw(t, "with map") {
			opt.Map = &UserMap{Rows: rows.Draw(t, "rows")}
		}
		got, unknown := Match(source, accounts, opt)
		if len(got) != len(source) {
			t.Fatalf("%d users, %d assignments", len(source), len(got))
		}
		holder := map[string]string{}
		for i, a := range got {
			var row MapRow
			named := false
			if opt.Map != nil {
				if j := slices.IndexFunc(opt.Map.Rows, func(r MapRow) bool { return r.User == a.User.ID }); j >= 0 {
					row, named = opt.Map.Rows[j], true
				}
			}
			if fault := faultOf(a, row, named, accounts, opt); fault != "" || a.User.ID != source[i].ID {
				t.Fatalf("%s: %+v, row %+v", fault, a, row)
			}
			if a.Action == Create || a.Action == Existing {
				if other, taken := holder[a.Account]; taken {
					t.Fatalf("%s and %s share %s", other, a.User.ID, a.Account)
				}
				holder[a.Account] = a.User.ID
			}
		}
		if opt.Map == nil {
			if len(unknown) > 0 {
				t.Fatalf("unknown rows %v without a map", unknown)
			}
			return
		}
		for _, r := range opt.Map.Rows {
			inSource := slices.ContainsFunc(source, func(u User) bool { return u.ID == r.User })
			listed := slices.ContainsFunc(unknown, func(u MapRow) bool { return u.User == r.User })
			if inSource == listed {
				t.Fatalf("row %+v: in the source %v, listed as unknown %v", r, inSource, listed)
			}
		}
	})
}

// faultOf tells what is wrong with one user's assignment.
func faultOf(a Assignment, row MapRow, named bool, accounts []User, opt MatchOptions) string {
	at := slices.IndexFunc(accounts, func(u User) bool { return u.ID == a.Account })
	switch a.Action {
	case Skip:
		if opt.Map == nil || named && row.Action != "skip" {
			return "left out, and nobody said so"
		}
	case Create:
		if at >= 0 || !opt.CanCreate || row.Action == "existing" || row.Action == "skip" {
			return "made, and must not be"
		}
	case Existing:
		switch {
		case at < 0:
			return "uses an account that is not there"
		case row.Action == "skip" || opt.Map != nil && !named:
			return "moved, and must not be"
		case row.Action == "create" && !opt.Ours[a.Account]:
			return "adopted, and the map says create"
		case row.Account == a.Account, row.Action == "existing" && a.Account == a.User.ID, opt.Ours[a.Account]:
		case opt.Key == MatchName && a.Account == a.User.ID:
		case opt.Key == MatchAddress && row.Account == "" && share(a.User, accounts[at]):
		default:
			return "adopted, and nobody said so"
		}
	case Collide:
		if a.Reason == "" {
			return "conflict without a reason"
		}
	default:
		return fmt.Sprintf("action %q", a.Action)
	}
	return ""
}

func share(a, b User) bool {
	for _, x := range a.Addresses {
		for _, y := range b.Addresses {
			if x.Type == SMTP && y.Type == SMTP && strings.EqualFold(x.Value, y.Value) {
				return true
			}
		}
	}
	return false
}

// Two people with one address, or an address that somebody in the target has:
// the plan says so, before anything is made.
func TestTakenAddresses(t *testing.T) {
	user := func(id string, addresses ...string) User {
		u := User{ID: id}
		for _, a := range addresses {
			u.Addresses = append(u.Addresses, Address{SMTP, a})
		}
		return u
	}
	users := []User{user("anna", "anna@x"), user("bert", "bert@x", "Anna@X"), user("cora", "cora@x", "old@x"), user("dora", "dora@x"), user("emil")}
	accounts := []User{user("stranger", "OLD@x"), user("dora", "dora@x")}
	opt := MatchOptions{Key: MatchName, CanCreate: true, UniqueAddresses: true}
	want := map[string]Action{"anna": Create, "bert": Collide, "cora": Collide, "dora": Existing, "emil": Create}
	got, _ := Match(users, accounts, opt)
	for _, a := range got {
		if a.Action != want[a.User.ID] {
			t.Errorf("%s: %s because %q, want %s", a.User.ID, a.Action, a.Reason, want[a.User.ID])
		}
	}
	opt.UniqueAddresses = false
	got, _ = Match(users, accounts, opt)
	for _, a := range got {
		if a.Action == Collide {
			t.Errorf("addresses may be shared, and %s is in conflict: %s", a.User.ID, a.Reason)
		}
	}
}
