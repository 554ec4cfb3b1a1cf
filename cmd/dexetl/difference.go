package main

import (
	"fmt"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/table"
)

// verdictOf says in words how two snapshots differ.
func verdictOf(d load.Difference) string {
	switch {
	case d.Identical():
		return "equal, to the last row of its history"
	case d.Equal() && len(d.NotCompared) > 0:
		return "equal as far as it could be compared"
	case d.Equal():
		return "equal, with another history"
	}
	sum := d.Sum()
	return fmt.Sprintf("different: %s rows added, %s changed, %s removed", thousands(sum.Added), thousands(sum.Changed), thousands(sum.Removed))
}

// printDifference prints the sums by table, then the rows by table and
// participant, on standard output; what could not be compared is talk.
func (p *program) printDifference(d load.Difference) error {
	for _, n := range d.NotCompared {
		p.say("  not compared: %s %s, because of snapshot %d: %v", n.Table, n.Partition, n.Snapshot, n.Err)
	}
	if len(d.Rows) == 0 {
		return nil
	}
	totals := table.Table{Columns: []string{"table", "added", "changed", "removed", "history"}}
	for _, c := range d.Totals() {
		totals.Rows = append(totals.Rows, []any{c.Table, c.Added, c.Changed, c.Removed, c.History})
	}
	if err := p.show(p.stdout, totals); err != nil {
		return err
	}
	rows := table.Table{Columns: []string{"table", "participant_id", "added", "changed", "removed", "history"}}
	for _, c := range d.Rows {
		if c.Participant != "" {
			rows.Rows = append(rows.Rows, []any{c.Table, c.Participant, c.Added, c.Changed, c.Removed, c.History})
		}
	}
	if len(rows.Rows) == 0 {
		return nil
	}
	p.tell("")
	return p.show(p.stdout, rows)
}

// differenceFields are a difference as JSON of several schemas.
func differenceFields(d load.Difference) map[string]any {
	counts := func(all []load.RowCounts, of func(load.RowCounts) map[string]any) []map[string]any {
		out := make([]map[string]any, len(all))
		for i, c := range all {
			out[i] = of(c)
			out[i]["table"], out[i]["added"], out[i]["changed"] = c.Table, c.Added, c.Changed
			out[i]["removed"], out[i]["history"] = c.Removed, c.History
		}
		return out
	}
	lost := make([]map[string]any, len(d.NotCompared))
	for i, n := range d.NotCompared {
		lost[i] = map[string]any{"snapshot": n.Snapshot, "table": n.Table, "partition": n.Partition, "file": n.Err.Path, "reason": n.Err.Err.Error()}
	}
	return map[string]any{
		"equal": d.Equal() && len(d.NotCompared) == 0, "identical": d.Identical(), "not_compared": lost,
		"totals": counts(d.Totals(), func(load.RowCounts) map[string]any { return map[string]any{} }),
		"rows":   counts(d.Rows, func(c load.RowCounts) map[string]any { return map[string]any{"participant_id": orNull(c.Participant)} }),
	}
}
