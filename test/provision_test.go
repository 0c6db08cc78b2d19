package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"waybill/internal/counterpart"
)

// TestProvisionCyrus lets the administrator of Cyrus make the accounts, with the
// special use that folders have in the source, which is a Dovecot. Passwords are
// another matter: they are made here beforehand.
func TestProvisionCyrus(t *testing.T) {
	t.Parallel()
	users := []string{"anna", "bert"}
	from := dovecotWith(t, counterpart.DovecotOptions{SpecialUse: map[string]string{"Gesendet": `\Sent`, "Papierkorb": `\Trash`}}, users...)
	to := counterpart.NewCyrus(t, counterpart.CyrusOptions{Users: map[string]string{"anna": "secret", "bert": "secret"}, NoMailboxes: true, UnixHierarchySep: true, AltNamespace: true,
		Extra: "autocreate_quota: -1"})
	for _, u := range users {
		if _, err := from.Run(t.Context(), u, "APPEND Gesendet (\\Seen) \"14-Jul-2017 02:40:00 +0200\" {21+}\r\nSubject: x\r\n\r\ncargo\r\n", "APPEND INBOX {21+}\r\nSubject: y\r\n\r\ncargo\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	e := newErrand(t)
	e.write("users.csv", "user,account,action\nanna,anna,create\nbert,bert,create\n")
	e.env = []string{"WAYBILL_SOURCE_PASSWORD=geheim", "WAYBILL_TARGET_PASSWORD=" + to.AdminPassword}
	args := []string{"migrate", "--from", from.MasterLocation(), "--to", to.ACLLocation(), "--users", "users.csv", "--grant"}
	e.ends(0, []string{"4 found = 4 verified", "2 accounts created"}, args...)
	now := listing(t, owners(to.Addr), users...)
	for _, u := range users {
		if !strings.Contains(now, u+` Gesendet | \sent`) || !strings.Contains(now, u+` Papierkorb | \trash`) {
			t.Errorf("%s has not the special use of the source:\n%s", u, now)
		}
	}
	if all, err := to.Run(t.Context(), to.Admin, `LIST "" user/*`); err != nil || strings.Contains(all, "canary") || strings.Contains(now, to.Admin+" ") {
		t.Errorf("left are %s\n%s %v", all, now, err)
	}
	e.ends(0, []string{"4 found = 4 verified", "0 accounts created"}, args...)
}

// TestProvisionCommandKilled makes accounts in Dovecot's passwd-file with a
// script that uses doveadm, kills the program while one of them is made, and runs
// it again.
func TestProvisionCommandKilled(t *testing.T) {
	t.Parallel()
	d := dovecotWith(t, counterpart.DovecotOptions{}, "there")
	known, err := os.ReadFile(filepath.Join(d.Dir, "users"))
	if err != nil {
		t.Fatal(err)
	}
	owner := strings.Split(string(known), ":")[2:4]
	e := newErrand(t, "cora", "dora", "emil", "finn")
	e.write("users.csv", "user,account,name,action\ncora,cora,Cora Cordes,create\ndora,dora,,create\nemil,emil,,create\nfinn,finn,,create\n")
	e.write("add.sh", fmt.Sprintf(`set -eu
exec 9>>"$USERS_FILE.lock"
flock 9
echo "making $WAYBILL_ACCOUNT for ${WAYBILL_NAME:-nobody}, again=${WAYBILL_AGAIN:-0}"
echo "$WAYBILL_ACCOUNT" >>calls
if ! cut -d : -f 1 "$USERS_FILE" | grep -qxF -e "$WAYBILL_ACCOUNT"; then
  cp -p "$USERS_FILE" "$USERS_FILE.new"
  printf '%%s:%%s:%s:%s::%s/home/%%s::\n' "$WAYBILL_ACCOUNT" "$(doveadm pw -s PLAIN -p secret)" "$WAYBILL_ACCOUNT" >>"$USERS_FILE.new"
  mv "$USERS_FILE.new" "$USERS_FILE"
fi
# The first time, the program dies with the account half made.
if [ "$WAYBILL_ACCOUNT" = emil ] && [ ! -e died ]; then
  touch died
  kill -9 "$PPID"
fi
`, owner[0], owner[1], d.Dir))
	e.write("remove.sh", `set -eu
exec 9>>"$USERS_FILE.lock"
flock 9
cp -p "$USERS_FILE" "$USERS_FILE.new"
grep -v "^$WAYBILL_ACCOUNT:" "$USERS_FILE" >"$USERS_FILE.new" || true
mv "$USERS_FILE.new" "$USERS_FILE"
`)
	e.env = []string{"WAYBILL_TARGET_PASSWORD=geheim", "USERS_FILE=" + filepath.Join(d.Dir, "users")}
	args := e.to(d.MasterLocation(), "--provision-command", "exec sh add.sh", "--deprovision-command", "exec sh remove.sh")
	cmd := e.command(t.Context(), args...)
	out, err := cmd.CombinedOutput()
	if err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the program was not killed: %v\n%s", err, out)
	}
	second := e.ends(0, []string{"24 found = 24 verified"}, args...)
	e.moved(owners(d.Addr), counterpart.CompareOptions{})
	after, err := os.ReadFile(filepath.Join(d.Dir, "users"))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range e.users {
		if n := strings.Count("\n"+string(after), "\n"+u+":"); n != 1 {
			t.Errorf("%s is %d times in the file", u, n)
		}
	}
	if strings.Contains(string(after), "canary") {
		t.Errorf("a canary stays:\n%s", after)
	}
	events := e.read("waybill-report/events.jsonl")
	for _, word := range []string{"W3008", "making cora for Cora Cordes", "making emil for nobody, again=1"} {
		if !strings.Contains(events, word) {
			t.Errorf("the waybill does not tell %q:\n%s", word, second)
		}
	}
	// A third run makes nothing.
	calls := e.read("calls")
	e.ends(0, []string{"24 found = 24 verified", "0 accounts created"}, args...)
	if now := e.read("calls"); now != calls {
		t.Errorf("the command ran again: %q", strings.TrimPrefix(now, calls))
	}
	if _, err := exec.LookPath("doveadm"); err != nil {
		t.Error(err)
	}
}
