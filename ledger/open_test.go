package ledger

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"waybill/event"
	"waybill/failure"
)

func TestReadBesideWriter(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "odd %41 name#?.ledger")
	l := openAt(t, path, Options{})
	r := openAt(t, path, Options{ReadOnly: true})
	_, lease, f := working(t, l, "anna")
	fill(t, l, lease, f, 0, 3)
	if rows := collect(t, r, f.ID); len(rows) != 3 {
		t.Errorf("the reader sees %d rows", len(rows))
	}
	wantClass(t, r.Checkpoint(ctx, lease), failure.Usage, "ledger.read-only")
	_, _, _, err := r.Claim(ctx)
	wantClass(t, err, failure.Usage, "ledger.read-only")
	if list, err := r.List(ctx); err != nil || list[0].State != Running {
		t.Errorf("reading changed the job: %+v, %v", list, err)
	}
	fill(t, l, lease, f, 3, 2)
	must(t, l.Close())
	if rows := collect(t, r, f.ID); len(rows) != 5 {
		t.Errorf("after the writer closed the reader sees %d rows", len(rows))
	}
	must(t, r.Close())
	if err := l.Checkpoint(ctx, lease); failure.RuleOf(err) != "ledger.closed" {
		t.Errorf("after closing: %v", err)
	}
	_, err = l.List(ctx)
	wantClass(t, err, failure.Usage, "ledger.closed")
	_, err = l.Tallies(ctx, 0)
	wantClass(t, err, failure.Usage, "ledger.closed")
	wantClass(t, l.Check(ctx), failure.Usage, "ledger.closed")
	must(t, l.Close())
}

// TestDurability makes sure that a commit waits for the disk.
func TestDurability(t *testing.T) {
	l := openNew(t)
	must(t, l.writer.do(context.Background(), false, func(w *writer) error {
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2"} {
			var got string
			if err := w.conn.QueryRowContext(context.Background(), `PRAGMA `+pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s (%v), want %s", pragma, got, err, want)
			}
		}
		return nil
	}))
}

// TestReadFromReadOnlyDirectory opens a ledger where SQLite can make no files.
func TestReadFromReadOnlyDirectory(t *testing.T) {
	if os.Getuid() == 0 && !readOnlyMountWorks(t) {
		t.Skip("needs a user whom permissions stop, or the right to mount")
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "closed.ledger")
	l := openAt(t, path, Options{})
	_, lease, f := working(t, l, "anna")
	fill(t, l, lease, f, 0, 3)
	must(t, l.Close())
	makeReadOnly(t, dir)
	r := openAt(t, path, Options{ReadOnly: true})
	if rows := collect(t, r, f.ID); len(rows) != 3 {
		t.Errorf("got %d rows", len(rows))
	}
	must(t, r.Close())
	_, err := Open(context.Background(), path, Options{})
	if c := failure.ClassOf(err); c != failure.Denied {
		t.Errorf("opening for writing: %v (%v)", err, c)
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	good := filepath.Join(dir, "good.ledger")
	l := openAt(t, good, Options{})
	_, lease, f := working(t, l, "anna")
	fill(t, l, lease, f, 0, 2000)
	must(t, l.Close())
	whole, err := os.ReadFile(good)
	must(t, err)

	foreign := filepath.Join(dir, "foreign.db")
	db, err := openFile(foreign, forWriting)
	must(t, err)
	_, err = db.ExecContext(ctx, `CREATE TABLE theirs (x)`)
	must(t, err)
	must(t, db.Close())

	broken := append([]byte(nil), whole...)
	for i := 4096 * 3; i < 4096*30; i++ {
		broken[i] ^= 0x5a
	}
	for name, c := range map[string]struct {
		bytes    []byte
		path     string
		readOnly bool
		class    failure.Class
		rule     string
	}{
		"missing, to read":    {path: "none", readOnly: true, class: failure.Vanished, rule: "ledger.missing"},
		"a directory":         {path: ".", class: failure.Usage, rule: "ledger.no-file"},
		"no such directory":   {path: "none/none", class: failure.Vanished, rule: "ledger.vanished"},
		"empty, to read":      {bytes: []byte{}, readOnly: true, class: failure.Malformed, rule: "ledger.foreign"},
		"other program's":     {path: "foreign.db", class: failure.Malformed, rule: "ledger.foreign"},
		"no database":         {bytes: []byte(strings.Repeat("Dear Anna, ", 1000)), class: failure.Malformed, rule: "ledger.damaged"},
		"cut short":           {bytes: whole[:len(whole)/2], class: failure.Malformed, rule: "ledger.damaged"},
		"cut short, to read":  {bytes: whole[:len(whole)/2+100], readOnly: true, class: failure.Malformed, rule: "ledger.damaged"},
		"overwritten":         {bytes: broken, class: failure.Malformed, rule: "ledger.damaged"},
		"overwritten to read": {bytes: broken, readOnly: true, class: failure.Malformed, rule: "ledger.damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, c.path)
			if c.path == "" {
				path = filepath.Join(t.TempDir(), "x.ledger")
				must(t, os.WriteFile(path, c.bytes, 0o600))
			}
			_, err := Open(ctx, path, Options{ReadOnly: c.readOnly})
			wantClass(t, err, c.class, c.rule)
			if c.rule != "ledger.vanished" && !strings.Contains(err.Error(), "; ") {
				t.Errorf("no remedy: %v", err)
			}
			if c.bytes != nil {
				if now, err := os.ReadFile(path); err != nil || string(now) != string(c.bytes) {
					t.Errorf("the refused file was changed: %v", err)
				}
			}
		})
	}
	// What was refused is not locked.
	must(t, openAt(t, good, Options{}).Close())
}

// TestDamageFoundLater breaks a page of a ledger too large to be checked whole
// when it is opened.
func TestDamageFoundLater(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("writes 20 MB")
	}
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "large.ledger")
	l := openAt(t, path, Options{})
	_, lease, f := working(t, l, "anna")
	fill(t, l, lease, f, 0, 150_000)
	must(t, l.Close())
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	info, err := file.Stat()
	must(t, err)
	if info.Size() < quickCheckLimit {
		t.Fatalf("the ledger has only %d bytes", info.Size())
	}
	_, err = file.WriteAt([]byte(strings.Repeat("\xff", 4096*50)), info.Size()/8192*4096)
	must(t, err)
	must(t, file.Close())

	r := openAt(t, path, Options{ReadOnly: true})
	_, err = r.Tallies(ctx, 0)
	wantClass(t, err, failure.Malformed, "ledger.damaged")
	for _, err = range r.Rows(ctx, f.ID) {
		if err != nil {
			break
		}
	}
	wantClass(t, err, failure.Malformed, "ledger.damaged")
	wantClass(t, r.Check(ctx), failure.Malformed, "ledger.damaged")
}

// TestVersions upgrades an older ledger with what is in it, and refuses a newer one.
func TestVersions(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "old.ledger")
	l := openAt(t, path, Options{})
	_, lease, f := working(t, l, "anna")
	fill(t, l, lease, f, 0, 10)
	must(t, l.Close())

	series, err := shapes()
	must(t, err)
	longer := fstest.MapFS{"00099_wheel.sql": {Data: []byte("-- +goose Up\nALTER TABLE message ADD COLUMN wheel BIGINT;\n")}}
	names, err := fs.Glob(series, "*.sql")
	must(t, err)
	for _, n := range names {
		b, err := fs.ReadFile(series, n)
		must(t, err)
		longer[n] = &fstest.MapFile{Data: b}
	}
	db, err := openFile(path, forWriting)
	must(t, err)
	defer db.Close()
	wantClass(t, migrate(ctx, db, path, longer, true), failure.Conflict, "ledger.older")
	for range 2 {
		must(t, migrate(ctx, db, path, longer, false))
	}
	var rows, wheels int
	must(t, db.QueryRowContext(ctx, `SELECT count(*), count(wheel) FROM message`).Scan(&rows, &wheels))
	if rows != 10 || wheels != 0 {
		t.Errorf("after the upgrade: %d rows, %d wheels", rows, wheels)
	}
	must(t, db.Close())

	for _, readOnly := range []bool{false, true} {
		_, err := Open(ctx, path, Options{ReadOnly: readOnly})
		wantClass(t, err, failure.Unsupported, "ledger.newer")
		if !strings.Contains(err.Error(), "version 99") {
			t.Errorf("got %v", err)
		}
	}
}

func TestPairRunsAndTheRest(t *testing.T) {
	ctx := context.Background()
	clock := newClock()
	path := filepath.Join(t.TempDir(), "pair.ledger")
	l := openAt(t, path, Options{Now: clock.now})
	if s, to, err := l.Pair(ctx); err != nil || s != "" || to != "" {
		t.Fatalf("new ledger: %q, %q, %v", s, to, err)
	}
	for range 2 {
		must(t, l.Bind(ctx, "mbox:/a", "site:b"))
	}
	wantClass(t, l.Bind(ctx, "mbox:/a", "site:c"), failure.Conflict, "ledger.pair")
	if s, to, err := l.Pair(ctx); err != nil || s != "mbox:/a" || to != "site:b" {
		t.Errorf("pair: %q, %q, %v", s, to, err)
	}

	run, previous, err := l.BeginRun(ctx, "waybill run one")
	must(t, err)
	if run.ID == 0 || !run.Started.Equal(clock.t) || run.PID != os.Getpid() || previous != nil {
		t.Errorf("first run: %+v, previous %+v", run, previous)
	}
	run2, previous, err := l.BeginRun(ctx, "waybill run two")
	must(t, err)
	if previous == nil || previous.ID != run.ID || !previous.Ended.IsZero() || previous.Command != "waybill run one" {
		t.Errorf("previous: %+v", previous)
	}
	must(t, l.EndRun(ctx, run2.ID, 2))
	run3, previous, err := l.BeginRun(ctx, "waybill run three")
	if err != nil || previous != nil {
		t.Errorf("previous: %+v, %v", previous, err)
	}
	runs, err := l.Runs(ctx)
	if err != nil || len(runs) != 3 || runs[1].Exit != 2 || !runs[1].Ended.Equal(clock.t) || runs[2] != run3 {
		t.Errorf("runs: %+v, %v", runs, err)
	}

	for n, body := range map[string][]byte{"plan": []byte("{}"), "empty": nil} {
		must(t, l.PutDocument(ctx, n, []byte("before")))
		must(t, l.PutDocument(ctx, n, body))
		if got, err := l.Document(ctx, n); err != nil || got == nil || string(got) != string(body) {
			t.Errorf("document %s: %q, %v", n, got, err)
		}
	}
	if got, err := l.Document(ctx, "none"); err != nil || got != nil {
		t.Errorf("document that is not there: %q, %v", got, err)
	}

	must(t, l.SetProvisioned(ctx, "account", "anna", "intended"))
	must(t, l.SetProvisioned(ctx, "account", "anna", "made"))
	must(t, l.SetProvisioned(ctx, "list", "anna", "intended"))
	if got, err := l.Provisioned(ctx, "account"); err != nil || len(got) != 1 || got["anna"] != "made" {
		t.Errorf("provisioned: %v, %v", got, err)
	}

	events := []event.Event{
		{Code: event.RunStarted, Time: clock.t.Add(5), Severity: "info", Text: "run started", Remedy: "none"},
		{Code: event.MessageRefused, Time: clock.t.Add(-5), User: "anna", Folder: "INBOX", Key: "k", Detail: "552"},
	}
	must(t, l.AddEvents(ctx, run2.ID, events))
	must(t, l.AddEvents(ctx, run3.ID, events[:1]))
	must(t, l.AddEvents(ctx, run3.ID, nil))
	for run, want := range map[int64][]event.Event{run.ID: nil, run2.ID: events, 0: append(slices.Clone(events), events[0])} {
		var got []event.Event
		for e, err := range l.Events(ctx, run) {
			must(t, err)
			got = append(got, e)
		}
		if !slices.Equal(got, want) {
			t.Errorf("events of run %d: %+v, want %+v", run, got, want)
		}
	}
	samples := []Sample{{Time: clock.t, Messages: 1, Bytes: 2}, {Time: clock.t.Add(-1), Messages: 3, Bytes: 4}}
	for _, s := range samples {
		must(t, l.AddSample(ctx, run2.ID, s))
	}
	if got, err := l.Samples(ctx, run2.ID); err != nil || !slices.Equal(got, samples) {
		t.Errorf("samples: %+v, %v", got, err)
	}
}
