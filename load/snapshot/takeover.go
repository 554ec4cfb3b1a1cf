//go:build linux || darwin

package snapshot

import (
	"context"
	"fmt"
	"path"

	"github.com/dexetl/dexetl/transform"
)

// takeOver finds the rows that latest has and that are right as they are. Where its
// tables are missing, damaged or of another program, there are none.
func (c *computing) takeOver(ctx context.Context) error {
	var old, none []string
	for _, t := range Computed() {
		file, err := absolute(c.lake, path.Join(latestName, computedFile(t.Name)))
		if err != nil {
			return err
		}
		columns := selected(t, func(c transform.Column) string { return identifier(c.Name) })
		old = append(old, fmt.Sprintf("create or replace view old_%s as\nselect\n    %s,\nfrom read_parquet(%s, hive_partitioning = false)", t.Name, columns, fileList([]string{file})))
		none = append(none, fmt.Sprintf("create or replace view old_%s as\n%s", t.Name, noRows(t)))
	}
	if c.execute(ctx, append(old, keptRows)...) == nil {
		return nil
	}
	return c.execute(ctx, append(none, keptRows)...)
}

// sameSpan joins spans of two relations.
const sameSpan = `%[2]s.participant_id = %[1]s.participant_id
    and %[2]s.scope = %[1]s.scope
    and %[2]s.label = %[1]s.label
    and %[2]s.first_date is not distinct from %[1]s.first_date
    and %[2]s.last_date is not distinct from %[1]s.last_date`

// keptRows are the spans whose rows are right as they are.
var keptRows = `create table kept as
select o.participant_id, o.scope, o.label, o.first_date, o.last_date,
from old_span_metrics o
join scopes s on ` + fmt.Sprintf(sameSpan, "o", "s") + `
    and s.n_values = o.n_values
    and s.readings_hash = o.readings_hash
    and s.metrics_version = o.metrics_version
    and s.episode_preset = o.episode_preset`
