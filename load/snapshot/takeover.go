//go:build linux || darwin

package snapshot

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/transform"
)

// takeOver finds the rows that latest has and that are right as they are. Where its
// tables are missing, damaged or of another program, there are none.
func (c *computing) takeOver(ctx context.Context) error {
	if old, err := c.oldRelations(); err != nil {
		return err
	} else if old != nil && c.execute(ctx, append(old, keptRows)...) == nil {
		return nil
	}
	var none []string
	for _, t := range Computed() {
		none = append(none, fmt.Sprintf("create or replace view old_%s as\n%s", t.Name, noRows(t)))
	}
	return c.execute(ctx, append(none, keptRows)...)
}

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

// hasComputed reports whether the folder of a snapshot has the computed tables.
func hasComputed(root *os.Root, folder string) (bool, error) {
	names, err := computedNames(root, folder, episodesTable)
	return len(names) > 0, err
}

// sameSpan joins spans of two relations. Whether the last dates are the same does not
// matter: what is computed follows from the readings alone, and days without any come
// to the end of a study every day.
const sameSpan = `%[2]s.participant_id = %[1]s.participant_id
    and %[2]s.scope = %[1]s.scope
    and %[2]s.label = %[1]s.label
    and %[2]s.first_date is not distinct from %[1]s.first_date`

// keptRows are the spans whose rows are right as they are, but perhaps for the last date.
var keptRows = `create table kept as
select s.participant_id, s.scope, s.label, s.first_date, s.last_date,
from old_span_metrics o
join scopes s on ` + fmt.Sprintf(sameSpan, "o", "s") + `
    and s.n_values = o.n_values
    and s.readings_hash = o.readings_hash
    and s.metrics_version = o.metrics_version`
