package snapshot

import (
	"context"
	"errors"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
)

// Explain looks for a damaged file after err ended a query over snapshot m:
// DuckDB does not say which file it could not read in a way that a program can
// use. It returns a *lake.DamageError for the first file that is not what the
// manifest says, or else err itself. Errors of the statement come back at once;
// otherwise it reads every file.
func Explain(ctx context.Context, l *lake.Lake, m lake.Manifest, err error) error {
	var d *duckdb.Error
	if !errors.As(err, &d) {
		return err
	}
	switch d.Type {
	case duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax, duckdb.ErrorTypeBinder, duckdb.ErrorTypeCatalog,
		duckdb.ErrorTypePermission, duckdb.ErrorTypeInterrupt, duckdb.ErrorTypeOutOfMemory:
		return err
	}
	return damaged(ctx, l, m, err)
}

// damaged is Explain for statements of ours, which are right.
func damaged(ctx context.Context, l *lake.Lake, m lake.Manifest, err error) error {
	for _, f := range m.Files {
		if ctx.Err() != nil {
			return err
		}
		var damage *lake.DamageError
		if e := l.Check(f); errors.As(e, &damage) {
			return damage
		}
	}
	return err
}
