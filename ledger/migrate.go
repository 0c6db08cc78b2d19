package ledger

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"

	"waybill/failure"
)

//go:embed migrations/*.sql
var embedded embed.FS

// shapes is the series of schema versions that this program knows.
func shapes() (fs.FS, error) { return fs.Sub(embedded, "migrations") }

func newProvider(db *sql.DB, series fs.FS) (*goose.Provider, error) {
	return goose.NewProvider(goose.DialectSQLite3, db, series,
		goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// newest is the highest version in a series.
func newest(db *sql.DB, series fs.FS) (int64, error) {
	p, err := newProvider(db, series)
	if err != nil {
		return 0, err
	}
	var top int64
	for _, s := range p.ListSources() {
		top = max(top, s.Version)
	}
	return top, nil
}

// shapeOf reads the version of the schema in db without changing it; 0 means
// that there is none.
func shapeOf(ctx context.Context, db *sql.DB) (int64, error) {
	var tables int64
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM sqlite_master WHERE name = 'goose_db_version'`).Scan(&tables); err != nil || tables == 0 {
		return 0, err
	}
	var version sql.NullInt64
	err := db.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version WHERE is_applied`).Scan(&version)
	return version.Int64, err
}

// migrate brings db to the newest version of the series. A database that is
// newer than the series is refused and left as it is.
func migrate(ctx context.Context, db *sql.DB, path string, series fs.FS, readOnly bool) error {
	have, err := shapeOf(ctx, db)
	if err != nil {
		return explain("open ledger", path, err)
	}
	top, err := newest(db, series)
	if err != nil {
		return failure.New(failure.Internal, "open ledger", path, "ledger.shape", err)
	}
	switch {
	case have > top:
		return failure.New(failure.Unsupported, "open ledger", path, "ledger.newer",
			fmt.Errorf("the ledger has version %d and this program knows up to %d", have, top)).
			WithRemedy("use the newer Waybill that wrote it; the ledger was not changed")
	case have == top:
		return nil
	case readOnly && have == 0:
		return failure.New(failure.Malformed, "open ledger", path, "ledger.foreign",
			errors.New("there is no ledger in this file")).WithRemedy("name the ledger of a migration")
	case readOnly:
		return failure.New(failure.Conflict, "open ledger", path, "ledger.older",
			fmt.Errorf("the ledger has version %d and this program needs %d", have, top)).
			WithRemedy("run a command that writes it once, such as waybill run, to bring it up to date")
	}
	p, err := newProvider(db, series)
	if err != nil {
		return failure.New(failure.Internal, "open ledger", path, "ledger.shape", err)
	}
	if _, err := p.Up(ctx); err != nil {
		return explain("bring the ledger up to date", path, err)
	}
	return nil
}
