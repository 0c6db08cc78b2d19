package index

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pressly/goose/v3"

	"waybill/failure"
)

//go:embed migrations/*.sql
var migrations embed.FS

// applicationID is "WBST" in a SQLite file's header.
const applicationID = 1463964500

// newestLayout is the number of the newest migration.
func newestLayout() int64 {
	entries, err := fs.ReadDir(migrations, "migrations")
	if err != nil {
		return 0
	}
	var newest int64
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		var n int64
		if _, err := fmt.Sscanf(number, "%d", &n); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}

const layoutOf = `SELECT coalesce(max(version_id), 0) FROM goose_db_version`

// checkLayout refuses tables of another layout than this program's.
func (f *File) checkLayout(ctx context.Context) error {
	const op = "open site"
	var have int64
	if err := f.reads.db().QueryRowContext(ctx, layoutOf).Scan(&have); err != nil {
		return f.Fail(op, err)
	}
	want := newestLayout()
	if have == want {
		return nil
	}
	e := failure.New(failure.Unsupported, op, f.path, "site.schema",
		fmt.Errorf("the site has layout %d, this program knows layout %d", have, want))
	if have < want {
		return e.WithRemedy("open the site for writing once, which brings it up to date: any change with waybill site, or a migration into it")
	}
	return e.WithRemedy("use the newer program that wrote the site")
}

// migrate brings the tables up to date.
func (f *File) migrate(ctx context.Context) error {
	const op = "bring site up to date"
	var id, tables, version int64
	conn := f.write.conn
	if err := conn.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return f.Fail(op, err)
	}
	if err := conn.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master`).Scan(&tables); err != nil {
		return f.Fail(op, err)
	}
	switch {
	case id == 0 && tables == 0: // new
	default:
		err := conn.QueryRowContext(ctx, layoutOf).Scan(&version)
		if err != nil || version >= newestLayout() {
			return f.Fail(op, err)
		}
	}
	// goose wants connections of its own.
	if err := conn.Close(); err != nil && !errors.Is(err, sql.ErrConnDone) {
		return f.Fail(op, err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return f.Fail(op, err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, f.write.db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return f.Fail(op, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return f.Fail(op, err)
	}
	if f.write.conn, err = f.write.db.Conn(context.WithoutCancel(ctx)); err != nil {
		return f.Fail(op, err)
	}
	return nil
}
