package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"waybill/failure"
)

// maxGroup bounds how many writes share one transaction.
const maxGroup = 64

// writer is the only goroutine that changes the file. Writes that wait while it
// is busy are put together in one transaction, so that they share one fsync. A
// write that fails takes nothing of the others with it: each has a savepoint.
type writer struct {
	path  string
	db    *sql.DB
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	// What is known of the tables; dropped whenever something is rolled back.
	known known
	// commits counts the transactions that were committed.
	commits int
	// waits tells whether a commit now waits until the disk has it.
	waits bool

	mu     sync.RWMutex // guards closed, and tasks against closing
	closed bool
	tasks  chan *task
	done   chan struct{}
}

// known is what the writer remembers of the tables, being the only one who
// changes them.
type known struct {
	words   map[string]int64      // keyword_set
	kinds   map[string]int64      // note_kind
	folders map[int64]folderFacts // folder
	turn    int64                 // the highest turn of a mailbox; 0 is not known
}

// folderFacts tell what a checkpoint needs to know of a folder. The last two may
// be true for nothing, and are never false when there is something.
type folderFacts struct {
	mailbox           int64
	exceptions, notes bool
}

const (
	taskWaiting int32 = iota
	taskTaken
	taskAbandoned
)

// task is one write that somebody waits for.
type task struct {
	run   func(*writer) error
	later bool // need not be durable when it returns
	state atomic.Int32
	err   error
	done  chan struct{}
}

func newWriter(ctx context.Context, db *sql.DB, path string) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	w := &writer{path: path, db: db, conn: conn, stmts: map[string]*sql.Stmt{}, waits: true,
		tasks: make(chan *task, maxGroup), done: make(chan struct{})}
	w.forget()
	go w.loop()
	return w, nil
}

// do runs fn in a transaction, and returns when that is durable or was undone.
// With later set it returns when that is written: it survives this process, and
// what becomes durable afterwards brings it along. When ctx ends before fn was
// begun, fn does not run; afterwards the outcome is waited for, so that the
// caller always knows it.
func (w *writer) do(ctx context.Context, later bool, fn func(*writer) error) error {
	t := &task{run: fn, later: later, done: make(chan struct{})}
	if err := w.hand(ctx, t); err != nil {
		return err
	}
	select {
	case <-t.done:
	case <-ctx.Done():
		if t.state.CompareAndSwap(taskWaiting, taskAbandoned) {
			return ctx.Err()
		}
		<-t.done
	}
	return t.err
}

// hand gives the task to the loop.
func (w *writer) hand(ctx context.Context, t *task) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return failure.New(failure.Usage, "write ledger", w.path, "ledger.closed", errors.New("the ledger was closed"))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.tasks <- t:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close does what was asked for until now, and closes the file.
func (w *writer) close() error {
	w.mu.Lock()
	was := w.closed
	w.closed = true
	w.mu.Unlock()
	if was {
		return nil
	}
	close(w.tasks)
	<-w.done
	for _, s := range w.stmts {
		_ = s.Close()
	}
	_ = w.wait(true)
	// Bring the log home, so that the file alone is the ledger. A reader may be
	// in the way, or the disk may be full: then the log stays beside it.
	_, _ = w.conn.ExecContext(context.Background(), `PRAGMA wal_checkpoint(TRUNCATE)`)
	return errors.Join(w.conn.Close(), w.db.Close())
}

func (w *writer) loop() {
	defer close(w.done)
	for t := range w.tasks {
		group := append(make([]*task, 0, maxGroup), t)
	gather:
		for len(group) < maxGroup {
			select {
			case t, ok := <-w.tasks:
				if !ok {
					break gather
				}
				group = append(group, t)
			default:
				break gather
			}
		}
		w.commit(group)
	}
}

// commit runs a group of tasks in one transaction. If the transaction as a
// whole fails, each task is tried alone, so that one that is too big for the
// disk does not take the small ones with it.
func (w *writer) commit(group []*task) {
	taken := group[:0]
	for _, t := range group {
		if t.state.CompareAndSwap(taskWaiting, taskTaken) {
			taken = append(taken, t)
		}
	}
	if len(taken) == 0 {
		return
	}
	err := w.transact(taken)
	if err != nil && len(taken) > 1 {
		for _, t := range taken {
			if err := w.transact([]*task{t}); err != nil {
				t.err = err
			}
			close(t.done)
		}
		return
	}
	for _, t := range taken {
		if err != nil {
			t.err = err
		}
		close(t.done)
	}
}

// transact runs the tasks in one transaction. A task's own failure is left in
// its err; an error that is returned concerns all, and nothing was written.
func (w *writer) transact(tasks []*task) error {
	if err := w.wait(slices.ContainsFunc(tasks, func(t *task) bool { return !t.later })); err != nil {
		return err
	}
	if _, err := w.exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	wrote := false
	for _, t := range tasks {
		if t.err = w.attempt(t, len(tasks) > 1); t.err == nil {
			wrote = true
		} else if broken(t.err) {
			w.undo()
			return t.err
		}
	}
	if !wrote {
		w.undo()
		return nil
	}
	if _, err := w.exec(`COMMIT`); err != nil {
		w.undo()
		return err
	}
	w.commits++
	return nil
}

// wait chooses whether the next commit waits for the disk. The log is written in
// order, so whatever waits makes durable what did not wait before it.
func (w *writer) wait(yes bool) error {
	if w.waits == yes {
		return nil
	}
	// Not kept prepared: SQLite obeys this one while it reads the statement.
	level := `PRAGMA synchronous = NORMAL`
	if yes {
		level = `PRAGMA synchronous = FULL`
	}
	if _, err := w.conn.ExecContext(context.Background(), level); err != nil {
		return err
	}
	w.waits = yes
	return nil
}

// attempt runs one task, under a savepoint when others share the transaction.
func (w *writer) attempt(t *task, shared bool) error {
	if !shared {
		return t.run(w)
	}
	if _, err := w.exec(`SAVEPOINT task`); err != nil {
		return err
	}
	if err := t.run(w); err != nil {
		w.forget()
		if broken(err) {
			return err
		}
		if _, undoErr := w.exec(`ROLLBACK TO task`); undoErr != nil {
			return undoErr
		}
		if _, undoErr := w.exec(`RELEASE task`); undoErr != nil {
			return undoErr
		}
		return err
	}
	_, err := w.exec(`RELEASE task`)
	return err
}

// undo rolls back. SQLite may have done so already by itself.
func (w *writer) undo() {
	w.forget()
	_, _ = w.exec(`ROLLBACK`)
}

func (w *writer) forget() {
	w.known = known{words: map[string]int64{}, kinds: map[string]int64{}, folders: map[int64]folderFacts{}}
}

// broken reports whether err may have ended the whole transaction: every error
// of SQLite may, except that a rule of the tables was broken.
func broken(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff != sqlite3.SQLITE_CONSTRAINT
}

// exec runs a statement of the transaction. Statements are kept prepared, so
// their text must come from a small set.
func (w *writer) exec(query string, args ...any) (sql.Result, error) {
	s, err := w.statement(query)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(context.Background(), args...)
}

// row runs a query for at most one row and tells whether there was one.
func (w *writer) row(query string, args []any, into ...any) (bool, error) {
	s, err := w.statement(query)
	if err != nil {
		return false, err
	}
	err = s.QueryRowContext(context.Background(), args...).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// each runs a query and calls scan for every row.
func (w *writer) each(query string, args []any, scan func(*sql.Rows) error) error {
	s, err := w.statement(query)
	if err != nil {
		return err
	}
	rows, err := s.QueryContext(context.Background(), args...)
	if err != nil {
		return err
	}
	return drain(rows, scan)
}

func (w *writer) statement(query string) (*sql.Stmt, error) {
	if s := w.stmts[query]; s != nil {
		return s, nil
	}
	s, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = s
	return s, nil
}

// maxKnown bounds each of the writer's memories.
const maxKnown = 10_000

// intern gives the number of a text in a table of texts (id, column), adding it
// when it is not there.
func (w *writer) intern(memory map[string]int64, table, column, text string) (int64, error) {
	if id, ok := memory[text]; ok {
		return id, nil
	}
	var id int64
	found, err := w.row(fmt.Sprintf(`SELECT id FROM %s WHERE %s = ?`, table, column), []any{text}, &id)
	if err == nil && !found {
		_, err = w.row(fmt.Sprintf(`INSERT INTO %s (%s) VALUES (?) RETURNING id`, table, column), []any{text}, &id)
	}
	if err != nil {
		return 0, err
	}
	if len(memory) >= maxKnown {
		clear(memory)
	}
	memory[text] = id
	return id, nil
}
