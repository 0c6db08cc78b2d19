package msmail

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/msmail"
	"waybill/inspect"
	"waybill/internal/postoffice"
)

func look(t *testing.T, files postoffice.Files) *inspect.Report {
	t.Helper()
	po, err := msmail.Open(t.Context(), files.FS(), msmail.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := report(t.Context(), po, "msmail:test")
	if err != nil {
		t.Fatal(err)
	}
	if err := sample(t.Context(), files.FS(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSound checks that nothing but what cannot be read is said of a postoffice
// without faults.
func TestSound(t *testing.T) {
	for seed := range uint64(6) {
		files, _, err := postoffice.Build(postoffice.Options{Seed: seed, Users: 10, Messages: 60})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range look(t, files).Findings {
			if f.Rule != "msmail.mmf" && f.Rule != "msmail.mmf-elsewhere" {
				t.Errorf("seed %d: %+v", seed, f)
			}
		}
	}
}

// TestEveryCorruption checks that the doctor names every corruption with its
// article, and how bad it is.
func TestEveryCorruption(t *testing.T) {
	for _, c := range postoffice.Corruptions() {
		files, m, err := postoffice.Build(postoffice.Options{Seed: 17, Users: 5, Messages: 24})
		if err != nil {
			t.Fatal(err)
		}
		file, err := c.Inject(files, m)
		if err != nil {
			t.Fatal(err)
		}
		r := look(t, files)
		at := slices.IndexFunc(r.Findings, func(f inspect.Finding) bool { return f.Rule == c.Rule })
		if at < 0 {
			t.Errorf("%s (%s): not found", c.Name, file)
			continue
		}
		f := r.Findings[at]
		if _, known := rules[c.Rule]; !known && !strings.HasPrefix(c.Rule, "mai.") {
			t.Errorf("%s: rule %s has no severity", c.Name, c.Rule)
		}
		if f.Certainty == "" || len(f.Articles) == 0 || f.Where == "" {
			t.Errorf("%s: %+v", c.Name, f)
		}
	}
}

// TestEveryRule checks that the table knows every rule that the reader can report.
func TestEveryRule(t *testing.T) {
	names := regexp.MustCompile(`(?:found|defect)\("((?:msmail|mbg|fld|att)\.[a-z-]+)"`)
	root := filepath.Join("..", "..", "format", "msmail")
	list, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range list {
		if filepath.Ext(e.Name()) != ".go" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(root, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range names.FindAllStringSubmatch(string(b), -1) {
			seen++
			if _, known := rules[m[1]]; !known && m[1] != "msmail.grp-" {
				t.Errorf("%s reports %s, and the table does not know it", e.Name(), m[1])
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d rules were found in the sources", seen)
	}
}

// TestShareHoldsNoNames looks for every name and subject in what is to be given to
// others.
func TestShareHoldsNoNames(t *testing.T) {
	files, m, err := postoffice.Build(postoffice.Options{Seed: 23, Users: 75, Messages: 300})
	if err != nil {
		t.Fatal(err)
	}
	done, err := postoffice.InjectAll(files, m)
	if err != nil {
		t.Fatal(err)
	}
	files["MAI/MA0/letter to anna.doc"] = []byte("x")
	r := look(t, files)
	for _, in := range done {
		if !slices.ContainsFunc(r.Findings, func(f inspect.Finding) bool { return f.Rule == in.Rule }) {
			t.Errorf("%s in %s: not found", in.Name, in.File)
		}
	}
	var b strings.Builder
	if err := r.Share().Text(&b); err != nil {
		t.Fatal(err)
	}
	text := strings.ToLower(b.String())
	words := []string{"letter to anna", strings.ToLower(m.Postoffice) + ")"}
	for _, u := range m.Users[1:] { // "Admin" is everybody's
		words = append(words, u.Alias, u.Mailbox)
	}
	for _, g := range m.Groups {
		words = append(words, g.Alias)
	}
	for _, x := range m.Externals {
		words = append(words, x.Alias, x.Address)
	}
	for _, msg := range m.Messages {
		words = append(words, msg.Short)
		for _, f := range msg.Files {
			words = append(words, f.Name)
		}
	}
	for _, w := range words {
		if w = strings.ToLower(w); len(w) > 3 && strings.Contains(text, w) {
			t.Errorf("%q is in the report", w)
		}
	}
}

func TestLook(t *testing.T) {
	dir := t.TempDir()
	if _, err := postoffice.Write(dir, postoffice.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, what := range []string{dir, "msmail:" + dir, "MSMAIL:" + dir + "?zone=Europe/Berlin&codepage=437&domain=x"} {
		if r, ok, err := Look(t.Context(), what); err != nil || !ok || len(r.Facts) < 20 {
			t.Errorf("%s: %v, %v", what, ok, err)
		}
	}
	for _, what := range []string{t.TempDir(), "pst:" + dir, filepath.Join(dir, "GLB", "MASTER.GLB"), "nothing"} {
		if _, ok, err := Look(t.Context(), what); ok || err != nil {
			t.Errorf("%s: %v, %v", what, ok, err)
		}
	}
	for what, class := range map[string]failure.Class{"msmail:" + t.TempDir(): failure.Usage, "msmail:" + dir + "?codepage=x": failure.Usage, "msmail:" + dir + "?x=y": failure.Usage, "msmail:" + dir + "/no": failure.Vanished} {
		if _, _, err := Look(t.Context(), what); failure.ClassOf(err) != class || err == nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := Look(ctx, dir); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
}
