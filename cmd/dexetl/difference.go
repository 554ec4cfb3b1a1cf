package main

import (
	"fmt"
	"slices"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/schemas"
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
	totals, rows := differenceTables(d)
	if err := p.show(p.stdout, totals); err != nil {
		return err
	}
	rows.Rows = slices.DeleteFunc(rows.Rows, func(row []any) bool { return row[1] == nil }) // the sums have them
	if len(rows.Rows) == 0 {
		return nil
	}
	p.tell("")
	return p.show(p.stdout, rows)
}

// differenceValues are a difference as JSON of several forms, which begin with them.
func differenceValues(d load.Difference) []any {
	lost := make([]map[string]any, len(d.NotCompared))
	for i, n := range d.NotCompared {
		lost[i] = map[string]any{"snapshot": n.Snapshot, "table": n.Table, "partition": n.Partition, "file": n.Err.Path, "reason": n.Err.Err.Error()}
	}
	totals, rows := differenceTables(d)
	return []any{d.Equal() && len(d.NotCompared) == 0, d.Identical(), lost, totals.Objects(), rows.Objects()}
}

// differenceTables have the sums by table, and the rows by table and participant.
func differenceTables(d load.Difference) (totals, rows table.Table) {
	totals.Columns, rows.Columns = schemas.Diff().Columns("totals"), schemas.Diff().Columns()
	for _, c := range d.Totals() {
		totals.Rows = append(totals.Rows, []any{c.Table, c.Added, c.Changed, c.Removed, c.History})
	}
	for _, c := range d.Rows {
		rows.Rows = append(rows.Rows, []any{c.Table, orNull(c.Participant), c.Added, c.Changed, c.Removed, c.History})
	}
	return totals, rows
}
