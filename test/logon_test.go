package test

import (
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waybill/internal/counterpart"
)

// secrets are what must appear nowhere.
var secrets = []string{"hafen-eins", "hafen-zwei", "hafen-drei", "leuchtturm-vier"}

// TestLogonSecrets logs on as each user, with passwords from a file, the
// environment and a command, and looks for them wherever the program writes.
func TestLogonSecrets(t *testing.T) {
	t.Parallel()
	users := map[string]string{"anna": secrets[0], "bert": secrets[1], "cora": secrets[2]}
	from := counterpart.NewDovecot(t, counterpart.DovecotOptions{Users: users, MasterUser: "master", MasterPassword: secrets[3]})
	to := counterpart.NewDovecot(t, counterpart.DovecotOptions{Users: map[string]string{"anna": secrets[0], "bert": secrets[1], "cora": secrets[2]}})
	total := 0
	for i, u := range []string{"anna", "bert", "cora"} {
		total += from.Seed(t, u, counterpart.SeedOptions{Seed: i, Messages: 12, Folders: 3}).Messages
	}
	e := newErrand(t)
	e.write("anna.pw", secrets[0]+"\n")
	e.write("give.sh", "#!/bin/sh\ncat \"$1\"\n")
	e.write("cora.pw", secrets[2]+"\n")
	e.write("users.csv", "user,account,source-password,target-password\nanna,anna,file:anna.pw,file:anna.pw\nbert,bert,env:BERTS,env:BERTS\ncora,cora,command:sh give.sh cora.pw,command:cat cora.pw\n")
	e.env = []string{"BERTS=" + secrets[1]}

	args := []string{"--trace-servers", "-v", "migrate", "--all", "--from", "imap://" + from.Addr + "/?tls=none", "--to", "imap://" + to.Addr + "/?tls=none", "--users", "users.csv"}
	// While it runs, the arguments of all its processes are there for all to see.
	seen := make(chan string, 1)
	r := start(t, e.dir, func(cmd *exec.Cmd) { cmd.Env = append(os.Environ(), e.env...) }, args...)
	r.until("the copying", func(l line) bool { return l.Type == "progress" })
	goOn := r.hold()
	ps, err := exec.CommandContext(t.Context(), "ps", "-eo", "args").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen <- string(ps)
	goOn()
	out := r.ends(0)
	if !strings.Contains(out, "AUTHENTICATE") || !strings.Contains(out, "FETCH") {
		t.Errorf("the conversation is not shown:\n%.2000s", out)
	}
	absent(t, "ps", <-seen)
	absent(t, "what was printed", out)
	out = e.ends(0, []string{fmt.Sprintf("%d as delivered", total)}, "--trace-servers", "verify", "--users", "users.csv")
	absent(t, "what verify printed", out)
	// A wrong password is told, and itself not.
	e.write("anna.pw", secrets[3]+"\n")
	out = e.ends(3, []string{"imap.login.wrong-password"}, "--trace-servers", "migrate", "--from", "imap://"+from.Addr+"/?tls=none", "--to", "imap://"+to.Addr+"/?tls=none", "--users", "users.csv")
	absent(t, "what a wrong password gives", out)

	e.write("anna.pw", "")
	e.write("cora.pw", "")
	files := 0
	err = filepath.WalkDir(e.dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		files++
		absent(t, path, string(b))
		return err
	})
	if err != nil || files < 6 {
		t.Errorf("%d files were looked through: %v", files, err)
	}
	counterpart.Compare(t, counterpart.System{Location: "imap://{user}*master@" + from.Addr, Password: secrets[3]}, counterpart.System{Location: "imap://anna@" + to.Addr, Password: secrets[0]},
		counterpart.CompareOptions{Users: []string{"anna"}})
}

func absent(t *testing.T, where, text string) {
	t.Helper()
	for _, s := range secrets {
		if i := strings.Index(text, s); i >= 0 {
			t.Errorf("a password is in %s: %q", where, text[max(0, i-80):min(len(text), i+40)])
		}
		for _, coded := range encodings(s) {
			if strings.Contains(text, coded) {
				t.Errorf("a password is in %s, encoded as %q", where, coded)
			}
		}
	}
}

// encodings are what a secret looks like in base64, at each of three places in a
// longer text, without the letters that depend on its neighbours.
func encodings(s string) (all []string) {
	for shift := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", shift) + s))
		all = append(all, text[(shift*8+5)/6:len(text)-1])
	}
	return all
}
