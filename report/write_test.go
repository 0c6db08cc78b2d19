package report

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/event"
	"waybill/failure"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs; look at it, and run \"go test ./report -update\" if it is meant to.\n%s", path, got)
	}
}

func slurp(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestGoldenFiles(t *testing.T) {
	w, list := small()
	w.Curve = w.Curve[:4]
	slices.Reverse(w.Mailboxes) // order of writing must not depend on order of finding
	slices.Reverse(w.Events)
	dir := filepath.Join(t.TempDir(), "new", "waybill")
	if err := Write(t.Context(), dir, w, stream(list)); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{MessagesFile, HTMLFile, JSONFile}) {
		t.Errorf("files %q", got)
	}
	golden(t, "report.json", slurp(t, dir, JSONFile))
	golden(t, "messages.jsonl", slurp(t, dir, MessagesFile))
	if sha(slurp(t, dir, MessagesFile)) != w.MessagesSHA256 {
		t.Error("messages_sha256 is not the SHA-256 of messages.jsonl")
	}
	info, err := os.Stat(filepath.Join(dir, JSONFile))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		t.Errorf("report.json may be read by everybody: %v", info.Mode())
	}
}

func TestGoldenSummaries(t *testing.T) {
	for name, make := range map[string]func() (*Waybill, []Message){"small": small, "whole": whole, "broken": broken, "refusal": refusal} {
		w, list := make()
		if err := Write(t.Context(), t.TempDir(), w, stream(list)); err != nil {
			t.Fatal(err)
		}
		s := Summary(w)
		golden(t, "summary-"+name+".txt", s)
		if n := strings.Count(s, "\n"); n < 7 || n > 16 {
			t.Errorf("%s: summary of %d lines", name, n)
		}
	}
}

func TestReadGivesBackWhatWasWritten(t *testing.T) {
	w, list := small()
	dir := t.TempDir()
	if err := Write(t.Context(), dir, w, stream(list)); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got.ExitCode() != w.ExitCode() || Summary(got) != Summary(w) {
		t.Errorf("summary before:\n%s\nafter:\n%s", Summary(w), Summary(got))
	}
	again := t.TempDir()
	if err := Write(t.Context(), again, got, ReadMessages(dir)); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, dir) {
		if slurp(t, dir, name) != slurp(t, again, name) {
			t.Errorf("%s is not the same after reading and writing", name)
		}
	}
	var back []Message
	for m, err := range ReadMessages(dir) {
		if err != nil {
			t.Fatal(err)
		}
		back = append(back, m)
	}
	if !reflect.DeepEqual(back, list) {
		t.Errorf("messages read: %+v", back)
	}
}

func TestFailedWriteLeavesTheOldWaybill(t *testing.T) {
	dir := t.TempDir()
	w, list := small()
	if err := Write(t.Context(), dir, w, stream(list)); err != nil {
		t.Fatal(err)
	}
	before := map[string]string{}
	for _, name := range files(t, dir) {
		before[name] = slurp(t, dir, name)
	}
	broken := failure.New(failure.Conflict, "read ledger", "waybill.ledger", "ledger.held", nil)
	stop, cancel := context.WithCancel(t.Context())
	for name, c := range map[string]struct {
		ctx   context.Context
		lines Messages
		class failure.Class
	}{
		"error of the stream": {t.Context(), func(yield func(Message, error) bool) {
			if yield(Message{State: "verified"}, nil) {
				yield(Message{}, broken)
			}
		}, failure.Conflict},
		"cancelled on the way": {stop, func(yield func(Message, error) bool) {
			cancel()
			yield(Message{State: "verified"}, nil)
		}, failure.Cancelled},
	} {
		next, _ := whole()
		err := Write(c.ctx, dir, next, c.lines)
		if failure.ClassOf(err) != c.class {
			t.Errorf("%s: error %v, want class %v", name, err, c.class)
		}
		if got := files(t, dir); len(got) != len(before) {
			t.Errorf("%s: left %q behind", name, got)
		}
		for file, text := range before {
			if slurp(t, dir, file) != text {
				t.Errorf("%s: %s was changed", name, file)
			}
		}
	}
}

func TestWriteWithoutMessagesRemovesAnOldList(t *testing.T) {
	dir := t.TempDir()
	w, list := small()
	if err := Write(t.Context(), dir, w, stream(list)); err != nil {
		t.Fatal(err)
	}
	w, _ = refusal()
	if err := Write(t.Context(), dir, w, nil); err != nil {
		t.Fatal(err)
	}
	if got := files(t, dir); !slices.Equal(got, []string{HTMLFile, JSONFile}) {
		t.Errorf("files %q: a list of another run belongs to no waybill", got)
	}
}

func TestWriteWhereNothingMayBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, _ := whole()
	err := Write(t.Context(), filepath.Join(file, "dir"), w, nil)
	var e *failure.Error
	if !errors.As(err, &e) || e.Rule != "report.write" || e.Where == "" {
		t.Errorf("error %v names neither place nor rule", err)
	}
}

func TestNumbersThatJSONCannotHold(t *testing.T) {
	w, _ := whole()
	w.Run.LedgerShare, w.Runs[0].Seconds = math.NaN(), math.Inf(1)
	w.Curve = append(w.Curve, Point{Second: math.NaN()}, Point{Second: math.Inf(1)})
	dir := t.TempDir()
	if err := Write(t.Context(), dir, w, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil || got.Run.LedgerShare != 0 || len(got.Curve) != len(w.Curve)-2 {
		t.Errorf("read back %+v, %v", got, err)
	}
}

// TestMessagesAreStreamed writes more messages than would fit the bound if they
// were kept.
func TestMessagesAreStreamed(t *testing.T) {
	const many = 50_000
	w := base(1)
	m := Mailbox{User: "anna", State: Exceptions}
	w.addFolder(&m, "INBOX", Count{Verified: 1, Quarantined: many})
	w.addMailbox(m)
	dir := t.TempDir()
	err := Write(t.Context(), dir, w, func(yield func(Message, error) bool) {
		for i := range many {
			if !yield(Message{User: "anna", Folder: "INBOX", Key: fmt.Sprint(i), State: "quarantined", Rule: fmt.Sprintf("rule.%d", i%3)}, nil) {
				return
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(w.Exceptions) != MaxExceptions || w.Lines["quarantined"] != many || w.Rules["rule.0"] != 16_667 {
		t.Errorf("%d exceptions kept, lines %v, rules %v", len(w.Exceptions), w.Lines, w.Rules)
	}
	if w.ExitCode() != ExitExceptions {
		t.Errorf("exit code %d, faults %q", w.ExitCode(), w.Faults())
	}
	page := slurp(t, dir, HTMLFile)
	if !strings.Contains(page, "lists the other 49,000 as well") || len(page) > 2_000_000 {
		t.Errorf("a page of %d bytes does not say where the other messages are", len(page))
	}
}

func TestWriteEvents(t *testing.T) {
	dir := t.TempDir()
	seq := func(yield func(event.Event, error) bool) {
		for i := range 3 {
			if !yield(event.Event{Code: event.MailboxFinished, Time: noon.Add(time.Duration(i) * time.Second), User: "anna"}, nil) {
				return
			}
		}
	}
	if err := WriteEvents(t.Context(), dir, seq); err != nil {
		t.Fatal(err)
	}
	text := slurp(t, dir, EventsFile)
	if strings.Count(text, "\n") != 3 || !strings.Contains(text, `"id":"W4002"`) || !strings.Contains(text, `"severity":"info"`) {
		t.Errorf("events.jsonl is %s", text)
	}
	err := WriteEvents(t.Context(), dir, func(yield func(event.Event, error) bool) { yield(event.Event{}, errors.New("gone")) })
	if err == nil || slurp(t, dir, EventsFile) != text {
		t.Errorf("error %v; the old file has to stay", err)
	}
}

func TestPageStaysSmall(t *testing.T) {
	w, list := large(10_000)
	dir := t.TempDir()
	if err := Write(t.Context(), dir, w, stream(list)); err != nil {
		t.Fatal(err)
	}
	page := slurp(t, dir, HTMLFile)
	if len(page) > 3_500_000 {
		t.Errorf("a page of %d bytes for 10,000 users", len(page))
	}
	for _, want := range []string{"10,000 mailboxes", "user09999", "the folders of 8,500 mailboxes are left out", "only the first 100 mailboxes"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
