package msmail

import (
	"slices"
	"strings"
	"testing"

	"waybill/directory"
	"waybill/failure"
	"waybill/format/msmail/glb"
	"waybill/internal/postoffice"
	"waybill/mail"
)

// TestDamage injects every documented corruption. Whatever is delivered is what the
// manifest says; every other row is listed with an error; and nobody's mail is
// silently without an owner.
func TestDamage(t *testing.T) {
	for _, c := range postoffice.Corruptions() {
		t.Run(strings.ReplaceAll(c.Name, " ", "-"), func(t *testing.T) {
			files, m, err := postoffice.Build(postoffice.Options{Seed: 21, Users: 4, Messages: 24})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Inject(files, m); err != nil {
				t.Fatal(err)
			}
			s := openFiles(t, files, "orphans", "yes")
			rules := map[string]int{}
			held := map[glb.ID]int{} // what is accounted for, by mailbag
			for u, err := range s.Users(t.Context()) {
				if err != nil {
					rules[failure.RuleOf(err)]++
					held[s.people[s.byID[u.ID]].bag] += 1000
					continue
				}
				if u.Kind == directory.Public {
					continue
				}
				box, err := s.Mailbox(t.Context(), u.ID)
				if err != nil {
					t.Fatal(err)
				}
				bag := box.(*mailbox).person.bag
				for msg, err := range box.Messages(t.Context(), mail.Inbox) {
					rule := failure.RuleOf(err)
					switch {
					case err != nil && msg.Key == "":
						rules[rule]++
						held[bag] += 1000 // the mailbox is told of as a whole
					case rule == "msmail.mmf":
					case err != nil:
						rules[rule]++
						held[bag]++
					default:
						held[bag]++
						truth(t, m, c.Name, msg.Key, read(t, box, mail.Inbox, msg))
					}
				}
			}
			for _, u := range m.Users {
				live := 0
				for _, r := range u.Rows {
					if !r.Deleted {
						live++
					}
				}
				if c.Name == "both mailbag files missing" {
					continue // nothing is left that could be counted; inspect tells of it
				}
				if held[u.ID] < live {
					t.Errorf("%s has %d rows, %d are accounted for; rules %v", u.Mailbox, live, held[u.ID], rules)
				}
			}
			if want := told[c.Name]; want != "" && rules[want] == 0 {
				t.Errorf("want rule %s, got %v", want, rules)
			}
		})
	}
}

// told are the rules under which the source itself tells of a corruption; the others
// cost no mail, and waybill inspect tells of them.
var told = map[string]string{
	"two users with one mailbag":       "msmail.hexid-duplicate",
	"MBG missing":                      "msmail.mbg-missing",
	"stray bytes in a mailbag":         "mbg.size",
	"row that names no message":        "mbg.file",
	"row that names another's message": "msmail.row-duplicate",
	"message missing":                  "mai.missing",
	"message empty":                    "mai.empty",
	"message cut":                      "mai.truncated",
	"message garbled":                  "mai.key",
	"no message at all":                "mai.container",
}

// truth compares a delivered message with the manifest.
func truth(t *testing.T, m *postoffice.Manifest, corruption, key string, got parsed) {
	t.Helper()
	id, ok := glb.ParseID(key)
	if !ok {
		return
	}
	i := slices.IndexFunc(m.Messages, func(msg postoffice.Message) bool { return msg.ID == id })
	if i < 0 {
		t.Errorf("%s: message %s is not one of the writer's", corruption, key)
		return
	}
	want := &m.Messages[i]
	if subject := got.header.Text("Subject"); subject != strings.TrimSpace(want.Subject) {
		t.Errorf("subject %q, want %q", subject, want.Subject)
	}
	// A line of text stands for an attachment that is gone.
	text, lost, _ := strings.Cut(got.text, "[The attachment ")
	if text != want.Text || lost != "" && corruption != "attachment missing" && corruption != "attachment empty" {
		t.Errorf("text %.60q, want %.60q", text, want.Text)
	}
	files := map[string]string{}
	for _, f := range want.Files {
		files[f.Name] += string(f.Content)
	}
	for name, b := range got.files {
		if len(b) == 0 || !strings.Contains(files[name], string(b)) || lost == "" && files[name] != string(b) {
			t.Errorf("attachment %s differs", name)
		}
	}
}

// TestPrivateFolders checks that folders belong to whom their directory says, that
// one that cannot be read is an item with a reason, and that nobody's folders are
// told of.
func TestPrivateFolders(t *testing.T) {
	files, m, err := postoffice.Build(postoffice.Options{Seed: 4, Users: 6, Folders: 6, Messages: 60})
	if err != nil {
		t.Fatal(err)
	}
	best := slices.MaxFunc(m.Folders, func(a, b postoffice.Folder) int { return a.Messages - b.Messages })
	owner := m.Users[3]
	content := files["FOLDERS/PUB/"+best.ID.String()+".FLD"]
	for _, at := range []string{owner.ID.String() + "/00000050.FLD", "0000FFFF/00000051.FLD"} {
		private := slices.Clone(content)
		private[0x31] = 1
		files["FOLDERS/LOC/"+at] = private
	}
	broken := append(slices.Clone(content), 1, 2, 3)
	broken[0x31] = 1
	files["FOLDERS/LOC/"+owner.ID.String()+"/00000052.FLD"] = broken
	s := openFiles(t, files)
	box, err := s.Mailbox(t.Context(), owner.Mailbox)
	if err != nil {
		t.Fatal(err)
	}
	count := func(path mail.Path) (good int, rules []string) {
		for msg, err := range box.Messages(t.Context(), path) {
			if err != nil {
				rules = append(rules, failure.RuleOf(err))
				raw, err := s.RawFiles(t.Context(), owner.Mailbox, path, msg.Key)
				if err != nil || len(raw) != 1 {
					t.Errorf("raw files %v, %v", raw, err)
				}
				continue
			}
			if p := read(t, box, path, msg); p.text == "" {
				t.Error("a message is empty")
			}
			good++
		}
		return good, rules
	}
	if good, rules := count("00000050.FLD"); good != best.Messages || best.Messages == 0 || rules != nil {
		t.Errorf("%d of %d messages, %v", good, best.Messages, rules)
	}
	if good, rules := count("00000052.FLD"); good != 0 || !slices.Equal(rules, []string{"fld.unreadable"}) {
		t.Errorf("the broken folder: %d, %v", good, rules)
	}
	nobody := ""
	for u, err := range s.Users(t.Context()) {
		if failure.RuleOf(err) == "msmail.mailbag-without-user" {
			nobody = u.ID
		}
	}
	if nobody != "0000FFFF" {
		t.Errorf("nobody's folder is told of as %q", nobody)
	}
	public, err := s.Mailbox(t.Context(), PublicID)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := public.Folders(t.Context())
	if err != nil || len(folders) != len(m.Folders) {
		t.Errorf("%d public folders, want %d: %v", len(folders), len(m.Folders), err)
	}
	for _, f := range m.Folders {
		n := 0
		for _, err := range public.Messages(t.Context(), mail.NewPath(f.Name)) {
			if err != nil {
				t.Error(err)
			}
			n++
		}
		if n != f.Messages {
			t.Errorf("%s has %d messages, want %d", f.Name, n, f.Messages)
		}
	}
}
