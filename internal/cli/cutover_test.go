package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/mail"
)

// cutOver runs a cut-over between two systems in memory. It returns the exit code
// and what was printed.
func cutOver(t *testing.T, from, to *fake.System, asJSON bool, quiet time.Duration) (int, string) {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	e := &env{ctx: t.Context(), stdout: &out, stderr: &out, json: asJSON, args: []string{"cutover", "--from", "fake:from"}, systems: registry{
		"fake": {scheme: "fake", source: func(context.Context, connector.Location) (connector.Source, error) { return from.Source(), nil },
			target: func(context.Context, connector.Location) (connector.Target, error) { return to.Target(), nil }}}}
	c := &cutoverCmd{UntilQuiet: quiet, AtMost: time.Minute}
	c.From, c.To = "fake:from", "fake:to"
	c.Ledger, c.Report, c.Workers = filepath.Join(dir, "waybill.ledger"), filepath.Join(dir, "report"), 1
	code := e.end(c.Run(e))
	return code, out.String()
}

func letterOf(text string) fake.Message {
	return fake.Message{Body: []byte("Subject: x\r\n\r\n" + text + "\r\n"), Date: time.Unix(1e9, 0)}
}

func TestCutoverSaysWhatArrived(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		from, to := fake.New(fake.Options{}), fake.New(fake.Options{})
		from.AddUser(directory.User{ID: "anna"})
		from.AddMessage("anna", mail.Inbox, letterOf("one"))
		// It comes while the target is verified, after the last delta.
		late := func() { from.AddMessage("anna", mail.Inbox, letterOf("late")) }
		to.Inject(fake.Fault{Call: "target.Open", User: "anna", Folder: mail.Inbox, N: 2, Do: late})
		code, out := cutOver(t, from, to, asJSON, 0)
		if code != exitIncomplete {
			t.Fatalf("exit code %d, want %d:\n%s", code, exitIncomplete, out)
		}
		if asJSON {
			checkArrivals(t, out)
			continue
		}
		for _, want := range []string{"1 messages arrived", "anna  INBOX   1", "Run again: waybill cutover --from fake:from"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is not said:\n%s", want, out)
			}
		}
	}
}

// checkArrivals finds what a program is told.
func checkArrivals(t *testing.T, out string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var told struct {
			Type     string
			Quiet    bool
			Arrivals struct{ New int64 }
		}
		if err := json.Unmarshal([]byte(line), &told); err != nil {
			t.Errorf("%q is no JSON: %v", line, err)
		}
		if told.Type == "arrivals" {
			if told.Quiet || told.Arrivals.New != 1 {
				t.Errorf("told %+v", told)
			}
			return
		}
	}
	t.Errorf("nothing is told of arrivals:\n%s", out)
}

func TestCutoverRepeatsUntilQuiet(t *testing.T) {
	from, to := fake.New(fake.Options{}), fake.New(fake.Options{})
	from.AddUser(directory.User{ID: "anna"})
	from.AddMessage("anna", mail.Inbox, letterOf("one"))
	for _, n := range []int{2, 4} {
		late := func() { from.AddMessage("anna", mail.Inbox, letterOf("late")) }
		to.Inject(fake.Fault{Call: "target.Open", User: "anna", Folder: mail.Inbox, N: n, Do: late})
	}
	code, out := cutOver(t, from, to, false, time.Millisecond)
	if got := len(to.Messages("anna", mail.Inbox)); code != exitProven || got != 3 || !strings.Contains(out, "Nothing arrived in the source since") {
		t.Errorf("exit code %d, %d messages:\n%s", code, got, out)
	}
}

func TestCutoverFindsWhatIsMissing(t *testing.T) {
	from, to := fake.New(fake.Options{}), fake.New(fake.Options{})
	from.AddUser(directory.User{ID: "anna"})
	from.AddMessage("anna", mail.Inbox, letterOf("one"))
	from.AddMessage("anna", mail.Inbox, letterOf("two"))
	to.Inject(fake.Fault{Call: "target.Open", User: "anna", Folder: mail.Inbox, N: 3, Do: func() { to.Vanish("anna", mail.Inbox, "1") }})
	code, out := cutOver(t, from, to, false, 0)
	if code != exitExceptions || !strings.Contains(out, "1 as delivered, 1 missing") || !strings.Contains(out, "Not everything is proven") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
}
