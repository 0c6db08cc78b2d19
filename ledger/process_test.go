package ledger

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill/failure"
	"waybill/mail"
)

// The test binary runs itself as another process that writes a ledger.
const (
	childEnv  = "WAYBILL_LEDGER_TEST_CHILD"
	childPath = "WAYBILL_LEDGER_TEST_PATH"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childEnv) {
	case "":
		os.Exit(m.Run())
	case "write":
		if err := childWrite(os.Getenv(childPath), os.Stdout); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	case "open":
		l, err := Open(context.Background(), os.Getenv(childPath), Options{Command: "second"})
		if err != nil {
			_ = json.NewEncoder(os.Stdout).Encode([]string{failure.ClassOf(err).String(), failure.RuleOf(err), err.Error()})
			os.Exit(3)
		}
		_ = l.Close()
	}
}

func child(t *testing.T, what, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), childEnv+"="+what, childPath+"="+path)
	return cmd
}

// rowsPerCheckpoint is how many rows the child settles at once.
const rowsPerCheckpoint = 7

// childWrite goes on with a ledger where it stands: each checkpoint settles
// what the last one announced, and announces the next. It tells what was
// acknowledged, and goes on until it is killed.
func childWrite(path string, out io.Writer) error {
	ctx := context.Background()
	l, err := Open(ctx, path, Options{Command: "child"})
	if err != nil {
		return err
	}
	m, err := l.PutMailbox(ctx, Mailbox{User: "anna", Account: "anna"})
	if err != nil {
		return err
	}
	if err := l.Enqueue(ctx, []int64{m.ID}); err != nil {
		return err
	}
	_, lease, ok, err := l.Claim(ctx)
	if err != nil || !ok {
		return fmt.Errorf("claim: %v, %w", ok, err)
	}
	f, err := l.PutFolder(ctx, lease, Folder{Path: mail.Inbox, Target: mail.Inbox})
	if err != nil {
		return err
	}
	open, err := l.Intents(ctx, f.ID)
	if err != nil {
		return err
	}
	n := 0
	if len(open) > 0 {
		n = int(open[len(open)-1].Seq)
	}
	for ; ; n++ {
		c := Change{Folder: f.ID, Open: &Intent{Seq: int64(n + 1), Keys: childKeys(n + 1)}}
		if n > 0 {
			c.Close = []int64{int64(n)}
			for _, k := range childKeys(n) {
				c.Settled = append(c.Settled, Row{Key: k, State: Refused, Size: int64(n), Reason: strings.Repeat("r", n%300),
					Notes: []mail.Note{{Kind: "kind", Text: k}}})
			}
		}
		if err := l.Checkpoint(ctx, lease, c); err != nil {
			return err
		}
		fmt.Fprintln(out, n)
	}
}

func childKeys(n int) []string {
	var keys []string
	for i := range rowsPerCheckpoint {
		keys = append(keys, fmt.Sprintf("%06d-%d", n, i))
	}
	return keys
}

// TestKilled kills a writer again and again. What it had acknowledged must be
// there, whole, and so must everything that it had not.
func TestKilled(t *testing.T) {
	path := filepath.Join(t.TempDir(), "killed.ledger")
	kills := 30
	if testing.Short() {
		kills = 5
	}
	acknowledged := 0
	for range kills {
		acknowledged = max(acknowledged, runAndKill(t, path, acknowledged+1+rand.IntN(40), time.Duration(rand.IntN(3000))*time.Microsecond))
		checkKilled(t, path, acknowledged)
	}
	if acknowledged < kills {
		t.Errorf("only %d checkpoints were acknowledged in %d runs", acknowledged, kills)
	}
}

// runAndKill lets the child write until it acknowledged a number, and a little
// longer; it returns the last number that was acknowledged.
func runAndKill(t *testing.T, path string, until int, longer time.Duration) int {
	t.Helper()
	cmd := child(t, "write", path)
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	last, dying := 0, false
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatalf("the writer said %q", lines.Text())
		}
		last = n
		// The last checkpoint of the run before may be there and not have been
		// acknowledged, so that this one begins behind the number.
		if n >= until && !dying {
			dying = true // from here on the moment is left to chance
			time.AfterFunc(longer, func() { _ = cmd.Process.Kill() })
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	return last
}

// checkKilled looks at the ledger as a reader does beside a dead writer, and as
// the next writer does.
func checkKilled(t *testing.T, path string, acknowledged int) {
	t.Helper()
	ctx := context.Background()
	for _, readOnly := range []bool{true, false} {
		l, err := Open(ctx, path, Options{ReadOnly: readOnly})
		must(t, err)
		must(t, l.Check(ctx))
		list, err := l.List(ctx)
		must(t, err)
		if want := map[bool]JobState{true: Running, false: Queued}[readOnly]; len(list) != 1 || list[0].State != want {
			t.Fatalf("mailboxes: %+v, want one that is %v", list, want)
		}
		folders, err := l.Folders(ctx, list[0].ID)
		must(t, err)
		intents, err := l.Intents(ctx, folders[0].ID)
		must(t, err)
		if len(intents) != 1 {
			t.Fatalf("intents: %+v, want one", intents)
		}
		last := int(intents[0].Seq) - 1
		if last < acknowledged {
			t.Fatalf("checkpoint %d was acknowledged and the last that is there is %d", acknowledged, last)
		}
		rows := collect(t, l, folders[0].ID)
		if len(rows) != last*rowsPerCheckpoint {
			t.Fatalf("%d rows after checkpoint %d", len(rows), last)
		}
		for i, r := range rows {
			n := i/rowsPerCheckpoint + 1
			if want := childKeys(n)[i%rowsPerCheckpoint]; r.Key != want || r.Size != int64(n) || len(r.Reason) != n%300 || len(r.Notes) != 1 || r.Notes[0].Text != want {
				t.Fatalf("row %d: %+v", i, r)
			}
		}
		must(t, l.Close())
	}
}

func TestSecondWriterIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "held.ledger")
	since := newClock()
	link := filepath.Join(dir, "link.ledger")
	must(t, os.Symlink("held.ledger", link))
	l := openAt(t, link, Options{Command: "waybill run", Now: since.now}) // a link to nothing yet

	for _, name := range []string{path, link} {
		out, err := child(t, "open", name).Output()
		var said []string
		if err == nil || json.Unmarshal(out, &said) != nil || len(said) != 3 {
			t.Fatalf("second process: %v, %q", err, out)
		}
		if said[0] != "conflict" || said[1] != "ledger.held" {
			t.Errorf("class %s, rule %s", said[0], said[1])
		}
		for _, word := range []string{fmt.Sprintf("process %d ", os.Getpid()), "waybill run", "2026-03-01T12:00:00Z", "wait until"} {
			if !strings.Contains(said[2], word) {
				t.Errorf("%q does not say %q", said[2], word)
			}
		}
	}
	// In the same process too.
	_, err := Open(context.Background(), path, Options{})
	wantClass(t, err, failure.Conflict, "ledger.held")

	must(t, l.Close())
	if out, err := child(t, "open", path).Output(); err != nil {
		t.Errorf("after closing: %v, %s", err, out)
	}
}

func TestLockOfKilledWriterIsFree(t *testing.T) {
	path := filepath.Join(t.TempDir(), "killed.ledger")
	runAndKill(t, path, 3, 0)
	if b, err := os.ReadFile(path + ".lock"); err != nil || !strings.Contains(string(b), `"command":"child"`) {
		t.Errorf("the dead holder's record: %s, %v", b, err)
	}
	must(t, openAt(t, path, Options{}).Close())
}
