package cli

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
	"waybill/mail"
)

// awkward is text that YAML has other ideas about.
func awkward() *rapid.Generator[string] {
	return rapid.OneOf(rapid.SampledFrom([]string{"null", "~", "true", "No", "1", "1e3", "0x1f", "2001-01-01", "- a", "a: b", "a #b", "#a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a", "'a'", `"a"`,
		`a\/b`, `a\nb`, " a", "a ", "\ta", "a\tb", "a\nb", "a\n", "\na", "a\r\nb", "a\u0085b", "a\u2028b", "\x00", "\x1b[1m", "\x7f", "\ufeff", "---", "...", "{a}", "[a]", "?", "-", ":", "=", "<<", "日本", "👩‍👧"}),
		rapid.String())
}

func drawPlan(t *rapid.T) *engine.Plan {
	text := awkward()
	number := rapid.Int64Range(-1, 1<<50)
	plan := &engine.Plan{Format: 1, Made: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "made"), 0).UTC(), Source: text.Draw(t, "source"), Target: text.Draw(t, "target"),
		Match: rapid.SampledFrom([]string{"", "name", "address"}).Draw(t, "match"), Losses: rapid.MapOfN(text, number, 0, 2).Draw(t, "losses"), Contacts: 3, Lists: 4,
		Totals: engine.PlanTotals{Users: 1, Conflicts: 2, Skipped: 3, Folders: 4, Messages: number.Draw(t, "messages"), Bytes: number.Draw(t, "bytes")}}
	full := text.Filter(func(s string) bool { return s != "" })
	users := rapid.SliceOfNDistinct(full, 1, 3, rapid.ID[string]).Draw(t, "users")
	for _, name := range users {
		u := engine.PlanUser{User: name, Kind: rapid.SampledFrom([]string{"", "public"}).Draw(t, "kind"), Name: text.Draw(t, "name"), Account: full.Draw(t, "account"),
			Action: rapid.SampledFrom([]directory.Action{directory.Create, directory.Existing, directory.Skip, directory.Collide}).Draw(t, "action"),
			Reason: text.Draw(t, "reason"), Error: text.Draw(t, "error"), Addresses: rapid.SliceOfN(text, 0, 2).Draw(t, "addresses"), First: text.Draw(t, "first"),
			Attribute: rapid.MapOfN(text, text, 0, 2).Draw(t, "attributes"), Messages: number.Draw(t, "messages of the user"), Bytes: number.Draw(t, "bytes of the user")}
		for _, path := range rapid.SliceOfN(text, 0, 2).Draw(t, "folders") {
			u.Folders = append(u.Folders, engine.PlanFolder{Path: mail.Path(path), Target: mail.Path(text.Draw(t, "target")), Shown: text.Draw(t, "shown"),
				Skip: rapid.Bool().Draw(t, "skip"), Messages: 1, Notes: rapid.SliceOfN(text, 0, 2).Draw(t, "notes")})
		}
		plan.Users = append(plan.Users, u)
	}
	return plan
}

// TestPlanSurvivesItsFile writes plans with awkward names and reads them again.
func TestPlanSurvivesItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.yaml")
	rapid.Check(t, func(t *rapid.T) {
		plan := drawPlan(t)
		if err := writePlan(path, plan); err != nil {
			t.Fatal(err)
		}
		got, err := readPlan(path)
		if err != nil {
			text, _ := os.ReadFile(path)
			t.Fatalf("%v in\n%s", err, text)
		}
		if !reflect.DeepEqual(settle(*got), settle(*plan)) {
			text, _ := os.ReadFile(path)
			t.Fatalf("read %+v\nwant %+v\nin\n%s", got, plan, text)
		}
	})
}

// settle makes what is empty the same, whether it is there or not.
func settle(p engine.Plan) engine.Plan {
	if len(p.Losses) == 0 {
		p.Losses = nil
	}
	users := append([]engine.PlanUser(nil), p.Users...)
	for i := range users {
		u := &users[i]
		u.Folders = append([]engine.PlanFolder(nil), u.Folders...)
		if len(u.Addresses) == 0 {
			u.Addresses = nil
		}
		if len(u.Attribute) == 0 {
			u.Attribute = nil
		}
		for j := range u.Folders {
			if len(u.Folders[j].Notes) == 0 {
				u.Folders[j].Notes = nil
			}
		}
	}
	p.Users = users
	return p
}

const goodPlan = "waybill-plan: 1\nsource: maildir:/srv\ntarget: site:x\nusers:\n- user: anna\n  account: a\n  action: create\n  folders:\n  - path: INBOX\n    target: INBOX\n"

func TestFaultsOfPlans(t *testing.T) {
	if _, err := parsePlan("plan.yaml", []byte(goodPlan)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ from, to, rule string }{
		{goodPlan, "", "plan.format"},
		{goodPlan, "not: [yaml", "plan.syntax"},
		{"plan: 1", "plan: 2", "plan.format"},
		{"plan: 1", "plan: one", "plan.syntax"},
		{"action: create", "action: move", "plan.user"},
		{"account: a", "account: ''", "plan.user"},
		{"account: a", "acount: a", "plan.syntax"},
		{"user: anna", "user: ''", "plan.user"},
		{"user: anna", "user: [anna]", "plan.syntax"},
		{"  folders:", "- user: anna\n  account: b\n  action: skip\n  folders:", "plan.user"},
		{goodPlan[strings.Index(goodPlan, "users:"):], "users: []\n", "plan.no-users"},
	} {
		text := strings.Replace(goodPlan, c.from, c.to, 1)
		_, err := parsePlan("plan.yaml", []byte(text))
		if failure.ClassOf(err) != failure.Usage || failure.RuleOf(err) != c.rule || !strings.Contains(err.Error(), "plan.yaml") {
			t.Errorf("%q instead of %q: %v, want %s", c.to, c.from, err, c.rule)
		}
	}
	if _, err := readPlan(filepath.Join(t.TempDir(), "none")); failure.RuleOf(err) != "plan.open" {
		t.Errorf("no such file: %v", err)
	}
}

func FuzzReadPlan(f *testing.F) {
	f.Add([]byte(goodPlan))
	f.Add([]byte(planHeader + goodPlan))
	f.Add([]byte("a: &a [1]\nb: *a\n<<: *a\n"))
	f.Add([]byte("? {\n- |\n !!x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		plan, err := parsePlan("plan.yaml", text)
		if err != nil {
			if failure.ClassOf(err) != failure.Usage {
				t.Fatalf("class %s: %v", failure.ClassOf(err), err)
			}
			return
		}
		seen := map[string]bool{}
		for _, u := range plan.Users {
			if u.User == "" || u.Account == "" || seen[u.User] {
				t.Fatalf("user %+v", u)
			}
			seen[u.User] = true
		}
		if plan.Format != 1 || len(seen) == 0 {
			t.Fatalf("plan %+v", plan)
		}
	})
}
