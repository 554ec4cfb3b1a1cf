package snapshot

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

// damage are the damaged files of a snapshot, by path, which begins with the table's
// folder. A table with any cannot be read; all others can.
type damage map[string]*lake.DamageError

// list are all files, by table and path.
func (d damage) list() (all []*lake.DamageError) {
	for _, path := range slices.Sorted(maps.Keys(d)) {
		all = append(all, d[path])
	}
	return all
}

// of is the first damaged file of a table, or of those that it is computed of; nil if
// the table can be read.
func (d damage) of(table string) *lake.DamageError {
	sources := []string{table}
	if isComputed(table) {
		sources = sql.SpanTables()
	}
	for _, harm := range d.list() {
		for _, source := range sources {
			if strings.HasPrefix(harm.Path, "data/"+source+"/") {
				return harm
			}
		}
	}
	return nil
}

// look looks for damage that is not known in those files of m that are wanted, by
// one of Lake's checks. It reports whether there is any.
func (d damage) look(ctx context.Context, m lake.Manifest, wanted func(table string) bool, check func(lake.File) error) (found bool, err error) {
	for _, f := range m.Files {
		if err := ctx.Err(); err != nil {
			return found, err
		}
		if !wanted(f.Table) || d[f.Path] != nil {
			continue
		}
		err := check(f)
		if harm, ok := errors.AsType[*lake.DamageError](err); ok {
			d[f.Path] = harm
			found = true
		} else if err != nil {
			return found, err
		}
	}
	return found, nil
}

// relation is the statement that creates the view of a table of m over files, or one
// that fails if the table cannot be read.
func (d damage) relation(t transform.Table, m lake.Manifest, files string) string {
	if harm := d.of(t.Name); harm != nil {
		return failingRelation(t, complaint(harm))
	}
	return relation(t, m, files)
}

// complaint is what is said to whoever reads the table of a damaged file.
func complaint(harm *lake.DamageError) string {
	return fmt.Sprintf("%v; a repair brings its rows back from the raw log", harm)
}

// failingRelation is the statement for a table that cannot be read: a view with the
// table's columns, and an error to whoever reads it. The condition is there for those
// who ask for no column, and the columns for those whose own conditions come first.
func failingRelation(t transform.Table, why string) string {
	fail := "error(" + text(why) + ")"
	columns := selected(t, func(c transform.Column) string {
		return fmt.Sprintf("%s::%s as %s", fail, sqlType(c.Type), identifier(c.Name))
	})
	return fmt.Sprintf("create or replace view %s as\nselect\n    %s,\nfrom range(1)\nwhere %s is null;",
		identifier(t.Name), columns, fail)
}
