package postoffice

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"waybill/format/msmail/glb"
)

// TestSameSeedSameBytes checks that a seed can be named in a report.
func TestSameSeedSameBytes(t *testing.T) {
	a, m, err := Build(Options{Seed: 7})
	b, again, err2 := Build(Options{Seed: 7})
	if err != nil || err2 != nil || !reflect.DeepEqual(a, b) || !reflect.DeepEqual(m, again) {
		t.Error("one seed made two postoffices", err, err2)
	}
	c, _, _ := Build(Options{Seed: 8})
	if reflect.DeepEqual(a, c) {
		t.Error("two seeds made one postoffice")
	}
}

// TestSizes checks every file against the documented rules.
func TestSizes(t *testing.T) {
	files, m, err := Build(Options{Seed: 3, Users: 30})
	if err != nil {
		t.Fatal(err)
	}
	ruled := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if rule, ok := glb.SizeOf(name); ok {
			ruled++
			if !rule.Fits(int64(len(files[name]))) {
				t.Errorf("%s has %d bytes, the rule is %s", name, len(files[name]), rule)
			}
		}
	}
	if ruled < 100 || len(m.Users) != 31 {
		t.Errorf("%d files with a rule, %d users", ruled, len(m.Users))
	}
}

// TestCorruptionsChangeSomething checks that each corruption has a name of its own
// and damages a file.
func TestCorruptionsChangeSomething(t *testing.T) {
	names := map[string]bool{}
	for _, c := range Corruptions() {
		files, m, err := Build(Options{Seed: 11})
		if err != nil {
			t.Fatal(err)
		}
		before := maps.Clone(files)
		name, err := c.Inject(files, m)
		if err != nil || name == "" || names[c.Name] || c.Rule == "" || c.Article == "" || reflect.DeepEqual(before, files) {
			t.Errorf("%s: %s, %v", c.Name, name, err)
		}
		names[c.Name] = true
	}
	if len(names) < 40 {
		t.Errorf("%d corruptions", len(names))
	}
}
