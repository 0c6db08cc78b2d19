package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/engine"
	"waybill/failure"
	"waybill/format/wizard"
)

func TestMailmigArgs(t *testing.T) {
	for text, want := range map[string]mailmigArgs{
		"/C:a.txt":                            {control: "a.txt"},
		"-c:a.txt -s":                         {control: "a.txt", silent: true},
		`/C:"a b.txt" /A:'admin' /P:"s w" /S`: {control: "a b.txt", account: "admin", password: "s w", silent: true},
		"/C: a.txt /p: x":                     {control: "a.txt", password: "x"},
		"/?":                                  {help: true},
		"-h":                                  {help: true},
		"--help":                              {help: true},
		"/C:/srv/a.txt --to=site:x --ledger l --report r": {control: "/srv/a.txt", to: "site:x", ledger: "l", report: "r"},
		`/C:C:\mail\a.txt`: {control: `C:\mail\a.txt`},
	} {
		if got, err := readMailmigArgs(shellWords(text)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "/S", "a.txt", "/C:", "/X", "/C:a /g:o", "/C:a /D:dom", "/C:a /F:1", "/C:a /M", "/C:a --to", "/C:a -", "/C:a /P:geheim ?"} {
		_, err := readMailmigArgs(shellWords(text))
		if failure.ClassOf(err) != failure.Usage || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// shellWords leaves quotation marks standing, as cmd.exe does.
func shellWords(text string) (list []string) {
	var word strings.Builder
	var quote rune
	for _, r := range text + " " {
		switch {
		case r == ' ' && quote == 0:
			if word.Len() > 0 {
				list = append(list, word.String())
				word.Reset()
			}
			continue
		case quote == 0 && (r == '"' || r == '\''):
			quote = r
		case r == quote:
			quote = 0
		}
		word.WriteRune(r)
	}
	return list
}

func TestPasswordsAreTakenOut(t *testing.T) {
	args := []string{"--json", "mailmig", "/C:x", "/P:geheim", "-p:", "geheim", "/S"}
	taken, shown := takePasswords(args)
	if strings.Join(taken, " ") != "--json mailmig /C:x /P:geheim -p: geheim /S" || strings.Join(shown, " ") != "--json mailmig /C:x /P:*** -p: *** /S" {
		t.Errorf("taken %q, shown %q", taken, shown)
	}
	if taken, shown := takePasswords([]string{"ls", "/P:x"}); taken[1] != "/P:x" || shown[1] != "/P:x" {
		t.Errorf("another command: %q, %q", taken, shown)
	}
}

// job makes the job of a control file that lies in a folder of its own.
func job(t *testing.T, a mailmigArgs, files map[string]string) (*mailmigJob, *env, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a.control = filepath.Join(dir, "control.txt")
	c, err := wizard.ReadControl(a.control, strings.NewReader(files["control.txt"]), wizard.Standard().Page)
	if err != nil {
		t.Fatal(err)
	}
	e := &env{ctx: context.Background(), stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}}
	e.systems = newRegistry(e)
	j, err := e.mailmigJob(a, c)
	return j, e, err
}

func TestMailmigIMAP(t *testing.T) {
	const head = "IMAP_Mailbox,IMAP_Password,SMTP_Address,IMAP_Server,EX_Mailbox,IMAP_Port,IMAP_SSL\n"
	control := "Mode,IMAP\nAccounts,list.csv\nEmailStart,19980101000000\nEmailEnd,19981231235959\n"
	j, _, err := job(t, mailmigArgs{}, map[string]string{"control.txt": control, "list.csv": head + "anna,geheim,anna@a.example,old.example,AnnaB,993,Y\nbert,geheim,,old.example,,993,Y\n"})
	if err != nil || j.from != "imaps://old.example:993" || len(j.warnings) != 0 {
		t.Fatalf("%+v, %v", j, err)
	}
	if want := (engine.DateRange{Since: time.Date(1998, 1, 1, 0, 0, 0, 0, time.Local), Before: time.Date(1999, 1, 1, 0, 0, 0, 0, time.Local)}); j.dates != want {
		t.Errorf("dates %v", j.dates)
	}
	users, err := readUserMap(j.users)
	if err != nil || len(users.Rows) != 2 || users.Rows[0].Account != "AnnaB" || users.Rows[0].SourceLogin != "anna" {
		t.Fatalf("%+v, %v", users, err)
	}
	place, name, _ := strings.Cut(users.Rows[0].SourcePassword, ":")
	if place != "env" || os.Getenv(name) != "geheim" {
		t.Errorf("the password is at %q", users.Rows[0].SourcePassword)
	}
	t.Cleanup(func() { _ = os.Unsetenv(name) })

	_, _, err = job(t, mailmigArgs{}, map[string]string{"control.txt": control, "list.csv": head + "anna,geheim,,one.example,,,\nbert,geheim,,two.example,,,\n"})
	if failure.RuleOf(err) != "wizard.servers" || strings.Contains(err.Error(), "geheim") {
		t.Errorf("two servers: %v", err)
	}
	j, e, err := job(t, mailmigArgs{account: "ad min", password: "geheim"}, map[string]string{"control.txt": control, "list.csv": head + "anna,,,old.example,,,\n"})
	if err != nil || j.from != "imap://ad%20min@old.example" || !strings.HasPrefix(e.servers.SourcePassword, "env:") || len(j.warnings) != 2 {
		t.Errorf("%+v, %v", j, err)
	}
	_ = os.Unsetenv(strings.TrimPrefix(e.servers.SourcePassword, "env:"))
	if _, _, err := job(t, mailmigArgs{}, map[string]string{"control.txt": "Mode,IMAP\n"}); failure.RuleOf(err) != "wizard.keyword-missing" {
		t.Errorf("no list: %v", err)
	}
}

// Every mode and function is either done or refused with a reason.
func TestMailmigModes(t *testing.T) {
	for control, want := range map[string]string{
		"Mode,FILE\nFile,a.pkl\n":                            "migfile:",
		"Mode,FILE\n":                                        "wizard.keyword-missing",
		"Mode,CCMAIL\nFunction,IMPORT\nFile,a.pkl\n":         "migfile:",
		"Mode,CCMAIL\n":                                      "wizard.mode-refused",
		"Mode,COLLABRA\n":                                    "wizard.mode-refused",
		"Mode,NOTES\nFunction,EXTRACT\nFile,x\n":             "wizard.mode-refused",
		"Mode,GRPWISE5\nFunction,FULL\n":                     "wizard.mode-refused",
		"Mode,ADSI\nPostoffice,x\n":                          "wizard.mode-refused",
		"Mode,EXCHANGE\nFile,x\nFunction,IMPORT\n":           "wizard.mode-refused",
		"Mode,MSMAILPC\n":                                    "wizard.keyword-missing",
		"Mode,FILE\nFile,a\nImportDestination,PST\n":         "wizard.keyword-missing",
		"Mode,FILE\nFile,a\nAccounts,none.txt\n":             "wizard.accounts",
		"Mode,GRPWISE\nFunction,IMPORT\nFile,a\nNotes,FALSE": "wizard.keyword-refused",
	} {
		j, _, err := job(t, mailmigArgs{}, map[string]string{"control.txt": control})
		switch {
		case strings.HasSuffix(want, ":"):
			if err != nil || !strings.HasPrefix(j.from, want) || !strings.HasPrefix(j.to, "site:") {
				t.Errorf("%q: %+v, %v", control, j, err)
			}
		case failure.RuleOf(err) != want:
			t.Errorf("%q: %v", control, err)
		}
	}
}

// The two steps of Microsoft Mail: a list of users, edited, and the move. The
// postoffice is played by Maildirs.
func TestMailmigPostofficeInTwoSteps(t *testing.T) {
	dir := t.TempDir()
	for _, user := range []string{"ANNA", "BERT"} {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(dir, "MAIL", user, sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "MAIL", user, "cur", "1600000000.M1P1.x:2,S"), []byte("Subject: x\n\nx\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(control string) (code int, out string) {
		t.Helper()
		path := filepath.Join(dir, "control.txt")
		if err := os.WriteFile(path, []byte(control), 0o600); err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		e := &env{ctx: context.Background(), stdin: strings.NewReader(""), stdout: &b, stderr: &b}
		e.systems = newRegistry(e)
		office := e.systems["maildir"]
		office.scheme = "msmail"
		e.systems["msmail"] = office
		code = exitCode((&mailmigCmd{Args: []string{"/C:" + path}}).Run(e))
		return code, b.String()
	}
	list := filepath.Join(dir, "users.csv")
	if code, out := run("Mode,MSMAILPC\nFunction,EXTRACT\nPostoffice,MAIL\nFile," + list + "\n"); code != mailmigClean {
		t.Fatalf("the list: %d\n%s", code, out)
	}
	text, err := os.ReadFile(list)
	if err != nil || !strings.Contains(string(text), "ANNA,,Y,mailbox,create,ANNA") {
		t.Fatalf("%v\n%s", err, text)
	}
	edited := strings.NewReplacer("BERT,,Y,", "BERT,,N,", "create,ANNA", "create,AnnaB").Replace(string(text))
	if err := os.WriteFile(list, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out := run("Mode,MSMAILPC\nFunction,IMPORT\nPostoffice,MAIL\nFile," + list + "\nPAB,FALSE\n")
	if code != mailmigClean || !strings.Contains(out, "1 found = 1 verified") || !strings.Contains(out, "PAB,FALSE: the source shows no folder of that kind") {
		t.Fatalf("the move: %d\n%s", code, out)
	}
	var b bytes.Buffer
	e := &env{ctx: context.Background(), stdout: &b, stderr: &b}
	e.systems = newRegistry(e)
	if err := (&lsCmd{System: "site:" + filepath.Join(dir, "control.site")}).Run(e); err != nil || !strings.Contains(b.String(), "AnnaB") || strings.Contains(b.String(), "BERT") {
		t.Errorf("%v\n%s", err, b.String())
	}
}
