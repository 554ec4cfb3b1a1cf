//go:build linux || darwin

package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// takeOver finds the rows that latest has and that are right as they are. Where its
// tables are missing, damaged or of another program, there are none.
func (c *computing) takeOver(ctx context.Context) error {
	old, err := c.oldRelations()
	if err != nil {
		return err
	}
	c.takes = old != nil && c.execute(ctx, append(old, compared, kept)...) == nil
	if c.takes {
		return nil
	}
	return c.execute(ctx, "create or replace table compared as\n"+allDue)
}

// allDue are the spans of a snapshot of which none was computed before.
const allDue = "select *, 'due' as state,\nfrom scopes"

// oldRelations are the statements for the computed tables of latest, which fail if their
// columns are others; nil: there are none.
func (c *computing) oldRelations() (statements []string, err error) {
	for _, t := range Computed() {
		files, err := computedFiles(c.lake, latestName, t.Name)
		if err != nil || len(files) == 0 || c.anew {
			return nil, err
		}
		columns := selected(t, func(c transform.Column) string { return identifier(c.Name) })
		statements = append(statements,
			fmt.Sprintf("select if(count(*) = %d, null, error('columns of another program')) from parquet_schema(%s)", 1+len(t.Columns), text(files[0])),
			fmt.Sprintf("create or replace view old_%s as\nselect\n    %s,\nfrom read_parquet(%s, hive_partitioning = false)", t.Name, columns, fileList(files)))
	}
	return statements, nil
}

// computedFiles are the files of a computed table in the folder of a snapshot, if that
// has them.
func computedFiles(l *lake.Lake, folder, table string) (files []string, err error) {
	names, err := computedNames(l.Root(), folder, table)
	for _, name := range names {
		file, err := absolute(l, path.Join(folder, table, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, err
}

// computedNames are the names of these files.
func computedNames(root *os.Root, folder, table string) (names []string, err error) {
	entries, err := fs.ReadDir(root.FS(), path.Join(folder, table))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".parquet") && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names, err
}

// hasComputed reports whether the folder of a snapshot has the computed tables as this
// program makes them.
func hasComputed(root *os.Root, folder string) (bool, error) {
	return computedIn(root, folder, func(_ string, known, columns []string) bool { return slices.Equal(known, columns) })
}

// hasReadable reports whether it has them so, or without what was not told in rows before.
func hasReadable(root *os.Root, folder string) (bool, error) {
	return computedIn(root, folder, func(table string, known, columns []string) bool {
		before := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == toldSince[table] })
		return slices.Equal(known, columns) || slices.Equal(before, columns)
	})
}

// computedIn reports whether the folder of a snapshot has the computed tables, with columns
// that fit those that this program knows. A damaged file may have any: whoever reads it is
// told.
func computedIn(root *os.Root, folder string, fit func(table string, known, columns []string) bool) (bool, error) {
	for _, t := range Computed() {
		names, err := computedNames(root, folder, t.Name)
		if err != nil || len(names) == 0 {
			return false, err
		}
		var known []string
		for _, c := range t.Columns {
			known = append(known, c.Name)
		}
		columns, err := columnsOf(root, path.Join(folder, t.Name, names[0]))
		if err == nil && !fit(t.Name, known, columns) {
			return false, nil
		}
	}
	return true, nil
}

// columnsOf are the columns of a Parquet file.
func columnsOf(root *os.Root, name string) (columns []string, err error) {
	in, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	p, err := file.NewParquetReader(in)
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	for i := range p.MetaData().Schema.NumColumns() {
		columns = append(columns, p.MetaData().Schema.Column(i).Name())
	}
	return columns, p.Close() // closes the file, too
}

// sameSpan joins spans of two relations. Whether the last dates are the same does not
// matter: what is computed follows from the readings alone, and days without any come
// to the end of a study every day.
func sameSpan(a, b string) string {
	return fmt.Sprintf(`%[2]s.participant_id = %[1]s.participant_id
    and %[2]s.scope = %[1]s.scope
    and %[2]s.label = %[1]s.label
    and %[2]s.first_date is not distinct from %[1]s.first_date`, a, b)
}

// compared are the spans of this snapshot and of latest. Moved is the last date alone.
var compared = `create or replace table compared as
select
    coalesce(s.participant_id, o.participant_id) as participant_id,
    coalesce(s.scope, o.scope) as scope,
    coalesce(s.label, o.label) as label,
    coalesce(s.first_date, o.first_date) as first_date,
    s.last_date, s.takes_unknown, s.first_utc, s.last_utc, s.n_values, s.readings_hash, s.metrics_version, s.episode_preset, s.preset,
    case
        when s.scope is null then 'gone'
        when o.scope is null then 'due'
        when s.n_values <> o.n_values or s.readings_hash <> o.readings_hash or s.metrics_version <> o.metrics_version then 'due'
        when s.episode_preset <> o.episode_preset then 'due'
        when s.last_date is distinct from o.last_date then 'moved'
        else 'same'
    end as state,
from scopes s
full join old_span_metrics o on ` + sameSpan("s", "o")

// kept are those whose rows are right as they are, but perhaps for the last date.
const kept = `create or replace view kept as
select participant_id, scope, label, first_date, last_date,
from compared
where state in ('same', 'moved')`
