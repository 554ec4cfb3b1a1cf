//go:build linux || darwin

package snapshot

import (
	"context"
	"errors"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
)

// Explain looks for a damaged file after err ended a query over snapshot m. It
// returns a *lake.DamageError for the file that the query could not read, or else err
// itself. Errors of the statement come back at once; otherwise it may read every file.
func Explain(ctx context.Context, l *lake.Lake, m lake.Manifest, err error) error {
	d, ok := errors.AsType[*duckdb.Error](err)
	if !ok {
		return err
	}
	switch d.Type {
	case duckdb.ErrorTypeParser, duckdb.ErrorTypeSyntax, duckdb.ErrorTypeBinder, duckdb.ErrorTypeCatalog,
		duckdb.ErrorTypePermission, duckdb.ErrorTypeOutOfMemory,
		duckdb.ErrorTypeConversion, duckdb.ErrorTypeOutOfRange, duckdb.ErrorTypeDivideByZero:
		return err
	case duckdb.ErrorTypeInterrupt:
		// Else one of DuckDB's threads failed, and another that it told to stop was heard first.
		if ctx.Err() != nil {
			return err
		}
	}
	if harm := namedIn(d.Msg, l, m); harm != nil {
		return harm
	}
	// DuckDB does not always say which file it could not read. One that is known to be
	// damaged it did not try to.
	known, inside := make(damage), make(damage)
	if _, e := known.look(ctx, m, shown, l.CheckSize); e != nil {
		return err
	}
	unknown := func(table string) bool { return shown(table) && known.of(table) == nil }
	if _, e := inside.look(ctx, m, unknown, l.Check); e != nil {
		return err
	}
	for _, t := range tables() {
		if harm := inside.of(t.Name); harm != nil {
			return harm
		}
	}
	return err
}

// namedIn returns the damage of the file that a message names. The names of data
// files are ours, whoever wrote the message.
func namedIn(message string, l *lake.Lake, m lake.Manifest) *lake.DamageError {
	for _, f := range m.Files {
		var harm *lake.DamageError
		if strings.Contains(message, f.Path) && errors.As(l.Check(f), &harm) {
			return harm
		}
	}
	return nil
}
