//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
)

// DatabasePath is the path, from the lake's folder, of the database of snapshot n.
func DatabasePath(n int64) string { return path.Join(folderOf(n), databaseName) }

// ReadsElsewhere is the folder that the database of snapshot n reads, where it is not the one
// in which it lies: the lake was moved, or is a copy, and what was copied may go on there.
// Else, and where the database cannot be opened, which its sum tells, it is empty.
func ReadsElsewhere(ctx context.Context, l *lake.Lake, n int64) (string, error) {
	file, err := absolute(l, DatabasePath(n))
	if err != nil {
		return "", err
	}
	own, err := os.Stat(path.Dir(file))
	if err != nil {
		return "", nil
	}
	reads, err := folderRead(ctx, file)
	if err != nil || reads == noPattern(path.Dir(file)+"/") {
		return "", ctx.Err()
	}
	if other, err := os.Stat(reads); err == nil && os.SameFile(own, other) {
		return "", nil
	}
	return path.Clean(reads), nil
}

// folderRead asks a database for its folder, and changes nothing.
func folderRead(ctx context.Context, file string) (folder string, err error) {
	connector, err := duckdb.NewConnector("?threads=1", nil)
	if err != nil {
		return "", err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	for _, s := range []string{"attach " + text(file) + " as snapshot (read_only)", "use snapshot"} {
		if _, err := db.ExecContext(ctx, s); err != nil {
			return "", err
		}
	}
	return folder, db.QueryRowContext(ctx, "select snapshot_folder()").Scan(&folder)
}
