package index_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"waybill/failure"
	"waybill/sitestore/index"
)

func create(t *testing.T) *index.File {
	t.Helper()
	f := index.New(filepath.Join(t.TempDir(), "index"), func() string { return "somebody else" })
	t.Cleanup(func() { _ = f.Close() })
	if err := f.OpenToWrite(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := f.OpenToRead(t.Context()); err != nil {
		t.Fatal(err)
	}
	return f
}

func containers(t *testing.T, f *index.File) int {
	t.Helper()
	var n int
	if found, err := f.Row(t.Context(), "count", `SELECT count(*) FROM container`, nil, &n); err != nil || !found {
		t.Fatal(found, err)
	}
	return n
}

// TestMany inserts more and fewer rows than one statement takes.
func TestMany(t *testing.T) {
	f := create(t)
	want := 0
	for _, rows := range []int{0, 1, 49, 50, 51, 237} {
		err := f.Change(t.Context(), "fill", func(tx *index.Tx) error {
			many := tx.Many(`INSERT INTO container (name) VALUES `, 1)
			for i := range rows {
				if err := many.Add(fmt.Sprintf("%d of %d", i, rows)); err != nil {
					return err
				}
			}
			return many.Flush()
		})
		if want += rows; err != nil || containers(t, f) != want {
			t.Fatalf("after %d more rows there are %d, want %d; %v", rows, containers(t, f), want, err)
		}
	}
}

// TestChangeIsUndone fails half-way and finds nothing of it.
func TestChangeIsUndone(t *testing.T) {
	f := create(t)
	add := func(name string, fail error) error {
		return f.Change(t.Context(), "add", func(tx *index.Tx) error {
			return errors.Join(tx.Exec(`INSERT INTO container (name) VALUES (?)`, name), fail)
		})
	}
	broken := failure.New(failure.Usage, "add", "a", "test.broken", nil)
	if err := add("a", broken); failure.RuleOf(err) != "test.broken" || containers(t, f) != 0 {
		t.Errorf("%v, and %d rows are there", err, containers(t, f))
	}
	if err := add("a", nil); err != nil {
		t.Error(err)
	}
	if err := add("a", nil); failure.ClassOf(err) != failure.Conflict || containers(t, f) != 1 {
		t.Errorf("the same row again: %v, and %d rows are there", err, containers(t, f))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Change(ctx, "add", func(*index.Tx) error { t.Error("it began"); return nil }); failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("a change after the end of its context: %v", err)
	}
}

// TestLayouts opens for reading what older and newer programs would have left.
func TestLayouts(t *testing.T) {
	for _, version := range []int{0, 1 << 20} {
		f := create(t)
		if err := f.Change(t.Context(), "alter", func(tx *index.Tx) error {
			return tx.Exec(`UPDATE goose_db_version SET version_id = ?`, version)
		}); err != nil {
			t.Fatal(err)
		}
		reader := index.New(f.Path(), nil)
		err := reader.OpenToRead(t.Context())
		var e *failure.Error
		if !errors.As(err, &e) || e.Class != failure.Unsupported || e.Rule != "site.schema" || e.Remedy == "" {
			t.Errorf("layout %d: %v", version, err)
		}
		if err := errors.Join(reader.Close(), f.Close()); err != nil {
			t.Error(err)
		}
	}
}

// TestReadOnly has nothing to change with.
func TestReadOnly(t *testing.T) {
	f := create(t)
	reader := index.New(f.Path(), nil)
	defer func() { _ = reader.Close() }()
	if err := reader.OpenToRead(t.Context()); err != nil || reader.Writable() {
		t.Fatal(err, reader.Writable())
	}
	err := reader.Change(t.Context(), "change", func(*index.Tx) error { t.Error("it began"); return nil })
	if failure.ClassOf(err) != failure.Denied {
		t.Error(err)
	}
	err = reader.Rows(t.Context(), "change", `INSERT INTO container (name) VALUES ('x')`, func(*sql.Rows) error { return nil })
	if failure.ClassOf(err) != failure.Denied || containers(t, f) != 0 {
		t.Errorf("%v, and %d rows are there", err, containers(t, f))
	}
}
