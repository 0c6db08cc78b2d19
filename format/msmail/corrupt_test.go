package msmail_test

import (
	"context"
	"io"
	"path"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/format/msmail"
	"waybill/internal/postoffice"
)

// TestEveryCorruptionIsNamed damages sound postoffices in each documented way, and
// expects the finding that tells of it, with its article, at the file.
func TestEveryCorruptionIsNamed(t *testing.T) {
	for i, c := range postoffice.Corruptions() {
		files, m := build(t, postoffice.Options{Seed: 100 + uint64(i)})
		file, err := c.Inject(files, m)
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		p := open(t, files, msmail.Options{})
		var named []msmail.Finding
		hit := false
		err = p.Check(context.Background(), func(f msmail.Finding) {
			named = append(named, f)
			if f.Rule == c.Rule && f.Article == c.Article && f.Text != "" && related(f.File, file) {
				hit = true
			}
		})
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
		}
		if !hit {
			t.Errorf("%s in %s: no %s (%s) among\n%+v", c.Name, file, c.Rule, c.Article, named)
		}
		readOn(t, c.Name, p, m)
	}
}

// related compares files; findings about one record of a pair may be told of the
// other.
func related(a, b string) bool {
	stem := func(s string) string { return strings.TrimSuffix(path.Base(s), path.Ext(s)) }
	return a == b || stem(a) == stem(b) || path.Dir(a) == path.Dir(b) || strings.HasPrefix(a, "MEM/") || strings.HasPrefix(b, "NME/")
}

// readOn reads all mail of a damaged postoffice: one broken item costs itself.
func readOn(t *testing.T, what string, p *msmail.Postoffice, m *postoffice.Manifest) {
	t.Helper()
	ctx := context.Background()
	rows, whole, broken := 0, 0, 0
	for _, u := range m.Users {
		for row, err := range p.Mailbag(ctx, u.ID) {
			rows++
			if err != nil {
				broken++
				continue
			}
			msg, err := p.Message(ctx, row)
			if err != nil {
				if failure.RuleOf(err) != "mai.missing" || row.State != msmail.Deleted {
					broken++
				}
				continue
			}
			if !msg.Whole() {
				broken++
				if raw, err := msg.Raw(ctx); err != nil {
					t.Errorf("%s: %v", what, err)
				} else {
					_, _ = io.Copy(io.Discard, raw)
					_ = raw.Close()
				}
				continue
			}
			r, err := msg.Text(ctx)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			_ = r.Close()
			whole++
		}
	}
	// At worst one mailbag or one message in several mailbags is lost.
	if broken > len(m.Users) || whole == 0 {
		t.Errorf("%s: of %d rows %d are whole and %d broken", what, rows, whole, broken)
	}
}

// TestAllCorruptionsAtOnce puts as many into one postoffice as do not hide each
// other, and expects each to be named still.
func TestAllCorruptionsAtOnce(t *testing.T) {
	files, m := build(t, postoffice.Options{Seed: 77, Users: 20, Messages: 200})
	want := map[string]string{}
	for _, c := range postoffice.Corruptions() {
		switch c.Name {
		case "ACCESS files out of step", "shadow differs", "zero TID", "stray bytes in an XTN", "GROUP.GLB reset", "member that is gone", "mailbag without user", "message stranded",
			"attachment stranded", "attachment empty", "folder missing", "folder without index", "message cut", "stray bytes in a mailbag", "mail waits for delivery", "size rule broken":
			if _, err := c.Inject(files, m); err != nil {
				t.Fatal(err)
			}
			want[c.Rule] = c.Name
		}
	}
	p := open(t, files, msmail.Options{})
	if err := p.Check(context.Background(), func(f msmail.Finding) { delete(want, f.Rule) }); err != nil {
		t.Error(err)
	}
	for rule, name := range want {
		t.Errorf("%s is not found (%s)", name, rule)
	}
}

// TestUnreadKindsAreNamed expects calendars and data of templates to be listed, and a
// stranded message to be readable by its number.
func TestUnreadKindsAreNamed(t *testing.T) {
	files, m := build(t, postoffice.Options{Seed: 21})
	files["CAL/00000001.CAL"], files["INF/ADMIN.INF"] = []byte("x"), []byte("y")
	for i := range m.Messages {
		if msg := &m.Messages[i]; !msg.Gone {
			files[postoffice.MessageFile(0xBEEF)] = files[postoffice.MessageFile(msg.ID)]
			p := open(t, files, msmail.Options{})
			got, err := p.Stranded(context.Background(), 0xBEEF)
			if err != nil || !got.Whole() || got.Subject != msg.Subject {
				t.Errorf("%+v, %v", got, err)
			}
			want := map[string]bool{"msmail.cal": true, "msmail.inf": true, "msmail.mai-stranded": true}
			if err := p.Check(context.Background(), func(f msmail.Finding) { delete(want, f.Rule) }); err != nil || len(want) > 0 {
				t.Errorf("%v are not named, %v", want, err)
			}
			return
		}
	}
}
